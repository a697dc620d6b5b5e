"""A pencil beam in water: what a dose engine superposes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["PencilKernel"]


@dataclass(frozen=True, slots=True, eq=False)
class PencilKernel:
    """Dose of one proton of one energy that enters water as an infinitely thin beam.

    The energy spread of the beam is in it, the width of the spot is not: a component's variance adds to
    that of the spot.

    Parameters
    ----------
    nominal_energy_mev
        The machine's name for the energy [MeV].
    depth_mm
        Depth in water, ascending from 0, shape ``(n_depths,)`` [mm].
    integrated_dose_gy_mm2
        Dose integrated over the plane, per proton, shape ``(n_depths,)`` [Gy mm2].
    sigma_mm
        Lateral spread of each Gaussian component, shape ``(n_depths, n_components)`` [mm].
    weights
        Fraction of the dose in each component, rows sum to 1, shape ``(n_depths, n_components)``.
    let_kev_um
        Dose-averaged LET in water of primary and secondary protons, shape ``(n_depths,)`` [keV/um];
        ``None`` where the source gives none.
    provenance
        How it was made.
    """

    nominal_energy_mev: float
    depth_mm: NDArray[np.float64]
    integrated_dose_gy_mm2: NDArray[np.float64]
    sigma_mm: NDArray[np.float64]
    weights: NDArray[np.float64]
    provenance: Record
    let_kev_um: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        depth = read_only(self.depth_mm, np.float64)
        if depth.ndim != 1 or depth.size < 2 or (np.diff(depth) <= 0).any() or depth[0] < 0:
            raise InputError(f"depth_mm must ascend from >= 0, at least two [mm]; got {depth!r}")
        object.__setattr__(self, "depth_mm", depth)
        self._check("integrated_dose_gy_mm2", "Gy mm2", (depth.size,))
        if self.let_kev_um is not None:
            self._check("let_kev_um", "keV/um", (depth.size,))
        n_components = np.shape(self.sigma_mm)[-1] if np.ndim(self.sigma_mm) == 2 else 0
        self._check("sigma_mm", "mm", (depth.size, max(n_components, 1)))
        self._check("weights", "1", (depth.size, max(n_components, 1)))
        if np.abs(self.weights.sum(axis=1) - 1).max() > 1e-6:
            raise InputError("weights must sum to 1 at each depth; they do not: scale them")

    def _check(self, name: str, unit: str, shape: tuple[int, ...]) -> None:
        values = read_only(getattr(self, name), np.float64)
        if values.shape != shape or not np.isfinite(values).all() or (values < 0).any():
            raise InputError(
                f"{name} at {self.nominal_energy_mev} MeV must be finite, >= 0 and have shape {shape} "
                f"[{unit}]; got shape {values.shape}"
            )
        object.__setattr__(self, name, values)

    @property
    def range_mm(self) -> float:
        """R80: depth of the distal 80 % of the maximum of the integrated dose [mm]."""
        dose = self.integrated_dose_gy_mm2
        peak = int(np.argmax(dose))
        below = np.flatnonzero(dose[peak:] < 0.8 * dose[peak])
        if not below.size:
            raise InputError(
                f"depth_mm at {self.nominal_energy_mev} MeV must reach beyond the distal 80 % [mm]; "
                f"it ends at {self.depth_mm[-1]:g} mm"
            )
        k = peak + int(below[0])
        step = (dose[k - 1] - 0.8 * dose[peak]) / (dose[k - 1] - dose[k])
        return float(self.depth_mm[k - 1] + step * (self.depth_mm[k] - self.depth_mm[k - 1]))
