"""How much of each member of a decay chain there is: sums of exponentials, or products of steps."""

import math

import numpy as np
from numba import njit

#: A sum that is so small a share of its terms has no digits left.
NO_DIGITS = 1e-12
#: Largest decay constant times the first step of the powers, and terms of its series beyond the members.
FIRST_STEP = 0.125
MORE_TERMS = 11
#: exp(-x) beyond is 0.
NOTHING = 745.0
#: Times are products of steps of these many binary digits each, so many for each level, from 53 digits.
BITS, STEPS = 6, 63
DIGITS_OF_A_TIME = 53


@njit(cache=True, nogil=True)
def transition(rates, constants, time, first, out, power, other):
    """Write the amounts of every member that each of the members from ``first`` on leaves after a time.

    ``rates[k, i]``: member k made of one i [1/s], lower triangle; ``constants``: decay constants [1/s].
    The exponential of the matrix by a series of positive terms for a short step, then squared until the time
    is reached, with exact exponentials on the diagonal: all is sums of what is positive, nothing cancels.
    ``out``, ``power``, ``other``: shape (n, n), of which rows and columns from ``first`` on are used.
    """
    n = constants.size
    fastest = 0.0
    for i in range(first, n):
        fastest = max(fastest, constants[i])
        for k in range(first, n):
            out[k, i] = 0.0
            power[k, i] = 0.0
        out[i, i] = 1.0
        power[i, i] = 1.0
    squarings = 0
    step = time
    while fastest * step > FIRST_STEP:
        step *= 0.5
        squarings += 1
    for order in range(1, n - first + MORE_TERMS):
        # power: (step (A + fastest))^order / order!
        for i in range(first, n):
            for k in range(n - 1, i - 1, -1):
                value = (fastest - constants[k]) * power[k, i]
                for m in range(i, k):
                    value += rates[k, m] * power[m, i]
                power[k, i] = value * step / order
                out[k, i] += power[k, i]
    shrink = math.exp(-fastest * step)
    for i in range(first, n):
        for k in range(i, n):
            out[k, i] *= shrink
        out[i, i] = math.exp(-constants[i] * step)
    for _ in range(squarings):
        step *= 2.0
        for i in range(first, n):
            other[i, i] = math.exp(-constants[i] * step)
            for k in range(i + 1, n):
                value = 0.0
                for m in range(i, k + 1):
                    value += out[k, m] * out[m, i]
                other[k, i] = value
        for i in range(first, n):
            for k in range(i, n):
                out[k, i] = other[k, i]


@njit(cache=True, nogil=True)
def fill_steps(rates, constants, lowest, steps):
    """Write the transitions over d 64^m 2^lowest seconds, d from 1 to 63, as ``steps[m, d - 1]``."""
    levels, _, n, _ = steps.shape
    work = np.empty((2, n, n))
    for level in range(levels):
        for step in range(1, STEPS + 1):
            out = steps[level, step - 1]
            time = math.ldexp(float(step), lowest + BITS * level)
            if level == 0 and step == 1:
                transition(rates, constants, time, 0, out, work[0], work[1])
                continue
            if step == 1:
                one = steps[level - 1, STEPS // 2]
                other = one
            else:
                one = steps[level, step // 2 - 1]
                other = one if step % 2 == 0 else steps[level, step - step // 2 - 1]
            for i in range(n):
                out[i, i] = math.exp(-constants[i] * time)
                for k in range(i + 1, n):
                    value = 0.0
                    for m in range(i, k + 1):
                        value += one[k, m] * other[m, i]
                    out[k, i] = value


@njit(cache=True, nogil=True)
def by_steps(start, time, lowest, steps, amounts, before):
    """Write what one atom leaves after a time by products of steps; return whether there are such steps."""
    levels, n = steps.shape[0], steps.shape[2]
    mantissa, exponent = math.frexp(time)
    shift = exponent - DIGITS_OF_A_TIME - lowest
    if levels == 0 or time <= 0.0 or shift < 0 or shift // BITS + 10 > levels:
        return False
    digits = np.int64(math.ldexp(mantissa, DIGITS_OF_A_TIME)) << (shift % BITS)
    level = shift // BITS
    for k in range(start, n):
        amounts[k] = 0.0
    amounts[start] = 1.0
    while digits > 0:
        step = digits & STEPS
        if step > 0:
            matrix = steps[level, step - 1]
            for k in range(start, n):
                before[k] = amounts[k]
            for k in range(start, n):
                value = 0.0
                for m in range(start, k + 1):
                    value += matrix[k, m] * before[m]
                amounts[k] = value
        digits >>= BITS
        level += 1
    return True


@njit(cache=True, nogil=True)
def amounts_of_pairs(starts, times, rates, constants, plain, terms, lowest, steps, out):
    """Write what one atom of a member leaves of every member after a time, for each pair.

    ``plain[i]``: whether sums of exponentials do for atoms of member i. ``terms``: (first row of each start,
    member of each row, first term of each row, exponential of each term, factor of each term).
    ``lowest``, ``steps``: of :func:`fill_steps`, or none. ``out``: zeros, shape (n_pairs, n).
    """
    row_first, row_member, term_first, term_index, term_factor = terms
    n = constants.size
    full = np.empty(n)
    gone = np.empty(n)
    work = np.empty((3, n, n))
    for pair in range(starts.size):
        start, time = starts[pair], times[pair]
        fine = plain[start]
        if fine:
            for j in range(start, n):
                x = constants[j] * time
                if x < 0.5:
                    gone[j] = math.expm1(-x)
                    full[j] = 1.0 + gone[j]
                else:
                    full[j] = math.exp(-x) if x < NOTHING else 0.0
                    gone[j] = full[j] - 1.0
            out[pair, start] = full[start]
            for row in range(row_first[start], row_first[start + 1]):
                late, of_late, early, of_early = 0.0, 0.0, 0.0, 0.0
                for term in range(term_first[row], term_first[row + 1]):
                    j, factor = term_index[term], term_factor[term]
                    value = factor * full[j]
                    late += value
                    of_late += abs(value)
                    # The factors of a row add up to nothing, so 1 may be taken off each exponential.
                    value = factor * gone[j]
                    early += value
                    of_early += abs(value)
                if of_early < of_late:
                    late, of_late = early, of_early
                if late < NO_DIGITS * of_late:
                    fine = False
                    break
                out[pair, row_member[row]] = late
        if not fine and not by_steps(start, time, lowest, steps, out[pair], full):
            transition(rates, constants, time, start, work[0], work[1], work[2])
            for k in range(start, n):
                out[pair, k] = work[0, k, start]
