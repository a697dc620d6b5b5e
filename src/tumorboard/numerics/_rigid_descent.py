"""The way down to where two images are most alike: Gauss-Newton steps that are held within a radius."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tumorboard.core.transform import RigidTransform
from tumorboard.numerics._rigid_similarity import Likeness, RigidSimilarity

__all__ = ["descended", "turned"]

#: A step may be so many voxels at first, and at most.
_FIRST_VOXELS: Final = 0.5
_MOST_VOXELS: Final = 2.0
#: Of the places at the start of a level, the part that a step must leave: fewer places are more easily alike.
_LEAST_PLACES: Final = 0.5
#: Of what the curvature promises: below, steps get shorter; above, longer.
_POOR, _GOOD = 0.25, 0.75


def descended(
    similarity: RigidSimilarity,
    start: RigidTransform,
    begun: Likeness,
    *,
    voxel_mm: float,
    least_step_mm: float,
    iterations: int,
    told: Callable[[float], None],
) -> tuple[RigidTransform, str]:
    """Return the best motion that was met, which is never worse than the start, and why it is the last.

    Unknowns are shifts, and turns times the reach of the fixed image's values, all in mm.
    """
    scale = np.array([1.0 / similarity.reach_mm] * 3 + [1.0] * 3)
    best, here, radius = start, begun, _FIRST_VOXELS * voxel_mm
    told(here.metric)
    for _ in range(iterations):
        slope, curvature = here.slope * scale, here.curvature * np.outer(scale, scale)
        step = _step(slope, curvature, radius)
        length = float(np.linalg.norm(step))
        if length < least_step_mm:
            return best, f"steps are below {least_step_mm:g} mm"
        promised = -float(slope @ step + 0.5 * step @ curvature @ step)
        trial = turned(best, step * scale, similarity.centre_mm)
        there = similarity.at(trial)
        gain = -np.inf
        if there is not None and there.n_places >= _LEAST_PLACES * begun.n_places:
            gain = here.metric - there.metric
        if gain < _POOR * promised:
            radius = 0.25 * length
        elif gain > _GOOD * promised:
            radius = min(max(radius, 2.0 * length), _MOST_VOXELS * voxel_mm)
        if there is not None and gain > 0:
            best, here = trial, there
        told(here.metric)
    return best, f"iterations are used up, {iterations}"


def _step(slope: NDArray[np.float64], curvature: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Return the step to the lowest point of a parabola within a radius, by bisection of its damping."""
    level, axes = np.linalg.eigh(curvature)
    along = axes.T @ slope
    level = np.maximum(level, 1e-12 * max(float(level[-1]), np.finfo(float).tiny))

    def step(damping: float) -> NDArray[np.float64]:
        return np.asarray(-along / (level + damping))

    if np.linalg.norm(step(0.0)) <= radius:
        return np.asarray(axes @ step(0.0))
    low, high = 0.0, float(np.linalg.norm(along)) / radius
    for _ in range(60):
        middle = 0.5 * (low + high)
        if np.linalg.norm(step(middle)) > radius:
            low = middle
        else:
            high = middle
    return np.asarray(axes @ step(high))


def turned(
    transform: RigidTransform, turn_and_shift: NDArray[np.float64], centre_mm: NDArray[np.float64]
) -> RigidTransform:
    """Return a transform followed by a turn [rad] about where it takes a centre, and a shift [mm]."""
    rotation = Rotation.from_rotvec(turn_and_shift[:3]).as_matrix() @ transform.rotation
    left, _, right = np.linalg.svd(rotation)  # so that rounding does not add up
    rotation = left @ right
    shift = transform.apply(centre_mm) + turn_and_shift[3:] - rotation @ centre_mm
    return RigidTransform(rotation, shift, transform.from_frame, transform.to_frame)
