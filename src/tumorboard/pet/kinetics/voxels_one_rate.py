"""Models with one rate that is not linear, made ready to go through voxels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics import _parameters
from tumorboard.pet.kinetics._kernels.voxel_one_rate import fit_rates
from tumorboard.pet.kinetics.compartments import OneTissue
from tumorboard.pet.kinetics.compartments_rates import FittedBloodVolume
from tumorboard.pet.kinetics.compartments_response import frame_basis, frame_blood
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.reference_basis import reference_basis
from tumorboard.pet.kinetics.reference_curve import convolved_in_frames
from tumorboard.pet.kinetics.srtm import SRTM
from tumorboard.pet.kinetics.srtm2 import SRTM2, CoupledK2Prime
from tumorboard.pet.kinetics.voxels_plan import Quantities, VoxelNumbers, packed_size
from tumorboard.units import S_PER_MIN

__all__ = ["OneRatePlan", "one_tissue_plan", "reference_rate_plan"]

#: Largest distance of the table's rates in their logarithm; between them cubics err by some 1e-7.
_STEP: Final = 0.05
#: Relative step of the difference that gives how a column changes with its rate.
_DIFFERENCE: Final = 1e-5
#: Every fourth rate of the table is near enough to find the lowest valley.
_STRIDE: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class OneRatePlan:
    """A column that depends on a rate, and perhaps a fixed one.

    Coefficients are that of the fixed column, that of the other, and the rate.

    Parameters
    ----------
    rates
        Evenly spaced in the logarithm, shape ``(n_rates,)``.
    columns, slopes
        At the rates, and their derivatives by the rate's logarithm, shape ``(n_rates, n_frames)``.
    fixed
        The fixed column, all 0 for none, shape ``(n_frames,)``.
    shift
        Added to each curve first, shape ``(n_frames,)``.
    weights
        Shape ``(n_frames,)``.
    positive
        Whether the column's coefficient is >= 0.
    units, quantities
        See :class:`.VoxelPlan`.
    range_of_fixed
        Lowest and highest coefficient of the fixed column.
    range_of_column
        Lowest and highest coefficient of the other.
    """

    rates: NDArray[np.float64]
    columns: NDArray[np.float64]
    slopes: NDArray[np.float64]
    fixed: NDArray[np.float64]
    shift: NDArray[np.float64]
    weights: NDArray[np.float64]
    positive: bool
    units: Mapping[str, str]
    quantities: Quantities
    range_of_fixed: tuple[float, float] = (-math.inf, math.inf)
    range_of_column: tuple[float, float] = (-math.inf, math.inf)

    def solve(self, data: NDArray[Any], index: NDArray[np.int64], errors: bool) -> VoxelNumbers:
        """Fit voxels ``index``, shape ``(n_voxels,)``, of ``data``, ``(n_frames, n_all_voxels)`` [Bq/mL]."""
        numbers = self._free(data, index)
        low, high = self.range_of_fixed
        if numbers.at_bound is None or (low == -math.inf and high == math.inf):
            return numbers
        for limit, beyond in ((low, numbers.coefficients[0] < low), (high, numbers.coefficients[0] > high)):
            again = np.flatnonzero(beyond)
            if again.size:
                held = self._free(data, index[again], limit)
                held.coefficients[0] = limit
                numbers.coefficients[:, again] = held.coefficients
                numbers.covariance[:, again] = held.covariance
                numbers.residual_sum[again] = held.residual_sum
                numbers.at_bound[again] = True
        return numbers

    def _free(
        self, data: NDArray[Any], index: NDArray[np.int64], held_at: float | None = None
    ) -> VoxelNumbers:
        """Fit with the fixed column free, or held at a bound: a parameter there counts as free in errors."""
        root, m = np.sqrt(self.weights), index.size
        fixed = self.fixed * root
        length = float(np.linalg.norm(fixed))
        unit = fixed / length if length > 0 else fixed
        error_numbers, table, slopes = self._columns(unit)
        numbers, shift = error_numbers, self.shift
        if held_at is not None:
            numbers, table, slopes = self._columns(np.zeros_like(unit))
            shift, unit = self.shift - held_at * self.fixed, np.zeros_like(unit)
        found, covariance = np.empty((3, m)), np.empty((packed_size(3), m))
        left, at_end = np.empty(m), np.empty(m, np.bool_)
        fit_rates(
            data,
            index,
            1.0,
            shift,
            root,
            unit,
            length if held_at is None else 0.0,
            table,
            slopes,
            numbers,
            error_numbers,
            length,
            np.log(self.rates),
            _STRIDE,
            self.positive,
            int((self.weights > 0).sum()) - (3 if length > 0 else 2),
            found,
            covariance,
            left,
            at_end,
        )
        low, high = self.range_of_column
        at_end |= (found[1] <= low) | (found[1] >= high)
        found[1] = np.clip(found[1], low, high)
        return VoxelNumbers(found, covariance, left, at_bound=at_end)

    def _columns(
        self, unit: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the columns' numbers, the columns without their part along ``unit``, and how they change."""
        root = np.sqrt(self.weights)
        column, slope = self.columns * root, self.slopes * root
        g, gamma = column @ unit, slope @ unit
        across, change = column - g[:, None] * unit, slope - gamma[:, None] * unit
        nu = np.linalg.norm(across, axis=1)
        table = across / nu[:, None]
        kappa = np.einsum("rf,rf->r", table, change)
        sideways = change - kappa[:, None] * table
        eta = np.linalg.norm(sideways, axis=1)
        numbers = np.stack([g, nu, gamma / self.rates, kappa / self.rates, eta / self.rates], axis=-1)
        return numbers, table, sideways / nu[:, None] * math.log(self.rates[1] / self.rates[0])


def _rates(low: float, high: float) -> NDArray[np.float64]:
    return np.geomspace(low, high, max(5, math.ceil(math.log(high / low) / _STEP) + 1))


def _given(model: SRTM2) -> float:
    if isinstance(model.k2_prime, CoupledK2Prime):
        raise InputError(
            "k2_prime must be GivenK2Prime for voxels: all of them share it; find it in regions with "
            "CoupledK2Prime, or take the median of k2' over voxels that SRTM finds to bind"
        )
    return model.k2_prime.per_min


def reference_rate_plan(model: SRTM | SRTM2, curves: TissueCurves, reference: TissueCurves) -> OneRatePlan:
    """Make a reference tissue model ready; ``curves`` only for their frames."""
    k2_prime = math.nan
    if isinstance(model, SRTM2):
        k2_prime = _given(model)
    basis = reference_basis(
        curves, reference, model.frame_model, model.interpolation, model.k2a_range_per_min
    )
    rates = _rates(*model.k2a_range_per_min)

    def at(factor: float) -> NDArray[np.float64]:
        scaled = rates * factor / S_PER_MIN
        span = (basis.nodes_s, basis.node_values, scaled, basis.start_s, basis.end_s, basis.frame_model)
        return convolved_in_frames(*span) / S_PER_MIN

    table = at(1.0)
    slopes = (at(1.0 + _DIFFERENCE) - at(1.0 - _DIFFERENCE)) / (2.0 * _DIFFERENCE)
    weights, none = model.weighting.of(curves), np.zeros(curves.n_frames)
    if isinstance(model, SRTM):
        return OneRatePlan(
            rates,
            table,
            slopes,
            basis.reference,
            none,
            weights,
            False,
            _parameters.REFERENCE,
            _parameters.srtm,
        )
    columns = basis.reference + (k2_prime - rates)[:, None] * table
    slopes = (k2_prime - rates)[:, None] * slopes - rates[:, None] * table

    def srtm2(c: Any) -> dict[str, Any]:
        # k2' is NaN where there is no result.
        return _parameters.srtm2((c[1], c[2], k2_prime + 0.0 * c[1]))

    return OneRatePlan(rates, columns, slopes, none, none, weights, False, _parameters.REFERENCE, srtm2)


def one_tissue_plan(model: OneTissue, curves: TissueCurves, blood: InputFunction) -> OneRatePlan:
    """Make one tissue compartment ready; ``curves`` only for their frames."""
    low, high = model.bounds.k2_per_min
    if low == 0.0:
        raise InputError(
            "the lowest k2 must be > 0 [1/min] for voxels, whose search is even in its logarithm"
        )
    rates = _rates(low / S_PER_MIN, high / S_PER_MIN)
    columns, by_rate = frame_basis(blood, curves, model.frame_model, rates)
    seen = frame_blood(blood, curves, model.frame_model)
    volume, weights = model.blood_volume, model.weighting.of(curves)
    fitted = isinstance(volume, FittedBloodVolume)
    share = 0.0 if isinstance(volume, FittedBloodVolume) else volume
    k1 = tuple(v / S_PER_MIN * (1.0 - share) for v in model.bounds.k1_ml_cm3_min)

    def quantities(c: Any) -> dict[str, Any]:
        part = c[0] if fitted else share + 0.0 * c[0]
        return _parameters.one_tissue((c[1] / (1.0 - part), c[2], part))

    return OneRatePlan(
        rates,
        columns,
        by_rate * rates[:, None],
        seen if fitted else np.zeros_like(seen),
        -share * seen,
        weights,
        True,
        _parameters.ONE_TISSUE,
        quantities,
        (volume.lowest, volume.highest) if isinstance(volume, FittedBloodVolume) else (-math.inf, math.inf),
        (k1[0], k1[1]),
    )
