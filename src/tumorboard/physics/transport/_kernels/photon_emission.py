"""Photons of a source: their directions and energies."""

import math

import numpy as np
from numba import njit

from tumorboard.numerics._kernels.random_streams import start_stream, uniform

#: Sources draw from streams of their own: not those of the histories' way through matter.
_OWN = 0x50686F746F6E


@njit(cache=True, nogil=True)
def emit(first, seed, lines, below, fixed, direction, energy):
    """Write directions and energies of histories from ``first`` on; ``fixed`` is where all go, or zeros."""
    rng = np.empty(2, np.uint64)
    isotropic = fixed[0] == 0.0 and fixed[1] == 0.0 and fixed[2] == 0.0
    for n in range(energy.size):
        start_stream(rng, seed + _OWN, first + n)
        line = 0
        if lines.size > 1:
            line = min(np.searchsorted(below, uniform(rng)), lines.size - 1)
        energy[n] = lines[line]
        if isotropic:
            w = 2.0 * uniform(rng) - 1.0
            phi = 2.0 * math.pi * uniform(rng)
            s = math.sqrt(1.0 - w * w)
            direction[n, 0], direction[n, 1], direction[n, 2] = s * math.cos(phi), s * math.sin(phi), w
        else:
            direction[n, 0], direction[n, 1], direction[n, 2] = fixed[0], fixed[1], fixed[2]
