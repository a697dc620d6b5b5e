"""Protons that slow down in a homogeneous material, in equal steps of depth.

A beam of primaries is an array by node of residual range. Secondaries are one by channel, that is kind and
direction, node of residual range, and moment of the distance from the axis.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["march", "move_secondaries", "scatter_primaries", "slow_down_primaries"]


@njit(cache=True, nogil=True)
def slow_down_primaries(
    n: NDArray[Any],
    window: NDArray[Any],
    survive: NDArray[Any],
    group: NDArray[Any],
    part: NDArray[Any],
    elastic: NDArray[Any],
    up: NDArray[Any],
    down: NDArray[Any],
    drop: NDArray[Any],
    let_drop: NDArray[Any],
    plain_drop: NDArray[Any],
    n_steps: int,
    first: int,
    rates: NDArray[Any],
    scattered: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Move primaries ``n``, by node of residual range, through ``n_steps`` steps of one node each.

    Of each node a part does not ``survive``. The fraction ``elastic`` of that is ``scattered``, by node;
    the others react, in energy group ``group`` but for the fraction ``part`` that is the next group's. The
    rest moves one node down, with the probabilities ``up`` and ``down`` to stay or to move two: straggling.
    Rows of ``out`` from ``first`` on get fluence, energy, that times LET, and that of which LET is the mean.
    ``window`` holds the first and last node that is not empty; two more nodes follow it.
    """
    low, high = window[0], window[1]
    for step in range(n_steps):
        fluence = energy = let = plain = 0.0
        for i in range(low, high + 1):
            here = n[i]
            stay = here * survive[i]
            lost = here - stay
            n[i] = stay
            scattered[i] += lost * elastic[i]
            lost *= 1.0 - elastic[i]
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
def scatter_primaries(
    scattered: NDArray[Any],
    first: int,
    last: int,
    energy: NDArray[Any],
    group: NDArray[Any],
    part: NDArray[Any],
    weight: NDArray[Any],
    recoil: NDArray[Any],
    nodes: NDArray[Any],
    step: NDArray[Any],
    spacing: float,
    n: NDArray[Any],
) -> float:
    """Send primaries that scattered off nuclei into directions; return the energy that stays.

    ``scattered`` holds two rows, of which half counts. ``weight`` and ``recoil`` are the share of each
    direction and the mean energy of the nucleus, by group; the last direction is backward. Protons of five
    nodes go together, and are shared by two nodes of ``n`` such that number and energy are right.
    """
    n_directions = weight.shape[1] - 1
    local = 0.0
    for start in range(first, last + 1, 5):
        number = mean = place = 0.0
        for i in range(start, min(start + 5, last + 1)):
            half = 0.5 * (scattered[0, i] + scattered[1, i])
            number += half
            mean += half * energy[i]
            place += half * i
        if number < 1e-13:
            continue
        mean /= number
        place /= number
        middle = int(place)
        g, p = group[middle], part[middle]
        slope = energy[middle + 1] - energy[middle]
        for b in range(n_directions + 1):
            here = number * ((1.0 - p) * weight[g, b] + p * weight[g + 1, b])
            lost = min((1.0 - p) * recoil[g, b] + p * recoil[g + 1, b], mean)
            local += here * lost
            left = mean - lost
            if b == n_directions:
                local += here * left
                continue
            j = int(max(place - lost / slope, 0.0) * spacing / step[b])
            while j > 0 and nodes[b, j] > left:
                j -= 1
            while nodes[b, j + 1] < left:
                j += 1
            upper = (left - nodes[b, j]) / (nodes[b, j + 1] - nodes[b, j])
            n[b, j, 0] += here * (1.0 - upper)
            n[b, j + 1, 0] += here * upper
    return local


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
    later_products: NDArray[Any],
    later_reach: NDArray[Any],
    later: NDArray[Any],
    farthest: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Add what the reactions of a step make, and move all secondaries through it.

    ``n[c, i]`` holds number, summed and summed squared distance from the axis in channel ``c`` (kind and
    direction) at node ``i`` of residual range; they move one node down and ``aside[c]`` away. ``rates`` are
    the primaries' reactions by group; ``later`` are the secondaries' of the step before, with their summed
    squared distance, by coarser groups, and comes back with those of this step. No secondary is beyond the
    node ``farthest[c]``.
    ``out`` gets energy, energy times squared distance, energy times LET, the energy of which LET is the
    mean, and the path of protons (``path[c]``, 0 for other channels).
    """
    for g in range(rates.size):
        if rates[g] > 1e-12:
            for c in range(last.size):
                for i in range(1, reach[g, c] + 1):
                    n[c, i, 0] += rates[g] * products[g, c, i]
    for g in range(later.shape[0]):
        if later[g, 0] > 1e-12:
            for c in range(last.size):
                for i in range(1, later_reach[g, c] + 1):
                    made = later_products[g, c, i]
                    n[c, i, 0] += later[g, 0] * made
                    n[c, i, 2] += later[g, 1] * made
        later[g, 0] = later[g, 1] = 0.0
    for c in range(last.size):
        d = aside[c]
        for i in range(1, farthest[c] + 1):
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


@njit(cache=True, nogil=True)
def march(
    n: NDArray[Any],
    window: NDArray[Any],
    of_nodes: Any,
    of_secondaries: Any,
    steps_at_once: int,
    spacing: float,
    scattered: NDArray[Any],
    moving: NDArray[Any],
    later: NDArray[Any],
    rates: NDArray[Any],
    later_rates: NDArray[Any],
    primary: NDArray[Any],
    secondary: NDArray[Any],
) -> None:
    """Follow primaries ``n`` and what they make until the steps of ``secondary`` are used up.

    ``rates`` has one row more than there are coarse steps, which stays empty: it comes before the first. The
    two tuples hold the tables of :func:`slow_down_primaries` and :func:`move_secondaries`, in their order,
    before and between them those of :func:`scatter_primaries`.
    """
    energy, survive, group, part, elastic, up, down, drop, let_drop, plain_drop = of_nodes
    (weight, recoil, nodes, step, last, s_survive, s_group, s_part, s_drop, s_let_drop, path, aside) = (
        of_secondaries[:12]
    )
    products, reach, later_products, later_reach = of_secondaries[12:]
    n_coarse = secondary.shape[0]
    reacting = np.zeros(rates.shape[1])
    farthest = last.copy()
    top = n.size - 3
    for k in range(n_coarse):
        highest = top
        slow_down_primaries(
            n, window, survive, group, part, elastic, up, down, drop, let_drop, plain_drop, steps_at_once,
            k * steps_at_once, rates[k], scattered[k % 2], primary,
        )  # fmt: skip
        # Reactions happen within the step: half of what they make moves through it, half from the next on.
        reacting[:] = 0.5 * (rates[k] + rates[k - 1])
        top = min(window[1] + steps_at_once, n.size - 3)
        low = max(window[0] - 2 * steps_at_once, 1)
        secondary[k, 5] = scatter_primaries(
            scattered, low, highest, energy, group, part, weight, recoil, nodes, step, spacing, moving
        )
        scattered[1 - k % 2, low : highest + 1] = 0.0
        later_rates[k] = later[:, 0]
        # Groups of energy, 9 % apart, lend secondaries up to a sixth more range than their parents had.
        for c in range(last.size):
            farthest[c] = min(last[c], int(1.2 * highest * spacing / step[c]) + 4)
        move_secondaries(
            moving, last, s_survive, s_group, s_part, s_drop, s_let_drop, s_drop, path, aside, products,
            reach, reacting, later_products, later_reach, later, farthest, secondary[k],
        )  # fmt: skip
