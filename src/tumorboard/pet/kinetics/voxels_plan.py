"""What a model is made into before it goes through the voxels of an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.t_star import LargestResidual, TStar, first_frame

__all__ = ["VoxelNumbers", "VoxelPlan", "derived_maps", "first_of_all_voxels", "packed_size"]

Quantities = Callable[[Any], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class VoxelNumbers:
    """What a fit of some voxels found.

    Parameters
    ----------
    coefficients
        Shape ``(p, n_voxels)``.
    covariance
        Rows of the upper triangle one after the other, shape ``(p (p + 1) / 2, n_voxels)``; not set where no
        errors were asked for.
    residual_sum
        Of weight times squared residual, shape ``(n_voxels,)``.
    at_bound, not_converged, pointless
        Boolean, shape ``(n_voxels,)``, or ``None`` where it cannot happen: a parameter at the end of what is
        searched; a search that did not end; a frame that makes no point in a plot.
    """

    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    residual_sum: NDArray[np.float64]
    at_bound: NDArray[np.bool_] | None = None
    not_converged: NDArray[np.bool_] | None = None
    pointless: NDArray[np.bool_] | None = None


class VoxelPlan(Protocol):
    """A model with everything that is the same in all voxels of a scan."""

    @property
    def units(self) -> Mapping[str, str]:
        """Unit of each parameter, by name."""
        ...

    @property
    def quantities(self) -> Quantities:
        """Parameters as analytic functions of the coefficients, ``(p, ...)``, by name."""
        ...

    def solve(self, data: NDArray[Any], index: NDArray[np.int64], errors: bool) -> VoxelNumbers:
        """Fit voxels ``index`` of ``data``, shape ``(n_frames, n_all_voxels)``."""
        ...


def packed_size(p: int) -> int:
    """Return how many numbers a symmetric matrix of p rows has.

    Examples
    --------
    >>> packed_size(3)
    6
    """
    return p * (p + 1) // 2


def first_of_all_voxels(rule: TStar, curves: TissueCurves, n_parameters: int) -> int:
    """Return the first frame of the fit by a rule that does not look at the curves.

    Parameters
    ----------
    rule
        Of t*.
    curves
        Frames of the scan.
    n_parameters
        Of the fit.

    Raises
    ------
    InputError
        When the rule looks at residuals, or leaves too few frames.

    Examples
    --------
    >>> from tumorboard.pet.kinetics.t_star import LastFrames
    >>> from tumorboard.provenance import Record
    >>> curves = TissueCurves(
    ...     ("a",), [0.0, 1.0, 2.0, 3.0], [1.0] * 4, [[0.0, 1.0, 1.0, 1.0]], None, Record("example")
    ... )
    >>> first_of_all_voxels(LastFrames(3), curves, 2)
    1
    """
    if isinstance(rule, LargestResidual):
        raise InputError(
            "t_star must be the same in all voxels; LargestResidual looks at each curve; find it in regions, "
            "then give FromTime(start_s) or LastFrames(count)"
        )
    return first_frame(rule, curves.mid_s, n_parameters, lambda _: 0.0)[0]


def derived_maps(
    plan: VoxelPlan, numbers: VoxelNumbers, names: tuple[str, ...], errors: bool
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """Return parameters of voxels, and their errors to first order, in the order of ``names``.

    Parameters
    ----------
    plan
        Of the model.
    numbers
        That it found.
    names
        Of the parameters that are wanted.
    errors
        Whether their errors are.

    Returns
    -------
    tuple of list
        Arrays of shape ``(n_voxels,)``, NaN where not finite.
    """
    c = numbers.coefficients
    with np.errstate(all="ignore"):
        found = plan.quantities(c)
        values = [np.broadcast_to(np.asarray(found[name], np.float64), c.shape[1:]) for name in names]
        values = [np.where(np.isfinite(v), v, np.nan) for v in values]
        if not errors:
            return values, []
        slopes: list[list[Any]] = [[] for _ in names]
        for k in range(len(c)):
            # A step along the imaginary axis gives the derivative without loss of digits.
            moved: list[Any] = list(c)
            moved[k] = c[k] + 1e-30j
            stepped = plan.quantities(moved)
            for at, name in enumerate(names):
                slopes[at].append(np.imag(stepped[name]) / 1e-30)
        return values, [_error(slope, numbers.covariance) for slope in slopes]


def _error(slope: list[Any], covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    variance, at = np.zeros(covariance.shape[1]), 0
    for a in range(len(slope)):
        for b in range(a, len(slope)):
            if np.any(slope[a]) and np.any(slope[b]):
                variance += (1.0 if a == b else 2.0) * slope[a] * slope[b] * covariance[at]
            at += 1
    return np.sqrt(variance)
