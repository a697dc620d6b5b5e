"""Basis functions of simplified reference tissue models: a reference curve convolved with exponentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.fit import FrameModel
from tumorboard.pet.kinetics.linear_analysis import require_reference
from tumorboard.pet.kinetics.reference_curve import (
    ReferenceInterpolation,
    convolved_in_frames,
    reference_nodes,
)
from tumorboard.units import S_PER_MIN

__all__ = ["ReferenceBasis", "reference_basis", "require_rates"]

#: Basis functions by decade of rates: no valley of the sum of squares is narrower than a tenth of a decade.
_PER_DECADE: Final = 40
#: Relative step of the central difference that gives how a basis function changes with its rate.
_STEP: Final = 1e-5


def require_rates(name: str, range_per_min: tuple[float, float]) -> None:
    """Raise an InputError unless a range of rates is positive and ascending.

    Examples
    --------
    >>> require_rates("k2a_range_per_min", (0.002, 1.0))
    """
    low, high = range_per_min
    if not (0.0 < low < high < np.inf):
        raise InputError(f"{name} must be 0 < lowest < highest [1/min]; got {low} to {high}")


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceBasis:
    """A reference curve in the frames, and its convolutions with exponentials of some rates.

    Parameters
    ----------
    reference
        As measured, shape ``(n_frames,)`` [Bq/mL].
    rates_per_min
        Ascending, shape ``(n_rates,)`` [1/min].
    table
        Convolutions, shape ``(n_rates, n_frames)`` [Bq min/mL].
    nodes_s, node_values
        Between which the curve is straight, shape ``(n,)`` [s], [Bq/mL].
    start_s, end_s
        Of the frames, shape ``(n_frames,)`` [s].
    frame_model
        Averages over frames, or values at their middle.
    """

    reference: NDArray[np.float64]
    rates_per_min: NDArray[np.float64]
    table: NDArray[np.float64]
    nodes_s: NDArray[np.float64]
    node_values: NDArray[np.float64]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    frame_model: FrameModel

    def at(self, rate_per_min: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the convolution at one rate and its derivative with the rate, each ``(n_frames,)``."""
        step = _STEP * rate_per_min
        rates = np.array([rate_per_min - step, rate_per_min, rate_per_min + step]) / S_PER_MIN
        low, here, high = (
            convolved_in_frames(
                self.nodes_s, self.node_values, rates, self.start_s, self.end_s, self.frame_model
            )
            / S_PER_MIN
        )
        return here, (high - low) / (2.0 * step)


def reference_basis(
    curves: TissueCurves,
    reference: TissueCurves,
    frame_model: FrameModel,
    interpolation: ReferenceInterpolation,
    range_per_min: tuple[float, float],
) -> ReferenceBasis:
    """Check curves and their reference, and convolve the latter.

    Parameters
    ----------
    curves
        What was measured.
    reference
        One region on the same frames.
    frame_model
        Averages over frames, or values at their middle.
    interpolation
        What the reference is between its frames.
    range_per_min
        Lowest and highest rate [1/min].

    Returns
    -------
    ReferenceBasis
        With rates in equal ratios.

    Raises
    ------
    InputError
        When the frames differ or begin late, the reference has several regions, or a curve never changes.
    """
    require_reference(curves, reference)
    start, end = curves.frame_start_s, curves.frame_end_s
    measured = reference.concentration_bq_ml[0]
    nodes, values = reference_nodes(measured, start, end, interpolation)
    low, high = range_per_min
    rates = np.geomspace(low, high, max(8, int(np.ceil(_PER_DECADE * np.log10(high / low)))))
    table = convolved_in_frames(nodes, values, rates / S_PER_MIN, start, end, frame_model) / S_PER_MIN
    return ReferenceBasis(measured, rates, table, nodes, values, start, end, frame_model)
