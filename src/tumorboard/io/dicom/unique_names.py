"""Names of structures, each given once."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["unique_names"]


def unique_names(names: Iterable[str]) -> list[str]:
    """Return the names with repeats numbered.

    Parameters
    ----------
    names
        As a file gives them.

    Returns
    -------
    list
        One name for each, all different, in the same order.

    Examples
    --------
    >>> unique_names(["GTV", "Lung", "GTV", "GTV (2)"])
    ['GTV', 'Lung', 'GTV (2)', 'GTV (2) (2)']
    """
    unique: dict[str, None] = {}
    # Where numbering got to: a hostile file of 100,000 equal names must not take the square of that.
    reached: dict[str, int] = {}
    for name in names:
        candidate, n = name, reached.get(name, 1)
        while candidate in unique:
            n += 1
            candidate = f"{name} ({n})"
        reached[name] = n
        unique[candidate] = None
    return list(unique)
