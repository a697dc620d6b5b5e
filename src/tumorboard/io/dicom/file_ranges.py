"""Ranges of bytes of many files, read by compiled code where that can be, file by file where not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.io._kernels import file_reads as kernel
from tumorboard.io.dicom.opening import OPENING_FLAGS

__all__ = ["read_ranges"]


def read_ranges(
    paths: Sequence[Path], offsets: NDArray[np.int64], targets: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read a range of bytes of each file straight into ``targets``.

    Parameters
    ----------
    paths
        Files, or what claims to be: a pipe is not waited for, a device not woken.
    offsets
        Where each range begins [byte], shape ``(n_files,)``.
    targets
        Shape ``(n_files, n_bytes)``, C order; filled.

    Returns
    -------
    sizes, held
        Size of each file, and how many bytes of its row were read: fewer than the row has where the file ends
        before [byte], each shape ``(n_files,)``. A ``held`` of -1 says that this file was not read, for
        whatever reason: it is to be read on its own, which finds the reason. Where there is no compiled
        reader (outside of Linux) that is every file.
    """
    n = len(paths)
    sizes, held = np.zeros(n, np.int64), np.full(n, kernel.FAILED, np.int64)
    if kernel.AVAILABLE and n:
        names = [os.fsencode(path) for path in paths]
        starts = np.fromiter(accumulate([len(name) + 1 for name in names], initial=0), np.int64, n)
        text = b"\0".join([*names, b""])
        if text.count(b"\0") == n:  # none within a name, where the C library would see its end
            status = np.zeros(kernel.STATX_BYTES + 1, np.uint8)
            letters: NDArray[Any] = np.frombuffer(text, np.uint8)
            kernel.read_files(letters, starts, OPENING_FLAGS, status, offsets, targets, sizes, held)
    return sizes, held
