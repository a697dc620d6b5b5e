"""Read a user's tables of curves and blood, whichever program wrote them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from tumorboard.core.blood import BloodSamples
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.blood_table import BloodColumns, JoinRule, read_bids_blood, read_blood_csv
from tumorboard.io.curve_table import delimiter_of, header_word, read_curve_table
from tumorboard.io.curve_units import ActivityUnit, DurationUnit, activity_unit, duration_unit, split_unit
from tumorboard.io.pmod import read_pmod_blood, read_pmod_tissue
from tumorboard.io.sidecar import sidecar_of
from tumorboard.io.tissue_table import TissueColumns, read_tissue_csv, read_tissue_table

__all__ = ["TableChoices", "read_blood", "read_curves"]

_Unit = TypeVar("_Unit", DurationUnit, ActivityUnit)

_TISSUE: Final = ("start", "duration", "weights")
_BLOOD: Final = ("time", "whole_blood", "plasma", "parent_fraction")
#: Headers that mean what they say, units in brackets aside: BIDS's, kinfitr's and ours.
_OWN_NAMES: Final = {
    "time": ("time",),
    "whole_blood": ("whole_blood", "whole_blood_radioactivity", "blood"),
    "plasma": ("plasma", "plasma_radioactivity"),
    "parent_fraction": ("parent_fraction", "metabolite_parent_fraction", "parentfraction"),
}
#: Ways out of readers, which are lines of Python, and what a user types instead.
_TYPED: Final = (
    (re.compile(r"pass (?:time|concentration)_unit=.*"), "say --tac-units s,kBq/mL"),
    (re.compile(r"pass where=\{'(.*)': '(.*)'\}"), r"say --where '\1=\2'"),
)


@dataclass(frozen=True, slots=True)
class TableChoices:
    """What a user says of a table that does not say it itself.

    Parameters
    ----------
    units
        Of time and of concentration, e.g. ``("min", "kBq/mL")``; ``None`` where the file states them.
    columns
        Headers by meaning, of tables separated by commas: ``start``, ``duration``, ``weights`` for curves;
        ``time``, ``whole_blood``, ``plasma``, ``parent_fraction`` for blood.
    where
        Cells that select the rows of one scan, by header.
    """

    units: tuple[str, str] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        object.__setattr__(self, "where", MappingProxyType(dict(self.where)))

    def unit_of_time(self, option: str) -> DurationUnit | None:
        """Return the unit, ``None`` where none is said; ``option`` names it in messages."""
        return None if self.units is None else duration_unit(self.units[0], where=option)

    def unit_of_activity(self, option: str) -> ActivityUnit | None:
        """Return the unit, ``None`` where none is said; ``option`` names it in messages."""
        return None if self.units is None else activity_unit(self.units[1], where=option)


def read_curves(path: Path, said: TableChoices, regions: Sequence[str]) -> TissueCurves:
    """Read curves of tissue by the ending of the name.

    Parameters
    ----------
    path
        PMOD's (``.tac``), PETPrep's, PETPAL's or this program's (``.tsv``), or any separated by commas.
    said
        What the user says of it.
    regions
        Wanted; needed for tables whose columns are told, else all of the table are read.

    Returns
    -------
    TissueCurves

    Raises
    ------
    MissingAttribute
        When a unit is stated nowhere, or a column is absent.
    InputError
        When a cell is no number, or frames are out of order.
    """
    if path.name.endswith(".tac"):
        return read_pmod_tissue(path)
    _check_columns(said, _TISSUE, "--tac-columns")
    time, activity = said.unit_of_time("--tac-units"), said.unit_of_activity("--tac-units")
    if said.columns:
        if time is None or activity is None:
            raise MissingAttribute(
                f"units of {path.name} must be given with its columns; got none; say --tac-units s,kBq/mL"
            )
        for name in ("start", "duration"):
            if name not in said.columns:
                raise MissingAttribute(
                    f"column {name} of {path.name} must be told; it is not; say --tac-columns "
                    "start=StartTime,duration=Duration"
                )
        if not regions:
            raise MissingAttribute(
                f"regions of {path.name} must be told with its columns; got none; say --region NAME for each"
            )
        columns = TissueColumns(
            said.columns["start"],
            said.columns["duration"],
            tuple(dict.fromkeys(regions)),
            said.columns.get("weights"),
            time,
            activity,
            said.where,
        )
        return read_tissue_csv(path, columns)
    try:
        return read_tissue_table(path, time_unit=time, concentration_unit=activity, where=said.where)
    except InputError as reason:
        raise _typed(reason) from None


def read_blood(paths: Sequence[Path], said: TableChoices, *, later_samples: bool) -> BloodSamples:
    """Read samples of blood by the ending of the first name.

    Parameters
    ----------
    paths
        PMOD's (``.bld``, ``.crv``), BIDS-PET's (``.tsv`` with sidecars), or one without a sidecar.
    said
        What the user says of them.
    later_samples
        Whether a quantity that two files of BIDS hold is taken from the second where it is later.

    Returns
    -------
    BloodSamples

    Raises
    ------
    MissingAttribute
        When a unit is stated nowhere, or a column is absent.
    InputError
        When a cell is no number, or times do not increase.
    """
    first = paths[0].name
    if first.endswith((".bld", ".crv")):
        return read_pmod_blood(paths)
    _check_columns(said, _BLOOD, "--blood-columns")
    if first.endswith((".csv", ".csv.gz")) or not sidecar_of(paths[0]).is_file():
        return _read_plain_blood(paths, said)
    if said.units or said.columns:
        raise InputError(
            f"units and columns of {first} must be in its sidecar, as BIDS has it; leave out --blood-units "
            "and --blood-columns, or correct the sidecar"
        )
    join = JoinRule.LATER_SAMPLES if later_samples else JoinRule.REFUSE
    try:
        return read_bids_blood(paths, injection_start_s=0.0, join=join)
    except InputError as reason:
        text = str(reason)
        if "join=JoinRule.LATER_SAMPLES" not in text:
            raise
        raise InputError(text.replace("join=JoinRule.LATER_SAMPLES", "--later-samples")) from None


def _read_plain_blood(paths: Sequence[Path], said: TableChoices) -> BloodSamples:
    path = paths[0]
    if len(paths) > 1:
        raise InputError(f"blood in tables without a sidecar must be in one file; got {len(paths)}")
    headers = read_curve_table(path, delimiter=delimiter_of(path), what="table of blood").headers
    held = said.columns or _own_columns(headers, path.name)
    time, activity = said.unit_of_time("--blood-units"), said.unit_of_activity("--blood-units")
    for header in held.values():
        unit = split_unit(header)[1]
        if unit and header == held.get("time"):
            time = _one(time, duration_unit(unit, where=path.name), path.name)
        elif unit and header != held.get("parent_fraction"):
            activity = _one(activity, activity_unit(unit, where=path.name), path.name)
    if time is None or activity is None:
        raise MissingAttribute(
            f"units of {path.name} must be given; neither a sidecar nor its headers state them; say "
            "--blood-units s,kBq/mL"
        )
    if "time" not in held or not ("plasma" in held or "whole_blood" in held):
        raise MissingAttribute(
            f"columns of {path.name} must be told; it has {', '.join(headers)[:200]}; say, with those that "
            "are there, --blood-columns time=HEADER,plasma=HEADER,whole_blood=HEADER,parent_fraction=HEADER"
        )
    columns = BloodColumns(
        held["time"],
        held.get("whole_blood"),
        held.get("plasma"),
        held.get("parent_fraction"),
        time,
        activity,
        # Rows are chosen by the curves' table; blood of one scan alone need not name it.
        {header: cell for header, cell in said.where.items() if header in headers},
    )
    try:
        return read_blood_csv(path, columns)
    except InputError as reason:
        raise _typed(reason) from None


def _own_columns(headers: Sequence[str], name: str) -> dict[str, str]:
    """Return the headers of a table by meaning, as far as they say it."""
    found: dict[str, str] = {}
    for header in headers:
        for meaning, names in _OWN_NAMES.items():
            if header_word(header) not in names:
                continue
            if meaning in found:
                raise InputError(
                    f"columns of {name} must have a meaning each; {found[meaning]!r} and {header!r} have "
                    "one; say which with --blood-columns time=HEADER,plasma=HEADER,whole_blood=HEADER"
                )
            found[meaning] = header
    return found


def _one(told: _Unit | None, stated: _Unit, name: str) -> _Unit:
    if told is not None and told is not stated:
        raise InputError(f"units of {name} must be one; got {told.name} and, by a header, {stated.name}")
    return stated


def _typed(reason: InputError) -> InputError:
    """Return an error whose way out is what a user types."""
    text = str(reason)
    for pattern, typed in _TYPED:
        text = pattern.sub(typed, text)
    return type(reason)(text)


def _check_columns(said: TableChoices, known: tuple[str, ...], option: str) -> None:
    unknown = [name for name in said.columns if name not in known]
    if unknown:
        raise InputError(
            f"{option} must be of {', '.join(known)}; got {unknown[0]!r}; say {option} {known[0]}=HEADER"
        )
