"""What the kernels of the dose engine know of a spot: its optics across the ray and its table over depth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.beam import PhaseSpace
from tumorboard.core.pencil_kernel import PencilKernel

#: Tables over water-equivalent depth have this step [mm]; linear in between.
TABLE_STEP_MM: Final = 0.1

#: The lateral cut-off is solved for at this many steps of the table, and is linear in between.
_CUTOFF_STRIDE: Final = 20

#: Weights of the spots in a dose influence are in this many protons.
PROTONS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Broadening:
    """What a slab upstream adds to a spot's variance: ``a + b s + c s^2`` minus what the kernel has of it.

    The kernel of depth ``slab + w`` holds the slab's scattering as if the water went on behind it, that is
    ``kernel[0] + kernel[1] w + kernel[2] w^2`` at the water-equivalent depth ``w`` in the patient.
    """

    water_mm: float = 0.0
    along: tuple[float, float, float] = (0.0, 0.0, 0.0)
    kernel: tuple[float, float, float] = (0.0, 0.0, 0.0)


def optics_row(space: PhaseSpace, plane_mm: float, stretch: float, slab: Broadening) -> list[float]:
    """Return weight and coefficients of 1, s, s^2 of the variance in x and y, ``s`` from the isocentre plane.

    ``stretch`` is the length of the ray per distance along the central axis.
    """
    d = plane_mm * stretch
    row = [space.weight]
    for sigma, theta, rho in (
        (space.sigma_x_mm, space.divergence_x_rad, space.correlation_x),
        (space.sigma_y_mm, space.divergence_y_rad, space.correlation_y),
    ):
        mixed = rho * sigma * theta
        terms = (sigma**2 + 2 * mixed * d + (theta * d) ** 2, 2 * (mixed + theta**2 * d), theta**2)
        row += [t + a for t, a in zip(terms, slab.along, strict=True)]
    return row


def mean_row(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coefficients of the mean variance of all Gaussians, the wider of x and y."""
    x, y = rows[:, 1:4], rows[:, 4:7]
    wider = np.where((x[:, :1] >= y[:, :1]), x, y)
    mean: NDArray[np.float64] = (rows[:, 0] @ wider) / rows[:, 0].sum()
    return mean


def depth_table(
    kernel: PencilKernel, rows: NDArray[np.float64], slab: Broadening, cutoff: float
) -> tuple[NDArray[np.float32], float, NDArray[np.float64]]:
    """Return the table of a kernel, the farthest reach [mm2] without optics, and the fraction lost by depth.

    ``rows`` are optics at which the cut-off is solved for.
    """
    reach_mm = float(kernel.depth_mm[-1]) - slab.water_mm
    n = max(2, math.ceil(reach_mm / TABLE_STEP_MM) + 1)
    water = np.minimum(np.arange(n) * TABLE_STEP_MM, max(reach_mm, 0.0))
    depth = water + slab.water_mm
    held = slab.kernel[0] + water * (slab.kernel[1] + water * slab.kernel[2])
    dose = PROTONS * np.interp(depth, kernel.depth_mm, kernel.integrated_dose_gy_mm2)
    weights = _columns(depth, kernel.depth_mm, kernel.weights)
    spread = _columns(depth, kernel.depth_mm, kernel.sigma_mm) ** 2 - held[:, None]
    table = np.zeros((n, 3 + 2 * weights.shape[1]))
    table[:, 0] = (weights * spread).sum(axis=1)
    if kernel.let_kev_um is not None:
        table[:, 2] = np.interp(depth, kernel.depth_mm, kernel.let_kev_um)
    table[:, 3::2] = dose[:, None] * weights
    table[:, 4::2] = spread
    nodes = np.unique(np.append(np.arange(0, n, _CUTOFF_STRIDE), n - 1))
    wider = np.maximum(rows[:, 1], rows[:, 4])
    variance = np.maximum(spread[nodes, :, None] + wider, 1e-4).reshape(len(nodes), -1)
    share = (weights[nodes, :, None] * rows[:, 0]).reshape(len(nodes), -1)
    squared = _radius_squared(variance, share / share.sum(axis=1, keepdims=True), cutoff)
    mean = (weights[nodes] * spread[nodes]).sum(axis=1) + mean_row(rows)[0]
    table[:, 1] = np.interp(np.arange(n), nodes, squared / np.maximum(mean, 1e-4))
    return table.astype(np.float32), float(squared.max()), water


def _columns(
    x: NDArray[np.float64], xp: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.stack([np.interp(x, xp, c) for c in columns.T], axis=1)


def _radius_squared(
    variance: NDArray[np.float64], share: NDArray[np.float64], cutoff: float
) -> NDArray[np.float64]:
    """Return the square of the radius beyond which a sum of round Gaussians has the fraction ``cutoff``."""
    low = np.zeros(len(variance))
    high = -2 * math.log(cutoff) * variance.max(axis=1)
    for _ in range(50):
        middle = 0.5 * (low + high)
        outside = (share * np.exp(-middle[:, None] / (2 * variance))).sum(axis=1)
        low, high = np.where(outside > cutoff, middle, low), np.where(outside > cutoff, high, middle)
    found: NDArray[np.float64] = high
    return found
