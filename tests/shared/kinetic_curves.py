"""Noise-free curves of compartment models with known parameters, averaged over frames exactly."""

from __future__ import annotations

import numpy as np

from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.image import Quantity
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics.fit import FrameModel
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.reference_curve import convolved_in_frames, reference_nodes
from tumorboard.provenance import Record

#: 39 frames, 90 minutes.
DURATION_S = np.repeat([10.0, 20.0, 30.0, 60.0, 120.0, 300.0], [6, 3, 6, 5, 5, 14])
END_S = np.cumsum(DURATION_S)
START_S = END_S - DURATION_S

_T = np.unique(
    np.concatenate([np.arange(0, 120, 2.0), np.arange(120, 600, 10.0), np.arange(600, 5500, 60.0)])
)
_U = np.maximum(_T - 20.0, 0.0) / 60.0
_PARENT = (
    2e4
    * (1.0 - np.exp(-_U / 0.2))
    * (3.0 * np.exp(-1.2 * _U) + 0.5 * np.exp(-0.1 * _U) + 0.25 * np.exp(-0.01 * _U))
)
#: A bolus at 20 s.
BLOOD = InputFunction(
    _T, _PARENT, 0.8 * _PARENT + 300.0 * (1.0 - np.exp(-_T / 1000.0)), Record("tests.bolus")
)


def one_tissue(k1, k2):
    """Terms (amplitude, rate) of the response [1/min]."""
    return [(k1, k2)]


def two_tissue(k1, k2, k3, k4):
    """Terms (amplitude, rate) of the response [1/min]."""
    s = k2 + k3 + k4
    d = np.sqrt(s * s - 4.0 * k2 * k4)
    a, b = 0.5 * (s - d), 0.5 * (s + d)
    return [(k1 * (k3 + k4 - a) / (b - a), a), (k1 * (b - k3 - k4) / (b - a), b)]


def tissue(terms, start_s=START_S, end_s=END_S):
    """Averages over the frames, shape (n_frames,) [Bq/mL]."""
    edges = np.concatenate([start_s[:1], end_s])
    total = np.zeros(len(start_s))
    for amplitude, rate in terms:
        integral = BLOOD.parent_convolution([rate / 60.0], edges)[1][0]
        total += amplitude / 60.0 * np.diff(integral) / (end_s - start_s)
    return total


def blood_averages(start_s=START_S, end_s=END_S):
    """Whole blood, averages over the frames."""
    return np.diff(BLOOD.whole_blood_integral(np.concatenate([start_s[:1], end_s]))) / (end_s - start_s)


def curves(values, weights=None, start_s=START_S, end_s=END_S):
    """Curves named 0, 1, ..."""
    values = np.atleast_2d(values)
    names = tuple(str(k) for k in range(len(values)))
    return TissueCurves(names, start_s, end_s - start_s, values, weights, Record("tests.curves"))


def scan(values, grid):
    """A dynamic image of these frames, shape (n_frames, *grid.shape)."""
    made = Record("tests.scan")
    quantity = Quantity.ACTIVITY_CONCENTRATION
    return DynamicImage(values, grid, quantity, START_S, DURATION_S, "injection", made)


def reference_tissue(reference, r1, k2, bpnd, interpolation, frame_model=FrameModel.FRAME_AVERAGE):
    """Tissue of the simplified reference tissue model, with the reference interpolated as stated."""
    k2a = k2 / (1.0 + bpnd)
    nodes = reference_nodes(reference, START_S, END_S, interpolation)
    convolved = convolved_in_frames(*nodes, [k2a / 60.0], START_S, END_S, frame_model)[0] / 60.0
    return r1 * reference + (k2 - r1 * k2a) * convolved


def noisy(values, relative, count, seed):
    """Copies with noise whose variance goes with one over the duration; relative to the peak, per minute."""
    rng = np.random.default_rng(seed)
    spread = relative * values.max() * np.sqrt(60.0 / DURATION_S)
    return values + rng.normal(size=(count, len(values))) * spread
