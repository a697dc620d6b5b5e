"""Many protons of many beamlets, each with all that it makes."""

import numpy as np
from numba import njit

from tumorboard.numerics._kernels.random_streams import start_stream
from tumorboard.physics.transport._kernels.geometry import distance_to_box
from tumorboard.physics.transport._kernels.proton_reactions import momentum_speed, push
from tumorboard.physics.transport._kernels.proton_source import start_proton
from tumorboard.physics.transport._kernels.proton_steps import LEDGER, follow

#: Places of the totals: the ledger's, then missed [MeV], brought [MeV], largest error [MeV], stuck.
MISSED, BROUGHT, ERROR, STUCK_AT = LEDGER, LEDGER + 1, LEDGER + 2, LEDGER + 3
TOTALS = LEDGER + 4

_STACK = 256
_GOLDEN = 0.6180339887498949
_NUCLEONS = np.array([1.0, 2.0, 4.0])


@njit(cache=True, nogil=True, error_model="numpy")
def beamlet_of(history, cumulative):
    """Return the beamlet of a history: evenly over the weights for any run of consecutive histories."""
    at = (history * _GOLDEN) % 1.0
    return np.searchsorted(cumulative, at, side="right")


@njit(cache=True, nogil=True, error_model="numpy")
def empty_stack(
    stack, height, rng, shape, spacing, density, material, tables, steps, tally, emission, emission_tables,
    state, ledger, leaving, leaving_height,
):  # fmt: skip
    """Follow all that is on the stack: return the stuck, and the height of the stack of those that left.

    ``leaving`` takes particles that cross the last face along z; all others' energy has escaped. With no
    room in it (size 0) every particle that leaves has escaped.
    """
    stuck = 0
    end_z = shape[2] * spacing[2]
    while height > 0:
        height -= 1
        state[:8] = stack[height, :8]
        kind = int(stack[height, 8])
        status, height = follow(
            state, kind, rng, shape, spacing, density, material, tables[0], tables[1], tables[2], tables[3],
            tables[4], tables[5], tables[6], tables[7], tables[8], tables[9], steps, tally, emission,
            emission_tables[0], emission_tables[1], stack, height, ledger,
        )  # fmt: skip
        if status == 0:
            continue
        if status == 2:
            stuck += 1
        if status == 1 and leaving_height < leaving.shape[0] and state[5] > 0 and state[2] > end_z - 1e-6:
            leaving[leaving_height, :8] = state[:8]
            leaving[leaving_height, 8] = kind
            leaving_height += 1
            continue
        ledger[2] += state[6] * _NUCLEONS[kind]
    return stuck, leaving_height


@njit(cache=True, nogil=True, error_model="numpy")
def run_protons(
    first, count, seed, beamlets, cumulative, fixed_beamlet, slab_of_beamlet, slabs, shape, spacing, density,
    material, tables, steps, tally, emission, emission_tables, totals,
):  # fmt: skip
    """Follow histories ``first`` to ``first + count``; add to ``tally``, ``emission`` and ``totals``.

    ``fixed_beamlet``: all histories are of this one, unless it is negative. A slab's row: a point on its
    first face, its axes x, y and z (along the beam), thickness [mm], density [g/cm3], material.
    """
    rng = np.empty(2, np.uint64)
    state = np.empty(8)
    stack = np.empty((_STACK, 9))
    leaving = np.empty((_STACK, 9))
    nothing = np.empty((0, 9))
    ledger = np.empty(LEDGER)
    slab_tally = np.zeros((1, tally.shape[1]))
    slab_emission = np.zeros((1, emission.shape[1]))
    slab_density, slab_material = np.empty(1, np.float32), np.empty(1, np.uint16)
    wide = 4000.0
    for history in range(first, first + count):
        start_stream(rng, seed, history)
        b = fixed_beamlet if fixed_beamlet >= 0 else beamlet_of(history, cumulative)
        start_proton(rng, beamlets[b], state)
        energy = state[6]
        ledger[:] = 0.0
        missed = 0.0
        n_leaving = 0
        if slab_of_beamlet[b] >= 0:
            slab = slabs[slab_of_beamlet[b]]
            slab_density[0], slab_material[0] = slab[13], int(slab[14])
            to_slab(state, slab, wide)
            s = -state[2] / state[5]
            push(stack, 0, state[0] + s * state[3], state[1] + s * state[4], 0.0, state[3], state[4],
                 state[5], energy, 0)  # fmt: skip
            stuck, n_leaving = empty_stack(
                stack, 1, rng, (1, 1, 1), (2.0 * wide, 2.0 * wide, slab[12]), slab_density, slab_material,
                tables, steps, slab_tally, slab_emission, emission_tables, state, ledger, leaving, 0,
            )  # fmt: skip
            # What the slab keeps does not reach the medium.
            missed += ledger[0] + ledger[2] + ledger[3]
            totals[STUCK_AT] += stuck
            for n in range(n_leaving):
                from_slab(leaving[n], slab, wide)
        else:
            leaving[0, :7] = state[:7]
            leaving[0, 7], leaving[0, 8] = momentum_speed(energy), 0.0
            n_leaving = 1
        ledger[:] = 0.0
        height = 0
        for n in range(n_leaving):
            row = leaving[n]
            far = distance_to_box(
                row[0], row[1], row[2], row[3], row[4], row[5],
                shape[0] * spacing[0], shape[1] * spacing[1], shape[2] * spacing[2],
            )  # fmt: skip
            if far < 0.0:
                missed += row[6] * _NUCLEONS[int(row[8])]
                continue
            stack[height] = row
            for axis in range(3):
                stack[height, axis] += far * row[3 + axis]
            height += 1
        stuck, _ = empty_stack(
            stack, height, rng, shape, spacing, density, material, tables, steps, tally, emission,
            emission_tables, state, ledger, nothing, 0,
        )  # fmt: skip
        totals[STUCK_AT] += stuck
        closed = ledger[0] + ledger[2] + ledger[3] + missed
        totals[:LEDGER] += ledger
        totals[MISSED] += missed
        totals[BROUGHT] += energy - missed
        totals[ERROR] = max(totals[ERROR], abs(energy - closed))


@njit(cache=True, nogil=True, error_model="numpy")
def to_slab(state, slab, wide):
    """Express position and direction in a slab's own axes, its middle in the middle of a wide box."""
    px, py, pz = state[0] - slab[0], state[1] - slab[1], state[2] - slab[2]
    u, v, w = state[3], state[4], state[5]
    for axis in range(3):
        a, b, c = slab[3 + 3 * axis], slab[4 + 3 * axis], slab[5 + 3 * axis]
        state[axis] = px * a + py * b + pz * c + (wide if axis < 2 else 0.0)
        state[3 + axis] = u * a + v * b + w * c


@njit(cache=True, nogil=True, error_model="numpy")
def from_slab(row, slab, wide):
    """Undo :func:`to_slab`."""
    px, py, pz = row[0] - wide, row[1] - wide, row[2]
    u, v, w = row[3], row[4], row[5]
    for axis in range(3):
        row[axis] = slab[axis] + px * slab[3 + axis] + py * slab[6 + axis] + pz * slab[9 + axis]
        row[3 + axis] = u * slab[3 + axis] + v * slab[6 + axis] + w * slab[9 + axis]
