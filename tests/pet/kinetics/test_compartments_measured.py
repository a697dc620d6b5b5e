"""Twenty real [11C]PBR28 scans with arterial blood, and what kinfitr 0.9.1 makes of half of them."""

import csv
from pathlib import Path

import numpy as np
import pytest
from kinetic_data import (
    kinfitr_delay_s,
    kinfitr_estimates,
    pbr28_blood,
    pbr28_curves,
    pbr28_scans,
)

from tumorboard.pet.kinetics import (
    BRAIN_BOUNDS,
    Binding,
    FitFlag,
    FrameModel,
    OneTissue,
    RateBounds,
    TwoTissue,
    Weighting,
    fit_delay,
)
from tumorboard.pet.kinetics.compartments_rates import exponentials
from tumorboard.pet.kinetics.compartments_response import frame_basis, frame_blood

DELAYS = Path(__file__).parents[3] / "validation" / "kinetics" / "pbr28_delays.csv"
KINFITR_BOUNDS = RateBounds((1e-4, 1.0), (1e-4, 0.5), (1e-4, 0.5), (1e-4, 0.5))
MIDDLE, AVERAGE = FrameModel.MID_FRAME, FrameModel.FRAME_AVERAGE
GIVEN = Weighting.GIVEN


@pytest.fixture(scope="module")
def given(data_dir):
    """(scan, curves, blood as kinfitr delays it, estimates) of each scan whose estimates are given."""
    estimates = kinfitr_estimates(data_dir)
    scans = sorted({scan for scan, _, model, _ in estimates if model == "delay"})
    return [(s, *arranged(data_dir, s, kinfitr_delay_s(data_dir, s)), estimates) for s in scans]


def arranged(data_dir, scan, delay_s):
    """Curves and delayed blood, whose last value is held as long as the scan lasts."""
    curves = pbr28_curves(data_dir, scan)
    end_s = float(curves.frame_end_s[-1])
    return curves, pbr28_blood(data_dir, scan, end_s + max(-delay_s, 0.0)).delayed(delay_s)


def one_tissue_differences(given, frame_model):
    model = OneTissue(KINFITR_BOUNDS, 0.05, frame_model, GIVEN, None)
    return np.array(
        [
            fit.parameters["VT"].value / estimates[scan, fit.region, "1tcm", "Vt"] - 1
            for scan, curves, blood, estimates in given
            for fit in model.fit(curves, blood)
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize("frame_model", list(FrameModel))
def test_one_tissue__volumes_are_kinfitrs(given, frame_model):
    differences = np.abs(one_tissue_differences(given, frame_model))
    assert differences.size == 60
    assert np.median(differences) <= 0.005
    assert differences.max() <= 0.02


@pytest.mark.slow
def test_two_tissue__fits_no_worse_than_kinfitr_and_agrees_where_certain(given):
    model = TwoTissue(Binding.REVERSIBLE, KINFITR_BOUNDS, 0.05, MIDDLE, GIVEN, 0.1)
    ratios, reported = [], {}
    for scan, curves, blood, estimates in given:
        seen = frame_blood(blood, curves, MIDDLE)
        for fit in model.fit(curves, blood):
            rates = np.array([estimates[scan, fit.region, "2tcm", n] for n in ("K1", "k2", "k3", "k4")])
            amplitudes, exponents, _, _ = exponentials(rates / 60.0)
            theirs = 0.95 * (amplitudes @ frame_basis(blood, curves, MIDDLE, exponents)[0]) + 0.05 * seen
            ratios.append(fit.residual_sum / (fit.weights @ (theirs - fit.measured_bq_ml) ** 2))
            volume = fit.parameters["VT"].value
            assert np.isnan(volume) == (FitFlag.VT_WITHHELD in fit.flags)
            if not np.isnan(volume):
                reported[scan, fit.region] = volume / estimates[scan, fit.region, "2tcm", "Vt"] - 1
    assert len(ratios) == 60
    assert max(ratios) <= 1.01
    assert len(reported) >= 30
    # kinfitr ends at its bounds in two of these, with 6 and 12 times our residual sum; validation/kinetics.
    stuck = {("mhco_1", "THA"), ("xehk_1", "THA")}
    others = np.abs([d for key, d in reported.items() if key not in stuck])
    assert np.median(others) <= 0.005
    assert others.max() <= 0.02


def our_delays_s():
    """Our own by scan, as validation/kinetics has them [s]."""
    return {row["scan"]: float(row["delay_s"]) for row in csv.DictReader(DELAYS.read_text().splitlines())}


@pytest.mark.slow
@pytest.mark.parametrize("scan", ["cgyu_2", "mhco_2", "rbqc_2"])
def test_fit_delay__of_real_scans_is_the_one_written_down(data_dir, scan):
    two = TwoTissue(Binding.REVERSIBLE, KINFITR_BOUNDS, 0.05, MIDDLE, GIVEN, None)
    curves, blood = arranged(data_dir, scan, 0.0)
    found = fit_delay(curves, "WB", blood, two, (-30.0, 30.0)).delay.value
    assert found == pytest.approx(our_delays_s()[scan], abs=0.1)


@pytest.mark.slow
def test_one_tissue__group_means_and_test_retest_are_those_stated(data_dir):
    """Those of all 20 scans, as handed down with the data: 2.690, 3.709; 19.2 %.

    Delays are kinfitr's where they are given, and of our own fit in the other half.
    """
    delays = our_delays_s()
    one = OneTissue(BRAIN_BOUNDS, 0.05, AVERAGE, GIVEN, None)
    volumes = {"WB": [], "THA": []}
    for scan in pbr28_scans(data_dir):
        delay_s = delays[scan] if scan in delays else kinfitr_delay_s(data_dir, scan)
        for fit in one.fit(*arranged(data_dir, scan, delay_s)):
            if fit.region in volumes:
                volumes[fit.region].append(fit.parameters["VT"].value)
    assert np.mean(volumes["WB"]) == pytest.approx(2.690, rel=0.005)
    assert np.mean(volumes["THA"]) == pytest.approx(3.709, rel=0.005)
    first, second = np.array(volumes["WB"]).reshape(10, 2).T
    assert np.mean(np.abs(first - second) / (0.5 * (first + second))) == pytest.approx(0.192, abs=0.01)
