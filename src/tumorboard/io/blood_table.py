"""Blood samples in tables: of someone's own, and in BIDS-PET's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.curve_table import (
    CurveTable,
    delimiter_of,
    header_word,
    one_scan,
    read_curve_table,
)
from tumorboard.io.curve_units import (
    ActivityUnit,
    DurationUnit,
    activity_unit,
    duration_unit,
    fraction_factor,
)
from tumorboard.io.files import write_text
from tumorboard.io.sidecar import read_sidecar, sidecar_of, write_sidecar
from tumorboard.provenance import Record

__all__ = ["BloodColumns", "JoinRule", "read_bids_blood", "read_blood_csv", "write_bids_blood"]

_BIDS_COLUMNS: Final = {
    "whole_blood": "whole_blood_radioactivity",
    "plasma": "plasma_radioactivity",
    "parent_fraction": "metabolite_parent_fraction",
}
_AVAILABLE: Final = {
    "whole_blood": "WholeBloodAvail",
    "plasma": "PlasmaAvail",
    "parent_fraction": "MetaboliteAvail",
}


class JoinRule(Enum):
    """What to do with a quantity that several files hold, such as an autosampler's and a manual one."""

    REFUSE = "refuse"
    """Files must hold different quantities."""

    LATER_SAMPLES = "later samples"
    """Take all of the file named first, and of each further one what is later than all before."""


@dataclass(frozen=True, slots=True)
class BloodColumns:
    """Which columns of a table of someone's own mean what.

    Parameters
    ----------
    time
        Header of the times.
    whole_blood, plasma, parent_fraction
        Headers; ``None`` for what is not there.
    time_unit, activity_unit
        Of the numbers; fractions are 0 to 1.
    where
        Cells that select the rows of one scan, by header.
    """

    time: str
    whole_blood: str | None
    plasma: str | None
    parent_fraction: str | None
    time_unit: DurationUnit
    activity_unit: ActivityUnit
    where: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "where", MappingProxyType(dict(self.where)))


def read_blood_csv(path: Path | str, columns: BloodColumns) -> BloodSamples:
    r"""Read samples from a table, such as kinfitr's, with the columns that are told.

    The table is separated by tabs (``.csv``: commas).

    Empty cells and ``n/a`` are samples that were not taken of that quantity.

    Parameters
    ----------
    path
        The file; a name that ends in ``.gz`` is unpacked.
    columns
        What the columns mean.

    Returns
    -------
    BloodSamples

    Raises
    ------
    MissingAttribute
        When a column is absent.
    InputError
        When a cell is no number, rows are of several scans, or times do not increase.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "blood.csv"
    >>> _ = path.write_text("t,plasma,parent\n0,0,\n1,9,0.9\n")
    >>> columns = BloodColumns("t", None, "plasma", "parent", DurationUnit.MINUTE, ActivityUnit.KBQ_ML)
    >>> samples = read_blood_csv(path, columns)
    >>> samples.plasma.values.tolist(), samples.parent_fraction.times_s.tolist()
    ([0.0, 9000.0], [60.0])
    """
    table = read_curve_table(path, delimiter=delimiter_of(path), what="table of blood")
    table = one_scan(table, columns.where, (header_word(columns.time),))
    times = table.complete(columns.time) * columns.time_unit.value
    curves = {
        name: None
        if header is None
        else _curve(times, table.numbers(header) * factor, f"{header} of {table.name}")
        for name, header, factor in (
            ("whole_blood", columns.whole_blood, columns.activity_unit.value),
            ("plasma", columns.plasma, columns.activity_unit.value),
            ("parent_fraction", columns.parent_fraction, 1.0),
        )
    }
    parameters = {
        "file": table.name,
        "time_unit": columns.time_unit.name,
        "concentration_unit": columns.activity_unit.name,
        "where": dict(columns.where),
    }
    return BloodSamples(**curves, provenance=Record("io.read_blood_csv", parameters))


def read_bids_blood(paths: Sequence[Path | str], *, injection_start_s: float, join: JoinRule) -> BloodSamples:
    r"""Read ``*_recording-NAME_blood.tsv`` files of one scan with their sidecars [1]_.

    Times are shifted from BIDS's time zero to the injection, and samples before it are left out. By the
    specification concentrations are decay-corrected to time zero: where that is not the injection, they need
    :func:`~tumorboard.pet.kinetics.decay_correction.blood_corrected_to_injection`.

    Parameters
    ----------
    paths
        The tables; each sidecar has the same name.
    injection_start_s
        ``InjectionStart`` of the scan's own sidecar: the injection after time zero [s].
    join
        What to do with a quantity that several files hold.

    Returns
    -------
    BloodSamples

    Raises
    ------
    UnreadableFile
        When a sidecar is absent or a file is no table.
    MissingAttribute
        When a unit is absent.
    InputError
        When a cell is no number, times do not increase, or a quantity repeats and may not.

    References
    ----------
    .. [1] norgaard2022petbids

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "sub-01_recording-manual_blood.tsv"
    >>> _ = path.write_text("time\tplasma_radioactivity\n0\t0\n60\t9\n")
    >>> units = '{"time": {"Units": "s"}, "plasma_radioactivity": {"Units": "kBq/mL"}}'
    >>> _ = path.with_suffix(".json").write_text(units)
    >>> samples = read_bids_blood([path], injection_start_s=0.0, join=JoinRule.REFUSE)
    >>> samples.plasma.values.tolist()
    [0.0, 9000.0]
    """
    found: dict[str, list[BloodCurve]] = {name: [] for name in _BIDS_COLUMNS}
    facts: list[dict[str, Any]] = []
    for path in map(Path, paths):
        table = read_curve_table(path, delimiter="\t", what="table of blood")
        sidecar = read_sidecar(sidecar_of(path))
        seconds = duration_unit(_unit(sidecar, "time", table), where=f"time of {table.name}").value
        times = table.complete("time") * seconds - float(injection_start_s)
        for name, header in _BIDS_COLUMNS.items():
            if header in table.headers:
                values = table.numbers(header) * _factor(name, header, sidecar, table)
                curve = _curve(times, values, f"{header} of {table.name}")
                if curve is not None:
                    found[name].append(curve)
        facts.append(
            {
                "file": table.name,
                "dispersion_corrected": sidecar.get("DispersionCorrected"),
                "samples_before_injection_left_out": int((times < 0.0).sum()),
            }
        )
    curves = {name: _joined(name, several, join) for name, several in found.items()}
    parameters = {"files": facts, "injection_start_s": float(injection_start_s), "join": join.value}
    record = Record("io.read_bids_blood", parameters, (), ("norgaard2022petbids",))
    return BloodSamples(**curves, provenance=record)


def write_bids_blood(samples: BloodSamples, path: Path | str, *, dispersion_corrected: bool) -> None:
    """Write samples as a ``*_recording-manual_blood.tsv`` with its sidecar, times from the injection [1]_.

    Parameters
    ----------
    samples
        All quantities go into one table, with ``n/a`` where one was not measured at a time.
    path
        A name that ends in ``_blood.tsv``; its folder must exist.
    dispersion_corrected
        What the sidecar says of it.

    Raises
    ------
    InputError
        When the name ends otherwise.

    References
    ----------
    .. [1] norgaard2022petbids

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "sub-01_recording-manual_blood.tsv"
    >>> samples = BloodSamples(None, BloodCurve([0.0, 9.5], [0.0, 5e3]), None, Record("example"))
    >>> write_bids_blood(samples, path, dispersion_corrected=False)
    >>> read_bids_blood([path], injection_start_s=0.0, join=JoinRule.REFUSE).plasma.times_s.tolist()
    [0.0, 9.5]
    """
    path = Path(path)
    if not path.name.endswith("_blood.tsv"):
        raise InputError(f"name of a table of blood must end in _blood.tsv; got {path.name!r}; rename it")
    there = {name: curve for name in _BIDS_COLUMNS if (curve := getattr(samples, name)) is not None}
    times = np.unique(np.concatenate([curve.times_s for curve in there.values()]))
    rows = ["\t".join(["time", *(_BIDS_COLUMNS[name] for name in there)])]
    values = [
        dict(zip(curve.times_s.tolist(), curve.values.tolist(), strict=True)) for curve in there.values()
    ]
    for time in times.tolist():
        rows.append("\t".join([repr(time), *(repr(v[time]) if time in v else "n/a" for v in values)]))
    sidecar: dict[str, Any] = {flag: name in there for name, flag in _AVAILABLE.items()}
    sidecar["DispersionCorrected"] = bool(dispersion_corrected)
    sidecar["time"] = {"Description": "Time after the injection, which is time zero", "Units": "s"}
    for name in there:
        sidecar[_BIDS_COLUMNS[name]] = {"Units": "unitless" if name == "parent_fraction" else "Bq/mL"}
    if "parent_fraction" in there:
        sidecar["MetaboliteMethod"] = "n/a"
        sidecar["MetaboliteRecoveryCorrectionApplied"] = False
    write_sidecar(sidecar_of(path), sidecar)
    write_text(path, "\n".join(rows) + "\n")


def _unit(sidecar: Mapping[str, Any], header: str, table: CurveTable) -> str:
    column = sidecar.get(header)
    unit = column.get("Units") if isinstance(column, Mapping) else None
    if not isinstance(unit, str):
        raise MissingAttribute(
            f"sidecar of {table.name} must state Units of {header}; it does not; add "
            f'"{header}": {{"Units": "..."}}'
        )
    return unit


def _factor(name: str, header: str, sidecar: Mapping[str, Any], table: CurveTable) -> float:
    unit, where = _unit(sidecar, header, table), f"{header} of {table.name}"
    if name == "parent_fraction":
        return fraction_factor(unit, where=where)
    return activity_unit(unit, where=where).value


def _curve(times: NDArray[np.float64], values: NDArray[np.float64], where: str) -> BloodCurve | None:
    """Return what was measured from the injection on; ``None`` where nothing was."""
    used = np.isfinite(values) & (times >= 0.0)
    if not used.any():
        return None
    try:
        return BloodCurve(times[used], values[used])
    except InputError as reason:
        raise InputError(f"{where}: {reason}") from reason


def _joined(name: str, curves: Sequence[BloodCurve], join: JoinRule) -> BloodCurve | None:
    if not curves:
        return None
    if len(curves) > 1 and join is JoinRule.REFUSE:
        raise InputError(
            f"{name.replace('_', ' ')} must be in one file of a scan; {len(curves)} hold it; leave one "
            "out, or take what is later from the others: join=JoinRule.LATER_SAMPLES"
        )
    times, values = curves[0].times_s, curves[0].values
    for curve in curves[1:]:
        later = curve.times_s > times[-1]
        times, values = np.append(times, curve.times_s[later]), np.append(values, curve.values[later])
    return BloodCurve(times, values)
