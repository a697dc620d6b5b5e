import numpy as np
import pytest
from kinetic_curves import BLOOD, blood_averages, curves, noisy, one_tissue, tissue, two_tissue

from tumorboard.errors import InputError
from tumorboard.pet.kinetics import (
    FrameModel,
    InputFunction,
    LastFrames,
    Patlak,
    PointWeights,
    ReferencePatlak,
    Weighting,
)
from tumorboard.provenance import Record

TRAPPED = two_tissue(0.1, 0.15, 0.05, 1e-12)
CHOICES = {
    "t_star": LastFrames(8),
    "frame_model": FrameModel.FRAME_AVERAGE,
    "weighting": Weighting.DURATION,
    "point_weights": PointWeights.FRAME,
}


@pytest.mark.parametrize("blood_fraction", [0.0, 0.05])
def test_patlak__recovers_trapping(blood_fraction):
    measured = (1.0 - blood_fraction) * tissue(TRAPPED) + blood_fraction * blood_averages()
    (fit,) = Patlak(blood_fraction=blood_fraction, **CHOICES).fit(curves(measured), BLOOD)
    assert fit.parameters["Ki"].value == pytest.approx(0.025, rel=5e-3)
    assert fit.fitted_bq_ml[-8:] == pytest.approx(measured[-8:], rel=1e-3)


def test_patlak__is_exact_for_tissue_that_is_a_sum_of_plasma_and_its_integral():
    edges = np.linspace(0.0, 5400.0, 31)
    integral, twice = BLOOD.parent_convolution([0.0], edges)
    values = (0.4 * np.diff(integral[0]) + 0.03 / 60.0 * np.diff(twice[0])) / np.diff(edges)
    measured = curves(values, None, edges[:-1], edges[1:])
    (fit,) = Patlak(blood_fraction=0.0, **CHOICES).fit(measured, BLOOD)
    assert fit.parameters["Ki"].value == pytest.approx(0.03, rel=1e-9)
    assert fit.parameters["V0"].value == pytest.approx(0.4, rel=1e-9)


def test_patlak__errors_are_the_scatter():
    fits = Patlak(blood_fraction=0.0, **CHOICES).fit(curves(noisy(tissue(TRAPPED), 0.02, 400, 7)), BLOOD)
    scatter = np.std([f.parameters["Ki"].value for f in fits], ddof=1)
    stated = np.sqrt(np.mean([f.parameters["Ki"].standard_error ** 2 for f in fits]))
    assert stated == pytest.approx(scatter, rel=0.15)


def test_patlak__plasma_without_tracer_is_an_error():
    # It comes when the scan is over.
    times = np.array([0.0, 5400.0, 5500.0])
    nothing = InputFunction(times, [0.0, 0.0, 1.0], [0.0, 1.0, 1.0], Record("test"))
    with pytest.raises(InputError, match="must be > 0 in some frames"):
        Patlak(blood_fraction=0.0, **CHOICES).fit(curves(tissue(TRAPPED)), nothing)


def test_reference_patlak__slope_is_that_of_plasma_over_the_reference_volume():
    # Where tissue traps and reference is in equilibrium with plasma, Kiref is Ki over the reference's volume.
    reference = curves(tissue(one_tissue(1.5, 3.0)))
    (fit,) = ReferencePatlak(**CHOICES).fit(curves(tissue(TRAPPED)), reference)
    assert fit.parameters["Kiref"].value == pytest.approx(0.025 / 0.5, rel=0.02)


def test_reference_patlak__a_reference_against_itself_traps_nothing():
    reference = curves(tissue(one_tissue(0.3, 0.1)))
    (fit,) = ReferencePatlak(**CHOICES).fit(reference, reference)
    assert fit.parameters["Kiref"].value == pytest.approx(0.0, abs=1e-12)
    assert fit.parameters["intercept"].value == pytest.approx(1.0, rel=1e-12)
