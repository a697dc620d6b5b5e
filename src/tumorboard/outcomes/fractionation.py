"""Dose that acts as much in another fractionation: BED and EQD2 by the linear-quadratic model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core.grid import require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram
from tumorboard.provenance import Record

__all__ = [
    "TissueSensitivity",
    "bed_gy",
    "eqd2_gy",
    "eqd2_histogram",
    "eqd2_image",
    "incomplete_repair_factor",
    "repopulation_loss_gy",
]


def bed_gy(
    dose_gy: ArrayLike,
    *,
    n_fractions: int,
    alpha_beta_gy: ArrayLike,
    incomplete_repair: float = 0.0,
) -> NDArray[np.float64]:
    r"""Return the biologically effective dose, shape of ``dose_gy`` [Gy].

    :math:`D (1 + d (1 + h) / (\alpha/\beta))` for total dose D in n equal fractions of d = D/n [1]_,
    where h counts the damage that has not been repaired before the next fraction.

    Parameters
    ----------
    dose_gy
        Total dose of the course, any shape, >= 0 [Gy].
    n_fractions
        Number of fractions, >= 1.
    alpha_beta_gy
        Alpha/beta of the tissue and endpoint, > 0; a scalar or an array that broadcasts [Gy].
    incomplete_repair
        h of :func:`incomplete_repair_factor`; 0 where fractions are a day apart or more.

    Raises
    ------
    InputError
        When a value is out of range.

    References
    ----------
    .. [1] fowler1989linear

    Examples
    --------
    >>> float(bed_gy(60.0, n_fractions=30, alpha_beta_gy=10.0))
    72.0
    """
    dose = np.asarray(dose_gy, dtype=np.float64)
    alpha_beta = np.asarray(alpha_beta_gy, dtype=np.float64)
    if not (np.isfinite(dose).all() and (dose >= 0).all()):
        raise InputError(f"dose_gy must be finite and >= 0 [Gy]; its lowest is {np.min(dose):.6g}")
    if n_fractions < 1 or n_fractions != int(n_fractions):
        raise InputError(f"n_fractions must be a whole number >= 1; got {n_fractions!r}")
    if not (np.isfinite(alpha_beta).all() and (alpha_beta > 0).all()):
        raise InputError(f"alpha_beta_gy must be finite and > 0 [Gy]; got {alpha_beta_gy!r}")
    if not (math.isfinite(incomplete_repair) and incomplete_repair >= 0):
        raise InputError(f"incomplete_repair must be finite and >= 0; got {incomplete_repair!r}")
    return np.asarray(dose * (1.0 + dose * ((1.0 + incomplete_repair) / n_fractions) / alpha_beta))


def eqd2_gy(
    dose_gy: ArrayLike,
    *,
    n_fractions: int,
    alpha_beta_gy: ArrayLike,
    incomplete_repair: float = 0.0,
) -> NDArray[np.float64]:
    """Return the dose that acts the same in fractions of 2 Gy, shape of ``dose_gy`` [Gy].

    Parameters
    ----------
    dose_gy
        Total dose of the course, any shape, >= 0 [Gy].
    n_fractions
        Number of fractions, >= 1.
    alpha_beta_gy
        Alpha/beta of the tissue and endpoint, > 0; a scalar or an array that broadcasts [Gy].
    incomplete_repair
        As in :func:`bed_gy`.

    Examples
    --------
    >>> float(eqd2_gy(60.0, n_fractions=30, alpha_beta_gy=3.0))
    60.0
    >>> round(float(eqd2_gy(54.0, n_fractions=3, alpha_beta_gy=10.0)), 6)
    126.0
    """
    alpha_beta = np.asarray(alpha_beta_gy, dtype=np.float64)
    bed = bed_gy(
        dose_gy, n_fractions=n_fractions, alpha_beta_gy=alpha_beta, incomplete_repair=incomplete_repair
    )
    return np.asarray(bed / (1.0 + 2.0 / alpha_beta))


def incomplete_repair_factor(*, fractions_per_day: int, interval_s: float, half_life_s: float) -> float:
    r"""Return h of :func:`bed_gy` for several fractions a day, repair being complete overnight.

    With :math:`\phi = 2^{-\Delta T / T_{1/2}}` and m fractions a day,
    :math:`h = \frac{2}{m} \frac{\phi}{1-\phi} \left(m - \frac{1-\phi^m}{1-\phi}\right)` [1]_.

    Parameters
    ----------
    fractions_per_day
        m, >= 1.
    interval_s
        Time between the fractions of a day, > 0 [s].
    half_life_s
        Half-life of repair of sublethal damage, > 0 [s].

    References
    ----------
    .. [1] thames1985incomplete

    Examples
    --------
    >>> incomplete_repair_factor(fractions_per_day=1, interval_s=3600.0, half_life_s=5400.0)
    0.0
    >>> incomplete_repair_factor(fractions_per_day=2, interval_s=5400.0, half_life_s=5400.0)
    0.5
    """
    if fractions_per_day < 1 or fractions_per_day != int(fractions_per_day):
        raise InputError(f"fractions_per_day must be a whole number >= 1; got {fractions_per_day!r}")
    for name, value in (("interval_s", interval_s), ("half_life_s", half_life_s)):
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} must be finite and > 0 [s]; got {value!r}")
    phi = 2.0 ** (-interval_s / half_life_s)
    m = fractions_per_day
    # The closed form of the paper as the sum it stands for, which does not cancel when phi nears 1.
    return 2.0 / m * sum((m - k) * math.pow(phi, k) for k in range(1, m))


def repopulation_loss_gy(
    *, overall_time_s: float, kickoff_time_s: float, alpha_per_gy: float, doubling_time_s: float
) -> float:
    r"""Return the biologically effective dose that a tumour grows back during treatment [Gy].

    :math:`\ln 2\,(T - T_k) / (\alpha T_d)` once the overall time T exceeds the kick-off time [1]_; subtract
    it from :func:`bed_gy`.

    Parameters
    ----------
    overall_time_s
        First to last fraction, >= 0 [s].
    kickoff_time_s
        When accelerated growth sets in, >= 0 [s].
    alpha_per_gy
        Linear coefficient of cell kill, > 0 [1/Gy].
    doubling_time_s
        Of clonogens after kick-off, > 0 [s].

    References
    ----------
    .. [1] fowler1989linear

    Examples
    --------
    >>> day = 86400.0
    >>> round(repopulation_loss_gy(overall_time_s=42 * day, kickoff_time_s=21 * day, alpha_per_gy=0.3,
    ...                            doubling_time_s=3 * day), 3)
    16.173
    """
    for name, value in (("overall_time_s", overall_time_s), ("kickoff_time_s", kickoff_time_s)):
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"{name} must be finite and >= 0 [s]; got {value!r}")
    for name, value in (("alpha_per_gy [1/Gy]", alpha_per_gy), ("doubling_time_s [s]", doubling_time_s)):
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} must be finite and > 0; got {value!r}")
    regrowth_s = max(0.0, overall_time_s - kickoff_time_s)
    return math.log(2.0) * regrowth_s / (alpha_per_gy * doubling_time_s)


def eqd2_histogram(
    histogram: DoseVolumeHistogram, *, n_fractions: int, alpha_beta_gy: float
) -> DoseVolumeHistogram:
    """Return the histogram of the dose that acts the same in fractions of 2 Gy, piece by piece.

    Parameters
    ----------
    histogram
        Of the whole course's physical (or RBE-weighted) dose.
    n_fractions
        Number of equal fractions, >= 1.
    alpha_beta_gy
        Of the structure and endpoint, > 0 [Gy].

    Examples
    --------
    >>> cord = DoseVolumeHistogram("cord", [0.0, 30.0], [1.0, 1.0], Record("example"))
    >>> eqd2_histogram(cord, n_fractions=10, alpha_beta_gy=2.0).dose_gy
    array([ 0. , 37.5])
    """
    dose = eqd2_gy(histogram.dose_gy, n_fractions=n_fractions, alpha_beta_gy=alpha_beta_gy)
    record = Record(
        "outcomes.eqd2_histogram",
        {"n_fractions": n_fractions, "alpha_beta_gy": alpha_beta_gy},
        (histogram.provenance,),
        ("fowler1989linear",),
    )
    return DoseVolumeHistogram(histogram.name, dose, histogram.volume_ml, record)


@dataclass(frozen=True, slots=True, eq=False)
class TissueSensitivity:
    """Alpha/beta of the voxels of one structure.

    Parameters
    ----------
    structure
        FRACTION or boolean LABEL; a voxel belongs to it when at least half lies inside.
    alpha_beta_gy
        > 0 [Gy].
    """

    structure: Image
    alpha_beta_gy: float


def eqd2_image(
    dose: Image, *, n_fractions: int, elsewhere_gy: float, tissues: Sequence[TissueSensitivity] = ()
) -> Image:
    """Return the dose that acts the same in fractions of 2 Gy, voxel by voxel.

    Parameters
    ----------
    dose
        DOSE of the whole course [Gy].
    n_fractions
        Number of equal fractions, >= 1.
    elsewhere_gy
        Alpha/beta outside all structures, > 0 [Gy].
    tissues
        Alpha/beta of structures on the dose's grid; where they overlap the first named counts.

    Returns
    -------
    Image
        DOSE (EQD2, as its provenance says) [Gy].

    Raises
    ------
    GridMismatch
        When a structure is on another grid.
    InputError
        When the image is no dose, or a value is out of range.
    """
    if dose.quantity is not Quantity.DOSE:
        raise InputError(f"dose must be a DOSE image [Gy]; got {dose.quantity}")
    alpha_beta = np.full(dose.grid.shape, float(elsewhere_gy))
    for tissue in reversed(tissues):
        require_same_grid(dose.grid, tissue.structure.grid, what="dose and structure")
        alpha_beta[tissue.structure.values >= 0.5] = tissue.alpha_beta_gy
    values = eqd2_gy(dose.values, n_fractions=n_fractions, alpha_beta_gy=alpha_beta)
    record = Record(
        "outcomes.eqd2_image",
        {
            "n_fractions": n_fractions,
            "elsewhere_gy": elsewhere_gy,
            "alpha_beta_gy": [t.alpha_beta_gy for t in tissues],
        },
        (dose.provenance, *(t.structure.provenance for t in tissues)),
        ("fowler1989linear",),
    )
    values.setflags(write=False)
    return Image(values, dose.grid, Quantity.DOSE, record)
