"""Dose influence of a plan's spots by Monte Carlo: the same noun that pencil beams make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tumorboard.core.beam import ProtonMachine
from tumorboard.core.plan import IonBeam
from tumorboard.physics.hounsfield import REFERENCE_ENERGY_MEV
from tumorboard.physics.materials import material
from tumorboard.physics.stopping_power import electronic_mass_stopping_power_mev_cm2_g
from tumorboard.physics.transport.batches import Progress
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.proton_influence import proton_influence
from tumorboard.proton._monte_carlo_source import spot_beamlets
from tumorboard.proton._spot_tables import PROTONS
from tumorboard.proton.influence import DoseInfluence
from tumorboard.provenance import Record

__all__ = ["monte_carlo_influence"]


def monte_carlo_influence(
    beams: Sequence[IonBeam],
    machine: ProtonMachine,
    medium: TransportMedium,
    *,
    histories_per_beamlet: int,
    seed: int,
    threads: int,
    least_share: float,
    with_let: bool,
    progress: Progress | None = None,
) -> DoseInfluence:
    """Calculate the dose that one million protons of each spot give to each voxel, by following some.

    Dose is to water, as that of :func:`tumorboard.proton.pencil_beam.dose_influence` is: the dose to each
    voxel's tissue times the ratio of mass stopping powers at 100 MeV, which from 10 to 200 MeV holds within
    1 % in soft tissue and 3 % in dense bone.

    Parameters
    ----------
    beams
        Their spots, in order of beam, layer and position, are the columns; monitor units are not used.
    machine
        Must have the beams' energies and range shifters.
    medium
        The patient; :func:`tumorboard.proton.monte_carlo.patient_medium` makes one.
    histories_per_beamlet
        Protons followed for each Gaussian of each spot, >= 1.
    seed
        Of the random streams, >= 0.
    threads
        Spots are shared out among so many; the result does not depend on it.
    least_share
        Voxels with less than this share of the largest energy are left out, 0 to 1.
    with_let
        Whether dose times LETd is calculated too.
    progress
        Called with the beamlets done.

    Returns
    -------
    DoseInfluence
        On the medium's grid.

    Raises
    ------
    InputError
        When an energy is not the machine's, a number is out of range, or no proton meets the medium.

    Examples
    --------
    See the gallery, where one pencil beam enters a phantom of lung.
    """
    spots = spot_beamlets(beams, machine, medium.grid)
    found = proton_influence(
        medium,
        spots.beamlets,
        histories_per_beamlet=histories_per_beamlet,
        seed=seed,
        threads=threads,
        least_share=least_share,
        with_let=with_let,
        progress=progress,
    )
    rows = (int(np.prod(medium.grid.shape)), len(spots.spot_of_beamlet))
    # Several Gaussians make a spot: its column is their sum, each with its share of the protons.
    summed = sparse.csc_matrix(
        (spots.beamlets.weight, (np.arange(rows[1]), spots.spot_of_beamlet)), shape=(rows[1], spots.n_spots)
    )
    to_water = PROTONS * _water_ratio(medium)[found.voxels]
    dose = to_water * found.dose_gy
    columns = _columns(dose, found.voxels, found.starts, rows) @ summed
    columns.sort_indices()
    with_it = None
    if found.let_kev_um is not None:
        product = _columns(dose * found.let_kev_um, found.voxels, found.starts, rows) @ summed
        product.sort_indices()
        with_it = product.data.astype(np.float32)
    record = Record(
        "proton.monte_carlo_influence",
        {"with_let": with_let, "dose_to": "water", "n_entries": int(columns.nnz)},
        (found.provenance, machine.beam_model.provenance),
    )
    n_spots = [beam.n_spots for beam in beams]
    return DoseInfluence(
        medium.grid,
        columns.indptr.astype(np.int64),
        columns.indices.astype(np.int32),
        columns.data.astype(np.float32),
        with_it,
        np.repeat(np.arange(len(n_spots), dtype=np.int32), n_spots),
        record,
    )


def _columns(
    values: NDArray[Any], voxels: NDArray[np.int64], starts: NDArray[np.int64], shape: tuple[int, int]
) -> Any:
    return sparse.csc_matrix((values, voxels, starts), shape=shape)


def _water_ratio(medium: TransportMedium) -> NDArray[np.float64]:
    """Return water's mass stopping power over that of each voxel, flat."""
    water, *own = (
        float(electronic_mass_stopping_power_mev_cm2_g(m, REFERENCE_ENERGY_MEV))
        for m in (material("water, liquid"), *medium.materials)
    )
    ratio: NDArray[np.float64] = (water / np.array(own))[medium.material_index.reshape(-1)]
    return ratio
