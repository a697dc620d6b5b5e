"""From samples of blood and a user's choices to the input function."""

from __future__ import annotations

from typing import Final

from tumorboard.core.blood import BloodSamples
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.pet.kinetics.blood_models import Interpolation
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.make_input import EndRule, InputConfig, make_input
from tumorboard.pet.kinetics.parent_fraction import (
    ExponentialFraction,
    HillFraction,
    InterpolatedFraction,
    ParentModel,
    PlasmaIsParent,
    PowerFraction,
)
from tumorboard.pet.kinetics.plasma_ratio import GivenRatio
from tumorboard.workflows.kinetics.config import KineticsConfig

__all__ = ["END_TOLERANCE_S", "blood_ends_s", "input_function"]

#: Blood may end this much before the scan: times of the two tables are rounded apart [s].
END_TOLERANCE_S: Final = 1.0
#: Nodes between the samples, where a curve is not straight [s].
_STEP_S: Final = 1.0
#: What is unchanged tracer at the injection.
_AT_INJECTION: Final = 1.0
_FORMULAS: Final = ("hill", "power", "exponential")


def input_function(
    config: KineticsConfig, samples: BloodSamples, end_s: float
) -> tuple[InputFunction, tuple[str, ...]]:
    """Make the input function, straight lines between the samples.

    Parameters
    ----------
    config
        Its choices of blood.
    samples
        Decay-corrected to the injection.
    end_s
        End of the last frame [s].

    Returns
    -------
    tuple
        The input function, and what a reader must know of it, one sentence each.

    Raises
    ------
    MissingAttribute
        When a curve that is needed was not measured and no choice stands for it.
    InputError
        When the blood ends before the scan and may not.
    """
    notes = []
    ends = blood_ends_s(samples, formula=config.parent in _FORMULAS)
    first = min(ends, key=lambda name: ends[name])
    if ends[first] < end_s - END_TOLERANCE_S:
        text = (
            f"blood must reach to the end of the last frame, {end_s:g} s; its {first} ends at "
            f"{ends[first]:g} s"
        )
        if config.end_rule != "hold":
            raise InputError(
                f"{text}; to hold the last value say --end-rule hold, to leave out later frames "
                f"--until-min {ends[first] / 60.0:.1f}"
            )
        notes.append(
            f"The {first} ends at {ends[first]:g} s, {end_s - ends[first]:.0f} s before the scan; its last "
            "value is held to the end, which overstates falling blood."
        )
    parent = _parent(config, samples)
    ratio = _ratio(config, samples)
    if isinstance(parent, PlasmaIsParent):
        notes.append("Plasma is taken for unchanged tracer: no parent fraction is applied.")
    straight = isinstance(parent, PlasmaIsParent) and ratio is None
    made = make_input(
        samples,
        InputConfig(
            plasma=None if samples.plasma is None else Interpolation(),
            whole_blood=None if samples.whole_blood is None else Interpolation(),
            ratio=ratio,
            parent=parent,
            step_s=None if straight else _STEP_S,
            end=EndRule.HOLD_LAST if config.end_rule == "hold" else EndRule.REFUSE,
        ),
        end_s,
    )
    return made, tuple(notes)


def blood_ends_s(samples: BloodSamples, *, formula: bool) -> dict[str, float]:
    """Return when each curve of blood ends, by its name [s].

    Parameters
    ----------
    samples
        As measured.
    formula
        Whether the parent fraction has a formula, which does not end.
    """
    curves = {"plasma": samples.plasma, "whole blood": samples.whole_blood}
    if not formula:
        curves["parent fraction"] = samples.parent_fraction
    return {name: float(curve.times_s[-1]) for name, curve in curves.items() if curve is not None}


def _parent(config: KineticsConfig, samples: BloodSamples) -> ParentModel:
    if config.parent == "plasma":
        return PlasmaIsParent()
    if samples.parent_fraction is None:
        if config.parent is None:
            raise MissingAttribute(
                "blood must hold a parent fraction, or plasma must be said to be unchanged tracer; the table "
                "has none; where metabolites are subtracted already, or there are none, say --parent plasma"
            )
        raise MissingAttribute(
            f"blood must hold a parent fraction for --parent {config.parent}; the table has none; say "
            "--parent plasma where metabolites are subtracted already"
        )
    if config.parent == "hill":
        return HillFraction(at_injection=_AT_INJECTION, delay_s=0.0)
    if config.parent == "power":
        return PowerFraction(at_injection=_AT_INJECTION, delay_s=0.0)
    if config.parent == "exponential":
        return ExponentialFraction(at_injection=_AT_INJECTION, delay_s=0.0)
    return InterpolatedFraction(at_injection=_AT_INJECTION)


def _ratio(config: KineticsConfig, samples: BloodSamples) -> GivenRatio | None:
    if samples.plasma is not None and samples.whole_blood is not None:
        if config.plasma_over_blood is not None:
            raise InputError(
                "plasma_over_blood must be left out where plasma and whole blood were both measured; got "
                f"{config.plasma_over_blood:g}"
            )
        return None
    absent = "plasma" if samples.plasma is None else "whole blood"
    if config.plasma_over_blood is None:
        raise MissingAttribute(
            f"blood must hold plasma and whole blood; the table has no {absent}; state their ratio, e.g. "
            "--plasma-over-blood 1"
        )
    return GivenRatio(config.plasma_over_blood)
