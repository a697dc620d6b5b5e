"""Biokinetic models as files: those that come along, and users' own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

from tumorboard.dosimetry.biokinetics import BiokineticModel, BladderVoiding, Retention
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.units import S_PER_H

__all__ = ["BIOKINETIC_MODELS", "biokinetic_model", "read_biokinetics"]

#: Names of the models that come along.
BIOKINETIC_MODELS: Final = ("fdg",)

_TOP: Final = {"name", "nuclide", "references", "retention", "bladder"}
_RETENTION: Final = {"source", "fraction", "shares", "half_times_h", "uptake_half_time_h"}
_BLADDER: Final = {"fraction", "shares", "half_times_h", "voiding_interval_h"}


def biokinetic_model(name: str) -> BiokineticModel:
    """Return a model that comes along.

    ``fdg``: F-18 fluorodeoxyglucose in adults by ICRP Publication 106, which Publication 128 repeats
    [1]_ [2]_.

    Parameters
    ----------
    name
        One of :data:`BIOKINETIC_MODELS`.

    Returns
    -------
    BiokineticModel

    Raises
    ------
    InputError
        When there is none of this name.

    References
    ----------
    .. [1] icrp2008publication106
    .. [2] icrp2015publication128

    Examples
    --------
    >>> fdg = biokinetic_model("fdg")
    >>> {r.source: r.fraction for r in fdg.retentions}["brain"]
    0.08
    """
    if name.lower() not in BIOKINETIC_MODELS:
        raise InputError(
            f"name must be one of {', '.join(BIOKINETIC_MODELS)}; got {name!r}; give a model of your own as "
            "a TOML file"
        )
    file = resources.files("tumorboard.dosimetry") / "tables" / f"{name.lower()}.toml"
    return _model(tomllib.loads(file.read_text(encoding="utf-8")))


def read_biokinetics(path: Path) -> BiokineticModel:
    """Read a model from a TOML file.

    It has ``name``, ``nuclide``, ``references``, one ``[[retention]]`` per source region (``source``,
    ``fraction``, and where it does not stay ``shares`` and ``half_times_h``, ``uptake_half_time_h``), and
    ``[bladder]`` (``fraction``, ``shares``, ``half_times_h``, ``voiding_interval_h``) where there is one.

    Parameters
    ----------
    path
        Of the file.

    Returns
    -------
    BiokineticModel

    Raises
    ------
    UnreadableFile
        When it is no TOML.
    InputError
        When a name is missing or unknown, or the numbers are no model.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "tracer.toml"
    >>> _ = path.write_text('''name = "tracer"
    ... nuclide = "Ga-68"
    ... references = ["ours"]
    ... [[retention]]
    ... source = "kidneys"
    ... fraction = 0.1
    ... ''')
    >>> read_biokinetics(path).nuclide
    'Ga-68'
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as reason:
        raise UnreadableFile(
            f"biokinetic model {path.name!r} must be TOML; {reason}; see the manual"
        ) from reason
    return _model(found)


def _model(found: Mapping[str, Any]) -> BiokineticModel:
    _require_names("a biokinetic model", found, _TOP, _TOP - {"bladder"})
    retentions = []
    for row in _tables("retention", found["retention"]):
        _require_names("[[retention]]", row, _RETENTION, {"source", "fraction"})
        if ("shares" in row) != ("half_times_h" in row):
            raise InputError(
                f"shares and half_times_h of {row['source']} must both be there; got one of them"
            )
        more: dict[str, Any] = {}
        if "shares" in row:
            more = {"shares": _numbers(row, "shares"), "half_times_s": _times(row)}
        uptake = _number(row, "uptake_half_time_h") * S_PER_H if "uptake_half_time_h" in row else 0.0
        retentions.append(
            Retention(str(row["source"]), _number(row, "fraction"), uptake_half_time_s=uptake, **more)
        )
    bladder = None
    if "bladder" in found:
        (row,) = _tables("bladder", [found["bladder"]])
        _require_names("[bladder]", row, _BLADDER, _BLADDER)
        bladder = BladderVoiding(
            _number(row, "fraction"),
            _numbers(row, "shares"),
            _times(row),
            voiding_interval_s=_number(row, "voiding_interval_h") * S_PER_H,
        )
    references = found["references"]
    if not (isinstance(references, list) and all(isinstance(r, str) for r in references)):
        raise InputError(f"references must be a list of texts; got {references!r}")
    return BiokineticModel(
        str(found["name"]), str(found["nuclide"]), tuple(retentions), bladder, tuple(references)
    )


def _require_names(what: str, found: Mapping[str, Any], known: set[str], needed: set[str]) -> None:
    unknown, missing = sorted(set(found) - known), sorted(needed - set(found))
    if unknown or missing:
        wrong = f"unknown {', '.join(unknown)}" if unknown else f"no {', '.join(missing)}"
        raise InputError(f"{what} must have the names {', '.join(sorted(known))}; got {wrong}")


def _tables(name: str, value: Any) -> list[Mapping[str, Any]]:
    if not (isinstance(value, list) and value and all(isinstance(row, dict) for row in value)):
        raise InputError(f"{name} must be a table, as in [{name}]; got {value!r}")
    return value


def _number(row: Mapping[str, Any], name: str) -> float:
    value = row[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name} must be a number; got {value!r}")
    return float(value)


def _numbers(row: Mapping[str, Any], name: str) -> tuple[float, ...]:
    values = row[name]
    if not isinstance(values, list):
        raise InputError(f"{name} must be a list of numbers; got {values!r}")
    return tuple(_number({name: value}, name) for value in values)


def _times(row: Mapping[str, Any]) -> tuple[float, ...]:
    return tuple(S_PER_H * hours for hours in _numbers(row, "half_times_h"))
