"""Photons from their source until nothing is left of them, many at a time."""

import numpy as np
from numba import njit

from tumorboard.numerics._kernels.random_streams import start_stream
from tumorboard.physics.transport._kernels.photon_collision import collide
from tumorboard.physics.transport._kernels.photon_data import (
    ALL_BROUGHT,
    ALL_MISSED,
    BROUGHT,
    COLLISIONS,
    CUT,
    DEPOSITED,
    ENERGY,
    ESCAPED,
    HANDED_ON,
    HISTORY,
    LARGEST_ERROR,
    MOST_COLLISIONS,
    NODE,
    OPTIONS,
    PART,
    SOURCE,
    STUCK,
    WAITING,
    WAITING_X,
    U,
    V,
    W,
    X,
    Y,
    Z,
)
from tumorboard.physics.transport._kernels.photon_flight import advance, enter, look_up, march_all
from tumorboard.physics.transport._kernels.photon_sampling import ELECTRON_MASS_MEV, energy_node


@njit(**OPTIONS)
def close_account(number, whole, account):
    """Add a photon's account to that of all, and see whether it closes."""
    brought = number[BROUGHT]
    out = number[DEPOSITED] + number[ESCAPED] + number[HANDED_ON]
    for n in range(5):
        account[ALL_BROUGHT + n] += number[BROUGHT + n]
        number[BROUGHT + n] = 0.0
    account[LARGEST_ERROR] = max(account[LARGEST_ERROR], abs(brought - out))
    if whole[COLLISIONS] > MOST_COLLISIONS:
        account[STUCK] += 1.0


@njit(**OPTIONS)
def begin(number, whole, flights, n, row, source, voxels, settings, tallies):
    """Put a photon of the source on its way; return whether it has any."""
    position, direction, energy, history = source
    e = energy[row]
    if whole[HISTORY] != history[row]:
        whole[HISTORY] = history[row]
        start_stream(flights.stream[n], settings.seed, history[row])
    u, v, w = direction[row, 0], direction[row, 1], direction[row, 2]
    x, y, z, inside = enter(position[row, 0], position[row, 1], position[row, 2], u, v, w, voxels)
    whole[SOURCE] = row
    if not inside:
        tallies.account[ALL_MISSED] += e
        return False
    number[X], number[Y], number[Z] = x, y, z
    number[U], number[V], number[W] = u, v, w
    number[BROUGHT] = e
    whole[COLLISIONS] = 0
    if e < settings.cut_mev:
        i = min(int(x / voxels.dx), voxels.nx - 1)
        j = min(int(y / voxels.dy), voxels.ny - 1)
        k = min(int(z / voxels.dz), voxels.nz - 1)
        tallies.deposit[(k * voxels.ny + j) * voxels.nx + i] += e
        number[DEPOSITED] = e
        number[CUT] = e
        close_account(number, whole, tallies.account)
        return False
    number[ENERGY] = e
    whole[NODE], number[PART] = energy_node(e, flights.scratch, flights.bits)
    return True


@njit(**OPTIONS)
def refill(flights, source, voxels, settings, tallies):
    """Give each place whose photon is gone the next, first one that waits; return how many fly.

    A history stays in its place, so that its photons draw from its stream one after the other.
    """
    energy, history = source[2], source[3]
    flying = 0
    for n in range(flights.number.shape[0]):
        number, whole = flights.number[n], flights.whole[n]
        if number[ENERGY] > 0.0:
            flying += 1
            continue
        if whole[WAITING]:
            whole[WAITING] = 0
            for axis in range(6):
                number[X + axis] = number[WAITING_X + axis]
            number[ENERGY] = ELECTRON_MASS_MEV
            whole[NODE], number[PART] = energy_node(ELECTRON_MASS_MEV, flights.scratch, flights.bits)
            flying += 1
            continue
        if number[BROUGHT] > 0.0:
            close_account(number, whole, tallies.account)
        row = whole[SOURCE]
        while True:
            row += 1
            if row == 0 or row >= energy.size or history[row] != whole[HISTORY]:
                row = flights.following[0]
                if row >= energy.size:
                    whole[SOURCE] = row
                    break
                after = row + 1
                while after < energy.size and history[after] == history[row]:
                    after += 1
                flights.following[0] = after
            if begin(number, whole, flights, n, row, source, voxels, settings, tallies):
                flying += 1
                break
    return flying


@njit(**OPTIONS)
def follow(source, voxels, tables, settings, tallies, secondaries, flights):
    """Follow photons; return False when secondaries are full, to be called again when they are empty.

    ``source`` has positions [mm] and directions on the grid's own axes, shape ``(n, 3)``, energies [MeV] and
    numbers of histories, ``(n,)``. A history's stream of random numbers belongs to its photons in turn.
    """
    most = 2 * flights.number.shape[0]
    handing = settings.electron_cut_mev < np.inf
    while refill(flights, source, voxels, settings, tallies) > 0:
        if handing and secondaries.state.shape[0] - secondaries.count[0] < most:
            return False
        if settings.marching:
            march_all(flights, voxels, tables, tallies)
        else:
            advance(flights, voxels, tables, tallies)
            look_up(flights, voxels)
        collide(flights, voxels, tables, settings, tallies, secondaries)
    return True
