"""Multiple Coulomb scattering of protons: scattering power and what it does to a beam."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicHermiteSpline

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics.elements import element
from tumorboard.physics.proton_kinematics import momentum_speed_mev
from tumorboard.physics.ranges import csda_range_g_cm2, residual_energy_mev
from tumorboard.physics.stopping_power import HIGHEST_ENERGY_MEV

__all__ = [
    "ALPHA_NA_RE2_CM2_MOL",
    "BeamMoments",
    "fermi_eyges",
    "scattering_length_g_cm2",
    "scattering_power_rad2_mm",
    "scattering_sigma_mm",
]

#: Fine structure constant, Avogadro's number and the square of the electron's radius, multiplied [cm2/mol].
ALPHA_NA_RE2_CM2_MOL: Final = 7.2973525693e-3 * 6.02214076e23 * (2.8179403262e-13) ** 2
_SCATTERING_ENERGY_MEV = 15.0


@lru_cache(maxsize=256)
def scattering_length_g_cm2(material: Material) -> float:
    r"""Return the scattering length of a material, times its density.

    :math:`1/(\rho X_S) = \alpha N_A r_e^2 \sum_i w_i (Z_i^2/A_i) [2 \ln(33219 (A_i Z_i)^{-1/3}) - 1]` [1]_.

    Parameters
    ----------
    material
        Any of elements 1 to 92.

    Returns
    -------
    float
        [g/cm2].

    References
    ----------
    .. [1] gottschalk2010scattering

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> round(scattering_length_g_cm2(material("water, liquid")), 2)
    46.88
    """
    total = 0.0
    for z, fraction in material.mass_fractions:
        weight = element(z).atomic_weight_g_mol
        total += fraction * z**2 / weight * (2.0 * math.log(33219.0 * (weight * z) ** (-1.0 / 3.0)) - 1.0)
    return 1.0 / (ALPHA_NA_RE2_CM2_MOL * total)


def _single_scattering(pv: NDArray[np.float64], first: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Gottschalk's factor of the differential Moliere formula."""
    # At the surface the fit goes to minus infinity and is negative within 1e-6 of the range: no scattering.
    depth = np.log10(np.maximum(1.0 - (pv / first) ** 2, 1e-12))
    speed = np.log10(pv)
    factor = 0.5244 + 0.1975 * depth + 0.2320 * speed - 0.0098 * speed * depth
    return np.maximum(factor, 0.0)


def scattering_power_rad2_mm(
    material: Material, energy_mev: ArrayLike, *, initial_energy_mev: float
) -> NDArray[np.float64]:
    r"""Return how fast the variance of the projected angle grows: Gottschalk's differential Moliere [1]_.

    :math:`T = f (E_s/pv)^2 / X_S` with :math:`E_s` = 15 MeV. The factor f, the single scattering correction,
    depends on how far scattering has gone, hence on the energy with which the beam met the first matter.

    Parameters
    ----------
    material
        At the point of interest.
    energy_mev
        Kinetic energy there, 0 < energy <= ``initial_energy_mev``, any shape [MeV].
    initial_energy_mev
        Before all matter, up to 1000 [MeV].

    Returns
    -------
    ndarray
        Of that shape [rad2/mm].

    Raises
    ------
    InputError
        When an energy is out of range.

    References
    ----------
    .. [1] gottschalk2010scattering

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> power = scattering_power_rad2_mm(material("water, liquid"), 100.0, initial_energy_mev=150.0)
    >>> round(float(power) * 1e6, 2)
    13.32
    """
    energies = np.asarray(energy_mev, dtype=np.float64)
    if not ((energies > 0) & (energies <= initial_energy_mev)).all():
        raise InputError(
            f"energy_mev must be > 0 and at most initial_energy_mev, {initial_energy_mev:g} [MeV]; "
            f"got {energies.min():.6g} to {energies.max():.6g}"
        )
    pv = momentum_speed_mev(energies)
    factor = _single_scattering(pv, momentum_speed_mev(np.asarray(initial_energy_mev)))
    per_cm = material.density_g_cm3 / scattering_length_g_cm2(material)
    return np.asarray(0.1 * per_cm * factor * (_SCATTERING_ENERGY_MEV / pv) ** 2)


@dataclass(frozen=True, slots=True)
class BeamMoments:
    """Second moments of a beam, in one plane that holds its axis: the Fermi-Eyges moments.

    Parameters
    ----------
    angle_rad2
        Variance of the direction, >= 0 [rad2].
    covariance_mm_rad
        Of position and direction; positive in a beam that diverges [mm rad].
    position_mm2
        Variance of the position, >= 0 [mm2].

    Raises
    ------
    InputError
        When no distribution has such moments.

    Examples
    --------
    >>> BeamMoments(1e-4, 0.0, 4.0).drifted(100.0)
    BeamMoments(angle_rad2=0.0001, covariance_mm_rad=0.01, position_mm2=5.0)
    """

    angle_rad2: float = 0.0
    covariance_mm_rad: float = 0.0
    position_mm2: float = 0.0

    def __post_init__(self) -> None:
        both = self.angle_rad2 * self.position_mm2
        if not (self.angle_rad2 >= 0 and self.position_mm2 >= 0 and self.covariance_mm_rad**2 <= both + 1e-9):
            raise InputError(
                "angle_rad2 [rad2] and position_mm2 [mm2] must be >= 0 and their product at least "
                f"covariance_mm_rad squared; got {self}"
            )

    @property
    def sigma_mm(self) -> float:
        """Standard deviation of the position [mm]."""
        return math.sqrt(self.position_mm2)

    def drifted(self, distance_mm: float) -> BeamMoments:
        """Return the moments after ``distance_mm`` of empty space [mm]; a negative distance goes back."""
        d = distance_mm
        covariance = self.covariance_mm_rad + self.angle_rad2 * d
        position = self.position_mm2 + d * (2.0 * self.covariance_mm_rad + self.angle_rad2 * d)
        return BeamMoments(self.angle_rad2, covariance, max(position, 0.0))

    def __add__(self, other: BeamMoments) -> BeamMoments:
        return BeamMoments(
            self.angle_rad2 + other.angle_rad2,
            self.covariance_mm_rad + other.covariance_mm_rad,
            self.position_mm2 + other.position_mm2,
        )


def _graded(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return edges of n intervals on [0, 1], and four points and weights in each.

    Both ends are fine: at the first f has a logarithm, at the second protons may stop.
    """
    edges = 0.5 - 0.5 * np.cos(np.pi * np.linspace(0.0, 1.0, n + 1))
    abscissa, weight = np.polynomial.legendre.leggauss(4)
    half = 0.5 * np.diff(edges)
    points = 0.5 * (edges[1:] + edges[:-1])[:, None] + half[:, None] * abscissa
    return edges, points, half[:, None] * weight


def _slab_moments(
    material: Material, energy_mev: float, initial_mev: float, thickness_mm: float, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return depths [mm], shape (n + 1,), and the three moments there of a beam without width, (3, n + 1)."""
    edges, points, weights = _graded(n)
    energies = residual_energy_mev(material, energy_mev, points * thickness_mm)
    power = scattering_power_rad2_mm(material, np.maximum(energies, 1e-6), initial_energy_mev=initial_mev)
    depth = points * thickness_mm
    sums = [
        np.concatenate(([0.0], np.cumsum((weights * thickness_mm * power * depth**k).sum(axis=1))))
        for k in range(3)
    ]
    x = edges * thickness_mm
    moments = np.stack([sums[0], x * sums[0] - sums[1], x * x * sums[0] - 2.0 * x * sums[1] + sums[2]])
    return x, np.maximum(moments, 0.0)


def fermi_eyges(
    layers: Sequence[tuple[Material, float]],
    energy_mev: float,
    *,
    initial: BeamMoments | None = None,
) -> tuple[BeamMoments, float]:
    """Return the moments of a beam behind a stack of slabs, and its mean energy there [1]_.

    Air gaps are layers too, or :meth:`BeamMoments.drifted` when their air may be left out.

    Parameters
    ----------
    layers
        Material and thickness [mm] of each slab, in the order in which the beam meets them.
    energy_mev
        Kinetic energy before the first, up to 1000 [MeV].
    initial
        Moments before the first; no width and no divergence when not given.

    Returns
    -------
    tuple
        Moments, and the kinetic energy [MeV] behind the last slab.

    Raises
    ------
    InputError
        When the beam stops in a slab, or a number is out of range.

    References
    ----------
    .. [1] gottschalk2010scattering

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> lexan, air = material("polycarbonate"), material("air, dry")
    >>> moments, energy_mev = fermi_eyges([(lexan, 40.0), (air, 200.0)], 150.0)
    >>> round(moments.sigma_mm, 2), round(energy_mev, 1)
    (3.65, 123.3)
    """
    if not 0 < energy_mev <= HIGHEST_ENERGY_MEV:
        raise InputError(
            f"energy_mev must be > 0 and at most {HIGHEST_ENERGY_MEV:g} [MeV]; got {energy_mev!r}"
        )
    moments, energy = initial or BeamMoments(), float(energy_mev)
    for number, (material, thickness_mm) in enumerate(layers):
        if thickness_mm == 0:
            continue
        after = float(residual_energy_mev(material, energy, thickness_mm))
        if after <= 0:
            reach = 10.0 * float(csda_range_g_cm2(material, energy)) / material.density_g_cm3
            raise InputError(
                f"layers must let the beam through; {energy:.6g} MeV reach {reach:.4g} mm into "
                f"layer {number}, {thickness_mm:g} mm of {material.name}; take more energy or thinner layers"
            )
        _, own = _slab_moments(material, energy, float(energy_mev), thickness_mm, 60)
        moments = moments.drifted(thickness_mm) + BeamMoments(*(float(m) for m in own[:, -1]))
        energy = after
    return moments, energy


@lru_cache(maxsize=64)
def _growth(material: Material, energy_mev: float) -> tuple[CubicHermiteSpline, float]:
    """Return ln(variance of position) over ln(depth), and the range [mm]."""
    reach = 10.0 * float(csda_range_g_cm2(material, energy_mev)) / material.density_g_cm3
    depth, moments = _slab_moments(material, energy_mev, energy_mev, reach, 160)
    x, covariance, variance = depth[1:], moments[1, 1:], moments[2, 1:]
    slope = 2.0 * covariance * x / variance
    return CubicHermiteSpline(np.log(x), np.log(variance), slope), reach


def scattering_sigma_mm(material: Material, energy_mev: float, depth_mm: ArrayLike) -> NDArray[np.float64]:
    """Return the width that scattering gives to a pencil beam at depths in a homogeneous material.

    Parameters
    ----------
    material
        Which the beam enters at depth 0, as a line.
    energy_mev
        Kinetic energy there, > 0, up to 1000 [MeV].
    depth_mm
        >= 0, any shape [mm]; beyond the range the width at the range holds.

    Returns
    -------
    ndarray
        Standard deviation of the position in one plane, of that shape [mm].

    Raises
    ------
    InputError
        When a number is out of range.

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> scattering_sigma_mm(material("water, liquid"), 150.0, [50.0, 100.0, 157.0]).round(2)
    array([0.5 , 1.53, 3.43])
    """
    if not 0 < energy_mev <= HIGHEST_ENERGY_MEV:
        raise InputError(
            f"energy_mev must be > 0 and at most {HIGHEST_ENERGY_MEV:g} [MeV]; got {energy_mev!r}"
        )
    depths = np.asarray(depth_mm, dtype=np.float64)
    if not (depths >= 0).all():
        raise InputError(f"depth_mm must be >= 0 [mm]; got {depths.min():.6g}")
    spline, reach = _growth(material, float(energy_mev))
    first = math.exp(spline.x[0])
    logs = np.log(np.clip(depths, first, reach))
    sigma = np.exp(0.5 * np.minimum(spline(logs), spline(spline.x[-1])))
    # Above the first node the width goes as the depth to the power 3/2.
    return np.asarray(sigma * np.minimum(depths / first, 1.0) ** 1.5)
