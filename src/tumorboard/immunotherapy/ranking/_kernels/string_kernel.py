"""Similarity of two texts by all their common substrings."""

import numba as nb
import numpy as np


@nb.njit(cache=True, nogil=True)
def substring_sum(a, b, likeness):
    """Sum, over every pair of substrings of one length, of the product of their letters' likeness."""
    total = 0.0
    # Along a diagonal, what starts at one pair is that pair alone or followed by what starts at the next.
    for shift in range(-(a.size - 1), b.size):
        i = max(0, -shift)
        last = min(a.size, b.size - shift) - 1
        beginning_here = 0.0
        for k in range(last, i - 1, -1):
            beginning_here = likeness[a[k], b[k + shift]] * (1.0 + beginning_here)
            total += beginning_here
    return total


@nb.njit(cache=True, nogil=True)
def normalised_similarity(a_codes, a_starts, b_codes, b_starts, likeness, out):
    """Fill ``out`` with the similarity of each pair, 1 for a text with itself; NaN where one is empty."""
    for n in range(out.size):
        a = a_codes[a_starts[n] : a_starts[n + 1]]
        b = b_codes[b_starts[n] : b_starts[n + 1]]
        if a.size == 0 or b.size == 0:
            out[n] = np.nan
            continue
        both = substring_sum(a, a, likeness) * substring_sum(b, b, likeness)
        out[n] = substring_sum(a, b, likeness) / np.sqrt(both)
