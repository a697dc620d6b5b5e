"""What a user can choose about the demo."""

from __future__ import annotations

from dataclasses import dataclass

from tumorboard.errors import InputError

__all__ = ["DemoConfig"]


@dataclass(frozen=True, slots=True)
class DemoConfig:
    """Choices of the demo.

    Parameters
    ----------
    seed
        Of the simulated noise; the same seed gives the same files.
    jobs
        Processes and threads at most.
    """

    seed: int = 1
    jobs: int = 2

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError(f"seed must be >= 0; got {self.seed!r}")
        if self.jobs < 1:
            raise InputError(f"jobs must be >= 1; got {self.jobs!r}")
