"""Electrons and positrons from their source until they stop or leave."""

import math

import numpy as np
from numba import njit

from tumorboard.numerics._kernels.random_streams import start_stream, uniform
from tumorboard.physics.transport._kernels.electron_collisions import (
    MASS,
    bhabha_transfer,
    invert_column,
    isotropic,
    knock_on,
    moller_transfer,
    number_radiated,
    photon_direction,
    radiated,
)
from tumorboard.physics.transport._kernels.electron_data import (
    COLUMNS,
    ENERGY,
    EVENTS,
    PHOTONS,
    RADIATIVE,
    REACH,
    SHAPE,
    STRENGTH,
    VARIANCE,
)
from tumorboard.physics.transport._kernels.electron_steps import (
    all_of,
    deflection,
    energy_of,
    fly,
    glide,
    leave,
    nearest_face,
    range_of,
    settle,
    turn,
)
from tumorboard.physics.transport._kernels.geometry import distance_to_box

#: Entries of ``account``; what enters a history must be what leaves it.
BROUGHT, DEPOSITED, CUT, ESCAPED, HANDED_ON, MISSED, LARGEST_ERROR, STUCK, STEPS, ACCOUNT_SIZE = range(10)
#: Entries of the account of one particle.
_HELD, _CUT, _OUT, _GIVEN, _STUCK, _STEPS, OWN_SIZE = range(7)

PHOTON, ELECTRON, POSITRON = 0, 1, 2
#: Kernels stop before a particle when fewer rows than this are free for what it sets free.
MOST_PHOTONS = 256
#: Rows of x, y, z, direction, energy of electrons that wait.
WAITING = 256
_MOST_STEPS = 100_000
_E, _R, _MEAN, _MATERIAL, _VOXEL = 6, 7, 8, 4, 3


@njit(cache=True, nogil=True, error_model="numpy")
def hand_on(photons, history, out, energy):
    """Write a photon down; return whether there was room."""
    n = photons.count[0]
    if n >= photons.state.shape[0]:
        return False
    for column in range(6):
        photons.state[n, column] = out[column]
    photons.state[n, 6] = energy
    photons.label[n, 0] = PHOTON
    photons.label[n, 1] = history
    photons.count[0] = n + 1
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def stay(rng, history, s, c, kind, cells, tables, settings, deposit, photons, own, out):
    """Let an electron that cannot leave its voxel lose all its energy there, but for what it radiates."""
    table = tables.by_range[kind, c[_MATERIAL]]
    all_of(table, s[_R], out)
    expected = out[PHOTONS]
    for _ in range(number_radiated(rng, expected)):
        at = invert_column(table, PHOTONS, expected * uniform(rng))
        row = int(at)
        energy = table[row, ENERGY] + (at - row) * (table[row + 1, ENERGY] - table[row, ENERGY])
        if energy > settings.photon_cut_mev:
            photon = radiated(rng, energy, settings.photon_cut_mev, tables.spectrum[c[_MATERIAL]])
            out[0], out[1], out[2] = s[0], s[1], s[2]
            isotropic(rng, out)
            if photon < s[_E] and hand_on(photons, history, out, photon):
                own[_GIVEN] += photon
                s[_E] -= photon
    leave(s, c, s[_E], cells, deposit)
    own[_HELD] += s[_E]
    s[_E] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def collide(rng, history, s, c, kind, radiative, tables, settings, waiting, n_waiting, photons, own, out):
    """Let an electron knock on another or radiate; return how many wait."""
    energy = s[_E]
    out[0], out[1], out[2] = s[0], s[1], s[2]
    if uniform(rng) < radiative:
        if energy > settings.photon_cut_mev:
            photon = radiated(rng, energy, settings.photon_cut_mev, tables.spectrum[c[_MATERIAL]])
            photon_direction(rng, s, energy, out)
            if hand_on(photons, history, out, photon):
                own[_GIVEN] += photon
                s[_E] = energy - photon
    else:
        low = settings.transfer_mev
        most = energy if kind == 1 else 0.5 * energy
        if most > low and n_waiting < waiting.shape[0]:
            if kind == 1:
                transfer = bhabha_transfer(rng, energy, low)
            else:
                transfer = moller_transfer(rng, energy, low)
            knock_on(rng, s, energy, transfer, out)
            for column in range(7):
                waiting[n_waiting, column] = out[column]
            n_waiting += 1
            s[_E] = energy - transfer
    if s[_E] > settings.cut_mev:
        s[_R] = range_of(tables.by_range[kind, c[_MATERIAL]], s[_E])
    return n_waiting


@njit(cache=True, nogil=True, error_model="numpy")
def move(rng, s, c, energy, reach, material, factor, kind, cells, tables, deposit, own):
    """Go to a range in a material, of ``energy``; return as :func:`fly` does."""
    if c[_MATERIAL] != material:
        reach = range_of(tables.by_range[kind, c[_MATERIAL]], energy)
    before, found = s[_E], 0
    if cells.nx == 0:
        glide(rng, s, energy, reach, factor, cells, deposit)
    else:
        found = fly(s, c, energy, reach, factor, kind, cells, tables, deposit)
    own[_HELD] += before - s[_E]
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def step(rng, s, c, kind, budget, cells, tables, settings, deposit, own, start, end):
    """Take a step; return 0, 1 outside, 2 when stuck, 3 at a collision, and what is left of the budget.

    At a place in the step that is even in range, the electron is turned by what the whole step turns it.
    """
    material = c[_MATERIAL]
    table = tables.by_range[kind, material]
    all_of(table, s[_R], start)
    first, s[_MEAN] = s[_E], s[_E]
    last = max(s[_R] * (1.0 - settings.share), tables.cut_range[kind, material])
    all_of(table, last, end)
    way, energy = s[_R] - last, end[ENERGY]
    events = start[EVENTS] - end[EVENTS]
    stop, final, found = last, energy, 0
    if budget < events:
        stop = s[_R] - way * (budget / events)
        final, found = energy_of(table, stop), 3
    spread = math.sqrt(3.0 * max(start[VARIANCE] - end[VARIANCE], 0.0)) / (first - energy)
    factor = 1.0 + min(spread, 0.95) * (2.0 * uniform(rng) - 1.0)
    hinge = s[_R] - way * uniform(rng)
    if hinge > stop:
        strength, shape = start[STRENGTH] - end[STRENGTH], end[SHAPE]
        where = move(
            rng, s, c, energy_of(table, hinge), hinge, material, factor, kind, cells, tables, deposit, own
        )
        if where:
            return where, 0.0
        if c[_MATERIAL] != material:
            other = tables.by_range[kind, c[_MATERIAL]]
            all_of(other, range_of(other, first), start)
            all_of(other, range_of(other, energy), end)
            strength, shape = start[STRENGTH] - end[STRENGTH], end[SHAPE]
        turn(rng, s, deflection(rng, strength, shape, tables))
    where = move(rng, s, c, final, stop, material, factor, kind, cells, tables, deposit, own)
    if where:
        return where, 0.0
    s[_R] = range_of(tables.by_range[kind, c[_MATERIAL]], s[_E])
    return found, budget - events


@njit(cache=True, nogil=True, error_model="numpy")
def follow_one(
    rng, history, s, c, kind, cells, tables, settings, deposit, waiting, n_waiting, photons, own, work
):
    """Follow an electron (``kind`` 0) or positron (1) in a voxel; return how many knocked-on ones wait."""
    start, end, out = work[0], work[1], work[2]
    steps = 0
    inside = True
    if s[_E] > settings.cut_mev:
        s[_R] = range_of(tables.by_range[kind, c[_MATERIAL]], s[_E])
        budget = -math.log(uniform(rng))
    while s[_E] > settings.cut_mev and s[_R] > tables.cut_range[kind, c[_MATERIAL]] * (1.0 + 1e-9):
        if settings.within and cells.nx > 0:
            near = 0.1 * cells.density[c[_VOXEL]] * nearest_face(s, c, cells)
            if s[_R] < 4.0 * near:
                all_of(tables.by_range[kind, c[_MATERIAL]], s[_R], start)
                if start[REACH] < near:
                    stay(rng, history, s, c, kind, cells, tables, settings, deposit, photons, own, out)
                    break
        steps += 1
        if steps > _MOST_STEPS:
            own[_STUCK] += 1.0
            break
        found, budget = step(rng, s, c, kind, budget, cells, tables, settings, deposit, own, start, end)
        if found == 3:
            all_of(tables.by_range[kind, c[_MATERIAL]], s[_R], end)
            n_waiting = collide(
                rng, history, s, c, kind, end[RADIATIVE], tables, settings,
                waiting, n_waiting, photons, own, out,
            )  # fmt: skip
            budget = -math.log(uniform(rng))
        elif found:
            if found == 2:
                own[_STUCK] += 1.0
            inside = False
            break
    own[_STEPS] += steps
    if not inside:
        own[_OUT] += s[_E]
        if kind == 1:
            own[_OUT] += 2.0 * MASS
        return n_waiting
    leave(s, c, s[_E], cells, deposit)
    own[_HELD] += s[_E]
    own[_CUT] += s[_E]
    if kind == 1:
        annihilate(rng, history, s, c, cells, deposit, photons, own, out)
    return n_waiting


@njit(cache=True, nogil=True, error_model="numpy")
def annihilate(rng, history, s, c, cells, deposit, photons, own, out):
    """Make two photons of a positron at rest, back to back in any direction."""
    out[0], out[1], out[2] = s[0], s[1], s[2]
    isotropic(rng, out)
    for _ in range(2):
        if hand_on(photons, history, out, MASS):
            own[_GIVEN] += MASS
        else:
            leave(s, c, MASS, cells, deposit)
            own[_HELD] += MASS
        out[3], out[4], out[5] = -out[3], -out[4], -out[5]


@njit(cache=True, nogil=True, error_model="numpy")
def follow_with_all(
    rng, history, s, c, kind, cells, tables, settings, deposit, waiting, photons, account, own, work
):
    """Follow an electron or positron in the box, and all electrons that it knocks on; keep the account."""
    brought = s[_E] + (2.0 * MASS if kind == 1 else 0.0)
    own[:] = 0.0
    n_waiting = follow_one(
        rng, history, s, c, kind, cells, tables, settings, deposit, waiting, 0, photons, own, work
    )
    while n_waiting > 0:
        n_waiting -= 1
        for column in range(7):
            s[column] = waiting[n_waiting, column]
        if not settle(s, c, cells):
            # On the box's far face, by rounding.
            own[_OUT] += s[_E]
            continue
        n_waiting = follow_one(
            rng, history, s, c, 0, cells, tables, settings, deposit, waiting, n_waiting, photons, own, work
        )
    account[BROUGHT] += brought
    account[DEPOSITED] += own[_HELD]
    account[CUT] += own[_CUT]
    account[ESCAPED] += own[_OUT]
    account[HANDED_ON] += own[_GIVEN]
    account[STUCK] += own[_STUCK]
    account[STEPS] += own[_STEPS]
    error = abs(brought - own[_HELD] - own[_OUT] - own[_GIVEN])
    account[LARGEST_ERROR] = max(account[LARGEST_ERROR], error)


@njit(cache=True, nogil=True, error_model="numpy")
def enter(s, c, cells):
    """Move a particle outside the box to where its way enters it; return whether it is inside then."""
    if settle(s, c, cells):
        return True
    lengths = (cells.nx * cells.dx, cells.ny * cells.dy, cells.nz * cells.dz)
    near = distance_to_box(s[0], s[1], s[2], s[3], s[4], s[5], lengths[0], lengths[1], lengths[2])
    if near < 0.0:
        return False
    for axis in range(3):
        # Rounding must not leave it a hair outside.
        s[axis] = min(max(s[axis] + near * s[3 + axis], 0.0), lengths[axis] * (1.0 - 1e-15))
    return settle(s, c, cells)


@njit(cache=True, nogil=True, error_model="numpy")
def follow(
    start, kind, position, direction, energy, history, cells, tables, settings, deposit, photons, account
):
    """Follow electrons and positrons from ``start`` on; return the first not followed: no room for photons.

    ``position`` [mm] and ``direction`` are on the grid's own axes, shape ``(n, 3)``. A stream of random
    numbers belongs to a history: all its particles, one after the other.
    """
    rng = np.empty(2, np.uint64)
    s, c = np.zeros(9), np.zeros(5, np.int64)
    waiting, own, work = np.empty((WAITING, 7)), np.zeros(OWN_SIZE), np.zeros((3, COLUMNS))
    last = np.int64(-1)
    for n in range(start, energy.size):
        if photons.state.shape[0] - photons.count[0] < MOST_PHOTONS:
            return n
        if history[n] != last:
            last = history[n]
            start_stream(rng, settings.seed, last)
        for axis in range(3):
            s[axis] = position[n, axis]
            s[3 + axis] = direction[n, axis]
        s[_E] = energy[n]
        which = 1 if kind[n] == POSITRON else 0
        if not enter(s, c, cells):
            account[MISSED] += energy[n] + (2.0 * MASS if which == 1 else 0.0)
            continue
        follow_with_all(
            rng, last, s, c, which, cells, tables, settings, deposit, waiting, photons, account, own, work
        )
    return energy.size
