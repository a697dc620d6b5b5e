"""Compare compartments with kinfitr's on [11C]PBR28, and write the differences as a table.

Usage: ``python validation/kinetics/compartments.py DATA OUT.csv``, where DATA holds ``kinetics/``.

Under kinfitr's conventions: its delay as given, blood volume 0.05, its weights and bounds, the model's value
at the middle of a frame, the input's last value held to the end of the scan. Its 2TCM parameters are put into
our forward model, so that both residual sums are of one model.
"""

import csv
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "shared"))

from kinetic_data import REGIONS, kinfitr_delay_s, kinfitr_estimates, pbr28_blood, pbr28_curves

from tumorboard.pet.kinetics import (
    BRAIN_BOUNDS,
    Binding,
    FrameModel,
    OneTissue,
    RateBounds,
    TwoTissue,
    Weighting,
)
from tumorboard.pet.kinetics.compartments_rates import exponentials
from tumorboard.pet.kinetics.compartments_response import frame_basis, frame_blood

KINFITR_BOUNDS = RateBounds((1e-4, 1.0), (1e-4, 0.5), (1e-4, 0.5), (1e-4, 0.5))
BLOOD_VOLUME = 0.05
MIDDLE, AVERAGE = FrameModel.MID_FRAME, FrameModel.FRAME_AVERAGE
GIVEN = Weighting.GIVEN


def residual_sum(rates_per_min, curves, region, blood, weights):
    """Return the weighted sum that K1 to k4 leave in our model at mid-frame."""
    amplitudes, exponents, _, _ = exponentials(np.array(rates_per_min) / 60.0)
    basis, _ = frame_basis(blood, curves, MIDDLE, exponents)
    seen = frame_blood(blood, curves, MIDDLE)
    modelled = (1.0 - BLOOD_VOLUME) * (amplitudes @ basis) + BLOOD_VOLUME * seen
    return float(weights @ (curves.of(region) - modelled) ** 2)


def rows_of(data, scan, estimates):
    """Return the table's rows of one scan, one for each region."""
    curves = pbr28_curves(data, scan)
    end_s = float(curves.frame_end_s[-1])
    blood = pbr28_blood(data, scan, end_s + 31.0).delayed(kinfitr_delay_s(data, scan))
    one = {
        model: OneTissue(KINFITR_BOUNDS, BLOOD_VOLUME, model, GIVEN, None).fit(curves, blood)
        for model in FrameModel
    }
    two = TwoTissue(Binding.REVERSIBLE, KINFITR_BOUNDS, BLOOD_VOLUME, MIDDLE, GIVEN, None).fit(curves, blood)
    wide = TwoTissue(Binding.REVERSIBLE, BRAIN_BOUNDS, BLOOD_VOLUME, AVERAGE, GIVEN, 0.1).fit(curves, blood)
    for k, region in enumerate(REGIONS):

        def theirs(name, model, region=region):
            return estimates[scan, region, model, name]

        middle, average = (one[m][k].parameters["VT"].value for m in (MIDDLE, AVERAGE))
        rates = [theirs(name, "2tcm") for name in ("K1", "k2", "k3", "k4")]
        left = residual_sum(rates, curves, region, blood, two[k].weights)
        total = two[k].parameters["VT"]
        yield {
            "scan": scan,
            "region": region,
            "1TCM VT from kinfitr %": f"{100 * (middle / theirs('Vt', '1tcm') - 1):.3f}",
            "1TCM VT frame average from mid-frame %": f"{100 * (average / middle - 1):.3f}",
            "2TCM residual sum over kinfitr's": f"{two[k].residual_sum / left:.5f}",
            "2TCM VT from kinfitr %": f"{100 * (total.value / theirs('Vt', '2tcm') - 1):.2f}",
            "2TCM VT standard error %": f"{100 * total.relative_error:.1f}",
            "2TCM frame average VT reported": "no" if np.isnan(wide[k].parameters["VT"].value) else "yes",
            "2TCM frame average flags": " ".join(flag.name for flag in wide[k].flags),
        }


def table(data):
    """Return the whole table, for the scans whose estimates are given."""
    estimates = kinfitr_estimates(data)
    scans = sorted({scan for scan, _, model, _ in estimates if model == "delay"})
    return [row for scan in scans for row in rows_of(data, scan, estimates)]


def main(data, out):
    """Write the table and print what it comes to."""
    rows = table(data)
    with open(out, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for name in list(rows[0])[2:7]:
        values = np.array([float(row[name]) for row in rows])
        centre, spread = np.median(values), np.abs(values)
        sys.stdout.write(
            f"{name}: median {centre:.4g}, median magnitude {np.median(spread):.4g}, "
            f"from {values.min():.4g} to {values.max():.4g}\n"
        )
    certain = [row for row in rows if float(row["2TCM VT standard error %"]) < 10]
    sys.stdout.write(f"2TCM VT with a standard error below 10 %: {len(certain)} of {len(rows)}\n")
    differences = sorted(abs(float(row["2TCM VT from kinfitr %"])) for row in certain)
    sys.stdout.write(
        f"of these from kinfitr: median {np.median(differences):.3g} %, last {differences[-5:]}\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
