"""Dose of decays whose energy stays in the voxel where it is set free."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from tumorboard.core.grid import require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.dosimetry.voxel_dose import DecayMap, VoxelDose, annihilation_mev, emitted_mev
from tumorboard.errors import InputError
from tumorboard.physics.transport.batches import Progress
from tumorboard.physics.transport.decay_source import DecayEmissions
from tumorboard.physics.transport.energy_balance import EnergyBalance
from tumorboard.physics.transport.medium import GY_G_PER_MEV, TransportMedium
from tumorboard.physics.transport.particles import ParticleKind
from tumorboard.provenance import Record

__all__ = ["LocalDeposition", "staying_photons_mev"]

_ANNIHILATION_PHOTON_MEV = 0.51099895


@dataclass(frozen=True, slots=True)
class LocalDeposition:
    """Electrons, positrons, alphas and recoils leave all of their energy where the decay is [1]_.

    Right where activity hardly varies over the reach of the electrons and over the resolution of the
    scanner, whose blur spreads the activity as far as electrons would.

    Parameters
    ----------
    photons_stay_below_mev
        Photons below this energy stay, too; all others leave the patient: 0 lets all leave, ``inf`` keeps
        all, 0.01 is the usual end of non-penetrating radiation [MeV]. Annihilation photons have 0.511.
    least_density_g_cm3
        Voxels lighter than this get no dose: an image's blur sets activity into air, where little mass would
        make it a high dose. Their energy is counted as escaped [g/cm3].

    Raises
    ------
    InputError
        When a number is negative.

    References
    ----------
    .. [1] ljungberg2016mird26

    Examples
    --------
    >>> LocalDeposition(photons_stay_below_mev=0.0, least_density_g_cm3=0.1).photons_stay_below_mev
    0.0
    """

    photons_stay_below_mev: float
    least_density_g_cm3: float

    def __post_init__(self) -> None:
        if not self.photons_stay_below_mev >= 0:
            raise InputError(
                f"photons_stay_below_mev must be >= 0 [MeV]; got {self.photons_stay_below_mev!r}"
            )
        if not (np.isfinite(self.least_density_g_cm3) and self.least_density_g_cm3 >= 0):
            raise InputError(
                f"least_density_g_cm3 must be finite and >= 0 [g/cm3]; got {self.least_density_g_cm3!r}"
            )

    def dose(
        self,
        decays: DecayMap,
        medium: TransportMedium,
        emissions: DecayEmissions,
        *,
        progress: Progress | None = None,
    ) -> VoxelDose:
        """Return the dose; parameters as of :func:`~tumorboard.dosimetry.voxel_dose.voxel_dose`."""
        require_same_grid(decays.grid, medium.grid, what="decays and medium")
        emitted = emitted_mev(emissions)
        photons = emissions.energy_mev(ParticleKind.PHOTON) + annihilation_mev(emissions)
        stays = emitted - photons + staying_photons_mev(emissions, self.photons_stay_below_mev)
        mass = medium.mass_g
        heavy = (medium.density_g_cm3 >= self.least_density_g_cm3) & (mass > 0)
        energy = decays.decays * (stays * GY_G_PER_MEV)
        dose = np.divide(energy, mass, out=np.zeros_like(mass), where=heavy)
        share = float(decays.decays[heavy].sum()) / decays.total
        told = {k: v if np.isfinite(v) else "inf" for k, v in asdict(self).items()}
        record = Record(
            "dosimetry.LocalDeposition.dose",
            told | {"medium": medium.digest, "nuclide": emissions.name, "emissions": emissions.digest},
            (decays.provenance,),
            references=("ljungberg2016mird26",),
        )
        return VoxelDose(
            dose=Image(dose.astype(np.float32), medium.grid, Quantity.DOSE, record),
            relative_uncertainty=Image(
                np.zeros(mass.shape, np.float32), medium.grid, Quantity.FRACTION, record
            ),
            balance=EnergyBalance(
                brought_mev=emitted,
                deposited_mev=stays * share,
                cut_mev=0.0,
                escaped_mev=stays * (1.0 - share),
                handed_on_mev=emitted - stays,
                missed_mev=0.0,
                largest_error_mev=0.0,
                stuck=0,
            ),
            decays=decays.total,
            method="local",
            provenance=record,
        )


def staying_photons_mev(emissions: DecayEmissions, below_mev: float) -> float:
    """Return the energy per decay of photons below an energy, those of annihilation included [MeV].

    Parameters
    ----------
    emissions
        Of a decay.
    below_mev
        Photons of less energy count [MeV].

    Returns
    -------
    float
        Energy per decay [MeV]; a bin of a spectrum counts by its part below.

    Examples
    --------
    >>> staying_photons_mev(DecayEmissions("alpha", local_mev=5.5), 1.0)
    0.0
    """
    found = annihilation_mev(emissions) if below_mev > _ANNIHILATION_PHOTON_MEV else 0.0
    for line in emissions.lines:
        if line.kind is ParticleKind.PHOTON:
            here = line.energy_mev < below_mev
            found += float(line.energy_mev[here] @ line.per_decay[here])
    for spectrum in emissions.spectra:
        if spectrum.kind is ParticleKind.PHOTON:
            low = np.minimum(spectrum.edges_mev[:-1], below_mev)
            high = np.minimum(spectrum.edges_mev[1:], below_mev)
            found += float(spectrum.per_decay @ ((high**2 - low**2) / (2.0 * np.diff(spectrum.edges_mev))))
    return found
