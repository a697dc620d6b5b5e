"""How far a head has moved, and how alike two frames are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.transform import RigidTransform
from tumorboard.errors import InputError

__all__ = ["mutual_information", "rotation_vector_deg", "sphere_displacements_mm"]


def sphere_displacements_mm(
    transform: RigidTransform, centre_mm: NDArray[np.float64], radius_mm: float
) -> NDArray[np.float64]:
    """Return how far a transform moves points of a sphere: 6 along the axes and 8 between them.

    Parameters
    ----------
    transform
        Any.
    centre_mm
        Of the sphere, shape ``(3,)`` [mm].
    radius_mm
        Of the sphere [mm].

    Returns
    -------
    numpy.ndarray
        Shape ``(14,)`` [mm].

    Examples
    --------
    >>> lift = RigidTransform(np.eye(3), [0.0, 0.0, 2.0], from_frame="1.2", to_frame="1.2")
    >>> float(sphere_displacements_mm(lift, np.zeros(3), 80.0).max())
    2.0
    """
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / np.sqrt(3.0)
    points = centre_mm + radius_mm * np.concatenate([np.eye(3), -np.eye(3), corners])
    return np.asarray(np.linalg.norm(transform.apply(points) - points, axis=1))


def rotation_vector_deg(transform: RigidTransform) -> NDArray[np.float64]:
    """Return the rotation along its axis, as long as its angle, as :meth:`.RigidTransform.about` takes it.

    Parameters
    ----------
    transform
        Turning by less than 180 degrees.

    Returns
    -------
    numpy.ndarray
        Shape ``(3,)``, about x, y, z [deg].

    Examples
    --------
    >>> turn = RigidTransform.about((0, 0, 0), (1, -2, 3), (0, 0, 0), from_frame="1.2", to_frame="1.2")
    >>> rotation_vector_deg(turn).round(9).tolist()
    [1.0, -2.0, 3.0]
    """
    r = transform.rotation
    twice_sine = np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    length = float(np.linalg.norm(twice_sine))
    if length == 0:
        return np.zeros(3)
    return np.asarray(twice_sine / length * transform.angle_deg)


def mutual_information(first: NDArray[np.float32], second: NDArray[np.float32], *, bins: int) -> float:
    """Return how much the values of one image tell of the other's.

    Parameters
    ----------
    first, second
        Values at the same places, of one shape; places where one is NaN do not count.
    bins
        Of equal width between smallest and largest value, for each image.

    Returns
    -------
    float
        0 where they tell nothing [nat].

    Examples
    --------
    >>> values = np.array([0.0, 0.0, 1.0, 1.0])
    >>> round(mutual_information(values, 5.0 - values, bins=2), 6), round(float(np.log(2.0)), 6)
    (0.693147, 0.693147)
    """
    if bins < 2:
        raise InputError(f"bins must be >= 2; got {bins!r}")
    both = np.isfinite(first) & np.isfinite(second)
    if not both.any():
        raise InputError("first and second must have values in common; they have none")
    joint = np.histogram2d(first[both], second[both], bins=bins)[0]
    joint /= joint.sum()
    apart = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    some = joint > 0
    return float((joint[some] * np.log(joint[some] / apart[some])).sum())
