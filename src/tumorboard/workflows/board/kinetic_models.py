"""The models that a report fits to the curves of a scan, and under which choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tumorboard.core.blood import BloodSamples
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError, MissingAttribute, TumorboardError
from tumorboard.pet.kinetics.fit import FitFlag, KineticFit
from tumorboard.provenance import Record
from tumorboard.workflows.board.kinetic_choices import KineticsChoices
from tumorboard.workflows.kinetics.blood import END_TOLERANCE_S, blood_ends_s
from tumorboard.workflows.kinetics.config import KineticsConfig
from tumorboard.workflows.kinetics.result import KineticsResult
from tumorboard.workflows.kinetics.run import KineticsInputs, run

__all__ = ["PLASMA_MODELS", "REFERENCE_MODELS", "KineticModels", "fit_models"]

#: By the names that a user types.
PLASMA_MODELS: Final = ("1tcm", "2tcm", "logan", "ma1")
REFERENCE_MODELS: Final = ("srtm", "mrtm1")
#: By so much AICc must be lower for a second compartment to be clearly there.
_CLEARLY: Final = 10.0
_MEAN: Final = "mean of all regions"


@dataclass(frozen=True, slots=True, eq=False)
class KineticModels:
    """Fits of several models to the regions of one scan.

    Parameters
    ----------
    results
        By the model's name; those that could be fitted.
    cautions
        What a reader must not miss.
    notes
        What was chosen.
    delay
        Of the blood, as :meth:`.KineticsResult.to_dict` has it; ``None`` without blood.
    """

    results: Mapping[str, KineticsResult]
    cautions: tuple[str, ...]
    notes: tuple[str, ...]
    delay: dict[str, Any] | None

    @property
    def fits(self) -> tuple[KineticFit, ...]:
        """All of them, model by model."""
        return tuple(fit for result in self.results.values() for fit in result.fits)

    @property
    def provenance(self) -> Record:
        """How the fits came about."""
        return Record("workflows.board.kinetics", {}, tuple(r.provenance for r in self.results.values()))


def fit_models(curves: TissueCurves, blood: BloodSamples | None, choices: KineticsChoices) -> KineticModels:
    """Fit the models that the tables allow.

    Parameters
    ----------
    curves
        Of the regions.
    blood
        Where there is some, the models of plasma are fitted; else those of the reference chosen.
    choices
        The user's.

    Raises
    ------
    InputError
        When the tables cannot be of one scan, or no model could be fitted.
    """
    curves, cautions = _changing(curves)
    if choices.reference is not None:
        found, failed = _each(
            {name: KineticsConfig(name, reference=choices.reference) for name in REFERENCE_MODELS},
            curves,
            None,
        )
        return _all(found, failed, cautions, None)
    if blood is None:
        raise MissingAttribute(
            "blood must be there for models of plasma; it is not; add a table of blood, or name a region "
            "without specific binding: --reference-region NAME"
        )
    common, more = _blood_choices(curves, blood, choices)
    cautions = [*cautions, *more]
    delay: dict[str, Any] | None = None
    delay_s = choices.delay_s
    if delay_s is None:
        delay, delay_s, said = _delay(curves, blood, common)
        cautions += said
    configs = {name: KineticsConfig(name, delay_s=delay_s, **common) for name in PLASMA_MODELS}
    found, failed = _each(configs, curves, blood)
    return _all(found, failed, cautions, delay)


def _blood_choices(
    curves: TissueCurves, blood: BloodSamples, choices: KineticsChoices
) -> tuple[dict[str, Any], list[str]]:
    """Return what the tables of blood leave no choice about, and what is to be said of it."""
    if blood.plasma is None:
        raise MissingAttribute(
            "blood must hold plasma; the table has whole blood only; add it, or fit one model with a stated "
            "ratio: tumorboard kinetics fit --plasma-over-blood RATIO"
        )
    common: dict[str, Any] = {"vb": choices.blood_volume}
    said = []
    if blood.parent_fraction is None:
        common["parent"] = "plasma"
        said.append(
            "The table of blood has no parent fraction: plasma is taken for unchanged tracer. Where "
            "metabolites are not subtracted yet, every volume here is too small."
        )
    if blood.whole_blood is None:
        common["plasma_over_blood"] = 1.0
        said.append("Whole blood was not measured: that in tissue's vessels is taken for the plasma's.")
    ends = blood_ends_s(blood, formula=False)
    first = min(ends, key=lambda name: ends[name])
    last_start, end = float(curves.frame_start_s[-1]), float(curves.frame_end_s[-1])
    if ends[first] < end - END_TOLERANCE_S:
        text = f"{first} ends at {ends[first]:.0f} s, the scan at {end:.0f} s"
        if ends[first] < last_start:
            raise InputError(
                f"blood must reach into the last frame; its {text}; leave later frames out of the table, "
                "or fit one model with the last value held: tumorboard kinetics fit --end-rule hold"
            )
        common["end_rule"] = "hold"
        said.append(f"Blood ends before the scan: its {text}. The last value is held to the end.")
    return common, said


def _delay(
    curves: TissueCurves, blood: BloodSamples, common: dict[str, Any]
) -> tuple[dict[str, Any], float, list[str]]:
    """Find the shift of the blood from the mean of all regions, which has the least noise."""
    mean = TissueCurves(
        (_MEAN,),
        curves.frame_start_s,
        curves.frame_duration_s,
        curves.concentration_bq_ml.mean(axis=0)[None],
        curves.weights,
        Record("workflows.board.mean_of_regions", {}, (curves.provenance,)),
    )
    inputs = KineticsInputs(mean, blood)
    # A second compartment that the curve does not show makes each of the fits ten times slower.
    aicc = {name: run(KineticsConfig(name, **common), inputs).fits[0].aicc for name in ("1tcm", "2tcm")}
    model = "2tcm" if aicc["2tcm"] < aicc["1tcm"] - _CLEARLY else "1tcm"
    config = KineticsConfig(model, delay_region=_MEAN, delay_model=model, **common)
    result = run(config, inputs)
    told: dict[str, Any] = {**result.to_dict()["delay"], "model": result.fits[0].model}
    if result.delay is None or FitFlag.AT_BOUND in result.delay.flags:
        first, last = config.delay_bounds_s
        text = (
            f"No delay of the blood between {first:g} and {last:g} s fits best: none is taken out. State one "
            "that is known: --blood-delay-s."
        )
        return {**told, "used_s": 0.0}, 0.0, [text]
    value = result.delay.delay.value
    return {**told, "used_s": value}, value, []


def _each(
    configs: Mapping[str, KineticsConfig], curves: TissueCurves, blood: BloodSamples | None
) -> tuple[dict[str, KineticsResult], dict[str, str]]:
    """Fit each model; what one cannot do must not cost the others."""
    found, failed = {}, {}
    for name, config in configs.items():
        try:
            found[name] = run(config, KineticsInputs(curves, blood))
        except TumorboardError as reason:
            failed[name] = str(reason)
    return found, failed


def _all(
    found: dict[str, KineticsResult],
    failed: dict[str, str],
    cautions: list[str],
    delay: dict[str, Any] | None,
) -> KineticModels:
    if not found:
        raise InputError(next(iter(failed.values())))
    cautions = [*cautions, *(f"{name} was not fitted: {why}" for name, why in failed.items())]
    notes = (
        "Frames are compared with the models' averages over them; weights are "
        f"{_WEIGHTS[next(iter(found.values())).weighting]}.",
    )
    return KineticModels(found, tuple(cautions), notes, delay)


_WEIGHTS: Final = {"given": "those of the table", "duration": "the frames' durations", "uniform": "alike"}


def _changing(curves: TissueCurves) -> tuple[TissueCurves, list[str]]:
    """Return the curves that change; a constant one is no tracer's and would stop every model."""
    changing = np.ptp(curves.concentration_bq_ml, axis=1) > 0
    if changing.all():
        return curves, []
    if not changing.any():
        raise InputError("curves must change over the frames [Bq/mL]; all are constant; look at their source")
    names = tuple(n for n, kept in zip(curves.regions, changing, strict=True) if kept)
    left = [n for n, kept in zip(curves.regions, changing, strict=True) if not kept]
    record = Record("workflows.board.changing_curves", {"left_out": left}, (curves.provenance,))
    kept_curves = TissueCurves(
        names,
        curves.frame_start_s,
        curves.frame_duration_s,
        curves.concentration_bq_ml[changing],
        curves.weights,
        record,
    )
    return kept_curves, [f"Constant over all frames, and left out: {', '.join(left)}."]
