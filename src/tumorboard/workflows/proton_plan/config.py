"""What a physicist chooses about a proton plan; nothing here has a default where one would ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tumorboard.errors import InputError
from tumorboard.workflows.proton_plan.checks import require_choice, require_number
from tumorboard.workflows.proton_plan.wishes import (
    ComplicationChoice,
    ConstraintChoice,
    ControlChoice,
    GoalChoice,
    ObjectiveChoice,
    PhotonChoice,
)

__all__ = [
    "ELSEWHERE",
    "PHYSICAL_DOSE",
    "BeamChoice",
    "CombinedStructure",
    "DoseChoice",
    "MonteCarloChoice",
    "OptimisationChoice",
    "ProtonPlanConfig",
    "RobustChoice",
    "SpotChoice",
    "TargetChoice",
]

#: Name of the RBE model that is none.
PHYSICAL_DOSE = "physical_dose"
#: Key of the alpha/beta of all tissue that is in no structure with one of its own.
ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class BeamChoice:
    """One field.

    Parameters
    ----------
    name
        Unique in the plan.
    gantry_deg, couch_deg
        IEC 61217 angles [deg].
    range_shifter
        Identifier of the machine's; ``""``: none.
    range_shifter_distance_mm
        Isocentre to its downstream face; needed with one [mm].
    """

    name: str
    gantry_deg: float
    couch_deg: float
    range_shifter: str = ""
    range_shifter_distance_mm: float | None = None

    def __post_init__(self) -> None:
        require_number(f"gantry_deg of beam {self.name!r}", self.gantry_deg, "deg", -360, 360)
        require_number(f"couch_deg of beam {self.name!r}", self.couch_deg, "deg", -360, 360)
        if bool(self.range_shifter) != (self.range_shifter_distance_mm is not None):
            raise InputError(
                f"range_shifter_distance_mm of beam {self.name!r} must be given with range_shifter and only "
                f"then [mm]; got {self.range_shifter_distance_mm!r} with {self.range_shifter!r}"
            )


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """A structure that is to be treated.

    Parameters
    ----------
    structure
        Its name.
    dose_gy
        Prescribed over all fractions, > 0; RBE-weighted unless the RBE model is ``physical_dose`` [Gy].
    margin_mm
        By which it grows before spots are placed; robust objectives need spots around it [mm].
    """

    structure: str
    dose_gy: float
    margin_mm: float

    def __post_init__(self) -> None:
        require_number(f"dose_gy of target {self.structure!r}", self.dose_gy, "Gy", 0, 200, above=True)
        require_number(f"margin_mm of target {self.structure!r}", self.margin_mm, "mm", 0, 100)


@dataclass(frozen=True, slots=True)
class CombinedStructure:
    """A structure made of others: their union, grown, without the union of others, grown.

    Parameters
    ----------
    name
        Not that of a drawn structure.
    union, minus
        Names of drawn or earlier combined structures.
    grow_mm, minus_grow_mm
        By which each union grows [mm].
    """

    name: str
    union: tuple[str, ...]
    minus: tuple[str, ...] = ()
    grow_mm: float = 0.0
    minus_grow_mm: float = 0.0

    def __post_init__(self) -> None:
        if not self.union:
            raise InputError(f"union of combined structure {self.name!r} must name at least one; got none")
        require_number(f"grow_mm of {self.name!r}", self.grow_mm, "mm", 0, 200)
        require_number(f"minus_grow_mm of {self.name!r}", self.minus_grow_mm, "mm", 0, 200)


@dataclass(frozen=True, slots=True)
class SpotChoice:
    """Where spots go.

    Parameters
    ----------
    spacing_mm
        Between neighbours of a layer, on the isocentre plane [mm].
    layer_spacing_mm
        Between ranges of layers; 0: every energy of the machine [mm].
    lattice
        ``"hexagonal"`` or ``"square"``.
    lateral_margin_mm, proximal_margin_mm, distal_margin_mm
        By which spots reach beyond the targets with their margins [mm].
    minimum_mu
        A spot has none or at least so many monitor units per fraction.
    """

    spacing_mm: float
    layer_spacing_mm: float
    lattice: str
    lateral_margin_mm: float
    proximal_margin_mm: float
    distal_margin_mm: float
    minimum_mu: float

    def __post_init__(self) -> None:
        require_number("spots.spacing_mm", self.spacing_mm, "mm", 0.5, 50)
        require_number("spots.layer_spacing_mm", self.layer_spacing_mm, "mm", 0, 50)
        require_choice("spots.lattice", self.lattice, ("hexagonal", "square"))
        for name in ("lateral_margin_mm", "proximal_margin_mm", "distal_margin_mm"):
            require_number(f"spots.{name}", getattr(self, name), "mm", 0, 50)
        require_number("spots.minimum_mu", self.minimum_mu, "MU", 0, 1000)


@dataclass(frozen=True, slots=True)
class DoseChoice:
    """How dose is calculated.

    Parameters
    ----------
    spacing_mm
        Of the dose grid along (z, y, x) [mm].
    depth_model
        ``"voxelwise"``, ``"central ray"`` or ``"sub-beams"`` (seven per axis of 0.6 of the width).
    lateral_cutoff
        Fraction of a spot's dose at each depth that is too far from its axis to be followed.
    memory_limit_gb
        For the dose influence of all scenarios together [GB].
    """

    spacing_mm: tuple[float, float, float]
    depth_model: str
    lateral_cutoff: float
    memory_limit_gb: float

    def __post_init__(self) -> None:
        if len(self.spacing_mm) != 3:
            raise InputError(f"dose.spacing_mm must be three numbers (z, y, x) [mm]; got {self.spacing_mm}")
        for value in self.spacing_mm:
            require_number("dose.spacing_mm", value, "mm", 0.5, 20)
        require_choice("dose.depth_model", self.depth_model, ("voxelwise", "central ray", "sub-beams"))
        require_number("dose.lateral_cutoff", self.lateral_cutoff, "1", 0, 0.1, above=True)
        require_number("dose.memory_limit_gb", self.memory_limit_gb, "GB", 0, 4096, above=True)


@dataclass(frozen=True, slots=True)
class RobustChoice:
    """Which errors the plan should withstand, and how.

    Parameters
    ----------
    method
        ``"none"``, or a method of :class:`tumorboard.proton.optimisation.RobustMethod`.
    setup_mm
        Shift along each axis, both ways; also of the evaluation where the method is ``"none"`` [mm].
    range_percent
        Change of stopping power, both ways [%].
    tail
        Share of the probability that ``"cvar"`` averages over; needed with it and only then.
    """

    method: str
    setup_mm: float
    range_percent: float
    tail: float | None = None

    def __post_init__(self) -> None:
        methods = ("none", "expected", "cvar", "composite_worst", "objective_worst", "voxel_worst")
        require_choice("robustness.method", self.method, methods)
        require_number("robustness.setup_mm", self.setup_mm, "mm", 0, 50)
        require_number("robustness.range_percent", self.range_percent, "%", 0, 20)
        if (self.method == "cvar") != (self.tail is not None):
            raise InputError(
                f"robustness.tail must be given with method cvar and only then; got {self.tail!r}"
            )
        if self.method != "none" and self.setup_mm == self.range_percent == 0:
            raise InputError(
                f"robustness.setup_mm [mm] or range_percent [%] must be > 0 with method {self.method}; got 0 "
                'and 0; write method = "none" for a plan without robustness'
            )

    @property
    def is_robust(self) -> bool:
        """Whether scenarios count in the optimisation."""
        return self.method != "none"


@dataclass(frozen=True, slots=True)
class OptimisationChoice:
    """When the optimisation ends.

    Parameters
    ----------
    max_iterations
        >= 1.
    tolerance
        As in :func:`tumorboard.proton.optimisation.optimise`.
    """

    max_iterations: int
    tolerance: float

    def __post_init__(self) -> None:
        require_number("optimisation.max_iterations", self.max_iterations, "1", 1, 100_000)
        require_number("optimisation.tolerance", self.tolerance, "1", 0, 1, above=True)


@dataclass(frozen=True, slots=True)
class MonteCarloChoice:
    """How the finished plan is calculated again by Monte Carlo.

    Parameters
    ----------
    histories
        Protons to follow at most, >= 1000.
    target_uncertainty_percent
        It ends as soon as the mean relative standard uncertainty, over voxels with more than half of the
        highest dose, is at most this, > 0 [%].
    seed
        Of the random streams, >= 0; the same seed gives the same result on any number of threads.
    """

    histories: int
    target_uncertainty_percent: float
    seed: int

    def __post_init__(self) -> None:
        for name, least, most in (("histories", 1000, 10**12), ("seed", 0, 2**62)):
            value = getattr(self, name)
            require_number(f"monte_carlo.{name}", value, "1", least, most)
            if value != int(value):
                raise InputError(f"monte_carlo.{name} must be a whole number; got {value!r}")
            object.__setattr__(self, name, int(value))
        name = "monte_carlo.target_uncertainty_percent"
        require_number(name, self.target_uncertainty_percent, "%", 0, 50, above=True)


@dataclass(frozen=True, slots=True)
class ProtonPlanConfig:
    """A whole prescription, as :mod:`tumorboard.workflows.proton_plan.prescription` reads it.

    Parameters
    ----------
    label
        Of the plan, at most 16 characters.
    machine
        ``"generic"`` or a file: beam data library of MCsquare (``.txt``), matRad base data (``.mat``) or the
        table of DCPT (``.csv``).
    hu_curve
        ``"schneider2000"`` or a file.
    rbe_model
        ``"physical_dose"`` or a value of :class:`tumorboard.proton.rbe.RbeModel`.
    n_fractions
        >= 1.
    beams, targets, spots, dose, robustness, optimisation, objectives
        As their classes say.
    constraints, goals, complications, control, photons, combined
        May be left out.
    monte_carlo
        How the plan is calculated again by Monte Carlo; ``None``: it is not.
    isocentre_mm
        Patient point (x, y, z); ``None``: the centre of mass of all targets together [mm].
    alpha_beta_gy
        By structure, and :data:`ELSEWHERE`; needed by RBE models that depend on it [Gy].
    source_distance_mm
        Virtual sources (x, y), where the machine's file does not say [mm].
    protons_per_mu
        Where the machine's file does not say.
    file_digests
        SHA-256 of each file that is named, so that a changed file is a changed choice.
    """

    label: str
    machine: str
    hu_curve: str
    rbe_model: str
    n_fractions: int
    beams: tuple[BeamChoice, ...]
    targets: tuple[TargetChoice, ...]
    spots: SpotChoice
    dose: DoseChoice
    robustness: RobustChoice
    optimisation: OptimisationChoice
    objectives: tuple[ObjectiveChoice, ...]
    constraints: tuple[ConstraintChoice, ...] = ()
    goals: tuple[GoalChoice, ...] = ()
    complications: tuple[ComplicationChoice, ...] = ()
    control: tuple[ControlChoice, ...] = ()
    photons: PhotonChoice | None = None
    combined: tuple[CombinedStructure, ...] = ()
    monte_carlo: MonteCarloChoice | None = None
    isocentre_mm: tuple[float, float, float] | None = None
    alpha_beta_gy: tuple[tuple[str, float], ...] = ()
    source_distance_mm: tuple[float, float] | None = None
    protons_per_mu: float | None = None
    file_digests: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.label) <= 16:
            raise InputError(f"label must be 1 to 16 characters; got {self.label!r}")
        require_number("n_fractions", self.n_fractions, "1", 1, 100)
        for name in ("beams", "targets", "objectives"):
            if not getattr(self, name):
                raise InputError(f"{name} must be at least one; got none; write a [[{name}]] table")
        names = [beam.name for beam in self.beams]
        if len(set(names)) != len(names) or "" in names:
            raise InputError(f"names of beams must be unique and not empty; got {', '.join(names)}")
        if len(self.beams) > 20:
            raise InputError(f"beams must be at most 20; got {len(self.beams)}")
        for structure, value in self.alpha_beta_gy:
            require_number(f"alpha_beta_gy of {structure!r}", value, "Gy", 0, 100, above=True)

    @property
    def structure_names(self) -> tuple[str, ...]:
        """Names of all structures that are asked for, combined ones too, each once."""
        held: tuple[Any, ...] = (
            *self.targets,
            *self.objectives,
            *self.constraints,
            *self.goals,
            *self.complications,
            *self.control,
        )
        named = [item.structure for item in held]
        named += [name for c in self.combined for name in (*c.union, *c.minus)]
        named += [name for name, _ in self.alpha_beta_gy if name != ELSEWHERE]
        return tuple(dict.fromkeys(named))
