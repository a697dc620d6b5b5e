"""The liver's uptake, by which PERCIST judges lesions."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from tumorboard.core.image import Image
from tumorboard.errors import InputError, MissingData
from tumorboard.pet.peak import SphereUptake, sphere_uptake
from tumorboard.pet.placement import mask_window, occupied_box, require_uptake

__all__ = ["LIVER_SPHERE_RADIUS_MM", "find_liver", "liver_reference"]

#: Radius of the reference sphere: PERCIST asks for a diameter of 3 cm [mm].
LIVER_SPHERE_RADIUS_MM: Final = 15.0

#: The search works on blocks of about this size [mm].
_BLOCK_MM: Final = 8.0

#: Liver is where the standard deviation over 3 cm stays below this part of the mean.
_GREATEST_VARIATION: Final = 0.15

#: Bounds of FDG in normal liver, relative to the median of the body: below lie muscle and lung,
#: above lie brain, bladder and most tumours.
_RELATIVE_UPTAKE: Final = (2.0, 9.0)


def liver_reference(
    image: Image, *, liver: Image | None = None, centre_mm: ArrayLike | None = None
) -> SphereUptake:
    """Measure mean and SD in a 3 cm sphere in the right lobe of the liver [1]_.

    Parameters
    ----------
    image
        SUV of any variant, or activity concentration; any grid.
    liver
        Boolean LABEL mask of the liver on the image's grid or a crop of it: the sphere is centred
        where it lies deepest inside, on the patient's right of the liver's centroid.
    centre_mm
        Centre chosen by the user, patient (x, y, z), shape ``(3,)`` [mm]. Exactly one of ``liver``
        and ``centre_mm`` is given; :func:`find_liver` proposes a centre when neither is known.

    Returns
    -------
    SphereUptake
        In the image's unit, with the position.

    Raises
    ------
    InputError
        When both or neither is given, or no 3 cm sphere fits into the right half of the mask.

    References
    ----------
    .. [1] wahl2009percist

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.core.image import Quantity
    >>> from tumorboard.provenance import Record
    >>> grid = Grid((11, 30, 30), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> suv = Image(np.full(grid.shape, 2.0), grid, Quantity.SUV_BODY_WEIGHT, Record("example"))
    >>> liver_reference(suv, centre_mm=(40.0, 60.0, 20.0)).mean
    2.0
    """
    require_uptake(image, what="liver_reference")
    if (liver is None) == (centre_mm is None):
        raise InputError(
            "exactly one of liver and centre_mm must be given; "
            f"got {'neither' if liver is None else 'both'}; find_liver(image) proposes a centre_mm"
        )
    if liver is not None:
        centre_mm = _deepest_right(image, liver)
    return sphere_uptake(
        image, centre_mm=np.asarray(centre_mm, dtype=float), radius_mm=LIVER_SPHERE_RADIUS_MM
    )


def find_liver(image: Image) -> NDArray[np.float64]:
    """Propose a centre for the liver sphere from an FDG image alone.

    The body is what has more than a tenth of the image's 99.5th percentile; liver is taken to
    be the largest connected part, on the patient's right half of the body and at least 3 cm
    inside it, where uptake over 3 cm varies by less than 15 % and is 2 to 9 times the body's
    median. The centre is the deepest point of that part. This is a proposal: look at it. A
    large, even tumour on the right can be taken for liver.

    Parameters
    ----------
    image
        FDG as SUV of any variant, or activity concentration; the trunk must be in it.

    Returns
    -------
    ndarray
        Patient point (x, y, z), shape ``(3,)`` [mm].

    Raises
    ------
    MissingData
        When no part of the image looks like liver.
    """
    require_uptake(image, what="find_liver")
    spacing_mm = image.grid.spacing_mm
    factors = np.maximum(1, np.round(_BLOCK_MM / spacing_mm)).astype(int)
    coarse = _block_means(image.values, factors)
    coarse_mm = spacing_mm * factors
    body = coarse > 0.1 * np.percentile(coarse, 99.5)
    body = ndimage.binary_opening(body)
    candidates = body.copy()
    if body.any():
        candidates &= _varies_little(coarse, coarse_mm)
        level = float(np.median(coarse[body]))
        candidates &= (coarse > _RELATIVE_UPTAKE[0] * level) & (coarse < _RELATIVE_UPTAKE[1] * level)
        padded_body = np.pad(body, 1)
        depth_mm = ndimage.distance_transform_edt(padded_body, sampling=coarse_mm)[1:-1, 1:-1, 1:-1]
        candidates &= depth_mm > 2.0 * LIVER_SPHERE_RADIUS_MM
        candidates &= _right_of(image, body, factors)
    labels, count = ndimage.label(candidates)
    if count == 0:
        raise MissingData(
            "liver must show as an even region of moderate FDG uptake in the right half of the trunk; "
            "none was found; pass a liver mask or a centre_mm to liver_reference"
        )
    largest = labels == int(np.bincount(labels.reshape(-1))[1:].argmax()) + 1
    box = occupied_box(largest)
    inside_mm = ndimage.distance_transform_edt(np.pad(largest[box], 1), sampling=coarse_mm)[1:-1, 1:-1, 1:-1]
    block = np.array(np.unravel_index(int(inside_mm.argmax()), inside_mm.shape)) + [b.start for b in box]
    return image.grid.index_to_patient(block * factors + 0.5 * (factors - 1))


def _deepest_right(image: Image, liver: Image) -> NDArray[np.float64]:
    window, inside = mask_window(liver, image, what="liver and image")
    if not inside.size:
        raise InputError("liver must have at least one voxel; it is empty")
    depth_mm = ndimage.distance_transform_edt(np.pad(inside, 1), sampling=image.grid.spacing_mm)[
        1:-1, 1:-1, 1:-1
    ]
    points_mm = image.grid.index_to_patient(np.argwhere(inside) + [w.start for w in window])
    # LPS: x grows towards the patient's left.
    right = points_mm[:, 0] <= points_mm[:, 0].mean()
    depths_mm = np.where(right, depth_mm[inside], 0.0)
    deepest = int(depths_mm.argmax())
    if depths_mm[deepest] < LIVER_SPHERE_RADIUS_MM:
        raise InputError(
            f"liver must hold a sphere of radius {LIVER_SPHERE_RADIUS_MM} mm in its right half; the deepest "
            f"point lies {depths_mm[deepest]:.3g} mm inside; correct the mask or pass centre_mm"
        )
    centre: NDArray[np.float64] = points_mm[deepest]
    return centre


def _block_means(values: NDArray[Any], factors: NDArray[np.int64]) -> NDArray[np.float64]:
    """Average whole blocks; a rest at the far side is left out."""
    shape = np.maximum(1, np.array(values.shape) // factors)
    factors = np.minimum(factors, values.shape)
    cut = values[: shape[0] * factors[0], : shape[1] * factors[1], : shape[2] * factors[2]]
    # Axis by axis: the slowest one first, where whole rows are added, leaves little for the others.
    means: NDArray[np.float64] = cut.reshape(shape[0], factors[0], -1).mean(axis=1, dtype=np.float64)
    means = means.reshape(shape[0], shape[1], factors[1], -1).mean(axis=2)
    means = means.reshape(*shape, factors[2]).mean(axis=3)
    return means


def _varies_little(coarse: NDArray[np.float64], coarse_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    half = np.maximum(1, np.round(LIVER_SPHERE_RADIUS_MM / coarse_mm)).astype(int)
    axes = [np.arange(-h, h + 1) * s for h, s in zip(half, coarse_mm, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    ball = (z**2 + y**2 + x**2 <= LIVER_SPHERE_RADIUS_MM**2).astype(np.float64)
    ball /= ball.sum()
    mean = ndimage.convolve(coarse, ball, mode="nearest")
    square = ndimage.convolve(coarse**2, ball, mode="nearest")
    steady: NDArray[np.bool_] = np.sqrt(np.maximum(0.0, square - mean**2)) < _GREATEST_VARIATION * mean
    return steady


def _right_of(image: Image, body: NDArray[np.bool_], factors: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which blocks lie on the patient's right of the body's centroid."""
    # LPS: x grows towards the patient's left. Only differences matter, so the origin is left out.
    z, y, x = image.grid.affine[0, :3] * factors
    nz, ny, nx = (np.arange(n, dtype=np.float64) for n in body.shape)
    x_mm = z * nz[:, None, None] + y * ny[:, None] + x * nx
    right: NDArray[np.bool_] = x_mm < x_mm[body].mean()
    return right
