"""The images of many series, several series at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from tumorboard.errors import InputError, TumorboardError
from tumorboard.io.dicom.geometry import GantryTilt
from tumorboard.io.dicom.read_image import SeriesVolume, read_images
from tumorboard.io.dicom.sandbox import Limits
from tumorboard.io.dicom.study import Series

__all__ = ["read_all_images"]

#: Series that may be read, per thread, before the caller has taken those before them.
_AHEAD: Final = 2

_Outcome = tuple[SeriesVolume, ...] | TumorboardError


def read_all_images(
    series: Iterable[Series],
    *,
    gantry_tilt: GantryTilt = GantryTilt.REFUSE,
    limits: Limits | None = None,
    jobs: int = 2,
) -> Iterator[tuple[SeriesVolume, ...] | TumorboardError]:
    """Read the images of many series, one series per thread.

    Small series are read much sooner this way than one after the other by
    :func:`~tumorboard.io.dicom.read_images`, which divides the files of one series among threads.

    Parameters
    ----------
    series
        As :func:`~tumorboard.io.dicom.scan` found them, e.g. ``study.series``.
    gantry_tilt
        Whether a sheared volume is refused, or resampled in each slice's plane onto a straight grid.
    limits
        What parsing one file may cost, where a file must be parsed; default ``Limits()``.
    jobs
        Threads; series are read ahead of the caller, at most two for each thread.

    Yields
    ------
    tuple of SeriesVolume or TumorboardError
        In the order of ``series``: what :func:`~tumorboard.io.dicom.read_images` returns for one, or the
        error with which it refuses it (structures, a missing slice); the other series are read all the same.

    Raises
    ------
    InputError
        When ``jobs`` is less than one.

    Examples
    --------
    >>> list(read_all_images([]))
    []
    """
    if jobs < 1:
        raise InputError(f"jobs must be >= 1; got {jobs!r}")
    chosen = tuple(series)
    # With fewer series than threads, the threads share the files of each.
    jobs_each = max(1, jobs // max(1, len(chosen)))

    def read(one: Series) -> _Outcome:
        try:
            return read_images(one, gantry_tilt=gantry_tilt, limits=limits, jobs=jobs_each)
        except TumorboardError as reason:
            return reason

    return _in_order(read, chosen, jobs)


def _in_order(read: Callable[[Series], _Outcome], chosen: Sequence[Series], jobs: int) -> Iterator[_Outcome]:
    executor = ThreadPoolExecutor(jobs)
    waiting: deque[Future[_Outcome]] = deque()
    try:
        for one in chosen:
            if len(waiting) == _AHEAD * jobs:
                yield waiting.popleft().result()
            waiting.append(executor.submit(read, one))
        while waiting:
            yield waiting.popleft().result()
    finally:  # also when the caller stops halfway
        executor.shutdown(cancel_futures=True)
