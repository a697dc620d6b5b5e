"""Curves of regions with known rates, and blood made of formulas: truth to try models on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.tissue_curves import TissueCurves, frame_edges_s
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.compartments_rates import exponentials
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.provenance import Record
from tumorboard.units import S_PER_MIN

__all__ = ["BolusBlood", "TissueRates", "simulated_blood", "simulated_curves"]


@dataclass(frozen=True, slots=True)
class TissueRates:
    """Rates of one or two tissue compartments.

    Parameters
    ----------
    k1_ml_cm3_min
        K1, > 0 [mL/cm3/min].
    k2_per_min
        > 0 [1/min].
    k3_per_min, k4_per_min
        0 for one compartment; else > 0, so that VT exists [1/min].

    Examples
    --------
    >>> TissueRates(0.3, 0.06, 0.02, 0.01).vt_ml_cm3
    15.0
    """

    k1_ml_cm3_min: float
    k2_per_min: float
    k3_per_min: float = 0.0
    k4_per_min: float = 0.0

    def __post_init__(self) -> None:
        if not (self.k1_ml_cm3_min > 0 and self.k2_per_min > 0):
            raise InputError(f"K1 [mL/cm3/min] and k2 [1/min] must be > 0; got {self}")
        if (self.k3_per_min > 0) != (self.k4_per_min > 0) or self.k3_per_min < 0 or self.k4_per_min < 0:
            raise InputError(f"k3 and k4 must be both > 0 or both 0 [1/min]; got {self}")

    @property
    def vt_ml_cm3(self) -> float:
        """Total volume of distribution [mL/cm3]."""
        bound = self.k3_per_min / self.k4_per_min if self.k4_per_min > 0 else 0.0
        return self.k1_ml_cm3_min / self.k2_per_min * (1.0 + bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class BolusBlood:
    r"""Blood after a bolus: Feng's formula for plasma [1]_, and a Hill curve for the parent's share [2]_.

    With :math:`u` the minutes since arrival, plasma is
    :math:`(A u - B - C) e^{-\alpha u} + B e^{-\beta u} + C e^{-\gamma u}`, the parent's share
    :math:`1 - (1 - f) u^h / (u_{1/2}^h + u^h)`, and whole blood plasma times a constant.

    Parameters
    ----------
    arrival_s
        Of the bolus [s].
    amplitudes
        A [kBq/mL/min], B and C [kBq/mL].
    rates_per_min
        alpha, beta, gamma, > 0 [1/min].
    parent_end
        Share of unchanged tracer that is left at last, f, 0 to 1.
    parent_half_min
        When half of the loss has happened, > 0 [min].
    parent_power
        Of the Hill curve, > 0.
    blood_over_plasma
        Whole blood over plasma, > 0.

    References
    ----------
    .. [1] feng1993input
    .. [2] tonietto2016parent

    Examples
    --------
    >>> blood = BolusBlood(
    ...     arrival_s=20.0, amplitudes=(250.0, 8.0, 6.0), rates_per_min=(4.0, 0.2, 0.006), parent_end=0.9,
    ...     parent_half_min=30.0, parent_power=1.5, blood_over_plasma=0.9,
    ... )
    >>> blood.parent_end
    0.9
    """

    arrival_s: float
    amplitudes: tuple[float, float, float]
    rates_per_min: tuple[float, float, float]
    parent_end: float
    parent_half_min: float
    parent_power: float
    blood_over_plasma: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.parent_end <= 1.0:
            raise InputError(f"parent_end must be 0 to 1; got {self.parent_end}")
        for name in ("parent_half_min", "parent_power", "blood_over_plasma"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be > 0; got {getattr(self, name)}")
        if not all(rate > 0 for rate in self.rates_per_min):
            raise InputError(f"rates_per_min must be > 0 [1/min]; got {self.rates_per_min}")


def simulated_blood(bolus: BolusBlood, times_s: ArrayLike) -> InputFunction:
    """Return the blood at given nodes, straight between them.

    Parameters
    ----------
    bolus
        Its formula.
    times_s
        Nodes, increasing, shape ``(n,)`` [s].

    Returns
    -------
    InputFunction
        Parent in plasma, and whole blood.

    References
    ----------
    .. [1] feng1993input
    .. [2] tonietto2016parent

    Examples
    --------
    >>> blood = simulated_blood(
    ...     BolusBlood(
    ...         arrival_s=0.0, amplitudes=(100.0, 2.0, 1.0), rates_per_min=(4.0, 0.2, 0.006), parent_end=0.9,
    ...         parent_half_min=30.0, parent_power=1.5, blood_over_plasma=0.9,
    ...     ),
    ...     [0.0, 60.0],
    ... )
    >>> blood.parent_plasma_bq_ml.round().tolist()
    [0.0, 4405.0]
    """
    times = np.asarray(times_s, np.float64)
    u = np.maximum(times - bolus.arrival_s, 0.0) / S_PER_MIN
    (a, b, c), (alpha, beta, gamma) = bolus.amplitudes, bolus.rates_per_min
    plasma = 1e3 * ((a * u - b - c) * np.exp(-alpha * u) + b * np.exp(-beta * u) + c * np.exp(-gamma * u))
    lost = u**bolus.parent_power / (bolus.parent_half_min**bolus.parent_power + u**bolus.parent_power)
    record = Record(
        "pet.kinetics.simulated_blood",
        {name: getattr(bolus, name) for name in BolusBlood.__dataclass_fields__},
        (),
        ("feng1993input", "tonietto2016parent"),
    )
    parent = plasma * (1.0 - (1.0 - bolus.parent_end) * lost)
    return InputFunction(times, parent, bolus.blood_over_plasma * plasma, record)


def simulated_curves(
    rates: Mapping[str, TissueRates],
    blood: InputFunction,
    frame_start_s: ArrayLike,
    frame_duration_s: ArrayLike,
    *,
    blood_volume: float,
) -> TissueCurves:
    """Return what regions with known rates show: exact averages over the frames, without noise [1]_.

    Parameters
    ----------
    rates
        By region.
    blood
        Reaching to the end of the last frame.
    frame_start_s, frame_duration_s
        Shape ``(n_frames,)`` [s].
    blood_volume
        Share of each region that is blood, 0 to below 1.

    Returns
    -------
    TissueCurves
        In the order of ``rates``; no weights.

    Raises
    ------
    InputError
        When there are no regions, frames are out of order, or the blood ends too early.

    References
    ----------
    .. [1] gunn2001compartments

    Examples
    --------
    >>> blood = InputFunction([0.0, 600.0], [1e3, 1e3], [0.0, 0.0], Record("example"))
    >>> curves = simulated_curves(
    ...     {"thalamus": TissueRates(0.3, 0.3)}, blood, [0.0, 300.0], [300.0, 300.0], blood_volume=0.0
    ... )
    >>> curves.of("thalamus").round(1).tolist()
    [482.1, 884.4]
    """
    if not rates:
        raise InputError("rates must hold at least one region")
    if not 0.0 <= blood_volume < 1.0:
        raise InputError(f"blood_volume must be 0 to below 1; got {blood_volume}")
    start = read_only(frame_start_s, np.float64)
    duration = read_only(frame_duration_s, np.float64)
    _, end = frame_edges_s(start, duration)
    edges = np.unique(np.concatenate([start, end]))
    first, last = np.searchsorted(edges, start), np.searchsorted(edges, end)

    def averaged(integral: NDArray[np.float64]) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = (integral[..., last] - integral[..., first]) / (end - start)
        return mean

    vessels = averaged(blood.whole_blood_integral(edges))
    values = np.empty((len(rates), len(start)))
    for row, rate in zip(values, rates.values(), strict=True):
        per_s = np.array([rate.k1_ml_cm3_min, rate.k2_per_min, rate.k3_per_min, rate.k4_per_min]) / S_PER_MIN
        amplitudes, exponents, _, _ = exponentials(per_s)
        tissue = amplitudes @ averaged(blood.parent_convolution(exponents, edges)[1])
        row[:] = (1.0 - blood_volume) * tissue + blood_volume * vessels
    described = {
        name: [r.k1_ml_cm3_min, r.k2_per_min, r.k3_per_min, r.k4_per_min] for name, r in rates.items()
    }
    record = Record(
        "pet.kinetics.simulated_curves",
        {"rates": described, "blood_volume": blood_volume},
        (blood.provenance,),
        ("gunn2001compartments",),
    )
    return TissueCurves(tuple(rates), start, duration, values, None, record)
