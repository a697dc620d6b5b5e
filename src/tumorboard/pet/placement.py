"""Where a cropped mask stands in an image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.grid import Grid, require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import GridMismatch, InputError

__all__ = ["mask_window", "occupied_box", "padded", "require_uptake", "window_of"]


def window_of(part: Grid, whole: Grid, *, what: str) -> tuple[slice, slice, slice]:
    """Return the slices (z, y, x) of ``whole`` that ``part`` covers voxel by voxel.

    ``part`` is ``whole`` or a crop of it; anything else is a
    :class:`~tumorboard.errors.GridMismatch`. ``what`` names the two in the message.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> whole = Grid((4, 9, 9), (3.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> window_of(whole.crop((1, 2, 3), (4, 5, 6)), whole, what="mask and image")
    (slice(1, 4, None), slice(2, 5, None), slice(3, 6, None))
    """
    if part is whole:
        z, y, x = whole.shape
        return slice(0, z), slice(0, y), slice(0, x)
    start = np.round(whole.patient_to_index(part.origin_mm)).astype(int)
    stop = start + part.shape
    if (start < 0).any() or (stop > whole.shape).any():
        raise GridMismatch(
            f"{what} must share a grid, or the first be a crop of the second; the first reaches from index "
            f"{start.tolist()} to {stop.tolist()} in shape {whole.shape}; "
            "resample one of them: tumorboard.numerics.resample(image, grid, method=...)"
        )
    require_same_grid(part, whole.crop(start, stop), what=what)
    box = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    return box[0], box[1], box[2]


def mask_window(
    mask: Image, image: Image, *, what: str
) -> tuple[tuple[slice, slice, slice], NDArray[np.bool_]]:
    """Return where the occupied box of a boolean ``mask`` stands in ``image``, and the mask in it, (z, y, x).

    An empty mask gives an empty window and an empty array.
    """
    if mask.quantity is not Quantity.LABEL or mask.values.dtype != bool:
        raise InputError(
            f"{what}: the mask must be a boolean LABEL image; got {mask.quantity} of {mask.values.dtype}; "
            "threshold a fraction at 0.5 first"
        )
    window = window_of(mask.grid, image.grid, what=what)
    box = occupied_box(mask.values)
    z, y, x = (slice(w.start + b.start, w.start + b.stop) for w, b in zip(window, box, strict=True))
    return (z, y, x), mask.values[box]


def occupied_box(mask: NDArray[Any]) -> tuple[slice, slice, slice]:
    """Return the smallest box (z, y, x) that holds every true voxel."""
    box = []
    for axes in ((1, 2), (0, 2), (0, 1)):
        hits = np.flatnonzero(mask.any(axis=axes))
        box.append(slice(int(hits[0]), int(hits[-1]) + 1) if len(hits) else slice(0, 0))
    return box[0], box[1], box[2]


def require_uptake(image: Image, *, what: str, box: tuple[slice, ...] = ()) -> None:
    """Raise InputError unless ``image`` is finite in ``box`` and an SUV or an activity concentration."""
    if not (image.quantity.is_suv or image.quantity is Quantity.ACTIVITY_CONCENTRATION):
        raise InputError(
            f"{what} needs a standardised uptake value or an activity concentration [Bq/mL]; "
            f"got {image.quantity}; convert first: tumorboard.pet.to_suv(...)"
        )
    values = image.values[box]
    # The sum of finite float32 does not overflow float64, and finds NaN and infinity without a mask array.
    if values.dtype.kind == "f" and not np.isfinite(values.sum(dtype=np.float64)):
        raise InputError(f"{what} needs finite voxel values; got NaN or infinity; mask or fill them first")


def padded(
    box: tuple[slice, slice, slice], reach_mm: float, spacing_mm: NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[slice, slice, slice]:
    """Return the box widened by ``reach_mm`` [mm] and one voxel, cut at the edge of ``shape``.

    ``spacing_mm`` runs along (z, y, x), shape ``(3,)`` [mm].
    """
    pads = np.ceil(reach_mm / spacing_mm).astype(int) + 1
    z, y, x = (
        slice(max(0, b.start - int(p)), min(n, b.stop + int(p)))
        for b, p, n in zip(box, pads, shape, strict=True)
    )
    return z, y, x
