r"""Means of regions without what blur carries from one to another: the geometric transfer matrix.

Regions of uniform concentrations :math:`t_j` and fractions :math:`p_j(x)`, blurred by a point spread function
:math:`h`, show the means [1]_

.. math:: T_i = \sum_j W_{ij} t_j, \qquad W_{ij} = \frac{\sum_x p_i(x)\,(h * p_j)(x)}{\sum_x p_i(x)}.

Since the regions fill the field, each row of W adds up to 1.

References
----------
.. [1] rousset1998gtm
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.image import Quantity
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.numerics.gaussian_blur import blurred_values, gaussian_taps
from tumorboard.pet.partial_volume_psf import GaussianPsf
from tumorboard.pet.partial_volume_regions import Partition, box_around, largest_region, region_means
from tumorboard.provenance import Record

__all__ = [
    "WORST_CONDITION",
    "CorrectedCurves",
    "TransferMatrix",
    "region_curves",
    "transfer_matrix",
]

#: Beyond this condition number more digits are lost than a PET image has.
WORST_CONDITION: Final = 1e6

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class TransferMatrix:
    """How much of each region's concentration the mean of each region shows.

    Parameters
    ----------
    regions
        Names.
    matrix
        W, shape ``(n_regions, n_regions)``: row: where it is seen, column: where it comes from. Rows add up
        to 1.
    noise
        Covariance of the measured means for independent noise of variance 1 in each voxel, shape
        ``(n_regions, n_regions)``.
    provenance
        How it came about.
    """

    regions: tuple[str, ...]
    matrix: NDArray[np.float64]
    noise: NDArray[np.float64]
    provenance: Record

    def __post_init__(self) -> None:
        shape = (len(self.regions),) * 2
        for name in ("matrix", "noise"):
            value = read_only(getattr(self, name), np.float64)
            if value.shape != shape or not np.isfinite(value).all():
                raise InputError(f"{name} must be finite, of shape {shape}; got shape {value.shape}")
            object.__setattr__(self, name, value)
        if self.condition > WORST_CONDITION:
            raise InputError(
                f"regions must be told apart by the point spread function: the matrix' condition number must "
                f"be at most {WORST_CONDITION:.0e}; got {self.condition:.2g}; join regions that are "
                "narrower than its width"
            )

    @property
    def condition(self) -> float:
        """Condition number of the matrix."""
        return float(np.linalg.cond(self.matrix))

    @property
    def recovery(self) -> NDArray[np.float64]:
        """What each region shows of its own concentration, amid nothing, shape ``(n_regions,)``."""
        return np.diag(self.matrix)

    @property
    def noise_amplification(self) -> NDArray[np.float64]:
        """Standard error after the correction over that before, shape ``(n_regions,)``.

        For noise that is independent between voxels and of one size; that of neighbouring voxels of an image
        is alike, over some width, which raises both errors.
        """
        after = np.diag(self._through(self.noise))
        return np.asarray(np.sqrt(after / np.diag(self.noise)))

    def corrected(self, means: ArrayLike) -> NDArray[np.float64]:
        """Return the concentrations behind measured means.

        Parameters
        ----------
        means
            Shape ``(n_regions, ...)``, in the order of ``regions``.
        """
        measured = np.asarray(means, np.float64)
        if measured.shape[:1] != (len(self.regions),):
            raise InputError(f"means must have shape ({len(self.regions)}, ...); got {measured.shape}")
        flat = measured.reshape(len(self.regions), -1)
        return np.asarray(np.linalg.solve(self.matrix, flat).reshape(measured.shape))

    def corrected_curves(
        self, curves: TissueCurves, *, standard_error_bq_ml: ArrayLike | None
    ) -> CorrectedCurves:
        """Return the curves behind measured ones, frame by frame.

        Parameters
        ----------
        curves
            Of all regions, in any order: what spills in from one that is left out would be missing.
        standard_error_bq_ml
            Of the measured means, shape ``(n_regions, n_frames)``, in the order of ``curves``; ``None``:
            no covariance [Bq/mL].

        Raises
        ------
        InputError
            When the regions are not those of the matrix.
        """
        if sorted(curves.regions) != sorted(self.regions):
            raise InputError(
                f"curves must be of the matrix' regions {', '.join(self.regions)}; got "
                f"{', '.join(curves.regions)}; all that fill the field are needed, the background too"
            )
        order = [curves.regions.index(name) for name in self.regions]
        back = [self.regions.index(name) for name in curves.regions]
        found = self.corrected(curves.concentration_bq_ml[order])[back]
        record = Record(
            "pet.TransferMatrix.corrected_curves",
            {"covariance": standard_error_bq_ml is not None},
            (curves.provenance, self.provenance),
            ("rousset1998gtm",),
        )
        corrected = TissueCurves(
            curves.regions, curves.frame_start_s, curves.frame_duration_s, found, curves.weights, record
        )
        covariance = None
        if standard_error_bq_ml is not None:
            error = np.asarray(standard_error_bq_ml, np.float64)
            if error.shape != found.shape or not (np.isfinite(error).all() and (error >= 0).all()):
                raise InputError(
                    f"standard_error_bq_ml must be finite and >= 0, of shape {found.shape} [Bq/mL]; "
                    f"got shape {error.shape}"
                )
            scale = np.sqrt(np.diag(self.noise))
            alike = self.noise / np.outer(scale, scale)
            covariance = np.array(
                [self._through(alike * np.outer(one, one))[np.ix_(back, back)] for one in error[order].T]
            )
        return CorrectedCurves(corrected, covariance, self.noise_amplification[back])

    def _through(self, covariance: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the covariance of the corrected means."""
        half = np.linalg.solve(self.matrix, covariance)
        return np.asarray(np.linalg.solve(self.matrix, half.T))


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedCurves:
    """Curves of regions after the correction, and what it does to noise.

    Parameters
    ----------
    curves
        Corrected.
    covariance_bq2_ml2
        Between the regions, for each frame, shape ``(n_frames, n_regions, n_regions)``; ``None`` where no
        errors were given [Bq2/mL2].
    noise_amplification
        As for :class:`TransferMatrix`, shape ``(n_regions,)``.
    """

    curves: TissueCurves
    covariance_bq2_ml2: NDArray[np.float64] | None
    noise_amplification: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.covariance_bq2_ml2 is not None:
            object.__setattr__(self, "covariance_bq2_ml2", read_only(self.covariance_bq2_ml2, np.float64))
        object.__setattr__(self, "noise_amplification", read_only(self.noise_amplification, np.float64))

    @property
    def standard_error_bq_ml(self) -> NDArray[np.float64] | None:
        """Of the corrected curves, shape ``(n_regions, n_frames)`` [Bq/mL]."""
        if self.covariance_bq2_ml2 is None:
            return None
        return np.sqrt(np.diagonal(self.covariance_bq2_ml2, axis1=1, axis2=2)).T


def transfer_matrix(
    partition: Partition,
    psf: GaussianPsf,
    *,
    threads: int | None = None,
    progress: Tell | None = None,
) -> TransferMatrix:
    """Return the geometric transfer matrix [1]_ of regions.

    Each region is blurred within its own box and the reach of the point spread function; the one of the
    largest box, the background as a rule, is what the others leave. Beyond the field regions go on as they
    are at its edge.

    Parameters
    ----------
    partition
        The regions.
    psf
        Of the image.
    threads
        Number of threads; as many as numba would use when not given. The result does not depend on it.
    progress
        Told region and regions. What it raises ends the work.

    Raises
    ------
    InputError
        When the voxels cannot represent the point spread function, or the regions cannot be told apart.

    References
    ----------
    .. [1] rousset1998gtm

    Examples
    --------
    >>> from tumorboard.core import AXIAL, Grid, Image
    >>> from tumorboard.pet.partial_volume_regions import LabelPartition
    >>> grid = Grid((1, 1, 9), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> drawn = np.array([[[0, 0, 0, 1, 1, 1, 0, 0, 0]]])
    >>> regions = LabelPartition(Image(drawn, grid, Quantity.LABEL, Record("x")), {0: "rest", 1: "vessel"})
    >>> found = transfer_matrix(regions, GaussianPsf((0.0, 0.0, 4.0)))
    >>> found.matrix.round(3).tolist()
    [[0.901, 0.099], [0.198, 0.802]]
    >>> found.corrected(found.matrix @ [1.0, 5.0]).round(6).tolist()
    [1.0, 5.0]
    """
    taps = gaussian_taps(partition.grid, psf.fwhm_mm)
    reach = [len(t) - 1 for t in taps]
    n = len(partition.names)
    largest = largest_region(partition)
    matrix = np.zeros((n, n))
    for region in range(n):
        if progress is not None:
            progress("regions", region, n)
        if region == largest:
            continue
        box = box_around([partition.box(region)], reach, partition.grid.shape)
        blurred = blurred_values(partition.fractions(region, box).astype(np.float64), taps, threads=threads)
        matrix[:, region] = partition.sums(blurred, box, threads) / partition.voxels
    matrix[:, largest] = 1.0 - matrix.sum(axis=1)
    noise = partition.overlaps() / np.outer(partition.voxels, partition.voxels)
    record = Record(
        "pet.transfer_matrix", {"fwhm_mm": psf.fwhm_mm}, (partition.provenance,), ("rousset1998gtm",)
    )
    return TransferMatrix(partition.names, matrix, noise, record)


def region_curves(dynamic: DynamicImage, partition: Partition, *, threads: int | None = None) -> TissueCurves:
    """Return the measured mean of each region in each frame, fractions as weights.

    Parameters
    ----------
    dynamic
        Concentrations decay-corrected to the injection, times from the injection, on the partition's grid.
    partition
        The regions.
    threads
        Number of threads; as many as numba would use when not given. The result does not depend on it.

    Raises
    ------
    GridMismatch
        When the image stands on another grid.
    InputError
        When it holds no concentrations, or times do not count from the injection.

    Examples
    --------
    >>> from tumorboard.core import AXIAL, Grid, Image
    >>> from tumorboard.pet.partial_volume_regions import LabelPartition
    >>> grid = Grid((1, 1, 2), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> drawn = Image(np.array([[[0, 1]]]), grid, Quantity.LABEL, Record("example"))
    >>> regions = LabelPartition(drawn, {0: "rest", 1: "vessel"})
    >>> quantity, values = Quantity.ACTIVITY_CONCENTRATION, np.array([[[[2.0, 5.0]]]])
    >>> scan = DynamicImage(values, grid, quantity, [0.0], [60.0], "injection", Record("example"))
    >>> region_curves(scan, regions).concentration_bq_ml.tolist()
    [[2.0], [5.0]]
    """
    if dynamic.quantity is not Quantity.ACTIVITY_CONCENTRATION:
        raise InputError(f"dynamic must hold ACTIVITY_CONCENTRATION [Bq/mL]; got {dynamic.quantity.name}")
    if dynamic.time_zero != "injection":
        raise InputError(
            f"times of the image must count from the injection; they count from {dynamic.time_zero!r}"
        )
    frames = [dynamic.frame(k) for k in range(dynamic.n_frames)]
    means = np.stack([region_means(one, partition, threads=threads) for one in frames], axis=1)
    record = Record("pet.region_curves", {}, (dynamic.provenance, partition.provenance))
    return TissueCurves(partition.names, dynamic.frame_start_s, dynamic.frame_duration_s, means, None, record)
