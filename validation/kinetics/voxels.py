"""Compare voxels with regions on real curves, and noisy ones with the same curves without noise.

Usage: ``python validation/kinetics/voxels.py DATA OUT.csv``, where DATA holds ``kinetics/``.
"""

import csv
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "shared"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import kinetics
import kinetics_curves as known
from kinetic_data import kinfitr_delay_s, kinfitr_estimates, pbr28_blood, pbr28_curves

from tumorboard.core import AXIAL, DynamicImage, Grid, Quantity
from tumorboard.pet.kinetics import (
    BRAIN_BOUNDS,
    MA1,
    MRTM2,
    AllFrames,
    Binding,
    FrameModel,
    FromTime,
    LastFrames,
    Logan,
    Outside,
    PointWeights,
    TwoTissue,
    VoxelConfig,
    Weighting,
    fit_voxels,
)
from tumorboard.provenance import Record

RECORD, N, AVERAGE = Record("validation"), 4000, FrameModel.FRAME_AVERAGE


def config(parameter, weights=None):
    """One map and its errors."""
    return VoxelConfig((parameter,), True, Outside.NAN, None, weights)


def as_image(curves):
    """Regions' curves as a row of voxels."""
    shape = (1, 1, len(curves.regions))
    grid = Grid(shape, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    values = np.ascontiguousarray(curves.concentration_bq_ml.T).reshape(-1, *shape)
    times = (curves.frame_start_s, curves.frame_duration_s)
    return DynamicImage(values, grid, Quantity.ACTIVITY_CONCENTRATION, *times, "injection", RECORD)


def real_rows(data):
    """Rows of largest differences from regions over the scans with kinfitr's delay."""
    given = Weighting.GIVEN
    models = {
        "Logan": Logan(
            t_star=LastFrames(10),
            frame_model=AVERAGE,
            weighting=given,
            point_weights=PointWeights.PROPAGATED,
            blood_fraction=0.05,
        ),
        "MA1": MA1(t_star=LastFrames(10), frame_model=AVERAGE, weighting=given, blood_fraction=0.05),
        "2TCM": TwoTissue(Binding.REVERSIBLE, BRAIN_BOUNDS, 0.05, AVERAGE, given, None),
    }
    scans = sorted({scan for scan, _, model, _ in kinfitr_estimates(data) if model == "delay"})
    for name, model in models.items():
        volumes, sums = [], []
        for scan in scans:
            curves, delay = pbr28_curves(data, scan), kinfitr_delay_s(data, scan)
            end_s = float(curves.frame_end_s[-1])
            blood = pbr28_blood(data, scan, end_s + max(-delay, 0.0)).delayed(delay)
            fits = model.fit(curves, blood)
            found = fit_voxels(model, as_image(curves), blood, None, config("VT", curves.weights), threads=1)
            sure = [fit.parameters["VT"].relative_error < 0.1 for fit in fits]
            ratio = found.maps["VT"].values.ravel() / [fit.parameters["VT"].value for fit in fits] - 1
            volumes += list(np.abs(ratio)[sure])
            sums += list(found.residual.values.ravel() / [fit.residual_sum for fit in fits])
        yield {
            "what": f"{name}, PBR28 regions, VT from the region's (SE below 10 %)",
            "n": len(volumes),
            "median": np.median(volumes),
            "largest": max(volumes),
            "sum_ratio_largest": max(sums),
        }


def simulated_rows(noise):
    """Rows of what noise does: shift, scatter, and scatter over stated errors, 1 where these are honest."""
    models = {
        "Logan": (kinetics.MODELS["logan"], "VT", "2tcm"),
        "MA1": (
            MA1(
                t_star=FromTime(1800.0),
                frame_model=AVERAGE,
                weighting=Weighting.DURATION,
                blood_fraction=0.0,
            ),
            "VT",
            "2tcm",
        ),
        "2TCM": (kinetics.MODELS["two_tissue"], "VT", "2tcm"),
        "SRTM": (kinetics.MODELS["srtm"], "BPND", "1tcm"),
        "MRTM2": (
            MRTM2(
                k2_prime_per_min=known.REFERENCE[1],
                t_star=AllFrames(),
                frame_model=AVERAGE,
                weighting=Weighting.DURATION,
            ),
            "BPND",
            "1tcm",
        ),
    }
    for name, (model, parameter, kind) in models.items():
        driven = "srtm" if kind == "1tcm" else "logan"
        y, reference, _, truth = known.curves(N, kind, noise=noise)
        clean = known.curves(N, kind, noise=0.0)[0]
        drive = kinetics.drive_of(driven, reference)
        without, found = (
            fit_voxels(model, kinetics.image(c), drive, None, config(parameter), threads=1)
            for c in (clean, y)
        )
        values, aim = (f.maps[parameter].values.ravel() for f in (found, without))
        errors = found.standard_errors[parameter].values.ravel()
        kept = (truth > 0.2) & np.isfinite(values) & (errors < 0.5 * np.abs(values))
        off = values[kept] / aim[kept] - 1
        pull = (values - aim)[kept] / errors[kept]
        low, high = np.percentile(pull, [15.87, 84.13])
        yield {
            "what": f"{name} {parameter}, noise {noise:g}",
            "n": int(kept.sum()),
            "model_off": np.median(aim[kept] / truth[kept] - 1),
            "median": np.median(off),
            "sd": off.std(),
            "scatter_over_error": (high - low) / 2,
        }


def main(data, target):
    """Write the table."""
    rows = [*real_rows(Path(data)), *simulated_rows(0.05), *simulated_rows(0.10)]
    names = ["what", "n", "model_off", "median", "largest", "sum_ratio_largest", "sd", "scatter_over_error"]
    with Path(target).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: v if isinstance(v, (str, int)) else f"{v:.4g}" for k, v in row.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
