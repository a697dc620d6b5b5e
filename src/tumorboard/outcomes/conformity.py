"""How closely the prescribed dose follows a target."""

from __future__ import annotations

from dataclasses import dataclass

from tumorboard.errors import InputError
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram

__all__ = ["Conformity", "conformity"]


@dataclass(frozen=True, slots=True)
class Conformity:
    """Volumes that a prescribed dose takes, and the indices made of them.

    Parameters
    ----------
    target_ml
        Volume of the target [mL].
    covered_ml
        Of it, with the prescribed dose or more [mL].
    prescribed_ml
        Everywhere in the body with the prescribed dose or more [mL].
    half_prescribed_ml
        With half of it or more [mL].
    """

    target_ml: float
    covered_ml: float
    prescribed_ml: float
    half_prescribed_ml: float

    @property
    def coverage(self) -> float:
        """Share of the target that has the prescribed dose."""
        return self.covered_ml / self.target_ml

    @property
    def selectivity(self) -> float:
        """Share of the prescribed volume that is target; 0 where nothing has the dose."""
        return self.covered_ml / self.prescribed_ml if self.prescribed_ml > 0 else 0.0

    @property
    def rtog_index(self) -> float:
        """Prescribed volume by target volume [shaw1993radiation]; 1 is best, but coverage is not in it."""
        return self.prescribed_ml / self.target_ml

    @property
    def paddick_index(self) -> float:
        """Coverage times selectivity [paddick2000simple], 0 to 1; van't Riet's conformation number."""
        return self.coverage * self.selectivity

    @property
    def gradient_index(self) -> float:
        """Volume of half the prescribed dose by that of the whole [paddick2006gradient], or infinity."""
        return self.half_prescribed_ml / self.prescribed_ml if self.prescribed_ml > 0 else float("inf")


def conformity(target: DoseVolumeHistogram, body: DoseVolumeHistogram, *, prescribed_gy: float) -> Conformity:
    """Return how closely a prescribed dose follows a target.

    Parameters
    ----------
    target
        Of the target.
    body
        Of everything that was calculated, the target in it.
    prescribed_gy
        > 0 [Gy].

    Raises
    ------
    InputError
        When the prescribed dose is not positive or the body is smaller than the target.

    Examples
    --------
    >>> from tumorboard.provenance import Record
    >>> target = DoseVolumeHistogram("PTV", [60.0, 50.0], [3.0, 1.0], Record("example"))
    >>> body = DoseVolumeHistogram("body", [60.0, 50.0, 60.0, 5.0], [3.0, 1.0, 2.0, 90.0], Record("example"))
    >>> found = conformity(target, body, prescribed_gy=60.0)
    >>> found.coverage, found.selectivity, found.rtog_index
    (0.75, 0.6, 1.25)
    """
    if not 0 < prescribed_gy < float("inf"):
        raise InputError(f"prescribed_gy must be finite and > 0 [Gy]; got {prescribed_gy!r}")
    if body.total_ml < target.total_ml * (1 - 1e-9):
        raise InputError(
            f"body must hold the target [mL]; got {body.total_ml:.6g} and {target.total_ml:.6g}; "
            "pass the histogram of all that was calculated"
        )
    return Conformity(
        target.total_ml,
        target.volume_at_dose_ml(prescribed_gy),
        body.volume_at_dose_ml(prescribed_gy),
        body.volume_at_dose_ml(0.5 * prescribed_gy),
    )
