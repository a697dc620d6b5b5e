"""Photons from their source until nothing is left of them."""

import math

import numpy as np
from numba import njit

from tumorboard.numerics._kernels.random_streams import start_stream, uniform
from tumorboard.physics.transport._kernels.photon_flight import enter, fly, march
from tumorboard.physics.transport._kernels.photon_sampling import (
    ELECTRON_MASS_MEV,
    azimuth,
    compton,
    energy_node,
    lepton_cosine,
    pair_part,
    photoelectron_cosine,
    rayleigh,
    turned,
)

#: Entries of ``account``; what enters a history must be what leaves it.
BROUGHT, DEPOSITED, CUT, ESCAPED, HANDED_ON, MISSED, LARGEST_ERROR, STUCK, ACCOUNT_SIZE = range(9)

ELECTRON, POSITRON = 1, 2
#: Kernels stop before a photon when fewer rows than this are free for what it sets free.
MOST_SECONDARIES = 512
#: More collisions than any photon above 1 keV makes.
_MOST_COLLISIONS = 100_000
#: Deposits that are added to the voxels at once.
BUFFER = 256


@njit(cache=True, nogil=True, inline="always")
def voxel_at(x, y, z, counts, sizes):
    """Return the voxel of a point in the box."""
    i = min(int(x / sizes[0]), counts[0] - 1)
    j = min(int(y / sizes[1]), counts[1] - 1)
    k = min(int(z / sizes[2]), counts[2] - 1)
    return (k * counts[1] + j) * counts[0] + i


@njit(cache=True, nogil=True)
def hand_on(secondaries, kind, history, x, y, z, u, v, w, energy, cut):
    """Write a secondary down; return whether it was, or is too slow or one too many and stays here."""
    n = secondaries.count[0]
    if energy < cut or n >= secondaries.state.shape[0]:
        return False
    row = secondaries.state[n]
    row[0], row[1], row[2] = x, y, z
    row[3], row[4], row[5] = u, v, w
    row[6] = energy
    secondaries.label[n, 0] = kind
    secondaries.label[n, 1] = history
    secondaries.count[0] = n + 1
    return True


@njit(cache=True, nogil=True)
def count_escaped(energy, tallies):
    """Count a photon that leaves the medium in its bin of energy, if there are bins."""
    edges = tallies.escaped_edges
    if edges.size and edges[0] <= energy < edges[-1]:
        tallies.escaped[np.searchsorted(edges, energy, side="right") - 1] += 1.0


@njit(cache=True, nogil=True)
def free_photoelectron(rng, secondaries, history, x, y, z, u, v, w, energy, binding, cut):
    """Return the energy that an absorbed photon leaves on the spot; its electron may be handed on."""
    kinetic = energy - binding
    if kinetic < cut:
        return energy
    cosine = photoelectron_cosine(rng, kinetic)
    sine = math.sqrt(max(1.0 - cosine * cosine, 0.0))
    across, up = azimuth(rng)
    a, b, c = turned(u, v, w, cosine, sine, across, up)
    done = hand_on(secondaries, ELECTRON, history, x, y, z, a, b, c, kinetic, cut)
    return binding if done else energy


@njit(cache=True, nogil=True, inline="always")
def free_recoil(secondaries, history, x, y, z, before, after, energy, left, cut):
    """Return the energy that a Compton electron leaves on the spot: none when it is handed on."""
    given = energy - left
    if given < cut:
        return given
    a = energy * before[0] - left * after[0]
    b = energy * before[1] - left * after[1]
    c = energy * before[2] - left * after[2]
    size = math.sqrt(a * a + b * b + c * c)
    done = hand_on(secondaries, ELECTRON, history, x, y, z, a / size, b / size, c / size, given, cut)
    return 0.0 if done else given


@njit(cache=True, nogil=True)
def free_pair(rng, secondaries, history, x, y, z, u, v, w, energy, node, part, table, cut):
    """Return the energies that a pair leaves on the spot and hands on, and whether the positron stays here."""
    kinetic = energy - 2.0 * ELECTRON_MASS_MEV
    positive = kinetic * pair_part(rng, node, part, table)
    stays, goes = 0.0, 0.0
    positron_stays = True
    for kind in (ELECTRON, POSITRON):
        own = positive if kind == POSITRON else kinetic - positive
        done = False
        if own >= cut:
            cosine = lepton_cosine(rng, own)
            sine = math.sqrt(max(1.0 - cosine * cosine, 0.0))
            across, up = azimuth(rng)
            a, b, c = turned(u, v, w, cosine, sine, across, up)
            done = hand_on(secondaries, kind, history, x, y, z, a, b, c, own, cut)
        if done:
            goes += own
        else:
            stays += own
        if kind == POSITRON and done:
            goes += 2.0 * ELECTRON_MASS_MEV
            positron_stays = False
    return stays, goes, positron_stays


@njit(cache=True, nogil=True)
def isotropic(rng):
    """Return a direction, all as likely."""
    w = 2.0 * uniform(rng) - 1.0
    s = math.sqrt(max(1.0 - w * w, 0.0))
    across, up = azimuth(rng)
    return s * across, s * up, w


@njit(cache=True, nogil=True, inline="always")
def empty_buffer(deposit, places, amounts, n):
    """Add the first ``n`` amounts to their places; loads that do not wait for each other overlap."""
    for i in range(n):
        deposit[places[i]] += amounts[i]


@njit(cache=True, nogil=True)
def follow(start, position, direction, energy, history, voxels, tables, settings, tallies, secondaries):
    """Follow photons from ``start`` on; return the first that was not, because secondaries are almost full.

    ``position`` [mm] and ``direction`` are on the grid's own axes, shape ``(n, 3)``. A stream of random
    numbers belongs to a history: all its photons, one after the other.
    """
    rng = np.empty(2, np.uint64)
    places, amounts = np.empty(BUFFER, np.int64), np.empty(BUFFER, np.float64)
    filled = 0
    last = np.int64(-1)
    account, deposit = tallies.account, tallies.deposit
    density, material, ceiling = voxels.density, voxels.material, voxels.ceiling
    counts, sizes = (voxels.nx, voxels.ny, voxels.nz), (voxels.dx, voxels.dy, voxels.dz)
    attenuation, shares, majorants = tables.attenuation, tables.shares, tables.majorant
    compton_table, scattering, rayleigh_table = tables.compton, tables.scattering, tables.rayleigh
    binding, pair_table = tables.binding, tables.pair
    cut, electron_cut, marching = settings.cut_mev, settings.electron_cut_mev, settings.marching
    handing = electron_cut < math.inf
    for index in range(start, energy.size):
        if handing and secondaries.state.shape[0] - secondaries.count[0] < MOST_SECONDARIES:
            empty_buffer(deposit, places, amounts, filled)
            return index
        if history[index] != last:
            last = history[index]
            start_stream(rng, settings.seed, last)
        brought = energy[index]
        u, v, w = direction[index, 0], direction[index, 1], direction[index, 2]
        x, y, z, inside = enter(position[index, 0], position[index, 1], position[index, 2], u, v, w, voxels)
        if not inside:
            account[MISSED] += brought
            continue
        account[BROUGHT] += brought
        e = brought
        deposited, cut_off, escaped, handed_on = 0.0, 0.0, 0.0, 0.0
        # One pair at most comes of a photon: its second annihilation photon waits here.
        waiting = False
        px, py, pz, pu, pv, pw = x, y, z, u, v, w
        collisions = 0
        while e > 0.0:
            left_here = 0.0
            if e < cut or collisions > _MOST_COLLISIONS:
                voxel = voxel_at(x, y, z, counts, sizes)
                left_here = e
                cut_off += e
                e = 0.0
            else:
                collisions += 1
                node, part = energy_node(e)
                majorant = majorants[node] + part * (majorants[node + 1] - majorants[node])
                if marching:
                    x, y, z, voxel = march(rng, x, y, z, u, v, w, e, node, part, voxels, tables, deposit)
                else:
                    x, y, z, voxel = fly(
                        rng, x, y, z, u, v, w, majorant, node, part, density, material, ceiling,
                        attenuation, counts, sizes,
                    )
                if voxel < 0:
                    escaped += e
                    count_escaped(e, tallies)
                    e = 0.0
                else:
                    m = material[voxel]
                    choice = uniform(rng)
                    if choice < shares[node, m, 0] + part * (shares[node + 1, m, 0] - shares[node, m, 0]):
                        keeps, half = compton(rng, e, node, part, m, compton_table, scattering)
                        left = e * keeps
                        sine = 2.0 * math.sqrt(half * (1.0 - half))
                        across, up = azimuth(rng)
                        a, b, c = turned(u, v, w, 1.0 - 2.0 * half, sine, across, up)
                        left_here = e - left
                        if left_here >= electron_cut:
                            left_here = free_recoil(
                                secondaries, last, x, y, z, (u, v, w), (a, b, c), e, left, electron_cut
                            )
                            handed_on += e - left - left_here
                        e, u, v, w = left, a, b, c
                    elif choice < shares[node, m, 1] + part * (shares[node + 1, m, 1] - shares[node, m, 1]):
                        left_here = e
                        if e >= electron_cut:
                            left_here = free_photoelectron(
                                rng, secondaries, last, x, y, z, u, v, w, e,
                                min(float(binding[node, m]), e), electron_cut,
                            )
                            handed_on += e - left_here
                        e = 0.0
                    elif (
                        choice < shares[node, m, 2] + part * (shares[node + 1, m, 2] - shares[node, m, 2])
                        or e <= 2.0 * ELECTRON_MASS_MEV
                    ):
                        half = rayleigh(rng, e, m, rayleigh_table)
                        sine = 2.0 * math.sqrt(half * (1.0 - half))
                        across, up = azimuth(rng)
                        u, v, w = turned(u, v, w, 1.0 - 2.0 * half, sine, across, up)
                    else:
                        left_here, goes, stays = free_pair(
                            rng, secondaries, last, x, y, z, u, v, w, e, node, part, pair_table, electron_cut
                        )
                        handed_on += goes
                        e = 0.0
                        if stays:
                            e = ELECTRON_MASS_MEV
                            u, v, w = isotropic(rng)
                            px, py, pz, pu, pv, pw = x, y, z, -u, -v, -w
                            waiting = True
            if left_here > 0.0:
                deposited += left_here
                if not marching or e == 0.0 and cut_off > 0.0:
                    places[filled] = voxel
                    amounts[filled] = left_here
                    filled += 1
                    if filled == BUFFER:
                        empty_buffer(deposit, places, amounts, filled)
                        filled = 0
            if e == 0.0 and waiting:
                waiting = False
                x, y, z, u, v, w = px, py, pz, pu, pv, pw
                e = ELECTRON_MASS_MEV
        account[DEPOSITED] += deposited
        account[CUT] += cut_off
        account[ESCAPED] += escaped
        account[HANDED_ON] += handed_on
        account[LARGEST_ERROR] = max(account[LARGEST_ERROR], abs(brought - deposited - escaped - handed_on))
        if collisions > _MOST_COLLISIONS:
            account[STUCK] += 1.0
    empty_buffer(deposit, places, amounts, filled)
    return energy.size
