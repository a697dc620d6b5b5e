"""Bytes of many files in one call that holds no lock of the interpreter. Arrays and numbers only.

Opening, looking at, reading and closing a small file takes some ten microseconds, of which two Python threads
spend more in handing the interpreter's lock to each other at each of the four calls than in the calls.

The functions are the C library's own, by their names. Linux alone promises what is used here: ``statx`` lays
out its answer alike on all processors, and integers and addresses of 64 bit travel alike in calls. Elsewhere
:data:`AVAILABLE` is false and the caller reads file by file.
"""

import ctypes
import sys

import numpy as np
from numba import njit, types

__all__ = ["AVAILABLE", "FAILED", "STATX_BYTES", "read_files"]

FAILED = -1
STATX_BYTES = 256

_AT_EMPTY_PATH = 0x1000
_STATX_TYPE_AND_SIZE = 0x1 | 0x200
_FORMAT, _REGULAR = 0o170000, 0o100000

_open = types.ExternalFunction("open", types.int32(types.uintp, types.int32))
_close = types.ExternalFunction("close", types.int32(types.int32))
_pread = types.ExternalFunction("pread", types.int64(types.int32, types.uintp, types.uint64, types.int64))
_statx = types.ExternalFunction(
    "statx", types.int32(types.int32, types.uintp, types.int32, types.uint32, types.uintp)
)


def _has_all() -> bool:
    if not sys.platform.startswith("linux") or sys.maxsize < 2**62:
        return False
    library = ctypes.CDLL(None)
    return all(hasattr(library, name) for name in ("open", "close", "pread", "statx"))


#: Whether :func:`read_files` may be called: a name that is missing would end the process.
AVAILABLE = _has_all()


@njit(cache=True, nogil=True, boundscheck=True)
def _unsigned(data, at, count):
    value = np.int64(0)
    for k in range(count):
        value |= np.int64(data[at + k]) << (8 * k)
    return value


@njit(cache=True, nogil=True, boundscheck=True)
def read_files(names, starts, flags, status, offsets, targets, sizes, held):
    """Read a range of bytes of each of many regular files.

    Parameters
    ----------
    names, starts
        Paths, each closed by a zero, uint8; where each begins, int64, shape ``(n_files,)``.
    flags
        For ``open``; with ``O_NONBLOCK``, so that a pipe is not waited for.
    status
        Scratch, uint8, shape ``(STATX_BYTES + 1,)``, of which the last is zero (an empty path).
    offsets
        Where to begin in each file [byte], int64, shape ``(n_files,)``.
    targets
        What is read, uint8, shape ``(n_files, n_bytes)``, C order.
    sizes, held
        Size of each file, and how much of its row was filled: less than the row where the file ends before;
        FAILED when it could not be opened or read, or is no regular file [byte], int64, ``(n_files,)``.
    """
    base, row = targets.ctypes.data, targets.shape[1]
    answer = status.ctypes.data
    for i in range(starts.size):
        held[i] = FAILED
        fd = _open(names.ctypes.data + np.uintp(starts[i]), flags)
        if fd < 0:
            continue
        failed = _statx(fd, answer + np.uintp(STATX_BYTES), _AT_EMPTY_PATH, _STATX_TYPE_AND_SIZE, answer)
        if failed == 0 and (_unsigned(status, 28, 2) & _FORMAT) == _REGULAR:
            sizes[i] = _unsigned(status, 40, 8)
            wanted, done = max(0, min(row, sizes[i] - offsets[i])), 0
            while done < wanted:
                at = base + np.uintp(i * row + done)
                count = _pread(fd, at, np.uint64(wanted - done), offsets[i] + done)
                if count <= 0:
                    break
                done += count
            # A file that shrank or failed on the way is read again by the caller, who can say why.
            if done == wanted:
                held[i] = done
        _close(fd)
