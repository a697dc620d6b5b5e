"""How alike two images are through a motion, with its slope and curvature by turns and shifts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tumorboard.core.image import Image
from tumorboard.core.transform import RigidTransform
from tumorboard.numerics._kernels.rigid_similarity import joint_histogram, look_up, plain_sums, scores
from tumorboard.numerics._registration_levels import LevelPair
from tumorboard.numerics.registration_config import RigidRegistrationConfig, Similarity

__all__ = ["Likeness", "RigidSimilarity"]

#: Of bins at either end of the moving values, so that splines of values stay within the histogram.
_MARGIN = 2
#: Places of a level begin so far within the moving image, or an eighth of it where it is small.
_BORDER_VOXELS = 2.0
#: Voxels are looked up at several places each, until there are so many.
_PLACES, _MOST_PER_VOXEL = 400_000, 8


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """A metric, the lower the better, at one motion.

    Parameters
    ----------
    metric
        Negative squared correlation, negative mutual information [nat], or mean squared difference.
    slope, curvature
        By turns about the pivot [rad] and shifts [mm], shape ``(6,)`` and ``(6, 6)``; the curvature has no
        negative eigenvalue.
    n_places
        Voxels of the fixed image that have a place in the moving one.
    """

    metric: float
    slope: NDArray[np.float64]
    curvature: NDArray[np.float64]
    n_places: int


class RigidSimilarity:
    """Two images of a level: all voxels of the fixed one that count, and a cubic spline of the other.

    Turns are about the centre of the fixed image's values above their lowest, where they and shifts hardly
    depend on each other. ``reach_mm`` is how far a turn by 1 rad moves those values, root mean square [mm].
    """

    def __init__(self, config: RigidRegistrationConfig, pair: LevelPair, start: RigidTransform) -> None:
        counts = np.ones(pair.fixed.grid.shape, bool) if pair.mask is None else pair.mask
        self._grid, self._moving = pair.fixed.grid, pair.moving.grid
        self._index = _scattered(np.argwhere(counts).astype(np.float64))
        self._index = self._index[self._well_inside(start)]
        self._spline, fixed = (
            ndimage.spline_filter(np.asarray(one.values, np.float64), mode="mirror")
            for one in (pair.moving, pair.fixed)
        )
        self._fixed = ndimage.map_coordinates(fixed, self._index.T, order=3, mode="mirror", prefilter=False)
        n = len(self._index)
        self._inside = np.zeros(n, bool)
        self._values, self._slopes = np.zeros(n), np.zeros((n, 6))
        self.centre_mm, self.reach_mm = _centre(pair.fixed, counts)
        if config.similarity is Similarity.MUTUAL_INFORMATION:
            self._measure: Callable[[], tuple[int, Any, Any, Any]] = partial(
                self._mutual, *_binned(self._fixed, pair.moving, config.histogram_bins)
            )
        elif config.similarity is Similarity.CORRELATION:
            self._measure = self._correlation
        else:
            self._measure = self._mean_squares

    def _well_inside(self, start: RigidTransform) -> NDArray[np.bool_]:
        """Return which places a level's motion will hardly take out of the moving image; all where none are.

        Were those near its border to come and go, images would seem more alike the fewer of them there are.
        """
        where = self._moving.patient_to_index(start.apply(self._grid.index_to_patient(self._index)))
        shape = np.array(self._moving.shape)
        margin = np.minimum(_BORDER_VOXELS, shape / 8.0) - 0.5
        inside = ((where >= margin) & (where <= shape - 1.0 - margin)).all(axis=-1)
        return np.asarray(inside if inside.any() else np.ones_like(inside))

    def at(self, transform: RigidTransform) -> Likeness | None:
        """Return the likeness through a transform, or ``None`` where it cannot be told."""
        there = transform.apply(self._grid.origin_mm)
        columns = self._grid.direction * self._grid.spacing_mm
        arms = np.ascontiguousarray(transform.rotation @ columns)
        back = np.linalg.inv(self._moving.direction * self._moving.spacing_mm)
        look_up(
            self._spline,
            self._index,
            back @ arms,
            back @ (there - self._moving.origin_mm),
            np.ascontiguousarray(back.T),
            arms,
            there - transform.apply(self.centre_mm),
            self._inside,
            self._values,
            self._slopes,
        )
        n, metric, slope, curvature = self._measure()
        if n == 0 or not np.isfinite(metric):
            return None
        return Likeness(float(metric), slope, curvature, n)

    def _mean_squares(self) -> tuple[int, Any, Any, Any]:
        n, s = plain_sums(self._fixed, self._values, self._slopes, self._inside)
        if n == 0:
            return 0, 0.0, None, None
        metric = (s[1, 1] - 2.0 * s[1, 2] + s[2, 2]) / n
        return n, metric, 2.0 * (s[2, 3:] - s[1, 3:]) / n, 2.0 * s[3:, 3:] / n

    def _correlation(self) -> tuple[int, Any, Any, Any]:
        """Return the part of the fixed values' variance that a linear function of the moving ones leaves."""
        n, s = plain_sums(self._fixed, self._values, self._slopes, self._inside)
        if n == 0:
            return 0, 0.0, None, None
        s = s - np.outer(s[0], s[0]) / n
        ff, fv, vv = s[1, 1], s[1, 2], s[2, 2]
        if not (ff > 0 and vv > 0):
            return 0, 0.0, None, None
        gain = fv / vv
        slope = -2.0 * gain * (s[1, 3:] - gain * s[2, 3:]) / ff
        # What offset and gain would make up for is no news of the motion.
        own = s[3:, 3:] - np.outer(s[2, 3:], s[2, 3:]) / vv
        return n, -fv * gain / ff, slope, 2.0 * gain**2 * own / ff

    def _mutual(
        self, bins: int, bin_fixed: NDArray[np.int64], lowest: float, width: float
    ) -> tuple[int, Any, Any, Any]:
        exact, most = (self._values - lowest) / width, bins - 2 * _MARGIN - 1e-9
        place = np.clip(exact, 0.0, most) + (_MARGIN - 0.5)
        n, joint = joint_histogram(bin_fixed, place, self._inside, bins)
        if n == 0:
            return 0, 0.0, None, None
        joint /= n
        moving, fixed = joint.sum(axis=0), joint.sum(axis=1)
        told = np.zeros_like(joint)
        some = joint > 0
        np.divide(joint, moving, out=told, where=some)
        np.log(told, out=told, where=some)
        left = fixed > 0
        metric = (fixed[left] * np.log(fixed[left])).sum() - (joint * told).sum()
        free = (exact > 0.0) & (exact < most)  # where splines overshoot, values are held
        first, second = scores(bin_fixed, place, self._slopes / width, self._inside & free, told)
        # The scores' scatter is Fisher's information: the curvature where the images lie right.
        return n, metric, -first / n, second / n


def _scattered(index: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places within each voxel, as many in each, spread evenly by an additive recurrence.

    At centres of voxels noise is as it is, between them interpolation blurs it: images whose grids fall on
    one another would seem less alike than those that are a little off. Scattered places are blurred alike on
    the whole, whatever the motion.
    """
    root = 1.2207440846057596  # of x^4 = x + 1
    steps = root ** -np.arange(1.0, 4.0)
    most, enough = _MOST_PER_VOXEL, -(-_PLACES // len(index))
    index = np.tile(index, (min(most, enough), 1))
    return index + (np.arange(1.0, len(index) + 1.0)[:, None] * steps + 0.5) % 1.0 - 0.5


def _centre(image: Image, counts: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    weight = np.asarray(image.values, np.float64)[counts]
    weight = weight - weight.min()
    if not weight.sum() > 0:
        weight = np.ones_like(weight)
    places = image.grid.index_to_patient(np.argwhere(counts).astype(np.float64))
    centre = np.average(places, axis=0, weights=weight)
    square = np.average(np.sum((places - centre) ** 2, axis=1), weights=weight)
    return centre, max(float(np.sqrt(2.0 / 3.0 * square)), float(image.grid.spacing_mm.max()))


def _binned(
    fixed: NDArray[np.float64], moving: Image, bins: int
) -> tuple[int, NDArray[np.int64], float, float]:
    """Return bins, the bin of each fixed value, and the lowest moving value with the width of its bins."""
    low, high = float(fixed.min()), float(fixed.max())
    step = (high - low) / (bins - 2 * _MARGIN) or 1.0
    bin_fixed = np.minimum(((fixed - low) / step).astype(np.int64), bins - 2 * _MARGIN - 1) + _MARGIN
    lowest, highest = float(np.min(moving.values)), float(np.max(moving.values))
    return bins, bin_fixed, lowest, (highest - lowest) / (bins - 2 * _MARGIN)
