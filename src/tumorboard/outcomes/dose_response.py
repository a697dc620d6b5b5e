"""How the dose in an organ becomes a probability: the published shapes of complication models."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol, final

import numpy as np

from tumorboard.errors import InputError
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram

__all__ = ["DoseResponse", "LogLogistic", "Logistic", "LymanKutcherBurman", "RelativeSeriality"]


class DoseResponse(Protocol):
    """What every model shape can do."""

    def dose_gy(self, histogram: DoseVolumeHistogram) -> float:
        """Return the single dose that the model sees in a histogram [Gy]."""
        ...

    def probability(self, histogram: DoseVolumeHistogram, risk_factors: frozenset[str]) -> float:
        """Return the probability, 0 to 1; an unknown risk factor is an InputError."""
        ...


@final
@dataclass(frozen=True, slots=True)
class LymanKutcherBurman:
    r"""Cumulative normal distribution of the generalised equivalent uniform dose [1]_ [2]_.

    :math:`\Phi((\mathrm{gEUD} - TD_{50}) / (m\,TD_{50}))` with gEUD exponent 1/n.

    Parameters
    ----------
    td50_gy
        Uniform dose to the whole organ that harms half of the patients, > 0 [Gy].
    slope
        m, > 0.
    volume_exponent
        n, > 0: 1 for the mean dose, near 0 for the maximum.

    References
    ----------
    .. [1] lyman1985complication
    .. [2] kutcher1989calculation

    Examples
    --------
    >>> from tumorboard.provenance import Record
    >>> lung = DoseVolumeHistogram("lung", [30.8], [1.0], Record("example"))
    >>> LymanKutcherBurman(30.8, 0.37, 1.0).probability(lung, frozenset())
    0.5
    """

    td50_gy: float
    slope: float
    volume_exponent: float

    def __post_init__(self) -> None:
        _require_positive(td50_gy=self.td50_gy, slope=self.slope, volume_exponent=self.volume_exponent)

    def dose_gy(self, histogram: DoseVolumeHistogram) -> float:
        """Return the generalised equivalent uniform dose [Gy]."""
        return histogram.generalised_eud_gy(1.0 / self.volume_exponent)

    def probability(self, histogram: DoseVolumeHistogram, risk_factors: frozenset[str]) -> float:
        """Return the probability, 0 to 1; the model knows no risk factors."""
        _require_known(risk_factors, ())
        t = (self.dose_gy(histogram) - self.td50_gy) / (self.slope * self.td50_gy)
        return 0.5 * math.erfc(-t / math.sqrt(2.0))


@final
@dataclass(frozen=True, slots=True)
class RelativeSeriality:
    r"""Organ of functional units between serial and parallel [1]_.

    :math:`[1 - \prod_i (1 - P(D_i)^s)^{v_i}]^{1/s}` with :math:`P(D) = 2^{-\exp(e \gamma (1 - D/D_{50}))}`.

    Parameters
    ----------
    d50_gy
        Uniform dose to the whole organ that harms half of the patients, > 0 [Gy].
    gamma
        Highest normalised slope, > 0.
    seriality
        s, > 0: 1 for a serial organ, near 0 for a parallel one.

    References
    ----------
    .. [1] kallman1992tumour
    """

    d50_gy: float
    gamma: float
    seriality: float

    def __post_init__(self) -> None:
        _require_positive(d50_gy=self.d50_gy, gamma=self.gamma, seriality=self.seriality)

    def dose_gy(self, histogram: DoseVolumeHistogram) -> float:
        """Return the uniform dose to the whole organ that is as likely to harm [Gy]."""
        p = self.probability(histogram, frozenset())
        if not 0.0 < p < 1.0:
            return histogram.min_gy if p == 0.0 else histogram.max_gy
        return self.d50_gy * (1.0 - math.log(-math.log2(p)) / (math.e * self.gamma))

    def probability(self, histogram: DoseVolumeHistogram, risk_factors: frozenset[str]) -> float:
        """Return the probability, 0 to 1; the model knows no risk factors."""
        _require_known(risk_factors, ())
        part = histogram.volume_ml / histogram.total_ml
        exponent = np.exp(math.e * self.gamma * (1.0 - histogram.dose_gy / self.d50_gy))
        unit = np.exp2(-exponent * self.seriality)
        # Logarithms, since the product runs over many voxels that are each hardly harmed.
        with np.errstate(divide="ignore"):
            intact = float(part @ np.log1p(-unit))
        return math.pow(-math.expm1(intact), 1.0 / self.seriality)


@final
@dataclass(frozen=True, slots=True)
class LogLogistic:
    r"""Logistic function of the dose's logarithm: :math:`1 / (1 + (D_{50} / D)^{4 \gamma_{50}})` [1]_.

    Parameters
    ----------
    d50_gy
        Dose that harms half of the patients, > 0 [Gy].
    gamma50
        Normalised slope there, > 0.
    exponent
        a of the gEUD that stands for D: 1 is the mean dose, ``inf`` the maximum.

    References
    ----------
    .. [1] niemierko1999geud
    """

    d50_gy: float
    gamma50: float
    exponent: float

    def __post_init__(self) -> None:
        _require_positive(d50_gy=self.d50_gy, gamma50=self.gamma50)

    def dose_gy(self, histogram: DoseVolumeHistogram) -> float:
        """Return the generalised equivalent uniform dose [Gy]."""
        return _eud_gy(histogram, self.exponent)

    def probability(self, histogram: DoseVolumeHistogram, risk_factors: frozenset[str]) -> float:
        """Return the probability, 0 to 1; the model knows no risk factors."""
        _require_known(risk_factors, ())
        dose = self.dose_gy(histogram)
        return 0.0 if dose <= 0.0 else _expit(4.0 * self.gamma50 * math.log(dose / self.d50_gy))


@final
@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    r"""Logistic regression: :math:`1 / (1 + e^{-(b_0 + b_1 D + \sum_j b_j)})`.

    Parameters
    ----------
    intercept
        b0.
    coefficient_per_gy
        b1 [1/Gy].
    exponent
        a of the gEUD that stands for D: 1 is the mean dose, ``inf`` the maximum.
    risk_factors
        Name to log odds ratio of each factor that the source knows.
    """

    intercept: float
    coefficient_per_gy: float
    exponent: float
    risk_factors: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "risk_factors", MappingProxyType(dict(self.risk_factors)))

    def dose_gy(self, histogram: DoseVolumeHistogram) -> float:
        """Return the generalised equivalent uniform dose [Gy]."""
        return _eud_gy(histogram, self.exponent)

    def probability(self, histogram: DoseVolumeHistogram, risk_factors: frozenset[str]) -> float:
        """Return the probability, 0 to 1; a factor that the source does not know is an InputError."""
        _require_known(risk_factors, tuple(self.risk_factors))
        odds = sum(self.risk_factors[name] for name in sorted(risk_factors))
        return _expit(self.intercept + self.coefficient_per_gy * self.dose_gy(histogram) + odds)


def _eud_gy(histogram: DoseVolumeHistogram, exponent: float) -> float:
    return histogram.max_gy if math.isinf(exponent) else histogram.generalised_eud_gy(exponent)


def _expit(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))


def _require_positive(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            unit = " [Gy]" if name.endswith("_gy") else ""
            raise InputError(f"{name} must be finite and > 0{unit}; got {value!r}")


def _require_known(given: frozenset[str], known: tuple[str, ...]) -> None:
    for name in sorted(given):
        if name not in known:
            rule = f"one of {', '.join(known)}" if known else "left out: this model knows none"
            raise InputError(f"risk factor must be {rule}; got {name!r}")
