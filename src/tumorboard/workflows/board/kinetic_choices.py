"""What a user can choose about the kinetics of a report."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tumorboard.errors import InputError
from tumorboard.workflows.kinetics.config import DEFAULT_VB

__all__ = ["KineticsChoices"]


@dataclass(frozen=True, slots=True)
class KineticsChoices:
    """Choices about kinetics; one model alone has more, see the command ``kinetics fit``.

    Parameters
    ----------
    reference
        Region without specific binding, for scans without blood.
    delay_s
        By which tissue sees the blood later than the sampler; ``None``: found from the mean of all
        regions [s].
    blood_volume
        Share of blood in tissue, 0 to below 1.

    Raises
    ------
    InputError
        When a number is out of range.
    """

    reference: str | None = None
    delay_s: float | None = None
    blood_volume: float = DEFAULT_VB

    def __post_init__(self) -> None:
        if self.delay_s is not None and not abs(self.delay_s) <= 600.0:
            raise InputError(f"blood_delay_s must be -600 to 600 [s]; got {self.delay_s!r}")
        if not (math.isfinite(self.blood_volume) and 0 <= self.blood_volume < 1):
            raise InputError(f"blood_volume must be 0 to below 1; got {self.blood_volume!r}; 0.05 is 5 %")
