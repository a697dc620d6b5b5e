"""Class II networks: features of every core of a peptide once, then every molecule's soft maximum over them.

Each peptide's sums run over the same terms in the same order, whatever its neighbours and the molecules
are, so that neither order nor threads change a bit.
"""

from __future__ import annotations

import math

import numba
import numpy as np

CORE = 9
FLANK = 3
WIDTH = CORE + 2 * FLANK
OUTSIDE = 20
FAR = 6
SHARPNESS = 2.0
#: Cores are kept in multiples of this, so that the compiler can take eight at a time.
LANES = 8


@numba.njit(nogil=True, cache=True, fastmath={"contract"})
def core_features(codes, length, table, base, place, deep, deep_bias, first, second, units, values, out):
    """Fill out (F, lanes) with the features of a peptide's cores.

    codes (L,) residues; table (WIDTH, 21, H) by place around the core; base (H,) and place (3, H) what the
    core's distances from the ends and the length add; deep (H, F); first (H,), second (F,), units and values
    (H + 4,) are scratch.
    """
    for start in range(length - CORE + 1):
        after = length - CORE - start
        before_far = np.float32(min(start, FAR)) / np.float32(FAR)
        after_far = np.float32(min(after, FAR)) / np.float32(FAR)
        long = np.float32(length) / np.float32(20)
        for unit in range(first.shape[0]):
            first[unit] = (
                base[unit] + before_far * place[0, unit] + after_far * place[1, unit] + long * place[2, unit]
            )
        for column in range(WIDTH):
            where = start - FLANK + column
            symbol = OUTSIDE
            if 0 <= where < length:
                symbol = np.int64(codes[where])
            row = table[column, symbol]
            for unit in range(first.shape[0]):
                first[unit] += row[unit]
        # Units that are on, four at a time: half are off, and the sums are fetched and stored once for four.
        on = 0
        for unit in range(first.shape[0]):
            units[on] = unit
            values[on] = first[unit]
            if first[unit] > 0:
                on += 1
        for unit in range(on, on + 4):
            units[unit] = 0
            values[unit] = 0
        second[:] = deep_bias
        for unit in range(0, on, 4):
            one, two, three, four = values[unit], values[unit + 1], values[unit + 2], values[unit + 3]
            row1, row2 = deep[units[unit]], deep[units[unit + 1]]
            row3, row4 = deep[units[unit + 2]], deep[units[unit + 3]]
            for feature in range(second.shape[0]):
                second[feature] += (
                    one * row1[feature] + two * row2[feature] + three * row3[feature] + four * row4[feature]
                )
        for feature in range(second.shape[0]):
            out[feature, start] = max(second[feature], np.float32(0))


@numba.njit(nogil=True, cache=True, fastmath={"contract"})
def core_scores(
    codes, lengths, table, base, place, deep, deep_bias, anchor, vectors, offsets, total, squares, by_core
):
    """Add one network's strengths of every peptide with every molecule to what others gave.

    codes (n, L) and lengths (n,); anchor (20,) what the first residue of a core adds; vectors (m, F), F a
    multiple of four, and offsets (m,) of the molecules; total and squares (n, m) gain the strength and its
    square; by_core (n, m, cores) gains the share of each core in the soft maximum, or is empty (0, 0, 0).
    """
    features = deep.shape[1]
    most = (codes.shape[1] - CORE + LANES) // LANES * LANES
    first = np.empty(deep.shape[0], np.float32)
    second = np.empty(features, np.float32)
    units = np.empty(deep.shape[0] + 4, np.int64)
    values = np.empty(deep.shape[0] + 4, np.float32)
    found = np.zeros((features, most), np.float32)
    scores = np.zeros(most, np.float32)
    anchored = np.zeros(most, np.float32)
    counted = by_core.shape[0] > 0
    shares = np.empty(most)
    for peptide in range(codes.shape[0]):
        cores = lengths[peptide] - CORE + 1
        lanes = (cores + LANES - 1) // LANES * LANES
        core_features(
            codes[peptide], lengths[peptide], table, base, place, deep, deep_bias,
            first, second, units, values, found,
        )  # fmt: skip
        for core in range(cores):
            anchored[core] = anchor[codes[peptide, core]]
        for molecule in range(vectors.shape[0]):
            for lane in range(lanes):
                scores[lane] = anchored[lane]
            weights = vectors[molecule]
            for feature in range(0, features, 4):
                row1, row2 = found[feature], found[feature + 1]
                row3, row4 = found[feature + 2], found[feature + 3]
                one, two = weights[feature], weights[feature + 1]
                three, four = weights[feature + 2], weights[feature + 3]
                for lane in range(lanes):
                    scores[lane] += (
                        one * row1[lane] + two * row2[lane] + three * row3[lane] + four * row4[lane]
                    )
            best = scores[0]
            for core in range(1, cores):
                best = max(best, scores[core])
            mass = 0.0
            for core in range(cores):
                shares[core] = math.exp(SHARPNESS * float(scores[core] - best))
                mass += shares[core]
            if counted:
                for core in range(cores):
                    by_core[peptide, molecule, core] += shares[core] / mass
            logit = float(best) + math.log(mass) / SHARPNESS + float(offsets[molecule])
            strength = 1.0 / (1.0 + math.exp(-logit))
            total[peptide, molecule] += strength
            squares[peptide, molecule] += strength * strength
