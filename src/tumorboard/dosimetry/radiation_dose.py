"""Dose by the radiation that brings it, and its weighting by the effectiveness of alphas."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.dosimetry.voxel_dose import DecayMap, VoxelDoseMethod, voxel_dose
from tumorboard.errors import InputError
from tumorboard.physics.transport.batches import Progress
from tumorboard.physics.transport.decay_source import DecayEmissions
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.particles import ParticleKind
from tumorboard.provenance import Record

__all__ = ["EmissionParts", "RadiationDose", "emission_parts", "radiation_dose"]


@dataclass(frozen=True, slots=True)
class EmissionParts:
    """What a decay emits, by radiation; ``None`` where there is nothing.

    Parameters
    ----------
    alphas
        What does not travel: alphas and recoils, and photons below 1 keV.
    electrons
        Betas of both signs, conversion and Auger electrons, with the photons that they make: of
        annihilation, and bremsstrahlung.
    photons
        Gammas and X rays.
    """

    alphas: DecayEmissions | None
    electrons: DecayEmissions | None
    photons: DecayEmissions | None


def emission_parts(emissions: DecayEmissions) -> EmissionParts:
    """Return what a decay emits in parts, which together are the whole.

    Parameters
    ----------
    emissions
        Of a decay.

    Returns
    -------
    EmissionParts

    Examples
    --------
    >>> parts = emission_parts(DecayEmissions("alpha", local_mev=5.5))
    >>> parts.alphas.local_mev, parts.electrons
    (5.5, None)
    """
    alphas = replace(emissions, lines=(), spectra=()) if emissions.local_mev > 0 else None
    found = []
    for photons in (False, True):
        lines = tuple(x for x in emissions.lines if (x.kind is ParticleKind.PHOTON) == photons)
        spectra = tuple(x for x in emissions.spectra if (x.kind is ParticleKind.PHOTON) == photons)
        some = sum(float(x.per_decay.sum()) for x in lines) + sum(float(x.per_decay.sum()) for x in spectra)
        found.append(replace(emissions, lines=lines, spectra=spectra, local_mev=0.0) if some > 0 else None)
    return EmissionParts(alphas, *found)


@dataclass(frozen=True, slots=True, eq=False)
class RadiationDose:
    """Absorbed dose by the radiation that was emitted.

    Parameters
    ----------
    alpha_gy, electron_gy, photon_gy
        By alphas with recoils, by electrons and positrons with the photons that they make, and by photons of
        the decay, finite and >= 0, all of one shape ``(...)`` [Gy].
    provenance
        How they were made.

    Raises
    ------
    InputError
        When shapes differ or a dose is negative or not finite.

    Examples
    --------
    >>> dose = RadiationDose(1.0, 0.5, 0.25, Record("example"))
    >>> float(dose.absorbed_gy), float(dose.rbe_weighted_gy(alpha_rbe=5.0))
    (1.75, 5.75)
    """

    alpha_gy: NDArray[np.float64]
    electron_gy: NDArray[np.float64]
    photon_gy: NDArray[np.float64]
    provenance: Record

    def __post_init__(self) -> None:
        for name in ("alpha_gy", "electron_gy", "photon_gy"):
            object.__setattr__(self, name, read_only(np.asarray(getattr(self, name)), np.float64))
        parts = self.alpha_gy, self.electron_gy, self.photon_gy
        if len({part.shape for part in parts}) != 1:
            raise InputError(
                f"alpha_gy, electron_gy and photon_gy must have one shape; got {[p.shape for p in parts]}"
            )
        if not all((np.isfinite(part) & (part >= 0)).all() for part in parts):
            raise InputError("alpha_gy, electron_gy and photon_gy must be finite and >= 0 [Gy]; got others")

    @property
    def absorbed_gy(self) -> NDArray[np.float64]:
        """Absorbed dose by all of it, shape ``(...)`` [Gy]."""
        return np.asarray(self.alpha_gy + self.electron_gy + self.photon_gy)

    def rbe_weighted_gy(self, *, alpha_rbe: float) -> NDArray[np.float64]:
        """Return dose weighted by the relative biological effectiveness of alphas, of other radiation 1 [1]_.

        Parameters
        ----------
        alpha_rbe
            Of alphas for the effect that is looked at, >= 1; nothing is taken for granted, since it depends
            on effect, dose and tissue. 1 gives the absorbed dose.

        Returns
        -------
        numpy.ndarray
            Dose of photons that would do the same, which is no absorbed dose, shape ``(...)`` [Gy].

        Raises
        ------
        InputError
            When the number is out of range.

        References
        ----------
        .. [1] sgouros2010mird22
        """
        if not (np.isfinite(alpha_rbe) and alpha_rbe >= 1):
            raise InputError(f"alpha_rbe must be finite and >= 1; got {alpha_rbe!r}")
        return np.asarray(alpha_rbe * self.alpha_gy + self.electron_gy + self.photon_gy)


def radiation_dose(
    decays: DecayMap,
    medium: TransportMedium,
    emissions: DecayEmissions,
    method: VoxelDoseMethod,
    *,
    progress: Progress | None = None,
) -> RadiationDose:
    """Calculate absorbed dose in voxels, alphas, electrons and photons apart.

    Parameters
    ----------
    decays, medium, emissions, method, progress
        As of :func:`~tumorboard.dosimetry.voxel_dose.voxel_dose`; the method runs once for each radiation.

    Returns
    -------
    RadiationDose
        Shape of the grid.

    Raises
    ------
    GridMismatch
        When decays and medium do not share a grid.
    InputError
        What the method says.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.dosimetry.local_deposition import LocalDeposition
    >>> from tumorboard.physics.materials import material
    >>> grid = Grid((3, 3, 3), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> water = TransportMedium.homogeneous(grid, material("water, liquid"))
    >>> decays = DecayMap.of_concentration(np.full(grid.shape, 1e9), grid, Record("example"))
    >>> alpha = DecayEmissions("alpha", local_mev=5.5)
    >>> method = LocalDeposition(photons_stay_below_mev=0.0, least_density_g_cm3=0.1)
    >>> found = radiation_dose(decays, water, alpha, method)
    >>> round(float(found.rbe_weighted_gy(alpha_rbe=5.0).max()), 2)
    4.41
    """
    parts = emission_parts(emissions)
    doses, records = np.zeros((3, *decays.grid.shape)), []
    for n, one in enumerate((parts.alphas, parts.electrons, parts.photons)):
        if one is not None:
            found = voxel_dose(decays, medium, one, method, progress=progress)
            doses[n] = found.dose.values
            records.append(found.provenance)
    record = Record("dosimetry.radiation_dose", {"nuclide": emissions.name}, tuple(records))
    return RadiationDose(doses[0], doses[1], doses[2], record)
