"""Into a box of voxels, and turning directions."""

import math

from numba import njit

from tumorboard.numerics._kernels.random_streams import uniform

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
def to_faces(position, index, size, direction):
    """Return how far it is along a direction to the face of a cell that it leads to, and across a cell."""
    if direction > _PARALLEL:
        inverse = 1.0 / direction
        return max(((index + 1) * size - position) * inverse, 0.0), size * inverse
    if direction < -_PARALLEL:
        inverse = -1.0 / direction
        return max((position - index * size) * inverse, 0.0), size * inverse
    return math.inf, math.inf


@njit(cache=True, nogil=True, error_model="numpy")
def point_in_circle(rng):
    """Return a point drawn evenly in the unit circle but its middle, and the square of its distance."""
    while True:
        a, b = 2.0 * uniform(rng) - 1.0, 2.0 * uniform(rng) - 1.0
        square = a * a + b * b
        if 0.0 < square < 1.0:
            return a, b, square


@njit(cache=True, nogil=True, error_model="numpy")
def small_angle(square):
    """Return cosine and sine of an angle of which the square is given, at most pi."""
    if square > 0.01:
        angle = min(math.sqrt(square), math.pi)
        return math.cos(angle), math.sin(angle)
    # To 1e-12.
    cosine = 1.0 - square * (0.5 - square * (1.0 / 24.0 - square / 720.0))
    return cosine, math.sqrt(1.0 - cosine * cosine)
