import numpy as np
import pytest
from numba import njit
from scipy import stats

from tumorboard.numerics._kernels.random_streams import mixed, next_bits, odd_gamma, start_stream, uniform

MASK = (1 << 64) - 1
KNOWN_1 = [
    [0.15835161471344772, 0.026483203078874973, 0.9816291711532944],
    [0.4939377335242324, 0.9373880882696174, 0.5282971439406811],
]
KNOWN_2 = [[0.5428681497288029, 0.5463626978572248]]


@njit(nogil=True)
def draw(seed, first, histories, numbers):
    """The first numbers of consecutive histories' streams, one row each."""
    rng = np.empty(2, np.uint64)
    out = np.empty((histories, numbers))
    for n in range(histories):
        start_stream(rng, seed, first + n)
        for k in range(numbers):
            out[n, k] = uniform(rng)
    return out


def before_mixing(value):
    """The 64-bit integer whose mix is ``value``: the inverse of the function under test."""

    def unshifted(z, shift):
        found = z
        for _ in range(64 // shift + 1):
            found = z ^ (found >> shift)
        return found

    value = unshifted(value, 31) * pow(0x94D049BB133111EB, -1, 1 << 64) & MASK
    value = unshifted(value, 27) * pow(0xBF58476D1CE4E5B9, -1, 1 << 64) & MASK
    return unshifted(value, 30)


def state_before(value):
    """A state whose next 64 bits are ``value``."""
    gamma = 0x9E3779B97F4A7C15
    return np.array([(before_mixing(value) - gamma) & MASK, gamma], np.uint64)


def chi2_p(values, bins=256):
    counts = np.histogram(values, bins, (0.0, 1.0))[0]
    return stats.chisquare(counts).pvalue


def test_uniform__numbers_stay_what_they_are():
    # A change here changes every result of the transport: say so in changes/ as numerics.
    assert draw(1, 0, 2, 3).tolist() == KNOWN_1
    assert draw(20260101, 10**12, 1, 2).tolist() == KNOWN_2


def test_mixed__is_splitmix64s():
    # The first outputs of the published generator from state 0.
    gamma = 0x9E3779B97F4A7C15
    outputs = [int(mixed(np.uint64(gamma * n & MASK))) for n in (1, 2, 3)]
    assert outputs == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@pytest.mark.parametrize("bits", [0, MASK, 1 << 63, (1 << 63) - 1, 1 << 11, MASK - (1 << 11)])
def test_uniform__extremes_stay_inside_the_open_interval(bits):
    assert int(next_bits(state_before(bits))) == bits
    assert 0.0 < uniform(state_before(bits)) < 1.0
    # One minus a number is one too: samplers use both.
    assert 0.0 < 1.0 - uniform(state_before(bits)) < 1.0


def test_uniform__is_even_within_a_stream_and_over_streams():
    within = draw(5, 3, 1, 400_000).ravel()
    assert chi2_p(within) > 1e-3
    over = draw(5, 0, 400_000, 1).ravel()
    assert chi2_p(over) > 1e-3
    later = draw(5, 0, 200_000, 40)[:, 39]
    assert chi2_p(later) > 1e-3


def test_uniform__neighbours_in_a_stream_are_independent():
    values = draw(11, 0, 1, 600_000).ravel()
    for lag in (1, 2, 3):
        table = np.histogram2d(values[:-lag], values[lag:], 24, [[0, 1], [0, 1]])[0]
        assert stats.chisquare(table.ravel()).pvalue > 1e-3


def test_start_stream__neighbouring_histories_are_independent():
    values = draw(1, 0, 200_000, 4)
    for own in range(4):
        for other in range(4):
            table = np.histogram2d(values[:-1, own], values[1:, other], 16, [[0, 1], [0, 1]])[0]
            assert stats.chisquare(table.ravel()).pvalue > 1e-4
    # Correlation of whole streams: 1000 pairs of 1000 numbers each, each within 5 standard deviations.
    rows = draw(2, 0, 1001, 1000) - 0.5
    correlation = 12.0 * (rows[:-1] * rows[1:]).mean(axis=1)
    assert abs(correlation).max() < 5.0 / np.sqrt(1000)
    assert correlation.std() == pytest.approx(1.0 / np.sqrt(1000), rel=0.1)


def test_start_stream__neighbouring_seeds_are_independent():
    first, second = draw(7, 0, 200_000, 1).ravel(), draw(8, 0, 200_000, 1).ravel()
    assert stats.chisquare(np.histogram2d(first, second, 16, [[0, 1], [0, 1]])[0].ravel()).pvalue > 1e-3
    # Seed and history are not added: history 1 of seed 0 is not history 0 of seed 1.
    assert draw(0, 1, 1, 1) != draw(1, 0, 1, 1)


def test_start_stream__a_stream_does_not_depend_on_those_before():
    assert (draw(3, 0, 50, 20)[30:] == draw(3, 30, 20, 20)).all()


def test_start_stream__no_two_histories_share_a_stream():
    rng = np.empty(2, np.uint64)
    found = set()
    for history in range(20_000):
        start_stream(rng, 1, history)
        found.add((int(rng[0]), int(rng[1])))
    assert len(found) == 20_000


def test_odd_gamma__is_odd_and_changes_its_bits_often():
    values = [int(odd_gamma(np.uint64(n * 0x9E3779B97F4A7C15 & MASK))) for n in range(5000)]
    assert all(value & 1 for value in values)
    assert min((value ^ (value >> 1)).bit_count() for value in values) >= 24
