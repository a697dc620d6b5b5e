"""Pencil beams in water from our own physics, for any energy and spectrum."""

from __future__ import annotations

from typing import Final

import numpy as np

from tumorboard.core.beam import EnergySpectrum, SpotModel
from tumorboard.core.material import Material
from tumorboard.core.pencil_kernel import PencilKernel
from tumorboard.errors import InputError
from tumorboard.physics.depth_dose import depth_dose
from tumorboard.physics.materials import material as named
from tumorboard.physics.scattering import scattering_sigma_mm
from tumorboard.provenance import Record

__all__ = ["MEV_CM2_G_TO_GY_MM2", "pencil_kernel", "pencil_kernel_of_spectrum"]

#: One MeV cm2/g is this many Gy mm2.
MEV_CM2_G_TO_GY_MM2: Final = 1.602176634e-8

#: Dose below this fraction of the maximum is not worth a row of the table.
_END: Final = 1e-5


def pencil_kernel(
    spot: SpotModel, *, depth_step_mm: float = 0.2, water: Material | None = None
) -> PencilKernel:
    """Calculate the pencil beam of one energy of a machine.

    Parameters
    ----------
    spot
        Its spectrum is used, its phase space is not: the kernel is of an infinitely thin beam.
    depth_step_mm
        Of the table, 0.05 to 2 [mm].
    water
        ``None``: ``material("water, liquid")``, 75 eV.

    Returns
    -------
    PencilKernel
        As :func:`pencil_kernel_of_spectrum` makes it.

    Raises
    ------
    InputError
        When the step is out of range or the spectrum beyond 300 MeV.

    Examples
    --------
    >>> from tumorboard.core.beam import PhaseSpace
    >>> spectrum = EnergySpectrum([150.0], [0.9], [1.0])
    >>> round(pencil_kernel(SpotModel(150.0, spectrum, (PhaseSpace(1.0, 4.0, 4.0),))).range_mm)
    157
    """
    return pencil_kernel_of_spectrum(spot.nominal_energy_mev, spot.spectrum, depth_step_mm, water)


def pencil_kernel_of_spectrum(
    nominal_energy_mev: float,
    spectrum: EnergySpectrum,
    depth_step_mm: float = 0.2,
    water: Material | None = None,
) -> PencilKernel:
    r"""Calculate the pencil beam of a spectrum.

    Depth dose and LET are those of :func:`tumorboard.physics.depth_dose.depth_dose`: dose-averaged
    unrestricted LET in water of primary and secondary protons, down to rest. There are two lateral
    components. The core
    holds primaries and what stays where a reaction happened; its width is multiple scattering by the
    differential Moliere scattering power [1]_. The nuclear halo holds secondary protons and deuterons, and
    protons that scattered elastically off nuclei; its weight is their share of the dose, its width comes
    from the angles with which they leave, added to the core's in quadrature. As a Gaussian of the right
    variance it is too flat near the axis and ends too soon.

    Parameters
    ----------
    nominal_energy_mev
        Name of the energy [MeV].
    spectrum
        Up to 300 MeV.
    depth_step_mm
        Of the table, 0.05 to 2 [mm].
    water
        ``None``: ``material("water, liquid")``, 75 eV.

    Returns
    -------
    PencilKernel
        With two components, core and halo.

    Raises
    ------
    InputError
        When the step is out of range or the spectrum beyond 300 MeV.

    References
    ----------
    .. [1] gottschalk2010scattering

    Examples
    --------
    >>> kernel = pencil_kernel_of_spectrum(150.0, EnergySpectrum([150.0], [0.9], [1.0]))
    >>> kernel.weights.shape[1]
    2
    """
    if not 0.05 <= depth_step_mm <= 2:
        raise InputError(f"depth_step_mm must be 0.05 to 2 [mm]; got {depth_step_mm!r}")
    medium = named("water, liquid") if water is None else water
    made = depth_dose(spectrum, medium)
    middle = 0.5 * (made.depth_mm[1:] + made.depth_mm[:-1])
    total = made.total_mev_mm
    end = middle[np.flatnonzero(total > _END * total.max())[-1]]
    depth = np.arange(0.0, end + depth_step_mm, depth_step_mm)
    dose = np.interp(depth, middle, total)
    halo = np.clip(np.interp(depth, middle, made.secondary_mev_mm) / dose, 0.0, 1.0)
    core_mm2 = scattering_sigma_mm(medium, spectrum.total_mean_mev, depth) ** 2
    halo_mm2 = core_mm2 + np.interp(depth, middle, made.secondary_spread_mm2)
    record = Record(
        "proton.pencil_kernel",
        {"nominal_energy_mev": nominal_energy_mev, "depth_step_mm": depth_step_mm},
        (made.provenance,),
        ("gottschalk2010scattering",),
    )
    return PencilKernel(
        nominal_energy_mev=nominal_energy_mev,
        depth_mm=depth,
        integrated_dose_gy_mm2=dose * (10.0 / medium.density_g_cm3 * MEV_CM2_G_TO_GY_MM2),
        sigma_mm=np.sqrt(np.stack([core_mm2, halo_mm2], axis=1)),
        weights=np.stack([1.0 - halo, halo], axis=1),
        provenance=record,
        let_kev_um=np.interp(depth, middle, made.let_kev_um),
    )
