"""Decays in red marrow, from blood samples or from images."""

from __future__ import annotations

import numpy as np

from tumorboard.errors import InputError

__all__ = [
    "marrow_decays_of_blood",
    "marrow_decays_of_image",
    "marrow_to_blood_ratio",
    "remainder_s_value_gy",
]


def marrow_to_blood_ratio(haematocrit: float, *, extracellular_fraction: float) -> float:
    """Return the concentration in red marrow over that in blood, of what stays outside of cells [1]_.

    Parameters
    ----------
    haematocrit
        Part of the blood that is cells, 0 to below 1.
    extracellular_fraction
        Part of the marrow that the substance reaches; 0.19 for antibodies [1]_. Of small peptides a ratio of
        1 to blood is usual instead [2]_.

    Returns
    -------
    float

    Raises
    ------
    InputError
        When a number is out of range.

    References
    ----------
    .. [1] sgouros1993marrow
    .. [2] hindorf2010marrow

    Examples
    --------
    >>> round(marrow_to_blood_ratio(0.47, extracellular_fraction=0.19), 3)
    0.358
    """
    if not 0 <= haematocrit < 1:
        raise InputError(f"haematocrit must be 0 to below 1; got {haematocrit!r}; is it percent?")
    if not 0 < extracellular_fraction <= 1:
        raise InputError(f"extracellular_fraction must be > 0 and at most 1; got {extracellular_fraction!r}")
    return extracellular_fraction / (1.0 - haematocrit)


def marrow_decays_of_blood(blood_bq_s_ml: float, *, marrow_mass_g: float, ratio: float) -> float:
    """Return decays in red marrow from the activity of blood [1]_.

    Right where the substance does not bind to marrow: compare with an image.

    Parameters
    ----------
    blood_bq_s_ml
        Concentration in blood integrated over time [Bq s/mL].
    marrow_mass_g
        Of the patient's red marrow; 1170 g in the adult reference male [g].
    ratio
        Concentration in marrow, per gram, over that in blood, per millilitre.

    Returns
    -------
    float
        Number of decays.

    Raises
    ------
    InputError
        When a number is negative or not finite.

    References
    ----------
    .. [1] sgouros1993marrow

    Examples
    --------
    >>> marrow_decays_of_blood(1e9, marrow_mass_g=1170.0, ratio=1.0)
    1170000000000.0
    """
    _require(blood_bq_s_ml=blood_bq_s_ml, marrow_mass_g=marrow_mass_g, ratio=ratio)
    return blood_bq_s_ml * marrow_mass_g * ratio


def marrow_decays_of_image(decays: float, *, share_of_marrow: float) -> float:
    """Return decays in all red marrow from those in a part of the skeleton on images [1]_.

    Parameters
    ----------
    decays
        In the part's volume, that of bone and fat in it included, its surroundings taken off.
    share_of_marrow
        Part of all red marrow that is there, > 0 and at most 1; 0.067 of lumbar vertebrae 2 to 4 [1]_.

    Returns
    -------
    float
        Number of decays.

    Raises
    ------
    InputError
        When a number is out of range.

    References
    ----------
    .. [1] hindorf2010marrow

    Examples
    --------
    >>> marrow_decays_of_image(6.7e11, share_of_marrow=0.067)
    10000000000000.0
    """
    _require(decays=decays)
    if not 0 < share_of_marrow <= 1:
        raise InputError(f"share_of_marrow must be > 0 and at most 1; got {share_of_marrow!r}")
    return decays / share_of_marrow


def remainder_s_value_gy(
    body_gy: float, body_mass_g: float, own_gy: dict[str, float], own_masses_g: dict[str, float]
) -> float:
    """Return the S-value of a target from all of the body but sources that have their own [1]_.

    Parameters
    ----------
    body_gy
        S-value of the target from activity spread over the whole body [Gy].
    body_mass_g
        Of the whole body [g].
    own_gy
        S-values of the target from sources that have their own, the target itself, too, by name [Gy].
    own_masses_g
        Their masses, by name [g].

    Returns
    -------
    float
        [Gy]

    Raises
    ------
    InputError
        When names do not fit, masses exceed the body's, or nothing is left.

    References
    ----------
    .. [1] hindorf2010marrow

    Examples
    --------
    >>> s = remainder_s_value_gy(1e-17, 73000.0, {"R-marrow": 1e-16}, {"R-marrow": 1170.0})
    >>> print(f"{s:.3g}")
    8.53e-18
    """
    if own_gy.keys() != own_masses_g.keys():
        raise InputError(
            f"own_gy and own_masses_g must have the same names; got {', '.join(own_gy)} and "
            f"{', '.join(own_masses_g)}"
        )
    _require(
        body_gy=body_gy,
        body_mass_g=body_mass_g,
        **own_gy,
        **{f"mass of {k}": v for k, v in own_masses_g.items()},
    )
    left_g = body_mass_g - sum(own_masses_g.values())
    left = body_gy * body_mass_g - sum(own_gy[k] * own_masses_g[k] for k in own_gy)
    if left_g <= 0 or left < 0:
        raise InputError(
            f"sources of their own must weigh, and give, less than the whole body; got {left_g:.4g} g and "
            f"{left:.3g} Gy g left; are they of one phantom?"
        )
    return left / left_g


def _require(**numbers: float) -> None:
    for name, value in numbers.items():
        if not 0 <= value < np.inf:
            raise InputError(f"{name.replace('_', ' ')} must be finite and >= 0; got {value!r}")
