"""What a calculation costs: time and memory."""

from __future__ import annotations

import resource
import sys
import time

__all__ = ["Clock", "peak_memory_gb"]


class Clock:
    """How long each stage took: ``stages_s``, by name, in order [s]."""

    def __init__(self) -> None:
        self.stages_s: dict[str, float] = {}
        self._last = time.perf_counter()

    def stage(self, name: str) -> None:
        """End a stage, which began when the one before ended."""
        now = time.perf_counter()
        self.stages_s[name] = now - self._last
        self._last = now


def peak_memory_gb() -> float:
    """Return the most memory that the process has taken until now [GB]."""
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
