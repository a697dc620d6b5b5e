"""Gamma index: how far, in space and dose together, one dose distribution is from another."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.image import Image, Quantity
from tumorboard.errors import GridMismatch, InputError
from tumorboard.numerics._slabs import run_slabs
from tumorboard.outcomes._kernels.gamma_search import cell_extremes, search_points
from tumorboard.provenance import Record

__all__ = ["GAMMA_TOLERANCE", "GammaCriteria", "GammaNormalisation", "GammaResult", "gamma_index"]

#: No gamma is larger than the exact minimum by more than this.
GAMMA_TOLERANCE: Final = 1e-4

#: A gamma of 1 passes even when its last digits round up.
_ROUNDING: Final = 1e-9


class GammaNormalisation(Enum):
    """What the dose criterion is a percentage of."""

    GLOBAL = "global"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class GammaCriteria:
    """What counts as agreement.

    Parameters
    ----------
    dose_percent
        Dose criterion, > 0 [%]: of the normalisation dose (global) or of each point's own (local).
    distance_mm
        Distance to agreement, > 0 [mm].
    threshold_percent
        Points below this part of the normalisation dose are left out, 0 to 100 [%].
    maximum
        Gamma is searched up to here, > 1; larger ones are given as this.
    normalisation
        Global or local.
    normalisation_dose_gy
        Dose that stands for 100 %, usually the prescription; the highest reference dose when ``None`` [Gy].
    """

    dose_percent: float
    distance_mm: float
    threshold_percent: float
    maximum: float
    normalisation: GammaNormalisation
    normalisation_dose_gy: float | None

    def __post_init__(self) -> None:
        for name, unit in (("dose_percent", "%"), ("distance_mm", "mm")):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(f"{name} must be finite and > 0 [{unit}]; got {value!r}")
        if not 0 <= self.threshold_percent <= 100:
            raise InputError(f"threshold_percent must lie in 0 to 100 [%]; got {self.threshold_percent!r}")
        if not (math.isfinite(self.maximum) and self.maximum > 1):
            raise InputError(
                f"maximum must be finite and > 1, or passing cannot be told; got {self.maximum!r}"
            )
        dose = self.normalisation_dose_gy
        if dose is not None and not (math.isfinite(dose) and dose > 0):
            raise InputError(f"normalisation_dose_gy must be finite and > 0 [Gy]; got {dose!r}")


@dataclass(frozen=True, slots=True, eq=False)
class GammaResult:
    """Gamma at every point of the reference that was looked at.

    Parameters
    ----------
    gamma
        GAMMA_INDEX on the reference grid; NaN below the threshold.
    criteria
        What counted as agreement.
    normalisation_dose_gy
        The dose that stood for 100 % [Gy].
    pass_rate_percent
        Part of the points with gamma at most 1 [%].
    n_points
        How many points were looked at.
    n_outside
        How many of these lie outside the evaluation grid; they are compared with its rim.
    provenance
        How it came about.
    """

    gamma: Image
    criteria: GammaCriteria
    normalisation_dose_gy: float
    pass_rate_percent: float
    n_points: int
    n_outside: int
    provenance: Record

    @property
    def mean(self) -> float:
        """Mean gamma of the points looked at."""
        return float(np.nanmean(self.gamma.values))


def gamma_index(
    reference: Image, evaluation: Image, criteria: GammaCriteria, *, threads: int | None = None
) -> GammaResult:
    r"""Compare two dose distributions by the gamma index in three dimensions.

    At each reference point r of dose D the least :math:`\sqrt{|x-r|^2/\Delta d^2 + (E(x)-D)^2/\Delta D^2}`
    over all points x of the evaluated dose E [1]_, which is interpolated trilinearly between its voxel
    centres: not over sample points, but over the continuous interpolated dose. A search by branch and bound
    finds the minimum to :data:`GAMMA_TOLERANCE`, never below it. Gamma is not symmetric: which of the two is
    the reference matters.

    Parameters
    ----------
    reference
        DOSE at whose voxels gamma is asked [Gy].
    evaluation
        DOSE that is searched, on any grid of the same frame of reference with at least two voxels along
        each axis [Gy].
    criteria
        Dose, distance, threshold, normalisation.
    threads
        Number of threads; as many as numba would use when not given. The result does not depend on it.

    Returns
    -------
    GammaResult
        Gamma per voxel and the pass rate.

    Raises
    ------
    GridMismatch
        When the frames of reference differ.
    InputError
        When an image is no dose, is not finite, the evaluation is too thin, or no reference point reaches
        the threshold.

    References
    ----------
    .. [1] low1998gamma

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> grid = Grid((3, 3, 9), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> ramp = np.broadcast_to(np.linspace(1.0, 2.0, 9), grid.shape)
    >>> dose = Image(ramp, grid, Quantity.DOSE, Record("example"))
    >>> higher = Image(ramp + 0.01, grid, Quantity.DOSE, Record("example"))
    >>> criteria = GammaCriteria(1.0, 1.0, 10.0, 2.0, GammaNormalisation.GLOBAL, normalisation_dose_gy=2.0)
    >>> result = gamma_index(dose, higher, criteria)
    >>> round(float(result.gamma.values[1, 1, 4]), 3), result.pass_rate_percent
    (0.152, 100.0)
    """
    _require_doses(reference, evaluation)
    full_gy = criteria.normalisation_dose_gy
    full_gy = float(reference.values.max()) if full_gy is None else full_gy
    chosen = np.flatnonzero(reference.values >= criteria.threshold_percent / 100.0 * full_gy)
    if criteria.normalisation is GammaNormalisation.LOCAL or full_gy <= 0:
        # A point without dose has no local criterion.
        chosen = chosen[reference.values.reshape(-1)[chosen] > 0]
    if chosen.size == 0:
        raise InputError(
            f"reference must reach the threshold of {criteria.threshold_percent:g} % of {full_gy:.6g} Gy "
            f"somewhere; its highest dose is {reference.values.max():.6g} Gy; lower threshold_percent"
        )
    gamma, n_outside = _searched(reference, evaluation, criteria, full_gy, chosen, threads)
    values = np.full(reference.grid.shape, np.nan, dtype=np.float32)
    values.reshape(-1)[chosen] = gamma
    values.setflags(write=False)
    settings = asdict(criteria) | {"normalisation": criteria.normalisation.value}
    record = Record(
        "outcomes.gamma_index",
        settings | {"normalisation_dose_gy": full_gy, "tolerance": GAMMA_TOLERANCE},
        (reference.provenance, evaluation.provenance),
        ("low1998gamma",),
    )
    return GammaResult(
        Image(values, reference.grid, Quantity.GAMMA_INDEX, record),
        criteria,
        full_gy,
        100.0 * float(np.count_nonzero(gamma <= 1.0 + _ROUNDING)) / chosen.size,
        int(chosen.size),
        n_outside,
        record,
    )


def _searched(
    reference: Image,
    evaluation: Image,
    criteria: GammaCriteria,
    full_gy: float,
    chosen: NDArray[np.int64],
    threads: int | None,
) -> tuple[NDArray[np.float64], int]:
    """Return gamma of the chosen voxels, shape ``(n,)``, and how many lie outside the evaluation grid."""
    into = np.linalg.inv(evaluation.grid.affine) @ reference.grid.affine
    matrix, shift = np.ascontiguousarray(into[:3, :3]), np.ascontiguousarray(into[:3, 3])
    # Grids that are equal to rounding meet at voxel centres; else every first guess is off by a rounding.
    matrix, shift = _unrounded(matrix), _unrounded(shift)
    index = np.stack(np.unravel_index(chosen, reference.grid.shape), axis=1) @ matrix.T + shift
    outside = ((index < 0) | (index > np.array(evaluation.grid.shape) - 1)).any(axis=1)
    part = criteria.dose_percent / 100.0
    local = criteria.normalisation is GammaNormalisation.LOCAL
    criterion = np.array([0.0, part] if local else [part * full_gy, 0.0])
    step = evaluation.grid.spacing_mm / criteria.distance_mm
    dose = evaluation.values
    lows = np.empty([n - 1 for n in dose.shape], dose.dtype)
    highs = np.empty_like(lows)
    run_slabs(len(lows), lambda a, b: cell_extremes(dose, a, b, lows, highs), threads=threads)
    gamma = np.empty(chosen.size)

    def kernel(start: int, stop: int) -> None:
        search_points(
            dose,
            lows,
            highs,
            reference.values,
            chosen,
            matrix,
            shift,
            criterion,
            step,
            criteria.maximum,
            GAMMA_TOLERANCE,
            start,
            stop,
            gamma,
        )

    run_slabs(chosen.size, kernel, threads=threads)
    return gamma, int(outside.sum())


def _unrounded(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    whole = np.round(numbers)
    return np.where(np.abs(numbers - whole) < 1e-9, whole, numbers)


def _require_doses(reference: Image, evaluation: Image) -> None:
    for name, image in (("reference", reference), ("evaluation", evaluation)):
        if image.quantity is not Quantity.DOSE:
            raise InputError(f"{name} must be a DOSE image [Gy]; got {image.quantity}")
        if not np.isfinite(image.values).all():
            raise InputError(f"{name} must be finite [Gy]; it has NaN or infinity")
    first, second = reference.grid.frame_of_reference, evaluation.grid.frame_of_reference
    if first != second:
        raise GridMismatch(
            f"reference and evaluation must share a frame of reference; got {first} and {second}; "
            "register the images first"
        )
    if min(evaluation.grid.shape) < 2:
        raise InputError(
            f"evaluation must have at least 2 voxels along each axis; got shape {evaluation.grid.shape}"
        )
