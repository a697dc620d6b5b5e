"""Effective half-life and decays of every voxel, from images at some times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core.grid import Grid, require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.dosimetry._kernels.time_activity_voxels import fit_voxels
from tumorboard.dosimetry.time_activity_samples import DecayConvention, activity_as_scanned
from tumorboard.dosimetry.voxel_dose import DecayMap
from tumorboard.errors import InputError
from tumorboard.numerics._slabs import run_slabs
from tumorboard.provenance import Record

__all__ = ["VoxelFit", "VoxelFitConfig", "VoxelModel", "VoxelNoise", "VoxelOutcome"]

#: The fastest rate has ten half-lives by the first scan after administration: what is faster would be
#: extrapolated back to more than a thousand times what was seen of it.
_FASTEST = 10.0 * math.log(2.0)


class VoxelOutcome(IntEnum):
    """How a voxel's half-life came about."""

    EMPTY = 0
    """No activity at any time: no decays."""

    FITTED = 1
    """Fitted to the voxel's own activities."""

    AT_PHYSICAL = 2
    """Its activities fall no faster than the nuclide decays, which is as slowly as they may."""

    FALLBACK = 3
    """Its activities do not determine a half-life: the one of the configuration is used."""


@dataclass(frozen=True, slots=True)
class VoxelNoise:
    """Standard uncertainty of a voxel's activity: ``floor`` and ``relative`` times the activity, in squares.

    Parameters
    ----------
    floor_bq_ml
        Part that does not depend on the activity, > 0 [Bq/mL].
    relative
        Part in proportion to the activity, >= 0.
    estimated
        Whether only their ratio is known, and how large they are is estimated from how far each voxel's
        activities lie off its curve; this needs three times at least.
    """

    floor_bq_ml: float
    relative: float
    estimated: bool

    def __post_init__(self) -> None:
        if not (math.isfinite(self.floor_bq_ml) and self.floor_bq_ml > 0):
            raise InputError(f"floor_bq_ml must be finite and > 0 [Bq/mL]; got {self.floor_bq_ml!r}")
        if not (math.isfinite(self.relative) and self.relative >= 0):
            raise InputError(f"relative must be finite and >= 0; got {self.relative!r}")


@dataclass(frozen=True, slots=True)
class VoxelFitConfig:
    """How to fit voxels, and what to do where they cannot be fitted.

    Parameters
    ----------
    physical_half_life_s
        Of the nuclide, finite, > 0; no voxel is slower [s].
    noise
        Uncertainty of the activities.
    most_relative_uncertainty
        Of a half-life, > 0: voxels whose own is less certain get the fallback.
    fallback_half_life_s
        Effective half-life where a voxel determines none: the physical one, or that of its region [s].
    fallback_relative_uncertainty
        Of the fallback, >= 0.
    """

    physical_half_life_s: float
    noise: VoxelNoise
    most_relative_uncertainty: float
    fallback_half_life_s: float
    fallback_relative_uncertainty: float

    def __post_init__(self) -> None:
        physical = self.physical_half_life_s
        if not (math.isfinite(physical) and physical > 0):
            raise InputError(f"physical_half_life_s must be finite and > 0 [s]; got {physical!r}")
        if not 0 < self.fallback_half_life_s <= physical:
            raise InputError(
                f"fallback_half_life_s must be > 0 and at most the physical {physical:g} [s]; got "
                f"{self.fallback_half_life_s!r}"
            )
        if not self.most_relative_uncertainty > 0:
            raise InputError(f"most_relative_uncertainty must be > 0; got {self.most_relative_uncertainty!r}")
        if not (
            math.isfinite(self.fallback_relative_uncertainty) and self.fallback_relative_uncertainty >= 0
        ):
            raise InputError(
                "fallback_relative_uncertainty must be finite and >= 0; got "
                f"{self.fallback_relative_uncertainty!r}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class VoxelFit:
    """Maps of what was fitted, all of shape ``grid.shape``.

    Parameters
    ----------
    config
        How they were made.
    grid
        Where the voxels are.
    time_integrated_activity_bq_s_ml
        Decays by volume from administration to infinity, shape ``grid.shape`` [Bq s/mL].
    time_integrated_activity_uncertainty_bq_s_ml
        Its standard uncertainty, shape ``grid.shape`` [Bq s/mL].
    effective_half_life_s
        0 where a voxel is empty, shape ``grid.shape`` [s].
    effective_half_life_uncertainty_s
        Its standard uncertainty; 0 at the physical bound, shape ``grid.shape`` [s].
    outcome
        A :class:`VoxelOutcome` each, shape ``grid.shape``.
    provenance
        Of the maps.
    """

    config: VoxelFitConfig
    grid: Grid
    time_integrated_activity_bq_s_ml: NDArray[np.float64]
    time_integrated_activity_uncertainty_bq_s_ml: NDArray[np.float64]
    effective_half_life_s: NDArray[np.float64]
    effective_half_life_uncertainty_s: NDArray[np.float64]
    outcome: NDArray[np.uint8]
    provenance: Record

    @property
    def decays(self) -> DecayMap:
        """Number of decays in each voxel, as the methods of dose take it."""
        return DecayMap.of_concentration(self.time_integrated_activity_bq_s_ml, self.grid, self.provenance)

    def count(self, outcome: VoxelOutcome) -> int:
        """Return how many voxels came about like this.

        Parameters
        ----------
        outcome
            Which.
        """
        return int(np.count_nonzero(self.outcome == outcome))


class VoxelModel:
    """A mono-exponential through each voxel's activities, by weighted least squares.

    The amplitude is eliminated [1]_ and the rate found by Gauss-Newton steps in a bracket, between physical
    decay and ten half-lives by the first scan. Before the first image the curve is extrapolated back to
    administration.

    Parameters
    ----------
    config
        How to fit, and what to do where it cannot be done.

    References
    ----------
    .. [1] golub1973varpro

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> grid = Grid((1, 1, 2), (10.0, 10.0, 10.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> images = [Image(np.array([[[y, 0.0]]]), grid, Quantity.ACTIVITY_CONCENTRATION, Record("example"))
    ...           for y in (8.0, 4.0, 2.0)]
    >>> config = VoxelFitConfig(100.0, VoxelNoise(0.1, 0.0, False), 0.5, 100.0, 0.0)
    >>> fit = VoxelModel(config).fit(images, times_s=[10.0, 20.0, 30.0], reference_s=0.0,
    ...                              convention=DecayConvention.AS_SCANNED)
    >>> fit.effective_half_life_s.round(6)
    array([[[10.,  0.]]])
    >>> fit.decays.decays.round(3)  # 16 Bq/mL at administration, 10 s / ln 2, 1 mL
    array([[[230.831,   0.   ]]])
    """

    def __init__(self, config: VoxelFitConfig) -> None:
        self.config = config

    def fit(
        self,
        images: Sequence[Image],
        *,
        times_s: ArrayLike,
        convention: DecayConvention,
        reference_s: float,
        threads: int | None = None,
    ) -> VoxelFit:
        """Fit all voxels of images that lie on one another.

        Parameters
        ----------
        images
            ACTIVITY_CONCENTRATION, one for each time, on one grid, >= 0 [Bq/mL].
        times_s
            After administration, strictly increasing, shape ``(n_times,)``, at least two [s].
        convention, reference_s
            What the values are, as in :func:`.activity_as_scanned` [s].
        threads
            Number of threads; as many as numba would use when not given. The result does not depend on it.

        Raises
        ------
        InputError
            When images, times or values do not fit.
        GridMismatch
            When the images are on different grids.
        """
        times, noise, config = np.asarray(times_s, np.float64), self.config.noise, self.config
        _check(images, times, noise)
        # What a corrected value is multiplied by is the same in all voxels of an image.
        factors = activity_as_scanned(
            1.0,
            times_s=times,
            half_life_s=config.physical_half_life_s,
            convention=convention,
            reference_s=reference_s,
        )
        activity = np.stack([image.values.ravel() * f for image, f in zip(images, factors, strict=True)])
        if not (np.isfinite(activity).all() and (activity >= 0).all()):
            raise InputError(
                "images must be finite and >= 0 [Bq/mL]; got NaN, infinity or less; clip what is below zero"
            )
        maps, outcome = self._maps(times, activity, threads)
        shape = images[0].grid.shape
        return VoxelFit(
            config,
            images[0].grid,
            maps[0].reshape(shape),
            maps[1].reshape(shape),
            maps[2].reshape(shape),
            maps[3].reshape(shape),
            outcome.reshape(shape),
            self._record(images, times, convention, reference_s),
        )

    def _maps(
        self, times: NDArray[np.float64], activity: NDArray[Any], threads: int | None
    ) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        config, noise, n = self.config, self.config.noise, activity.shape[1]
        maps, outcome = np.empty((4, n)), np.empty(n, np.uint8)
        physical_rate = math.log(2.0) / config.physical_half_life_s

        def fit(start: int, stop: int) -> None:
            fit_voxels(
                start,
                stop,
                times,
                activity,
                noise.floor_bq_ml**2,
                noise.relative**2,
                noise.estimated,
                physical_rate,
                max(_FASTEST / float(times[times > 0].min()), 2.0 * physical_rate),
                math.log(2.0) / config.fallback_half_life_s,
                config.fallback_relative_uncertainty**2,
                config.most_relative_uncertainty,
                np.empty((2, times.size)),
                maps[0],
                maps[1],
                maps[2],
                maps[3],
                outcome,
            )

        run_slabs(n, fit, threads=threads)
        maps.setflags(write=False)
        outcome.setflags(write=False)
        return maps, outcome

    def _record(
        self,
        images: Sequence[Image],
        times: NDArray[np.float64],
        convention: DecayConvention,
        reference_s: float,
    ) -> Record:
        config = self.config
        return Record(
            "dosimetry.VoxelModel.fit",
            {
                "physical_half_life_s": config.physical_half_life_s,
                "floor_bq_ml": config.noise.floor_bq_ml,
                "relative": config.noise.relative,
                "estimated": config.noise.estimated,
                "most_relative_uncertainty": config.most_relative_uncertainty,
                "fallback_half_life_s": config.fallback_half_life_s,
                "fallback_relative_uncertainty": config.fallback_relative_uncertainty,
                "times_s": times.tolist(),
                "convention": convention.value,
                "reference_s": reference_s,
            },
            tuple(image.provenance for image in images),
            ("golub1973varpro",),
        )


def _check(images: Sequence[Image], times: NDArray[np.float64], noise: VoxelNoise) -> None:
    if times.ndim != 1 or len(images) != times.size or times.size < 2:
        raise InputError(
            f"images must be two or more, one for each of times_s; got {len(images)} and times of shape "
            f"{times.shape}"
        )
    if not np.isfinite(times).all() or times[0] < 0 or (np.diff(times) <= 0).any():
        raise InputError(
            f"times_s must be >= 0 and increase from image to image [s]; got {times.tolist()}; sort them"
        )
    if noise.estimated and times.size < 3:
        raise InputError(
            f"images must be three or more where noise is estimated; got {times.size}; state the noise "
            "and pass estimated=False"
        )
    for image in images:
        if image.quantity is not Quantity.ACTIVITY_CONCENTRATION:
            raise InputError(f"images must be ACTIVITY_CONCENTRATION [Bq/mL]; got {image.quantity}")
        require_same_grid(images[0].grid, image.grid, what="images")
