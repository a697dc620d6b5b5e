import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.proton.rbe import RBE_PARAMETERS, RbeModel, rbe_dose_and_gradient, rbe_dose_gy

TABLE = Path(__file__).parents[2] / "validation" / "proton_rbe" / "coefficients.csv"
VARIABLE = [m for m in RbeModel if m.needs_let]


@pytest.mark.parametrize("model", VARIABLE)
def test_rbe_parameters__are_those_of_an_independent_review(model):
    table = TABLE.read_text(encoding="utf-8")
    row = next(r for r in csv.DictReader(table.splitlines()) if r["model"] == model.value)
    p = RBE_PARAMETERS[model]
    assert (p.max_constant, p.max_slope) == pytest.approx((float(row["p0"]), float(row["p1"])), abs=1e-6)
    assert p.min_constant == float(row["p2"])
    assert p.min_slope == pytest.approx(float(row["p3"]), abs=5e-5)


@settings(deadline=None, max_examples=100)
@given(
    model=st.sampled_from(VARIABLE),
    dose=st.floats(0.01, 20),
    let=st.floats(0, 15),
    ab=st.floats(1, 20),
)
def test_rbe_dose_gy__has_the_same_effect_as_the_photon_dose(model, dose, let, ab):
    # The definition, with RBE_max and RBE_min as printed: alpha D + beta D**2, in units of beta.
    p = RBE_PARAMETERS[model]
    largest = p.max_constant + p.max_slope * let / ab
    smallest = p.min_constant + p.min_slope * {0.5: math.sqrt(ab), -1.0: 1 / ab, 0.0: 1.0}[p.min_power] * let
    weighted = float(rbe_dose_gy(model, dose, let, ab))
    effect = ab * largest * dose + (smallest * dose) ** 2
    assert ab * weighted + weighted**2 == pytest.approx(effect, rel=1e-9)


@pytest.mark.parametrize("model", VARIABLE)
def test_rbe_dose_gy__tends_to_rbe_max_and_rbe_min(model):
    p, ab, let = RBE_PARAMETERS[model], 3.0, 6.0
    assert float(rbe_dose_gy(model, 1e-9, let, ab)) / 1e-9 == pytest.approx(
        p.max_constant + p.max_slope * let / ab, rel=1e-6
    )
    smallest = p.min_constant + p.min_slope * ab**p.min_power * let
    assert float(rbe_dose_gy(model, 1e7, let, ab)) / 1e7 == pytest.approx(smallest, rel=1e-5)
    assert float(rbe_dose_gy(model, 0.0, let, ab)) == 0.0


def test_rbe_dose_gy__of_models_without_offset_is_the_dose_at_vanishing_let():
    dose = np.linspace(0, 10, 5)
    for model in (RbeModel.WEDENBERG, RbeModel.RORVIK_UNWEIGHTED):
        np.testing.assert_allclose(rbe_dose_gy(model, dose, 0.0, 2.0), dose, rtol=1e-12)
    np.testing.assert_allclose(rbe_dose_gy(RbeModel.CONSTANT, dose, 7.0, 2.0), 1.1 * dose)


@pytest.mark.parametrize("model", VARIABLE)
def test_rbe__rises_with_let_and_falls_with_dose_and_alpha_beta(model):
    let = np.linspace(1, 12, 12)
    assert (np.diff(rbe_dose_gy(model, 2.0, let, 2.0)) > 0).all()
    dose = np.geomspace(0.1, 10, 9)
    # At a LET where RBE_max is above RBE_min, as it is in the target and beyond.
    assert (np.diff(rbe_dose_gy(model, dose, 5.0, 2.0) / dose) < 0).all()
    assert float(rbe_dose_gy(model, 2.0, 5.0, 2.0)) > float(rbe_dose_gy(model, 2.0, 5.0, 10.0))


@pytest.mark.parametrize("model", RbeModel)
def test_rbe_dose_and_gradient__agrees_with_finite_differences(model):
    rng = np.random.default_rng(0)
    dose, step = np.append(rng.random(50) * 5, 0.0), 1e-6
    dose_let = dose * 8 * rng.random(51)
    _, by_dose, by_let = rbe_dose_and_gradient(model, dose, dose_let, 2.5)
    ends = [rbe_dose_and_gradient(model, dose + s, dose_let, 2.5)[0] for s in (-step, step)]
    np.testing.assert_allclose((ends[1] - ends[0]) / (2 * step), by_dose, rtol=1e-6)
    if by_let is not None:
        ends = [rbe_dose_and_gradient(model, dose, dose_let + s, 2.5)[0] for s in (-step, step)]
        np.testing.assert_allclose((ends[1] - ends[0]) / (2 * step), by_let, rtol=1e-6, atol=1e-9)


def test_rbe_dose_and_gradient__says_what_is_wrong():
    dose = np.ones(3)
    with pytest.raises(InputError, match=r"dose_let_gy_kev_um must be given for RBE model mcnamara_2015"):
        rbe_dose_and_gradient(RbeModel.MCNAMARA, dose, None, 2.0)
    with pytest.raises(InputError, match=r"alpha_beta_gy must be > 0 for RBE model carabe_2012"):
        rbe_dose_and_gradient(RbeModel.CARABE, dose, dose, None)
