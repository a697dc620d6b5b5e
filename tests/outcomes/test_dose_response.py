import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.outcomes.complication import complication_model
from tumorboard.outcomes.dose_response import Logistic, LogLogistic, LymanKutcherBurman, RelativeSeriality
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram
from tumorboard.outcomes.tumour_control import PoissonControl
from tumorboard.provenance import Record

NONE = frozenset()
DOSES = st.lists(st.floats(0.1, 90.0), min_size=2, max_size=12)
MODELS = [
    LymanKutcherBurman(50.0, 0.2, 0.5),
    RelativeSeriality(50.0, 2.0, 0.4),
    LogLogistic(50.0, 2.0, 1.0),
    Logistic(-5.0, 0.1, 1.0),
]


def histogram(doses, volumes=None):
    volumes = np.ones(len(doses)) if volumes is None else volumes
    return DoseVolumeHistogram("organ", np.asarray(doses), np.asarray(volumes), Record("test.made"))


@pytest.mark.parametrize("model", MODELS)
def test_dose_response__is_half_at_its_median_dose(model):
    assert model.probability(histogram([50.0]), NONE) == pytest.approx(0.5)
    assert model.dose_gy(histogram([50.0])) == pytest.approx(50.0)


@pytest.mark.parametrize("model", MODELS)
@given(doses=DOSES, more_gy=st.floats(0.5, 20.0), at=st.integers(0, 11))
def test_dose_response__never_falls_when_any_part_gets_more(model, doses, more_gy, at):
    hotter = list(doses)
    hotter[at % len(doses)] += more_gy
    before, after = (model.probability(histogram(d), NONE) for d in (doses, hotter))
    assert 0.0 <= before <= after + 1e-12 <= 1.0 + 1e-12


@pytest.mark.parametrize("model", MODELS)
@given(doses=DOSES)
def test_dose_response__does_not_depend_on_the_size_of_the_organ(model, doses):
    small, large = histogram(doses), histogram(doses, np.full(len(doses), 7.0))
    assert model.probability(small, NONE) == pytest.approx(model.probability(large, NONE), rel=1e-9)


@pytest.mark.parametrize(
    ("slope", "model"), [(1.5, LogLogistic(50.0, 1.5, 1.0)), (2.0, RelativeSeriality(50.0, 2.0, 1.0))]
)
def test_dose_response__has_its_normalised_slope_at_the_median(slope, model):
    step = 1e-4
    low, high = (model.probability(histogram([50.0 + side]), NONE) for side in (-step, step))
    # Kallman's gamma is the highest slope, at D50 (1 + ...); at D50 itself it is e ln 2 / 2 of it.
    factor = math.e * math.log(2.0) / 2.0 if isinstance(model, RelativeSeriality) else 1.0
    assert 50.0 * (high - low) / (2 * step) == pytest.approx(slope * factor, rel=1e-6)


@given(DOSES)
def test_relative_seriality__of_a_serial_organ_survives_when_every_part_does(doses):
    model = RelativeSeriality(50.0, 1.5, 1.0)
    intact = 1.0
    for dose in doses:
        intact *= (1.0 - model.probability(histogram([dose]), NONE)) ** (1.0 / len(doses))
    assert model.probability(histogram(doses), NONE) == pytest.approx(1.0 - intact, rel=1e-7, abs=1e-12)


@given(DOSES)
def test_lyman_kutcher_burman__nears_mean_and_maximum_with_its_volume_exponent(doses):
    organ = histogram(doses)
    assert LymanKutcherBurman(50.0, 0.2, 1.0).dose_gy(organ) == pytest.approx(organ.mean_gy)
    assert LymanKutcherBurman(50.0, 0.2, 1e-4).dose_gy(organ) == pytest.approx(organ.max_gy, rel=1e-3)


def test_logistic__risk_factors_multiply_the_odds():
    model = complication_model("lung_pneumonitis_appelt")
    lungs = histogram([10.0, 25.0])

    def odds(*factors):
        p = model.evaluate(lungs, n_fractions=30, risk_factors=factors).probability_percent / 100.0
        return p / (1.0 - p)

    assert odds("current_smoker") / odds() == pytest.approx(0.62)
    assert odds("older_than_63", "pulmonary_comorbidity") / odds() == pytest.approx(1.66 * 2.27)
    with pytest.raises(InputError, match="risk factor must be one of pulmonary_comorbidity"):
        odds("age")
    with pytest.raises(InputError, match="this model knows none"):
        complication_model("heart_pericarditis_burman").evaluate(lungs, n_fractions=30, risk_factors=["age"])


def test_complication_model__cautions_beyond_its_dose_per_fraction():
    cord = complication_model("spinal_cord_myelitis_burman")
    assert cord.evaluate(histogram([50.0]), n_fractions=25).cautions == ()
    (caution,) = cord.evaluate(histogram([50.0]), n_fractions=5).cautions
    assert "has up to 10 Gy" in caution


@pytest.mark.parametrize("spread", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("dose_gy", [50.0, 65.0, 80.0])
def test_poisson_control__average_over_patients_is_the_integral(spread, dose_gy):
    tumour, model = histogram([dose_gy], [50.0]), PoissonControl(0.307, spread, 10.0, 1e7)
    alphas = np.linspace(0.0, 1.2, 400_001)
    density = np.exp(-0.5 * ((alphas - 0.307) / spread) ** 2) / (spread * math.sqrt(2 * math.pi))
    control = np.exp(-50e7 * np.exp(-alphas * dose_gy * (1 + dose_gy / 300.0)))
    expected = 100.0 * float((density * control).sum() * (alphas[1] - alphas[0]))
    assert model.probability_percent(tumour, n_fractions=30) == pytest.approx(expected, abs=0.01)
