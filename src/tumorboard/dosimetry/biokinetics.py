"""Biokinetic models: where a radiopharmaceutical goes, how long it stays, and the bladder that is emptied."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError

__all__ = ["BLADDER_SOURCE", "OTHER_TISSUES", "BiokineticModel", "BladderVoiding", "Retention"]

#: Source region of what is not in organs that a model names.
OTHER_TISSUES: Final = "other organs and tissues"
#: Source region that :class:`BladderVoiding` fills.
BLADDER_SOURCE: Final = "urinary bladder contents"

#: Shares and fractions that are given to a few digits add up to 1 within this.
_ROUNDING: Final = 1e-3


def _require_shares(what: str, shares: tuple[float, ...], half_times_s: tuple[float, ...]) -> None:
    if not shares or len(shares) != len(half_times_s):
        raise InputError(
            f"shares and half_times_s of {what} must be lists of one length, not empty; got {len(shares)} "
            f"and {len(half_times_s)}"
        )
    if not all(0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > _ROUNDING:
        raise InputError(f"shares of {what} must be 0 to 1 and sum to 1; got {list(shares)}")
    if not all(half_time > 0 for half_time in half_times_s):
        raise InputError(
            f"half_times_s of {what} must be > 0, infinite for what stays [s]; got {list(half_times_s)}"
        )


def _require_fraction(what: str, fraction: float) -> None:
    if not 0 < fraction <= 1:
        raise InputError(f"fraction of {what} must be > 0 and at most 1; got {fraction!r}")


@dataclass(frozen=True, slots=True)
class Retention:
    """What a source region takes up, and how long it keeps it.

    Parameters
    ----------
    source
        Name of the region.
    fraction
        Of the administered amount that it takes up, > 0 and at most 1.
    shares
        Of that fraction, one for each half-time, sum 1.
    half_times_s
        Biological half-times, > 0; infinite: it stays [s].
    uptake_half_time_s
        With which it comes, >= 0; 0 is at once. What has come leaves with the half-times from then on;
        before, it is in no region [s].

    Raises
    ------
    InputError
        When numbers are out of range or do not fit.

    Examples
    --------
    >>> brain = Retention("brain", 0.08)
    >>> round(brain.time_integrated_s(math.log(2) / 6586.2) / 3600, 3)
    0.211
    """

    source: str
    fraction: float
    shares: tuple[float, ...] = (1.0,)
    half_times_s: tuple[float, ...] = (math.inf,)
    uptake_half_time_s: float = 0.0

    def __post_init__(self) -> None:
        _require_fraction(self.source, self.fraction)
        for name in ("shares", "half_times_s"):
            object.__setattr__(self, name, tuple(float(x) for x in getattr(self, name)))
        _require_shares(self.source, self.shares, self.half_times_s)
        if not 0 <= self.uptake_half_time_s < math.inf:
            raise InputError(
                f"uptake_half_time_s of {self.source} must be finite and >= 0 [s]; "
                f"got {self.uptake_half_time_s!r}"
            )

    def time_integrated_s(self, decay_constant_per_s: float) -> float:
        r"""Return the time-integrated activity per administered activity [Bq s/Bq = s].

        :math:`\sum_i F a_i / (\lambda + \lambda_i)`. With an uptake of rate :math:`\lambda_u` only
        :math:`\lambda_u / (\lambda + \lambda_u)` of it comes before it decays; terms of the curve in time are
        :math:`F a_i \lambda_u (e^{-\lambda_i t} - e^{-\lambda_u t}) / (\lambda_u - \lambda_i)` times
        :math:`e^{-\lambda t}` [1]_.

        Parameters
        ----------
        decay_constant_per_s
            Of the nuclide, > 0 [1/s].

        Returns
        -------
        float
            [s]

        References
        ----------
        .. [1] icrp1988publication53
        """
        rates = decay_constant_per_s + _rates(self.half_times_s)
        total = float(self.fraction * (np.array(self.shares) / rates).sum())
        if self.uptake_half_time_s > 0:
            uptake = math.log(2.0) / self.uptake_half_time_s
            total *= uptake / (decay_constant_per_s + uptake)
        return total


@dataclass(frozen=True, slots=True)
class BladderVoiding:
    """A bladder that fills with what the body excretes and is emptied at intervals.

    Parameters
    ----------
    fraction
        Of the administered amount that goes to the urine, > 0 and at most 1.
    shares
        Of that fraction, one for each half-time, sum 1.
    half_times_s
        Biological half-times with which it comes, > 0 and finite [s].
    voiding_interval_s
        Between emptyings, the first one interval after administration, > 0; 3.5 h for adults in ICRP's
        models [s].

    Raises
    ------
    InputError
        When numbers are out of range or do not fit.

    Examples
    --------
    Of FDG [h]:

    >>> bladder = BladderVoiding(0.24, (0.25, 0.75), (720.0, 5400.0), voiding_interval_s=12600.0)
    >>> round(bladder.time_integrated_s(math.log(2) / 6586.2) / 3600, 2)
    0.26
    """

    fraction: float
    shares: tuple[float, ...]
    half_times_s: tuple[float, ...]
    voiding_interval_s: float

    def __post_init__(self) -> None:
        _require_fraction(BLADDER_SOURCE, self.fraction)
        for name in ("shares", "half_times_s"):
            object.__setattr__(self, name, tuple(float(x) for x in getattr(self, name)))
        _require_shares(BLADDER_SOURCE, self.shares, self.half_times_s)
        if not all(math.isfinite(half_time) for half_time in self.half_times_s):
            raise InputError("half_times_s of the bladder must be finite: what stays is not excreted [s]")
        if not 0 < self.voiding_interval_s < math.inf:
            raise InputError(
                f"voiding_interval_s must be finite and > 0 [s]; got {self.voiding_interval_s!r}"
            )

    def time_integrated_s(self, decay_constant_per_s: float) -> float:
        r"""Return the time-integrated activity of the contents per administered activity [Bq s/Bq = s].

        Between emptyings, of period :math:`T`, the contents hold what came since the last one. The sum over
        all of them is geometric [1]_:

        .. math::

            \sum_i \frac{F a_i}{1 - e^{-(\lambda + \lambda_i) T}} \left(\frac{1 - e^{-\lambda T}}{\lambda}
            - \frac{1 - e^{-(\lambda + \lambda_i) T}}{\lambda + \lambda_i}\right)

        Parameters
        ----------
        decay_constant_per_s
            Of the nuclide, > 0 [1/s].

        Returns
        -------
        float
            [s]

        References
        ----------
        .. [1] icrp1988publication53
        """
        period, decay = self.voiding_interval_s, decay_constant_per_s
        rates = decay + _rates(self.half_times_s)
        gone = -np.expm1(-rates * period)
        held = -math.expm1(-decay * period) / decay - gone / rates
        return float(self.fraction * (np.array(self.shares) * held / gone).sum())

    def activity_share(self, time_s: NDArray[np.float64], decay_constant_per_s: float) -> NDArray[np.float64]:
        """Return the activity of the contents per administered activity at times, emptied where one falls.

        Parameters
        ----------
        time_s
            After administration, >= 0, shape ``(...)`` [s].
        decay_constant_per_s
            Of the nuclide, > 0 [1/s].

        Returns
        -------
        ndarray
            Shape ``(...)``.
        """
        times = np.asarray(time_s, np.float64)[..., None]
        emptied = np.floor(times / self.voiding_interval_s) * self.voiding_interval_s
        rates = _rates(self.half_times_s)
        came = np.exp(-rates * emptied) - np.exp(-rates * times)
        decayed = np.exp(-decay_constant_per_s * times[..., 0])
        return np.asarray(self.fraction * (came @ np.array(self.shares)) * decayed)


@dataclass(frozen=True, slots=True)
class BiokineticModel:
    """Where a radiopharmaceutical goes in an adult, and for how long.

    Parameters
    ----------
    name
        Of the radiopharmaceutical.
    nuclide
        That it carries.
    retentions
        Of source regions, one or more, each region once; :data:`OTHER_TISSUES` for the rest of the body.
    bladder
        That urine fills; ``None``: none is excreted by it.
    references
        Citation keys, or whatever says where the numbers come from; not empty.

    Raises
    ------
    InputError
        When a region is there twice, more than all is taken up, more is excreted than leaves, or nothing
        says where the numbers come from.

    Examples
    --------
    >>> model = BiokineticModel("tracer", "F-18", (Retention("liver", 1.0),), None, ("example",))
    >>> round(model.time_integrated_s(math.log(2) / 6586.2)["liver"])
    9502
    """

    name: str
    nuclide: str
    retentions: tuple[Retention, ...]
    bladder: BladderVoiding | None
    references: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "nuclide", Nuclide.named(self.nuclide).name)
        object.__setattr__(self, "retentions", tuple(self.retentions))
        object.__setattr__(self, "references", tuple(self.references))
        names = [r.source for r in self.retentions]
        if not names or len(set(names)) != len(names) or (self.bladder and BLADDER_SOURCE in names):
            raise InputError(
                f"retentions of {self.name} must be one or more, each of a region of its own, the bladder's "
                f"contents apart; got {', '.join(names) or 'none'}"
            )
        if not self.references:
            raise InputError(
                f"references of {self.name} must say where its numbers come from; got none; name a "
                "publication"
            )
        total = sum(r.fraction for r in self.retentions)
        if total > 1 + _ROUNDING:
            raise InputError(f"fractions of {self.name} must sum to at most 1; got {total:g}")
        leaves = 1.0 - sum(r.fraction * _staying(r) for r in self.retentions)
        if self.bladder is not None and self.bladder.fraction > leaves + _ROUNDING:
            raise InputError(
                f"fraction of the bladder of {self.name} must be at most what does not stay elsewhere, "
                f"{leaves:.4g}; got {self.bladder.fraction:g}"
            )

    def time_integrated_s(self, decay_constant_per_s: float) -> dict[str, float]:
        """Return time-integrated activity by source per administered activity [Bq s/Bq = s].

        Parameters
        ----------
        decay_constant_per_s
            Of the nuclide, finite and > 0 [1/s].

        Returns
        -------
        dict
            [s]

        Raises
        ------
        InputError
            When the constant is out of range.
        """
        if not 0 < decay_constant_per_s < math.inf:
            raise InputError(
                f"decay_constant_per_s must be finite and > 0 [1/s]; got {decay_constant_per_s!r}"
            )
        found = {r.source: r.time_integrated_s(decay_constant_per_s) for r in self.retentions}
        if self.bladder is not None:
            found[BLADDER_SOURCE] = self.bladder.time_integrated_s(decay_constant_per_s)
        return found


def _rates(half_times_s: tuple[float, ...]) -> NDArray[np.float64]:
    return np.asarray(math.log(2.0) / np.array(half_times_s))


def _staying(retention: Retention) -> float:
    """Return the share that never leaves."""
    pairs = zip(retention.shares, retention.half_times_s, strict=True)
    return sum(share for share, half_time in pairs if math.isinf(half_time))
