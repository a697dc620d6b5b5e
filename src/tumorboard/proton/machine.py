"""Machines: kernels for the energies of a beam model, energies in between, and range shifters."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from tumorboard.core.beam import (
    BeamModel,
    EnergySpectrum,
    PhaseSpace,
    ProtonMachine,
    RangeShifter,
    SpotModel,
)
from tumorboard.core.material import Material
from tumorboard.core.pencil_kernel import PencilKernel
from tumorboard.errors import InputError
from tumorboard.physics.materials import material, material_names
from tumorboard.physics.scattering import fermi_eyges
from tumorboard.proton.water_kernels import pencil_kernel
from tumorboard.provenance import Record

__all__ = [
    "RangeShifterEffect",
    "at_energy",
    "build_machine",
    "range_shifter_effect",
    "range_shifter_material",
    "spot_at_energy",
]

#: Energies are the same when they differ by less than this [MeV]; plans print three digits.
_SAME_MEV: Final = 1e-3

#: What machines call their materials, in small letters, and what we call them.
_OTHER_NAMES: Final = {
    "lexan": "polycarbonate",
    "lucite": "PMMA",
    "perspex": "PMMA",
    "plexiglas": "PMMA",
    "acrylic": "PMMA",
    "water": "water, liquid",
}


def _neighbours(energies: NDArray[np.float64], energy_mev: float, name: str) -> tuple[int, float]:
    """Return the index of the energy at or below, and how far the wanted one is towards the next."""
    if not energies[0] - _SAME_MEV <= energy_mev <= energies[-1] + _SAME_MEV:
        raise InputError(
            f"nominal_energy_mev must be {energies[0]:g} to {energies[-1]:g}, what {name!r} offers [MeV]; "
            f"got {energy_mev:g}; nothing is extrapolated: take another energy, range shifter or machine"
        )
    nearest = int(np.abs(energies - energy_mev).argmin())
    if abs(energies[nearest] - energy_mev) <= _SAME_MEV:
        return nearest, 0.0
    below = int(np.searchsorted(energies, energy_mev)) - 1
    return below, float((energy_mev - energies[below]) / (energies[below + 1] - energies[below]))


def _mixed(a: float, b: float, part: float) -> float:
    return (1.0 - part) * a + part * b


def _mixed_spots(a: SpotModel, b: SpotModel, part: float, energy_mev: float) -> SpotModel:
    if len(a.phase_space) != len(b.phase_space) or a.spectrum.mean_mev.size != b.spectrum.mean_mev.size:
        raise InputError(
            f"spots at {a.nominal_energy_mev:g} and {b.nominal_energy_mev:g} MeV must have equally many "
            f"Gaussians to be interpolated; got {len(a.phase_space)} and {len(b.phase_space)} in space, "
            f"{a.spectrum.mean_mev.size} and {b.spectrum.mean_mev.size} in energy; ask for one of the two"
        )
    spectrum = EnergySpectrum(
        *(
            (1.0 - part) * getattr(a.spectrum, name) + part * getattr(b.spectrum, name)
            for name in ("mean_mev", "sigma_mev", "weights")
        )
    )
    names = PhaseSpace.__dataclass_fields__
    spaces = tuple(
        PhaseSpace(**{n: _mixed(getattr(p, n), getattr(q, n), part) for n in names})
        for p, q in zip(a.phase_space, b.phase_space, strict=True)
    )
    known = a.protons_per_mu is not None and b.protons_per_mu is not None
    per_mu = _mixed(a.protons_per_mu or 0.0, b.protons_per_mu or 0.0, part) if known else None
    return SpotModel(energy_mev, spectrum, spaces, per_mu)


def spot_at_energy(beam_model: BeamModel, nominal_energy_mev: float) -> SpotModel:
    """Return the spot of an energy: the beam model's own, or linear between its two neighbours.

    Parameters
    ----------
    beam_model
        Of a machine.
    nominal_energy_mev
        Within 0.001 MeV of one of its energies, or between two of them [MeV].

    Returns
    -------
    SpotModel
        Spectrum, phase space and protons per monitor unit are all interpolated.

    Raises
    ------
    InputError
        When the energy is out of reach, or the neighbours have unequal numbers of Gaussians.

    Examples
    --------
    >>> from tumorboard.proton.generic_machine import generic_beam_model
    >>> round(spot_at_energy(generic_beam_model(), 151.2).spectrum.total_mean_mev, 1)
    151.2
    """
    below, part = _neighbours(beam_model.nominal_energies_mev, nominal_energy_mev, beam_model.name)
    if part == 0:
        return beam_model.spots[below]
    return _mixed_spots(beam_model.spots[below], beam_model.spots[below + 1], part, nominal_energy_mev)


def at_energy(machine: ProtonMachine, nominal_energy_mev: float) -> tuple[SpotModel, PencilKernel]:
    """Return spot and kernel of an energy: the machine's own, or between its two neighbours.

    In between, depths are scaled by the ranges, so that curves of equal shape are mixed; the range follows
    a power of the energy through both neighbours, and R80 of the result is that range exactly.

    Parameters
    ----------
    machine
        With kernels.
    nominal_energy_mev
        Within 0.001 MeV of one of its energies, or between two of them [MeV].

    Returns
    -------
    tuple
        Spot and kernel.

    Raises
    ------
    InputError
        When the energy is out of reach, or the neighbours are too unlike to be interpolated.

    Examples
    --------
    >>> from tumorboard.proton.generic_machine import generic_machine
    >>> spot, kernel = at_energy(generic_machine(), 151.2)
    >>> round(kernel.range_mm)
    160
    """
    model = machine.beam_model
    below, part = _neighbours(model.nominal_energies_mev, nominal_energy_mev, model.name)
    spot = spot_at_energy(model, nominal_energy_mev)
    first = machine.kernels[below]
    if part == 0:
        return spot, first
    return spot, _mixed_kernels(first, machine.kernels[below + 1], part, nominal_energy_mev)


def _mixed_kernels(a: PencilKernel, b: PencilKernel, part: float, energy_mev: float) -> PencilKernel:
    if a.sigma_mm.shape[1] != b.sigma_mm.shape[1]:
        raise InputError(
            f"kernels at {a.nominal_energy_mev:g} and {b.nominal_energy_mev:g} MeV must have equally many "
            f"lateral components; got {a.sigma_mm.shape[1]} and {b.sigma_mm.shape[1]}; ask for one of the two"
        )
    power = np.log(b.range_mm / a.range_mm) / np.log(b.nominal_energy_mev / a.nominal_energy_mev)
    reach = a.range_mm * (energy_mev / a.nominal_energy_mev) ** power
    depth = a.depth_mm * (reach / a.range_mm)

    def mix(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        other = np.interp(depth * (b.range_mm / reach), b.depth_mm, y)
        mixed: NDArray[np.float64] = (1.0 - part) * x + part * other
        return mixed

    # Squeezing a curve over depth must not change the energy below it.
    dose = mix(
        a.integrated_dose_gy_mm2 * (a.range_mm / reach), b.integrated_dose_gy_mm2 * (b.range_mm / reach)
    )
    components = range(a.sigma_mm.shape[1])
    weights = np.stack([mix(a.weights[:, c], b.weights[:, c]) for c in components], axis=1)
    let = None
    if a.let_kev_um is not None and b.let_kev_um is not None:
        let = mix(a.let_kev_um, b.let_kev_um)
    made = PencilKernel(
        nominal_energy_mev=energy_mev,
        depth_mm=depth,
        integrated_dose_gy_mm2=dose,
        sigma_mm=np.stack([mix(a.sigma_mm[:, c], b.sigma_mm[:, c]) for c in components], axis=1),
        weights=weights / weights.sum(axis=1, keepdims=True),
        provenance=Record(
            "proton.at_energy", {"nominal_energy_mev": energy_mev}, (a.provenance, b.provenance)
        ),
        let_kev_um=let,
    )
    return replace(made, depth_mm=depth * (reach / made.range_mm))


def build_machine(
    beam_model: BeamModel, energies_mev: Iterable[float] | None = None, *, depth_step_mm: float = 0.2
) -> ProtonMachine:
    """Return a machine with kernels of our own physics.

    Parameters
    ----------
    beam_model
        What the machine delivers.
    energies_mev
        Nominal energies wanted, for instance those of a plan; energies between those of the beam model
        have interpolated spots, and kernels of their own [MeV]. ``None``: all of the beam model.
    depth_step_mm
        Of the kernels, 0.05 to 2 [mm].

    Returns
    -------
    ProtonMachine
        Of the energies wanted, by ascending energy.

    Raises
    ------
    InputError
        When an energy is out of reach.

    Examples
    --------
    >>> from tumorboard.proton.generic_machine import generic_beam_model
    >>> len(build_machine(generic_beam_model(), [100.0, 151.2]).kernels)
    2
    """
    if energies_mev is not None:
        wanted = sorted({float(e) for e in energies_mev})
        spots = tuple(replace(spot_at_energy(beam_model, e), nominal_energy_mev=e) for e in wanted)
        beam_model = replace(beam_model, spots=spots)
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        kernels = tuple(
            pool.map(lambda spot: pencil_kernel(spot, depth_step_mm=depth_step_mm), beam_model.spots)
        )
    return ProtonMachine(beam_model, kernels)


@dataclass(frozen=True, slots=True)
class RangeShifterEffect:
    r"""What a range shifter does to a pencil beam.

    A distance ``d`` behind its downstream face it has added
    :math:`A_2 + 2 A_1 d + A_0 d^2` to the variance of the position, in each plane.

    Parameters
    ----------
    water_equivalent_mm
        Depth in water that it takes [mm].
    exit_energy_mev
        Mean kinetic energy behind it [MeV].
    angle_rad2
        A0, variance of the direction, at the downstream face [rad2].
    covariance_mm_rad
        A1, covariance of position and direction there [mm rad].
    position_mm2
        A2, variance of the position there [mm2].
    water_angle_rad2
        A0 behind as much water [rad2]: what a kernel of water holds of it at its depth.
    water_covariance_mm_rad
        A1 there [mm rad].
    water_position_mm2
        A2 there [mm2].
    """

    water_equivalent_mm: float
    exit_energy_mev: float
    angle_rad2: float
    covariance_mm_rad: float
    position_mm2: float
    water_angle_rad2: float
    water_covariance_mm_rad: float
    water_position_mm2: float


def range_shifter_material(shifter: RangeShifter) -> Material:
    """Return the material of a range shifter, by our name or a common one such as ``lexan``.

    Parameters
    ----------
    shifter
        Of a machine.

    Returns
    -------
    Material
        As :func:`tumorboard.physics.materials.material` gives it.

    Raises
    ------
    InputError
        When nobody knows the name.

    Examples
    --------
    >>> range_shifter_material(RangeShifter("RS", "Lexan", 30.0, 34.4)).name
    'polycarbonate'
    """
    name = shifter.material.strip()
    ours = {n.lower(): n for n in material_names()} | _OTHER_NAMES
    if name.lower() not in ours:
        raise InputError(
            f"material of range shifter {shifter.identifier!r} must be one of material_names() or "
            f"{', '.join(_OTHER_NAMES)}; got {shifter.material!r}"
        )
    return material(ours[name.lower()])


@lru_cache(maxsize=1024)
def range_shifter_effect(shifter: RangeShifter, energy_mev: float) -> RangeShifterEffect:
    """Return what a range shifter takes in depth and how it scatters, by Fermi-Eyges theory [1]_.

    Nuclear reactions in it count as if it were water: the kernel behind it holds them.

    Parameters
    ----------
    shifter
        Its water-equivalent thickness is taken as it says.
    energy_mev
        Mean kinetic energy before it [MeV].

    Returns
    -------
    RangeShifterEffect
        Moments at its downstream face.

    Raises
    ------
    InputError
        When the beam stops in it or its material is unknown.

    References
    ----------
    .. [1] gottschalk2010scattering

    Examples
    --------
    >>> effect = range_shifter_effect(RangeShifter("RS", "lexan", 40.0, 46.0), 150.0)
    >>> round(1e3 * effect.angle_rad2**0.5, 1)  # milliradian
    16.7
    """
    moments, energy = fermi_eyges([(range_shifter_material(shifter), shifter.thickness_mm)], energy_mev)
    water, _ = fermi_eyges([(material("water, liquid"), shifter.water_equivalent_thickness_mm)], energy_mev)
    return RangeShifterEffect(
        shifter.water_equivalent_thickness_mm,
        energy,
        moments.angle_rad2,
        moments.covariance_mm_rad,
        moments.position_mm2,
        water.angle_rad2,
        water.covariance_mm_rad,
        water.position_mm2,
    )
