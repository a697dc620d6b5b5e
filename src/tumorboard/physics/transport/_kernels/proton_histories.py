"""Many protons of many beamlets, each with all that it makes."""

import numpy as np
from numba import njit

from tumorboard.numerics._kernels.random_streams import start_stream
from tumorboard.physics.transport._kernels.geometry import distance_to_box
from tumorboard.physics.transport._kernels.proton_data import (
    DEPOSITED,
    ESCAPED,
    HANDED_ON,
    LEDGER,
    NUCLEONS,
    Scores,
    Voxels,
)
from tumorboard.physics.transport._kernels.proton_reactions import momentum_speed, push
from tumorboard.physics.transport._kernels.proton_source import start_proton
from tumorboard.physics.transport._kernels.proton_steps import GIVEN_UP, OUTSIDE, follow

#: Places of the totals: the ledger's, then missed [MeV], brought [MeV], sum of errors [MeV], stuck.
MISSED, BROUGHT, ERROR, STUCK = LEDGER, LEDGER + 1, LEDGER + 2, LEDGER + 3
TOTALS = LEDGER + 4

#: A particle on a stack: position, direction, energy per nucleon, pv at birth, kind; the last is no part of a
#: particle's state.
Z, W, E, FIRST_PV, KIND = 2, 5, 6, 7, 8
STATE, ROW = 8, 9
_STACK = 256
_GOLDEN = 0.6180339887498949
#: Half the width of a slab: wider than any field.
_WIDE_MM = 4000.0


@njit(cache=True, nogil=True, error_model="numpy")
def beamlet_of(history, cumulative):
    """Return the beamlet of a history: evenly over the weights for any run of consecutive histories."""
    return np.searchsorted(cumulative, (history * _GOLDEN) % 1.0, side="right")


@njit(cache=True, nogil=True, error_model="numpy")
def empty_stack(rng, voxels, matter, nuclei, cut, scores, yields, stack, height, state, leaving):
    """Follow all that is on the stack: return how many got stuck, and how many left through the last face.

    ``leaving`` takes those that cross the last face along z; all others' energy has escaped. With no room in
    it every particle that leaves has escaped.
    """
    stuck = n_leaving = 0
    end_z = voxels.nz * voxels.hz
    while height > 0:
        height -= 1
        state[:] = stack[height, :STATE]
        kind = int(stack[height, KIND])
        end, height = follow(state, kind, rng, voxels, matter, nuclei, cut, scores, yields, stack, height)
        if end == GIVEN_UP:
            stuck += 1
        if end == OUTSIDE and n_leaving < leaving.shape[0] and state[W] > 0 and state[Z] > end_z - 1e-6:
            leaving[n_leaving, :STATE] = state
            leaving[n_leaving, KIND] = kind
            n_leaving += 1
        elif end == OUTSIDE or end == GIVEN_UP:
            scores.ledger[ESCAPED] += state[E] * NUCLEONS[kind]
    return stuck, n_leaving


@njit(cache=True, nogil=True, error_model="numpy")
def through_slab(rng, state, n, slabs, matter, nuclei, cut, yields, stack, leaving, columns, ledger):
    """Take the proton in ``state`` through slab ``n``: return how many got stuck, and how many come out.

    What comes out is in ``leaving``, on the grid's axes again.
    """
    rows, density, material = slabs
    slab = rows[n]
    ledger[:] = 0.0
    scores = Scores(np.zeros((1, columns)), np.zeros((1, 0)), ledger)
    one = np.int64(1)
    wide = 2.0 * _WIDE_MM
    voxels = Voxels(one, one, one, wide, wide, slab[12], density[n : n + 1], material[n : n + 1])
    turn_in(state, slab)
    if state[W] <= 0.0:
        return 0, 0
    s = -state[Z] / state[W]
    push(
        stack,
        0,
        state[0] + s * state[3],
        state[1] + s * state[4],
        0.0,
        state[3],
        state[4],
        state[5],
        state[E],
        0,
    )
    stuck, out = empty_stack(rng, voxels, matter, nuclei, cut, scores, yields, stack, 1, state, leaving)
    for i in range(out):
        turn_out(leaving[i], slab)
    return stuck, out


@njit(cache=True, nogil=True, error_model="numpy")
def turn_in(row, slab):
    """Express position and direction in a slab's own axes, its middle in the middle of a wide box."""
    px, py, pz = row[0] - slab[0], row[1] - slab[1], row[2] - slab[2]
    u, v, w = row[3], row[4], row[5]
    for axis in range(3):
        a, b, c = slab[3 + 3 * axis], slab[4 + 3 * axis], slab[5 + 3 * axis]
        row[axis] = px * a + py * b + pz * c + (_WIDE_MM if axis < 2 else 0.0)
        row[3 + axis] = u * a + v * b + w * c


@njit(cache=True, nogil=True, error_model="numpy")
def turn_out(row, slab):
    """Undo :func:`turn_in`."""
    px, py, pz = row[0] - _WIDE_MM, row[1] - _WIDE_MM, row[2]
    u, v, w = row[3], row[4], row[5]
    for axis in range(3):
        row[axis] = slab[axis] + px * slab[3 + axis] + py * slab[6 + axis] + pz * slab[9 + axis]
        row[3 + axis] = u * slab[3 + axis] + v * slab[6 + axis] + w * slab[9 + axis]


@njit(cache=True, nogil=True, error_model="numpy")
def into_box(rows, n, voxels, stack):
    """Put particles that meet the voxels on the stack: return their number, and the others' energy."""
    height, missed = 0, 0.0
    for i in range(n):
        row = rows[i]
        far = distance_to_box(
            row[0], row[1], row[2], row[3], row[4], row[5],
            voxels.nx * voxels.hx, voxels.ny * voxels.hy, voxels.nz * voxels.hz,
        )  # fmt: skip
        if far < 0.0:
            missed += row[E] * NUCLEONS[int(row[KIND])]
            continue
        stack[height] = row
        for axis in range(3):
            stack[height, axis] += far * row[3 + axis]
        height += 1
    return height, missed


@njit(cache=True, nogil=True, error_model="numpy")
def run_protons(
    first, count, seed, beamlets, cumulative, fixed, slab_of_beamlet, slabs, voxels, matter, nuclei, cut,
    tally, emission, yields, totals,
):  # fmt: skip
    """Follow histories ``first`` to ``first + count``; add to ``tally``, ``emission`` and ``totals``.

    ``fixed``: the beamlet that all histories are of, or a negative number. ``slabs``: of each a point on its
    first face, its axes x, y and z (along the beam) and thickness [mm]; densities [g/cm3]; materials.
    """
    rng, state = np.empty(2, np.uint64), np.empty(STATE)
    stack, leaving, nothing = np.empty((_STACK, ROW)), np.empty((_STACK, ROW)), np.empty((0, ROW))
    ledger = np.empty(LEDGER)
    scores = Scores(tally, emission, ledger)
    for history in range(first, first + count):
        start_stream(rng, seed, history)
        b = fixed if fixed >= 0 else beamlet_of(history, cumulative)
        start_proton(rng, beamlets[b], state)
        energy = state[E]
        missed = 0.0
        if slab_of_beamlet[b] >= 0:
            stuck, n = through_slab(
                rng,
                state,
                slab_of_beamlet[b],
                slabs,
                matter,
                nuclei,
                cut,
                yields,
                stack,
                leaving,
                tally.shape[1],
                ledger,
            )
            totals[STUCK] += stuck
            # What the slab keeps does not reach the medium.
            missed = energy
            for i in range(n):
                missed -= leaving[i, E] * NUCLEONS[int(leaving[i, KIND])]
        else:
            leaving[0, : E + 1] = state[: E + 1]
            leaving[0, FIRST_PV], leaving[0, KIND] = momentum_speed(energy), 0.0
            n = 1
        ledger[:] = 0.0
        height, passed_by = into_box(leaving, n, voxels, stack)
        missed += passed_by
        stuck, _ = empty_stack(
            rng, voxels, matter, nuclei, cut, scores, yields, stack, height, state, nothing
        )
        totals[STUCK] += stuck
        totals[:LEDGER] += ledger
        totals[MISSED] += missed
        totals[BROUGHT] += energy - missed
        closed = ledger[DEPOSITED] + ledger[ESCAPED] + ledger[HANDED_ON] + missed
        totals[ERROR] = max(totals[ERROR], abs(energy - closed))


@njit(cache=True, nogil=True, error_model="numpy")
def harvest(tally, least, voxels, values):
    """Move voxels with at least a share of the largest energy to lists, zero the tally: return how many."""
    largest = 0.0
    for voxel in range(tally.shape[0]):
        largest = max(largest, tally[voxel, 0])
    n = 0
    for voxel in range(tally.shape[0]):
        if tally[voxel, 0] != 0.0:
            if tally[voxel, 0] >= least * largest:
                voxels[n] = voxel
                values[n] = tally[voxel]
                n += 1
            tally[voxel] = 0.0
    return n
