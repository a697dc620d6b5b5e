"""What an ensemble of networks says together, pair by pair."""

from __future__ import annotations

import math

import numba


@numba.njit(nogil=True, cache=True)
def combine(heads, strength, spread, affinity, ligand):
    """Join the networks' answers of pairs.

    heads (K, n, m, 2), the logits of affinity and ligand; strength and spread (n, m), mean and standard
    deviation of 1 - log(IC50) / log(50 000); affinity and ligand (n, m), the mean logits. Sums run in double
    precision.
    """
    networks = heads.shape[0]
    for row in range(heads.shape[1]):
        for column in range(heads.shape[2]):
            total = squares = logits = ligands = 0.0
            for network in range(networks):
                logit = float(heads[network, row, column, 0])
                one = 1.0 / (1.0 + math.exp(-logit))
                total += one
                squares += one * one
                logits += logit
                ligands += float(heads[network, row, column, 1])
            mean = total / networks
            strength[row, column] = mean
            scatter = max(squares / networks - mean * mean, 0.0) * networks / max(networks - 1, 1)
            spread[row, column] = math.sqrt(scatter)
            affinity[row, column] = logits / networks
            ligand[row, column] = ligands / networks
