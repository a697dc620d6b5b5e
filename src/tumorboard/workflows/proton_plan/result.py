"""What planning comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tumorboard.core.beam import ProtonMachine
from tumorboard.core.image import Image
from tumorboard.core.plan import IonPlan
from tumorboard.outcomes.complication import Complication
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram
from tumorboard.outcomes.model_based_selection import Selection
from tumorboard.proton.optimisation.result import OptimisationResult
from tumorboard.proton.robust_scenarios import Scenario
from tumorboard.provenance import Record
from tumorboard.workflows.proton_plan.config import ProtonPlanConfig
from tumorboard.workflows.proton_plan.structures import PlanStructures
from tumorboard.workflows.proton_plan.wishes import GoalChoice

__all__ = ["ComplicationBand", "ControlBand", "GoalOutcome", "ProtonPlanResult"]


@dataclass(frozen=True, slots=True)
class GoalOutcome:
    """What became of a goal.

    Parameters
    ----------
    choice
        The goal.
    value
        In the nominal scenario, in the goal's unit.
    lowest, highest
        Of all scenarios.
    passes
        Whether the nominal plan meets it.
    pass_rate_percent
        Share of the scenarios in which it is met [%].
    """

    choice: GoalChoice
    value: float
    lowest: float
    highest: float
    passes: bool
    pass_rate_percent: float


@dataclass(frozen=True, slots=True)
class ComplicationBand:
    """A complication's probability.

    Parameters
    ----------
    nominal
        Of the nominal plan.
    lowest_percent, highest_percent
        Of all scenarios [%].
    """

    nominal: Complication
    lowest_percent: float
    highest_percent: float


@dataclass(frozen=True, slots=True)
class ControlBand:
    """Chance of tumour control.

    Parameters
    ----------
    structure
        The tumour.
    probability_percent
        Of the nominal plan [%].
    lowest_percent, highest_percent
        Of all scenarios [%].
    source
        Of the parameters.
    """

    structure: str
    probability_percent: float
    lowest_percent: float
    highest_percent: float
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class ProtonPlanResult:
    """A plan, its dose and what that means.

    Parameters
    ----------
    config
        The choices.
    plan
        Spots that have monitor units.
    machine
        That it is for.
    structures
        On the dose grid.
    dose
        Physical dose of all fractions, DOSE [Gy].
    rbe_dose
        RBE-weighted, or the same where the prescription says ``physical_dose``, DOSE [Gy].
    let
        Dose-averaged LET, LET [keV/um]; ``None`` where the machine has none.
    scenarios
        Nominal first.
    histograms
        Of the RBE-weighted dose by structure, one per scenario.
    optimisation
        How the weights were found, in 1e6 protons per fraction.
    goals, complications, control
        As asked for.
    selection
        Comparison with a photon plan, when asked for.
    isocentre_depth_mm
        Water-equivalent depth of the isocentre on the central axis of each beam [mm].
    brought_energy_j, deposited_energy_j
        What the protons leave in endless water, and what the dose says that they left here [J].
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
    plan: IonPlan
    machine: ProtonMachine
    structures: PlanStructures
    dose: Image
    rbe_dose: Image
    let: Image | None
    scenarios: tuple[Scenario, ...]
    histograms: Mapping[str, tuple[DoseVolumeHistogram, ...]]
    optimisation: OptimisationResult
    goals: tuple[GoalOutcome, ...]
    complications: tuple[ComplicationBand, ...]
    control: tuple[ControlBand, ...]
    selection: Selection | None
    isocentre_depth_mm: tuple[float, ...]
    brought_energy_j: float
    deposited_energy_j: float
    stages_s: Mapping[str, float]
    peak_memory_gb: float
    notes: tuple[str, ...]
    provenance: Record
