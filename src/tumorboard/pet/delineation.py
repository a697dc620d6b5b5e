"""From an uptake image to its lesions, by a stated rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.lesion import Lesion
from tumorboard.errors import InputError
from tumorboard.pet.placement import mask_window, padded, require_uptake, window_of
from tumorboard.pet.uptake_field import DelineationRule, Found, UptakeField, box_slices, extremes
from tumorboard.provenance import Record

__all__ = ["Connectivity", "Exclusion", "LesionOrder", "delineate_lesions"]


class Connectivity(Enum):
    """Which voxels are neighbours: those that share a face, or also an edge or corner."""

    FACES = 6
    CORNERS = 26


class Exclusion(Enum):
    """What an excluded mask does: cut its voxels away, or drop lesions whose hottest voxel it holds."""

    CUT = "cut"
    DROP_BY_MAXIMUM = "drop_by_maximum"


class LesionOrder(Enum):
    """The order of the lesions: by maximum times volume, by maximum, or from head to foot."""

    BURDEN = "burden"
    MAXIMUM = "maximum"
    CRANIO_CAUDAL = "cranio_caudal"


def delineate_lesions(
    image: Image,
    rule: DelineationRule,
    *,
    minimum_volume_ml: float,
    connectivity: Connectivity = Connectivity.CORNERS,
    order: LesionOrder = LesionOrder.BURDEN,
    region: Image | Grid | None = None,
    exclude: Sequence[Image] = (),
    exclusion: Exclusion = Exclusion.CUT,
    exclude_margin_mm: float = 0.0,
) -> tuple[Lesion, ...]:
    """Find the lesions of an uptake image.

    A lesion is a connected set of voxels that the rule sets apart. The rule knows nothing of
    organs: brain, heart, kidneys and bladder are lesions to it unless they are excluded.

    Parameters
    ----------
    image
        SUV of any variant; or activity concentration, with a rule that is relative. Any grid.
    rule
        :class:`~tumorboard.pet.FixedThreshold`, :class:`~tumorboard.pet.PercentOfMaximum`,
        :class:`~tumorboard.pet.PercentOfPeak`, :class:`~tumorboard.pet.Percist`,
        :class:`~tumorboard.pet.AdaptiveContrast` or :class:`~tumorboard.pet.GradientWatershed`.
    minimum_volume_ml
        Smaller lesions are dropped [mL]; 0 keeps all.
    connectivity
        What joins voxels to one lesion.
    order
        Of the result, which also numbers the names ``"lesion 1"``, ``"lesion 2"``, ...
    region
        Where lesions may be: a boolean mask on the image's grid or a crop of it, or a crop of
        the image's grid (a box); ``None`` for everywhere.
    exclude
        Masks of physiological uptake, each on the image's grid or a crop of it.
    exclusion
        What excluded masks do.
    exclude_margin_mm
        Excluded masks are first widened by this distance [mm], for uptake that spills over.

    Returns
    -------
    tuple of Lesion
        Masks cropped to their boxes. Each record tells the rule, its settings and the
        lesion's threshold. Empty when there is none.

    Raises
    ------
    InputError
        When the image is no finite uptake, or the rule cannot work on its quantity.
    GridMismatch
        When a mask is not on the image's grid.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> from tumorboard.pet import FixedThreshold
    >>> grid = Grid((9, 9, 9), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> values = np.ones(grid.shape)
    >>> values[2:5, 2:5, 2:5] = 6.0
    >>> suv = Image(values, grid, Quantity.SUV_BODY_WEIGHT, Record("example"))
    >>> [lesion] = delineate_lesions(suv, FixedThreshold(suv=4.0), minimum_volume_ml=0.5)
    >>> lesion.name, round(lesion.volume_ml, 3)
    ('lesion 1', 1.728)
    """
    require_uptake(image, what="delineate_lesions")
    for name, value in (("minimum_volume_ml", minimum_volume_ml), ("exclude_margin_mm", exclude_margin_mm)):
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"{name} must be finite and >= 0; got {value!r}")
    excluded = _excluded(image, exclude, exclude_margin_mm)
    allowed = _allowed(image, region)
    if excluded is not None and exclusion is Exclusion.CUT:
        allowed &= ~excluded
    # A hair below, so that a lesion of exactly the smallest volume stays.
    minimum_voxels = max(1, math.ceil(minimum_volume_ml / image.grid.voxel_volume_ml - 1e-9))
    structure = ndimage.generate_binary_structure(3, 1 if connectivity is Connectivity.FACES else 3)
    field = UptakeField(
        image.values,
        image.quantity,
        image.grid.spacing_mm,
        allowed,
        structure,
        minimum_voxels,
        region is not None,
    )
    found = rule.find(field)
    kept = _kept(
        image, found, minimum_voxels, order, excluded if exclusion is Exclusion.DROP_BY_MAXIMUM else None
    )
    settings = {
        "rule": type(rule).__name__,
        "rule_parameters": rule.parameters(),
        "minimum_volume_ml": minimum_volume_ml,
        "connectivity": connectivity.value,
        "order": order.value,
        "exclusion": exclusion.value,
        "exclude_margin_mm": exclude_margin_mm,
        "region": region.to_dict() if isinstance(region, Grid) else None,
    }
    masks = ([region] if isinstance(region, Image) else []) + list(exclude)
    inputs = (image.provenance, *(mask.provenance for mask in masks))
    return tuple(
        _lesion(image, found, label, box, f"lesion {n}", Record(
            "pet.delineate_lesions",
            {**settings, "threshold": found.thresholds[label], "lesion": n},
            inputs,
            type(rule).references,
        ))
        for n, (label, box) in enumerate(kept, start=1)
    )  # fmt: skip


def _allowed(image: Image, region: Image | Grid | None) -> NDArray[np.bool_]:
    if region is None:
        return np.ones(image.grid.shape, dtype=bool)
    allowed = np.zeros(image.grid.shape, dtype=bool)
    if isinstance(region, Grid):
        allowed[window_of(region, image.grid, what="region and image")] = True
    else:
        window, mask = mask_window(region, image, what="region and image")
        allowed[window] = mask
    return allowed


def _excluded(image: Image, masks: Sequence[Image], margin_mm: float) -> NDArray[np.bool_] | None:
    if not masks:
        return None
    excluded = np.zeros(image.grid.shape, dtype=bool)
    for n, mask in enumerate(masks):
        window, inside = mask_window(mask, image, what=f"exclude[{n}] and image")
        if not inside.size:
            continue
        if margin_mm == 0.0:
            excluded[window] |= inside
            continue
        box = padded(window, margin_mm, image.grid.spacing_mm, image.grid.shape)
        outside = np.ones([b.stop - b.start for b in box], dtype=bool)
        inner = tuple(slice(w.start - b.start, w.stop - b.start) for w, b in zip(window, box, strict=True))
        outside[inner] = ~inside
        excluded[box] |= ndimage.distance_transform_edt(outside, sampling=image.grid.spacing_mm) <= margin_mm
    return excluded


def _kept(
    image: Image, found: Found, minimum_voxels: int, order: LesionOrder, dropping: NDArray[np.bool_] | None
) -> list[tuple[int, tuple[slice, slice, slice]]]:
    """Return labels and boxes of the lesions that stay, in order."""
    count = max(found.thresholds, default=0)
    counts, peaks, boxes = extremes(found.labels, image.values, count)
    maxima = image.values.reshape(-1)[peaks].astype(np.float64)
    stays = counts >= minimum_voxels
    if dropping is not None:
        stays &= ~dropping.reshape(-1)[peaks]
    kept = [(int(n) + 1, box_slices(boxes[n])) for n in np.flatnonzero(stays)]

    def rank(entry: tuple[int, tuple[slice, slice, slice]]) -> float:
        label, box = entry
        if order is LesionOrder.CRANIO_CAUDAL:
            start = [b.start for b in box]
            centroid = np.argwhere(found.labels[box] == label).mean(axis=0) + start
            return -float(image.grid.index_to_patient(centroid)[2])
        burden = float(maxima[label - 1])
        return -burden * int(counts[label - 1]) if order is LesionOrder.BURDEN else -burden

    return sorted(kept, key=lambda entry: (rank(entry), int(peaks[entry[0] - 1])))


def _lesion(
    image: Image, found: Found, label: int, box: tuple[slice, slice, slice], name: str, record: Record
) -> Lesion:
    z, y, x = box
    grid = image.grid.crop((z.start, y.start, x.start), (z.stop, y.stop, x.stop))
    return Lesion(name, Image(found.labels[box] == label, grid, Quantity.LABEL, record), record)
