"""Names to things that are loaded when they are asked for.

The one place that imports by name; import contracts cannot see such imports,
so they are banned everywhere else.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from tumorboard.errors import InputError

__all__ = ["Registry"]


class Registry:
    """An ordered table from a name to ``"module:attribute"``.

    Parameters
    ----------
    kind
        What the entries are, for messages, e.g. ``"board section"``.
    entries
        Name to ``"module:attribute"``; nothing is imported until it is asked for.

    Examples
    --------
    >>> constants = Registry("constant", {"pi": "math:pi"})
    >>> round(constants.load("pi"), 3)
    3.142
    >>> list(constants)
    ['pi']
    """

    def __init__(self, kind: str, entries: Mapping[str, str]) -> None:
        self._kind = kind
        self._entries = dict(entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def load(self, name: str) -> Any:
        """Import and return the entry called ``name``; an unknown one is an InputError."""
        if name not in self._entries:
            raise InputError(f"{self._kind} must be one of {', '.join(self._entries)}; got {name!r}")
        module, _, attribute = self._entries[name].partition(":")
        return getattr(importlib.import_module(module), attribute)  # noqa: TID251
