"""Dose of decays in voxels by following all that they emit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tumorboard.core.grid import require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.dosimetry.voxel_dose import DecayMap, VoxelDose
from tumorboard.physics.transport.batches import BatchPlan, Progress
from tumorboard.physics.transport.decay_source import ActivityImage, DecayEmissions
from tumorboard.physics.transport.decay_transport import transport_decays
from tumorboard.physics.transport.electron_tables import ElectronSteps
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.photon_arguments import PhotonSteps
from tumorboard.provenance import Record

__all__ = ["MonteCarlo"]


@dataclass(frozen=True, slots=True)
class MonteCarlo:
    """Every emission is followed through the voxels until it stops or leaves [1]_ [2]_.

    Parameters
    ----------
    plan
        How many decays, with which seed, on how many threads, and when to stop.
    follow_photons
        Whether photons are followed; else they leave.
    electron_steps, photon_steps
        As in :func:`~tumorboard.physics.transport.decay_transport.transport_decays`.
    checkpoint
        File to take an interrupted calculation up from.

    References
    ----------
    .. [1] sempau2000dpm
    .. [2] woodcock1965

    Examples
    --------
    >>> MonteCarlo(BatchPlan(100_000, 1, 1), follow_photons=True).follow_photons
    True
    """

    plan: BatchPlan
    follow_photons: bool
    electron_steps: ElectronSteps | None = None
    photon_steps: PhotonSteps | None = None
    checkpoint: Path | None = None

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
        source = Image(decays.decays, decays.grid, Quantity.EMISSIONS, decays.provenance)
        found = transport_decays(
            medium,
            ActivityImage(source),
            emissions,
            self.plan,
            follow_photons=self.follow_photons,
            electron_steps=self.electron_steps,
            photon_steps=self.photon_steps,
            progress=progress,
            checkpoint=self.checkpoint,
        )
        record = Record(
            "dosimetry.MonteCarlo.dose",
            {"decays": decays.total, "histories": found.histories},
            (decays.provenance, found.provenance),
        )
        values = np.asarray(found.dose.values, np.float64) * decays.total
        return VoxelDose(
            dose=Image(values.astype(np.float32), medium.grid, Quantity.DOSE, record),
            relative_uncertainty=found.relative_uncertainty,
            balance=found.balance,
            decays=decays.total,
            method="monte_carlo",
            provenance=record,
        )
