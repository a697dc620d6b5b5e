"""Compare graphical, multilinear and reference tissue models with kinfitr's, and write the differences.

Usage: ``python validation/kinetics/graphical.py DATA OUT_PLASMA.csv OUT_REFERENCE.csv``, where DATA holds
``kinetics/``.

Under kinfitr's conventions: its delay as given, blood volume 0.05, its weights, the last ten frames, the
input's last value held to the end of the scan; k2' of a simulated scan's region that of kinfitr's SRTM, in
SRTM2 fitted to the region as kinfitr does.
"""

import csv
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "shared"))

from kinetic_data import (
    kinfitr_delay_s,
    kinfitr_estimates,
    pbr28_blood,
    pbr28_curves,
    simref_curves,
)

from tumorboard.pet.kinetics import (
    MA1,
    MA2,
    MRTM1,
    MRTM2,
    SRTM,
    SRTM2,
    AllFrames,
    CoupledK2Prime,
    FrameModel,
    LastFrames,
    Logan,
    PointWeights,
    ReferenceInterpolation,
    ReferenceLogan,
    Weighting,
)

GIVEN = {"weighting": Weighting.GIVEN}
LAST, POINTS = {"t_star": LastFrames(10)}, {"point_weights": PointWeights.PROPAGATED}
MODES = (
    (FrameModel.MID_FRAME, ReferenceInterpolation.LINEAR, "mid-frame"),
    (FrameModel.FRAME_AVERAGE, ReferenceInterpolation.AVERAGE_PRESERVING, "frame average"),
)


def plasma_models(frame_model):
    """Models by kinfitr's names."""
    choices = {"frame_model": frame_model, "blood_fraction": 0.05, **GIVEN}
    return {
        "logan10": Logan(**choices, **LAST, **POINTS),
        "ma1_10": MA1(**choices, **LAST),
        "ma2": MA2(**choices),
    }


def reference_models(frame_model, interpolation, k2_prime):
    """Models by kinfitr's names."""
    choices = {"frame_model": frame_model, **GIVEN}
    search = {"interpolation": interpolation, "k2a_range_per_min": (0.001, 2.0)}
    return {
        "srtm": SRTM(**choices, **search),
        "srtm2": SRTM2(k2_prime=CoupledK2Prime(0.001, 1.0), **choices, **search),
        "mrtm1": MRTM1(t_star=AllFrames(), **choices),
        "mrtm2": MRTM2(t_star=AllFrames(), k2_prime_per_min=k2_prime, **choices),
        "reflogan10": ReferenceLogan(k2_prime_per_min=k2_prime, **choices, **LAST, **POINTS),
    }


def plasma_rows(data):
    """Yield a row for each scan and region."""
    estimates = kinfitr_estimates(data)
    for scan in sorted({key[0] for key in estimates if key[2] == "logan10"}):
        curves = pbr28_curves(data, scan)
        blood = pbr28_blood(data, scan, float(curves.frame_end_s[-1]) + 60.0)
        blood = blood.delayed(kinfitr_delay_s(data, scan))
        rows = {region: {"scan": scan, "region": region} for region in curves.regions}
        for frame_model, _, mode in MODES:
            for name, model in plasma_models(frame_model).items():
                for fit in model.fit(curves, blood):
                    vt, kinfitr = fit.parameters["VT"], estimates[scan, fit.region, name, "Vt"]
                    rows[fit.region][f"{name} {mode} %"] = f"{100 * (vt.value / kinfitr - 1):.3f}"
                    if mode == "mid-frame":
                        rows[fit.region][f"{name} standard error %"] = f"{100 * vt.relative_error:.1f}"
        yield from rows.values()


def one(curves, region):
    """Return one region's curves."""
    return replace(curves, regions=(region,), concentration_bq_ml=curves.of(region)[None])


def reference_rows(data):
    """Yield a row for each simulated scan and region."""
    estimates = kinfitr_estimates(data)
    for scan in sorted({key[0] for key in estimates if key[2] == "srtm"}):
        curves = simref_curves(data, scan)
        for region in ("ROI1", "ROI2", "ROI3"):
            row = {"scan": scan, "region": region}
            k2_prime = estimates[scan, region, "srtm", "k2prime"]
            for frame_model, interpolation, mode in MODES:
                for name, model in reference_models(frame_model, interpolation, k2_prime).items():
                    (fit,) = model.fit(one(curves, region), one(curves, "Reference"))
                    bpnd, kinfitr = fit.parameters["BPND"], estimates[scan, region, name, "bp"]
                    row[f"{name} {mode} %"] = f"{100 * (bpnd.value / kinfitr - 1):.3f}"
                    if mode == "mid-frame":
                        row[f"{name} standard error %"] = f"{100 * bpnd.relative_error:.1f}"
            yield row


def write(path, rows):
    """Write rows of one form as a table."""
    rows = list(rows)
    with open(path, "w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write(sys.argv[2], plasma_rows(folder))
    write(sys.argv[3], reference_rows(folder))
