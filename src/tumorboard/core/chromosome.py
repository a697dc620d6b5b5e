"""Names of chromosomes, which differ from file to file."""

from __future__ import annotations

__all__ = ["plain_chromosome"]


def plain_chromosome(name: str) -> str:
    """Return a chromosome's name by which files can be compared: without ``chr``, MT for the mitochondria's.

    Parameters
    ----------
    name
        With or without ``chr``.

    Examples
    --------
    >>> plain_chromosome("chr1"), plain_chromosome("chrM"), plain_chromosome("X")
    ('1', 'MT', 'X')
    """
    bare = name[3:] if name[:3].lower() == "chr" else name
    return "MT" if bare.upper() in ("M", "MT") else bare
