"""What following decays into voxels and into regions share: the run, its record's settings, its account."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.physics.transport._decay_run import DecayRun, seeds_of
from tumorboard.physics.transport._kernels import electron_history as electrons_account
from tumorboard.physics.transport._kernels import photon_data as photons_account
from tumorboard.physics.transport.batches import BatchPlan, BatchSums, Tallies
from tumorboard.physics.transport.decay_source import ActivityBall, ActivityImage, DecayEmissions
from tumorboard.physics.transport.electron import REFERENCES as ELECTRON_REFERENCES
from tumorboard.physics.transport.electron import cells_of
from tumorboard.physics.transport.electron_tables import ElectronSteps, electron_tables
from tumorboard.physics.transport.energy_balance import EnergyBalance
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.photon import REFERENCES as PHOTON_REFERENCES
from tumorboard.physics.transport.photon_arguments import PhotonSteps, photon_arguments

__all__ = ["DECAY_REFERENCES", "balance_of_decays", "balance_of_run", "decay_run", "new_accounts"]

DECAY_REFERENCES: Final = tuple(dict.fromkeys((*ELECTRON_REFERENCES, *PHOTON_REFERENCES)))

_ACCOUNTS: Final = {
    "electrons": electrons_account.ACCOUNT_SIZE,
    "secondaries": electrons_account.ACCOUNT_SIZE,
    "photons": photons_account.ACCOUNTS,
}


def decay_run(
    medium: TransportMedium,
    source: ActivityImage | ActivityBall,
    emissions: DecayEmissions,
    plan: BatchPlan,
    *,
    follow_photons: bool,
    electron_steps: ElectronSteps | None,
    photon_steps: PhotonSteps | None,
) -> tuple[DecayRun, dict[str, Any]]:
    """Return what the kernels need, and all that the result depends on by name, for its record."""
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
    settings = {
        **plan.settings,
        "medium": medium.digest,
        "source": source.digest,
        "nuclide": emissions.name,
        "emissions": emissions.digest,
        "follow_photons": follow_photons,
        "electron_steps": asdict(of_electrons),
        "photon_steps": asdict(of_photons) | {"scoring": of_photons.scoring.value},
    }
    return run, settings


def new_accounts() -> Tallies:
    """Return zeroed accounts of electrons, of those that photons set free, and of photons."""
    return {name: np.zeros(size) for name, size in _ACCOUNTS.items()}


def balance_of_run(sums: BatchSums) -> EnergyBalance:
    """Return the account per decay; raise InputError where nothing met the medium."""
    balance = balance_of_decays({name: sums.tallies[name] for name in _ACCOUNTS}, sums.histories)
    if balance.brought_mev <= 0:
        raise InputError(
            "source must meet the medium; got decays whose particles all pass it by; check positions and the "
            "frame of reference"
        )
    return balance


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
