"""How much of a sphere's activity a blurred image shows inside the sphere's own outline."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tumorboard.errors import InputError
from tumorboard.numerics.gaussian_blur import FWHM_PER_SIGMA

__all__ = ["SphereRecovery", "sphere_recovery"]

#: Below this radius over sigma the closed forms lose digits to cancellation, and series are exact.
_SMALL = 0.05


@dataclass(frozen=True, slots=True)
class SphereRecovery:
    """What is left of a sphere of uniform concentration in cold surroundings after blur.

    Parameters
    ----------
    mean
        Mean inside the true outline over the true concentration, 0 to 1.
    centre
        Value at the centre over the true concentration, 0 to 1.
    """

    mean: float
    centre: float


def sphere_recovery(*, volume_ml: float, fwhm_mm: float) -> SphereRecovery:
    r"""Return the recovery of a sphere blurred by a Gaussian of the same width in all directions.

    With :math:`a = R/\sigma`, the centre keeps
    :math:`\mathrm{erf}(a/\sqrt 2) - \sqrt{2/\pi}\, a\, e^{-a^2/2}`, and the mean inside is the Gaussian
    averaged over the overlap of the sphere with itself, :math:`1 - 3r/(4R) + r^3/(16R^3)`:
    :math:`\mathrm{erf}(\sqrt 2 a) - \frac{1}{\sqrt{2\pi}}\left(\frac{3}{a} - \frac{1}{a^3}
    - e^{-2a^2}\left(\frac{1}{a} - \frac{1}{a^3}\right)\right)`. It holds for the outline as it is; one
    drawn on the blurred image by a threshold is another. Activity around the sphere spills in, and is not
    counted.

    Parameters
    ----------
    volume_ml
        Of the sphere, > 0 [mL].
    fwhm_mm
        Full width at half maximum of the blur, > 0 [mm].

    Raises
    ------
    InputError
        When a number is out of range.

    Examples
    --------
    >>> found = sphere_recovery(volume_ml=4.0, fwhm_mm=12.0)
    >>> round(found.mean, 3), round(found.centre, 3)
    (0.436, 0.708)
    """
    for name, value, unit in (("volume_ml", volume_ml, "mL"), ("fwhm_mm", fwhm_mm, "mm")):
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} must be finite and > 0 [{unit}]; got {value!r}")
    radius_mm = (0.75e3 * volume_ml / math.pi) ** (1.0 / 3.0)
    a = radius_mm * FWHM_PER_SIGMA / fwhm_mm
    if a < _SMALL:
        # First two terms: the next is smaller by a^4.
        lead = a**3 / (3.0 * math.sqrt(2.0 * math.pi))
        return SphereRecovery(2.0 * lead * (1.0 - 0.6 * a**2), 2.0 * lead * (1.0 - 0.3 * a**2))
    centre = math.erf(a / math.sqrt(2.0)) - math.sqrt(2.0 / math.pi) * a * math.exp(-(a**2) / 2.0)
    away = 3.0 / a - 1.0 / a**3 - math.exp(-2.0 * a**2) * (1.0 / a - 1.0 / a**3)
    return SphereRecovery(math.erf(math.sqrt(2.0) * a) - away / math.sqrt(2.0 * math.pi), centre)
