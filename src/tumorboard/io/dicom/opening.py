"""Opening a path that may be anything."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from tumorboard.errors import UnreadableFile

__all__ = ["OPENING_FLAGS", "open_regular"]

#: Never wait for a pipe, make no terminal ours, hand the descriptor to no child.
OPENING_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def open_regular(path: Path) -> int:
    """Open a file for reading and return its descriptor; never wait for a pipe or wake a device.

    Raises
    ------
    UnreadableFile
        When the path cannot be opened, or is no regular file.
    """
    try:
        fd = os.open(path, OPENING_FLAGS)
    except OSError as error:
        raise UnreadableFile(f"the file must be readable; {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise UnreadableFile("the path must lead to a regular file; it is a folder, pipe, socket or device")
    return fd
