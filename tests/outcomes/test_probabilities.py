import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.outcomes.complication import complication_model, complication_models
from tumorboard.outcomes.dose_response import LymanKutcherBurman
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram
from tumorboard.outcomes.fractionation import bed_gy, eqd2_gy
from tumorboard.outcomes.model_based_selection import (
    SelectionRule,
    select_by_models,
    thresholds_percent_of,
)
from tumorboard.outcomes.tumour_control import PoissonControl
from tumorboard.provenance import Record


def uniform(dose_gy, name="organ", volume_ml=100.0):
    return DoseVolumeHistogram(name, np.array([dose_gy]), np.array([volume_ml]), Record("test.made"))


@given(st.integers(1, 40), st.floats(1, 12))
def test_eqd2__of_2_gy_fractions_is_the_dose_itself(n_fractions, alpha_beta_gy):
    dose_gy = 2.0 * n_fractions
    found = eqd2_gy(dose_gy, n_fractions=n_fractions, alpha_beta_gy=alpha_beta_gy)
    assert found == pytest.approx(dose_gy)


def test_bed__is_the_published_example():
    # 60 Gy in 30 fractions: 72 Gy10 and 100 Gy3, the textbook's standard.
    assert bed_gy(60.0, n_fractions=30, alpha_beta_gy=10.0) == pytest.approx(72.0)
    assert bed_gy(60.0, n_fractions=30, alpha_beta_gy=3.0) == pytest.approx(100.0)


@pytest.mark.parametrize("name", complication_models())
def test_complication_model__rises_with_dose_from_near_none_to_near_certain(name):
    model = complication_model(name)
    chances = [
        model.evaluate(uniform(d), n_fractions=30).probability_percent for d in (0.0, 10.0, 30.0, 60.0, 150.0)
    ]
    assert chances == sorted(chances)
    assert chances[0] < 10.0
    assert chances[-1] > 90.0


def test_complication_model__is_the_published_curve():
    # Marks 2010, logistic on mean lung dose: 50 % at 30.75 Gy.
    lung = complication_model("lung_pneumonitis_quantec_logistic")
    assert lung.evaluate(uniform(30.75), n_fractions=30).probability_percent == pytest.approx(50.0, abs=0.5)
    # Schultheiss 2008, in 2 Gy fractions: 0.2 % at 50 Gy, 5 % at 59.3 Gy, 50 % at 69.4 Gy.
    cord = complication_model("spinal_cord_myelopathy_schultheiss")
    assert cord.evaluate(uniform(50.0), n_fractions=25).probability_percent == pytest.approx(0.2, abs=0.05)
    assert 5.0 < cord.evaluate(uniform(60.0), n_fractions=30).probability_percent < 7.0
    assert 50.0 < cord.evaluate(uniform(70.0), n_fractions=35).probability_percent < 56.0


def test_lyman_kutcher_burman__is_half_at_td50():
    model = LymanKutcherBurman(td50_gy=30.8, slope=0.37, volume_exponent=0.99)
    assert model.probability(uniform(30.8), frozenset()) == pytest.approx(0.5)


def test_complication_model__unknown_names_the_known():
    with pytest.raises(InputError, match="lung_pneumonitis_quantec_logistic"):
        complication_model("nobody")


@given(st.floats(0.15, 0.6), st.floats(1, 500))
def test_poisson_control__rises_with_dose_and_falls_with_volume(alpha_per_gy, volume_ml):
    model = PoissonControl(alpha_per_gy, 0.05, 10.0, 1e7)
    chances = [
        model.probability_percent(uniform(d, volume_ml=volume_ml), n_fractions=30) for d in (20.0, 50.0, 80.0)
    ]
    assert chances == sorted(chances)
    more = model.probability_percent(uniform(50.0, volume_ml=2 * volume_ml), n_fractions=30)
    assert more <= chances[1] + 1e-9


def test_poisson_control__cold_spot_costs_more_than_a_hot_one_gains():
    model = PoissonControl(0.3, 0.0, 10.0, 1e7)
    even = uniform(60.0)
    uneven = DoseVolumeHistogram("x", np.array([50.0, 70.0]), np.array([50.0, 50.0]), Record("test.made"))
    assert model.probability_percent(uneven, n_fractions=30) < model.probability_percent(even, n_fractions=30)


def test_select_by_models__needs_a_stated_threshold_and_keeps_to_it():
    model = complication_model("lung_pneumonitis_quantec_logistic")
    photon, proton = {"lungs": uniform(20.0)}, {"lungs": uniform(10.0)}
    fractions = {"photon_fractions": 30, "proton_fractions": 30}
    gain = (
        model.evaluate(photon["lungs"], n_fractions=30).probability_percent
        - model.evaluate(proton["lungs"], n_fractions=30).probability_percent
    )
    for threshold, prefers in ((gain - 0.1, True), (gain + 0.1, False)):
        found = select_by_models(
            [("lungs", model)], photon, proton, thresholds_percent={model.name: threshold}, **fractions
        )
        assert found.prefers_protons is prefers
        assert found.differences[0].difference_percent == pytest.approx(gain)
    with pytest.raises(InputError, match="thresholds_percent must have a number > 0"):
        select_by_models([("lungs", model)], photon, proton, thresholds_percent={}, **fractions)


def test_select_by_models__takes_several_models_of_one_structure():
    models = [complication_model(f"lung_pneumonitis_{name}") for name in ("quantec_logistic", "seppenwoolde")]
    found = select_by_models(
        [("lungs", model) for model in models],
        {"lungs": uniform(20.0)},
        {"lungs": uniform(10.0)},
        photon_fractions=30,
        proton_fractions=30,
        thresholds_percent={model.name: 5.0 for model in models},
    )
    assert [(d.structure, d.model) for d in found.differences] == [("lungs", m.name) for m in models]


def test_thresholds_percent_of__asks_for_a_graded_complication():
    models = [complication_model(name) for name in ("lung_pneumonitis_appelt", "heart_mortality_gagliardi")]
    thresholds = thresholds_percent_of(SelectionRule.LANGENDIJK_2013, models)
    assert list(thresholds.values()) == [10.0, 2.0]
    ungraded = complication_model("lung_pneumonitis_quantec_logistic")
    with pytest.raises(InputError, match="state a threshold for this model yourself"):
        thresholds_percent_of(SelectionRule.LANGENDIJK_2013, [ungraded])
