import csv

import numpy as np
import pytest

from tumorboard.errors import InputError
from tumorboard.pet.kinetics import (
    BRAIN_BOUNDS,
    FLUBATINE,
    MA1,
    SIMULATED_BOLUS,
    SIMULATED_RATES,
    SUVR,
    Binding,
    BolusBlood,
    FrameModel,
    LastFrames,
    OneTissue,
    PointWeights,
    ReferenceLogan,
    TissueRates,
    TwoTissue,
    Weighting,
    flubatine_frames,
    simulated_blood,
    simulated_curves,
)
from tumorboard.phantoms.brain_shapes import CORTEX_LOBES, DEEP_PARTS

CORTEX = [*range(34), *range(41, 75)]
START_S, DURATION_S = flubatine_frames()
NODES_S = np.unique(np.concatenate([np.arange(0.0, 300.0, 1.0), np.arange(300.0, 5461.0, 10.0)]))
COMMON = {"frame_model": FrameModel.FRAME_AVERAGE, "weighting": Weighting.DURATION}


def simulated(rates=SIMULATED_RATES, blood_volume=0.05):
    blood = simulated_blood(SIMULATED_BOLUS, NODES_S)
    return blood, simulated_curves(rates, blood, START_S, DURATION_S, blood_volume=blood_volume)


def test_flubatine__volumes_are_the_published_group_means(data_dir):
    name = "data_PET_parcellated_scale033_A4B2_flubatine_hc30_hillmer.csv"
    with (data_dir / "flubatine" / name).open(encoding="utf-8") as file:
        measured = np.array([float(cell) for row in csv.reader(file) for cell in row if cell])
    assert measured.shape == (83,)
    # Right and left thalamus follow the 34 cortical regions of their side; the brainstem stands last.
    assert FLUBATINE.volume_of("thalamus").vt_ml_cm3 == pytest.approx(measured[[34, 75]].mean(), abs=0.05)
    assert FLUBATINE.volume_of("cortex").vt_ml_cm3 == pytest.approx(measured[CORTEX].mean(), abs=0.005)
    assert FLUBATINE.volume_of("brainstem").vt_ml_cm3 == pytest.approx(measured[-1], abs=0.05)
    ratio = FLUBATINE.volume_of("thalamus").vt_ml_cm3 / FLUBATINE.volume_of("cortex").vt_ml_cm3
    assert ratio == pytest.approx(2.1, abs=0.05)


def test_flubatine__regions_without_certain_identity_have_no_published_volume():
    with pytest.raises(InputError, match="one with a published VT"):
        FLUBATINE.volume_of("cerebellum")


def test_flubatine__the_phantoms_parts_have_rates():
    parts = {part.name for part in DEEP_PARTS} | set(CORTEX_LOBES) | {"white matter"}
    assert set(SIMULATED_RATES) == parts
    for region in ("thalamus", "brainstem"):
        published = FLUBATINE.volume_of(region).vt_ml_cm3
        assert SIMULATED_RATES[region].vt_ml_cm3 == pytest.approx(published)


@pytest.mark.parametrize(
    "model",
    [
        SUVR(start_s=3000.0, end_s=4200.0),
        ReferenceLogan(
            k2_prime_per_min=None, t_star=LastFrames(6), point_weights=PointWeights.FRAME, **COMMON
        ),
    ],
)
def test_check__a_reference_region_warns_of_displaceable_binding(model):
    (warning,) = FLUBATINE.check(model)
    assert "corpus callosum" in warning.text
    assert "three smokers" in warning.text
    assert warning.source == "bhatt2018flubatine"


def test_check__a_trapping_model_does_not_suit_a_reversible_tracer():
    two = TwoTissue(Binding.IRREVERSIBLE, BRAIN_BOUNDS, 0.05, *COMMON.values(), None)
    (warning,) = FLUBATINE.check(two)
    assert "leaves its target" in warning.text
    assert FLUBATINE.check(OneTissue(BRAIN_BOUNDS, 0.05, *COMMON.values(), None)) == ()
    assert FLUBATINE.check(MA1(t_star=LastFrames(8), blood_fraction=0.05, **COMMON)) == ()


def test_simulated_curves__models_give_their_rates_back():
    blood, curves = simulated()
    for fit in OneTissue(BRAIN_BOUNDS, 0.05, *COMMON.values(), None).fit(curves, blood):
        rates = SIMULATED_RATES[fit.region]
        assert fit.parameters["VT"].value == pytest.approx(rates.vt_ml_cm3, rel=1e-5)
        assert fit.parameters["K1"].value == pytest.approx(rates.k1_ml_cm3_min, rel=1e-5)


def test_simulated_curves__two_compartments_come_back_too():
    rates = {"a": TissueRates(0.4, 0.08, 0.05, 0.03)}
    blood, curves = simulated(rates)
    (fit,) = TwoTissue(Binding.REVERSIBLE, BRAIN_BOUNDS, 0.05, *COMMON.values(), None).fit(curves, blood)
    assert fit.parameters["VT"].value == pytest.approx(rates["a"].vt_ml_cm3, rel=1e-4)
    assert fit.parameters["k3"].value == pytest.approx(0.05, rel=1e-3)


def test_simulated_curves__blood_alone_is_seen_in_its_share():
    rates = {"a": TissueRates(1e-12, 1.0)}
    blood, curves = simulated(rates, blood_volume=0.3)
    edges = np.append(START_S, START_S[-1] + DURATION_S[-1])
    expected = 0.3 * np.diff(blood.whole_blood_integral(edges)) / DURATION_S
    assert curves.of("a") == pytest.approx(expected, rel=1e-9)


def test_simulated_blood__parent_falls_to_its_share():
    blood = simulated_blood(SIMULATED_BOLUS, NODES_S)
    plasma = blood.whole_blood_bq_ml / SIMULATED_BOLUS.blood_over_plasma
    share = blood.parent_plasma_bq_ml[1:][plasma[1:] > 0] / plasma[1:][plasma[1:] > 0]
    assert share[0] == pytest.approx(1.0, abs=1e-3)
    assert (np.diff(share) <= 1e-12).all()
    assert SIMULATED_BOLUS.parent_end < share[-1] < SIMULATED_BOLUS.parent_end + 0.03


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: TissueRates(0.1, 0.0), "must be > 0"),
        (lambda: TissueRates(0.1, 0.1, 0.1), "both > 0 or both 0"),
        (lambda: simulated({}), "at least one region"),
        (lambda: simulated(blood_volume=1.0), "blood_volume must be"),
        (
            lambda: BolusBlood(
                arrival_s=0.0,
                amplitudes=(1.0, 1.0, 1.0),
                rates_per_min=(1.0, 1.0, 0.0),
                parent_end=0.5,
                parent_half_min=1.0,
                parent_power=1.0,
                blood_over_plasma=1.0,
            ),
            "rates_per_min must be > 0",
        ),
    ],
)
def test_simulated_study__bad_numbers_are_refused(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()
