"""Local alignments of a short text with a proteome, found from its sorted words."""

import numba as nb
import numpy as np

from tumorboard.immunotherapy.peptides._kernels.kmer_index import LETTERS, WORD
from tumorboard.immunotherapy.ranking._kernels.local_alignment import local_score


@nb.njit(cache=True, nogil=True)
def along_diagonal(query, text, place, scores, opening, own):
    """Return the best score without a gap, and a bound of those with a gap that have a piece here."""
    best, bound, running, running_own, total = 0, 0, 0, 0, 0
    for k in range(query.size):
        letter = text[place + k] if 0 <= place + k < text.size else LETTERS - 1
        before = total  # what the residues before could score at most, elsewhere
        total += scores[query[k], query[k]]
        running = max(0, running + scores[query[k], letter])
        running_own = max(before - opening, running_own) + scores[query[k], letter]
        best = max(best, running)
        # A piece that ends here and goes on elsewhere, or came from elsewhere and goes on here.
        bound = max(bound, running + own - total - opening, running_own)
    return best, bound


@nb.njit(cache=True, nogil=True)
def own_score(query, begin, end, scores):
    """Return the score of a part of a text with itself."""
    total = 0
    for k in range(begin, end):
        total += scores[query[k], query[k]]
    return total


@nb.njit(cache=True, nogil=True)
def split(query, scores, gaps, lowest, begins, thresholds):
    """Cut the query into words and give each what one of them scores at least in any alignment of ``lowest``.

    Were all below, they could not make it together (the pigeonhole principle). Returns the number of words.
    """
    # A residue or two may stay outside, since words share less the more of them there are.
    n = max(1, (query.size + 2) // WORD)
    left = max(0, query.size - n * WORD)
    outside, first = own_score(query, query.size - left, query.size, scores), 0
    for k in range(1, left + 1):
        other = own_score(query, 0, k, scores) + own_score(query, query.size - left + k, query.size, scores)
        if other < outside:
            outside, first = other, k
    for w in range(n + 1):
        begins[w] = first + w * (query.size - left) // n
    inside = own_score(query, 0, query.size, scores) - outside
    given = 0
    for w in range(n):
        done = own_score(query, begins[0], begins[w + 1], scores)
        thresholds[w] = (lowest - outside + n - 1) * done // inside - given
        given += thresholds[w]
    # A gap may cut a word in two, of which neither half has to score; the others make up for it and the gap.
    missed = n > 1 and gaps[2] > 0
    while missed:
        missed = False
        for w in range(n):
            others = outside
            for v in range(n):
                others += thresholds[v] - 1 if v != w else 0
            own = own_score(query, begins[w], begins[w + 1], scores)
            missed = missed or others >= lowest + gaps[0] - own
        for w in range(n if missed else 0):
            thresholds[w] -= 1
    for w in range(n):
        thresholds[w] = max(1, thresholds[w])
    return n


@nb.njit(cache=True, nogil=True)
def count_places(index, places, begin, query, scores, gaps, limits, weights, best, touched, state):
    """Align the query at places of one of its words, and let each protein count by its best alignment.

    ``limits``: lowest score of use, the query's own, enough of the sum. ``state``: the sum, the number of
    proteins touched, the best score.
    """
    text, protein_starts = index[0], index[1]
    opening, extension, widest = gaps
    lowest, own, enough = limits
    for p in places:
        place = p - begin
        score, bound = along_diagonal(query, text, place, scores, opening, own)
        # Three below the best weigh less than a millionth of it.
        if widest > 0 and bound > score and bound >= max(lowest, state[2] - 3):
            low, high = max(0, place - widest), min(text.size, place + query.size + widest)
            ending, gap_in_b = np.empty(query.size + 1, np.int64), np.empty(query.size + 1, np.int64)
            gapped = local_score(query, text[low:high], scores, opening, extension, ending, gap_in_b)
            score = max(score, gapped)
        if score < lowest:
            continue
        protein = np.searchsorted(protein_starts, place + query.size // 2, side="right") - 1
        if score > best[protein]:
            if best[protein] == 0:
                touched[int(state[1])] = protein
                state[1] += 1
            state[0] += weights[score] - (weights[best[protein]] if best[protein] > 0 else 0.0)
            state[2] = max(state[2], score)
            best[protein] = score
            if state[0] >= enough:
                return


@nb.njit(cache=True, nogil=True)
def follow_word(
    index, begin, end, threshold, order, query, scores, gaps, limits, weights, best, touched, state
):
    """Go through all words of which some part scores the threshold or more with ``query[begin:end]``.

    Letters are tried from the likest on, so that the first that cannot reach the threshold ends its place.
    """
    length = end - begin
    step = LETTERS ** (WORD - length)
    next_letter = np.zeros(length, np.int64)
    word, running = np.zeros(length + 1, np.int64), np.zeros(length + 1, np.int64)
    top, rest = np.zeros(length + 1, np.int64), np.zeros(length + 1, np.int64)
    for k in range(length - 1, -1, -1):
        rest[k] = rest[k + 1] + scores[query[begin + k], query[begin + k]]
    depth = 0
    while depth >= 0 and state[0] < limits[2]:
        residue = query[begin + depth]
        reachable = next_letter[depth] < LETTERS
        if reachable:
            letter = order[residue, next_letter[depth]]
            running[depth + 1] = max(0, running[depth] + scores[residue, letter])
            top[depth + 1] = max(top[depth], running[depth + 1])
            reachable = max(top[depth + 1], running[depth + 1] + rest[depth + 1]) >= threshold
        if not reachable:
            next_letter[depth] = 0
            depth -= 1
            continue
        next_letter[depth] += 1
        word[depth + 1] = word[depth] * LETTERS + letter
        if depth + 1 < length:
            depth += 1
            continue
        low, high = index[2][word[length] * step], index[2][(word[length] + 1) * step]
        if low < high:
            count_places(
                index, index[3][low:high], begin, query, scores, gaps, limits, weights, best, touched, state
            )


@nb.njit(cache=True, nogil=True)
def proteome_sums(index, queries, offsets, scores, order, gaps, levels, weights, enough, best, touched, out):
    """Sum over proteins of the weight of their best alignment with each query.

    ``index``: codes, protein starts, word starts, positions. ``gaps``: opening, extension, widest.
    ``levels``: lowest scores to look for, one after the other until the sum is ``enough``. ``order``: letters
    by likeness to each. ``best`` (zeros) and ``touched``, of the number of proteins, are scratch.
    """
    for q in range(offsets.size - 1):
        query = queries[offsets[q] : offsets[q + 1]]
        own = own_score(query, 0, query.size, scores)
        begins, thresholds = np.zeros(query.size + 1, np.int64), np.zeros(query.size, np.int64)
        # The sum of weights, how many proteins were touched, the best score.
        state = np.zeros(3)
        for level in range(levels.size):
            last = level + 1 == levels.size
            # One alignment of an earlier level is enough, so that none with a gap has to be looked for there.
            gaps_here = (gaps[0], gaps[1], gaps[2] if last else 0)
            limits = (levels[level], own, enough)
            n_words = split(query, scores, gaps_here, levels[level], begins, thresholds)
            for w in range(n_words):
                follow_word(
                    index, begins[w], begins[w + 1], thresholds[w], order, query, scores, gaps_here, limits,
                    weights, best, touched, state,
                )  # fmt: skip
        out[q] = state[0]
        for n in range(int(state[1])):
            best[touched[n]] = 0
