"""The exact volume that a ball shares with the voxels of a lattice."""

import math
from typing import Any

from numba import njit
from numpy.typing import NDArray

__all__ = ["fill_sphere_weights", "octant_volume"]


@njit(cache=True)
def _corner_area(p: float, q: float, radius: float) -> float:
    """Area of a disc where u > p and v > q; p, q >= 0 with p^2 + q^2 < radius^2."""
    angle = math.acos(min(1.0, p / radius)) - math.asin(min(1.0, q / radius))
    chords = p * math.sqrt(max(0.0, radius**2 - p**2)) + q * math.sqrt(max(0.0, radius**2 - q**2))
    return p * q + 0.5 * (radius**2 * angle - chords)


@njit(cache=True)
def _positive_octant(a: float, b: float, c: float, radius: float) -> float:
    """Volume of a ball where x > a, y > b and z > c; a, b, c >= 0.

    The divergence theorem, 3 V = surface integral of r.n: the spherical triangle adds its area
    times the radius, each flat face takes away its area times its distance. The triangle's area
    follows from Gauss and Bonnet: its angles, less pi, less the geodesic curvature of its sides.
    """
    square = radius * radius
    if a * a + b * b + c * c >= square:
        return 0.0
    ra, rb, rc = math.sqrt(square - a * a), math.sqrt(square - b * b), math.sqrt(square - c * c)
    angles = math.acos(a * b / (ra * rb)) + math.acos(b * c / (rb * rc)) + math.acos(a * c / (ra * rc))
    side_a = math.acos(min(1.0, b / ra)) - math.asin(min(1.0, c / ra))
    side_b = math.acos(min(1.0, a / rb)) - math.asin(min(1.0, c / rb))
    side_c = math.acos(min(1.0, a / rc)) - math.asin(min(1.0, b / rc))
    triangle = square * (angles - math.pi) - radius * (a * side_a + b * side_b + c * side_c)
    flat = a * _corner_area(b, c, ra) + b * _corner_area(a, c, rb) + c * _corner_area(a, b, rc)
    return max(0.0, (radius * triangle - flat) / 3.0)


@njit(cache=True)
def _cap(c: float, radius: float) -> float:
    """Volume of a ball where z > c, -radius <= c <= radius."""
    return math.pi * (2.0 * radius**3 - 3.0 * radius**2 * c + c**3) / 3.0


@njit(cache=True)
def _wedge(b: float, c: float, radius: float) -> float:
    """Volume of a ball where y > b and z > c, of any sign."""
    if b < 0.0 and c < 0.0:
        return _cap(c, radius) - _cap(-b, radius) + 2.0 * _positive_octant(0.0, -b, -c, radius)
    if b < 0.0:
        return _cap(c, radius) - 2.0 * _positive_octant(0.0, -b, c, radius)
    if c < 0.0:
        return _cap(b, radius) - 2.0 * _positive_octant(0.0, b, -c, radius)
    return 2.0 * _positive_octant(0.0, b, c, radius)


@njit(cache=True)
def octant_volume(a: float, b: float, c: float, radius: float) -> float:
    """Volume of a ball about the origin where x > a, y > b and z > c, of any sign."""
    if a >= radius or b >= radius or c >= radius:
        return 0.0
    a, b, c = max(-radius, a), max(-radius, b), max(-radius, c)
    # Each negative bound is turned by reflection: V(a) = V(no bound) - V(-a).
    volume = 0.0
    sign = 1.0
    if a < 0.0:
        volume += _wedge(b, c, radius)
        sign, a = -1.0, -a
    if b < 0.0:
        volume += sign * _wedge(a, c, radius)
        sign, b = -sign, -b
    if c < 0.0:
        volume += sign * _wedge(a, b, radius)
        sign, c = -sign, -c
    return volume + sign * _positive_octant(a, b, c, radius)


@njit(cache=True)
def fill_sphere_weights(
    radius: float, spacing: NDArray[Any], offset: NDArray[Any], corners: NDArray[Any], weights: NDArray[Any]
) -> None:
    """Write into ``weights`` (odd shape, centred) the volume each voxel shares with a ball.

    ``offset`` is where the ball's centre lies from the middle voxel's centre, in the unit of
    ``spacing``; ``corners`` is scratch, one longer than ``weights`` along each axis.
    """
    n0, n1, n2 = corners.shape
    m0, m1, m2 = 0.5 * (n0 - 1), 0.5 * (n1 - 1), 0.5 * (n2 - 1)
    for i in range(n0):
        a = (i - m0) * spacing[0] - offset[0]
        for j in range(n1):
            b = (j - m1) * spacing[1] - offset[1]
            for k in range(n2):
                c = (k - m2) * spacing[2] - offset[2]
                corners[i, j, k] = octant_volume(a, b, c, radius)
    for i in range(n0 - 1):
        for j in range(n1 - 1):
            for k in range(n2 - 1):
                near = (
                    corners[i, j, k] - corners[i, j, k + 1] - corners[i, j + 1, k] + corners[i, j + 1, k + 1]
                )
                far = (
                    corners[i + 1, j, k]
                    - corners[i + 1, j, k + 1]
                    - corners[i + 1, j + 1, k]
                    + corners[i + 1, j + 1, k + 1]
                )
                weights[i, j, k] = max(0.0, near - far)
