"""Monte Carlo transport of whole decays: electrons, positrons and photons, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tumorboard.core.image import Image, Quantity
from tumorboard.physics.transport._decay_setup import (
    DECAY_REFERENCES,
    balance_of_run,
    decay_run,
    new_accounts,
)
from tumorboard.physics.transport.batches import BatchPlan, Progress, run_batches
from tumorboard.physics.transport.decay_source import ActivityBall, ActivityImage, DecayEmissions
from tumorboard.physics.transport.electron_tables import ElectronSteps
from tumorboard.physics.transport.energy_balance import EnergyBalance
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.photon_arguments import PhotonSteps
from tumorboard.provenance import Record

__all__ = ["DecayTransportResult", "transport_decays"]


@dataclass(frozen=True, slots=True, eq=False)
class DecayTransportResult:
    """What decays did, per decay.

    Parameters
    ----------
    dose
        Dose to the medium, DOSE [Gy per decay].
    relative_uncertainty
        Relative standard uncertainty of ``dose``, FRACTION; 1 where there is none.
    balance
        Energy per decay; positrons bring that of their annihilation. Photons are handed on where they are not
        followed. Where track lengths are scored, it is still that of collisions.
    histories
        Decays that were followed.
    mean_uncertainty
        Mean relative uncertainty above half of the largest energy in a voxel.
    provenance
        How it was made.
    """

    dose: Image
    relative_uncertainty: Image
    balance: EnergyBalance
    histories: int
    mean_uncertainty: float
    provenance: Record


def transport_decays(
    medium: TransportMedium,
    source: ActivityImage | ActivityBall,
    emissions: DecayEmissions,
    plan: BatchPlan,
    *,
    follow_photons: bool,
    electron_steps: ElectronSteps | None = None,
    photon_steps: PhotonSteps | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> DecayTransportResult:
    """Let decays happen where activity is, and follow all that they emit until it stops or leaves.

    Electrons and positrons as :func:`~tumorboard.physics.transport.electron.transport_electrons` does [1]_,
    photons, those radiated and of annihilation too, as
    :func:`~tumorboard.physics.transport.photon.transport_photons` does [2]_. What does not travel stays where
    the decay is, as do electrons of lines below the electrons' cut.

    Parameters
    ----------
    medium
        Density and materials.
    source
        Where decays happen.
    emissions
        What one emits.
    plan
        How many decays, and with how many threads.
    follow_photons
        Whether photons are followed; else they leave.
    electron_steps
        How electrons are followed; ``None``: :class:`ElectronSteps` as documented.
    photon_steps
        How photons are followed; ``None``: ``PhotonSteps(electron_cut_mev=0.05)``, so that faster electrons
        that they set free are followed too.
    progress, checkpoint
        As in :func:`~tumorboard.physics.transport.batches.run_batches`.

    Returns
    -------
    DecayTransportResult
        On the medium's grid.

    Raises
    ------
    InputError
        When nothing that is emitted meets the medium.

    References
    ----------
    .. [1] sempau2000dpm
    .. [2] woodcock1965

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.physics.materials import material
    >>> from tumorboard.physics.transport.decay_source import EmissionLines
    >>> from tumorboard.physics.transport.particles import ParticleKind
    >>> grid = Grid((5, 5, 5), (4.0, 4.0, 4.0), (-8.0, -8.0, -8.0), AXIAL, frame_of_reference="1.2.3")
    >>> water = TransportMedium.homogeneous(grid, material("water, liquid"))
    >>> lines = (
    ...     EmissionLines(ParticleKind.ELECTRON, np.array([0.133]), np.array([1.0])),
    ...     EmissionLines(ParticleKind.PHOTON, np.array([0.208]), np.array([0.104])),
    ... )
    >>> found = transport_decays(
    ...     water,
    ...     ActivityBall((0.0, 0.0, 0.0)),
    ...     DecayEmissions("like Lu-177", lines=lines),
    ...     BatchPlan(2000, 1, 1),
    ...     follow_photons=True,
    ... )
    >>> round(found.balance.deposited_mev, 2)
    0.13
    """
    run, settings = decay_run(
        medium,
        source,
        emissions,
        plan,
        follow_photons=follow_photons,
        electron_steps=electron_steps,
        photon_steps=photon_steps,
    )
    record = Record("physics.transport.transport_decays", settings, references=DECAY_REFERENCES)

    sums = run_batches(
        lambda first, count, tallies: run.decays(first, first + count, tallies),
        lambda: {"energy": np.zeros(medium.density_g_cm3.size), **new_accounts()},
        lambda tallies: tallies["energy"],
        plan,
        what="following decays",
        progress=progress,
        checkpoint=checkpoint,
        record=record,
    )
    balance = balance_of_run(sums)
    energy = sums.tallies["energy"].reshape(medium.grid.shape) / sums.histories
    return DecayTransportResult(
        dose=medium.image(medium.dose_gy(energy), Quantity.DOSE, record),
        relative_uncertainty=medium.image(sums.relative_uncertainty, Quantity.FRACTION, record),
        balance=balance,
        histories=sums.histories,
        mean_uncertainty=sums.mean_uncertainty,
        provenance=record,
    )
