"""Relative biological effectiveness of protons by dose, LETd and tissue; there is no default model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError

__all__ = [
    "CONSTANT_RBE",
    "RBE_PARAMETERS",
    "RbeModel",
    "RbeParameters",
    "rbe_dose_and_gradient",
    "rbe_dose_gy",
]

#: The clinic's convention [paganetti2002relative].
CONSTANT_RBE: Final = 1.1


class RbeModel(Enum):
    """How dose becomes RBE-weighted dose."""

    CONSTANT = "constant_1.1"
    CARABE = "carabe_2012"
    WEDENBERG = "wedenberg_2013"
    MCNAMARA = "mcnamara_2015"
    RORVIK_UNWEIGHTED = "rorvik_unweighted_2017"

    @property
    def needs_let(self) -> bool:
        """Whether LETd and the tissue's alpha/beta count."""
        return self is not RbeModel.CONSTANT


@dataclass(frozen=True)
class RbeParameters:
    """Coefficients of RBE at vanishing dose and at large dose, as functions of LETd ``L`` [keV/um].

    ``RBE_max = max_constant + max_slope L / ab`` and ``RBE_min = min_constant + min_slope ab**min_power L``
    with ``ab``, alpha/beta for photons [Gy].

    Parameters
    ----------
    max_constant
        No unit.
    max_slope
        In Gy um/keV.
    min_constant
        No unit.
    min_slope
        In Gy**(-min_power) um/keV.
    min_power
        No unit.
    reference
        Citation key.
    """

    max_constant: float
    max_slope: float
    min_constant: float
    min_slope: float
    min_power: float
    reference: str


#: Published coefficients of the variable models.
RBE_PARAMETERS: Final[Mapping[RbeModel, RbeParameters]] = MappingProxyType(
    {
        # The paper's alpha/beta is relative to V79 cells: 0.154 x 2.686 Gy and 0.006 x 2.686 Gy.
        RbeModel.CARABE: RbeParameters(0.843, 0.154 * 2.686, 1.09, 0.006 * 2.686, -1.0, "carabe2012range"),
        RbeModel.WEDENBERG: RbeParameters(1.0, 0.434, 1.0, 0.0, 0.0, "wedenberg2013model"),
        RbeModel.MCNAMARA: RbeParameters(
            0.99064, 0.35605, 1.1012, -0.0038703, 0.5, "mcnamara2015phenomenological"
        ),
        RbeModel.RORVIK_UNWEIGHTED: RbeParameters(1.0, 0.645, 1.0, 0.0, 0.0, "rorvik2017phenomenological"),
    }
)


def rbe_dose_gy(
    model: RbeModel,
    dose_gy: ArrayLike,
    let_kev_um: ArrayLike,
    alpha_beta_gy: float,
) -> NDArray[np.float64]:
    """Return the RBE-weighted dose of one fraction [Gy].

    Parameters
    ----------
    model
        Which one.
    dose_gy
        Physical dose of one fraction, >= 0, shape ``(n,)`` or any other [Gy].
    let_kev_um
        Dose-averaged LET, >= 0, shape as the dose [keV/um]; of no effect in the constant model.
    alpha_beta_gy
        Ratio of the tissue's linear-quadratic parameters for photons, > 0 [Gy].

    Returns
    -------
    ndarray
        Photon dose of the same effect, shape as the dose [Gy].

    References
    ----------
    .. [1] carabe2012range
    .. [2] wedenberg2013model
    .. [3] mcnamara2015phenomenological
    .. [4] rorvik2017phenomenological

    Examples
    --------
    >>> float(rbe_dose_gy(RbeModel.WEDENBERG, 2.0, 2.5, 2.0).round(3))
    2.342
    """
    dose = np.asarray(dose_gy, dtype=np.float64)
    return rbe_dose_and_gradient(model, dose, dose * np.asarray(let_kev_um), alpha_beta_gy)[0]


def rbe_dose_and_gradient(
    model: RbeModel,
    dose_gy: NDArray[np.float64],
    dose_let_gy_kev_um: NDArray[np.float64] | None,
    alpha_beta_gy: float | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """Return the RBE-weighted dose of one fraction and its derivatives by dose and by dose times LETd.

    Effects are equal: ``ab D + D**2 = ab RBE_max d + (RBE_min d)**2``. Both terms on the right are made of
    ``d`` and ``d L`` alone, so there is nothing to divide by where there is no dose.

    Parameters
    ----------
    model
        Which one.
    dose_gy
        Physical dose ``d`` of one fraction, >= 0, shape ``(n,)`` or any other [Gy].
    dose_let_gy_kev_um
        Its product with LETd, >= 0, shape as the dose [Gy keV/um]; of no effect in the constant model.
    alpha_beta_gy
        Ratio of the tissue's linear-quadratic parameters for photons, > 0 [Gy]; of no effect in the
        constant model.

    Returns
    -------
    tuple
        RBE-weighted dose, derivative by dose, derivative by dose times LETd or ``None``; each has the
        shape of the dose, ``(n,)``.

    Raises
    ------
    InputError
        When a variable model lacks LET or alpha/beta.
    """
    if not model.needs_let:
        return CONSTANT_RBE * dose_gy, np.full_like(dose_gy, CONSTANT_RBE), None
    if dose_let_gy_kev_um is None:
        raise InputError(
            f"dose_let_gy_kev_um must be given for RBE model {model.value} [Gy keV/um]; got None; "
            "calculate the dose with LET"
        )
    if alpha_beta_gy is None or not 0 < alpha_beta_gy < np.inf:
        raise InputError(
            f"alpha_beta_gy must be > 0 for RBE model {model.value} [Gy]; got {alpha_beta_gy!r}; "
            "the prescription names it for each structure"
        )
    p, ab = RBE_PARAMETERS[model], float(alpha_beta_gy)
    max_slope, min_slope = p.max_slope / ab, p.min_slope * ab**p.min_power
    linear = p.max_constant * dose_gy + max_slope * dose_let_gy_kev_um
    # RBE_min falls with LET in one model, and must not turn negative far beyond the LETs it was fitted to.
    root = np.maximum(p.min_constant * dose_gy + min_slope * dose_let_gy_kev_um, 0.0)
    total = np.sqrt(ab * ab + 4.0 * ab * linear + 4.0 * root * root)
    by_linear, by_root = ab / total, 2.0 * root / total
    # The difference of two near numbers, written without cancellation.
    weighted = 2.0 * (ab * linear + root * root) / (total + ab)
    return (
        weighted,
        by_linear * p.max_constant + by_root * p.min_constant,
        by_linear * max_slope + by_root * min_slope,
    )
