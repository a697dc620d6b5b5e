"""What the kernels of the dose engine know of a spot: its optics across the ray and its table over depth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.beam import PhaseSpace
from tumorboard.core.pencil_kernel import PencilKernel

#: Tables over water-equivalent depth have this step [mm]; linear in between.
TABLE_STEP_MM: Final = 0.05

#: The lateral cut-off is solved for every so many steps of the table, and holds from there to the next.
CUT_STRIDE: Final = 20

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


def optics_rows(
    space: PhaseSpace, plane_mm: float, stretch: NDArray[np.float64], slab: Broadening
) -> NDArray[np.float64]:
    """Return weight and coefficients of 1, s, s^2 of the variance in x and in y of each ray, shape (n, 7).

    ``s`` counts from the isocentre plane; ``stretch``, shape (n,), is the length of a ray per distance along
    the central axis.
    """
    d = plane_mm * stretch
    rows = np.full((len(d), 7), space.weight)
    for first, sigma, theta, rho in (
        (1, space.sigma_x_mm, space.divergence_x_rad, space.correlation_x),
        (4, space.sigma_y_mm, space.divergence_y_rad, space.correlation_y),
    ):
        mixed = rho * sigma * theta
        rows[:, first] = sigma**2 + 2 * mixed * d + (theta * d) ** 2 + slab.along[0]
        rows[:, first + 1] = 2 * (mixed + theta**2 * d) + slab.along[1]
        rows[:, first + 2] = theta**2 + slab.along[2]
    return rows


def mean_rows(optics: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coefficients of the mean variance of all Gaussians, the wider of x and y, shape (n, 3)."""
    x, y = optics[:, :, 1:4], optics[:, :, 4:7]
    wider = np.where(x[:, :, :1] >= y[:, :, :1], x, y)
    weights = optics[:, :, 0] / optics[:, :, 0].sum(axis=1, keepdims=True)
    mean: NDArray[np.float64] = (weights[:, :, None] * wider).sum(axis=1)
    return mean


def depth_table(
    kernel: PencilKernel, rows: NDArray[np.float64], slab: Broadening, cutoff: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the table of a kernel, shape (1 + 2 n_components, n_bins), and its cut-offs, (2, n_coarse).

    ``rows`` are the optics at which the cut-off is solved for. The table ends with rows of zero dose, for all
    depths that the last of the cut-offs holds for.
    """
    reach_mm = max(0.0, float(kernel.depth_mm[-1]) - slab.water_mm)
    n_coarse = math.ceil(reach_mm / (CUT_STRIDE * TABLE_STEP_MM)) if reach_mm > 0 else 0
    water = np.arange(n_coarse * CUT_STRIDE + 1) * TABLE_STEP_MM
    depth = water + slab.water_mm
    held = slab.kernel[0] + water * (slab.kernel[1] + water * slab.kernel[2])
    dose = PROTONS * np.interp(depth, kernel.depth_mm, kernel.integrated_dose_gy_mm2, right=0.0)
    weights = _columns(depth, kernel.depth_mm, kernel.weights)
    spread = _columns(depth, kernel.depth_mm, kernel.sigma_mm) ** 2 - held
    table = np.zeros((1 + 2 * len(weights), len(water)))
    if kernel.let_kev_um is not None:
        table[0] = np.interp(depth, kernel.depth_mm, kernel.let_kev_um)
    table[1::2], table[2::2] = dose * weights, spread
    # In the middle of what the cut-off holds for.
    weights, spread = (v[:, CUT_STRIDE // 2 :: CUT_STRIDE] for v in (weights, spread))
    wider = np.maximum(rows[:, 1], rows[:, 4])
    variance = np.maximum(spread[:, None] + wider[:, None], 1e-4).reshape(-1, n_coarse)
    share = (weights[:, None] * rows[:, :1]).reshape(-1, n_coarse)
    mean = (weights * spread).sum(axis=0)
    squared = _radius_squared(variance.T, share.T / share.sum(axis=0)[:, None], cutoff)
    factor = squared / np.maximum(mean + mean_rows(rows[None])[0, 0], 1e-4)
    return table, np.stack([factor * mean, factor])


def _columns(x: NDArray[Any], xp: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.interp(x, xp, c) for c in columns.T])


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
