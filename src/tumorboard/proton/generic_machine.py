"""A machine of our own, for teaching, tests and studies: no clinic's, and no clinic's plan may use it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np

from tumorboard.core.beam import (
    BeamModel,
    EnergySpectrum,
    PhaseSpace,
    ProtonMachine,
    RangeShifter,
    SpotModel,
)
from tumorboard.physics.materials import material
from tumorboard.physics.proton_kinematics import momentum_speed_mev
from tumorboard.physics.ranges import csda_range_g_cm2, energy_from_range_mev
from tumorboard.physics.stopping_power import electronic_mass_stopping_power_mev_cm2_g, stopping_power_ratio
from tumorboard.proton.machine import build_machine
from tumorboard.provenance import Record

__all__ = ["GENERIC_MACHINE_NAME", "generic_beam_model", "generic_machine"]

GENERIC_MACHINE_NAME: Final = "tumorboard generic"

#: Lowest and highest energy [MeV]: 4 cm reach a superficial target behind a range shifter, 33 cm any target.
_ENERGIES_MEV: Final = (70.0, 230.0)
#: Layers this far apart in water [mm] add up to a flat depth dose even where peaks are sharpest, with their
#: width in range below.
_LAYER_STEP_MM: Final = 3.0

#: Spread of the energy, as a standard deviation of the range [mm]: a degrader and a momentum slit leave about
#: 1 % of momentum at low energies and less at high ones, where the slit takes less of the beam.
_RANGE_SPREAD_MM: Final = (1.1, 1.6)

#: Width in air at the isocentre at 70 and 230 MeV [mm]: between them it goes as 1/(pv), as scattering in
#: window, chambers and air does.
_SIGMA_MM: Final = (6.0, 3.0)
#: Share of the divergence in a waist at the isocentre [rad]: a weak focus, 2 mrad for slow protons.
_DIVERGENCE_RAD: Final = (0.004, 0.002)

#: Upstream of the isocentre [mm]: exit of the nozzle, where the phase space is given; scanning magnets.
_PLANE_MM: Final = 420.0
_SOURCES_MM: Final = (2000.0, 1700.0)

#: One monitor unit is this charge in an air chamber with this gap, [C] and [mm], at W/e [J/C].
_CHARGE_PER_MU_C: Final = 3.0e-9
_GAP_MM: Final = 10.0
_W_AIR_J_C: Final = 34.44


def _by_scattering(energy_mev: float, ends: tuple[float, float]) -> float:
    """Return a value that goes linearly with 1/(pv) between those at the lowest and the highest energy."""
    inverse = [1.0 / float(momentum_speed_mev(np.asarray(e))) for e in (*_ENERGIES_MEV, energy_mev)]
    part = (inverse[2] - inverse[1]) / (inverse[0] - inverse[1])
    return ends[1] + part * (ends[0] - ends[1])


def _protons_per_mu(energy_mev: float) -> float:
    """Return the protons whose ionisation in the chamber's air is one monitor unit."""
    air = material("air, dry")
    stopping = float(electronic_mass_stopping_power_mev_cm2_g(air, energy_mev))
    lost_j = stopping * air.density_g_cm3 * 0.1 * _GAP_MM * 1.602176634e-13
    return _CHARGE_PER_MU_C * _W_AIR_J_C / lost_j


def _spot(energy_mev: float) -> SpotModel:
    water = material("water, liquid")
    low, high = (10.0 * float(csda_range_g_cm2(water, e)) for e in _ENERGIES_MEV)
    reach = 10.0 * float(csda_range_g_cm2(water, energy_mev))
    spread = _RANGE_SPREAD_MM[0] + (reach - low) / (high - low) * (_RANGE_SPREAD_MM[1] - _RANGE_SPREAD_MM[0])
    around = energy_from_range_mev(water, 0.1 * np.array([reach - spread, reach + spread]))
    sigma, divergence = _by_scattering(energy_mev, _SIGMA_MM), _by_scattering(energy_mev, _DIVERGENCE_RAD)
    # A waist at the isocentre, carried back to the plane: there the beam converges.
    wide = math.hypot(sigma, divergence * _PLANE_MM)
    correlation = -divergence * _PLANE_MM / wide
    space = PhaseSpace(1.0, wide, wide, divergence, divergence, correlation, correlation)
    spectrum = EnergySpectrum(np.array([energy_mev]), 0.5 * np.diff(around), np.array([1.0]))
    return SpotModel(energy_mev, spectrum, (space,), _protons_per_mu(energy_mev))


@lru_cache(maxsize=1)
def generic_beam_model() -> BeamModel:
    """Return the beam model of the generic machine.

    97 energies from 70 to 230 MeV, 3 mm apart in water; a single round Gaussian with its waist at the
    isocentre, 6.0 mm wide (standard deviation) at 70 and 3.0 mm at 230 MeV; an energy spread of 1.1 to
    1.6 mm in range; monitor units of 3 nC in a chamber of 10 mm of air; a range shifter ``RS40`` of 40 mm of
    lexan.

    Returns
    -------
    BeamModel
        Named :data:`GENERIC_MACHINE_NAME`.

    Examples
    --------
    >>> generic_beam_model().range_shifter("RS40").thickness_mm
    40.0
    """
    water, lexan = material("water, liquid"), material("polycarbonate")
    low, high = (10.0 * float(csda_range_g_cm2(water, e)) for e in _ENERGIES_MEV)
    ranges = np.linspace(low, high, round((high - low) / _LAYER_STEP_MM) + 1)
    energies = np.round(energy_from_range_mev(water, 0.1 * ranges), 3)
    ratio = float(stopping_power_ratio(lexan, 150.0))
    return BeamModel(
        name=GENERIC_MACHINE_NAME,
        spots=tuple(_spot(float(e)) for e in energies),
        plane_mm=_PLANE_MM,
        source_distance_mm=_SOURCES_MM,
        provenance=Record("proton.generic_beam_model", {"n_energies": int(energies.size)}),
        range_shifters=(RangeShifter("RS40", "lexan", 40.0, round(40.0 * ratio, 2)),),
    )


@lru_cache(maxsize=1)
def generic_machine() -> ProtonMachine:
    """Return the generic machine; its kernels are calculated once per process, in about half a second.

    Returns
    -------
    ProtonMachine
        Of :func:`generic_beam_model`.

    Examples
    --------
    >>> round(generic_machine().kernels[0].range_mm)
    41
    """
    return build_machine(generic_beam_model())
