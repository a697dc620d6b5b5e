"""Checks of fields, and the penalty for a measure beyond its bounds."""

from __future__ import annotations

import math
from dataclasses import fields
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError

__all__ = ["Fields", "beyond_bounds", "check_bounds", "check_number"]


class Fields:
    """Fields of a frozen dataclass as plain values."""

    __slots__ = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """Fields by name; enumerations by their value."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return {name: value.value if isinstance(value, Enum) else value for name, value in found.items()}


def check_number(
    owner: object,
    name: str,
    unit: str,
    *,
    low: float = 0.0,
    high: float = math.inf,
    above: bool = False,
) -> None:
    """Raise unless the field is a finite number in ``[low, high]``, or in ``(low, high]``."""
    value = getattr(owner, name)
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    inside = number and math.isfinite(value) and (value > low if above else value >= low) and value <= high
    if not inside:
        rule = f"{'>' if above else '>='} {low:g}" + (f" and <= {high:g}" if math.isfinite(high) else "")
        raise InputError(
            f"{name} of {type(owner).__name__} must be a number {rule}{f' [{unit}]' if unit else ''}; "
            f"got {value!r}"
        )


def check_bounds(owner: object, lower: str, upper: str, unit: str) -> None:
    """Raise unless both bounds are absent or numbers, the lower one below the upper one."""
    low, high = getattr(owner, lower), getattr(owner, upper)
    for name, value in ((lower, low), (upper, high)):
        if value is not None:
            check_number(owner, name, unit)
    if low is not None and high is not None and low >= high:
        raise InputError(
            f"{lower} of {type(owner).__name__} must be below {upper} [{unit}]; got {low!r} and {high!r}"
        )


def beyond_bounds(value: float, lower: float | None, upper: float | None) -> tuple[float, float]:
    """Return the penalty of a measure and its derivative: its square beyond a bound, itself without any."""
    if lower is None and upper is None:
        return value, 1.0
    excess = max(0.0, value - upper) if upper is not None else 0.0
    shortfall = max(0.0, lower - value) if lower is not None else 0.0
    return excess * excess + shortfall * shortfall, 2.0 * (excess - shortfall)


def scaled(gradient: NDArray[np.float64] | None, factor: float) -> NDArray[np.float64] | None:
    """Return the gradient times a factor, if there is one."""
    return None if gradient is None else gradient * factor
