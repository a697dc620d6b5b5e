"""How a workflow tells how far it is; the app decides how that looks."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "silent"]


class Progress(Protocol):
    """Called with what is being done, how many steps of it are done, and how many there are."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show it."""


def silent(what: str, done: int, total: int) -> None:
    """Show nothing."""
