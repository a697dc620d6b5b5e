import numba
import pytest

from tumorboard.errors import InputError
from tumorboard.numerics import _slabs, threads_at_most


def threads_used(n):
    begun = []

    def kernel(start, stop):
        begun.append((start, stop))

    with threads_at_most(n):
        _slabs.run_slabs(100, kernel, threads=None)
    return begun


def test_threads_at_most__one_is_no_thread_at_all():
    assert threads_used(1) == [(0, 100)]


def test_threads_at_most__holds_inside_only():
    before = numba.get_num_threads()
    with pytest.raises(KeyError), threads_at_most(1):
        raise KeyError
    assert numba.get_num_threads() == before


def test_threads_at_most__takes_more_than_there_are_for_all():
    before = numba.get_num_threads()
    assert len(threads_used(10_000)) > 1 or before == 1


def test_threads_at_most__refuses_none():
    with pytest.raises(InputError, match="n must be >= 1 thread"), threads_at_most(0):
        pass
