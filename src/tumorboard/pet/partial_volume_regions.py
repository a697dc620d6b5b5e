"""Regions that fill the whole field, each voxel once: what partial volume correction stands on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tumorboard.core._arrays import read_only
from tumorboard.core.grid import Grid, require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.numerics._mask import bounding_box
from tumorboard.numerics._slabs import run_slabs
from tumorboard.pet._kernels.region_sums import add_by_label
from tumorboard.provenance import Record

__all__ = [
    "Box",
    "FractionPartition",
    "LabelPartition",
    "Partition",
    "box_around",
    "largest_region",
    "region_means",
]

Box = tuple[slice, slice, slice]

#: Fractions of a voxel must add up to 1 within this: eight-bit maps of several tissues are rounded.
_SUM_TOLERANCE: Final = 0.01


class Partition(Protocol):
    """Regions whose fractions add up to 1 in every voxel."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the regions."""

    @property
    def grid(self) -> Grid:
        """Where the voxels are."""

    @property
    def voxels(self) -> NDArray[np.float64]:
        """Number of voxels of each region, parts of voxels as parts, shape ``(n_regions,)``."""

    @property
    def provenance(self) -> Record:
        """How the regions came about."""

    def box(self, region: int) -> Box:
        """Return the smallest box of voxels that holds a region."""

    def fractions(self, region: int, box: Box) -> NDArray[Any]:
        """Return which part of each voxel of a box belongs to a region, shape of the box."""

    def sums(self, values: NDArray[Any], box: Box, threads: int | None) -> NDArray[np.float64]:
        """Return the sums of values in a box, fractions as weights, shape ``(n_regions,)``."""

    def painted(self, means: NDArray[np.float64], box: Box) -> NDArray[np.float32]:
        """Return an image of one value for each region, shape of the box."""

    def overlaps(self) -> NDArray[np.float64]:
        """Return the sums of products of fractions over the voxels, shape ``(n_regions, n_regions)``."""


class LabelPartition:
    """Each voxel belongs to one region, by its label.

    Parameters
    ----------
    labels
        LABEL image of integers.
    names
        Of every label in the image, the background's too, and of no other.

    Raises
    ------
    InputError
        When the image holds no labels, a label has no name, or a name no voxel.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> grid = Grid((1, 1, 4), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> drawn = Image(np.array([[[0, 7, 7, 0]]]), grid, Quantity.LABEL, Record("example"))
    >>> LabelPartition(drawn, {0: "background", 7: "thalamus"}).voxels.tolist()
    [2.0, 2.0]
    """

    __slots__ = ("_boxes", "_index", "grid", "names", "provenance", "voxels")

    def __init__(self, labels: Image, names: Mapping[int, str]) -> None:
        if labels.quantity is not Quantity.LABEL or labels.values.dtype.kind not in "biu":
            raise InputError(
                f"labels must be a LABEL image of integers; got {labels.quantity.value} of "
                f"{labels.values.dtype}; give fractions to FractionPartition"
            )
        found, index = np.unique(labels.values, return_inverse=True)
        nameless = [int(n) for n in found if int(n) not in names]
        if nameless:
            raise InputError(
                f"names must name every label of the image, the background's too; {nameless[:5]} have none: "
                "regions must fill the whole field, so name what is around them as well"
            )
        absent = [name for label, name in names.items() if label not in found]
        if absent:
            raise InputError(
                f"every region must have a voxel; {', '.join(absent[:5])} has none; leave it out"
            )
        self.names = _checked_names(tuple(names[int(n)] for n in found))
        self.grid = labels.grid
        index = index.reshape(labels.grid.shape)
        kind = np.uint8 if len(found) <= 256 else np.uint16 if len(found) <= 65536 else np.uint32
        self._index = read_only(index.astype(kind))
        self._boxes: tuple[Box, ...] = tuple(ndimage.find_objects(index + 1))
        self.voxels: NDArray[np.float64] = read_only(
            np.bincount(index.ravel(), minlength=len(found)), np.float64
        )
        self.provenance = Record(
            "pet.LabelPartition", {"names": {str(k): v for k, v in names.items()}}, (labels.provenance,)
        )

    def box(self, region: int) -> Box:
        """Return the smallest box of voxels that holds a region."""
        return self._boxes[region]

    def fractions(self, region: int, box: Box) -> NDArray[Any]:
        """Return 1 in the region and 0 elsewhere, shape of the box."""
        return np.asarray(self._index[box] == region, np.float64)

    def sums(self, values: NDArray[Any], box: Box, threads: int | None) -> NDArray[np.float64]:
        """Return the sums of values in a box over each region, shape ``(n_regions,)``."""
        index = self._index[box]
        parts = np.zeros((len(index), len(self.names)))
        run_slabs(len(index), lambda a, b: add_by_label(index, values, a, b, parts), threads=threads)
        return np.asarray(parts.sum(axis=0))

    def painted(self, means: NDArray[np.float64], box: Box) -> NDArray[np.float32]:
        """Return an image of one value for each region, shape of the box."""
        return np.take(np.asarray(means, np.float32), self._index[box])

    def overlaps(self) -> NDArray[np.float64]:
        """Return the number of voxels of each region, on the diagonal, shape ``(n_regions, n_regions)``."""
        return np.diag(self.voxels)


class FractionPartition:
    """Each voxel is divided among regions: fractions or probabilities.

    Only the box of a region is kept, so that many small regions of a large field need little memory.

    Parameters
    ----------
    fractions
        Name to FRACTION image, all on one grid, 0 to 1.
    rest
        Name of the region that has what the others leave of each voxel; ``None``: nothing is left.

    Raises
    ------
    GridMismatch
        When images stand on different grids.
    InputError
        When fractions are out of range, or do not add up to 1 in every voxel within 0.01.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> grid = Grid((1, 1, 4), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> part = Image(np.array([[[0.0, 0.5, 1.0, 0.0]]]), grid, Quantity.FRACTION, Record("example"))
    >>> FractionPartition({"thalamus": part}, rest="background").voxels.tolist()
    [1.5, 2.5]
    """

    __slots__ = ("_parts", "grid", "names", "provenance", "voxels")

    def __init__(self, fractions: Mapping[str, Image], *, rest: str | None) -> None:
        if not fractions:
            raise InputError("fractions must hold one region or more; got none")
        self.grid = next(iter(fractions.values())).grid
        left = np.ones(self.grid.shape, np.float32)
        parts: list[tuple[Box, NDArray[np.float32]]] = []
        for name, image in fractions.items():
            parts.append(_part(name, image, self.grid))
            left[parts[-1][0]] -= parts[-1][1]
        low = np.unravel_index(int(left.argmin()), left.shape)
        if left[low] < -_SUM_TOLERANCE:
            raise InputError(
                f"fractions must add up to at most 1; they are {1.0 - left[low]:.3f} in voxel "
                f"{tuple(int(n) for n in low)}; regions overlap"
            )
        if rest is None:
            high = np.unravel_index(int(left.argmax()), left.shape)
            if left[high] > _SUM_TOLERANCE:
                raise InputError(
                    f"fractions must add up to 1 in every voxel; they are {1.0 - left[high]:.3f} in voxel "
                    f"{tuple(int(n) for n in high)}: regions must fill the whole field, so give the "
                    "background too, or name it as rest"
                )
            _share_out(parts, left)
        else:
            over = np.minimum(left, 0.0)
            if over.any():
                _share_out(parts, over)
            filled = _part(rest, Image(np.maximum(left, 0.0), self.grid, Quantity.FRACTION, Record("rest")))
            parts.append(filled)
        self.names = _checked_names((*fractions, *(() if rest is None else (rest,))))
        for _, values in parts:
            values.setflags(write=False)
        self._parts = tuple(parts)
        sizes = [float(values.sum(dtype=np.float64)) for _, values in parts]
        self.voxels: NDArray[np.float64] = read_only(sizes, np.float64)
        self.provenance = Record(
            "pet.FractionPartition",
            {"names": list(fractions), "rest": rest},
            tuple(image.provenance for image in fractions.values()),
        )

    def box(self, region: int) -> Box:
        """Return the smallest box of voxels that holds a region."""
        return self._parts[region][0]

    def fractions(self, region: int, box: Box) -> NDArray[Any]:
        """Return which part of each voxel of a box belongs to a region, shape of the box."""
        out = np.zeros([s.stop - s.start for s in box])
        own, values = self._parts[region]
        there, here = _common(box, own)
        out[there] = values[here]
        return out

    def sums(self, values: NDArray[Any], box: Box, threads: int | None) -> NDArray[np.float64]:
        """Return the sums of values in a box, fractions as weights, shape ``(n_regions,)``."""
        found = np.zeros(len(self.names))

        def add(start: int, stop: int) -> None:
            for region in range(start, stop):
                own, fractions = self._parts[region]
                there, here = _common(box, own)
                product = np.multiply(values[there], fractions[here], dtype=np.float64)
                found[region] = product.sum()

        run_slabs(len(self.names), add, threads=threads)
        return found

    def painted(self, means: NDArray[np.float64], box: Box) -> NDArray[np.float32]:
        """Return the image that regions of one value each make, shape of the box."""
        out = np.zeros([s.stop - s.start for s in box], np.float32)
        for (own, values), mean in zip(self._parts, means.astype(np.float32), strict=True):
            there, here = _common(box, own)
            out[there] += mean * values[here]
        return out

    def overlaps(self) -> NDArray[np.float64]:
        """Return the sums of products of fractions over the voxels, shape ``(n_regions, n_regions)``."""
        return np.array([self.sums(values, own, None) for own, values in self._parts])


def region_means(image: Image, partition: Partition, *, threads: int | None = None) -> NDArray[np.float64]:
    """Return the mean of an image over each region, fractions as weights.

    Parameters
    ----------
    image
        On the partition's grid, finite.
    partition
        The regions.
    threads
        Number of threads; as many as numba would use when not given. The result does not depend on it.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_regions,)``, in the image's unit.

    Raises
    ------
    GridMismatch
        When the image stands on another grid.
    InputError
        When a value is not finite.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> grid = Grid((1, 1, 4), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> drawn = Image(np.array([[[0, 7, 7, 0]]]), grid, Quantity.LABEL, Record("example"))
    >>> partition = LabelPartition(drawn, {0: "background", 7: "thalamus"})
    >>> scan = Image(np.array([[[1.0, 4.0, 6.0, 3.0]]]), grid, Quantity.UNCALIBRATED, Record("example"))
    >>> region_means(scan, partition).tolist()
    [2.0, 5.0]
    """
    require_same_grid(image.grid, partition.grid, what="image and partition")
    nz, ny, nx = image.grid.shape
    sums = partition.sums(image.values, (slice(0, nz), slice(0, ny), slice(0, nx)), threads)
    if not np.isfinite(sums).all():
        raise InputError("image must be finite; it has NaN or infinity; fill them first")
    return np.asarray(sums / partition.voxels)


def largest_region(partition: Partition) -> int:
    """Return the region of the largest box: the background, as a rule.

    Parameters
    ----------
    partition
        The regions.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> grid = Grid((1, 1, 4), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> drawn = Image(np.array([[[0, 7, 7, 0]]]), grid, Quantity.LABEL, Record("example"))
    >>> largest_region(LabelPartition(drawn, {0: "background", 7: "thalamus"}))
    0
    """
    boxes = [partition.box(k) for k in range(len(partition.names))]
    return int(np.argmax([math.prod(s.stop - s.start for s in box) for box in boxes]))


def box_around(boxes: Sequence[Box], reach: Sequence[int], shape: tuple[int, int, int]) -> Box:
    """Return the box around boxes and so many voxels more on each side, within the field.

    Parameters
    ----------
    boxes
        One or more.
    reach
        Voxels along (z, y, x).
    shape
        Of the field.

    Examples
    --------
    >>> box_around([(slice(2, 4), slice(0, 1), slice(3, 5))], (1, 0, 2), (8, 1, 6))
    (slice(1, 5, None), slice(0, 1, None), slice(1, 6, None))
    """
    z, y, x = (
        slice(max(0, min(s.start for s in along) - r), min(n, max(s.stop for s in along) + r))
        for along, r, n in zip(zip(*boxes, strict=True), reach, shape, strict=True)
    )
    return z, y, x


def _checked_names(names: tuple[str, ...]) -> tuple[str, ...]:
    if not all(names) or len(set(names)) != len(names):
        raise InputError(f"regions must have unique names, none empty; got {', '.join(names)}")
    return names


def _part(name: str, image: Image, grid: Grid | None = None) -> tuple[Box, NDArray[np.float32]]:
    """Return the box of a fraction image, and the values in it, to be written to."""
    if grid is not None:
        require_same_grid(image.grid, grid, what=f"fractions of {name!r} and the first region")
    if image.quantity is not Quantity.FRACTION:
        raise InputError(f"{name!r} must be a FRACTION image; got {image.quantity.value}")
    values = image.values
    if not (float(values.min()) >= 0.0 and float(values.max()) <= 1.0 + _SUM_TOLERANCE):
        raise InputError(
            f"fractions of {name!r} must be 0 to 1; got {float(values.min()):g} to {float(values.max()):g}"
        )
    ends = bounding_box(values > 0)
    if ends is None:
        raise InputError(f"every region must have a voxel; {name!r} has none; leave it out")
    z, y, x = (slice(a, b) for a, b in ends)
    return (z, y, x), np.array(values[z, y, x], np.float32)


def _share_out(parts: list[tuple[Box, NDArray[np.float32]]], left: NDArray[np.float32]) -> None:
    """Let fractions whose sum is 1 - left have the sum 1."""
    factor = 1.0 / (1.0 - left)
    for box, values in parts:
        values *= factor[box]


def _common(box: Box, other: Box) -> tuple[Box, Box]:
    """Return the common part of two boxes, counted from the corner of each."""
    ends = [(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(box, other, strict=True)]
    pair = []
    for corner in (box, other):
        z, y, x = (
            slice(a - own.start, max(a, b) - own.start) for (a, b), own in zip(ends, corner, strict=True)
        )
        pair.append((z, y, x))
    return pair[0], pair[1]
