"""The real [11C]PBR28 scans, the simulated reference scans, and kinfitr's estimates of them, for tests.

Every function takes the folder of real data (fixture ``data_dir``). Times of the PBR28 curves are seconds and
of their input minutes; the simulated scans are in minutes; all concentrations are taken for kBq/mL, as
kinfitr's documentation has them.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from functools import cache
from pathlib import Path

import numpy as np

from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.provenance import Record
from tumorboard.units import S_PER_MIN

REGIONS = ("FC", "TC", "STR", "THA", "WB", "CBL")
SIMREF_REGIONS = ("Reference", "ROI1", "ROI2", "ROI3")
BQ_PER_KBQ = 1000.0


@cache
def _rows(path: Path) -> dict[str, list[dict[str, str]]]:
    """Rows of a table by scan, in order."""
    found = defaultdict(list)
    with gzip.open(path, "rt") if path.suffix == ".gz" else open(path) as file:
        for row in csv.DictReader(file):
            found[row["PET"]].append(row)
    return dict(found)


def _column(rows, name):
    return np.array([float(row[name]) for row in rows])


def pbr28_scans(data_dir) -> tuple[str, ...]:
    """Names of the 20 scans, ``"cgyu_1"``, ``"cgyu_2"``, ..."""
    return tuple(_rows(data_dir / "kinetics" / "pbr28_tacs.csv"))


def simref_scans(data_dir) -> tuple[str, ...]:
    """Names of the 20 simulated scans."""
    return tuple(_rows(data_dir / "kinetics" / "simref_tacs.csv"))


def pbr28_curves(data_dir, scan) -> TissueCurves:
    """Curves of six regions with kinfitr's weights, without the made-up row of zeros at time 0."""
    return _curves(data_dir / "kinetics" / "pbr28_tacs.csv", scan, REGIONS, 1.0)


def simref_curves(data_dir, scan) -> TissueCurves:
    """Curves of the reference and three regions with weights, without the row of zeros at time 0."""
    return _curves(data_dir / "kinetics" / "simref_tacs.csv", scan, SIMREF_REGIONS, S_PER_MIN)


def _curves(path, scan, regions, seconds):
    rows = [row for row in _rows(path)[scan] if float(row["Duration"]) > 0]
    return TissueCurves(
        regions,
        _column(rows, "StartTime") * seconds,
        _column(rows, "Duration") * seconds,
        np.stack([_column(rows, name) for name in regions]) * BQ_PER_KBQ,
        _column(rows, "Weights"),
        Record("tests.curves", {"scan": scan}),
    )


def pbr28_samples(data_dir, scan) -> BloodSamples:
    """Whole blood (dispersion-corrected) and parent plasma (metabolite-corrected) as sampled.

    Plasma is the parent already, so there is no parent fraction.
    """
    rows = _rows(data_dir / "kinetics" / "pbr28_procblood.csv")[scan]
    times = _column(rows, "Time")
    return BloodSamples(
        BloodCurve(times, _column(rows, "Cbl_dispcorr") * BQ_PER_KBQ),
        BloodCurve(times, _column(rows, "Cpl_metabcorr") * BQ_PER_KBQ),
        None,
        Record("tests.samples", {"scan": scan}),
    )


def pbr28_blood(data_dir, scan, end_s: float | None = None) -> InputFunction:
    """kinfitr's input: 6000 nodes in equal steps to the last sample.

    Every scan ends some minutes after its blood; ``end_s`` holds the last value to there, as kinfitr does.
    """
    rows = _rows(data_dir / "kinetics" / "pbr28_input.csv.gz")[scan]
    times = _column(rows, "Time") * S_PER_MIN
    parent, whole = _column(rows, "AIF") * BQ_PER_KBQ, _column(rows, "Blood") * BQ_PER_KBQ
    if end_s is not None and end_s > times[-1]:
        times, parent, whole = (
            np.append(v, w) for v, w in ((times, end_s), (parent, parent[-1]), (whole, whole[-1]))
        )
    return InputFunction(times, parent, whole, Record("tests.blood", {"scan": scan}))


def kinfitr_estimates(data_dir) -> dict[tuple[str, str, str, str], float]:
    """By (scan, region, model, parameter), e.g. ``("cgyu_1", "WB", "1tcm", "Vt")``; half of the scans."""
    return {
        (scan, row["region"], row["model"], row["par"]): float(row["value"])
        for scan, rows in _rows(data_dir / "kinetics" / "kinfitr_0.9.1_estimates.csv").items()
        for row in rows
    }


def kinfitr_delay_s(data_dir, scan) -> float:
    """Delay of the input that kinfitr found with the whole brain [s]."""
    return kinfitr_estimates(data_dir)[scan, "WB", "delay", "inpshift"] * S_PER_MIN
