"""Checks of what a prescription says."""

from __future__ import annotations

import math
from collections.abc import Collection

from tumorboard.errors import InputError

__all__ = ["require_choice", "require_number"]


def require_number(
    name: str, value: object, unit: str, low: float, high: float, *, above: bool = False
) -> None:
    """Raise unless a value is a number from ``low`` (exclusive if ``above``) to ``high`` in a unit."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not (low < value if above else low <= value) or not value <= high:  # type: ignore[operator]
        sign, top = ">" if above else ">=", "" if high == math.inf else f" and <= {high:g}"
        raise InputError(f"{name} must be {sign} {low:g}{top} [{unit}]; got {value!r}")


def require_choice(name: str, value: object, choices: Collection[str]) -> None:
    """Raise unless a value is one of the names of a choice."""
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}; got {value!r}")
