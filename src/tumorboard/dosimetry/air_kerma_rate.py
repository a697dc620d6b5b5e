"""Air kerma rate beside a source of a nuclide, from its photons."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError
from tumorboard.physics.decay import DecayData, DecayLibrary, EmissionKind, decay_data
from tumorboard.physics.decay_chain import decay_chain
from tumorboard.physics.materials import material
from tumorboard.physics.photon_attenuation import (
    HIGHEST_PHOTON_MEV,
    LOWEST_PHOTON_MEV,
    mass_energy_absorption_cm2_g,
)

__all__ = ["AirKermaRateConstant", "air_kerma_rate_constant"]

_ELECTRON_MEV: Final = 0.51099895
# From MeV cm2/g per decay to uGy m2/(GBq h): J/MeV times g/kg, m2/cm2, uGy/Gy, decays in a GBq h.
_UGY_M2_GBQ_H: Final = 1.602176634e-13 * 1e3 * 1e-4 * 1e6 * 1e9 * 3600.0


@dataclass(frozen=True, slots=True)
class AirKermaRateConstant:
    """Air kerma rate by activity at a distance from a bare point source, times that distance squared.

    Parameters
    ----------
    nuclide
        Without its progeny, but for ``progeny``.
    library
        Whose decay data.
    least_energy_mev
        Photons of this energy and less are left out [MeV].
    ugy_m2_gbq_h
        The constant [uGy m2/(GBq h)].
    uncertainty_ugy_m2_gbq_h
        Standard uncertainty from the yields of the photons, taken as independent [uGy m2/(GBq h)].
    progeny
        What is counted with the nuclide, each with its activity over the nuclide's.
    """

    nuclide: Nuclide
    library: DecayLibrary
    least_energy_mev: float
    ugy_m2_gbq_h: float
    uncertainty_ugy_m2_gbq_h: float
    progeny: tuple[tuple[Nuclide, float], ...] = ()


def _photons(data: DecayData) -> list[tuple[float, float, float]]:
    """Return energy [MeV], yield and its uncertainty of all photons, those of annihilation among them."""
    lines = [
        (e.energy_mev, e.yield_per_decay, e.yield_uncertainty)
        for e in data.emissions
        if e.kind in (EmissionKind.GAMMA, EmissionKind.X_RAY)
    ]
    lines += [
        (_ELECTRON_MEV, 2.0 * e.yield_per_decay, 2.0 * e.yield_uncertainty)
        for e in data.emissions
        if e.kind is EmissionKind.BETA_PLUS
    ]
    for spectrum in data.spectra:
        if spectrum.kind is EmissionKind.GAMMA:
            middles = 0.5 * (spectrum.edges_mev[1:] + spectrum.edges_mev[:-1])
            lines += [
                (float(e), float(y), 0.0) for e, y in zip(middles, spectrum.yield_per_decay, strict=True)
            ]
    return lines


def air_kerma_rate_constant(
    nuclide: Nuclide | str,
    *,
    library: DecayLibrary,
    least_energy_mev: float,
    progeny_half_life_s: float = 0.0,
) -> AirKermaRateConstant:
    """Return the air kerma rate constant of a nuclide from its photons [1]_.

    The sum over gammas, X rays and photons of annihilation of energy, yield and mass energy-absorption
    coefficient of air, over 4 pi: collision kerma, without attenuation in air. Bremsstrahlung is not
    included, and progeny only as ``progeny_half_life_s`` says: without that of Y-89m, Zr-89 has a fifth of
    its constant, and Cs-137 none. It is kerma in air and of a bare point: a patient absorbs part of it, and
    effective dose is another quantity. 1 m from 230 patients with Lu-177 0.0037 mSv/h per GBq was measured on
    average, half of what the gamma constant used there says [2]_.

    Parameters
    ----------
    nuclide
        Itself or its name.
    library
        Whose decay data.
    least_energy_mev
        0.001 to 20: photons of this energy and less are left out. It matters: X rays of L shells, which
        hardly leave a patient, double the constant of Lu-177 [MeV].
    progeny_half_life_s
        Progeny of this half-life or less counts as in equilibrium with the nuclide and in its place; 0: none.
        It and all between it and the nuclide must live shorter than the nuclide [s].

    Raises
    ------
    InputError
        When the library does not have the nuclide, or an energy or half-life is out of range.

    References
    ----------
    .. [1] smith2012exposure
    .. [2] bellamy2022doserate

    Examples
    --------
    >>> found = air_kerma_rate_constant("I-131", library=DecayLibrary.ENDF_B_VIII_1, least_energy_mev=0.02)
    >>> round(found.ugy_m2_gbq_h, 1)
    52.0
    """
    if not LOWEST_PHOTON_MEV <= least_energy_mev <= HIGHEST_PHOTON_MEV:
        raise InputError(
            f"least_energy_mev must be {LOWEST_PHOTON_MEV:g} to {HIGHEST_PHOTON_MEV:g} [MeV]; "
            f"got {least_energy_mev!r}"
        )
    data = decay_data(nuclide, library=library)
    progeny = _in_equilibrium(data, progeny_half_life_s)
    found = [
        (energy, share * number, share * spread)
        for member, share in ((data.nuclide, 1.0), *progeny)
        for energy, number, spread in _photons(decay_data(member, library=library))
    ]
    photons = np.array([p for p in found if p[0] > least_energy_mev and p[1] > 0.0]).reshape(-1, 3)
    energy, yields, spread = photons.T
    by_yield = energy * mass_energy_absorption_cm2_g(material("air, dry"), energy)
    by_yield *= _UGY_M2_GBQ_H / (4.0 * math.pi)
    return AirKermaRateConstant(
        data.nuclide,
        library,
        float(least_energy_mev),
        float(by_yield @ yields),
        float(np.linalg.norm(by_yield * spread)),
        progeny,
    )


def _in_equilibrium(data: DecayData, longest_s: float) -> tuple[tuple[Nuclide, float], ...]:
    """Return short-lived progeny and its activity over the nuclide's, which then all fall together."""
    if not 0.0 <= longest_s < data.half_life_s:
        raise InputError(
            f"progeny_half_life_s must be >= 0 and less than the {data.half_life_s:g} of {data.nuclide} [s]; "
            f"got {longest_s!r}"
        )
    if longest_s == 0.0:
        return ()
    chain = decay_chain(data.nuclide, library=data.library)
    shares = np.zeros(len(chain.members))
    shares[0] = 1.0
    for k in np.flatnonzero(chain.half_life_s <= longest_s):
        # Of a rate that its own decay, slowed by the nuclide's, balances.
        shares[k] = chain.branching[k] @ shares / (1.0 - chain.half_life_s[k] / data.half_life_s)
    return tuple((chain.members[k], float(shares[k])) for k in np.flatnonzero(shares[1:]) + 1)
