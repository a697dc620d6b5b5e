"""Curves of tissue and blood as PMOD writes them: units in brackets in one line of headers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.curve_table import CurveTable, read_curve_table
from tumorboard.io.curve_units import activity_unit, duration_unit, fraction_factor, split_unit
from tumorboard.io.tissue_table import curves_of_table
from tumorboard.provenance import Record

__all__ = ["BloodKind", "read_pmod_blood", "read_pmod_tissue"]

_TIMES: Final = re.compile(r"(sample[-_ ]?)?time|start", re.IGNORECASE)


class BloodKind(Enum):
    """What a column of blood holds."""

    WHOLE_BLOOD = "whole_blood"
    PLASMA = "plasma"
    PARENT_FRACTION = "parent_fraction"


# PMOD's names, in lower case and without their separators.
_NAMES: Final = {
    **dict.fromkeys(("wholeblood", "blood", "totalblood"), BloodKind.WHOLE_BLOOD),
    **dict.fromkeys(("plasma", "totalplasma"), BloodKind.PLASMA),
    **dict.fromkeys(("parentfraction", "parentfract", "plasmaparentfraction"), BloodKind.PARENT_FRACTION),
}


def read_pmod_tissue(path: Path | str) -> TissueCurves:
    r"""Read a ``.tac`` file: ``start[seconds]``, ``end[kBq/cc]`` and a column for each region.

    The bracket of the first column is the unit of time, that of the second the unit of concentration.

    Parameters
    ----------
    path
        The file, separated by tabs: regions' names may hold spaces.

    Returns
    -------
    TissueCurves

    Raises
    ------
    MissingAttribute
        When a unit is not in the header: PMOD would take one from its settings.
    InputError
        When a cell is no number, or the frames are not in order.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.tac"
    >>> _ = path.write_text("start[minutes]\tend[kBq/cc]\tstriatum dx\n0\t1\t2,5\n1\t2\t4\n")
    >>> curves = read_pmod_tissue(path)
    >>> curves.regions, curves.frame_duration_s.tolist(), curves.of("striatum dx").tolist()
    (('striatum dx',), [60.0, 60.0], [2500.0, 4000.0])
    """
    table = read_curve_table(path, delimiter="\t", what="PMOD table of curves")
    if len(table.headers) < 3:
        raise MissingAttribute(
            f"{table.name} must have start, end and at least one region; it has {', '.join(table.headers)}; "
            "separate columns by tabs"
        )
    names, units = zip(*map(split_unit, table.headers), strict=True)
    if names[0].lower() != "start" or names[1].lower() != "end":
        raise MissingAttribute(
            f"{table.name} must begin with columns start and end; it has {names[0]}, {names[1]}"
        )
    seconds = duration_unit(_required(units[0], "time", table), where=table.name)
    becquerels = activity_unit(_required(units[1], "concentration", table), where=table.name)
    start, end = table.complete(table.headers[0]), table.complete(table.headers[1])
    return curves_of_table(
        table, start, end - start, table.headers[2:], None, seconds, becquerels,
        operation="io.read_pmod_tissue", said={},
    )  # fmt: skip


def read_pmod_blood(
    paths: Sequence[Path | str], *, kinds: Mapping[str, BloodKind] | None = None
) -> BloodSamples:
    r"""Read ``.bld`` or ``.crv`` files of one scan: ``sample-time[seconds]`` and ``plasma[kBq/cc]``, ...

    Parameters
    ----------
    paths
        The files, each with one quantity or more.
    kinds
        What a column is whose name is not ``plasma``, ``whole-blood`` or ``parent-fraction``, by name without
        unit. A curve called ``Parent`` may be a concentration or a fraction: it must be told.

    Returns
    -------
    BloodSamples

    Raises
    ------
    MissingAttribute
        When a unit is not in the header, or a column's meaning is not known.
    InputError
        When a cell is no number, times do not increase, or two files hold the same quantity.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.bld"
    >>> _ = path.write_text("sample-time[seconds]\tplasma[kBq/cc]\n0\t0\n15\t9\n")
    >>> read_pmod_blood([path]).plasma.values.tolist()
    [0.0, 9000.0]
    """
    found: dict[BloodKind, BloodCurve] = {}
    read: list[dict[str, str]] = []
    for path in paths:
        table = read_curve_table(path, delimiter="\t", what="PMOD table of blood")
        name, unit = split_unit(table.headers[0])
        if not _TIMES.fullmatch(name):
            raise MissingAttribute(f"{table.name} must begin with a column of times; it begins with {name!r}")
        seconds = duration_unit(_required(unit, "time", table), where=table.name)
        times = table.complete(table.headers[0]) * seconds.value
        for header in table.headers[1:]:
            kind, factor = _kind(header, table, kinds or {})
            if kind in found:
                raise InputError(
                    f"{kind.value.replace('_', ' ')} must be in one column of the files; {table.name} has it "
                    "again; leave one out"
                )
            found[kind] = _curve(times, table.numbers(header) * factor, f"{header} of {table.name}")
            read.append({"file": table.name, "column": header, "kind": kind.value})
    curves = {kind.value: found.get(kind) for kind in BloodKind}
    return BloodSamples(**curves, provenance=Record("io.read_pmod_blood", {"columns": read}))


def _required(unit: str | None, what: str, table: CurveTable) -> str:
    if not unit:
        raise MissingAttribute(
            f"{table.name} must state its unit of {what} in brackets in the header; it states none; write "
            f"{'start[seconds]' if what == 'time' else 'end[kBq/cc]'}"
        )
    return unit


def _kind(header: str, table: CurveTable, told: Mapping[str, BloodKind]) -> tuple[BloodKind, float]:
    name, unit = split_unit(header)
    kind = told.get(name) or _NAMES.get(re.sub(r"[-_. ]|\d+$", "", name.lower()))
    if kind is None:
        raise MissingAttribute(
            f"column {name!r} of {table.name} must be plasma, whole-blood or parent-fraction; say what it "
            f"is: kinds={{{name!r}: BloodKind.PLASMA}}"
        )
    if kind is BloodKind.PARENT_FRACTION:
        return kind, fraction_factor(unit or "", where=f"{name} of {table.name}")
    return kind, activity_unit(_required(unit, "concentration", table), where=f"{name} of {table.name}").value


def _curve(times: NDArray[np.float64], values: NDArray[np.float64], where: str) -> BloodCurve:
    used = np.isfinite(values)
    try:
        return BloodCurve(times[used], values[used])
    except InputError as reason:
        raise InputError(f"{where}: {reason}") from reason
