"""Carry lesions from the scan they are drawn on to another one, and say what that adds to the uncertainty."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tumorboard.core.grid import Grid
from tumorboard.core.image import Image
from tumorboard.core.structures import Structure
from tumorboard.core.transform import PointTransform, RigidTransform
from tumorboard.errors import InputError
from tumorboard.numerics.registration import RigidRegistration, register_rigid
from tumorboard.numerics.registration_config import DeformableRegistrationConfig, RigidRegistrationConfig
from tumorboard.numerics.registration_deformable import DeformableRegistration, register_deformable
from tumorboard.numerics.registration_quality import inverse_consistency
from tumorboard.numerics.transformed import structure_through
from tumorboard.provenance import Record

__all__ = [
    "DisplacementEffect",
    "LesionPropagation",
    "PropagatedLesion",
    "PropagationConfig",
    "displacement_effect",
    "propagate_lesions",
]

#: Three-point Gauss-Hermite rule for a normal distribution: nodes in standard deviations, and weights.
_NODES: Final = (-math.sqrt(3.0), 0.0, math.sqrt(3.0))
_WEIGHTS: Final = (1.0 / 6.0, 2.0 / 3.0, 1.0 / 6.0)
#: Voxels at whose distance a cubic spline has forgotten a value, to 1e-9.
_SPLINE_REACH: Final = 16
#: Voxels of a lesion at which registrations are compared, at most.
_PLACES: Final = 2000


@dataclass(frozen=True, slots=True)
class PropagationConfig:
    """How lesions are carried, and how the error is estimated.

    Parameters
    ----------
    rigid
        Of every propagation.
    deformable
        After the rigid one; ``None``: lesions are carried rigidly.
    restarts
        Rigid registrations that begin elsewhere, >= 0.
    restart_shift_mm
        How far from where the first one began, > 0 [mm].
    unseen_error_mm
        Error of a place, root mean square in three dimensions, that no comparison of registrations with one
        another shows: breathing, organs that slide, uptake that has changed; >= 0 [mm]. Assumed.

    Raises
    ------
    InputError
        When a number is out of range.

    Examples
    --------
    >>> from tumorboard.numerics import Similarity, Start
    >>> rigid = RigidRegistrationConfig(Similarity.CORRELATION, Start.CENTRES_OF_VALUES)
    >>> PropagationConfig(rigid, None, unseen_error_mm=2.0).restarts
    2
    """

    rigid: RigidRegistrationConfig
    deformable: DeformableRegistrationConfig | None
    unseen_error_mm: float
    restarts: int = 2
    restart_shift_mm: float = 10.0

    def __post_init__(self) -> None:
        if self.restarts < 0:
            raise InputError(f"restarts must be >= 0; got {self.restarts!r}")
        if not (math.isfinite(self.restart_shift_mm) and self.restart_shift_mm > 0):
            raise InputError(f"restart_shift_mm must be > 0 [mm]; got {self.restart_shift_mm!r}")
        if not (math.isfinite(self.unseen_error_mm) and self.unseen_error_mm >= 0):
            raise InputError(f"unseen_error_mm must be >= 0 [mm]; got {self.unseen_error_mm!r}")


@dataclass(frozen=True, slots=True)
class DisplacementEffect:
    """What it does to the activity in a contour that the contour may lie elsewhere.

    Parameters
    ----------
    relative_uncertainty
        Root mean square of the activity's relative change.
    relative_bias
        Mean of it: below 0 where a hot lesion is partly missed.
    """

    relative_uncertainty: float
    relative_bias: float


@dataclass(frozen=True, slots=True, eq=False)
class PropagatedLesion:
    """One lesion on the scan it was carried to.

    Parameters
    ----------
    name
        As drawn.
    fraction
        FRACTION of each voxel of the target scan.
    volume_ml
        There [mL].
    inverse_consistency_mm
        Root mean square distance of its places after the way there and back [mm].
    restart_spread_mm
        Root mean square distance of its places by registrations that began elsewhere; ``None`` without [mm].
    error_mm
        Standard error of its place, root mean square in three dimensions [mm].
    effect
        Of that error on its activity.
    """

    name: str
    fraction: Image
    volume_ml: float
    inverse_consistency_mm: float
    restart_spread_mm: float | None
    error_mm: float
    effect: DisplacementEffect


@dataclass(frozen=True, slots=True, eq=False)
class LesionPropagation:
    """Lesions on another scan.

    Parameters
    ----------
    config
        The choices.
    lesions
        In the order given.
    rigid
        From the target scan to the one they are drawn on.
    deformable
        After it; ``None`` when carried rigidly.
    provenance
        How they came about.
    """

    config: PropagationConfig
    lesions: tuple[PropagatedLesion, ...]
    rigid: RigidRegistration
    deformable: DeformableRegistration | None
    provenance: Record


def propagate_lesions(
    target: Image,
    source: Image,
    lesions: tuple[Structure, ...],
    config: PropagationConfig,
    *,
    progress: Callable[[str, int, int], None] | None = None,
) -> LesionPropagation:
    """Carry lesions to a scan, and estimate how well.

    The scans are registered, the target fixed. The error of a lesion's place is estimated from three parts,
    root mean squares over its voxels, added in quadrature: the distance after the way there and back by two
    registrations of their own, over the square root of 2 since it holds the errors of both; the distance
    between registrations that began elsewhere; and what neither can show, which is assumed. Activity in the
    contour is then measured as if the contour lay elsewhere, normally distributed with that error in three
    dimensions: :func:`displacement_effect`.

    Parameters
    ----------
    target
        Scan that the lesions are carried to.
    source
        Scan that they are drawn on.
    lesions
        In the source's frame of reference, one or more.
    config
        The choices.
    progress
        Told which registration of how many is made. What it raises ends it.

    Returns
    -------
    LesionPropagation

    Raises
    ------
    InputError
        When there is no lesion, or one lies outside of the target scan.

    References
    ----------
    .. [1] christensen2001consistent

    Examples
    --------
    >>> from tumorboard.core import AXIAL, Quantity
    >>> from tumorboard.numerics import Similarity, Start
    >>> z, y, x = np.indices((12, 12, 12))
    >>> blob = np.exp(-((z - 5.0) ** 2 + (y - 6.0) ** 2 / 2 + (x - 6.0) ** 2 / 4) / 4)
    >>> grids = [Grid(blob.shape, (4.0,) * 3, (x, 0, 0), AXIAL, frame_of_reference="1.2") for x in (0, 3)]
    >>> scans = [Image(blob, grid, Quantity.ACTIVITY_CONCENTRATION, Record("example")) for grid in grids]
    >>> lesion = Structure("hot", mask=Image(blob > 0.5, grids[1], Quantity.LABEL, Record("example")))
    >>> rigid = RigidRegistrationConfig(Similarity.CORRELATION, Start.SAME_COORDINATES, (4.0,))
    >>> found = propagate_lesions(*scans, (lesion,), PropagationConfig(rigid, None, unseen_error_mm=1.0))
    >>> 1.0 <= found.lesions[0].error_mm < 1.1
    True
    """
    if not lesions:
        raise InputError("lesions must be one or more; got none")
    n_registrations = 2 + config.restarts + (2 if config.deformable is not None else 0)
    count = _Count(progress, n_registrations)
    there = register_rigid(target, source, config.rigid, progress=count.tell())
    back = register_rigid(source, target, config.rigid, progress=count.tell())
    starts = [_elsewhere(there.initial, config.restart_shift_mm, k) for k in range(config.restarts)]
    again = [
        register_rigid(target, source, config.rigid, initial=start, progress=count.tell()).transform
        for start in starts
    ]
    deformed = None
    forward: PointTransform = there.transform
    backward: PointTransform = back.transform
    if config.deformable is not None:
        deformed = register_deformable(
            target, source, config.deformable, initial=there.transform, progress=count.tell()
        )
        undone = register_deformable(
            source, target, config.deformable, initial=back.transform, progress=count.tell()
        )
        forward, backward = deformed.transform, undone.transform
    found = tuple(_carried(one, target, forward, backward, there.transform, again, config) for one in lesions)
    record = Record(
        "dosimetry.propagate_lesions",
        {
            "lesions": [one.name for one in lesions],
            "restarts": config.restarts,
            "restart_shift_mm": config.restart_shift_mm,
            "unseen_error_mm": config.unseen_error_mm,
        },
        (deformed.provenance if deformed is not None else there.provenance,),
        ("christensen2001consistent",),
    )
    return LesionPropagation(config, found, there, deformed, record)


def displacement_effect(scan: Image, fraction: Image, error_mm: float) -> DisplacementEffect:
    """Return what an uncertain place of a contour does to the activity in it.

    Displacements are normally distributed, alike along x, y and z, with ``error_mm`` as root mean square of
    their length; the mean over them is taken by the three-point Gauss-Hermite rule along each axis, exact
    where activity in the contour is a polynomial of the displacement of degree 5 for the mean, and 2 for the
    root mean square. Between voxels the scan is a cubic spline.

    Parameters
    ----------
    scan
        ACTIVITY_CONCENTRATION [Bq/mL].
    fraction
        FRACTION of each of its voxels inside the contour.
    error_mm
        Root mean square length of the displacement, >= 0 [mm].

    Returns
    -------
    DisplacementEffect

    Raises
    ------
    InputError
        When there is no activity in the contour, or the error is no length.

    Examples
    --------
    >>> from tumorboard.core import AXIAL, Quantity
    >>> grid = Grid((9, 9, 9), (2.0,) * 3, (0, 0, 0), AXIAL, frame_of_reference="1.2")
    >>> z, y, x = np.indices(grid.shape)
    >>> scan = Image(100.0 + 5.0 * x, grid, Quantity.ACTIVITY_CONCENTRATION, Record("example"))
    >>> middle = Image(1.0 * (abs(z - 4) + abs(y - 4) + abs(x - 4) < 2), grid, Quantity.FRACTION, Record("x"))
    >>> round(displacement_effect(scan, middle, error_mm=2.0 * 3**0.5).relative_uncertainty, 6)
    0.041667
    """
    if not (math.isfinite(error_mm) and error_mm >= 0):
        raise InputError(f"error_mm must be >= 0 [mm]; got {error_mm!r}")
    covered = np.argwhere(fraction.values > 0)
    weight = fraction.values[tuple(covered.T)].astype(np.float64)
    values = np.asarray(scan.values)
    here = float(values[tuple(covered.T)] @ weight)
    if not here > 0:
        raise InputError(f"activity in the contour must be > 0; got {here:g} times the volume of a voxel")
    per_axis_mm = error_mm / math.sqrt(3.0)
    to_index = np.linalg.inv(scan.grid.direction) / scan.grid.spacing_mm[:, None]
    if error_mm == 0:
        return DisplacementEffect(0.0, 0.0)
    smooth, corner = _spline_around(values, covered, math.sqrt(3.0) * per_axis_mm / scan.grid.spacing_mm)
    last = np.array(values.shape) - 1
    mean = square = 0.0
    for steps in np.ndindex(3, 3, 3):
        chance = math.prod(_WEIGHTS[k] for k in steps)
        shift = to_index @ (per_axis_mm * np.array([_NODES[k] for k in steps]))
        there = ndimage.map_coordinates(
            smooth, (np.clip(covered + shift, 0, last) - corner).T, order=3, prefilter=False
        )
        change = float(there @ weight) / here - 1.0
        mean += chance * change
        square += chance * change**2
    return DisplacementEffect(math.sqrt(square), mean)


def _spline_around(
    values: NDArray[Any], covered: NDArray[np.intp], reach_voxels: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return coefficients of the cubic spline around voxels, and the index of their first.

    Linear interpolation would blur what is displaced, and take that for activity missed.
    """
    reach = np.ceil(math.sqrt(3.0) * reach_voxels).astype(np.intp) + _SPLINE_REACH
    corner = np.maximum(covered.min(axis=0) - reach, 0)
    near = values[tuple(map(slice, corner, covered.max(axis=0) + reach + 1))].astype(np.float64)
    # Slopes go on beyond the scan's edge.
    wide = np.pad(near, _SPLINE_REACH, mode="reflect", reflect_type="odd")
    smooth = np.asarray(ndimage.spline_filter(wide, order=3, output=np.float64))
    return smooth, corner - _SPLINE_REACH


class _Count:
    """Tells progress in registrations instead of levels."""

    def __init__(self, progress: Callable[[str, int, int], None] | None, total: int) -> None:
        self._progress, self._total, self._begun = progress, total, 0

    def tell(self) -> Callable[[str, int, int], None] | None:
        if self._progress is None:
            return None
        progress, number = self._progress, self._begun
        self._begun += 1
        return lambda what, _level, _levels: progress(what, number, self._total)


def _elsewhere(begun: RigidTransform, shift_mm: float, number: int) -> RigidTransform:
    """Return the start shifted along one of the diagonals of a cube, opposite ones in turn."""
    signs = np.array([(1, 1, 1), (-1, -1, -1), (1, -1, -1), (-1, 1, 1), (1, 1, -1), (-1, -1, 1)])
    along = signs[number % len(signs)] / math.sqrt(3.0)
    return RigidTransform(
        begun.rotation, begun.translation_mm + shift_mm * along, begun.from_frame, begun.to_frame
    )


def _carried(
    lesion: Structure,
    target: Image,
    forward: PointTransform,
    backward: PointTransform,
    rigid: RigidTransform,
    again: list[RigidTransform],
    config: PropagationConfig,
) -> PropagatedLesion:
    fraction = structure_through(lesion, target.grid, forward)
    volume = float(fraction.values.sum(dtype=np.float64)) * target.grid.voxel_volume_ml
    if not volume > 0:
        raise InputError(
            f"lesion {lesion.name!r} must lie inside the scan it is carried to; it does not; "
            "does that scan show the same part of the body?"
        )
    places = _places(fraction.values, target.grid)
    consistency = inverse_consistency(forward, backward, places).rms_mm
    spread = None
    if again:
        apart = [np.sum((one.apply(places) - rigid.apply(places)) ** 2, axis=-1) for one in again]
        spread = float(np.sqrt(np.mean(apart)))
    error = math.sqrt(0.5 * consistency**2 + (spread or 0.0) ** 2 + config.unseen_error_mm**2)
    return PropagatedLesion(
        name=lesion.name,
        fraction=fraction,
        volume_ml=volume,
        inverse_consistency_mm=consistency,
        restart_spread_mm=spread,
        error_mm=error,
        effect=displacement_effect(target, fraction, error),
    )


def _places(inside: NDArray[np.floating], grid: Grid) -> NDArray[np.float64]:
    covered = np.argwhere(inside >= 0.5)
    if len(covered) == 0:
        covered = np.argwhere(inside == inside.max())
    step = -(-len(covered) // _PLACES)
    return grid.index_to_patient(covered[::step])
