"""How numbers read on a page."""

from __future__ import annotations

import math
from numbers import Integral

__all__ = ["ABSENT", "format_number"]

#: Shown where there is no value.
ABSENT = "–"


def format_number(value: float, *, digits: int = 4) -> str:
    """Return a number with ``digits`` significant digits; whole-number types are shown in full.

    Digits before the decimal point are never rounded away below 100 000; larger and very small
    magnitudes use powers of ten. NaN reads as absent.

    Parameters
    ----------
    value
        Any real number, in the unit that its column or name states.
    digits
        Significant digits of numbers that are not of a whole-number type.

    Returns
    -------
    str
        Text with a true minus sign.

    Examples
    --------
    >>> [format_number(v) for v in (12.34567, 0.05, 1234.56, 512, 7.21e9)]
    ['12.35', '0.05000', '1235', '512', '7.210 × 10⁹']
    """
    if isinstance(value, Integral):
        return str(int(value)).replace("-", "−")
    number = float(value)
    if math.isnan(number):
        return ABSENT
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    if number == 0.0:
        return "0"
    # Rounded first: 9.9996 has one digit more before the point than its exponent says.
    mantissa, _, exponent_text = f"{number:.{digits - 1}e}".partition("e")
    exponent = int(exponent_text)
    if -3 <= exponent < 5:
        text = f"{number:.{max(0, digits - 1 - exponent)}f}"
    else:
        text = f"{mantissa} × 10{str(exponent).translate(_SUPERSCRIPT)}"
    return text.replace("-", "−")


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
