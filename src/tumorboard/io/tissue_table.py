"""Time-activity curves of regions in tables: as PETPrep, PETPAL and kinfitr have them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
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
    agreed,
    duration_unit,
    split_unit,
)
from tumorboard.io.files import write_text
from tumorboard.io.sidecar import read_sidecar, sidecar_of, write_sidecar
from tumorboard.provenance import Record

__all__ = ["TissueColumns", "curves_of_table", "read_tissue_csv", "read_tissue_table", "write_tissue_table"]

_STARTS: Final = ("frame_start", "framestart", "frametimesstart", "frametimestart", "start", "starttime")
_ENDS: Final = ("frame_end", "frameend", "frametimesend", "end")
_LENGTHS: Final = ("frame_duration", "frameduration", "duration")
_WEIGHTS: Final = ("weights", "weight")
#: A frame's middle follows from its start and its length.
_MIDDLES: Final = ("times", "time", "mid", "mid_time", "midtime", "frame_mid", "frame_mid_time")
#: PETPAL writes the uncertainty of a region beside it.
_UNCERTAINTY: Final = re.compile(r"_unc$")


@dataclass(frozen=True, slots=True)
class TissueColumns:
    """Which columns of a table of someone's own mean what.

    Parameters
    ----------
    start, duration
        Headers of the start and the length of each frame.
    regions
        Headers of the regions.
    weights
        Header of the weights; ``None`` where there are none.
    time_unit, activity_unit
        Of the numbers.
    where
        Cells that select the rows of one scan, by header.
    """

    start: str
    duration: str
    regions: tuple[str, ...]
    weights: str | None
    time_unit: DurationUnit
    activity_unit: ActivityUnit
    where: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "where", MappingProxyType(dict(self.where)))


def read_tissue_csv(path: Path | str, columns: TissueColumns) -> TissueCurves:
    r"""Read curves from a table, such as kinfitr's, with the columns that are told.

    Rows of no duration measured nothing and are left out; the record says how many.

    Parameters
    ----------
    path
        The file; a name that ends in ``.gz`` is unpacked.
    columns
        What the columns mean.

    Returns
    -------
    TissueCurves

    Raises
    ------
    MissingAttribute
        When a column is absent.
    InputError
        When a cell is no number, or the frames are not in order.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "tacs.csv"
    >>> _ = path.write_text("PET,start,dur,WB\na,0,0,0\na,0,1,2\na,1,1,3\n")
    >>> columns = TissueColumns(
    ...     "start", "dur", ("WB",), None, DurationUnit.MINUTE, ActivityUnit.KBQ_ML, {"PET": "a"}
    ... )
    >>> curves = read_tissue_csv(path, columns)
    >>> curves.frame_start_s.tolist(), curves.of("WB").tolist()
    ([0.0, 60.0], [2000.0, 3000.0])
    """
    table = read_curve_table(path, delimiter=delimiter_of(path), what="table of curves").where(columns.where)
    start, length = table.complete(columns.start), table.complete(columns.duration)
    weights = None if columns.weights is None else table.complete(columns.weights)
    return curves_of_table(
        table, start, length, columns.regions, weights, columns.time_unit, columns.activity_unit,
        operation="io.read_tissue_curves", said={"where": dict(columns.where)},
    )  # fmt: skip


def read_tissue_table(
    path: Path | str,
    *,
    time_unit: DurationUnit | None = None,
    concentration_unit: ActivityUnit | None = None,
    where: Mapping[str, str] | None = None,
) -> TissueCurves:
    r"""Read curves from a table separated by tabs (``.csv``: commas), its columns found by their names.

    The start of a frame is in ``frame_start``, its end in ``frame_end`` or its length in ``duration``; both
    may carry a unit in brackets, as PETPAL's do. ``weights`` is taken for weights, ``NAME_unc`` for an
    uncertainty and left out, as are middles of frames and labels that are no numbers; all others are regions.
    Units stand in the header, or in the sidecar of the same name: ``Units`` for concentrations, or an object
    for a column as BIDS describes one. Times of PETPrep's and BIDS's names are seconds by their specification
    [1]_ where a sidecar is there.

    Parameters
    ----------
    path
        The file.
    time_unit, concentration_unit
        Where neither file says it; a file that says otherwise is refused.
    where
        Cells that select the rows of one scan, by header; ``None`` where there is one scan.

    Returns
    -------
    TissueCurves

    Raises
    ------
    MissingAttribute
        When a unit or a column is absent: none is guessed.
    InputError
        When a cell is no number, units contradict, rows are of several scans, or the frames are not in order.

    References
    ----------
    .. [1] norgaard2022petbids

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "sub-01_tacs.tsv"
    >>> _ = path.write_text("frame_start(min)\tframe_end(min)\tthalamus\n0\t1\t5\n1\t2\t7\n")
    >>> read_tissue_table(path, concentration_unit=ActivityUnit.KBQ_ML).of("thalamus").tolist()
    [5000.0, 7000.0]
    """
    path = Path(path)
    table = read_curve_table(path, delimiter=delimiter_of(path), what="table of curves")
    table = one_scan(table, where or {}, _STARTS)
    sidecar = read_sidecar(sidecar_of(path)) if sidecar_of(path).is_file() else None
    found = _roles(table)
    stated_time, stated_activity = _stated(table, found, sidecar)
    seconds = agreed(
        stated_time, time_unit, what="time", where=path.name,
        way_out="pass time_unit=DurationUnit.SECOND or MINUTE",
    )  # fmt: skip
    becquerels = agreed(
        stated_activity, concentration_unit, what="concentration", where=path.name,
        way_out="pass concentration_unit=ActivityUnit.KBQ_ML or another",
    )  # fmt: skip
    start = table.complete(found["start"][0])
    if found["end"]:
        length = table.complete(found["end"][0]) - start
    else:
        length = table.complete(found["length"][0])
    weights = table.complete(found["weights"][0]) if found["weights"] else None
    return curves_of_table(
        table, start, length, tuple(found["regions"]), weights, seconds, becquerels,
        operation="io.read_tissue_curves", said={"where": dict(where)} if where else {},
    )  # fmt: skip


def write_tissue_table(curves: TissueCurves, path: Path | str) -> None:
    """Write curves as PETPrep does: tab-separated, ``frame_start`` and ``frame_end`` in s, regions in Bq/mL.

    A sidecar of the same name says the units; weights stand in a column ``weights``.

    Parameters
    ----------
    curves
        Of any number of regions.
    path
        A name that ends in ``.tsv``; its folder must exist.

    Raises
    ------
    InputError
        When the name ends otherwise, or a region has the name of another column or a tab in its name.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "sub-01_desc-preproc_tacs.tsv"
    >>> curves = TissueCurves(("thalamus",), [0.0], [60.0], [[5.0]], None, Record("example"))
    >>> write_tissue_table(curves, path)
    >>> read_tissue_table(path).of("thalamus").tolist()
    [5.0]
    """
    path = Path(path)
    if path.suffix != ".tsv":
        raise InputError(f"name of a table of curves must end in .tsv; got {path.name!r}; rename it")
    reserved = {"frame_start", "frame_end", *_STARTS, *_ENDS, *_LENGTHS, *_WEIGHTS, *_MIDDLES}
    for region in curves.regions:
        name, unit = split_unit(region)
        if name.lower() in reserved or unit is not None or re.search(r"[\t\r\n\"]|_unc$", region):
            raise InputError(f"region must not have the name or form of another column; got {region!r}")
    headers = ["frame_start", "frame_end", *curves.regions]
    columns = [
        curves.frame_start_s,
        curves.frame_start_s + curves.frame_duration_s,
        *curves.concentration_bq_ml,
    ]
    if curves.weights is not None:
        headers.append("weights")
        columns.append(curves.weights)
    rows = ["\t".join(headers)]
    rows += ["\t".join(repr(float(v)) for v in row) for row in zip(*columns, strict=True)]
    content = {
        "FrameTimesStart": curves.frame_start_s.tolist(),
        "FrameDuration": curves.frame_duration_s.tolist(),
        "Units": "Bq/mL",
        "DecayCorrectedTo": "injection",
    }
    write_sidecar(sidecar_of(path), content)
    write_text(path, "\n".join(rows) + "\n")


def curves_of_table(
    table: CurveTable,
    start: NDArray[np.float64],
    duration: NDArray[np.float64],
    regions: tuple[str, ...],
    weights: NDArray[np.float64] | None,
    time_unit: DurationUnit,
    concentration_unit: ActivityUnit,
    *,
    operation: str,
    said: Mapping[str, object],
) -> TissueCurves:
    """Return the curves of a table; rows of no duration measured nothing and are left out.

    Parameters
    ----------
    table
        Of one scan.
    start, duration
        Of the frames, shape ``(n_rows,)`` [``time_unit``].
    regions
        Headers of the regions.
    weights
        Shape ``(n_rows,)``; ``None`` where there are none.
    time_unit, concentration_unit
        Of the numbers.
    operation, said
        Of the record: the reader, and what it adds to the file, its units, and how many rows were left out.

    Raises
    ------
    InputError
        When a cell is no number, no row has a duration, or the frames are not in order.

    Examples
    --------
    >>> table = CurveTable("a.tsv", ("thalamus",), (("0",), ("5",)))
    >>> curves_of_table(
    ...     table, np.array([0.0, 0.0]), np.array([0.0, 1.0]), ("thalamus",), None,
    ...     DurationUnit.MINUTE, ActivityUnit.KBQ_ML, operation="example", said={},
    ... ).of("thalamus").tolist()
    [5000.0]
    """
    measured = duration != 0.0
    if not measured.any():
        raise InputError(f"{table.name} must have a frame with a duration; it has none")
    values = np.stack([table.complete(region) for region in regions])[:, measured]
    parameters = {
        "file": table.name,
        "time_unit": time_unit.name,
        "concentration_unit": concentration_unit.name,
        "rows_without_duration_left_out": int((~measured).sum()),
        **said,
    }
    names = tuple(split_unit(region)[0] for region in regions)
    return TissueCurves(
        names,
        start[measured] * time_unit.value,
        duration[measured] * time_unit.value,
        values * concentration_unit.value,
        None if weights is None else weights[measured],
        Record(operation, parameters),
    )


def _roles(table: CurveTable) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {k: [] for k in ("start", "end", "length", "weights", "regions")}
    for header in table.headers:
        name = header_word(header)
        for role, names in (("start", _STARTS), ("end", _ENDS), ("length", _LENGTHS), ("weights", _WEIGHTS)):
            if name in names:
                found[role].append(header)
                break
        else:
            if name not in _MIDDLES and not _UNCERTAINTY.search(split_unit(header)[0]):
                found["regions"].append(header)
    if len(found["start"]) != 1 or len(found["end"] + found["length"]) < 1:
        raise MissingAttribute(
            f"{table.name} must have columns frame_start and frame_end (or duration); it has "
            f"{', '.join(table.headers)[:200]}"
        )
    if not found["regions"]:
        raise MissingAttribute(f"{table.name} must have a column for each region; it has none")
    return found


def _stated(
    table: CurveTable, found: dict[str, list[str]], sidecar: Mapping[str, object] | None
) -> tuple[DurationUnit | None, ActivityUnit | None]:
    """Return the units that header and sidecar state between them."""
    times = {
        duration_unit(unit, where=table.name)
        for header in found["start"] + found["end"] + found["length"]
        if (unit := split_unit(header)[1]) is not None
    }
    activities = {
        activity_unit(unit, where=table.name)
        for header in found["regions"]
        if (unit := split_unit(header)[1]) is not None
    }
    if sidecar is not None:
        # BIDS describes a column of a table by an object of its name.
        where = f"sidecar of {table.name}"
        described = {
            h: str(e["Units"]) for h, e in sidecar.items() if isinstance(e, Mapping) and "Units" in e
        }
        own_times = [h for h in found["start"] + found["end"] + found["length"] if h in described]
        times |= {duration_unit(described[header], where=where) for header in own_times}
        own = [h for h in found["regions"] if h in described]
        activities |= {activity_unit(described[header], where=where) for header in own}
        if "Units" in sidecar:
            activities.add(activity_unit(str(sidecar["Units"]), where=f"sidecar of {table.name}"))
        if "FrameTimesStart" in sidecar and not times:
            times.add(DurationUnit.SECOND)
    if len(times) > 1 or len(activities) > 1:
        raise InputError(
            f"columns of {table.name} must have one unit of time and one of concentration; got "
            f"{', '.join(sorted(unit.name for unit in (*times, *activities)))}; convert one of them"
        )
    return next(iter(times), None), next(iter(activities), None)
