"""What a user can choose about close contact and release."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.workflows.nuclide.config import LIBRARIES, library_name

__all__ = [
    "EQUILIBRIUM_SHARE",
    "HIGHEST_USV_PER_UGY",
    "PATTERNS",
    "RELEASE_LIMITS_USV_H",
    "ContactConfig",
    "MeasuredDoseRates",
    "read_dose_rates",
]

#: Effective dose by air kerma of a person in front of photons of 0.08 MeV, the highest at any energy
#: [icrp74conversion]; with it, and without the patient's own absorption, dose rates are upper limits.
HIGHEST_USV_PER_UGY: Final = 1.433
#: Progeny that lives less than this share of the nuclide's half-life counts as in equilibrium with it.
EQUILIBRIUM_SHARE: Final = 0.1
#: Limits at 1 m differ by country; release is told for all of them where none is chosen [uSv/h].
RELEASE_LIMITS_USV_H: Final = (10.0, 20.0, 30.0)
#: Sets of patterns of contact: those adapted in 2020s practice, which come with limits, and the first ones.
PATTERNS: Final = ("adapted", "cormack-shearer")
_COLUMNS: Final = ("time_h", "dose_rate_usv_h", "uncertainty_usv_h")


@dataclass(frozen=True, slots=True)
class MeasuredDoseRates:
    """Dose rates at 1 m.

    Parameters
    ----------
    times_h
        After administration, ascending [h].
    dose_rates_usv_h
        Measured [uSv/h].
    uncertainties_usv_h
        Standard uncertainties [uSv/h].
    n_exponentials
        1 or 2, to fit through them.
    """

    times_h: tuple[float, ...]
    dose_rates_usv_h: tuple[float, ...]
    uncertainties_usv_h: tuple[float, ...]
    n_exponentials: int


@dataclass(frozen=True, slots=True)
class ContactConfig:
    """A patient, and what is to be kept.

    Parameters
    ----------
    nuclide
        Name in any usual spelling.
    activity_mbq
        In the patient at administration, > 0 [MBq].
    half_lives_h
        Effective, one or two; empty: physical decay alone, an upper limit [h].
    shares
        Of the activity, one for each half-life, summing to 1.
    half_life_relative_uncertainty, activity_relative_uncertainty
        Standard uncertainties of each half-life, and of the activity, >= 0 and < 1.
    measured
        Dose rates, which then count instead of activity, half-lives and ``usv_per_ugy``.
    library
        Of decay data.
    least_energy_mev
        Photons below it do not leave a patient [MeV].
    usv_per_ugy
        Dose by air kerma of the bare nuclide, > 0: coefficient times what the patient lets through [uSv/uGy].
    patterns
        One of :data:`PATTERNS`.
    limit_msv
        Dose that contact from the end of a restriction on may bring, where no other is named, > 0; ``None``:
        those that the adapted patterns come with; the first patterns have none, so it must be given [mSv].
    limits_msv
        Others, by name of a pattern [mSv].
    treatments_in_year
        Expected, >= 1: the limits that patterns come with are shared by them, but for informed carers.
    release_limits_usv_h
        Dose rates at 1 m at which patients are released, > 0 [uSv/h].
    confidence
        Probability with which limits are kept, beside the expected times, > 0.5 and < 1.
    administered_at_h
        Time of day, 0 to 24 [h].
    distance_exponent
        1 to 2: dose rate over distance to this power.

    Raises
    ------
    InputError
        When a value is out of range or contradicts another.

    Examples
    --------
    >>> ContactConfig("131I", 3700.0, half_lives_h=(16.0,)).nuclide
    'I-131'
    """

    nuclide: str
    activity_mbq: float
    half_lives_h: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    half_life_relative_uncertainty: float = 0.0
    activity_relative_uncertainty: float = 0.0
    measured: MeasuredDoseRates | None = None
    library: str = LIBRARIES[0]
    least_energy_mev: float = 0.02
    usv_per_ugy: float = HIGHEST_USV_PER_UGY
    patterns: str = PATTERNS[0]
    limit_msv: float | None = None
    limits_msv: Mapping[str, float] = field(default_factory=dict)
    treatments_in_year: float = 1.0
    release_limits_usv_h: tuple[float, ...] = RELEASE_LIMITS_USV_H
    confidence: float = 0.95
    administered_at_h: float = 10.0
    distance_exponent: float = 1.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "nuclide", Nuclide.named(self.nuclide).name)
        object.__setattr__(self, "limits_msv", MappingProxyType(dict(self.limits_msv)))
        object.__setattr__(self, "library", library_name(self.library))
        for name, values, unit in (
            ("activity_mbq", (self.activity_mbq,), "MBq"),
            ("half_lives_h", self.half_lives_h, "h"),
            ("limit_msv", () if self.limit_msv is None else (self.limit_msv,), "mSv"),
            ("limits_msv", tuple(self.limits_msv.values()), "mSv"),
            ("release_limits_usv_h", self.release_limits_usv_h, "uSv/h"),
            ("usv_per_ugy", (self.usv_per_ugy,), "uSv/uGy"),
        ):
            if not all(math.isfinite(v) and v > 0 for v in values):
                raise InputError(f"{name} must be finite and > 0 [{unit}]; got {list(values)}")
        for name in ("half_life_relative_uncertainty", "activity_relative_uncertainty"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} must be >= 0 and < 1; got {getattr(self, name)!r}; 0.1 is 10 %")
        if not 0.5 < self.confidence < 1:
            raise InputError(f"confidence must be > 0.5 and < 1; got {self.confidence!r}")
        if self.patterns not in PATTERNS:
            raise InputError(f"patterns must be one of {', '.join(PATTERNS)}; got {self.patterns!r}")
        if self.patterns != PATTERNS[0] and self.limit_msv is None:
            raise InputError(
                f"limit_msv must be given [mSv] for patterns {self.patterns}, which come with none; got None"
            )
        if not (math.isfinite(self.treatments_in_year) and self.treatments_in_year >= 1):
            raise InputError(f"treatments_in_year must be >= 1; got {self.treatments_in_year!r}")
        self._check_shares()

    def _check_shares(self) -> None:
        n = len(self.half_lives_h)
        if n > 2:
            raise InputError(f"half_lives_h must be at most two; got {list(self.half_lives_h)}")
        shares = self.shares or ((1.0,) if n == 1 else ())
        if n and not (len(shares) == n and all(s > 0 for s in shares) and abs(sum(shares) - 1.0) < 1e-6):
            raise InputError(
                f"shares must be > 0, one for each of {n} half-lives, and sum to 1; got {list(self.shares)}"
            )
        if not n and shares:
            raise InputError(f"shares must come with half_lives_h; got {list(shares)} alone")
        if self.measured is not None and n:
            raise InputError(
                "half_lives_h must be left out where dose rates were measured: they tell them; "
                f"got {list(self.half_lives_h)}"
            )
        object.__setattr__(self, "shares", shares)


def read_dose_rates(path: Path, *, n_exponentials: int) -> MeasuredDoseRates:
    """Read dose rates at 1 m from a CSV file with columns time_h, dose_rate_usv_h and uncertainty_usv_h.

    Parameters
    ----------
    path
        Of the file; its first line names the columns.
    n_exponentials
        1 or 2, to fit.

    Raises
    ------
    UnreadableFile
        When a column is missing or a value is no number.
    """
    try:
        values = _columns_of(path)
    except (UnicodeDecodeError, csv.Error) as reason:
        raise UnreadableFile(f"dose rates must be a CSV file in UTF-8; {path.name}: {reason}") from reason
    return MeasuredDoseRates(
        tuple(values["time_h"]),
        tuple(values["dose_rate_usv_h"]),
        tuple(values["uncertainty_usv_h"]),
        n_exponentials,
    )


def _columns_of(path: Path) -> dict[str, list[float]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file, skipinitialspace=True)
        found = tuple(name.strip() for name in rows.fieldnames or ())
        if not set(_COLUMNS) <= set(found):
            raise UnreadableFile(
                f"dose rates must have the columns {', '.join(_COLUMNS)}, named in the first line; "
                f"{path.name} has {', '.join(found) or 'none'}"
            )
        rows.fieldnames = list(found)
        values: dict[str, list[float]] = {name: [] for name in _COLUMNS}
        for number, row in enumerate(rows, start=2):
            for name in _COLUMNS:
                try:
                    values[name].append(float(row[name] or ""))
                except ValueError:
                    raise UnreadableFile(
                        f"{name} must be a number; line {number} of {path.name} has {row[name]!r}"
                    ) from None
    return values
