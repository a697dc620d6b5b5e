"""Random numbers by counter: each history has a stream of its own, whoever computes it.

SplitMix64 [steele2014splittable]: number ``i`` of a stream is a bijective mix of ``start + i * gamma``, where
the start and the odd ``gamma`` are hashes of the seed and of the history's number. A stream's state is an
array ``rng`` of two unsigned 64-bit integers that the caller owns.
"""

import numpy as np
from numba import njit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_OTHER_1 = np.uint64(0xFF51AFD7ED558CCD)
_OTHER_2 = np.uint64(0xC4CEB9FE1A85EC53)
_ALTERNATE = np.uint64(0xAAAAAAAAAAAAAAAA)
_S1, _S12, _S27, _S30, _S31, _S33 = (np.uint64(n) for n in (1, 12, 27, 30, 31, 33))
# 52 bits and a half: with 53 the largest would round to 1.
_TO_UNIT = 2.0**-52
_HALF = 2.0**-53


@njit(cache=True, nogil=True)
def mixed(z):
    """Return a bijective hash of a 64-bit integer."""
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


@njit(cache=True, nogil=True)
def odd_gamma(z):
    """Return an odd hash of a 64-bit integer whose bits change often enough to count by."""
    z = (z ^ (z >> _S33)) * _OTHER_1
    z = (z ^ (z >> _S33)) * _OTHER_2
    z = (z ^ (z >> _S33)) | _S1
    changes = 0
    bits = z ^ (z >> _S1)
    while bits != np.uint64(0):
        bits &= bits - _S1
        changes += 1
    return z if changes >= 24 else z ^ _ALTERNATE


@njit(cache=True, nogil=True)
def start_stream(rng, seed, history):
    """Set ``rng`` to the beginning of the stream of a history."""
    key = mixed(mixed(np.uint64(seed) + _GOLDEN) + np.uint64(history))
    rng[0] = mixed(key ^ _ALTERNATE)
    rng[1] = odd_gamma(key)


@njit(cache=True, nogil=True)
def uniform(rng):
    """Return the next number, evenly distributed in the open interval from 0 to 1."""
    z = rng[0] + rng[1]
    rng[0] = z
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return np.float64(np.int64((z ^ (z >> _S31)) >> _S12)) * _TO_UNIT + _HALF


@njit(cache=True, nogil=True)
def next_bits(rng):
    """Return the next 64 random bits, for several coarse draws at once."""
    z = rng[0] + rng[1]
    rng[0] = z
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)
