"""Into a box of voxels, and turning directions."""

import math

from numba import njit

_PARALLEL = 1e-12


@njit(cache=True, nogil=True, error_model="numpy")
def distance_to_box(x, y, z, u, v, w, length_x, length_y, length_z):
    """Return how far a ray goes until it is in the box from 0 to the lengths; -1 when it never is."""
    near, far = 0.0, math.inf
    for axis in range(3):
        if axis == 0:
            p, d, length = x, u, length_x
        elif axis == 1:
            p, d, length = y, v, length_y
        else:
            p, d, length = z, w, length_z
        if abs(d) < _PARALLEL:
            if p < 0.0 or p >= length:
                return -1.0
            continue
        a, b = -p / d, (length - p) / d
        if a > b:
            a, b = b, a
        near, far = max(near, a), min(far, b)
    return near if near < far else -1.0


@njit(cache=True, nogil=True, error_model="numpy")
def turned(u, v, w, cosine, sine, cos_phi, sin_phi):
    """Return a unit vector turned by a polar angle from (u, v, w), at an azimuth."""
    if abs(w) > 0.99999:
        sign = 1.0 if w > 0 else -1.0
        a, b, c = sine * cos_phi, sign * sine * sin_phi, sign * cosine
    else:
        across = math.sqrt(1.0 - w * w)
        a = u * cosine + sine * (u * w * cos_phi - v * sin_phi) / across
        b = v * cosine + sine * (v * w * cos_phi + u * sin_phi) / across
        c = w * cosine - sine * across * cos_phi
    # Rounding would let the length drift over thousands of turns; one Newton step keeps it.
    scale = 1.5 - 0.5 * (a * a + b * b + c * c)
    return a * scale, b * scale, c * scale


@njit(cache=True, nogil=True, error_model="numpy")
def to_face(position, index, size, direction):
    """Return how far it is along a direction to the face of a cell that it leads to."""
    if direction > _PARALLEL:
        return max(((index + 1) * size - position) / direction, 0.0)
    if direction < -_PARALLEL:
        return max((index * size - position) / direction, 0.0)
    return math.inf
