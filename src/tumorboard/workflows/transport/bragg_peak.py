"""The range of protons from a depth dose in bins that may be wider than the Bragg peak."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import least_squares

from tumorboard.core.beam import EnergySpectrum
from tumorboard.core.pencil_kernel import PencilKernel
from tumorboard.errors import InputError
from tumorboard.proton.water_kernels import pencil_kernel_of_spectrum

__all__ = ["r80_mm"]

#: The curve is compared with a calculated one from this share of its range on, to this share and some bins.
_FROM, _TO, _MORE_BINS = 0.8, 1.05, 3
#: Steps of the interpolated curve, and over how many its slope is taken [mm].
_FINE_MM: Final = 0.005
_SMOOTH: Final = 11
#: Slower protons than this are no beam whose peak could be looked at [MeV].
_LEAST_MEV: Final = 10.0
#: A calculated beam needs some spread of energy [MeV].
_SPREAD_MEV: Final = 0.001


def r80_mm(depth_edges_mm: ArrayLike, energy: ArrayLike, *, energy_mev: float) -> float:
    """Return where, beyond the Bragg peak of protons of one energy in water, the dose has fallen to 80 %.

    The energy left up to a depth is known at the edges of the bins only. Between them it is that of a Bragg
    curve calculated for the energy, moved, stretched and scaled to the bins, plus a cubic spline through
    what is then left over at the edges: narrow bins speak for themselves, and in wide ones the peak keeps
    its shape.
    From 70 to 230 MeV, bins of 0.25 to 4 mm give the same within 0.05 mm.

    Parameters
    ----------
    depth_edges_mm
        Ascending from 0, evenly, shape ``(n + 1,)`` [mm].
    energy
        Left between them, any unit, shape ``(n,)``.
    energy_mev
        Kinetic energy at depth 0, >= 10 [MeV].

    Returns
    -------
    float
        [mm].

    Raises
    ------
    InputError
        When the bins do not hold the end of the range, or too few of them do, or the energy is too low.

    Examples
    --------
    >>> kernel = pencil_kernel_of_spectrum(150.0, EnergySpectrum([150.0], [0.001], [1.0]))
    >>> edges = np.arange(0.0, 201.0, 2.0)
    >>> left = np.diff(np.interp(edges, kernel.depth_mm, _summed(kernel)))
    >>> abs(r80_mm(edges, left, energy_mev=150.0) - kernel.range_mm) < 0.02
    True
    """
    if not energy_mev >= _LEAST_MEV:
        raise InputError(f"energy_mev must be >= {_LEAST_MEV:g} [MeV]; got {energy_mev!r}")
    edges, left = np.asarray(depth_edges_mm, np.float64), np.asarray(energy, np.float64)
    spectrum = EnergySpectrum(np.array([energy_mev]), np.array([_SPREAD_MEV]), np.array([1.0]))
    kernel = pencil_kernel_of_spectrum(energy_mev, spectrum, depth_step_mm=0.05)
    reach, width = kernel.range_mm, float(edges[1] - edges[0])
    low = int(np.searchsorted(edges, _FROM * reach))
    high = min(left.size, int(np.searchsorted(edges, _TO * reach + _MORE_BINS * width)))
    if edges[-1] < _TO * reach or high - low < 4:
        raise InputError(
            f"depth_edges_mm must be four or more from {_FROM * reach:.4g} to {_TO * reach:.4g} [mm]; got "
            f"{width:g} mm bins to {edges[-1]:g} mm; take narrower bins, and enough of them"
        )
    own, left = edges[low : high + 1], left[low:high]
    at, scale = _fitted(kernel, own, left)
    # What is left over is small and smooth, so that a spline through it invents nothing.
    rest = CubicSpline(own, np.append(0.0, np.cumsum(left - scale * np.diff(at(own)))))
    depth = np.arange(own[0], own[-1], _FINE_MM)
    dose = np.gradient(scale * at(depth) + rest(depth), depth)
    dose = np.convolve(dose, np.full(_SMOOTH, 1.0 / _SMOOTH), mode="valid")
    k = int(np.flatnonzero(dose >= 0.8 * dose.max())[-1])
    return float(depth[k + _SMOOTH // 2])


def _summed(kernel: PencilKernel) -> NDArray[np.float64]:
    """Return the energy left up to each depth."""
    dose = kernel.integrated_dose_gy_mm2
    return np.append(0.0, np.cumsum(0.5 * (dose[1:] + dose[:-1]) * np.diff(kernel.depth_mm)))


def _fitted(
    kernel: PencilKernel, edges: NDArray[np.float64], left: NDArray[np.float64]
) -> tuple[Callable[[NDArray[Any]], NDArray[np.float64]], float]:
    """Return the calculated energy up to a depth, moved and stretched to fit bins, and its scale."""
    summed, reach = _summed(kernel), kernel.range_mm
    most = float(left.max())

    def moved(shift_mm: float, stretch: float, depth: NDArray[Any]) -> NDArray[np.float64]:
        there: NDArray[np.float64] = reach + (depth - reach - shift_mm) / stretch
        return np.asarray(np.interp(there, kernel.depth_mm, summed), dtype=np.float64)

    top = float(np.diff(moved(0.0, 1.0, edges)).max())

    def apart(p: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(p[1] / top * np.diff(moved(p[0], p[2], edges)) - left / most)

    found = least_squares(apart, [0.0, 1.0, 1.0]).x
    return lambda depth: moved(found[0], found[2], depth), float(found[1] * most / top)
