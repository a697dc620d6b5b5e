"""Collisions that are followed one by one: electrons knocked on, and photons radiated."""

import math

import numpy as np
from numba import njit

from tumorboard.numerics._kernels.random_streams import uniform
from tumorboard.physics.transport._kernels.electron_data import ENERGY_FIRST
from tumorboard.physics.transport._kernels.electron_steps import turn

MASS = 0.51099895


@njit(cache=True, nogil=True, error_model="numpy")
def moller_transfer(rng, energy, low):
    """Return the energy that the slower of two electrons has after a collision, at least ``low``."""
    first = low / energy
    a = (energy / (energy + MASS)) ** 2
    # 1 / part^2 between ``first`` and 1/2; the rest of Moeller's cross section is at most 1 + 5 a / 4 of it.
    most = 1.0 + 1.25 * a
    while True:
        part = first / (1.0 - uniform(rng) * (1.0 - 2.0 * first))
        rest = part / (1.0 - part)
        if uniform(rng) * most <= 1.0 + rest * rest - rest + a * (rest + part * part):
            return part * energy


@njit(cache=True, nogil=True, error_model="numpy")
def bhabha_transfer(rng, energy, low):
    """Return the energy that a positron gives to an electron, at least ``low``."""
    first = low / energy
    gamma = energy / MASS + 1.0
    a = ((gamma - 1.0) / gamma) ** 2
    g2 = (gamma + 1.0) ** 2
    b1 = a * (2.0 * g2 - 1.0) / (gamma * gamma - 1.0)
    b2 = a * (3.0 * g2 + 1.0) / g2
    b3 = a * 2.0 * gamma * (gamma - 1.0) / g2
    b4 = a * (gamma - 1.0) ** 2 / g2
    while True:
        part = first / (1.0 - uniform(rng) * (1.0 - first))
        if uniform(rng) <= 1.0 + part * (-b1 + part * (b2 + part * (-b3 + part * b4))):
            return part * energy


@njit(cache=True, nogil=True, error_model="numpy")
def knock_on(rng, s, energy, transfer, out):
    """Turn the electron in ``s`` of ``energy``, and write direction and energy of what it hit to ``out``."""
    total = energy + 2.0 * MASS
    cosine = math.sqrt((energy - transfer) * total / (energy * (energy - transfer + 2.0 * MASS)))
    other = math.sqrt(transfer * total / (energy * (transfer + 2.0 * MASS)))
    u, v, w = s[3], s[4], s[5]
    turn(rng, s, max(1.0 - cosine, 0.0))
    # Momentum is kept: what the one gains across the old direction the other loses.
    before = math.sqrt(energy * total)
    after = math.sqrt((energy - transfer) * (energy - transfer + 2.0 * MASS))
    x, y, z = before * u - after * s[3], before * v - after * s[4], before * w - after * s[5]
    length = math.sqrt(x * x + y * y + z * z)
    if length > 1e-9 * before:
        out[3], out[4], out[5] = x / length, y / length, z / length
    else:
        out[3], out[4], out[5] = u, v, w
        turn(rng, out, 1.0 - other)
    out[6] = transfer


@njit(cache=True, nogil=True, error_model="numpy")
def radiated(rng, energy, low, spectrum):
    """Return the energy of a photon that an electron of ``energy`` radiates, at least ``low``."""
    n_energies, n_parts = spectrum.shape
    t = (math.log2(energy) - ENERGY_FIRST) * 2.0
    row = min(max(int(t), 0), n_energies - 2)
    if uniform(rng) < t - row:
        row += 1
    span = math.log(energy / low)
    while True:
        photon = low * math.exp(span * uniform(rng))
        at = photon / energy * (n_parts - 1)
        i = min(int(at), n_parts - 2)
        here = spectrum[row, i] + (at - i) * (spectrum[row, i + 1] - spectrum[row, i])
        if uniform(rng) <= here:
            return min(photon, energy)


@njit(cache=True, nogil=True, error_model="numpy")
def photon_direction(rng, s, energy, out):
    """Write the direction of a photon that the electron in ``s`` radiates: isotropic where that rests."""
    gamma = energy / MASS + 1.0
    beta = math.sqrt(1.0 - 1.0 / (gamma * gamma))
    at_rest = 2.0 * uniform(rng) - 1.0
    cosine = (at_rest + beta) / (1.0 + beta * at_rest)
    out[3], out[4], out[5] = s[3], s[4], s[5]
    turn(rng, out, 1.0 - cosine)


@njit(cache=True, nogil=True, error_model="numpy")
def isotropic(rng, out):
    """Write a direction, all as likely, to ``out``."""
    w = 2.0 * uniform(rng) - 1.0
    phi = 2.0 * math.pi * uniform(rng)
    sine = math.sqrt(max(1.0 - w * w, 0.0))
    out[3], out[4], out[5] = sine * math.cos(phi), sine * math.sin(phi), w


@njit(cache=True, nogil=True, error_model="numpy")
def invert_column(table, column, value):
    """Return the row, as a number between rows, at which a rising column has a value."""
    low, high = 0, table.shape[0] - 1
    while high - low > 1:
        middle = (low + high) >> 1
        if table[middle, column] <= value:
            low = middle
        else:
            high = middle
    width = table[low + 1, column] - table[low, column]
    return low + ((value - table[low, column]) / width if width > 0.0 else 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def number_radiated(rng, mean):
    """Return a number of photons, Poisson distributed, for a small mean."""
    limit = math.exp(-mean)
    product, n = uniform(rng), 0
    while product > limit:
        product *= uniform(rng)
        n += 1
    return np.int64(n)
