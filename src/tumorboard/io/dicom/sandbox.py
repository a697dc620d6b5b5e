"""Reading untrusted files in child processes that may not take more than their share.

A worker is a fresh Python interpreter (no fork, so threads of the parent do no harm; no import of the
caller's ``__main__``). Workers start when the first file needs one, are kept for the next call, and end on
their own when idle or when the parent is gone.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import math
import os
import pickle
import selectors
import signal
import struct
import subprocess
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from tumorboard.errors import InputError
from tumorboard.io.dicom.parse import decode_stored_pixels, read_whole_dataset
from tumorboard.io.dicom.sandbox_worker import FINISHED, NO_MEMORY
from tumorboard.io.dicom.study import Quarantined

if TYPE_CHECKING:
    import numpy as np
    import pydicom

__all__ = ["Limits", "decode_pixels", "default_jobs", "read_datasets", "run"]

_START_S: Final = 60.0
_MIB: Final = 1 << 20
_WORKER: Final = (
    "import json,sys; sys.path[:]=json.loads(sys.argv[1]); "
    "from tumorboard.io.dicom.sandbox_worker import main; main()"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost.

    Parameters
    ----------
    memory_mb
        Address space that parsing one file may add to that of a fresh worker [MB], of 1024 x 1024 byte.
    seconds_per_file
        Time that one file may take, by the clock and of the processor [s].
    """

    memory_mb: int = 512
    seconds_per_file: float = 10.0

    def __post_init__(self) -> None:
        if self.memory_mb < 1:
            raise InputError(f"memory_mb must be >= 1 [MB]; got {self.memory_mb!r}")
        if not (math.isfinite(self.seconds_per_file) and self.seconds_per_file > 0):
            raise InputError(f"seconds_per_file must be finite and > 0 [s]; got {self.seconds_per_file!r}")


def default_jobs() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    function: Callable[[Path], Any], paths: Sequence[Path], *, limits: Limits, jobs: int
) -> list[Any | Quarantined]:
    """Call ``function`` on each path in worker processes.

    A worker that dies, takes too long or too much memory is replaced; the others go on.

    Parameters
    ----------
    function
        Importable by name from a fresh interpreter, and so must be what it returns (arrays come back as
        raw bytes). It raises :class:`~tumorboard.errors.UnreadableFile` to give its own reason.
    paths
        One task each.
    limits
        What each file may cost.
    jobs
        Processes at a time.

    Returns
    -------
    list
        In the order of ``paths``: what ``function`` returned, or why the file was set aside.

    Examples
    --------
    >>> from pathlib import Path
    >>> run(Path.exists, [Path("/")], limits=Limits(), jobs=1)
    [True]
    """
    return _run_each(function, [(path, limits) for path in paths], jobs)


def read_datasets(
    paths: Sequence[Path], *, limits: Limits, jobs: int, stop_before_pixels: bool = True
) -> list[pydicom.Dataset | Quarantined]:
    """Parse whole data sets in the sandbox.

    Sequences arrive parsed to the last level, so that nothing nested is left to parse in this process.

    Parameters
    ----------
    paths
        Files.
    limits
        What each file may cost; pixels, when wanted, may add three times the size of the file.
    jobs
        Processes at a time.
    stop_before_pixels
        Leave out the pixel data and what follows them.

    Returns
    -------
    list
        One per path, in order.
    """
    tasks = []
    for path in paths:
        extra_mb = 0 if stop_before_pixels else 3 * _size_mb(path)
        tasks.append((path, replace(limits, memory_mb=limits.memory_mb + extra_mb)))
    return _run_each(
        functools.partial(read_whole_dataset, stop_before_pixels=stop_before_pixels), tasks, jobs
    )


def decode_pixels(
    paths: Sequence[Path], *, limits: Limits, jobs: int
) -> list[np.ndarray[Any, Any] | Quarantined]:
    """Decode the stored values of each file, whatever its transfer syntax, in the sandbox.

    The header is read under ``limits``. Then memory is allowed for the decoded size that the header states,
    when a file of that size can hold it (see :func:`~tumorboard.io.dicom.parse.decode_stored_pixels`), and
    time in proportion to the size of the file, so that a long multi-frame object is not mistaken for a bomb.

    Parameters
    ----------
    paths
        Files.
    limits
        What each file may cost, beyond its stated pixels.
    jobs
        Processes at a time.

    Returns
    -------
    list
        One per path, in order: stored values (no rescale), shape ``(rows, columns)``, with frames first and
        samples last where there is more than one.
    """
    tasks = []
    for path in paths:
        seconds = limits.seconds_per_file * (1 + _size_mb(path) / 16)
        tasks.append((path, replace(limits, seconds_per_file=seconds)))
    return _run_each(decode_stored_pixels, tasks, jobs)


def _size_mb(path: Path) -> int:
    with contextlib.suppress(OSError):
        return math.ceil(os.stat(path).st_size / _MIB)
    return 0  # gone or forbidden: the worker says so


def _fileno(pipe: IO[bytes] | None) -> int:
    if pipe is None:
        raise RuntimeError("a worker process must have pipes; got none")
    return pipe.fileno()


class _Worker:
    """One child process and the task it is at."""

    def __init__(self) -> None:
        variables = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        self.process = subprocess.Popen(  # noqa: S603  our own interpreter and a constant program
            [sys.executable, "-P", "-c", _WORKER, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={**os.environ, **variables},
        )
        self.input, self.output = _fileno(self.process.stdin), _fileno(self.process.stdout)
        self.ready = False
        self.index = -1
        self.limits = Limits()
        self.deadline = 0.0

    def start(self, function: Callable[[Path], Any], index: int, path: Path, limits: Limits) -> None:
        self.index, self.limits = index, limits
        self.deadline = time.monotonic() + (limits.seconds_per_file if self.ready else _START_S)
        task = pickle.dumps((function, path, limits.memory_mb, limits.seconds_per_file))
        os.write(self.input, struct.pack("<Q", len(task)) + task)

    def receive(self) -> tuple[bytes, Any] | None:
        """Return the answer, or None for the sign that a fresh worker is ready."""
        if not self.ready:
            self._fill(bytearray(1))
            self.ready = True
            self.deadline = time.monotonic() + self.limits.seconds_per_file
            return None
        outcome = bytes(self._fill(bytearray(1)))
        (count,) = struct.unpack("<Q", self._fill(bytearray(8)))
        sizes = struct.unpack(f"<{count}Q", self._fill(bytearray(8 * count)))
        body, *buffers = [self._fill(bytearray(size)) for size in sizes]
        # pydicom judges a UID once more when it is made anew; the worker has been silent about it too.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return outcome, pickle.loads(body, buffers=buffers)  # noqa: S301  written by our own program

    def _fill(self, target: bytearray) -> bytearray:
        view = memoryview(target)
        while view:
            count = os.readv(self.output, [view])
            if not count:
                raise EOFError
            view = view[count:]
        return target

    def close(self) -> int:
        """End the process and return its exit status."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.process.kill()
        return self.process.wait()


class _Pool:
    """Workers that wait for their next call."""

    def __init__(self) -> None:
        self.forget()
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """Begin anew, as a forked child must: the workers are its parent's."""
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []

    def borrow(self) -> _Worker:
        while True:
            with self._lock:
                if not self._idle:
                    break
                worker = self._idle.pop()
            if worker.process.poll() is None:
                return worker
            worker.close()
        return _Worker()

    def give_back(self, worker: _Worker) -> None:
        with self._lock:
            if len(self._idle) < default_jobs():
                self._idle.append(worker)
                return
        worker.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()


_POOL: Final = _Pool()


def _run_each(
    function: Callable[[Path], Any], tasks: Sequence[tuple[Path, Limits]], jobs: int
) -> list[Any | Quarantined]:
    if jobs < 1:
        raise InputError(f"jobs must be >= 1 process; got {jobs!r}")
    results: list[Any] = [None] * len(tasks)
    waiting = deque(range(len(tasks)))
    active: dict[int, _Worker] = {}
    try:
        with selectors.DefaultSelector() as selector:
            while waiting or active:
                while waiting and len(active) < jobs:
                    worker = _begin(function, waiting.popleft(), tasks)
                    active[worker.output] = worker
                    selector.register(worker.output, selectors.EVENT_READ)
                patience = min(worker.deadline for worker in active.values()) - time.monotonic()
                ready = {key.fd for key, _ in selector.select(max(0.0, patience))}
                for fd, worker in list(active.items()):
                    if fd not in ready and time.monotonic() < worker.deadline:
                        continue
                    answer = _finish(worker, tasks[worker.index][0], readable=fd in ready)
                    if answer is not None:
                        selector.unregister(fd)
                        del active[fd]
                        results[worker.index], survived = answer
                        _POOL.give_back(worker) if survived else worker.close()
    finally:
        for worker in active.values():  # only after an interrupt
            worker.close()
    return results


def _begin(function: Callable[[Path], Any], index: int, tasks: Sequence[tuple[Path, Limits]]) -> _Worker:
    while True:
        worker = _POOL.borrow()
        try:
            worker.start(function, index, *tasks[index])
        except BrokenPipeError:  # it ended its idle life just now
            worker.close()
        else:
            return worker


def _finish(worker: _Worker, path: Path, *, readable: bool) -> tuple[Any, bool] | None:
    """Return (result, whether the worker can go on), or None when there is no answer yet."""
    limits = worker.limits
    too_slow = f"reading must take at most {limits.seconds_per_file:g} s; it was stopped then"
    if not readable:
        if not worker.ready:
            too_slow = f"a worker process must start within {_START_S:g} s; it did not"
        return Quarantined(path, too_slow), False
    try:
        answer = worker.receive()
    except EOFError:
        status = worker.close()
        if -status in (signal.SIGXCPU, signal.SIGALRM):
            return Quarantined(path, too_slow), False
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return Quarantined(path, f"reading must not crash the reader; it did ({how})"), False
    if answer is None:
        return None
    outcome, result = answer
    if outcome == FINISHED:
        return result, True
    if outcome == NO_MEMORY:
        return Quarantined(
            path, f"reading must take at most {limits.memory_mb} MB of memory; it wanted more"
        ), False
    return Quarantined(path, result), True
