"""MA1 and MA2, which are two sizes of one idea."""

import numpy as np
import pytest
from kinetic_curves import (
    BLOOD,
    DURATION_S,
    END_S,
    START_S,
    blood_averages,
    curves,
    noisy,
    one_tissue,
    tissue,
    two_tissue,
)

from tumorboard.errors import InputError
from tumorboard.pet.kinetics import MA1, MA2, AllFrames, FrameModel, LastFrames, Weighting

ONE, TWO = one_tissue(0.3, 0.1), two_tissue(0.3, 0.15, 0.05, 0.03)
VT_TWO = 0.3 / 0.15 * (1.0 + 0.05 / 0.03)
CHOICES = {
    "frame_model": FrameModel.FRAME_AVERAGE,
    "weighting": Weighting.DURATION,
    "blood_fraction": 0.0,
}


def value(fit, name="VT"):
    return fit.parameters[name].value


def finer(parts):
    edges = np.concatenate(
        [[0.0], (START_S[:, None] + DURATION_S[:, None] * np.arange(1, parts + 1) / parts).ravel()]
    )
    return edges[:-1], edges[1:]


def test_ma1__is_exact_for_one_compartment_but_for_the_frames_length():
    errors = []
    for parts in (1, 2, 4):
        frames = finer(parts)
        (fit,) = MA1(t_star=AllFrames(), **CHOICES).fit(curves(tissue(ONE, *frames), None, *frames), BLOOD)
        errors.append(abs(value(fit) / 3.0 - 1.0))
        assert value(fit, "b") == pytest.approx(0.1, rel=5e-3)
    assert errors[0] < 5e-4
    # The integral takes tissue for constant in a frame: the error goes with the square of its length.
    assert errors[2] < errors[0] / 8.0


def test_ma1__comes_to_two_compartments_volume_as_t_star_gets_later():
    errors = [
        abs(value(MA1(t_star=LastFrames(n), **CHOICES).fit(curves(tissue(TWO)), BLOOD)[0]) / VT_TWO - 1.0)
        for n in (20, 14, 8, 4)
    ]
    assert (np.diff(errors) < 0).all()
    assert errors[-1] < 0.02


def test_ma1__takes_blood_off_and_fits_what_was_measured():
    measured = 0.95 * tissue(ONE) + 0.05 * blood_averages()
    (fit,) = MA1(t_star=LastFrames(20), **{**CHOICES, "blood_fraction": 0.05}).fit(curves(measured), BLOOD)
    assert value(fit) == pytest.approx(3.0, rel=1e-3)
    assert fit.fitted_bq_ml[-20:] == pytest.approx(measured[-20:], rel=3e-3)
    assert np.isnan(fit.fitted_bq_ml[:-20]).all()


@pytest.mark.parametrize("terms", [MA1(t_star=LastFrames(10), **CHOICES), MA2(**CHOICES)])
def test_multilinear__scales_with_the_curve(terms):
    values = noisy(tissue(TWO), 0.005, 1, 3)[0]
    one, two = terms.fit(curves(np.stack([values, 2.5 * values])), BLOOD)
    assert value(two) == pytest.approx(2.5 * value(one), rel=1e-9)


def test_ma2__recovers_two_compartments():
    (fit,) = MA2(**CHOICES).fit(curves(tissue(TWO)), BLOOD)
    found = {name: p.value for name, p in fit.parameters.items()}
    expected = {"K1": 0.3, "k2": 0.15, "k3": 0.05, "k4": 0.03, "VND": 2.0, "VS": 10 / 3, "VT": VT_TWO}
    assert found == pytest.approx(expected, rel=5e-3)
    assert found["VT"] == pytest.approx(VT_TWO, rel=1e-4)


@pytest.mark.parametrize(
    ("fitted", "terms"), [(MA1(t_star=AllFrames(), **CHOICES), ONE), (MA2(**CHOICES), TWO)]
)
def test_multilinear__errors_are_the_scatter(fitted, terms):
    fits = fitted.fit(curves(noisy(tissue(terms), 0.02, 400, 7)), BLOOD)
    scatter = np.std([value(f) for f in fits], ddof=1)
    stated = np.sqrt(np.mean([f.parameters["VT"].standard_error ** 2 for f in fits]))
    assert stated == pytest.approx(scatter, rel=0.15)


def test_multilinear__too_few_frames_are_an_error():
    few = curves(tissue(TWO, START_S[:4], END_S[:4]), None, START_S[:4], END_S[:4])
    with pytest.raises(InputError, match="at least 5 to fit 4 parameters; got 4"):
        MA2(**CHOICES).fit(few, BLOOD)
