"""Text from untrusted files, made safe to print."""

from __future__ import annotations

import unicodedata

__all__ = ["printable"]

# Control and format characters, lone surrogates (file names that are no UTF-8), line and paragraph ends.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    r"""Return the text on one line, with what could steer a terminal or cannot be encoded as escapes.

    Parameters
    ----------
    text
        Any text, e.g. a Series Description or a file name.

    Returns
    -------
    str
        The same when there is nothing to escape.

    Examples
    --------
    >>> printable("Köpf\x1b[2J"), printable("thorax")
    ('Köpf\\x1b[2J', 'thorax')
    """
    if text.isprintable():
        return text
    return "".join(_escaped(c) if unicodedata.category(c) in _UNPRINTABLE else c for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
