"""Escapes and values of VCF fields."""

from __future__ import annotations

import math
import re
from typing import Final

__all__ = ["is_whole", "percent_decoded", "real_number", "whole_number"]

#: What VCF 4.3 escapes, section 1.2: ``: ; = % ,`` and line ends and tabs. Nothing else is decoded.
_ESCAPE: Final = re.compile(r"%(3A|3B|3D|25|2C|0D|0A|09)", re.IGNORECASE)


def percent_decoded(text: str) -> str:
    """Return a value of an INFO or FORMAT field as it was before VCF escaped it.

    Examples
    --------
    >>> percent_decoded("p.Ala5%3D"), percent_decoded("11.56%25"), percent_decoded("4.9%")
    ('p.Ala5=', '11.56%', '4.9%')
    """
    if "%" not in text:
        return text
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


def is_whole(text: str) -> bool:
    """Return whether a text is a whole number that a position or an index can be, 0 or more.

    Examples
    --------
    >>> is_whole("12"), is_whole("-1"), is_whole("²"), is_whole("9" * 5000)
    (True, False, False, False)
    """
    return text.isdecimal() and len(text) <= 15


def whole_number(text: str) -> int | None:
    """Return a count; ``None`` if it is missing or none.

    Examples
    --------
    >>> whole_number("12"), whole_number("747.0"), whole_number("."), whole_number("-1")
    (12, 747, None, None)
    """
    value = real_number(text)
    return None if value is None or value < 0 or value != int(value) else int(value)


def real_number(text: str) -> float | None:
    """Return a finite number; ``None`` if it is missing or none.

    Examples
    --------
    >>> real_number("0.25"), real_number("."), real_number("nan")
    (0.25, None, None)
    """
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
