"""Make a plan: stopping power, spots, dose of each spot, weights, dose, judgement."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.beam import ProtonMachine
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.image import Image, Quantity
from tumorboard.core.plan import EnergyLayer, IonBeam, IonPlan
from tumorboard.core.structures import StructureSet
from tumorboard.errors import InputError
from tumorboard.numerics.ray_trace import line_integrals
from tumorboard.proton.influence import DoseInfluence
from tumorboard.proton.optimisation import (
    OptimisationResult,
    OptimisationState,
    OptimisationStatus,
    PlanConstraint,
    PlanObjective,
    PlanProblem,
    RobustMethod,
    Robustness,
    StructureVoxels,
    optimise,
    with_minimum_weight,
)
from tumorboard.proton.optimisation.objectives.registry import objective_from_table
from tumorboard.proton.pencil_beam import dose_influence
from tumorboard.proton.plan_dose import PlanDose, plan_dose, spot_weights
from tumorboard.proton.rbe import RbeModel
from tumorboard.proton.robust_scenarios import Scenario, scenario_set
from tumorboard.workflows.progress import Progress, silent
from tumorboard.workflows.proton_plan.config import ELSEWHERE, PHYSICAL_DOSE, ProtonPlanConfig
from tumorboard.workflows.proton_plan.depth import entry_to
from tumorboard.workflows.proton_plan.effort import Clock, peak_memory_gb
from tumorboard.workflows.proton_plan.energy import brought_energy_j, deposited_energy_j
from tumorboard.workflows.proton_plan.evaluation import (
    complication_bands,
    control_bands,
    goal_outcomes,
    histograms,
    photon_selection,
    weighted_dose,
)
from tumorboard.workflows.proton_plan.fields import dose_model, place_fields, scaled, shifted
from tumorboard.workflows.proton_plan.preparation import prepare
from tumorboard.workflows.proton_plan.result import ProtonPlanResult
from tumorboard.workflows.proton_plan.structures import PlanStructures

__all__ = ["run"]


def run(
    config: ProtonPlanConfig,
    ct: Image,
    drawn: StructureSet,
    *,
    photon_dose: Image | None = None,
    progress: Progress = silent,
) -> ProtonPlanResult:
    """Make the plan of a prescription.

    An interrupt from the keyboard during the optimisation ends it with the best weights so far; the plan is
    finished with them and says so.

    Parameters
    ----------
    config
        The prescription.
    ct
        CT_NUMBER [HU].
    drawn
        Structures in its frame of reference.
    photon_dose
        Of a photon plan for the same patient, DOSE [Gy], when the prescription compares with one.
    progress
        Told how far it is.

    Returns
    -------
    ProtonPlanResult
        Plan, dose and what they mean.

    Raises
    ------
    InputError
        When a structure is unknown or lies outside the CT, a depth is out of reach, or LET is missing.
    """
    clock = Clock()
    if config.photons is not None and photon_dose is None:
        raise InputError(
            "photons must have a photon dose to compare with; got none; put the RTDOSE of the photon plan "
            "into the folder, or take [photons] out of the prescription"
        )
    progress("preparing CT, structures and machine", 0, 1)
    ready = prepare(config, ct, drawn)
    machine, structures, rsp = ready.machine, ready.structures, ready.rsp
    beams = place_fields(config, structures, rsp, machine)
    # Fields are placed with one monitor unit a spot.
    placed = IonPlan(config.label, machine.beam_model.name, beams, 1, rsp.provenance)
    per_mu = spot_weights(placed, machine)
    clock.stage("preparation")
    scenarios = scenario_set(
        setup_mm=config.robustness.setup_mm, range_percent=config.robustness.range_percent
    )
    problem = _problem(config, beams, rsp, machine, structures, scenarios, progress)
    clock.stage("dose_influence")
    n_most = config.optimisation.max_iterations

    def tell(iteration: int, value: float, seconds: float) -> None:
        progress(f"optimising, objective {value:.5g}", min(iteration, n_most - 1), n_most)

    found = optimise(problem, max_iterations=n_most, tolerance=config.optimisation.tolerance, callback=tell)
    progress("optimising", n_most, n_most)
    found, more_notes = _deliverable(config, problem, found, per_mu, tell)
    clock.stage("optimisation")
    plan = _plan(config, beams, machine, found, per_mu, ct.grid.frame_of_reference)
    doses = _doses(config, plan, machine, rsp, structures, scenarios, progress)
    with_let = doses[0].let
    weighted = [weighted_dose(config, d.dose, d.let, structures) for d in doses]
    by_structure = histograms(weighted, structures)
    clock.stage("robust_evaluation")
    return ProtonPlanResult(
        config=config,
        plan=plan,
        machine=machine,
        structures=structures,
        dose=doses[0].dose,
        rbe_dose=weighted[0],
        let=with_let,
        scenarios=scenarios,
        histograms=by_structure,
        optimisation=found,
        goals=goal_outcomes(config, by_structure),
        complications=complication_bands(config, by_structure),
        control=control_bands(config, by_structure),
        selection=photon_selection(config, photon_dose, structures, by_structure),
        isocentre_depth_mm=tuple(_depth(rsp, beam.geometry) for beam in plan.beams),
        brought_energy_j=brought_energy_j(plan, machine),
        deposited_energy_j=deposited_energy_j(doses[0].dose, rsp),
        stages_s=clock.stages_s,
        peak_memory_gb=peak_memory_gb(),
        notes=(*_notes(config, found), *more_notes),
        provenance=weighted[0].provenance,
    )


def _depth(rsp: Image, geometry: BeamGeometry) -> float:
    entry = entry_to(geometry, rsp.grid)[None]
    return float(line_integrals(rsp, entry, geometry.isocentre_mm[None])[0])


def _needs_let(config: ProtonPlanConfig) -> bool:
    if config.rbe_model != PHYSICAL_DOSE and RbeModel(config.rbe_model).needs_let:
        return True
    return any("let" in goal.type for goal in config.objectives) or any(
        "let" in goal.type for goal in config.constraints
    )


def _problem(
    config: ProtonPlanConfig,
    beams: tuple[IonBeam, ...],
    rsp: Image,
    machine: ProtonMachine,
    structures: PlanStructures,
    scenarios: tuple[Scenario, ...],
    progress: Progress,
) -> PlanProblem:
    objectives = tuple(
        PlanObjective(
            o.structure, objective_from_table({"type": o.type, **dict(o.fields)}), o.importance, o.robust
        )
        for o in config.objectives
    )
    constraints = tuple(
        PlanConstraint(c.structure, objective_from_table({"type": c.type, **dict(c.fields)}), c.robust)
        for c in config.constraints
    )
    ratios = dict(config.alpha_beta_gy)
    goals = [(g.structure, g.robust) for g in objectives] + [(g.structure, g.robust) for g in constraints]
    names = list(dict.fromkeys(name for name, _ in goals))
    voxels = [
        StructureVoxels.from_image(
            name, structures.of(name), alpha_beta_gy=ratios.get(name, ratios.get(ELSEWHERE))
        )
        for name in names
    ]
    robust = config.robustness.is_robust
    counted = scenarios if robust else scenarios[:1]
    with_let = _needs_let(config)
    robust_names = {name for name, is_robust in goals if is_robust}

    def influences() -> Iterator[DoseInfluence]:
        for done, scenario in enumerate(counted):
            progress("calculating the dose of each spot", done, len(counted))
            wanted = structures.body.values.copy()
            if done:
                # Only what robust goals look at counts in the other scenarios.
                wanted = np.any([structures.of(n).values > 0 for n in robust_names], axis=0)
            else:
                for name in names:
                    wanted |= structures.of(name).values > 0
            mask = Image(wanted, structures.body.grid, Quantity.LABEL, structures.body.provenance)
            yield dose_influence(
                shifted(beams, scenario),
                scaled(rsp, scenario),
                machine,
                dose_grid=mask.grid,
                model=dose_model(config),
                with_let=with_let,
                memory_limit_gb=config.dose.memory_limit_gb,
                mask=mask,
            )
        progress("calculating the dose of each spot", len(counted), len(counted))

    return PlanProblem(
        influences(),
        voxels,
        objectives,
        constraints,
        n_fractions=config.n_fractions,
        rbe_model=None if config.rbe_model == PHYSICAL_DOSE else RbeModel(config.rbe_model),
        robustness=Robustness(RobustMethod(config.robustness.method), config.robustness.tail)
        if robust
        else None,
    )


def _deliverable(
    config: ProtonPlanConfig,
    problem: PlanProblem,
    found: OptimisationResult,
    per_mu: NDArray[np.float64],
    tell: Callable[[int, float, float], None],
) -> tuple[OptimisationResult, tuple[str, ...]]:
    """Return weights that the machine can deliver: none, or at least the minimum monitor units.

    ``per_mu`` is the weight of one monitor unit of each spot.
    """
    if config.spots.minimum_mu == 0:
        return found, ()
    # Whoever interrupted wants to see the plan: its spots are made deliverable, and no better than that.
    interrupted = found.status is OptimisationStatus.INTERRUPTED
    spots = with_minimum_weight(
        problem,
        found.weights,
        minimum=config.spots.minimum_mu * per_mu,
        max_iterations=max(1, config.optimisation.max_iterations // 3),
        tolerance=config.optimisation.tolerance,
        callback=(lambda *_: True) if interrupted else tell,
    )
    last = spots.result
    status = OptimisationStatus.INTERRUPTED if interrupted else last.status
    note = (
        f"With a minimum of {config.spots.minimum_mu:g} MU per spot the objective is {last.objective:.4g}, "
        f"without it was {spots.objective_before:.4g}; {spots.n_left_out} spots were left out, "
        f"{spots.n_raised} raised."
    )
    # One story for the reader: the iterations before and after the minimum, one after the other.
    after = last.history + np.array(
        [[found.iterations, 0.0, found.history[-1, 2] if len(found.history) else 0.0]]
    )
    state = OptimisationState(last.weights, np.vstack([found.history, after]), last.state.problem_digest)
    whole = replace(last, iterations=found.iterations + last.iterations, state=state, status=status)
    return whole, (note,)


def _plan(
    config: ProtonPlanConfig,
    beams: tuple[IonBeam, ...],
    machine: ProtonMachine,
    found: OptimisationResult,
    per_mu: NDArray[np.float64],
    frame_of_reference: str,
) -> IonPlan:
    """Return the beams with the monitor units of the weights; spots without any are left out."""
    monitor_units = found.weights / per_mu
    source = machine.beam_model.source_distance_mm
    made, at = [], 0
    for beam in beams:
        layers = []
        for layer in beam.layers:
            n = len(layer.positions_mm)
            units = monitor_units[at : at + n]
            at += n
            on = units > 0
            if on.any():
                layers.append(EnergyLayer(layer.nominal_energy_mev, layer.positions_mm[on], units[on]))
        if layers:
            made.append(replace(beam, layers=tuple(layers), source_distance_mm=source))
    if not made:
        raise InputError(
            "objectives must ask for dose; the best plan of these has no spot; add one that wants dose "
            "in the target, such as squared_underdose"
        )
    return IonPlan(
        config.label, machine.beam_model.name, tuple(made), config.n_fractions, found.provenance,
        frame_of_reference,
    )  # fmt: skip


def _doses(
    config: ProtonPlanConfig,
    plan: IonPlan,
    machine: ProtonMachine,
    rsp: Image,
    structures: PlanStructures,
    scenarios: tuple[Scenario, ...],
    progress: Progress,
) -> list[PlanDose]:
    """Return the dose of each scenario, by a calculation of its own that knows nothing of the optimiser's."""
    has_let = all(k.let_kev_um is not None for k in machine.kernels)
    doses = []
    for done, scenario in enumerate(scenarios):
        progress("calculating the dose of the plan in each scenario", done, len(scenarios))
        doses.append(
            plan_dose(
                replace(plan, beams=shifted(plan.beams, scenario)),
                machine,
                scaled(rsp, scenario),
                dose_grid=structures.body.grid,
                model=dose_model(config),
                with_let=has_let,
                mask=structures.body,
            )
        )
    progress("calculating the dose of the plan in each scenario", len(scenarios), len(scenarios))
    return doses


def _notes(config: ProtonPlanConfig, found: OptimisationResult) -> tuple[str, ...]:
    notes = []
    if found.status is OptimisationStatus.INTERRUPTED:
        notes.append("The optimisation was interrupted; the plan has the best weights until then.")
    if found.status is OptimisationStatus.MAXIMUM_ITERATIONS:
        notes.append(
            f"The optimisation ended at its limit of {config.optimisation.max_iterations} iterations before "
            "it met its tolerance."
        )
    return tuple(notes)
