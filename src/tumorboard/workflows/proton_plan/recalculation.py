"""A finished plan calculated again by Monte Carlo, and how far the planned dose is from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.emission import EmissionMap
from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.plan import IonPlan
from tumorboard.core.structures import StructureSet
from tumorboard.errors import InputError
from tumorboard.numerics.ray_trace import distances_to_first
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram
from tumorboard.outcomes.gamma_index import GammaCriteria, GammaNormalisation, GammaResult, gamma_index
from tumorboard.physics.hounsfield import HounsfieldTable, schneider2000
from tumorboard.physics.prompt_gammas import distal_falloff_mm
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.proton.monte_carlo import (
    MonteCarloDose,
    monte_carlo_dose,
    patient_medium,
    prompt_gammas,
    reached_part,
)
from tumorboard.provenance import Record
from tumorboard.workflows.progress import Progress, silent
from tumorboard.workflows.proton_plan.config import MonteCarloChoice, ProtonPlanConfig
from tumorboard.workflows.proton_plan.depth import entry_to
from tumorboard.workflows.proton_plan.effort import Clock, peak_memory_gb
from tumorboard.workflows.proton_plan.equipment import chosen_calibration
from tumorboard.workflows.proton_plan.evaluation import histograms, weighted_dose
from tumorboard.workflows.proton_plan.preparation import Preparation, prepare
from tumorboard.workflows.proton_plan.structures import PlanStructures

__all__ = ["GAMMA_BAND_MEV", "FieldGammas", "Recalculation", "recalculate"]

#: Prompt gammas are told between these energies [MeV].
GAMMA_BAND_MEV: Final = (3.0, 6.0)

#: Dose [%] and distance [mm] of each gamma index.
_CRITERIA: Final = ((2.0, 2.0), (1.0, 1.0))
_THRESHOLD_PERCENT: Final = 10.0
_GAMMA_MAXIMUM: Final = 2.0

#: Protons scatter this far beyond the axes of their spots, and hardly one farther [mm].
_REACH_MM: Final = 60.0

#: Protons followed for the fall-off of each field: with bins of this width [mm] it is certain to some 0.3 mm.
_FIELD_HISTORIES: Final = 400_000
_BIN_MM: Final = 2.0
#: Relative stopping power above which a beam has entered the patient, or what lies before it.
_SKIN_RSP: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class FieldGammas:
    """Prompt gammas of one field, by depth along its central axis.

    Parameters
    ----------
    name
        Of the field.
    protons
        Of one fraction.
    yield_per_proton
        Gammas of 3 to 6 MeV that a proton makes.
    edges_mm
        Depths behind the point where the central axis enters the patient, shape ``(n + 1,)`` [mm].
    per_proton
        Gammas between these depths, shape ``(n,)``.
    falloff_50_mm
        Where they fall for the last time below half of the most [mm]; ``None`` where they do not.
    """

    name: str
    protons: float
    yield_per_proton: float
    edges_mm: NDArray[np.float64]
    per_proton: NDArray[np.float64]
    falloff_50_mm: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Recalculation:
    """What a Monte Carlo calculation says of a plan.

    Parameters
    ----------
    config
        The prescription.
    choice
        How it was calculated.
    plan
        What was calculated.
    structures
        On the dose grid.
    planned
        Weighted dose as the plan was made, DOSE [Gy].
    dose
        Weighted dose by Monte Carlo, in the body, DOSE [Gy].
    difference
        The second minus the first, DOSE [Gy].
    uncertainty
        Relative standard uncertainty of the dose, FRACTION.
    let
        Dose-averaged LET by Monte Carlo, LET [keV/um].
    transport
        All that the transport found, on its own grid.
    gammas
        At 2 %/2 mm and at 1 %/1 mm.
    histograms
        Of planned and of recalculated dose, by structure.
    fields
        Prompt gammas of each field.
    stages_s
        How long each stage took [s].
    peak_memory_gb
        Of the process until now [GB].
    notes
        Sentences a reader should know.
    provenance
        How the dose was made.
    """

    config: ProtonPlanConfig
    choice: MonteCarloChoice
    plan: IonPlan
    structures: PlanStructures
    planned: Image
    dose: Image
    difference: Image
    uncertainty: Image
    let: Image
    transport: MonteCarloDose
    gammas: tuple[GammaResult, ...]
    histograms: Mapping[str, tuple[DoseVolumeHistogram, DoseVolumeHistogram]]
    fields: tuple[FieldGammas, ...]
    stages_s: Mapping[str, float]
    peak_memory_gb: float
    notes: tuple[str, ...]
    provenance: Record


def recalculate(
    config: ProtonPlanConfig,
    plan: IonPlan,
    planned: Image,
    ct: Image,
    drawn: StructureSet,
    *,
    threads: int,
    checkpoint: Path | None = None,
    progress: Progress = silent,
) -> Recalculation:
    """Calculate a plan again by Monte Carlo.

    Parameters
    ----------
    config
        The prescription that the plan was made of; it must say how in ``monte_carlo``.
    plan
        As planning returns it.
    planned
        Its weighted dose, DOSE [Gy].
    ct
        CT_NUMBER that it was made on [HU].
    drawn
        The structures that it was made of.
    threads
        That follow protons; the result does not depend on them.
    checkpoint
        File to take an interrupted calculation up from.
    progress
        Told how far it is.

    Returns
    -------
    Recalculation
        On the grid of the planned dose.

    Raises
    ------
    InputError
        When the prescription asks for no Monte Carlo, or its inputs are not those of the plan.
    """
    choice = config.monte_carlo
    if choice is None:
        raise InputError(
            "monte_carlo must be in the prescription; got none; write [monte_carlo] with histories, "
            "target_uncertainty_percent and seed"
        )
    clock = Clock()
    progress("preparing the Monte Carlo calculation", 0, 1)
    ready = prepare(config, ct, drawn)
    medium = _medium(config, plan, ct, ready)
    progress("preparing the Monte Carlo calculation", 1, 1)
    clock.stage("preparation")
    batches = BatchPlan(
        choice.histories, choice.seed, threads, target_uncertainty=choice.target_uncertainty_percent / 100.0
    )
    found = monte_carlo_dose(
        plan,
        ready.machine,
        medium,
        batches,
        progress=lambda _, done, total: progress("following protons of the plan", done, total),
        checkpoint=checkpoint,
    )
    clock.stage("transport")
    fields = _fields(plan, ready, medium, choice, threads, progress)
    clock.stage("prompt_gammas_by_field")
    progress("comparing the doses", 0, 1)
    body = ready.structures.body
    on_plan = {
        name: _inside(image, body)
        for name, image in (
            ("dose", found.dose),
            ("let", found.let_d),
            ("uncertainty", found.relative_uncertainty),
        )
    }
    dose = weighted_dose(config, on_plan["dose"], on_plan["let"], ready.structures)
    gammas = _gammas(config, dose, planned, threads)
    by_structure = histograms([planned, dose], ready.structures)
    record = Record("workflows.proton_plan.recalculate", {}, (dose.provenance, planned.provenance))
    difference = Image(dose.values - planned.values, dose.grid, Quantity.DOSE, record)
    progress("comparing the doses", 1, 1)
    clock.stage("comparison")
    return Recalculation(
        config=config,
        choice=choice,
        plan=plan,
        structures=ready.structures,
        planned=planned,
        dose=dose,
        difference=difference,
        uncertainty=on_plan["uncertainty"],
        let=on_plan["let"],
        transport=found,
        gammas=gammas,
        histograms={name: (bands[0], bands[1]) for name, bands in by_structure.items()},
        fields=fields,
        stages_s=clock.stages_s,
        peak_memory_gb=peak_memory_gb(),
        notes=_notes(choice, found),
        provenance=record,
    )


def _medium(config: ProtonPlanConfig, plan: IonPlan, ct: Image, ready: Preparation) -> TransportMedium:
    calibration = chosen_calibration(config)
    table = calibration if isinstance(calibration, HounsfieldTable) else schneider2000()
    start, stop = reached_part(plan, ready.machine, ready.whole_grid, margin_mm=_REACH_MM)
    return patient_medium(ct, ready.rsp, table, ready.whole_grid.crop(start, stop))


def _inside(image: Image, body: Image) -> Image:
    """Return an image on the body's grid, whose voxels are among its own, and nothing around the body."""
    moved = resample(image, body.grid, method=Interpolation.NEAREST, outside=0.0)
    values = np.where(body.values, moved.values, 0.0).astype(np.float32)
    record = Record("workflows.proton_plan.inside_body", {}, (image.provenance, body.provenance))
    return Image(values, body.grid, image.quantity, record)


def _gammas(config: ProtonPlanConfig, dose: Image, planned: Image, threads: int) -> tuple[GammaResult, ...]:
    """Compare with Monte Carlo as the reference: its noise then does not look like agreement."""
    full_gy = max(t.dose_gy for t in config.targets)
    return tuple(
        gamma_index(
            dose,
            planned,
            GammaCriteria(
                percent, mm, _THRESHOLD_PERCENT, _GAMMA_MAXIMUM, GammaNormalisation.GLOBAL, full_gy
            ),
            threads=threads,
        )
        for percent, mm in _CRITERIA
    )


def _fields(
    plan: IonPlan,
    ready: Preparation,
    medium: TransportMedium,
    choice: MonteCarloChoice,
    threads: int,
    progress: Progress,
) -> tuple[FieldGammas, ...]:
    """Return each field's prompt gammas: in the sum of all fields no single one has a fall-off."""
    made = []
    histories = min(choice.histories, _FIELD_HISTORIES)
    for number, beam in enumerate(plan.beams):
        alone = replace(plan, beams=(beam,))
        batches = BatchPlan(histories, choice.seed + 1 + number, threads)
        gammas, protons = prompt_gammas(
            alone,
            ready.machine,
            medium,
            batches,
            progress=lambda _, done, total, name=beam.name: progress(
                f"prompt gammas of field {name}", done, total
            ),
        )
        made.append(_of_field(beam.name, beam.geometry, protons / plan.n_fractions, gammas, ready.rsp))
    return tuple(made)


def _of_field(
    name: str, geometry: BeamGeometry, protons: float, gammas: EmissionMap, rsp: Image
) -> FieldGammas:
    before = entry_to(geometry, rsp.grid)
    along = geometry.travel_direction
    corners = (rsp.grid.corners_mm - before) @ along
    entered = float(
        distances_to_first(rsp, before, before + (corners.max() + 1.0) * along, above=_SKIN_RSP)[0]
    )
    skin = before + (entered if np.isfinite(entered) else 0.0) * along
    reach = _depths(gammas.grid, skin, along)
    edges = _BIN_MM * np.arange(np.floor(reach[0] / _BIN_MM), np.ceil(reach[1] / _BIN_MM) + 1)
    profile = gammas.depth_profile(skin, along, edges, energy_mev=GAMMA_BAND_MEV)
    try:
        falloff: float | None = distal_falloff_mm(0.5 * (edges[1:] + edges[:-1]), profile)
    except InputError:
        # Gammas to the edge of the CT: the field leaves the patient.
        falloff = None
    return FieldGammas(name, protons, float(profile.sum()), edges, profile, falloff)


def _depths(grid: Grid, start_mm: NDArray[np.float64], along: NDArray[np.float64]) -> tuple[float, float]:
    depths = (grid.corners_mm - start_mm) @ along
    return float(depths.min()), float(depths.max())


def _notes(choice: MonteCarloChoice, found: MonteCarloDose) -> tuple[str, ...]:
    reached = 100.0 * found.mean_uncertainty
    if reached <= choice.target_uncertainty_percent:
        return ()
    return (
        f"The Monte Carlo calculation ended at its limit of {choice.histories:g} histories with a mean "
        f"uncertainty of {reached:.2g} %; {choice.target_uncertainty_percent:g} % were asked for.",
    )
