"""Monte Carlo transport of whole decays into regions: what organs get, and how uncertain that is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.physics.transport._decay_setup import (
    DECAY_REFERENCES,
    balance_of_run,
    decay_run,
    new_accounts,
)
from tumorboard.physics.transport.batches import BatchPlan, Progress, Tallies, run_batches
from tumorboard.physics.transport.decay_source import ActivityBall, ActivityImage, DecayEmissions
from tumorboard.physics.transport.electron_tables import ElectronSteps
from tumorboard.physics.transport.energy_balance import EnergyBalance
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.photon_arguments import PhotonSteps
from tumorboard.provenance import Record

__all__ = ["RegionEnergies", "region_energies"]

_MOST_REGIONS = 65536


@dataclass(frozen=True, slots=True, eq=False)
class RegionEnergies:
    """What decays left in regions.

    Parameters
    ----------
    energy_mev
        Of a decay in each region by number, shape ``(n,)`` [MeV].
    relative_uncertainty
        Its relative standard uncertainty, from the scatter of batches: voxels of a region share particles, so
        that those of voxels do not say it; 1 where there is none, shape ``(n,)``.
    balance
        Energy per decay.
    histories
        Decays that were followed.
    provenance
        How they were made.
    """

    energy_mev: NDArray[np.float64]
    relative_uncertainty: NDArray[np.float64]
    balance: EnergyBalance
    histories: int
    provenance: Record

    def __post_init__(self) -> None:
        for name in ("energy_mev", "relative_uncertainty"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))


def region_energies(
    medium: TransportMedium,
    source: ActivityImage | ActivityBall,
    emissions: DecayEmissions,
    labels: ArrayLike,
    plan: BatchPlan,
    *,
    follow_photons: bool,
    electron_steps: ElectronSteps | None = None,
    photon_steps: PhotonSteps | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> RegionEnergies:
    """Let decays happen and score what they leave in regions.

    Particles are followed as :func:`~tumorboard.physics.transport.decay_transport.transport_decays` follows
    them [1]_ [2]_; a target of the plan is on the regions that get more than half of what one gets at most.

    Parameters
    ----------
    medium
        Density and materials.
    source
        Where decays happen.
    emissions
        What one emits.
    labels
        Number of each voxel's region, >= 0, shape of the medium's grid.
    plan
        How many decays, and with how many threads.
    follow_photons
        Whether photons are followed; else they leave.
    electron_steps, photon_steps
        As in :func:`~tumorboard.physics.transport.decay_transport.transport_decays`.
    progress, checkpoint
        As in :func:`~tumorboard.physics.transport.batches.run_batches`.

    Returns
    -------
    RegionEnergies
        Of regions 0 to the highest number.

    Raises
    ------
    InputError
        When labels do not fit, or nothing that is emitted meets the medium.

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
    >>> line = EmissionLines(ParticleKind.ELECTRON, np.array([0.133]), np.array([1.0]))
    >>> labels = np.zeros(grid.shape, int)
    >>> labels[2] = 1
    >>> found = region_energies(
    ...     TransportMedium.homogeneous(grid, material("water, liquid")),
    ...     ActivityBall((0.0, 0.0, 0.0)),
    ...     DecayEmissions("like Lu-177", lines=(line,)),
    ...     labels,
    ...     BatchPlan(200, 1, 1, batches=10),
    ...     follow_photons=False,
    ... )
    >>> found.energy_mev.round(3)
    array([0.   , 0.133])
    """
    numbers = np.asarray(labels)
    if numbers.shape != medium.grid.shape or not np.issubdtype(numbers.dtype, np.integer):
        raise InputError(
            f"labels must be whole numbers of the grid's shape {medium.grid.shape}; got {numbers.dtype}, "
            f"{numbers.shape}"
        )
    if numbers.min() < 0 or numbers.max() >= _MOST_REGIONS:
        raise InputError(f"labels must be 0 to {_MOST_REGIONS - 1}; got {numbers.min()} to {numbers.max()}")
    flat = numbers.ravel().astype(np.int64)
    regions = int(flat.max()) + 1
    run, settings = decay_run(
        medium,
        source,
        emissions,
        plan,
        follow_photons=follow_photons,
        electron_steps=electron_steps,
        photon_steps=photon_steps,
    )
    settings["labels"] = hashlib.sha256(flat.tobytes()).hexdigest()
    record = Record("physics.transport.region_energies", settings, references=DECAY_REFERENCES)

    def simulate(first: int, count: int, tallies: Tallies) -> None:
        # Voxels are of one batch only: what batches have in common is regions.
        voxels = {name: values for name, values in tallies.items() if name != "regions"}
        voxels["energy"] = np.zeros(flat.size)
        run.decays(first, first + count, voxels)
        tallies["regions"] += np.bincount(flat, weights=voxels["energy"], minlength=regions)

    sums = run_batches(
        simulate,
        lambda: {"regions": np.zeros(regions), **new_accounts()},
        lambda tallies: tallies["regions"],
        plan,
        what="following decays",
        progress=progress,
        checkpoint=checkpoint,
        record=record,
    )
    balance = balance_of_run(sums)
    return RegionEnergies(
        sums.tallies["regions"] / sums.histories, sums.relative_uncertainty, balance, sums.histories, record
    )
