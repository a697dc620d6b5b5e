import numpy as np
import pytest

from tumorboard.core.blood import BloodCurve
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.parent_fraction import (
    ExponentialFraction,
    HillFraction,
    InterpolatedFraction,
    PlasmaIsParent,
    PowerFraction,
)

TIMES = np.array([120.0, 240, 480, 900, 1800, 2700, 3600, 5400])


@pytest.mark.parametrize("model", [HillFraction, PowerFraction, ExponentialFraction])
@pytest.mark.parametrize("delay", [0.0, 40.0])
def test_parent_fraction__falls_from_its_start_within_0_to_1(model, delay):
    values = np.array([0.97, 0.9, 0.75, 0.5, 0.3, 0.22, 0.18, 0.13])
    found = model(at_injection=1.0, delay_s=delay).fit(BloodCurve(TIMES, values))
    fine = found.at(np.linspace(0.0, 7200.0, 2000))
    assert found.at([0.0, delay]) == pytest.approx([1.0, 1.0])
    assert (np.diff(fine) <= 1e-12).all()
    assert ((fine >= 0.0) & (fine <= 1.0)).all()
    assert np.abs(found.fitted - values).max() < 0.06


def test_hill__fits_the_start_where_asked():
    values = 0.95 - 0.9 * TIMES**2.0 / (10**5.9 + TIMES**2.0)
    found = HillFraction(at_injection=None, delay_s=0.0).fit(BloodCurve(TIMES, values))
    assert found.parameters["f0"].value == pytest.approx(0.95, rel=1e-5)
    assert found.at([0.0]) == pytest.approx(0.95, rel=1e-5)


@pytest.mark.slow
def test_hill__standard_errors_are_those_of_repeats():
    rng = np.random.default_rng(3)
    truth = 1.0 - 0.9 * TIMES**2.0 / (10**5.9 + TIMES**2.0)
    fits = [
        HillFraction(1.0, 0.0).fit(BloodCurve(TIMES, truth + rng.normal(0, 0.01, TIMES.size)))
        for _ in range(25)
    ]
    for name in "abc":
        spread = np.std([fit.parameters[name].value for fit in fits], ddof=1)
        stated = np.median([fit.parameters[name].standard_error for fit in fits])
        assert 0.6 < stated / spread < 1.5, name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: HillFraction(1.0, 0.0).fit(None), "samples must hold a parent fraction"),
        (lambda: PlasmaIsParent().fit(BloodCurve([1.0], [0.5])), "parent_fraction must be absent"),
        (lambda: InterpolatedFraction(1.2), "at_injection must be above 0, at most 1"),
        (lambda: HillFraction(1.0, 0.0).fit(BloodCurve([1.0, 2.0], [0.9, 0.8])), "samples must be more than"),
    ],
)
def test_parent_fraction__bad_input_is_one_sentence(call, message):
    with pytest.raises(InputError, match=message):
        call()
