"""Run a loop over slabs of the first axis on several threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba

from tumorboard.errors import InputError

__all__ = ["run_slabs"]


def run_slabs(n: int, kernel: Callable[[int, int], None], *, threads: int | None) -> None:
    """Call ``kernel(start, stop)`` for consecutive ranges that cover ``range(n)``.

    The kernel must release the GIL and write only what belongs to its range, so the result does not
    depend on ``threads``. Threads of our own rather than numba's parallel loops: numba's default
    threading layer aborts the process when two Python threads enter it at once.
    ``threads=None`` means as many as numba would use (``NUMBA_NUM_THREADS``).
    """
    workers = numba.get_num_threads() if threads is None else threads
    if workers < 1:
        raise InputError(f"threads must be >= 1; got {threads!r}")
    if workers == 1 or n <= 1:
        kernel(0, n)
        return
    # Several slabs a thread, since structures and edges make some slabs dearer than others.
    step = max(1, -(-n // (4 * workers)))
    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(kernel, a, min(n, a + step)) for a in range(0, n, step)]:
            done.result()
