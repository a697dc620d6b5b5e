"""One proton from a beamlet."""

import math

from numba import njit

from tumorboard.numerics._kernels.random_streams import uniform

_TWO_PI = 2.0 * math.pi

#: Columns of a beamlet's row: position, direction, lateral x and y (3 each); widths, divergences,
#: correlations (2 each); energy and its standard deviation.
BEAMLET = 20


@njit(cache=True, nogil=True, error_model="numpy")
def normal_pair(rng):
    """Return two independent standard normal numbers."""
    radius = math.sqrt(-2.0 * math.log(uniform(rng)))
    phi = _TWO_PI * uniform(rng)
    return radius * math.cos(phi), radius * math.sin(phi)


@njit(cache=True, nogil=True, error_model="numpy")
def start_proton(rng, beamlet, state):
    """Draw position, direction and energy of one proton into ``state``."""
    along_x = along_y = slope_x = slope_y = 0.0
    if beamlet[12] > 0.0 or beamlet[14] > 0.0:
        a, b = normal_pair(rng)
        along_x, slope_x = (
            beamlet[12] * a,
            beamlet[14] * (beamlet[16] * a + math.sqrt(1.0 - beamlet[16] ** 2) * b),
        )
    if beamlet[13] > 0.0 or beamlet[15] > 0.0:
        a, b = normal_pair(rng)
        along_y, slope_y = (
            beamlet[13] * a,
            beamlet[15] * (beamlet[17] * a + math.sqrt(1.0 - beamlet[17] ** 2) * b),
        )
    energy = beamlet[18]
    if beamlet[19] > 0.0:
        a, _ = normal_pair(rng)
        energy = max(energy + beamlet[19] * a, 0.0)
    length = 0.0
    for axis in range(3):
        state[axis] = beamlet[axis] + along_x * beamlet[6 + axis] + along_y * beamlet[9 + axis]
        d = beamlet[3 + axis] + slope_x * beamlet[6 + axis] + slope_y * beamlet[9 + axis]
        state[3 + axis] = d
        length += d * d
    length = math.sqrt(length)
    for axis in range(3, 6):
        state[axis] /= length
    state[6] = energy
