"""Class II networks in plain loops, one pair and one core at a time."""

import math

import numpy as np

from tumorboard.immunotherapy.residues import RESIDUES


def core_scores(weights, network, peptide, vector):
    """Score of every core of a peptide for one molecule's vector, in double precision."""
    scores = []
    for start in range(len(peptide) - 8):
        first = weights.base[network].astype(float)
        place = min(start, 6) / 6, min(len(peptide) - 9 - start, 6) / 6, len(peptide) / 20
        for value, row in zip(place, weights.place[network], strict=True):
            first = first + value * row
        for column in range(15):
            where = start - 3 + column
            symbol = RESIDUES.index(peptide[where]) if 0 <= where < len(peptide) else 20
            first = first + weights.table[network, column, symbol]
        second = np.maximum(first, 0) @ weights.deep[network].astype(float) + weights.deep_bias[network]
        anchor = weights.anchor[network, RESIDUES.index(peptide[start])]
        scores.append(float(np.maximum(second, 0) @ vector.astype(float)) + float(anchor))
    return scores


def strength(scores, offset):
    """Soft maximum over cores as a strength."""
    logit = math.log(sum(math.exp(2.0 * score) for score in scores)) / 2.0 + float(offset)
    return 1.0 / (1.0 + math.exp(-logit))


def core_shares(each, anchors):
    """Summed shares of cores in the soft maxima of the anchored networks."""
    total = np.zeros(len(each[0]))
    for scores, anchor in zip(each, anchors, strict=True):
        if anchor.any():
            weight = np.exp(2.0 * (np.array(scores) - max(scores)))
            total += weight / weight.sum()
    return total
