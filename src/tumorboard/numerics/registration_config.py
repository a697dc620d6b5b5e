"""What has to be chosen to register two images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Any

from tumorboard.errors import InputError

__all__ = ["DeformableRegistrationConfig", "RigidRegistrationConfig", "Similarity", "Start", "ValueMatch"]


class Similarity(Enum):
    """What a registration makes as large, or as small, as it can.

    ``MUTUAL_INFORMATION`` (Mattes) needs no relation of the values: other modalities, changed uptake.
    ``CORRELATION`` takes one image for a linear function of the other. ``MEAN_SQUARES`` takes them for
    equal but for noise: the same unit, and the same activity.
    """

    MUTUAL_INFORMATION = "mattes_mutual_information"
    CORRELATION = "correlation"
    MEAN_SQUARES = "mean_squares"


class Start(Enum):
    """Where a rigid registration starts, without rotation."""

    SAME_COORDINATES = "same_coordinates"
    CENTRES_OF_GRIDS = "centres_of_grids"
    CENTRES_OF_VALUES = "centres_of_values"


@dataclass(frozen=True, slots=True)
class RigidRegistrationConfig:
    """Rotation and shift, from coarse voxels to fine ones.

    Parameters
    ----------
    similarity
        What is optimised.
    start
        Where from, when no initial transform is given.
    spacings_mm
        About the voxel size of each level, falling; no finer than an image's own [mm].
    iterations
        At most, of each level.
    least_step_mm
        A level ends when its steps are shorter [mm].
    histogram_bins
        Of each image, for mutual information; 8 or more.

    Raises
    ------
    InputError
        When a number is out of range.

    Examples
    --------
    >>> RigidRegistrationConfig(Similarity.CORRELATION, Start.SAME_COORDINATES).spacings_mm
    (16.0, 8.0, 4.0)
    """

    similarity: Similarity
    start: Start
    spacings_mm: tuple[float, ...] = (16.0, 8.0, 4.0)
    iterations: int = 200
    least_step_mm: float = 0.01
    histogram_bins: int = 50

    def __post_init__(self) -> None:
        if not isinstance(self.start, Start):
            raise InputError(f"start must be a Start; got {self.start!r}; try Start.SAME_COORDINATES")
        if not (math.isfinite(self.least_step_mm) and self.least_step_mm > 0):
            raise InputError(f"least_step_mm must be > 0 [mm]; got {self.least_step_mm!r}")
        if not isinstance(self.similarity, Similarity):
            raise InputError(
                f"similarity must be a Similarity; got {self.similarity!r}; try Similarity.MUTUAL_INFORMATION"
            )
        if self.histogram_bins < 8:
            raise InputError(f"histogram_bins must be >= 8; got {self.histogram_bins!r}")
        _check(self.spacings_mm, self.iterations)

    def to_dict(self) -> dict[str, Any]:
        """Return the choices as JSON-serialisable values."""
        return {
            "similarity": self.similarity.value,
            "start": self.start.value,
            "spacings_mm": list(self.spacings_mm),
            "iterations": self.iterations,
            "histogram_bins": self.histogram_bins,
            "least_step_mm": self.least_step_mm,
        }


class ValueMatch(Enum):
    """What is done to the moving image's values before demons compare them with the fixed one's."""

    NONE = "none"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class DeformableRegistrationConfig:
    """Diffeomorphic demons, from coarse voxels to fine ones.

    The regularisation: after each iteration the displacements are blurred by a Gaussian. What is narrower
    cannot move by itself. Look at the determinant of the Jacobian in the result: where it is not above 0,
    space is folded.

    Parameters
    ----------
    match
        Whether values are made alike first: demons take them for equal.
    smoothing_mm
        Standard deviation of the Gaussian, > 0 [mm].
    spacings_mm
        About the voxel size of each level, falling; no finer than an image's own [mm].
    iterations
        Of each level.

    Raises
    ------
    InputError
        When a number is out of range.

    Examples
    --------
    >>> DeformableRegistrationConfig(ValueMatch.NONE, smoothing_mm=12.0).iterations
    60
    """

    match: ValueMatch
    smoothing_mm: float
    spacings_mm: tuple[float, ...] = (16.0, 8.0)
    iterations: int = 60

    def __post_init__(self) -> None:
        if not isinstance(self.match, ValueMatch):
            raise InputError(f"match must be a ValueMatch; got {self.match!r}; try ValueMatch.NONE")
        if not (math.isfinite(self.smoothing_mm) and self.smoothing_mm > 0):
            raise InputError(f"smoothing_mm must be > 0 [mm]; got {self.smoothing_mm!r}")
        _check(self.spacings_mm, self.iterations)

    def to_dict(self) -> dict[str, Any]:
        """Return the choices as JSON-serialisable values."""
        return {
            "match": self.match.value,
            "smoothing_mm": self.smoothing_mm,
            "spacings_mm": list(self.spacings_mm),
            "iterations": self.iterations,
        }


def _check(levels: tuple[float, ...], iterations: int) -> None:
    rising = any(b >= a for a, b in pairwise(levels))
    if not levels or rising or not all(math.isfinite(mm) and mm > 0 for mm in levels):
        raise InputError(f"spacings_mm must be > 0 and fall, one for each level [mm]; got {levels!r}")
    if iterations < 1:
        raise InputError(f"iterations must be >= 1; got {iterations!r}")
