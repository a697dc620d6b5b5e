"""Mean uptake in a sphere, and the sphere of highest mean: SUVpeak."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.pet._kernels.sphere_mean import climb, scan_cells, scan_lattice, sphere_moments
from tumorboard.pet._kernels.sphere_overlap import fill_sphere_weights
from tumorboard.pet.placement import mask_window, padded, require_uptake
from tumorboard.provenance import Record

__all__ = ["PEAK_RADIUS_MM", "SphereUptake", "peak_uptake", "sphere_uptake"]

#: Radius of the sphere of exactly 1 cm3 [mm].
PEAK_RADIUS_MM: Final = 10.0 * (3.0 / (4.0 * math.pi)) ** (1.0 / 3.0)

#: Centres tried in every voxel lie no farther apart than this [mm].
_LATTICE_STEP_MM: Final = 1.5

#: The ascents from the best centres are compared after this step [mm].
_COARSE_STEP_MM: Final = 0.18

#: The ascent of the best of them ends with this step [mm].
_LAST_STEP_MM: Final = 0.02

#: Centres, each the best of its voxel, from which the ascent starts.
_STARTS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class SphereUptake:
    """Mean uptake in a sphere.

    Parameters
    ----------
    mean
        Volume-weighted mean, in the image's unit.
    standard_deviation
        Volume-weighted standard deviation of the voxels, in the image's unit.
    centre_mm
        Patient point (x, y, z), shape ``(3,)`` [mm].
    radius_mm
        Radius of the sphere [mm].
    coverage
        Fraction of the sphere's volume that lies inside the image, in (0, 1].
    quantity
        What was measured, hence the unit.
    provenance
        How it was measured.
    """

    mean: float
    standard_deviation: float
    centre_mm: NDArray[np.float64]
    radius_mm: float
    coverage: float
    quantity: Quantity
    provenance: Record

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre_mm", read_only(self.centre_mm, np.float64))


def sphere_uptake(image: Image, *, centre_mm: ArrayLike, radius_mm: float) -> SphereUptake:
    """Measure mean and standard deviation in a sphere.

    Voxels are boxes of constant uptake, each weighted with the exact volume that it shares with
    the sphere; the part of the sphere outside the image is left out.

    Parameters
    ----------
    image
        SUV of any variant, or activity concentration; any grid.
    centre_mm
        Patient point (x, y, z), shape ``(3,)`` [mm], in the image.
    radius_mm
        Radius [mm].

    Returns
    -------
    SphereUptake
        In the image's unit.

    Raises
    ------
    InputError
        When the centre lies outside the image or the radius is not positive.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.core.image import Quantity
    >>> grid = Grid((9, 9, 9), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> suv = Image(np.full(grid.shape, 2.5), grid, Quantity.SUV_BODY_WEIGHT, Record("example"))
    >>> sphere_uptake(suv, centre_mm=(16.0, 15.0, 17.0), radius_mm=15.0).mean
    2.5
    """
    require_uptake(image, what="sphere_uptake")
    if not (math.isfinite(radius_mm) and radius_mm > 0):
        raise InputError(f"radius_mm must be finite and > 0 [mm]; got {radius_mm!r}")
    centre = image.grid.patient_to_index(centre_mm)
    if centre.shape != (3,) or (centre < -0.5).any() or (centre > np.array(image.grid.shape) - 0.5).any():
        raise InputError(
            f"centre_mm must be a patient point (x, y, z) inside the image [mm]; got {centre_mm!r}, "
            f"which is index {centre.tolist()} in shape {image.grid.shape}"
        )
    moments = np.empty(3)
    corners, weights = _scratch(image.grid.spacing_mm, radius_mm)
    sphere_moments(image.values, centre, image.grid.spacing_mm, radius_mm, corners, weights, moments)
    record = Record(
        "pet.sphere_uptake",
        {"centre_mm": np.asarray(centre_mm, dtype=float).tolist(), "radius_mm": radius_mm},
        (image.provenance,),
    )
    return _uptake(image, centre, radius_mm, moments, record)


def peak_uptake(image: Image, mask: Image, *, radius_mm: float = PEAK_RADIUS_MM) -> SphereUptake:
    r"""Find the sphere of highest mean uptake whose centre lies in a mask.

    The default sphere holds exactly 1 cm3 (radius 6.204 mm), which makes the mean SUVpeak [1]_.
    Voxels are boxes of constant uptake and count with the exact volume they share with the
    sphere, so the mean is a continuous function of the centre. The sphere may reach beyond the
    mask (and then over hotter voxels than the mask holds), but not beyond the image; only when
    no sphere centred in the mask fits into the image is the one nearest to fitting taken (the middle
    of an axis that is too short), and the part of it inside counts (``coverage`` below 1).

    The search tries centres no farther than 1.5 mm apart in every voxel that can hold the
    maximum (a bound on how fast the mean can change rules the others out), then ascends from
    the best three, and from the highest of these to 0.02 mm.

    Parameters
    ----------
    image
        SUV of any variant, or activity concentration; any grid.
    mask
        Boolean LABEL image on the image's grid or a crop of it, with at least one voxel.
    radius_mm
        Radius of the sphere [mm].

    Returns
    -------
    SphereUptake
        Of the best sphere, in the image's unit.

    References
    ----------
    .. [1] wahl2009percist

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.core.image import Quantity
    >>> grid = Grid((9, 9, 9), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> suv = Image(np.full(grid.shape, 2.5), grid, Quantity.SUV_BODY_WEIGHT, Record("example"))
    >>> everywhere = Image(suv.values > 0, grid, Quantity.LABEL, Record("example"))
    >>> peak_uptake(suv, everywhere).mean
    2.5
    """
    if not (math.isfinite(radius_mm) and radius_mm > 0):
        raise InputError(f"radius_mm must be finite and > 0 [mm]; got {radius_mm!r}")
    window, inside = mask_window(mask, image, what="mask and image")
    # Only what the sphere can reach is read, so measuring many lesions does not reread the image for each.
    box = padded(window, radius_mm, image.grid.spacing_mm, image.grid.shape)
    require_uptake(image, what="peak_uptake", box=box)
    if not inside.size:
        raise InputError("mask must have at least one voxel; it is empty")
    start = np.array([w.start for w in window])
    centre, moments = best_sphere(image.values, inside, start, image.grid.spacing_mm, radius_mm)
    record = Record(
        "pet.peak_uptake",
        {"radius_mm": radius_mm, "lattice_step_mm": _LATTICE_STEP_MM, "last_step_mm": _LAST_STEP_MM},
        (image.provenance, mask.provenance),
        ("wahl2009percist",),
    )
    return _uptake(image, centre, radius_mm, moments, record)


def best_sphere(
    values: NDArray[Any],
    inside: NDArray[np.bool_],
    start: NDArray[Any],
    spacing_mm: NDArray[np.float64],
    radius_mm: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the index of the best centre, and mean, standard deviation and inside volume [mm3] there.

    ``inside`` is a mask that begins at index ``start`` of ``values``.
    """
    cells = np.argwhere(inside) + start
    limits, whole = _limits(values.shape, cells, spacing_mm, radius_mm)
    corners, weights = _scratch(spacing_mm, radius_mm)
    fill_sphere_weights(radius_mm, spacing_mm, np.zeros(3), corners, weights)
    mean, bound = np.empty(len(cells)), np.empty(len(cells))
    reach = 0.5 * float(np.linalg.norm(spacing_mm)) * 3.0 / (4.0 * radius_mm)
    scan_cells(values, cells, weights, reach, mean, bound)
    # Where the ball about the voxel's centre is cut by the image's edge, the bound does not hold.
    cut = ((cells < limits[0]) | (cells > limits[1])).any(axis=1)
    bound[cut if whole else slice(None)] = np.inf
    # By bound, then by mean: a good centre found early rules out more of the others.
    order = np.lexsort((-mean, -bound))

    offsets, tables = _lattice(tuple(spacing_mm.tolist()), radius_mm)
    centres, best = np.empty((_STARTS, 3)), np.empty(_STARTS)
    kept = scan_lattice(values, cells, bound, order, offsets, tables, limits, centres, best)
    if kept == 0:
        kept = _clipped_starts(values, cells, spacing_mm, radius_mm, limits, centres)
    ends = np.empty((kept, 3))
    rest = (values, inside, start, limits, spacing_mm, radius_mm)
    # The starts compete at a coarse step; only the best of them is worth the fine ones.
    for centre, end in zip(centres[:kept], ends, strict=True):
        climb(*rest, 0.5 * _LATTICE_STEP_MM, _COARSE_STEP_MM, corners, weights, centre, end)
    winner = int(ends[:, 0].argmax())
    climb(*rest, 0.5 * _COARSE_STEP_MM, _LAST_STEP_MM, corners, weights, centres[winner], ends[winner])
    return centres[winner], ends[winner]


def _limits(
    shape: tuple[int, ...], cells: NDArray[Any], spacing_mm: NDArray[np.float64], radius_mm: float
) -> tuple[NDArray[np.float64], bool]:
    """Return the lowest and highest index of a centre, shape (2, 3), and whether whole spheres fit.

    Along an axis too short for the sphere its centre is the image's middle. When no cell holds
    such a centre, the limits give way by what the nearest cell lacks along each axis.
    """
    low = radius_mm / spacing_mm - 0.5
    high = np.array(shape) - 0.5 - radius_mm / spacing_mm
    short = low > high
    low[short] = high[short] = 0.5 * (np.array(shape)[short] - 1)
    # A hair inside the voxel, whose outer face belongs to its neighbour.
    below = np.maximum(0.0, low - (cells + 0.5 - 1e-9))
    above = np.maximum(0.0, cells - 0.5 - high)
    nearest = int((((below + above) * spacing_mm) ** 2).sum(axis=1).argmin())
    whole = not short.any() and not (below[nearest] + above[nearest]).any()
    return np.stack([low - below[nearest], high + above[nearest]]), whole


def _clipped_starts(
    values: NDArray[Any],
    cells: NDArray[Any],
    spacing_mm: NDArray[np.float64],
    radius_mm: float,
    limits: NDArray[np.float64],
    centres: NDArray[np.float64],
) -> int:
    """Write the best of all lattice centres moved into the limits, when those lie between the lattice."""
    offsets, _ = _lattice(tuple(spacing_mm.tolist()), radius_mm)
    trials = np.clip(cells[:, None] + offsets, limits[0], limits[1])
    trials = np.unique(trials[(np.abs(trials - cells[:, None]) <= 0.5).all(axis=2)], axis=0)
    corners, weights = _scratch(spacing_mm, radius_mm)
    means, moments = np.empty(len(trials)), np.empty(3)
    for n, trial in enumerate(trials):
        sphere_moments(values, trial, spacing_mm, radius_mm, corners, weights, moments)
        means[n] = moments[0]
    best = np.argsort(-means, kind="stable")[: len(centres)]
    centres[: len(best)] = trials[best]
    return len(best)


def _scratch(
    spacing_mm: NDArray[np.float64], radius_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    half = np.ceil(radius_mm / spacing_mm).astype(int)
    return np.empty(2 * half + 2), np.empty(2 * half + 1)


@lru_cache(maxsize=8)
def _lattice(
    spacing_mm: tuple[float, ...], radius_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centres in a voxel, offsets (m, 3) [voxels] from its middle, and their weights.

    They depend on nothing else, so the lesions of one image share them.
    """
    spacing = np.array(spacing_mm)
    counts = np.ceil(spacing / _LATTICE_STEP_MM - 1e-9).astype(int)
    axes = [(np.arange(n) + 0.5) / n - 0.5 for n in counts]
    offsets = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    corners, weights = _scratch(spacing, radius_mm)
    tables = np.empty((len(offsets), *weights.shape))
    for table, offset in zip(tables, offsets, strict=True):
        fill_sphere_weights(radius_mm, spacing, offset * spacing, corners, table)
    return offsets, tables


def _uptake(
    image: Image, centre: NDArray[np.float64], radius_mm: float, moments: NDArray[np.float64], record: Record
) -> SphereUptake:
    mean, deviation, volume_mm3 = (float(m) for m in moments)
    coverage = min(1.0, volume_mm3 / (4.0 / 3.0 * math.pi * radius_mm**3))
    # Summing the overlaps rounds at 1e-13: a sphere that is wholly inside says so.
    coverage = 1.0 if coverage > 1.0 - 1e-9 else coverage
    centre_mm = image.grid.index_to_patient(centre)
    return SphereUptake(mean, deviation, centre_mm, radius_mm, coverage, image.quantity, record)
