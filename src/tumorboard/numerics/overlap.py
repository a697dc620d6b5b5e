"""How well two masks agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.grid import require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.numerics._kernels.distance import (
    mark_surface,
    squared_distance_across,
    squared_distance_in_slices,
)
from tumorboard.numerics._mask import bounding_box
from tumorboard.numerics._slabs import run_slabs
from tumorboard.provenance import Record

__all__ = ["Overlap", "compare_masks"]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Agreement of a first mask with a second.

    Parameters
    ----------
    dice
        Twice the common volume over the sum of volumes, 0 to 1.
    jaccard
        Common volume over joint volume, 0 to 1.
    hausdorff_mm
        Largest distance from a voxel of one mask to the nearest voxel of the other, the larger of the
        two directions [mm].
    hd95_mm
        95th percentile of surface distances, the larger of the two directions, as MONAI reports [mm].
    hd95_pooled_mm
        95th percentile of the surface distances of both directions together [mm].
    mean_surface_distance_mm
        Mean of the surface distances of both directions together [mm].
    volume_difference_ml
        Volume of the second mask less that of the first [mL].
    provenance
        How the numbers came about.
    """

    dice: float
    jaccard: float
    hausdorff_mm: float
    hd95_mm: float
    hd95_pooled_mm: float
    mean_surface_distance_mm: float
    volume_difference_ml: float
    provenance: Record


def compare_masks(first: Image, second: Image, *, threads: int | None = None) -> Overlap:
    """Compare two masks on one grid by overlap and by the distance of their surfaces.

    Definitions are those that SimpleITK's filters give, and the numbers equal theirs: Dice and Jaccard
    of ``LabelOverlapMeasures``, ``HausdorffDistance``, and surface distances by the usual recipe of
    ``LabelContour`` on ``SignedMaurerDistanceMap``. There, distances run from the surface voxels of a
    mask (those with an outside neighbour across a face) to the nearest border voxel of the other
    (those with an outside neighbour across a face, edge or corner), between voxel centres. What lies
    beyond the image is unknown rather than outside: where a mask is cut off by it there is no surface.
    Percentiles interpolate linearly.

    The Hausdorff distance looks at all voxels and not at surfaces only, as the set distance does: a
    mask that lies inside another one has its distance from the outer one's voxels.

    Parameters
    ----------
    first, second
        Boolean LABEL images on the same grid, each with at least one voxel inside and one outside.
    threads
        Number of threads; as many as numba would use when not given. The result does not depend on it.

    Returns
    -------
    Overlap
        Shares [1], distances [mm] and volume difference [mL].

    Raises
    ------
    GridMismatch
        When the masks are on different grids.
    InputError
        When a mask is not a boolean LABEL image, is empty, or fills the image.

    References
    ----------
    .. [1] taha2015metrics
    .. [2] felzenszwalb2012distance

    Examples
    --------
    >>> from tumorboard.core import AXIAL, Grid
    >>> grid = Grid((5, 5, 5), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> a, b = np.zeros((2, 5, 5, 5), bool)
    >>> a[1:3, 1:3, 1:3] = b[1:3, 1:3, 1:4] = True
    >>> masks = [Image(m, grid, Quantity.LABEL, Record("example")) for m in (a, b)]
    >>> result = compare_masks(*masks)
    >>> result.dice, result.hausdorff_mm
    (0.8, 1.0)
    """
    for name, mask in (("first", first), ("second", second)):
        _check(name, mask)
    require_same_grid(first.grid, second.grid, what="first and second mask")
    a, b = _cut_to_union(first.values, second.values)
    n_a, n_b, n_both = (int(np.count_nonzero(m)) for m in (a, b, a & b))
    to_a, to_b = (_distance_to(_surface(m, False, threads), first.grid.spacing_mm, threads) for m in (a, b))
    from_a, from_b = to_b[_surface(a, True, threads)], to_a[_surface(b, True, threads)]
    pooled = np.concatenate([from_a, from_b])
    return Overlap(
        dice=2 * n_both / (n_a + n_b),
        jaccard=n_both / (n_a + n_b - n_both),
        hausdorff_mm=max(float(to_b[a & ~b].max(initial=0)), float(to_a[b & ~a].max(initial=0))),
        hd95_mm=max(float(np.percentile(d, 95)) for d in (from_a, from_b)),
        hd95_pooled_mm=float(np.percentile(pooled, 95)),
        mean_surface_distance_mm=float(pooled.mean()),
        volume_difference_ml=(n_b - n_a) * first.grid.voxel_volume_ml,
        provenance=Record(
            "numerics.compare_masks",
            {},
            (first.provenance, second.provenance),
            ("taha2015metrics", "felzenszwalb2012distance"),
        ),
    )


def _check(name: str, mask: Image) -> None:
    if mask.quantity is not Quantity.LABEL or mask.values.dtype != bool:
        raise InputError(
            f"{name} mask must be a boolean LABEL image; got {mask.quantity} of dtype {mask.values.dtype}; "
            "threshold it first"
        )
    if not mask.values.any():
        raise InputError(f"{name} mask must have at least one voxel inside; it is empty and has no surface")
    if mask.values.all():
        raise InputError(
            f"{name} mask must have at least one voxel outside; it fills the image and has no surface"
        )


def _cut_to_union(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return both masks cut to their common box and one voxel around it, where the image has one."""
    window = []
    for one, other, size in zip(bounding_box(a) or (), bounding_box(b) or (), a.shape, strict=True):
        window.append(slice(max(0, min(one[0], other[0]) - 1), min(size, max(one[1], other[1]) + 1)))
    box = tuple(window)
    return np.ascontiguousarray(a[box]), np.ascontiguousarray(b[box])


def _surface(inside: NDArray[np.bool_], by_face: bool, threads: int | None) -> NDArray[np.bool_]:
    out = np.empty(inside.shape, bool)
    run_slabs(len(inside), lambda a, b: mark_surface(inside, by_face, a, b, out), threads=threads)
    return out


def _distance_to(
    seeds: NDArray[np.bool_], spacing_mm: NDArray[np.float64], threads: int | None
) -> NDArray[np.float64]:
    squared = np.empty(seeds.shape)
    step_mm = float(spacing_mm[0])
    run_slabs(
        len(seeds), lambda a, b: squared_distance_in_slices(seeds, spacing_mm, a, b, squared), threads=threads
    )
    run_slabs(seeds.shape[1], lambda a, b: squared_distance_across(step_mm, a, b, squared), threads=threads)
    return np.sqrt(squared, out=squared)
