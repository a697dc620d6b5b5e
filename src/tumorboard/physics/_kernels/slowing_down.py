"""Protons that slow down in a homogeneous material, in equal steps of depth."""

from typing import Any

from numba import njit
from numpy.typing import NDArray

__all__ = ["move_secondaries", "slow_down_primaries"]


@njit(cache=True, nogil=True)
def slow_down_primaries(
    n: NDArray[Any],
    window: NDArray[Any],
    survive: NDArray[Any],
    group: NDArray[Any],
    part: NDArray[Any],
    up: NDArray[Any],
    down: NDArray[Any],
    drop: NDArray[Any],
    let_drop: NDArray[Any],
    plain_drop: NDArray[Any],
    n_steps: int,
    first: int,
    rates: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Move primaries ``n``, by node of residual range, through ``n_steps`` steps of one node each.

    Of each node a part reacts, in energy group ``group`` but for the fraction ``part`` that is the next
    group's; the rest moves one node down, with the probabilities ``up`` and ``down`` to stay or to move
    two: straggling. Rows of ``out`` from ``first`` on get fluence, energy, that times LET, and that of which
    LET is the mean. ``window`` holds the first and last node that is not empty; two more nodes follow it.
    """
    low, high = window[0], window[1]
    for step in range(n_steps):
        fluence = energy = let = plain = 0.0
        for i in range(low, high + 1):
            here = n[i]
            stay = here * survive[i]
            lost = here - stay
            n[i] = stay
            rates[group[i]] += lost * (1.0 - part[i])
            rates[group[i] + 1] += lost * part[i]
            fluence += here
            energy += stay * drop[i]
            let += stay * let_drop[i]
            plain += stay * plain_drop[i]
        n[high + 1] = n[high + 2] = 0.0
        last = max(low - 2, 1)
        for i in range(last, low):
            n[i] = 0.0
        # In place: what goes to node i comes from i and the two above, which are not yet changed.
        for i in range(last, high + 1):
            n[i] = n[i] * up[i] + n[i + 1] * (1.0 - up[i + 1] - down[i + 1]) + n[i + 2] * down[i + 2]
        low = last
        while low < high and n[low] < 1e-11:
            n[low] = 0.0
            low += 1
        while high > low and n[high] < 1e-11:
            n[high] = 0.0
            high -= 1
        row = out[first + step]
        row[0] += fluence
        row[1] += energy
        row[2] += let
        row[3] += plain
    window[0] = low
    window[1] = high


@njit(cache=True, nogil=True)
def move_secondaries(
    n: NDArray[Any],
    last: NDArray[Any],
    survive: NDArray[Any],
    group: NDArray[Any],
    part: NDArray[Any],
    drop: NDArray[Any],
    let_drop: NDArray[Any],
    plain_drop: NDArray[Any],
    path: NDArray[Any],
    aside: NDArray[Any],
    products: NDArray[Any],
    reach: NDArray[Any],
    rates: NDArray[Any],
    later: NDArray[Any],
    release: bool,
    out: NDArray[Any],
) -> None:
    """Add what the reactions of a step make, and move all secondaries through the next.

    ``n[c, i]`` holds number, summed and summed squared distance from the axis in channel ``c`` (kind and
    direction) at node ``i`` of residual range; they move one node down and ``aside[c]`` away. ``rates`` are
    the primaries' reactions by group, and come back empty; the secondaries' gather in ``later``, with their
    summed squared distance, and count when ``release`` is set: few as they are, they need no fine steps.
    ``out`` gets energy, energy times squared distance, energy times LET, the energy of which LET is the
    mean, and the path of protons (``path[c]``, 0 for other channels).
    """
    for g in range(rates.size):
        rate, square = rates[g], 0.0
        rates[g] = 0.0
        if release:
            rate += later[g, 0]
            square = later[g, 1]
            later[g, 0] = later[g, 1] = 0.0
        if rate > 0.0:
            for c in range(last.size):
                for i in range(1, reach[g, c] + 1):
                    made = products[g, c, i]
                    n[c, i, 0] += rate * made
                    n[c, i, 2] += square * made
    for c in range(last.size):
        d = aside[c]
        for i in range(1, last[c] + 1):
            number, first, second = n[c, i, 0], n[c, i, 1], n[c, i, 2]
            n[c, i, 0] = n[c, i, 1] = n[c, i, 2] = 0.0
            if number < 1e-16:
                continue
            stay = survive[c, i]
            lost = number * (1.0 - stay)
            if lost > 0.0:
                g = group[c, i]
                away = second * (1.0 - stay)
                later[g, 0] += lost * (1.0 - part[c, i])
                later[g + 1, 0] += lost * part[c, i]
                later[g, 1] += away * (1.0 - part[c, i])
                later[g + 1, 1] += away * part[c, i]
            number *= stay
            first *= stay
            second *= stay
            out[0] += number * drop[c, i]
            out[1] += (second + d * first + 0.25 * d * d * number) * drop[c, i]
            if path[c] > 0.0:
                out[2] += number * let_drop[c, i]
                out[3] += number * plain_drop[c, i]
                out[4] += number * path[c]
            n[c, i - 1, 0] = number
            n[c, i - 1, 1] = first + d * number
            n[c, i - 1, 2] = second + 2.0 * d * first + d * d * number
        n[c, 0, 0] = n[c, 0, 1] = n[c, 0, 2] = 0.0
