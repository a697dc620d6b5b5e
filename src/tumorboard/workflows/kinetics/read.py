"""Read a user's tables of curves and blood, whichever program wrote them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tumorboard.core.blood import BloodSamples
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.blood_table import BloodColumns, JoinRule, read_bids_blood, read_blood_csv
from tumorboard.io.curve_table import read_curve_table
from tumorboard.io.curve_units import ActivityUnit, DurationUnit, activity_unit, duration_unit, split_unit
from tumorboard.io.pmod import read_pmod_blood, read_pmod_tissue
from tumorboard.io.tissue_table import TissueColumns, read_tissue_csv, read_tissue_table

__all__ = ["TableChoices", "read_blood", "read_curves"]

_TISSUE: Final = ("start", "duration", "weights")
_BLOOD: Final = ("time", "whole_blood", "plasma", "parent_fraction")
#: Headers that mean what they say, units in brackets aside: BIDS's and ours.
_OWN_NAMES: Final = {
    "time": ("time",),
    "whole_blood": ("whole_blood", "whole_blood_radioactivity"),
    "plasma": ("plasma", "plasma_radioactivity"),
    "parent_fraction": ("parent_fraction", "metabolite_parent_fraction"),
}


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
    if said.columns or said.where:
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
        return read_tissue_table(path, time_unit=time, concentration_unit=activity)
    except MissingAttribute as reason:
        # The reader's way out is a line of Python.
        text = str(reason).partition("; pass ")[0]
        raise MissingAttribute(f"{text}; say --tac-units s,kBq/mL" if text != str(reason) else text) from None


def read_blood(paths: Sequence[Path], said: TableChoices, *, later_samples: bool) -> BloodSamples:
    """Read samples of blood by the ending of the first name.

    Parameters
    ----------
    paths
        PMOD's (``.bld``, ``.crv``), BIDS-PET's (``.tsv`` with sidecars), or one separated by commas.
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
    if first.endswith((".csv", ".csv.gz")):
        return _read_blood_csv(paths, said)
    if said.units or said.columns:
        raise InputError(
            f"units and columns of {first} must be in its sidecar, as BIDS has it; leave out --blood-units "
            "and --blood-columns, or name a table separated by commas (.csv)"
        )
    join = JoinRule.LATER_SAMPLES if later_samples else JoinRule.REFUSE
    try:
        return read_bids_blood(paths, injection_start_s=0.0, join=join)
    except InputError as reason:
        text = str(reason)
        if "join=JoinRule.LATER_SAMPLES" not in text:
            raise
        raise InputError(text.replace("join=JoinRule.LATER_SAMPLES", "--later-samples")) from None


def _read_blood_csv(paths: Sequence[Path], said: TableChoices) -> BloodSamples:
    if len(paths) > 1:
        raise InputError(f"blood in a table separated by commas must be in one file; got {len(paths)}")
    time, activity = said.unit_of_time("--blood-units"), said.unit_of_activity("--blood-units")
    if time is None or activity is None:
        raise MissingAttribute(
            f"units of {paths[0].name} must be given; a table separated by commas states none; say "
            "--blood-units s,kBq/mL"
        )
    held = said.columns or _own_columns(paths[0])
    if "time" not in held:
        raise MissingAttribute(
            f"columns of {paths[0].name} must be told; got none; say, with those that are there, "
            "--blood-columns time=HEADER,plasma=HEADER,whole_blood=HEADER,parent_fraction=HEADER"
        )
    columns = BloodColumns(
        held["time"],
        held.get("whole_blood"),
        held.get("plasma"),
        held.get("parent_fraction"),
        time,
        activity,
        said.where,
    )
    return read_blood_csv(paths[0], columns)


def _own_columns(path: Path) -> dict[str, str]:
    """Return the headers of a table by meaning, as far as they say it."""
    headers = read_curve_table(path, delimiter=",", what="table of blood").headers
    return {
        meaning: header
        for header in headers
        for meaning, names in _OWN_NAMES.items()
        if split_unit(header)[0].lower().replace("-", "_") in names
    }


def _check_columns(said: TableChoices, known: tuple[str, ...], option: str) -> None:
    unknown = [name for name in said.columns if name not in known]
    if unknown:
        raise InputError(
            f"{option} must be of {', '.join(known)}; got {unknown[0]!r}; say {option} {known[0]}=HEADER"
        )
