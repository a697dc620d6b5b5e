"""A finished plan calculated again by Monte Carlo, and how far the planned dose is from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.emission import EmissionMap
from tumorboard.core.image import Image, Quantity
from tumorboard.core.plan import IonBeam, IonPlan
from tumorboard.core.structures import StructureSet
from tumorboard.errors import InputError
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram
from tumorboard.outcomes.gamma_index import GammaCriteria, GammaNormalisation, GammaResult, gamma_index
from tumorboard.physics.hounsfield import HounsfieldTable, schneider2000
from tumorboard.physics.prompt_gammas import distal_falloff_mm
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.proton.emission_depth import emission_by_water_depth
from tumorboard.proton.machine import at_energy
from tumorboard.proton.monte_carlo import (
    MonteCarloDose,
    monte_carlo_dose,
    patient_medium,
    prompt_gammas,
    reached_part,
)
from tumorboard.proton.plan_dose import spot_weights
from tumorboard.provenance import Record
from tumorboard.workflows.progress import Progress, silent
from tumorboard.workflows.proton_plan.config import MonteCarloChoice, ProtonPlanConfig
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
#: Spots are weighted in so many protons.
_PROTONS: Final = 1e6

#: Protons scatter this far beyond the axes of their spots, and hardly one farther [mm].
_REACH_MM: Final = 60.0

#: Protons followed for the fall-off of each field; with bins of this width [mm] it is certain to some 0.3 mm.
_FIELD_HISTORIES: Final = 200_000
_BIN_MM: Final = 2.0
#: Beyond the range of a layer by this, there is nothing [mm].
_BEHIND_MM: Final = 40.0


@dataclass(frozen=True, slots=True, eq=False)
class FieldGammas:
    """Prompt gammas of one field's strongest layer, by water-equivalent depth.

    In the sum of all layers, as in that of all fields, none has a fall-off of its own.

    Parameters
    ----------
    name
        Of the field.
    protons
        Of the field in one fraction.
    layer_energy_mev
        Nominal energy of the layer with the most protons [MeV].
    range_mm
        Depth of 80 % of the dose that the machine's kernel says, less the range shifter [mm].
    yield_per_proton
        Gammas of 3 to 6 MeV that a proton of the layer makes.
    edges_mm
        Water-equivalent depths, along each voxel's own ray, shape ``(n + 1,)`` [mm].
    per_proton
        Gammas between these depths, shape ``(n,)``.
    falloff_50_mm
        Where they fall for the last time below half of the most [mm]; ``None`` where they do not.
    """

    name: str
    protons: float
    layer_energy_mev: float
    range_mm: float
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
    clock.stage("prompt_gammas_of_fields")
    progress("comparing the doses", 0, 1)
    body = ready.structures.body
    on_plan = {
        name: _inside(image, body)
        for name, image in (
            ("dose", found.dose),
            ("let", found.dose_averaged_let),
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
    made = []
    batches = BatchPlan(min(choice.histories, _FIELD_HISTORIES), choice.seed + 1, threads)
    for done, beam in enumerate(plan.beams):
        progress("prompt gammas of each field", done, len(plan.beams))
        protons = [
            spot_weights(replace(plan, beams=(replace(beam, layers=(layer,)),)), ready.machine).sum()
            for layer in beam.layers
        ]
        strongest = replace(beam, layers=(beam.layers[int(np.argmax(protons))],))
        gammas, _ = prompt_gammas(replace(plan, beams=(strongest,)), ready.machine, medium, batches)
        made.append(_of_layer(strongest, float(sum(protons)) * _PROTONS, gammas, ready))
    progress("prompt gammas of each field", len(plan.beams), len(plan.beams))
    return tuple(made)


def _of_layer(beam: IonBeam, protons: float, gammas: EmissionMap, ready: Preparation) -> FieldGammas:
    energy_mev = beam.layers[0].nominal_energy_mev
    model = ready.machine.beam_model
    reach_mm = at_energy(ready.machine, energy_mev)[1].range_mm
    if beam.range_shifter is not None:
        reach_mm -= model.range_shifter(beam.range_shifter).water_equivalent_thickness_mm
    edges = np.arange(0.0, max(reach_mm, 0.0) + _BEHIND_MM + _BIN_MM, _BIN_MM)
    profile = emission_by_water_depth(
        gammas,
        beam,
        ready.rsp,
        edges,
        source_distance_mm=model.source_distance_mm,
        energy_mev=GAMMA_BAND_MEV,
    )
    try:
        falloff: float | None = distal_falloff_mm(0.5 * (edges[1:] + edges[:-1]), profile)
    except InputError:
        # None of them stop in the patient, or there are no gammas at all.
        falloff = None
    emitted = float(gammas.spectrum[gammas.bins(*GAMMA_BAND_MEV)].sum())
    return FieldGammas(beam.name, protons, energy_mev, reach_mm, emitted, edges, profile, falloff)


def _notes(choice: MonteCarloChoice, found: MonteCarloDose) -> tuple[str, ...]:
    reached = 100.0 * found.mean_uncertainty
    if reached <= choice.target_uncertainty_percent:
        return ()
    return (
        f"The Monte Carlo calculation ended at its limit of {choice.histories:g} histories with a mean "
        f"uncertainty of {reached:.2g} %; {choice.target_uncertainty_percent:g} % were asked for.",
    )
