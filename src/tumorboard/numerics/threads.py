"""How many threads array algorithms use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numba

from tumorboard.errors import InputError

__all__ = ["threads_at_most"]


@contextmanager
def threads_at_most(n: int) -> Iterator[None]:
    """Let algorithms that are called inside, from this thread, use at most ``n`` threads where none is named.

    Parameters
    ----------
    n
        At least 1. More than were allowed before (``NUMBA_NUM_THREADS``) changes nothing.

    Raises
    ------
    InputError
        When ``n`` is less than 1.

    Examples
    --------
    >>> with threads_at_most(1):
    ...     numba.get_num_threads()
    1
    """
    if n < 1:
        raise InputError(f"n must be >= 1 thread; got {n!r}")
    before = numba.get_num_threads()
    numba.set_num_threads(min(n, before))
    try:
        yield
    finally:
        numba.set_num_threads(before)
