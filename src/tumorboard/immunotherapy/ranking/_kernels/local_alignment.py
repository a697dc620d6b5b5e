"""Local alignment of short texts, with affine gaps."""

import numba as nb
import numpy as np

NONE = -1000


@nb.njit(cache=True, nogil=True)
def local_score(a, b, scores, opening, extension, ending, gap_in_b):
    """Return the best local alignment's score: a gap of n costs opening + (n - 1) * extension.

    ``ending`` and ``gap_in_b``, of ``a.size + 1``, are scratch.
    """
    best = 0
    ending[: a.size + 1] = 0
    gap_in_b[: a.size + 1] = NONE
    for j in range(b.size):
        diagonal, gap_in_a = 0, NONE
        for i in range(1, a.size + 1):
            gap_in_b[i] = max(ending[i] - opening, gap_in_b[i] - extension)
            gap_in_a = max(ending[i - 1] - opening, gap_in_a - extension) if i > 1 else NONE
            here = max(0, diagonal + scores[a[i - 1], b[j]], gap_in_b[i], gap_in_a)
            diagonal = ending[i]
            ending[i] = here
            best = max(best, here)
    return best


@nb.njit(cache=True, nogil=True)
def similarity_sums(queries, offsets, texts, text_starts, scores, opening, extension, weights, out):
    """Sum, for each query, of the weight of its best alignment with each text."""
    longest = 0
    for q in range(offsets.size - 1):
        longest = max(longest, offsets[q + 1] - offsets[q])
    ending, gap_in_b = np.empty(longest + 1, np.int64), np.empty(longest + 1, np.int64)
    for q in range(offsets.size - 1):
        query = queries[offsets[q] : offsets[q + 1]]
        total = 0.0
        for n in range(text_starts.size - 1):
            text = texts[text_starts[n] : text_starts[n + 1]]
            total += weights[local_score(query, text, scores, opening, extension, ending, gap_in_b)]
        out[q] = total
