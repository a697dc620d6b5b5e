"""Go through the voxels of a scan in chunks, on several threads, with word of how far it is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Final

import numba

from tumorboard.errors import InputError

__all__ = ["CHUNK", "Progress", "run_chunks"]

#: Voxels at a time: their numbers take some MB, and the time of a chunk some hundredths of a second.
CHUNK: Final = 16384

Progress = Callable[[int, int], None]


def run_chunks(
    n: int, work: Callable[[int, int], None], *, threads: int | None, progress: Progress | None
) -> None:
    """Call ``work(start, stop)`` for consecutive ranges that cover ``range(n)``.

    Parameters
    ----------
    n
        How many voxels.
    work
        Must write only what belongs to its range, so that the result does not depend on the threads.
    threads
        As many as numba would use for ``None``.
    progress
        Told after each chunk, in the caller's thread, how many voxels are done and how many there are. What
        it raises ends the run: chunks under way end, no other begins.

    Raises
    ------
    InputError
        When threads are fewer than 1.

    Examples
    --------
    >>> done = []
    >>> run_chunks(3, lambda a, b: done.append((a, b)), threads=1, progress=None)
    >>> done
    [(0, 3)]
    """
    workers = numba.get_num_threads() if threads is None else threads
    if workers < 1:
        raise InputError(f"threads must be >= 1; got {threads!r}")
    ranges = [(a, min(n, a + CHUNK)) for a in range(0, n, CHUNK)]
    done = 0
    if workers == 1:
        for start, stop in ranges:
            work(start, stop)
            done += stop - start
            if progress is not None:
                progress(done, n)
        return
    with ThreadPoolExecutor(workers) as pool:
        sizes = {pool.submit(work, a, b): b - a for a, b in ranges}
        try:
            waiting = set(sizes)
            while waiting:
                ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ready:
                    future.result()
                    done += sizes[future]
                if progress is not None:
                    progress(done, n)
        except BaseException:
            for future in sizes:
                future.cancel()
            raise
