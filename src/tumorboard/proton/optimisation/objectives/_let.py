"""LETd where there is dose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError

__all__ = ["floored_let", "needed_dose_let"]


def needed_dose_let(dose_let: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return dose times LET, or say how to come by it."""
    if dose_let is None:
        raise InputError(
            "dose_let must be given for an objective of LET [Gy keV/um]; got None; "
            "calculate the dose influence with LET"
        )
    return dose_let


def floored_let(
    dose: NDArray[np.float64], dose_let: NDArray[np.float64] | None, floor_gy: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return ``dose_let / (dose + floor)`` and its derivatives by dose and by dose times LET."""
    per_dose = 1.0 / (dose + floor_gy)
    let = needed_dose_let(dose_let) * per_dose
    return let, -let * per_dose, per_dose
