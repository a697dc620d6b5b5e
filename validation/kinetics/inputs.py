"""Make input functions of the real [11C]PBR28 blood in several ways, and write what they change.

Usage: ``python validation/kinetics/inputs.py DATA OUT.csv``, where DATA holds ``kinetics/``.

The reference is straight lines between all samples, the last value held to the end of the scan. VT is Logan's
of the whole brain, last ten frames, blood volume 0.05, no delay.
"""

import csv
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "shared"))

from kinetic_data import pbr28_blood, pbr28_curves, pbr28_samples, pbr28_scans

from tumorboard.pet.kinetics import (
    EndRule,
    Feng,
    FrameModel,
    InputConfig,
    Interpolation,
    LastFrames,
    Logan,
    PlasmaIsParent,
    PointWeights,
    SampleWeighting,
    TriExponential,
    Weighting,
    fit_input,
    population_template,
)

AREA_TO_S = 5200.0
LATE_S = (1200.0, 5300.0)
NODES = np.unique(np.r_[np.arange(0.0, 300.0, 2.0), np.arange(300.0, 5660.0, 60.0), 5660.0])
LOGAN = Logan(
    t_star=LastFrames(10),
    frame_model=FrameModel.FRAME_AVERAGE,
    weighting=Weighting.GIVEN,
    point_weights=PointWeights.FRAME,
    blood_fraction=0.05,
)


def config(model, end):
    """Plasma and whole blood by one model."""
    step = None if isinstance(model, Interpolation) else 1.0
    return InputConfig(model, model, None, PlasmaIsParent(), step, end)


def vt(curves, blood):
    """Logan's VT of the whole brain."""
    return LOGAN.fit(curves, blood)[0].parameters["VT"].value


def population(scans, data, scan):
    """Input of a scan from the other people's, scaled to its late samples."""
    others = [pbr28_blood(data, s, 5800.0) for s in scans if s[:4] != scan[:4]]
    areas = [blood.parent_integral([AREA_TO_S])[0] for blood in others]
    mean = population_template(others, areas, per="area to 5200 s", times_s=NODES, align_peaks=True)
    return mean.scaled_to_samples(pbr28_samples(data, scan), *LATE_S).blood


def rows_of(data, scans, scan):
    """One row for each way of making the input of a scan."""
    all_curves = pbr28_curves(data, scan)
    curves = replace(all_curves, regions=("WB",), concentration_bq_ml=all_curves.of("WB")[None])
    end = float(curves.frame_end_s[-1])
    samples = pbr28_samples(data, scan)
    lines = fit_input(samples, config(Interpolation(), EndRule.HOLD_LAST), end).blood
    area, volume = lines.parent_integral([AREA_TO_S])[0], vt(curves, lines)
    made = {}
    for weighting in (
        SampleWeighting.INTERVAL,
        SampleWeighting.INTERVAL_COUNTING,
        SampleWeighting.COUNTING,
    ):
        for model in (Feng, TriExponential):
            name = f"{model.__name__} {weighting.value}"
            fitted = fit_input(samples, config(model(weighting), EndRule.MODEL), end)
            made[name] = fitted.blood, " ".join(flag.name for flag in fitted.plasma.flags)
    made["population"] = population(scans, data, scan), ""
    for name, (blood, flags) in made.items():
        yield (
            scan,
            name,
            round(blood.parent_integral([AREA_TO_S])[0] / area - 1.0, 5),
            round(blood.parent_plasma_bq_ml.max() / lines.parent_plasma_bq_ml.max() - 1.0, 5),
            round(vt(curves, blood) / volume - 1.0, 5),
            flags,
        )


def main(data, out):
    """Write the table and print its summary."""
    scans = pbr28_scans(data)
    rows = [row for scan in scans for row in rows_of(data, scans, scan)]
    with open(out, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("scan", "input", "area_minus_1", "peak_minus_1", "vt_minus_1", "flags"))
        writer.writerows(rows)
    for name in dict.fromkeys(row[1] for row in rows):
        found = np.array([row[2:5] for row in rows if row[1] == name], float) * 100
        flagged = sum(bool(row[5]) for row in rows if row[1] == name)
        parts = [
            f.round(2).tolist() for f in (found.mean(0), found.std(0, ddof=1), found.min(0), found.max(0))
        ]
        sys.stdout.write(f"{name}: mean, sd, min, max of area, peak, VT in %: {parts}; flagged {flagged}\n")
    kinfitr = [
        np.abs(
            np.interp(theirs.times_s[10:], ours.times_s, ours.parent_plasma_bq_ml)
            / theirs.parent_plasma_bq_ml.max()
            - theirs.parent_plasma_bq_ml[10:] / theirs.parent_plasma_bq_ml.max()
        ).max()
        for scan in scans
        for theirs in (pbr28_blood(data, scan),)
        for ours in (
            fit_input(
                pbr28_samples(data, scan), config(Interpolation(), EndRule.REFUSE), theirs.times_s[-1]
            ).blood,
        )
    ]
    sys.stdout.write(f"straight lines against kinfitr's nodes, over the peak: {max(kinfitr):.1e}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
