"""Both heads of every (peptide, allele) pair of one network, a few peptides at a time.

The weights of the first layer are read once for four peptides, as they do not fit into the fastest cache.
Every pair runs through the same instructions whatever its neighbours are, so neither the order of the
peptides nor the number of threads changes a bit.
"""

from __future__ import annotations

import numba
import numpy as np

_AT_ONCE = 4
# Sums may be taken in lanes and products fused; infinities and NaN keep their meaning.
_SUMS = {"contract", "reassoc", "nsz"}


@numba.njit(nogil=True, cache=True, fastmath={"contract"})
def peptide_sums(codes, lengths, table, pads, out):
    """Add up the table's rows of peptides.

    codes (n, L) residues from the first one on; table (2, L, 20, H) by distance from either end; pads
    (L + 1, H) what a peptide of each length has from the places it leaves empty; out (n, H).
    """
    for row in range(codes.shape[0]):
        length = lengths[row]
        total = out[row]
        total[:] = pads[length]
        for place in range(length):
            residue = codes[row, place]
            first = table[0, place, residue]
            last = table[1, length - 1 - place, residue]
            for unit in range(total.shape[0]):
                total[unit] += first[unit] + last[unit]


@numba.njit(nogil=True, cache=True, fastmath=_SUMS)
def _layer(values, weights, bias, out):
    """Multiply four rows (4, n) with the rows of weights (k, n), k even; out (4, k)."""
    a = values[0]
    b = values[1]
    c = values[2]
    d = values[3]
    for column in range(0, weights.shape[0], 2):
        left = weights[column]
        right = weights[column + 1]
        a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = np.float32(0.0)
        for unit in range(weights.shape[1]):
            w0 = left[unit]
            w1 = right[unit]
            a0 += a[unit] * w0
            a1 += a[unit] * w1
            b0 += b[unit] * w0
            b1 += b[unit] * w1
            c0 += c[unit] * w0
            c1 += c[unit] * w1
            d0 += d[unit] * w0
            d1 += d[unit] * w1
        out[0, column] = a0 + bias[column]
        out[0, column + 1] = a1 + bias[column + 1]
        out[1, column] = b0 + bias[column]
        out[1, column + 1] = b1 + bias[column + 1]
        out[2, column] = c0 + bias[column]
        out[2, column + 1] = c1 + bias[column + 1]
        out[3, column] = d0 + bias[column]
        out[3, column + 1] = d1 + bias[column + 1]


@numba.njit(nogil=True, cache=True, fastmath={"contract"})
def pair_scores(sums, gain, shift, first, first_bias, second, second_bias, out):
    """Score every peptide with every allele.

    sums (n, H); gain, shift (m, H); first (F + 2, H), whose last two rows go straight to the heads; second
    (2, F); out (n, m, 2).
    """
    hidden = sums.shape[1]
    inner = first.shape[0] - 2
    joined = np.empty((_AT_ONCE, hidden), np.float32)
    middle = np.empty((_AT_ONCE, inner + 2), np.float32)
    heads = np.empty((_AT_ONCE, 2), np.float32)
    zero = np.float32(0.0)
    for block in range(0, sums.shape[0], _AT_ONCE):
        count = min(_AT_ONCE, sums.shape[0] - block)
        for allele in range(gain.shape[0]):
            for p in range(_AT_ONCE):
                row = sums[block + min(p, count - 1)]
                for unit in range(hidden):
                    joined[p, unit] = max(row[unit] * gain[allele, unit] + shift[allele, unit], zero)
            _layer(joined, first, first_bias, middle)
            for p in range(_AT_ONCE):
                for unit in range(inner):
                    middle[p, unit] = max(middle[p, unit], zero)
            _layer(middle[:, :inner], second, second_bias, heads)
            for p in range(count):
                out[block + p, allele, 0] = heads[p, 0] + middle[p, inner]
                out[block + p, allele, 1] = heads[p, 1] + middle[p, inner + 1]
