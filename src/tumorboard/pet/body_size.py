"""Body sizes by which uptake is normalised: lean body mass, surface, ideal weight.

Two formulas carry the name of James. His own for men has 128 (W/H)^2 [1]_; a widely copied
misprint has 120 [2]_. DICOM keeps them apart: SUV Type ``LBMJAMES128`` is the former, ``LBM``
in practice the latter. Here "James" means 128; the other is read where a file says ``LBM``, never made.

References
----------
.. [1] james1976
.. [2] morgan1994
"""

from __future__ import annotations

import math

from tumorboard.core.acquisition import Sex
from tumorboard.errors import InputError

__all__ = [
    "body_surface_area_m2",
    "ideal_body_weight_kg",
    "lean_body_mass_james_kg",
    "lean_body_mass_janmahasatian_kg",
    "lean_body_mass_morgan_kg",
]

_WAY_OUT = "the formula does not hold for this body: choose body weight"


def lean_body_mass_james_kg(weight_kg: float, height_m: float, *, sex: Sex) -> float:
    """Lean body mass by James, with 128 for men [1]_ [kg].

    Parameters
    ----------
    weight_kg, height_m
        Body weight [kg] and height [m].
    sex
        Male or female: the formula knows no other.

    Raises
    ------
    InputError
        When the sex is neither, or the formula gives no positive mass (extreme obesity).

    References
    ----------
    .. [1] james1976

    Examples
    --------
    >>> round(lean_body_mass_james_kg(70.0, 1.75, sex=Sex.MALE), 2)
    56.52
    """
    return _lean_quadratic_kg(weight_kg, height_m, sex, male_multiplier=128.0)


def lean_body_mass_morgan_kg(weight_kg: float, height_m: float, *, sex: Sex) -> float:
    """Lean body mass by James as misprinted, with 120 for men [1]_ [kg].

    Only to undo the normalisation of files whose SUV Type (0054,1006) is ``LBM``.

    Parameters
    ----------
    weight_kg, height_m
        Body weight [kg] and height [m].
    sex
        Male or female.

    Raises
    ------
    InputError
        When the sex is neither male nor female, or the formula gives no positive mass.

    References
    ----------
    .. [1] morgan1994

    Examples
    --------
    >>> round(lean_body_mass_morgan_kg(70.0, 1.75, sex=Sex.MALE), 2)
    57.8
    """
    return _lean_quadratic_kg(weight_kg, height_m, sex, male_multiplier=120.0)


def lean_body_mass_janmahasatian_kg(weight_kg: float, height_m: float, *, sex: Sex) -> float:
    """Lean body mass by Janmahasatian and others [1]_ [kg]; unlike James's it holds for the obese.

    Parameters
    ----------
    weight_kg, height_m
        Body weight [kg] and height [m].
    sex
        Male or female.

    Raises
    ------
    InputError
        When the sex is neither male nor female.

    References
    ----------
    .. [1] janmahasatian2005

    Examples
    --------
    >>> round(lean_body_mass_janmahasatian_kg(70.0, 1.75, sex=Sex.FEMALE), 2)
    45.2
    """
    _require_male_or_female("lean body mass", sex)
    offset, slope = (6680.0, 216.0) if sex is Sex.MALE else (8780.0, 244.0)
    return 9270.0 * weight_kg / (offset + slope * weight_kg / height_m**2)


def body_surface_area_m2(weight_kg: float, height_m: float) -> float:
    """Body surface area by Du Bois and Du Bois [1]_ [m2].

    Parameters
    ----------
    weight_kg, height_m
        Body weight [kg] and height [m].

    References
    ----------
    .. [1] dubois1916

    Examples
    --------
    >>> round(body_surface_area_m2(70.0, 1.75), 3)
    1.848
    """
    return 0.007184 * math.pow(weight_kg, 0.425) * math.pow(100.0 * height_m, 0.725)


def ideal_body_weight_kg(height_m: float, *, sex: Sex) -> float:
    """Ideal body weight by Sugawara and others [1]_ [kg].

    For sex other the mean of the male and the female weight, as in the reference objects of the Image
    Biomarker Standardisation Initiative [2]_.

    Parameters
    ----------
    height_m
        Body height [m].
    sex
        Patient's sex.

    Raises
    ------
    InputError
        When the formula gives no positive weight (a small child).

    References
    ----------
    .. [1] sugawara1999
    .. [2] ibsi2026suv

    Examples
    --------
    >>> [round(ideal_body_weight_kg(1.75, sex=sex), 3) for sex in Sex]
    [72.38, 66.43, 69.405]
    """
    above_cm = 100.0 * height_m - 152.0
    male, female = 48.0 + 1.06 * above_cm, 45.5 + 0.91 * above_cm
    weight_kg = {Sex.MALE: male, Sex.FEMALE: female, Sex.OTHER: (male + female) / 2}[sex]
    return _require_positive("ideal body weight", weight_kg)


def _lean_quadratic_kg(weight_kg: float, height_m: float, sex: Sex, *, male_multiplier: float) -> float:
    _require_male_or_female("lean body mass", sex)
    linear, multiplier = (1.10, male_multiplier) if sex is Sex.MALE else (1.07, 148.0)
    mass_kg = linear * weight_kg - multiplier * (weight_kg / (100.0 * height_m)) ** 2
    return _require_positive("lean body mass", mass_kg)


def _require_male_or_female(what: str, sex: Sex) -> None:
    if sex is Sex.OTHER:
        raise InputError(
            f"{what} is defined for Patient's Sex (0010,0040) M or F; got 'O'; choose body weight or body "
            "surface area, or state the sex whose body composition applies"
        )


def _require_positive(what: str, mass_kg: float) -> float:
    if not mass_kg > 0:
        raise InputError(f"{what} must be > 0 [kg]; the formula gives {mass_kg:.4g}; {_WAY_OUT}")
    return mass_kg
