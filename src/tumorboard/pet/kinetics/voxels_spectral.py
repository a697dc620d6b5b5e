"""Spectral analysis made ready to go through voxels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics._kernels.voxel_spectral import fit_spectra
from tumorboard.pet.kinetics.compartments_rates import FittedBloodVolume, blood_range
from tumorboard.pet.kinetics.compartments_response import frame_basis, frame_blood
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.spectral import SpectralAnalysis
from tumorboard.pet.kinetics.voxels_plan import Quantities, VoxelNumbers
from tumorboard.units import S_PER_MIN

__all__ = ["SpectralPlan", "spectral_plan"]


@dataclass(frozen=True, slots=True, eq=False)
class SpectralPlan:
    """A grid of exponentials and blood in one scan; coefficients are K1, the share of blood and VT.

    Parameters
    ----------
    columns
        Exponentials and, last, blood, shape ``(n_frames, n_rates + 1)``.
    weights
        Shape ``(n_frames,)``.
    rates_per_min
        Shape ``(n_rates,)`` [1/min].
    blood_volume
        A fixed share of blood, or its range.
    units, quantities
        See :class:`.VoxelPlan`.
    """

    columns: NDArray[np.float64]
    weights: NDArray[np.float64]
    rates_per_min: NDArray[np.float64]
    blood_volume: float | FittedBloodVolume
    units: Mapping[str, str]
    quantities: Quantities

    def solve(self, data: NDArray[Any], index: NDArray[np.int64], errors: bool) -> VoxelNumbers:
        """Fit voxels ``index``, shape ``(n_voxels,)``, of ``data``, ``(n_frames, n_all_voxels)`` [Bq/mL]."""
        volume, m = self.blood_volume, index.size
        fitted = isinstance(volume, FittedBloodVolume)
        low, high = blood_range(volume)
        weighted = self.columns * self.weights[:, None]
        whole = weighted.T @ self.columns
        without = whole - weighted[:, :, None] * self.columns[:, None, :]
        found, spread = np.empty((3, m)), np.empty((3, m if errors else 0))
        left, at_end = np.empty(m), np.empty(m, np.bool_)
        fit_spectra(
            data,
            index,
            -low * self.columns[:, -1],
            self.columns,
            self.weights,
            np.concatenate([whole[None], without]),
            self.rates_per_min,
            fitted,
            low,
            high - low,
            errors,
            found,
            spread,
            left,
            at_end,
        )
        # Errors come from the jackknife for each number alone: no products between them.
        covariance = np.zeros((6, m if errors else 0))
        if errors:
            covariance[[0, 3, 5]] = spread**2
        return VoxelNumbers(found, covariance, left, at_bound=at_end)


def spectral_plan(model: SpectralAnalysis, curves: TissueCurves, blood: InputFunction) -> SpectralPlan:
    """Make spectral analysis ready; arguments as :func:`.fit_voxels`, ``curves`` only for their frames."""
    basis, _ = frame_basis(blood, curves, model.frame_model, model.rates_per_min / S_PER_MIN)
    columns = np.column_stack([basis.T / S_PER_MIN, frame_blood(blood, curves, model.frame_model)])
    units = {"K1": "mL/cm3/min", "vB": "1", "VT": "mL/cm3"}
    weights, volume = model.weighting.of(curves), model.blood_volume
    return SpectralPlan(columns, weights, model.rates_per_min, volume, units, _quantities)


def _quantities(c: Any) -> dict[str, Any]:
    return {"K1": c[0], "vB": c[1], "VT": c[2]}
