"""From samples of blood to the input function of a model, every choice stated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.pet.kinetics.blood_models import BloodModel
from tumorboard.pet.kinetics.input_function import END_TOLERANCE_S, InputFunction
from tumorboard.pet.kinetics.parent_fraction import ParentModel
from tumorboard.pet.kinetics.plasma_ratio import RatioModel
from tumorboard.pet.kinetics.sample_fit import SampleFit
from tumorboard.provenance import Record

__all__ = ["EndRule", "FittedInput", "InputConfig", "fit_input", "make_input"]

#: Nodes closer than this are one [s].
_SAME_NODE_S: Final = 1e-6


class EndRule(Enum):
    """What stands for blood between its last sample and the end of the scan."""

    REFUSE = "refuse"
    """Nothing: blood that ends before the scan is an error."""

    HOLD_LAST = "hold last"
    """The last value of each curve, which overstates falling ones."""

    MODEL = "model"
    """The fitted formulas; straight lines cannot be extended."""


@dataclass(frozen=True, slots=True)
class InputConfig:
    """Every choice between the samples and the input function.

    Parameters
    ----------
    plasma
        Curve of plasma; ``None`` where it is whole blood times the ratio.
    whole_blood
        Curve of whole blood; ``None`` where it is plasma over the ratio.
    ratio
        Plasma over whole blood; needed where one of the two is ``None``, else ``None``.
    parent
        The parent fraction, or :class:`~tumorboard.pet.kinetics.parent_fraction.PlasmaIsParent`.
    step_s
        Distance of nodes between the samples, which formulas are taken at; ``None`` for nodes at the samples
        only, where all curves are straight lines between them [s].
    end
        What stands for blood after its last sample.

    Raises
    ------
    InputError
        When the choices do not go together.
    """

    plasma: BloodModel | None
    whole_blood: BloodModel | None
    ratio: RatioModel | None
    parent: ParentModel
    step_s: float | None
    end: EndRule

    def __post_init__(self) -> None:
        if self.plasma is None and self.whole_blood is None:
            raise InputError("plasma and whole_blood must not both be None; name a model of one of them")
        if (self.plasma is None or self.whole_blood is None) != (self.ratio is not None):
            raise InputError(
                "ratio must be given where plasma or whole_blood is None, and only there; got "
                f"{self.ratio!r}; the ratio makes one from the other"
            )
        if self.step_s is not None and not (math.isfinite(self.step_s) and self.step_s > 0.0):
            raise InputError(f"step_s must be > 0 [s] or None; got {self.step_s:g}")


@dataclass(frozen=True, slots=True, eq=False)
class FittedInput:
    """An input function and the curves that it was made of.

    Parameters
    ----------
    blood
        For the models.
    plasma, whole_blood, ratio
        What was fitted; ``None`` for what was not.
    parent
        The parent fraction.
    """

    blood: InputFunction
    plasma: SampleFit | None
    whole_blood: SampleFit | None
    ratio: SampleFit | None
    parent: SampleFit


def make_input(samples: BloodSamples, config: InputConfig, end_s: float) -> InputFunction:
    """Return the input function alone, of :func:`fit_input`.

    Parameters
    ----------
    samples, config
        As there.
    end_s
        End of the last frame of the scan [s].

    Examples
    --------
    >>> from tumorboard.pet.kinetics.blood_models import Interpolation
    >>> from tumorboard.pet.kinetics.parent_fraction import PlasmaIsParent
    >>> curve = BloodCurve([10.0, 20.0, 100.0], [8.0, 6.0, 2.0])
    >>> lines = InputConfig(Interpolation(), Interpolation(), None, PlasmaIsParent(), None, EndRule.HOLD_LAST)
    >>> blood = make_input(BloodSamples(curve, curve, None, Record("example")), lines, 120.0)
    >>> blood.times_s.tolist(), blood.parent_plasma_bq_ml.tolist()
    ([0.0, 10.0, 20.0, 100.0, 120.0], [0.0, 8.0, 6.0, 2.0, 2.0])
    """
    return fit_input(samples, config, end_s).blood


def fit_input(samples: BloodSamples, config: InputConfig, end_s: float) -> FittedInput:
    """Fit the curves of blood and make the input function of them.

    The parent's concentration is that of plasma times the parent fraction, as Innis and colleagues name them
    [1]_. Curves of straight lines begin at 0 at the injection.

    Parameters
    ----------
    samples
        As measured, decay-corrected to the injection.
    config
        The choices.
    end_s
        End of the last frame of the scan [s].

    Returns
    -------
    FittedInput

    Raises
    ------
    InputError
        When the samples lack a curve that the choices need, or end before the scan and the end rule does not
        let them.

    References
    ----------
    .. [1] innis2007nomenclature

    Examples
    --------
    >>> from tumorboard.pet.kinetics.blood_models import Interpolation
    >>> from tumorboard.pet.kinetics.parent_fraction import InterpolatedFraction
    >>> from tumorboard.pet.kinetics.plasma_ratio import GivenRatio
    >>> samples = BloodSamples(
    ...     BloodCurve([10.0, 60.0], [8.0, 6.0]), None, BloodCurve([60.0], [0.5]), Record("example")
    ... )
    >>> config = InputConfig(
    ...     None, Interpolation(), GivenRatio(1.5), InterpolatedFraction(1.0), 1.0, EndRule.REFUSE
    ... )
    >>> fit_input(samples, config, 60.0).blood.parent_plasma_bq_ml[-1].item()
    4.5
    """
    plasma = None if config.plasma is None else config.plasma.fit(_measured(samples, "plasma"))
    whole = None if config.whole_blood is None else config.whole_blood.fit(_measured(samples, "whole_blood"))
    ratio = None if config.ratio is None else config.ratio.fit(samples)
    parent = config.parent.fit(samples.parent_fraction)
    curves = {"plasma": plasma, "whole_blood": whole, "ratio": ratio, "parent_fraction": parent}
    used = {name: curve for name, curve in curves.items() if curve is not None}
    last_s = _end(used, config.end, float(end_s))
    times = _nodes(used, config, last_s)
    held = _held_from(used, config.end)
    values: dict[str, NDArray[np.float64]] = {
        name: curve.at(np.minimum(times, held[name])) for name, curve in used.items()
    }
    if plasma is None:
        values["plasma"] = values["whole_blood"] * values["ratio"]
    elif whole is None:
        values["whole_blood"] = values["plasma"] / values["ratio"]
    record = Record(
        "pet.kinetics.fit_input",
        {
            **{name: None if curve is None else curve.summary() for name, curve in curves.items()},
            "step_s": config.step_s,
            "end_rule": config.end.value,
            "end_s": float(end_s),
            "extended_by_s": {
                name: max(last_s - float(curve.times_s[-1]), 0.0)
                for name, curve in used.items()
                if curve.times_s.size
            },
        },
        (samples.provenance,),
        (
            "innis2007nomenclature",
            *dict.fromkeys(key for curve in used.values() for key in curve.references),
        ),
    )
    blood = InputFunction(times, values["plasma"] * values["parent_fraction"], values["whole_blood"], record)
    return FittedInput(blood, plasma, whole, ratio, parent)


def _measured(samples: BloodSamples, name: str) -> BloodCurve:
    curve: BloodCurve | None = getattr(samples, name)
    if curve is None:
        raise MissingAttribute(
            f"samples must hold {name} [Bq/mL] for a model of it; they hold none; make it of the other: "
            f"{name}=None with a ratio"
        )
    return curve


def _end(used: dict[str, SampleFit], rule: EndRule, end_s: float) -> float:
    """Return where the input function ends [s], at or after the end of the scan but for the tolerance."""
    # A formula of the parent fraction or of the ratio holds between and after its few samples anyway.
    short = {
        name: float(curve.times_s[-1])
        for name, curve in used.items()
        if curve.times_s.size and not (curve.extends and name in ("parent_fraction", "ratio"))
    }
    first, last = min(short, key=lambda name: short[name]), max(short.values())
    if short[first] >= end_s - END_TOLERANCE_S:
        return short[first]
    if rule is EndRule.REFUSE:
        raise InputError(
            f"blood must reach to the end of the scan, {end_s:g} s; its {first.replace('_', ' ')} ends at "
            f"{short[first]:g} s; leave out the frames after it, or extend it knowingly with "
            "EndRule.HOLD_LAST or EndRule.MODEL"
        )
    if rule is EndRule.MODEL:
        lines = [name for name in short if not used[name].extends]
        if lines:
            raise InputError(
                f"{lines[0].replace('_', ' ')} must have a formula to be extended from {short[lines[0]]:g} "
                f"to {end_s:g} s; straight lines between samples have none; choose a model of it, or "
                "EndRule.HOLD_LAST"
            )
        return end_s
    return max(end_s, last)


def _held_from(used: dict[str, SampleFit], rule: EndRule) -> dict[str, float]:
    """Return the time from which each curve keeps its value [s].

    A formula of the parent fraction or of the ratio has few samples: it goes on as long as blood does.
    """
    if rule is not EndRule.HOLD_LAST:
        return dict.fromkeys(used, math.inf)
    blood = max(float(used[name].times_s[-1]) for name in ("plasma", "whole_blood") if name in used)
    return {
        name: blood if name in ("parent_fraction", "ratio") and curve.extends else float(curve.times_s[-1])
        for name, curve in used.items()
    }


def _nodes(used: dict[str, SampleFit], config: InputConfig, last_s: float) -> NDArray[np.float64]:
    if config.step_s is None:
        bent = [name for name, curve in used.items() if curve.extends and curve.parameters]
        lines = [name for name in ("parent_fraction", "ratio") if name in used and not used[name].extends]
        if bent or lines:
            raise InputError(
                f"step_s must be given [s] where {(bent + lines)[0].replace('_', ' ')} is not a straight "
                "line between the samples; got None; 1 s follows any bolus"
            )
    marks = [np.array([0.0, last_s])]
    marks += [np.concatenate((curve.times_s, curve.bends_s)) for curve in used.values()]
    if config.step_s is not None:
        marks.append(np.arange(0.0, last_s, config.step_s))
    times = np.unique(np.concatenate(marks))
    times = times[(times >= 0.0) & (times <= last_s)]
    kept: NDArray[np.float64] = times[np.append(True, np.diff(times) > _SAME_NODE_S)]
    return kept
