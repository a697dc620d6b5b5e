"""Monte Carlo transport of whole decays: electrons, positrons and photons, one after the other."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.physics.transport._decay_run import DecayRun, seeds_of
from tumorboard.physics.transport._kernels import electron_history as electrons_account
from tumorboard.physics.transport._kernels import photon_data as photons_account
from tumorboard.physics.transport.batches import BatchPlan, Progress, Tallies, run_batches
from tumorboard.physics.transport.decay_source import ActivityBall, ActivityImage, DecayEmissions
from tumorboard.physics.transport.electron import REFERENCES as ELECTRON_REFERENCES
from tumorboard.physics.transport.electron import cells_of
from tumorboard.physics.transport.electron_tables import ElectronSteps, electron_tables
from tumorboard.physics.transport.energy_balance import EnergyBalance
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.photon import REFERENCES as PHOTON_REFERENCES
from tumorboard.physics.transport.photon_arguments import PhotonSteps, photon_arguments
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
    of_electrons = electron_steps if electron_steps is not None else ElectronSteps()
    of_photons = photon_steps if photon_steps is not None else PhotonSteps(electron_cut_mev=0.05)
    run = DecayRun(
        emissions.for_kernel(of_electrons.cut_mev),
        source.for_kernel(medium),
        cells_of(medium),
        electron_tables(medium.materials, of_electrons),
        of_electrons.settings(plan.seed),
        photon_arguments(medium, of_photons, seed=plan.seed) if follow_photons else None,
        seeds_of(plan.seed),
    )
    record = Record(
        "physics.transport.transport_decays",
        {
            **plan.settings,
            "medium": medium.digest,
            "source": source.digest,
            "nuclide": emissions.name,
            "emissions": emissions.digest,
            "follow_photons": follow_photons,
            "electron_steps": asdict(of_electrons),
            "photon_steps": asdict(of_photons) | {"scoring": of_photons.scoring.value},
        },
        references=tuple(dict.fromkeys((*ELECTRON_REFERENCES, *PHOTON_REFERENCES))),
    )

    def make() -> Tallies:
        return {
            "energy": np.zeros(medium.density_g_cm3.size),
            "electrons": np.zeros(electrons_account.ACCOUNT_SIZE),
            "secondaries": np.zeros(electrons_account.ACCOUNT_SIZE),
            "photons": np.zeros(photons_account.ACCOUNTS),
        }

    sums = run_batches(
        lambda first, count, tallies: run.decays(first, first + count, tallies),
        make,
        lambda tallies: tallies["energy"],
        plan,
        what="following decays",
        progress=progress,
        checkpoint=checkpoint,
        record=record,
    )
    balance = balance_of_decays(
        {k: sums.tallies[k] for k in ("electrons", "secondaries", "photons")}, sums.histories
    )
    if balance.brought_mev <= 0:
        raise InputError(
            "source must meet the medium; got decays whose particles all pass it by; check positions and the "
            "frame of reference"
        )

    energy = sums.tallies["energy"].reshape(medium.grid.shape) / sums.histories
    return DecayTransportResult(
        dose=medium.image(medium.dose_gy(energy), Quantity.DOSE, record),
        relative_uncertainty=medium.image(sums.relative_uncertainty, Quantity.FRACTION, record),
        balance=balance,
        histories=sums.histories,
        mean_uncertainty=sums.mean_uncertainty,
        provenance=record,
    )


def balance_of_decays(accounts: dict[str, NDArray[np.float64]], histories: int) -> EnergyBalance:
    """Return the account of all particles of decays, per decay."""
    e, p = electrons_account, photons_account
    first, second, photons = accounts["electrons"], accounts["secondaries"], accounts["photons"]
    both = first + second
    # What one hands on another brings, but for photons that pass the medium by or are not followed.
    handed_on = both[e.HANDED_ON] - photons[p.ALL_BROUGHT] - photons[p.ALL_MISSED]
    handed_on += photons[p.ALL_HANDED_ON] - second[e.BROUGHT]
    return EnergyBalance(
        brought_mev=float(first[e.BROUGHT] - photons[p.ALL_MISSED]) / histories,
        deposited_mev=float(both[e.DEPOSITED] + photons[p.ALL_DEPOSITED]) / histories,
        cut_mev=float(both[e.CUT] + photons[p.ALL_CUT]) / histories,
        escaped_mev=float(both[e.ESCAPED] + photons[p.ALL_ESCAPED]) / histories,
        handed_on_mev=float(handed_on) / histories,
        missed_mev=float(both[e.MISSED] + photons[p.ALL_MISSED]) / histories,
        largest_error_mev=float(both[e.LARGEST_ERROR] + photons[p.LARGEST_ERROR]),
        stuck=int(both[e.STUCK] + photons[p.STUCK]),
    )
