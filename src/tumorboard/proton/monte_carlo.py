"""Dose of a proton plan by Monte Carlo: its spots followed through the patient's voxels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from tumorboard.core.beam import ProtonMachine
from tumorboard.core.emission import EmissionMap
from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.plan import IonPlan
from tumorboard.errors import GridMismatch, InputError
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.physics.hounsfield import REFERENCE_ENERGY_MEV, HounsfieldTable, material_index
from tumorboard.physics.stopping_power import stopping_power_ratio
from tumorboard.physics.transport.batches import BatchPlan, Progress
from tumorboard.physics.transport.energy_balance import EnergyBalance
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.proton import ProtonScores, transport_protons
from tumorboard.physics.transport.proton_source import ProtonBeamlets
from tumorboard.proton._monte_carlo_source import spot_beamlets
from tumorboard.proton._spot_tables import PROTONS
from tumorboard.proton.plan_dose import spot_weights
from tumorboard.provenance import Record

__all__ = [
    "PROMPT_GAMMA_EDGES_MEV",
    "MonteCarloDose",
    "monte_carlo_dose",
    "patient_medium",
    "plan_beamlets",
    "prompt_gammas",
    "reached_part",
]

#: Prompt gammas are counted between these energies [MeV]: the lines of carbon at 4.4 and of oxygen at 6.1 MeV
#: each have a bin of their own, and 3 to 6 MeV is a sum of bins.
PROMPT_GAMMA_EDGES_MEV: Final = (3.0, 4.0, 5.0, 6.0, 7.0)

_AIR_HU: Final = -1000.0
_AIR_RSP: Final = 0.00106


@dataclass(frozen=True, slots=True, eq=False)
class MonteCarloDose:
    """What a plan does to a patient.

    Parameters
    ----------
    dose
        To water, of all fractions, DOSE [Gy].
    dose_to_medium
        To the tissue of each voxel, of all fractions, DOSE [Gy].
    relative_uncertainty
        Standard uncertainty of the dose over the dose, FRACTION.
    mean_uncertainty
        Its mean where the dose exceeds half of the highest.
    dose_averaged_let, track_averaged_let
        Dose-averaged and track-averaged LET, LET [keV/um].
    prompt_gammas
        Of one fraction, by energy.
    positron_emitters
        Nuclei made in one fraction, a map for each nuclide.
    balance
        Energy per proton [MeV].
    protons
        Of all fractions.
    histories
        Protons followed.
    provenance
        How it was made.
    """

    dose: Image
    dose_to_medium: Image
    relative_uncertainty: Image
    mean_uncertainty: float
    dose_averaged_let: Image
    track_averaged_let: Image
    prompt_gammas: EmissionMap
    positron_emitters: tuple[EmissionMap, ...]
    balance: EnergyBalance
    protons: float
    histories: int
    provenance: Record


def patient_medium(ct: Image, rsp: Image, table: HounsfieldTable, grid: Grid) -> TransportMedium:
    """Return what protons travel through: the tissue of each voxel, as dense as its stopping power says.

    A voxel's tissue is that of its mean CT number; its density is such that its stopping power at 100 MeV is
    the mean of ``rsp`` over it. So protons lose as much as a pencil beam's water-equivalent depth says,
    whether the calibration is one of composition, of density or of stopping power; in a voxel of one
    tissue the density is the calibration's own.

    Parameters
    ----------
    ct
        CT_NUMBER [HU].
    rsp
        RELATIVE_STOPPING_POWER that the plan was calculated with, on the CT's grid.
    table
        Says which tissue a CT number is.
    grid
        Voxels wanted; beyond the CT there is air.

    Returns
    -------
    TransportMedium
        On ``grid``.

    Raises
    ------
    InputError
        When the images are no CT numbers or stopping powers.
    GridMismatch
        When frames of reference differ.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> from tumorboard.physics.hounsfield import relative_stopping_power, schneider2000
    >>> fine = Grid((4, 4, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> ct = Image(np.full(fine.shape, 50), fine, Quantity.CT_NUMBER, Record("example"))
    >>> rsp = relative_stopping_power(ct, schneider2000())
    >>> medium = patient_medium(ct, rsp, schneider2000(), fine.with_spacing((2.0, 2.0, 2.0)))
    >>> medium.materials[medium.material_index[0, 0, 0]].name, medium.density_g_cm3.max().round(3)
    ('Schneider 2000, from 19 HU', np.float32(1.061))
    """
    if rsp.quantity is not Quantity.RELATIVE_STOPPING_POWER:
        raise InputError(
            f"rsp must be an image of RELATIVE_STOPPING_POWER [1]; got {rsp.quantity.name}; "
            "make one from the CT with its calibration: tumorboard.physics.hounsfield"
        )
    index, tissues = material_index(
        resample(ct, grid, method=Interpolation.CONSERVATIVE, outside=_AIR_HU), table
    )
    mean = resample(rsp, grid, method=Interpolation.CONSERVATIVE, outside=_AIR_RSP)
    per_density = np.array(
        [float(stopping_power_ratio(t, REFERENCE_ENERGY_MEV)) / t.density_g_cm3 for t in tissues]
    )
    density = mean.values / per_density[index.values]
    return TransportMedium(grid, density.astype(np.float32), index.values, tissues)


def reached_part(
    plan: IonPlan, machine: ProtonMachine, grid: Grid, *, margin_mm: float
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return the part of a grid that a plan's spots go through, the rest being only memory.

    Parameters
    ----------
    plan
        All of its spots count.
    machine
        That it is for.
    grid
        Voxels of the whole patient.
    margin_mm
        Kept around the axes of the spots, > 0 [mm].

    Returns
    -------
    tuple
        First voxel and end of the part along each axis (z, y, x), as :meth:`Grid.crop` takes them.

    Raises
    ------
    InputError
        When no spot's axis meets the grid.

    Examples
    --------
    See the gallery, where one pencil beam enters a phantom of lung.
    """
    rows = spot_beamlets(plan.beams, machine, grid).beamlets
    start = grid.patient_to_index(rows.position_mm)
    along = grid.patient_to_index(rows.position_mm + rows.direction) - start
    # Where each axis enters and leaves the slab of voxels between two faces of the grid.
    with np.errstate(divide="ignore", invalid="ignore"):
        faces = np.stack([(-0.5 - start) / along, (np.array(grid.shape) - 0.5 - start) / along])
    beside = (along == 0) & ((start < -0.5) | (start > np.array(grid.shape) - 0.5))
    first = np.nanmax(faces.min(axis=0), axis=1)
    last = np.nanmin(faces.max(axis=0), axis=1)
    meets = (first < last) & ~beside.any(axis=1)
    if not meets.any():
        raise InputError(
            "spots of a plan must go through the grid; got none whose axis meets it; check the isocentre"
        )
    ends = np.concatenate([start + t[:, None] * along for t in (first, last)])[np.tile(meets, 2)]
    margin = margin_mm / grid.spacing_mm
    low = np.clip(np.floor(ends.min(axis=0) - margin), 0, None).astype(int)
    high = np.minimum(np.ceil(ends.max(axis=0) + margin) + 1, grid.shape).astype(int)
    return (int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2]))


def plan_beamlets(plan: IonPlan, machine: ProtonMachine, grid: Grid) -> ProtonBeamlets:
    """Return the beamlets of a plan's spots, weighted by their protons of all fractions.

    A spot starts where its machine's phase space is given, on the ray from the virtual sources through its
    position on the isocentre plane; where the grid or a range shifter reaches further upstream, farther up:
    between these planes is vacuum, in which Gaussians stay Gaussians.

    Parameters
    ----------
    plan
        Spots without monitor units are left out.
    machine
        Must have the plan's energies, range shifters and protons per monitor unit.
    grid
        Of the medium.

    Returns
    -------
    ProtonBeamlets
        One for each Gaussian in space and in energy of each spot.

    Raises
    ------
    InputError
        When an energy is not the machine's, no spot has monitor units, or the grid reaches the sources.

    Examples
    --------
    See the gallery, where one pencil beam enters a phantom of lung.
    """
    if plan.frame_of_reference not in (None, grid.frame_of_reference):
        raise GridMismatch(
            "plan and grid must have one frame of reference; got "
            f"{plan.frame_of_reference} and {grid.frame_of_reference}; take the CT that the plan was made on"
        )
    made = spot_beamlets(plan.beams, machine, grid)
    protons = PROTONS * plan.n_fractions * spot_weights(plan, machine)
    weight = made.beamlets.weight * protons[made.spot_of_beamlet]
    if not (weight > 0).any():
        raise InputError(
            "monitor_units of a plan must be > 0 in one spot at least; got none; optimise it first"
        )
    return replace(made.beamlets, weight=weight)


def monte_carlo_dose(
    plan: IonPlan,
    machine: ProtonMachine,
    medium: TransportMedium,
    batches: BatchPlan,
    *,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> MonteCarloDose:
    """Calculate dose, LET and emission of a plan by following protons.

    Parameters
    ----------
    plan
        Its monitor units say how many protons each spot has.
    machine
        That it is for.
    medium
        The patient; :func:`patient_medium` makes one.
    batches
        How many histories, with which seed, on how many threads, and when to stop.
    progress
        Told how many histories are followed.
    checkpoint
        File to take an interrupted calculation up from.

    Returns
    -------
    MonteCarloDose
        On the medium's grid.

    Raises
    ------
    InputError
        As :func:`plan_beamlets` does, or when the checkpoint is of another calculation.

    Examples
    --------
    See the gallery, where one pencil beam enters a phantom of lung.
    """
    scores = ProtonScores(
        let=True,
        dose_to_water=True,
        fluence=False,
        gamma_edges_mev=PROMPT_GAMMA_EDGES_MEV,
        positron_emitters=True,
    )
    source = plan_beamlets(plan, machine, medium.grid)
    found = transport_protons(
        medium, source, batches, scores=scores, progress=progress, checkpoint=checkpoint
    )
    protons = float(source.weight.sum())
    record = Record(
        "proton.monte_carlo_dose",
        {"protons": protons, "n_fractions": plan.n_fractions, "histories": found.histories},
        (found.provenance, plan.provenance, machine.beam_model.provenance),
    )
    per_fraction = protons / plan.n_fractions
    return MonteCarloDose(
        dose=_times(_scored(found.dose_to_water), protons, record),
        dose_to_medium=_times(found.dose, protons, record),
        relative_uncertainty=found.relative_uncertainty,
        mean_uncertainty=found.mean_uncertainty,
        dose_averaged_let=_scored(found.dose_averaged_let),
        track_averaged_let=_scored(found.track_averaged_let),
        prompt_gammas=_scored(found.prompt_gammas).delivered(per_fraction),
        positron_emitters=tuple(m.delivered(per_fraction) for m in found.positron_emitters),
        balance=found.balance,
        protons=protons,
        histories=found.histories,
        provenance=record,
    )


def prompt_gammas(
    plan: IonPlan,
    machine: ProtonMachine,
    medium: TransportMedium,
    batches: BatchPlan,
    *,
    progress: Progress | None = None,
) -> tuple[EmissionMap, float]:
    """Calculate the prompt gammas of a plan and nothing else.

    Parameters
    ----------
    plan, machine, medium, batches, progress
        As in :func:`monte_carlo_dose`.

    Returns
    -------
    tuple
        The map per proton, by the energies of :data:`PROMPT_GAMMA_EDGES_MEV`, and the protons of all
        fractions.

    Examples
    --------
    See the gallery, where one pencil beam enters a phantom of lung.
    """
    scores = ProtonScores(
        let=False,
        dose_to_water=False,
        fluence=False,
        gamma_edges_mev=PROMPT_GAMMA_EDGES_MEV,
        positron_emitters=False,
    )
    source = plan_beamlets(plan, machine, medium.grid)
    found = transport_protons(medium, source, batches, scores=scores, progress=progress)
    return _scored(found.prompt_gammas), float(source.weight.sum())


_T = TypeVar("_T")


def _scored(result: _T | None) -> _T:
    """Return what was asked for, which the type of a transport's result leaves open."""
    if result is None:
        raise TypeError("a transport returns all that it was asked to score")
    return result


def _times(dose: Image, protons: float, record: Record) -> Image:
    values = np.asarray(dose.values, np.float64) * protons
    return Image(values.astype(np.float32), dose.grid, dose.quantity, record)
