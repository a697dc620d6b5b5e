"""Two tissue compartments made ready to go through voxels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics import _parameters
from tumorboard.pet.kinetics._kernels.voxel_two_tissue_run import fit_two_tissue
from tumorboard.pet.kinetics.compartments import Binding, TwoTissue
from tumorboard.pet.kinetics.compartments_rates import FittedBloodVolume
from tumorboard.pet.kinetics.compartments_response import FrameResponse
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.voxels_plan import Quantities, VoxelNumbers, packed_size
from tumorboard.units import S_PER_MIN

__all__ = ["TwoTissuePlan", "two_tissue_plan"]

#: Of the table's rates, those of the first search: its best pair is refined, so that it may be coarse.
_STRIDE: Final = 4
#: Directions of the table's responses that are smaller than this part of the largest are left out.
_NEGLIGIBLE: Final = 1e-8
#: A search ends when two steps in turn lower the sum of squares by a smaller part.
_ENOUGH: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class TwoTissuePlan:
    """Two tissue compartments in one scan.

    Coefficients are K1 times the share of tissue, k2, k3, k4 [1/s], and the share of blood.

    Parameters
    ----------
    response
        Of the scan's frames to any rate.
    weights
        Shape ``(n_frames,)``.
    lower, upper
        Of the first four coefficients, shape ``(4,)``.
    blood_volume
        A fixed share of blood, or its range.
    units, quantities
        See :class:`.VoxelPlan`.
    """

    response: FrameResponse
    weights: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    blood_volume: float | FittedBloodVolume
    units: Mapping[str, str]
    quantities: Quantities

    def solve(self, data: NDArray[Any], index: NDArray[np.int64], errors: bool) -> VoxelNumbers:
        """Fit voxels ``index``, shape ``(n_voxels,)``, of ``data``, ``(n_frames, n_all_voxels)`` [Bq/mL]."""
        numbers = self._free(data, index, errors)
        volume = self.blood_volume
        if not isinstance(volume, FittedBloodVolume):
            return numbers
        share = numbers.coefficients[4]
        for limit, beyond in (
            (volume.lowest, share < volume.lowest),
            (volume.highest, share > volume.highest),
        ):
            again = np.flatnonzero(beyond)
            if again.size:
                held = self._free(data, index[again], errors, limit)
                numbers.coefficients[:, again] = held.coefficients
                if errors:
                    numbers.covariance[:, again] = held.covariance
                for name in ("residual_sum", "at_bound", "not_converged"):
                    getattr(numbers, name)[again] = getattr(held, name)
                np.asarray(numbers.at_bound)[again] = True
        return numbers

    def _free(
        self, data: NDArray[Any], index: NDArray[np.int64], errors: bool, held_at: float | None = None
    ) -> VoxelNumbers:
        """Fit with blood's share free, or held at a bound, where it counts as free in errors."""
        table, seen = self.response, self.response.whole_blood_bq_ml
        root, fitted = np.sqrt(self.weights), isinstance(self.blood_volume, FittedBloodVolume)
        share = 0.0 if isinstance(self.blood_volume, FittedBloodVolume) else self.blood_volume
        share = share if held_at is None else held_at
        weighted = table.basis * root
        blood = seen * root
        length = float(np.linalg.norm(blood))
        basis = _directions(weighted, blood / length if fitted else None)
        coordinates = weighted @ basis.T
        span = math.log1p(table.rates_per_s[-1] / table.offset_per_s)
        step = span / (len(table.rates_per_s) - 1)
        change = (
            (table.derivative * root) @ basis.T * ((table.rates_per_s + table.offset_per_s) * step)[:, None]
        )
        first = int(fitted and held_at is None)
        coarse = coordinates[::_STRIDE, first:]
        lengths = np.linalg.norm(coarse, axis=1)
        rows = coarse / lengths[:, None]
        cross = rows @ rows.T
        inverse = 1.0 / np.maximum(1.0 - cross**2, 1e-6)
        m = index.size
        found, left = np.empty((5, m)), np.empty(m)
        covariance = np.empty((packed_size(5), m if errors else 0))
        at_bound, converged = np.empty(m, np.bool_), np.empty(m, np.bool_)
        n_free = int((self.upper > self.lower).sum()) + int(fitted)
        fit_two_tissue(
            data,
            index,
            -share * seen,
            root,
            np.ascontiguousarray(basis),
            first,
            length,
            np.ascontiguousarray(coordinates),
            np.ascontiguousarray(change),
            table.offset_per_s,
            span,
            np.ascontiguousarray(rows, np.float32),
            lengths,
            np.ascontiguousarray(table.rates_per_s[::_STRIDE]),
            np.ascontiguousarray(cross, np.float32),
            np.ascontiguousarray(inverse, np.float32),
            self.lower * (1.0 - share, 1.0, 1.0, 1.0),
            self.upper * (1.0 - share, 1.0, 1.0, 1.0),
            _ENOUGH,
            int((self.weights > 0).sum()) - n_free,
            int(fitted),
            errors,
            found,
            covariance,
            left,
            at_bound,
            converged,
        )
        if first == 0:
            found[4] = share
        return VoxelNumbers(found, covariance, left, at_bound, ~converged)


def _directions(weighted: NDArray[np.float64], blood: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return orthonormal directions, rows, that the table's rows lie in; blood's first where it is given."""
    rest = weighted if blood is None else weighted - np.outer(weighted @ blood, blood)
    _, singular, vt = np.linalg.svd(
        rest / np.linalg.norm(weighted, axis=1, keepdims=True), full_matrices=False
    )
    kept: NDArray[np.float64] = vt[singular > singular[0] * _NEGLIGIBLE]
    return kept if blood is None else np.concatenate([blood[None], kept])


def two_tissue_plan(model: TwoTissue, curves: TissueCurves, blood: InputFunction) -> TwoTissuePlan:
    """Make two tissue compartments ready; ``curves`` only for their frames."""
    b, reversible = model.bounds, model.binding is Binding.REVERSIBLE
    pairs = (b.k1_ml_cm3_min, b.k2_per_min, b.k3_per_min, b.k4_per_min if reversible else (0.0, 0.0))
    limits = np.array(pairs) / S_PER_MIN
    response = FrameResponse.of(blood, curves, model.frame_model, float(limits[1:, 1].sum()))
    of_rates = _parameters.reversible if reversible else _parameters.irreversible

    def quantities(c: Any) -> dict[str, Any]:
        return of_rates((c[0] / (1.0 - c[4]), *c[1:]))

    return TwoTissuePlan(
        response,
        model.weighting.of(curves),
        np.ascontiguousarray(limits[:, 0]),
        np.ascontiguousarray(limits[:, 1]),
        model.blood_volume,
        _parameters.REVERSIBLE if reversible else _parameters.IRREVERSIBLE,
        quantities,
    )
