"""Decays: where they happen and what they emit, and their electrons until these stop or leave."""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tumorboard.numerics._kernels.random_streams import start_stream, uniform
from tumorboard.physics.transport._kernels.electron_collisions import MASS, isotropic
from tumorboard.physics.transport._kernels.electron_data import COLUMNS
from tumorboard.physics.transport._kernels.electron_history import (
    BROUGHT,
    CUT,
    DEPOSITED,
    HANDED_ON,
    MISSED,
    OWN_SIZE,
    PHOTON,
    POSITRON,
    WAITING,
    enter,
    follow_with_all,
    hand_on,
)
from tumorboard.physics.transport._kernels.electron_steps import leave, settle

#: Rows that must be free for the photons of one decay.
MOST_PHOTONS_OF_DECAY = 4096
_E = 6


class Emissions(NamedTuple):
    """What a decay emits, in groups that are drawn from one by one.

    ``number``: mean number by group; ``first``: its first entry. Each entry has a ``kind`` and an energy
    evenly between ``low`` and ``low + width`` [MeV]; ``keep`` and ``other`` are Walker's alias table within
    its group. ``local_mev`` stays where the decay is.
    """

    number: NDArray[Any]
    first: NDArray[Any]
    kind: NDArray[Any]
    low: NDArray[Any]
    width: NDArray[Any]
    keep: NDArray[Any]
    other: NDArray[Any]
    local_mev: float


class Places(NamedTuple):
    """Where decays happen: in cells of a lattice, drawn by Walker's alias table, or in balls.

    A point of ``cell`` is ``corner + axes @ (cell + u)`` [mm], with ``u`` even in the unit cube, or, with
    ``ball``, in the unit ball about 0 and ``axes`` its radius.
    """

    cell: NDArray[Any]
    keep: NDArray[Any]
    other: NDArray[Any]
    corner: NDArray[Any]
    axes: NDArray[Any]
    ball: bool


@njit(cache=True, nogil=True, error_model="numpy")
def drawn(rng, keep, other, first, n):
    """Return one of ``n`` entries from ``first`` on, by Walker's alias method."""
    t = uniform(rng) * n
    i = min(int(t), n - 1)
    return first + (i if t - i < keep[first + i] else other[first + i])


@njit(cache=True, nogil=True, error_model="numpy")
def draw_place(rng, places, out):
    """Write the point of a decay to ``out``."""
    n = drawn(rng, places.keep, places.other, 0, places.keep.size)
    while True:
        a, b, c = uniform(rng), uniform(rng), uniform(rng)
        if not places.ball:
            break
        a, b, c = 2.0 * a - 1.0, 2.0 * b - 1.0, 2.0 * c - 1.0
        if a * a + b * b + c * c <= 1.0:
            break
    a, b, c = a + places.cell[n, 0], b + places.cell[n, 1], c + places.cell[n, 2]
    for axis in range(3):
        row = places.axes[axis]
        out[axis] = places.corner[axis] + row[0] * a + row[1] * b + row[2] * c


@njit(cache=True, nogil=True, error_model="numpy")
def leave_local(s, c, energy, cells, deposit, account):
    """Leave what does not travel where the decay is."""
    if energy <= 0.0:
        return
    if settle(s, c, cells):
        leave(s, c, energy, cells, deposit)
        account[BROUGHT] += energy
        account[DEPOSITED] += energy
        account[CUT] += energy
    else:
        account[MISSED] += energy


@njit(cache=True, nogil=True, error_model="numpy")
def run_decays(start, last, emissions, places, cells, tables, settings, deposit, photons, account):
    """Let decays ``start`` to ``last`` happen; return the first that did not: there is no room for photons.

    Their electrons and positrons are followed, their photons written down.
    """
    rng = np.empty(2, np.uint64)
    s, c, at = np.zeros(9), np.zeros(5, np.int64), np.zeros(7)
    waiting, own, work = np.empty((WAITING, 7)), np.zeros(OWN_SIZE), np.zeros((3, COLUMNS))
    for history in range(start, last):
        if photons.state.shape[0] - photons.count[0] < MOST_PHOTONS_OF_DECAY:
            return history
        start_stream(rng, settings.seed, history)
        draw_place(rng, places, at)
        for axis in range(3):
            s[axis] = at[axis]
        leave_local(s, c, emissions.local_mev, cells, deposit, account)
        for group in range(emissions.number.size):
            mean = emissions.number[group]
            number = math.floor(mean)
            if uniform(rng) < mean - number:
                number += 1
            first = emissions.first[group]
            n = emissions.first[group + 1] - first
            for _ in range(number):
                entry = drawn(rng, emissions.keep, emissions.other, first, n)
                energy = emissions.low[entry] + emissions.width[entry] * uniform(rng)
                kind = emissions.kind[entry]
                isotropic(rng, at)
                if kind == PHOTON:
                    hand_on(photons, history, at, energy)
                    account[BROUGHT] += energy
                    account[HANDED_ON] += energy
                    continue
                for column in range(6):
                    s[column] = at[column]
                s[_E] = energy
                which = 1 if kind == POSITRON else 0
                if not enter(s, c, cells):
                    account[MISSED] += energy + (2.0 * MASS if which == 1 else 0.0)
                    continue
                follow_with_all(
                    rng, history, s, c, which, cells, tables, settings,
                    deposit, waiting, photons, account, own, work,
                )  # fmt: skip
    return last
