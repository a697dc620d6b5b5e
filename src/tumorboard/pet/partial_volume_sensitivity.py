"""What a wrong point spread function does to corrected means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.image import Image
from tumorboard.errors import InputError
from tumorboard.pet.partial_volume_matrix import transfer_matrix
from tumorboard.pet.partial_volume_psf import GaussianPsf
from tumorboard.pet.partial_volume_regions import Partition, region_means

__all__ = ["PsfSensitivity", "psf_sensitivity"]

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class PsfSensitivity:
    """Corrected means under point spread functions that are wider or narrower than the stated one.

    Parameters
    ----------
    regions
        Names.
    factors
        On all widths, shape ``(n_factors,)``.
    means
        Shape ``(n_factors, n_regions)``, in the image's unit.
    stated
        Under the stated widths, shape ``(n_regions,)``, in the image's unit.
    measured
        Without correction, shape ``(n_regions,)``, in the image's unit.
    """

    regions: tuple[str, ...]
    factors: NDArray[np.float64]
    means: NDArray[np.float64]
    stated: NDArray[np.float64]
    measured: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("factors", "means", "stated", "measured"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    @property
    def relative(self) -> NDArray[np.float64]:
        """Change against the stated width, shape ``(n_factors, n_regions)``."""
        return self.means / self.stated - 1.0


def psf_sensitivity(
    image: Image,
    partition: Partition,
    psf: GaussianPsf,
    factors: Sequence[float],
    *,
    threads: int | None = None,
    progress: Tell | None = None,
) -> PsfSensitivity:
    """Return what a wrong width of the point spread function would do to the corrected means.

    Parameters
    ----------
    image
        On the partition's grid.
    partition
        The regions.
    psf
        As stated.
    factors
        On all of its widths, > 0.
    threads
        Number of threads; as many as numba would use when not given. The result does not depend on it.
    progress
        Told factor and factors. What it raises ends the work.

    Raises
    ------
    InputError
        When a factor is not above 0, or its width cannot be represented by the voxels.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.core.image import Quantity
    >>> from tumorboard.pet.partial_volume_regions import LabelPartition
    >>> grid = Grid((1, 1, 9), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> from tumorboard.provenance import Record
    >>> drawn = np.array([[[0, 0, 0, 1, 1, 1, 0, 0, 0]]])
    >>> regions = LabelPartition(Image(drawn, grid, Quantity.LABEL, Record("x")), {0: "rest", 1: "vessel"})
    >>> scan = Image(1.0 + 3.0 * drawn, grid, Quantity.UNCALIBRATED, Record("example"))
    >>> found = psf_sensitivity(scan, regions, GaussianPsf((0.0, 0.0, 4.0)), [0.8, 1.2])
    >>> found.relative[:, 1].round(3).tolist()
    [-0.061, 0.071]
    """
    scale = np.asarray(factors, np.float64)
    if scale.ndim != 1 or scale.size < 1 or not (np.isfinite(scale).all() and (scale > 0).all()):
        raise InputError(f"factors must be one or more numbers > 0; got {list(factors)!r}")
    measured = region_means(image, partition, threads=threads)
    found = []
    for k, factor in enumerate([1.0, *scale.tolist()]):
        if progress is not None:
            progress("widths", k, scale.size + 1)
        z, y, x = (factor * mm for mm in psf.fwhm_mm)
        found.append(transfer_matrix(partition, GaussianPsf((z, y, x)), threads=threads).corrected(measured))
    return PsfSensitivity(partition.names, scale, np.array(found[1:]), found[0], measured)
