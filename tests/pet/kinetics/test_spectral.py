import numpy as np
import pytest
from simulated_pet_scan import DURATION_S, bolus, frames, tissue

from tumorboard.errors import InputError
from tumorboard.pet.kinetics import FitFlag, FrameModel, Weighting
from tumorboard.pet.kinetics.compartments_rates import FittedBloodVolume
from tumorboard.pet.kinetics.spectral import SpectralAnalysis

RATES = (0.12, 0.15, 0.06, 0.045)
VT = 0.8 * (1 + 0.06 / 0.045)
AVERAGE = FrameModel.FRAME_AVERAGE


def spectral(slowest=0.005, fastest=2.0, n=100, blood_volume=0.05, frame_model=AVERAGE):
    return SpectralAnalysis(slowest, fastest, n, blood_volume, frame_model, Weighting.DURATION)


@pytest.mark.parametrize("frame_model", list(FrameModel))
@pytest.mark.parametrize("blood_volume", [0.05, FittedBloodVolume(0.0, 0.2)])
def test_spectral_analysis__finds_uptake_and_volume_without_a_model(frame_model, blood_volume):
    curves = frames(tissue(RATES, 0.05, frame_model))
    fit = spectral(blood_volume=blood_volume, frame_model=frame_model).fit(curves, bolus())[0]
    assert fit.parameters["K1"].value == pytest.approx(0.12, rel=5e-3)
    assert fit.parameters["VT"].value == pytest.approx(VT, rel=2e-3)
    assert fit.parameters["vB"].value == pytest.approx(0.05, rel=2e-2)
    assert fit.n_parameters <= 6


def test_spectral_analysis__rates_on_the_grid_are_found_exactly():
    grid = spectral().rates_per_min
    one = (0.2, grid[60], 0.0, 0.1)
    spectrum = spectral().spectra(frames(tissue(one, 0.05, AVERAGE)), bolus())[0]
    assert int(np.argmax(spectrum.amplitudes_ml_cm3_min)) == 60
    assert spectrum.k1_ml_cm3_min == pytest.approx(0.2, rel=1e-6)
    assert spectrum.vt_ml_cm3 == pytest.approx(0.2 / grid[60], rel=1e-6)


def test_spectral_analysis__what_stays_is_flagged_as_at_the_grids_end():
    fit = spectral().fit(frames(tissue((0.1, 0.13, 0.05, 0.0), 0.05, AVERAGE)), bolus())[0]
    assert FitFlag.AT_BOUND in fit.flags


def test_spectral_analysis__is_linear_in_scale():
    curve = tissue(RATES, 0.0, AVERAGE) + np.random.default_rng(1).normal(size=30) * 20.0
    model = spectral(blood_volume=0.0)
    once, thrice = (model.fit(frames(k * curve), bolus())[0].parameters for k in (1.0, 3.0))
    for name in ("K1", "VT"):
        assert thrice[name].value == pytest.approx(3.0 * once[name].value, rel=1e-8)
        assert thrice[name].standard_error == pytest.approx(3.0 * once[name].standard_error, rel=1e-6)


@pytest.mark.slow
def test_spectral_analysis__jackknife_errors_are_about_the_scatter():
    """Their median; single ones of VT are up to some times too large, where a component comes and goes."""
    noise = np.random.default_rng(2).normal(size=(60, 30)) * 150.0 / np.sqrt(DURATION_S)
    fits = spectral(slowest=0.02).fit(frames(tissue(RATES, 0.05, AVERAGE) + noise), bolus())
    for name in ("K1", "VT"):
        found = np.array([f.parameters[name].value for f in fits])
        errors = np.array([f.parameters[name].standard_error for f in fits])
        assert np.median(errors) == pytest.approx(found.std(ddof=1), rel=0.25), name


def test_spectral_analysis__bad_grids_are_errors():
    with pytest.raises(InputError, match="0 < slowest < fastest"):
        spectral(slowest=0.0)
    with pytest.raises(InputError, match="n_rates must be >= 10"):
        spectral(n=3)
    with pytest.raises(InputError, match="must change in time"):
        spectral().fit(frames(np.zeros(30)), bolus())
