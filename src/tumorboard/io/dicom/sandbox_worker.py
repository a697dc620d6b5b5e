"""The child process of :mod:`tumorboard.io.dicom.sandbox`: reads one file at a time under limits.

It takes tasks on standard input and answers on standard output, so nothing else may print. It dies rather
than outlive a limit, an idle parent or a dead one; its parent puts another in its place.
"""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import resource
import signal
import struct
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["FINISHED", "NO_MEMORY", "REFUSED", "main"]

FINISHED, REFUSED, NO_MEMORY = b"f", b"r", b"m"
_IDLE_S = 120.0
_GRACE_S = 2.0
_MIB = 1 << 20


def main() -> None:
    """Serve tasks until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    tasks, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    warnings.simplefilter("ignore")
    import numpy  # noqa: F401  counted in the baseline, not in the file's allowance

    baseline = _address_space_bytes()
    for kind, soft in ((resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (soft, resource.getrlimit(kind)[1]))
    os.write(answers, b"!")
    while True:
        signal.setitimer(signal.ITIMER_REAL, _IDLE_S)  # SIGALRM ends a worker that nobody needs
        size = _read(tasks, 8)
        if not size:
            return
        function, path, memory_mb, seconds = pickle.loads(_read(tasks, struct.unpack("<Q", size)[0]))  # noqa: S301
        _limit_address_space(baseline + memory_mb * _MIB)
        used = resource.getrusage(resource.RUSAGE_SELF)
        _lower(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime + seconds + _GRACE_S))
        signal.setitimer(signal.ITIMER_REAL, seconds + 2 * _GRACE_S)  # only if the parent is no more
        outcome, result = _attempt(function, path)
        _limit_address_space(None)  # the result exists: sending it must not fail for its copy
        _answer(answers, outcome, result)
        if outcome == NO_MEMORY:
            return


def _attempt(function: Callable[[Path], Any], path: Path) -> tuple[bytes, Any]:
    from tumorboard.errors import UnreadableFile

    try:
        return FINISHED, function(path)
    except UnreadableFile as error:
        return REFUSED, str(error)
    except MemoryError:
        return NO_MEMORY, ""
    except RecursionError:
        return REFUSED, "sequences must be nested at most a few dozen deep; these are nested beyond reading"
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        return REFUSED, f"cannot be read as DICOM ({type(error).__name__}: {text})"


def _answer(fd: int, outcome: bytes, result: Any) -> None:
    """Send the pickled result; arrays follow as raw bytes, without a copy."""
    buffers: list[pickle.PickleBuffer] = []
    try:
        body = pickle.dumps(result, protocol=5, buffer_callback=buffers.append)
    except (RecursionError, pickle.PicklingError) as error:
        outcome, buffers = REFUSED, []
        body = pickle.dumps(f"its content cannot be handed over ({type(error).__name__})")
    raws = [buffer.raw() for buffer in buffers]
    sizes = [len(body), *(raw.nbytes for raw in raws)]
    head = outcome + struct.pack(f"<{1 + len(sizes)}Q", len(sizes), *sizes)
    views: list[memoryview[int]] = [memoryview(head), memoryview(body), *raws]
    for view in views:
        while view:
            view = view[os.write(fd, view) :]


def _read(fd: int, size: int) -> bytes:
    parts = []
    while size:
        part = os.read(fd, min(size, _MIB))
        if not part:
            return b""
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _address_space_bytes() -> int:
    """Size of the process's address space [byte]; 0 where the system does not tell (not Linux)."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    return 0


def _limit_address_space(soft: int | None) -> None:
    if sys.platform != "linux":  # others accept the call and do not enforce it
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (hard if soft is None else _within(soft, hard), hard))


def _lower(kind: int, soft: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (_within(soft, hard), hard))


def _within(soft: int, hard: int) -> int:
    return soft if hard == resource.RLIM_INFINITY else min(soft, hard)
