"""A material: what radiation travels through."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tumorboard.errors import InputError

__all__ = ["Material"]

#: Mass fractions must add up to 1 within this; published compositions are rounded to 1e-4 or coarser.
_SUM_TOLERANCE = 2e-3


@dataclass(frozen=True, slots=True)
class Material:
    """A homogeneous mixture of elements.

    Parameters
    ----------
    name
        As its source calls it, e.g. ``"water, liquid"``.
    density_g_cm3
        Mass density, > 0 [g/cm3].
    mass_fractions
        Pairs (atomic number, mass fraction), each element once; the fractions are scaled to sum to 1.
    mean_excitation_energy_ev
        Mean excitation energy I [eV]; ``None`` lets the user of the material apply Bragg's rule.

    Raises
    ------
    InputError
        When a number is out of range or the fractions do not sum to 1 within 0.002.

    Examples
    --------
    >>> water = Material("water", 1.0, ((1, 0.111894), (8, 0.888106)), 78.0)
    >>> round(water.fraction(8), 4)
    0.8881
    """

    name: str
    density_g_cm3: float
    mass_fractions: tuple[tuple[int, float], ...]
    mean_excitation_energy_ev: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.density_g_cm3) and self.density_g_cm3 > 0):
            raise InputError(
                f"density_g_cm3 of {self.name!r} must be finite and > 0 [g/cm3]; got {self.density_g_cm3!r}"
            )
        numbers = [z for z, _ in self.mass_fractions]
        fractions = [f for _, f in self.mass_fractions]
        if not numbers or len(set(numbers)) != len(numbers) or not all(1 <= z <= 118 for z in numbers):
            raise InputError(
                f"mass_fractions of {self.name!r} must name each element once, by number; got {numbers}"
            )
        total = sum(fractions)
        if not all(0 <= f <= 1 + _SUM_TOLERANCE for f in fractions) or abs(total - 1) > _SUM_TOLERANCE:
            raise InputError(
                f"mass_fractions of {self.name!r} must be >= 0 and sum to 1 within {_SUM_TOLERANCE}; "
                f"got a sum of {total:.5g}"
            )
        scaled = tuple((int(z), float(f / total)) for z, f in sorted(self.mass_fractions) if f > 0)
        object.__setattr__(self, "mass_fractions", scaled)
        mean = self.mean_excitation_energy_ev
        if mean is not None and not (math.isfinite(mean) and mean > 0):
            raise InputError(
                f"mean_excitation_energy_ev of {self.name!r} must be finite and > 0 [eV]; got {mean!r}"
            )

    def fraction(self, atomic_number: int) -> float:
        """Return the mass fraction of an element, 0 where the material has none of it."""
        return dict(self.mass_fractions).get(atomic_number, 0.0)
