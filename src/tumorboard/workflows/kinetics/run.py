"""Fit a kinetic model to the curves of one scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tumorboard.core.blood import BloodSamples
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.pet.kinetics.delay import DelayFit, fit_delay
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.table_units import require_same_units
from tumorboard.provenance import Record
from tumorboard.units import S_PER_MIN
from tumorboard.workflows.kinetics.blood import input_function
from tumorboard.workflows.kinetics.config import KineticsConfig
from tumorboard.workflows.kinetics.models import delay_model, plasma_model, reference_model, weighting
from tumorboard.workflows.kinetics.result import KineticsResult

__all__ = ["KineticsInputs", "driving_blood", "only_regions", "run"]

#: A frame may end this much after the time that frames are taken until [s].
_SLACK_S: Final = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class KineticsInputs:
    """The tables of one scan, whole: that their units go together is seen before frames are left out.

    Parameters
    ----------
    curves
        Of tissue, decay-corrected to the injection.
    blood
        Likewise; ``None`` for models of a reference region.

    Raises
    ------
    InputError
        When a curve of blood never changes, or the two cannot both be in the units that they say.
    """

    curves: TissueCurves
    blood: BloodSamples | None

    def __post_init__(self) -> None:
        if self.blood is not None:
            for name, curve in (("plasma", self.blood.plasma), ("whole blood", self.blood.whole_blood)):
                if curve is not None and np.ptp(curve.values) == 0.0:
                    raise InputError(
                        f"{name} must change in time [Bq/mL]; it is {curve.values[0]:g} in all "
                        f"{curve.values.size} samples; look at its column"
                    )
            require_same_units(self.curves, self.blood)


def run(config: KineticsConfig, inputs: KineticsInputs) -> KineticsResult:
    """Fit one model to each region.

    Parameters
    ----------
    config
        The model and its choices.
    inputs
        Tables of one scan.

    Returns
    -------
    KineticsResult

    Raises
    ------
    InputError
        When a table lacks what the model needs, blood ends before the scan and may not, or a region is not
        there.
    """
    curves = _until(inputs.curves, config.until_min)
    for name in (*config.regions, *(n for n in (config.reference, config.delay_region) if n)):
        curves.of(name)
    wanted = config.regions or tuple(name for name in curves.regions if name != config.reference)
    if not wanted:
        raise InputError(
            f"curves must hold a region beside the reference {config.reference!r}; they hold none"
        )
    fitted = only_regions(curves, wanted)
    chosen = weighting(config, curves).value
    if config.uses_reference and config.reference is not None:
        reference = only_regions(curves, (config.reference,))
        fits = reference_model(config, fitted).fit(fitted, reference)
        return KineticsResult(config, chosen, fits, fitted, None, None, ())
    blood, delay, notes = driving_blood(config, curves, inputs.blood)
    fits = plasma_model(config, fitted).fit(fitted, blood)
    return KineticsResult(config, chosen, fits, fitted, blood, delay, notes)


def driving_blood(
    config: KineticsConfig, curves: TissueCurves, samples: BloodSamples | None
) -> tuple[InputFunction, DelayFit | None, tuple[str, ...]]:
    """Return the blood that drives models, its delay taken out.

    Parameters
    ----------
    config
        With the choices of blood.
    curves
        Of the scan; one of them to find the delay from, where that was chosen.
    samples
        As measured.

    Returns
    -------
    tuple
        The input, the delay where it was found, and what a reader must know, one sentence each.

    Raises
    ------
    InputError
        When there is no blood, or it ends before the scan and may not.
    """
    if samples is None:
        raise MissingAttribute(
            f"blood must be given for {config.model}, which plasma drives; got none; say --blood FILE, or "
            "choose a model of a reference region, e.g. --model srtm --reference REGION"
        )
    end_s = float(curves.frame_end_s[-1])
    blood, notes = input_function(config, samples, end_s)
    if config.delay_region is not None:
        model = delay_model(config, curves)
        delay = fit_delay(curves, config.delay_region, blood, model, config.delay_bounds_s)
        return delay.blood, delay, notes
    return (_shifted(blood, config.delay_s, end_s) if config.delay_s else blood), None, notes


def _shifted(blood: InputFunction, delay_s: float, end_s: float) -> InputFunction:
    """Return blood as tissue sees it; where it is moved to earlier, its last value is held to the end."""
    moved = blood.delayed(delay_s)
    if moved.times_s[-1] >= end_s:
        return moved
    record = Record("workflows.kinetics.held", {"to_s": end_s}, (moved.provenance,))
    return InputFunction(
        np.append(moved.times_s, end_s),
        np.append(moved.parent_plasma_bq_ml, moved.parent_plasma_bq_ml[-1]),
        np.append(moved.whole_blood_bq_ml, moved.whole_blood_bq_ml[-1]),
        record,
    )


def only_regions(curves: TissueCurves, regions: tuple[str, ...]) -> TissueCurves:
    """Return the curves of some regions, in the order asked for.

    Parameters
    ----------
    curves
        Of the scan.
    regions
        Of it, at least one.
    """
    values = np.stack([curves.of(name) for name in regions])
    record = Record("workflows.kinetics.regions", {"regions": list(regions)}, (curves.provenance,))
    return TissueCurves(
        regions, curves.frame_start_s, curves.frame_duration_s, values, curves.weights, record
    )


def _until(curves: TissueCurves, until_min: float | None) -> TissueCurves:
    if until_min is None:
        return curves
    kept = curves.frame_end_s <= until_min * S_PER_MIN + _SLACK_S
    if not kept.any():
        raise InputError(
            f"until_min must leave a frame; got {until_min:g} min, the first ends at "
            f"{curves.frame_end_s[0] / S_PER_MIN:g} min"
        )
    record = Record("workflows.kinetics.until", {"until_min": until_min}, (curves.provenance,))
    return TissueCurves(
        curves.regions,
        curves.frame_start_s[kept],
        curves.frame_duration_s[kept],
        curves.concentration_bq_ml[:, kept],
        None if curves.weights is None else curves.weights[kept],
        record,
    )
