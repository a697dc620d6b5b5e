"""What comes out of a photon's interaction, drawn from tables."""

import math

from numba import njit

from tumorboard.numerics._kernels.random_streams import uniform
from tumorboard.physics.transport._kernels.photon_data import NODES_PER_OCTAVE, OPTIONS

ELECTRON_MASS_MEV = 0.51099895
PLANCK_MEV_ANGSTROM = 0.01239841984

#: Energies have nodes at even parts of octaves: the first is 2**-10 MeV.
FIRST_EXPONENT = -9
COMPTON_EVERY = 8
COMPTON_QUANTILES = 128
PAIR_EVERY = 16
PAIR_QUANTILES = 64
#: Node of 1 MeV, where the table of pairs begins.
PAIR_FIRST_NODE = (1 - FIRST_EXPONENT) * NODES_PER_OCTAVE

#: Squared momentum transfer [1/angstrom2] has nodes at even parts of octaves from 2**-14 to 2**22.
X_NODES_PER_OCTAVE = 16
X_FIRST_EXPONENT = -13
X_OCTAVES = 36
X_LOWEST = 2.0 ** (X_FIRST_EXPONENT - 1)

#: A float64 has 52 bits of mantissa; its exponent is 1022 more than that of ``frexp``.
_NODE_SHIFT = 52 - (NODES_PER_OCTAVE.bit_length() - 1)
_NODE_OFFSET = (FIRST_EXPONENT + 1022) * NODES_PER_OCTAVE
_NODE_REST, _NODE_PART = (1 << _NODE_SHIFT) - 1, 2.0**-_NODE_SHIFT
_X_SHIFT = 52 - (X_NODES_PER_OCTAVE.bit_length() - 1)
_X_OFFSET = (X_FIRST_EXPONENT + 1022) * X_NODES_PER_OCTAVE
_X_REST, _X_PART = (1 << _X_SHIFT) - 1, 2.0**-_X_SHIFT


@njit(inline="always", **OPTIONS)
def energy_node(energy, scratch, bits):
    """Return the node below an energy, and how far it is from there to the next.

    Even parts of octaves are the leading bits of a number: ``scratch`` and ``bits`` are one number, seen as
    float and as integer.
    """
    scratch[0] = energy
    pattern = bits[0]
    return (pattern >> _NODE_SHIFT) - _NODE_OFFSET, (pattern & _NODE_REST) * _NODE_PART


@njit(inline="always", **OPTIONS)
def x_node(squared, scratch, bits):
    """Return the node below a squared momentum transfer, and how far it is to the next; -1 below all."""
    if squared < X_LOWEST:
        return -1, squared / X_LOWEST
    scratch[0] = squared
    pattern = bits[0]
    return (pattern >> _X_SHIFT) - _X_OFFSET, (pattern & _X_REST) * _X_PART


@njit(inline="always", **OPTIONS)
def on_nodes(table, m, node, part):
    """Return a function of squared momentum transfer between its nodes; it begins at 0."""
    if node < 0:
        return table[m, 0] * part
    return table[m, node] + part * (table[m, node + 1] - table[m, node])


@njit(inline="always", **OPTIONS)
def compton(rng, energy, node, part, m, table, scattering, scratch, bits):
    """Return the part of the energy that a photon keeps, and half of one minus the cosine of its angle."""
    alpha2 = 2.0 * energy / ELECTRON_MASS_MEV
    row = node // COMPTON_EVERY
    across = (node - row * COMPTON_EVERY + part) / COMPTON_EVERY
    to_x = energy / PLANCK_MEV_ANGSTROM
    while True:
        at = uniform(rng) * COMPTON_QUANTILES
        step = int(at)
        along = at - step
        a = table[row, step] + along * (table[row, step + 1] - table[row, step])
        b = table[row + 1, step] + along * (table[row + 1, step + 1] - table[row + 1, step])
        given = a + across * (b - a)
        half = given / (1.0 + alpha2 * (1.0 - given))
        x, x_part = x_node(to_x * to_x * half, scratch, bits)
        if uniform(rng) < on_nodes(scattering, m, x, x_part):
            return 1.0 - given * alpha2 / (1.0 + alpha2), half


@njit(**OPTIONS)
def rayleigh(rng, energy, m, table, scratch, bits):
    """Return half of one minus the cosine of the angle of a coherently scattered photon."""
    to_x = energy / PLANCK_MEV_ANGSTROM
    largest = to_x * to_x
    node, part = x_node(largest, scratch, bits)
    total = on_nodes(table, m, node, part)
    while True:
        target = uniform(rng) * total
        if target < table[m, 0]:
            squared = X_LOWEST * target / table[m, 0]
        else:
            low, high = 0, table.shape[1] - 1
            while high - low > 1:
                middle = (low + high) // 2
                if table[m, middle] <= target:
                    low = middle
                else:
                    high = middle
            along = (target - table[m, low]) / (table[m, high] - table[m, low])
            octave = low // X_NODES_PER_OCTAVE
            fine = 1.0 + (low - octave * X_NODES_PER_OCTAVE + along) / X_NODES_PER_OCTAVE
            squared = fine * math.ldexp(X_LOWEST, octave)
        half = min(squared / largest, 1.0)
        cosine = 1.0 - 2.0 * half
        if 2.0 * uniform(rng) < 1.0 + cosine * cosine:
            return half


@njit(**OPTIONS)
def pair_part(rng, node, part, table):
    """Return the positron's part of the kinetic energy of a pair."""
    row = max(node - PAIR_FIRST_NODE, 0) // PAIR_EVERY
    across = (node - PAIR_FIRST_NODE - row * PAIR_EVERY + part) / PAIR_EVERY
    at = uniform(rng) * PAIR_QUANTILES
    step = int(at)
    along = at - step
    a = table[row, step] + along * (table[row, step + 1] - table[row, step])
    b = table[row + 1, step] + along * (table[row + 1, step + 1] - table[row + 1, step])
    return a + across * (b - a)


@njit(**OPTIONS)
def photoelectron_cosine(rng, kinetic):
    """Return the cosine of a photoelectron's angle by Sauter's formula for K shells [sauter1931]."""
    gamma = 1.0 + kinetic / ELECTRON_MASS_MEV
    beta = math.sqrt(1.0 - 1.0 / (gamma * gamma))
    a = 1.0 / beta - 1.0
    extra = 0.5 * beta * gamma * (gamma - 1.0) * (gamma - 2.0)
    largest = 2.0 * (1.0 / a + extra)
    while True:
        u = uniform(rng)
        root = math.sqrt(u)
        v = 2.0 * a * (2.0 * u + (a + 2.0) * root) / ((a + 2.0) ** 2 - 4.0 * u)
        if uniform(rng) * largest < (2.0 - v) * (1.0 / (a + v) + extra):
            return 1.0 - v


@njit(**OPTIONS)
def lepton_cosine(rng, kinetic):
    """Return the cosine of the angle of an electron of a pair, by the leading term of its distribution."""
    gamma = 1.0 + kinetic / ELECTRON_MASS_MEV
    beta = math.sqrt(1.0 - 1.0 / (gamma * gamma))
    u = 2.0 * uniform(rng) - 1.0
    return (u + beta) / (1.0 + beta * u)


@njit(inline="always", **OPTIONS)
def azimuth(rng):
    """Return cosine and sine of an angle around the direction, all as likely."""
    while True:
        a = 2.0 * uniform(rng) - 1.0
        b = 2.0 * uniform(rng) - 1.0
        r = a * a + b * b
        if 1e-12 < r < 1.0:
            return (a * a - b * b) / r, 2.0 * a * b / r


@njit(inline="always", **OPTIONS)
def turned(u, v, w, cosine, sine_squared, across, up):
    """Return a direction turned by an angle, with the cosine and sine of the azimuth."""
    q = 1.0 - w * w
    if q > 1e-9:
        s = math.sqrt(sine_squared / q)
        return (
            u * cosine + s * (u * w * across - v * up),
            v * cosine + s * (v * w * across + u * up),
            w * cosine - s * q * across,
        )
    sign, sine = (1.0 if w > 0.0 else -1.0), math.sqrt(sine_squared)
    return sine * across, sine * up, sign * cosine
