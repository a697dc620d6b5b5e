"""A bolus, the frames of a 90 min scan, and tissue made from them by the package's own exact convolution."""

import numpy as np

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics.compartments_rates import exponentials
from tumorboard.pet.kinetics.compartments_response import frame_basis, frame_blood
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.provenance import Record

DURATION_S = np.array([10.0] * 6 + [20.0] * 3 + [60.0] * 5 + [180.0] * 5 + [360.0] * 11)
START_S = np.concatenate([[0.0], np.cumsum(DURATION_S)[:-1]])


def bolus():
    """Plasma and whole blood that differ, peaking at 45 s, beyond the last frame."""
    times = np.concatenate([[15.0], 15.0 + np.geomspace(2.0, 5400.0, 80)])
    u = np.maximum(times - 15.0, 0.0)
    plasma = 3e4 * (u / 30.0) * np.exp(1.0 - u / 30.0) + 2.5e3 * np.exp(-u / 3000.0) * (1 - np.exp(-u / 40.0))
    blood = 0.8 * plasma + 1.5e3 * (1 - np.exp(-u / 600.0))
    return InputFunction(times, plasma, blood, Record("simulated"))


def frames(concentrations=None, weights=None):
    values = (
        np.arange(1.0, len(START_S) + 1)[None] if concentrations is None else np.atleast_2d(concentrations)
    )
    names = tuple(f"region {k + 1}" for k in range(len(values)))
    return TissueCurves(names, START_S, DURATION_S, values, weights, Record("simulated"))


def tissue(rates_per_min, blood_volume, frame_model, blood=None):
    """What frames see of two compartments with K1, k2, k3, k4 [1/min]."""
    blood = bolus() if blood is None else blood
    amplitudes, exponents, _, _ = exponentials(np.asarray(rates_per_min, float) / 60.0)
    basis, _ = frame_basis(blood, frames(), frame_model, exponents)
    seen = frame_blood(blood, frames(), frame_model)
    return (1 - blood_volume) * (amplitudes @ basis) + blood_volume * seen
