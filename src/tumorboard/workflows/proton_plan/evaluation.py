"""Judge a plan: histograms, goals and complications, nominal and over scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.outcomes.complication import complication_model
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram, dose_volume_histogram
from tumorboard.outcomes.model_based_selection import Selection, select_by_models
from tumorboard.outcomes.tumour_control import PoissonControl
from tumorboard.proton.rbe import RBE_PARAMETERS, RbeModel, rbe_dose_gy
from tumorboard.provenance import Record
from tumorboard.workflows.proton_plan.config import ELSEWHERE, PHYSICAL_DOSE, ProtonPlanConfig
from tumorboard.workflows.proton_plan.result import ComplicationBand, ControlBand, GoalOutcome
from tumorboard.workflows.proton_plan.structures import PlanStructures
from tumorboard.workflows.proton_plan.wishes import GoalChoice

__all__ = [
    "complication_bands",
    "control_bands",
    "goal_outcomes",
    "histograms",
    "photon_selection",
    "weighted_dose",
]


def weighted_dose(
    config: ProtonPlanConfig, dose: Image, let: Image | None, structures: PlanStructures
) -> Image:
    """Return the RBE-weighted dose of all fractions.

    Where structures with an alpha/beta of their own overlap, the later in the prescription's order counts.

    Parameters
    ----------
    config
        RBE model, fractions and alpha/beta.
    dose
        Physical, of all fractions, DOSE [Gy].
    let
        On the same grid, LET [keV/um]; needed by variable models.
    structures
        On the same grid.
    """
    if config.rbe_model == PHYSICAL_DOSE:
        return dose
    model = RbeModel(config.rbe_model)
    fraction = dose.values.astype(np.float64) / config.n_fractions
    if not model.needs_let:
        weighted: NDArray[np.float64] = rbe_dose_gy(model, fraction, 0.0, 1.0)
        references: tuple[str, ...] = ("paganetti2002relative",)
    else:
        if let is None:
            raise InputError(
                f"rbe_model {config.rbe_model} must have LET; the machine's kernels have none; choose "
                f"{RbeModel.CONSTANT.value} or another machine"
            )
        ratios = dict(config.alpha_beta_gy)
        weighted = rbe_dose_gy(model, fraction, let.values, ratios[ELSEWHERE])
        for name, ratio in config.alpha_beta_gy:
            if name != ELSEWHERE:
                inside = structures.of(name).values >= 0.5
                weighted[inside] = rbe_dose_gy(model, fraction[inside], let.values[inside], ratio)
        references = (RBE_PARAMETERS[model].reference,)
    record = Record(
        "workflows.proton_plan.rbe_weighted_dose",
        {"rbe_model": config.rbe_model, "n_fractions": config.n_fractions},
        (dose.provenance,),
        references,
    )
    values = (config.n_fractions * weighted).astype(np.float32)
    return Image(values, dose.grid, Quantity.DOSE, record)


def histograms(
    doses: Sequence[Image], structures: PlanStructures
) -> dict[str, tuple[DoseVolumeHistogram, ...]]:
    """Return the histogram of each structure for each dose.

    Parameters
    ----------
    doses
        One per scenario, on the structures' grid, DOSE [Gy].
    structures
        All of them are taken.
    """
    return {
        name: tuple(dose_volume_histogram(dose, fraction, name=name) for dose in doses)
        for name, fraction in structures.fractions.items()
    }


def goal_outcomes(
    config: ProtonPlanConfig, by_structure: Mapping[str, Sequence[DoseVolumeHistogram]]
) -> tuple[GoalOutcome, ...]:
    """Return what became of each goal.

    Parameters
    ----------
    config
        Its goals count.
    by_structure
        As :func:`histograms` gives them, the nominal scenario first.
    """
    outcomes = []
    for goal in config.goals:
        values = np.array([_measured(goal, h) for h in by_structure[goal.structure]])
        met = np.ones(len(values), bool)
        if goal.lower is not None:
            met &= values >= goal.lower
        if goal.upper is not None:
            met &= values <= goal.upper
        outcomes.append(
            GoalOutcome(
                goal,
                float(values[0]),
                float(values.min()),
                float(values.max()),
                bool(met[0]),
                float(100 * met.mean()),
            )
        )
    return tuple(outcomes)


def complication_bands(
    config: ProtonPlanConfig, by_structure: Mapping[str, Sequence[DoseVolumeHistogram]]
) -> tuple[ComplicationBand, ...]:
    """Return each complication's probability, nominal and over scenarios.

    Parameters
    ----------
    config
        Its complications count.
    by_structure
        As :func:`histograms` gives them, the nominal scenario first.
    """
    bands = []
    for choice in config.complications:
        model = complication_model(choice.model)
        found = [
            model.evaluate(h, n_fractions=config.n_fractions, risk_factors=choice.risk_factors)
            for h in by_structure[choice.structure]
        ]
        chances = [f.probability_percent for f in found]
        bands.append(ComplicationBand(found[0], min(chances), max(chances)))
    return tuple(bands)


def control_bands(
    config: ProtonPlanConfig, by_structure: Mapping[str, Sequence[DoseVolumeHistogram]]
) -> tuple[ControlBand, ...]:
    """Return the chance of tumour control, nominal and over scenarios.

    Parameters
    ----------
    config
        Its control models count.
    by_structure
        As :func:`histograms` gives them, the nominal scenario first.
    """
    bands = []
    for c in config.control:
        model = PoissonControl(c.alpha_per_gy, c.alpha_sd_per_gy, c.alpha_beta_gy, c.clonogens_per_ml)
        chances = [
            model.probability_percent(h, n_fractions=config.n_fractions) for h in by_structure[c.structure]
        ]
        bands.append(ControlBand(c.structure, chances[0], min(chances), max(chances), c.source))
    return tuple(bands)


def photon_selection(
    config: ProtonPlanConfig,
    photon_dose: Image | None,
    structures: PlanStructures,
    by_structure: Mapping[str, Sequence[DoseVolumeHistogram]],
) -> Selection | None:
    """Compare with a photon plan when the prescription asks for it.

    Parameters
    ----------
    config
        Thresholds and complications.
    photon_dose
        DOSE of the whole photon course, any grid that covers the structures [Gy].
    structures
        On the protons' dose grid.
    by_structure
        Of the proton plan.
    """
    if config.photons is None or photon_dose is None:
        return None
    on_grid = resample(photon_dose, structures.body.grid, method=Interpolation.LINEAR, outside=0.0)
    models = [(c.structure, complication_model(c.model)) for c in config.complications]
    photon = {name: dose_volume_histogram(on_grid, structures.of(name), name=name) for name, _ in models}
    return select_by_models(
        models,
        photon,
        {name: bands[0] for name, bands in by_structure.items()},
        photon_fractions=config.photons.n_fractions,
        proton_fractions=config.n_fractions,
        thresholds_percent=dict(config.photons.threshold_percent),
    )


def _measured(goal: GoalChoice, histogram: DoseVolumeHistogram) -> float:
    if goal.metric == "mean" or goal.at is None:
        return histogram.mean_gy
    if goal.metric == "volume_at_dose":
        return histogram.volume_at_dose_percent(goal.at)
    return histogram.dose_at_volume_gy(percent=goal.at)
