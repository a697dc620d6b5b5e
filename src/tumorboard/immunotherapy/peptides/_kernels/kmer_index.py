"""Words of a text, sorted: where each begins, and where a query stands, exactly or but for one residue."""

import numba as nb

#: Residues and one letter more for gaps.
LETTERS = 21
#: Length of the words that positions are sorted by. A shorter word is a range of these.
WORD = 5


@nb.njit(cache=True, nogil=True)
def word_at(codes, position):
    """Return the number of the word at a position; beyond the end the text is gaps."""
    word = 0
    for k in range(WORD):
        letter = codes[position + k] if position + k < codes.size else LETTERS - 1
        word = word * LETTERS + letter
    return word


@nb.njit(cache=True, nogil=True)
def sort_positions(codes, ends, positions):
    """Sort positions by their word, by counting; ``ends``, zeros for words and one more, gets the starts."""
    for p in range(codes.size):
        ends[word_at(codes, p) + 1] += 1
    for w in range(1, ends.size):
        ends[w] += ends[w - 1]
    # Placed from the back, so that positions of one word stay in order; each count then is a start again.
    for p in range(codes.size - 1, -1, -1):
        w = word_at(codes, p)
        ends[w + 1] -= 1
        positions[ends[w + 1]] = p
    for w in range(ends.size - 1):
        ends[w] = ends[w + 1]
    ends[ends.size - 1] = codes.size


@nb.njit(cache=True, nogil=True)
def word_range(starts, query, begin, length):
    """Return where ``query[begin:begin + length]``, length <= WORD, stands among the sorted positions."""
    word = 0
    scale = 1
    for k in range(WORD):
        if k < length:
            word = word * LETTERS + query[begin + k]
        else:
            word *= LETTERS
            scale *= LETTERS
    return starts[word], starts[word + scale]


@nb.njit(cache=True, nogil=True)
def first_exact(codes, starts, positions, queries, offsets, found):
    """Give each query the first position at which the text has it, or -1."""
    for q in range(offsets.size - 1):
        begin, length = offsets[q], offsets[q + 1] - offsets[q]
        word = min(WORD, length)
        low, high = word_range(starts, queries, begin, word)
        found[q] = -1
        for i in range(low, high):
            p = positions[i]
            if p + length > codes.size or (found[q] >= 0 and p > found[q]):
                continue
            k = word
            while k < length and codes[p + k] == queries[begin + k]:
                k += 1
            if k == length:
                found[q] = p


@nb.njit(cache=True, nogil=True)
def nearest(codes, starts, positions, queries, offsets, mismatches, found):
    """Give each query of 4 residues or more its fewest mismatches, 2 for two and more, and their first place.

    With one mismatch one half of the query is whole, so that its words lead to every such place.
    """
    for q in range(offsets.size - 1):
        begin, length = offsets[q], offsets[q + 1] - offsets[q]
        mismatches[q], found[q] = 2, -1
        for half in range(2):
            shift = 0 if half == 0 else length // 2
            whole = length // 2 if half == 0 else length - length // 2
            low, high = word_range(starts, queries, begin + shift, min(WORD, whole))
            for i in range(low, high):
                p = positions[i] - shift
                if p < 0 or p + length > codes.size:
                    continue
                wrong, k = 0, 0
                while k < length and wrong <= 1:
                    letter = codes[p + k]
                    # A gap or an unknown residue is no residue that could be another one.
                    wrong += 2 if letter == LETTERS - 1 else letter != queries[begin + k]
                    k += 1
                if wrong < mismatches[q] or (wrong == mismatches[q] and wrong < 2 and p < found[q]):
                    mismatches[q], found[q] = wrong, p
