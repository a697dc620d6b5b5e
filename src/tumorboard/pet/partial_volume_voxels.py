r"""Images without what blur carries from one region to another.

With s the image of the regions' means, each voxel is multiplied by what s has lost there,

.. math:: f(x) = g(x)\,\frac{s(x)}{(h * s)(x)}.

The region-based voxelwise correction [1]_ takes the means of the geometric transfer matrix. Iterative Yang
[2]_ takes those of the image itself, and again those of the corrected one. Where voxels are shared among
regions, a mean over one of them, fractions as weights, has its neighbours in it, however sharp the image. The
values that fit the image best, by least squares, have not: they are taken instead, and are the means where
voxels belong to one region each.

References
----------
.. [1] thomas2011rbv
.. [2] erlandsson2012pvc
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.grid import require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.numerics.gaussian_blur import blurred_values, gaussian_taps
from tumorboard.pet.partial_volume_matrix import WORST_CONDITION, transfer_matrix
from tumorboard.pet.partial_volume_methods import IterativeYang, RegionVoxelwise, VoxelCorrection
from tumorboard.pet.partial_volume_psf import GaussianPsf
from tumorboard.pet.partial_volume_regions import Partition, box_around, largest_region, region_means
from tumorboard.provenance import Record

__all__ = [
    "CorrectedDynamic",
    "CorrectedImage",
    "correct_dynamic",
    "correct_image",
    "corrected_frames",
]

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedImage:
    """A corrected image, and how it came to its means.

    Parameters
    ----------
    image
        Corrected, float32.
    regions
        Names.
    measured
        Means over the regions before, shape ``(n_regions,)``, in the image's unit.
    means
        Of the regions after, voxels that they share divided by least squares, shape ``(n_regions,)``, in the
        image's unit.
    voxel_noise_amplification
        Root mean square over the region of the factor that its voxels, and so their noise, were multiplied
        by, shape ``(n_regions,)``. That of the region's mean is the transfer matrix'.
    changes
        Largest change of a mean in each iteration, as part of the largest mean; empty for one step.
    kept
        Regions whose mean was not above 0 in the last step: they stay as they are, and spill nothing.
    """

    image: Image
    regions: tuple[str, ...]
    measured: NDArray[np.float64]
    means: NDArray[np.float64]
    voxel_noise_amplification: NDArray[np.float64]
    changes: tuple[float, ...]
    kept: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("measured", "means", "voxel_noise_amplification"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedDynamic:
    """Corrected frames, and how each came to its means.

    Parameters
    ----------
    image
        Corrected, float32.
    regions
        Names.
    measured, means
        Of the regions, as for :class:`CorrectedImage`, shape ``(n_regions, n_frames)``, in the image's unit.
    voxel_noise_amplification
        As for :class:`CorrectedImage`, shape ``(n_regions, n_frames)``.
    last_change
        Largest change of a mean in the last iteration of each frame, as part of the largest mean, shape
        ``(n_frames,)``; 0 for one step.
    kept
        Of each frame: as for :class:`CorrectedImage`.
    """

    image: DynamicImage
    regions: tuple[str, ...]
    measured: NDArray[np.float64]
    means: NDArray[np.float64]
    voxel_noise_amplification: NDArray[np.float64]
    last_change: NDArray[np.float64]
    kept: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        for name in ("measured", "means", "voxel_noise_amplification", "last_change"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))


def correct_image(
    image: Image,
    partition: Partition,
    psf: GaussianPsf,
    method: VoxelCorrection,
    *,
    threads: int | None = None,
    progress: Tell | None = None,
) -> CorrectedImage:
    """Return an image without the partial volume effect, as far as its regions are uniform.

    What a region holds besides its mean is kept, and sharpened nowhere: a lesion within a region is corrected
    as the region is.

    Parameters
    ----------
    image
        On the partition's grid, finite.
    partition
        The regions.
    psf
        Of the image.
    method
        Region-based voxelwise [1]_ or iterative Yang [2]_.
    threads
        Number of threads; as many as numba would use when not given. The result does not depend on it.
    progress
        Told iteration and iterations. What it raises ends the work.

    Raises
    ------
    GridMismatch
        When the image stands on another grid.
    InputError
        When the image holds labels or is not finite, or the point spread function does not suit.

    References
    ----------
    .. [1] thomas2011rbv
    .. [2] erlandsson2012pvc

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.numerics import gaussian_blur
    >>> from tumorboard.pet.partial_volume_regions import LabelPartition
    >>> grid = Grid((1, 1, 9), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> drawn = np.array([[[0, 0, 0, 1, 1, 1, 0, 0, 0]]])
    >>> regions = LabelPartition(Image(drawn, grid, Quantity.LABEL, Record("x")), {0: "rest", 1: "vessel"})
    >>> psf = GaussianPsf((0.0, 0.0, 4.0))
    >>> sharp = Image(1.0 + 4.0 * drawn, grid, Quantity.UNCALIBRATED, Record("example"))
    >>> seen = gaussian_blur(sharp, psf.fwhm_mm)
    >>> correct_image(seen, regions, psf, RegionVoxelwise()).image.values[0, 0, 2:5].round(4).tolist()
    [1.0, 5.0, 5.0]
    """
    return _Field(partition, psf, method, threads).corrected(image, progress)


def corrected_frames(
    frames: Iterable[Image],
    partition: Partition,
    psf: GaussianPsf,
    method: VoxelCorrection,
    *,
    threads: int | None = None,
) -> Iterator[CorrectedImage]:
    """Yield frames one by one, corrected as by :func:`correct_image`: for what does not fit in memory.

    Besides the frame and its result some four copies are held of the box around all regions but the largest.

    Parameters
    ----------
    frames
        On the partition's grid, finite.
    partition
        The regions.
    psf
        Of the images.
    method
        Region-based voxelwise or iterative Yang.
    threads
        Number of threads; as many as numba would use when not given. The result does not depend on it.

    Yields
    ------
    CorrectedImage

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.pet.partial_volume_regions import LabelPartition
    >>> grid = Grid((1, 1, 9), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> drawn = np.array([[[0, 0, 0, 1, 1, 1, 0, 0, 0]]])
    >>> regions = LabelPartition(Image(drawn, grid, Quantity.LABEL, Record("x")), {0: "rest", 1: "vessel"})
    >>> scan = Image(np.ones(grid.shape), grid, Quantity.UNCALIBRATED, Record("example"))
    >>> found = corrected_frames([scan], regions, GaussianPsf((0.0, 0.0, 4.0)), RegionVoxelwise())
    >>> [one.means.round(6).tolist() for one in found]
    [[1.0, 1.0]]
    """
    field = _Field(partition, psf, method, threads)
    for image in frames:
        yield field.corrected(image, None)


def correct_dynamic(
    dynamic: DynamicImage,
    partition: Partition,
    psf: GaussianPsf,
    method: VoxelCorrection,
    *,
    threads: int | None = None,
    progress: Tell | None = None,
) -> CorrectedDynamic:
    """Return a dynamic image without the partial volume effect, frame by frame as :func:`correct_image` does.

    The scan and the result are held in memory; for more than that take :func:`corrected_frames`.

    Parameters
    ----------
    dynamic
        On the partition's grid, finite.
    partition
        The regions.
    psf
        Of the image.
    method
        Region-based voxelwise or iterative Yang.
    threads
        Number of threads; as many as numba would use when not given. The result does not depend on it.
    progress
        Told frame and frames. What it raises ends the work.

    Raises
    ------
    GridMismatch
        When the image stands on another grid.
    InputError
        As for :func:`correct_image`.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.pet.partial_volume_regions import LabelPartition
    >>> grid = Grid((1, 1, 9), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> drawn = np.array([[[0, 0, 0, 1, 1, 1, 0, 0, 0]]])
    >>> regions = LabelPartition(Image(drawn, grid, Quantity.LABEL, Record("x")), {0: "rest", 1: "vessel"})
    >>> quantity, values = Quantity.ACTIVITY_CONCENTRATION, np.ones((2, *grid.shape))
    >>> scan = DynamicImage(values, grid, quantity, [0.0, 60.0], [60.0, 60.0], "injection", Record("x"))
    >>> method = IterativeYang(iterations=10, tolerance=None)
    >>> correct_dynamic(scan, regions, GaussianPsf((0.0, 0.0, 4.0)), method).means.round(6).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """

    def told() -> Iterator[Image]:
        for k in range(dynamic.n_frames):
            if progress is not None:
                progress("frames", k, dynamic.n_frames)
            yield dynamic.frame(k)

    out = np.empty(dynamic.values.shape, np.float32)
    found: list[CorrectedImage] = []
    for k, one in enumerate(corrected_frames(told(), partition, psf, method, threads=threads)):
        out[k] = one.image.values
        # Its values are kept once only.
        found.append(replace(one, image=dynamic.frame(k)))
    out.setflags(write=False)
    record = _record("pet.correct_dynamic", dynamic.provenance, partition, psf, method)
    return CorrectedDynamic(
        replace(dynamic, values=out, provenance=record),
        partition.names,
        np.stack([one.measured for one in found], axis=1),
        np.stack([one.means for one in found], axis=1),
        np.stack([one.voxel_noise_amplification for one in found], axis=1),
        np.array([one.changes[-1] if one.changes else 0.0 for one in found]),
        tuple(one.kept for one in found),
    )


def _record(
    operation: str, source: Record, partition: Partition, psf: GaussianPsf, method: VoxelCorrection
) -> Record:
    choices = {"fwhm_mm": psf.fwhm_mm, **method.to_dict()}
    one_step = isinstance(method, RegionVoxelwise)
    keys = ("rousset1998gtm", "thomas2011rbv") if one_step else ("erlandsson2012pvc",)
    return Record(operation, choices, (source, partition.provenance), keys)


class _Field:
    """What all frames share.

    Outside of the box around all regions but the largest, and of the reach of the blur, the image of the
    means is constant, and blur changes nothing: factors are 1 there.
    """

    def __init__(
        self, partition: Partition, psf: GaussianPsf, method: VoxelCorrection, threads: int | None
    ) -> None:
        self.partition, self.psf, self.method, self.threads = partition, psf, method, threads
        self.matrix = None
        if isinstance(method, RegionVoxelwise):
            self.matrix = transfer_matrix(partition, psf, threads=threads)
        self.taps = gaussian_taps(partition.grid, psf.fwhm_mm)
        self.overlaps = partition.overlaps()
        scale = np.sqrt(np.diag(self.overlaps))
        condition = float(np.linalg.cond(self.overlaps / np.outer(scale, scale)))
        if condition > WORST_CONDITION:
            raise InputError(
                f"regions must be told apart by their fractions: the condition number of their overlaps must "
                f"be at most {WORST_CONDITION:.0e}; got {condition:.2g}; join regions that share all voxels"
            )
        largest, boxes = largest_region(partition), [partition.box(k) for k in range(len(partition.names))]
        others = [box for k, box in enumerate(boxes) if k != largest] or boxes
        self.box = box_around(others, [len(t) - 1 for t in self.taps], partition.grid.shape)

    def corrected(self, image: Image, progress: Tell | None) -> CorrectedImage:
        """Return the corrected image."""
        partition, voxels, method = self.partition, self.partition.voxels, self.method
        require_same_grid(image.grid, partition.grid, what="image and partition")
        if image.quantity is Quantity.LABEL:
            raise InputError("image must not hold labels; there is nothing to correct")
        measured = region_means(image, partition, threads=self.threads)
        own = np.asarray(image.values[self.box], np.float32)
        # What lies outside of the box keeps its value in every step.
        beyond = measured * voxels - partition.sums(own, self.box, self.threads)
        means, changes = self._divided(measured * voxels), []
        steps = method.iterations if isinstance(method, IterativeYang) else 1
        if self.matrix is not None:
            means = self.matrix.corrected(measured)
        for step in range(steps):
            if progress is not None:
                progress("iterations", step, steps)
            used = means
            factor = self._factor(used)
            better = own * factor
            means = self._divided(beyond + partition.sums(better, self.box, self.threads))
            if isinstance(method, IterativeYang):
                changes.append(float(np.abs(means - used).max() / (np.abs(means).max() or 1.0)))
                if method.tolerance is not None and changes[-1] <= method.tolerance:
                    break
        out = np.array(image.values, np.float32)
        out[self.box] = better
        out.setflags(write=False)
        np.square(factor, out=factor)
        inside = partition.sums(np.ones_like(own), self.box, self.threads)
        squares = partition.sums(factor, self.box, self.threads) + (voxels - inside)
        record = _record("pet.correct_image", image.provenance, partition, self.psf, method)
        return CorrectedImage(
            Image(out, image.grid, image.quantity, record),
            partition.names,
            measured,
            means,
            np.sqrt(squares / voxels),
            tuple(changes),
            tuple(n for n, mean in zip(partition.names, used, strict=True) if not mean > 0),
        )

    def _divided(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values of regions whose sums, weighted by fractions, are given."""
        return np.asarray(np.linalg.solve(self.overlaps, sums), np.float64)

    def _factor(self, means: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return what voxels of the box are multiplied by."""
        # Only with means that are not negative is a factor bounded, by what a voxel keeps of itself.
        sharp = self.partition.painted(np.maximum(means, 0.0), self.box)
        seen = blurred_values(sharp, self.taps, threads=self.threads)
        # Where a voxel belongs to regions without activity its factor would be 0, and its noise be lost.
        known = (sharp > 0) & (seen > 0)
        factor: NDArray[np.float32] = np.divide(sharp, seen, out=seen, where=known)
        factor[~known] = 1.0
        return factor
