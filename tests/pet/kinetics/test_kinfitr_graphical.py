"""Real scans and simulated reference scans against what kinfitr 0.9.1 made of them, under its conventions."""

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from kinetic_data import (
    REGIONS,
    kinfitr_delay_s,
    kinfitr_estimates,
    pbr28_blood,
    pbr28_curves,
    pbr28_scans,
    simref_curves,
)

from tumorboard.core.tissue_curves import TissueCurves
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

#: Delays of the scans that kinfitr's estimates leave out, found by our own fit; see the README beside it.
DELAYS = Path(__file__).parents[3] / "validation" / "kinetics" / "pbr28_delays.csv"
PLASMA = {"weighting": Weighting.GIVEN, "blood_fraction": 0.05}
GIVEN = {"weighting": Weighting.GIVEN}


def plasma_models(frame_model):
    last = {"t_star": LastFrames(10), "frame_model": frame_model, **PLASMA}
    return {
        "logan10": Logan(point_weights=PointWeights.PROPAGATED, **last),
        "ma1_10": MA1(**last),
        "ma2": MA2(frame_model=frame_model, **PLASMA),
    }


def estimated_scans(data_dir, model):
    return sorted({scan for scan, _, name, _ in kinfitr_estimates(data_dir) if name == model})


@cache
def plasma_differences(data_dir, frame_model, name):
    """Relative differences of VT, and relative standard errors, over 60 regions."""
    estimates, found = kinfitr_estimates(data_dir), []
    for scan in estimated_scans(data_dir, name):
        curves = pbr28_curves(data_dir, scan)
        # The blood of every scan ends minutes before the scan; kinfitr holds its last value.
        blood = pbr28_blood(data_dir, scan, float(curves.frame_end_s[-1]) + 60.0)
        for fit in plasma_models(frame_model)[name].fit(
            curves, blood.delayed(kinfitr_delay_s(data_dir, scan))
        ):
            vt = fit.parameters["VT"]
            found.append((vt.value / estimates[scan, fit.region, name, "Vt"] - 1.0, vt.relative_error))
    return np.array(found).T


@pytest.mark.parametrize("name", ["logan10", "ma1_10"])
@pytest.mark.parametrize("frame_model", FrameModel)
def test_plasma_models__volumes_are_kinfitrs(data_dir, frame_model, name):
    difference = np.abs(plasma_differences(data_dir, frame_model, name)[0])
    assert len(difference) == 10 * len(REGIONS)
    assert np.median(difference) < 0.005
    assert difference.max() < 0.02


def test_ma2__volumes_are_kinfitrs_where_they_are_determined(data_dir):
    difference, error = plasma_differences(data_dir, FrameModel.MID_FRAME, "ma2")
    known = error < 0.1
    assert known.sum() >= 25
    assert np.median(np.abs(difference[known])) < 0.005
    assert np.abs(difference[known]).max() < 0.02


#: Mean VT of the 20 scans and variability between two scans of a person, as kinfitr's 0.9.1 conventions give
#: them [mL/cm3], [%].
GROUP = {
    ("logan10", "WB"): (3.316, 15.2),
    ("ma1_10", "WB"): (3.420, 15.3),
    ("logan10", "THA"): (4.356, None),
    ("ma1_10", "THA"): (4.434, None),
}


def test_plasma_models__group_means_and_test_retest_are_kinfitrs(data_dir):
    delays = {row["scan"]: float(row["delay_s"]) for row in csv.DictReader(DELAYS.read_text().splitlines())}
    volumes = {}
    for scan in pbr28_scans(data_dir):
        curves = pbr28_curves(data_dir, scan)
        blood = pbr28_blood(data_dir, scan, float(curves.frame_end_s[-1]) + 60.0)
        delay_s = delays[scan] if scan in delays else kinfitr_delay_s(data_dir, scan)
        for name in ("logan10", "ma1_10"):
            for fit in plasma_models(FrameModel.MID_FRAME)[name].fit(curves, blood.delayed(delay_s)):
                volumes[name, fit.region, scan] = fit.parameters["VT"].value
    people = sorted({scan[:-2] for scan in pbr28_scans(data_dir)})
    assert len(people) == 10
    for (name, region), (mean, variability) in GROUP.items():
        pairs = np.array([[volumes[name, region, f"{p}_{k}"] for k in (1, 2)] for p in people])
        assert pairs.mean() == pytest.approx(mean, rel=0.005)
        if variability is not None:
            found = 100.0 * np.mean(np.abs(np.diff(pairs, axis=1)[:, 0]) / pairs.mean(axis=1))
            assert found == pytest.approx(variability, abs=0.2)


def reference_models(frame_model, interpolation, k2_prime_per_min):
    search = {"interpolation": interpolation, "k2a_range_per_min": (0.001, 2.0)}
    choices = {"frame_model": frame_model, **GIVEN}
    return {
        "srtm": SRTM(**choices, **search),
        "srtm2": SRTM2(k2_prime=CoupledK2Prime(0.001, 1.0), **choices, **search),
        "mrtm1": MRTM1(t_star=AllFrames(), **choices),
        "mrtm2": MRTM2(t_star=AllFrames(), k2_prime_per_min=k2_prime_per_min, **choices),
        "reflogan10": ReferenceLogan(
            t_star=LastFrames(10),
            k2_prime_per_min=k2_prime_per_min,
            point_weights=PointWeights.PROPAGATED,
            **choices,
        ),
    }


def one(curves, region):
    return TissueCurves(
        (region,),
        curves.frame_start_s,
        curves.frame_duration_s,
        curves.of(region)[None],
        curves.weights,
        curves.provenance,
    )


@pytest.mark.parametrize("name", ["srtm", "srtm2", "mrtm1", "mrtm2", "reflogan10"])
@pytest.mark.parametrize(
    ("frame_model", "interpolation"),
    [
        (FrameModel.MID_FRAME, ReferenceInterpolation.LINEAR),
        (FrameModel.FRAME_AVERAGE, ReferenceInterpolation.LINEAR),
        (FrameModel.FRAME_AVERAGE, ReferenceInterpolation.AVERAGE_PRESERVING),
    ],
)
def test_reference_models__binding_is_kinfitrs(data_dir, frame_model, interpolation, name):
    estimates, difference = kinfitr_estimates(data_dir), []
    for scan in estimated_scans(data_dir, name):
        curves = simref_curves(data_dir, scan)
        for region in ("ROI1", "ROI2", "ROI3"):
            # kinfitr's MRTM2 and reference Logan have the k2' of its SRTM of the region; its SRTM2 fits k2'.
            k2_prime = estimates[scan, region, "srtm", "k2prime"]
            model = reference_models(frame_model, interpolation, k2_prime)[name]
            (fit,) = model.fit(one(curves, region), one(curves, "Reference"))
            difference.append(fit.parameters["BPND"].value / estimates[scan, region, name, "bp"] - 1.0)
    assert len(difference) == 30
    assert np.abs(difference).max() < 0.02
