"""An input function from other people's, scaled to one person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.blood import BloodSamples
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.provenance import Record

__all__ = ["PopulationTemplate", "ScaledInput", "population_template"]


@dataclass(frozen=True, slots=True, eq=False)
class ScaledInput:
    """A template fitted to one person.

    Parameters
    ----------
    blood
        For the models.
    scale
        What the template was multiplied with.
    scale_error
        Its standard error from the samples; NaN where there is one sample, or none.
    """

    blood: InputFunction
    scale: float
    scale_error: float


@dataclass(frozen=True, slots=True, eq=False)
class PopulationTemplate:
    """The mean shape of input functions of several people, in shares of something that differs between them.

    Parameters
    ----------
    times_s
        Nodes after injection, shape ``(n,)`` [s].
    parent_plasma, whole_blood
        Means over people, shape ``(n,)``, in Bq/mL over the unit of what each was divided by.
    parent_sd
        Standard deviation of the parent over people, shape ``(n,)``; NaN for one person.
    n_people
        How many.
    per
        What each was divided by, in words, e.g. ``"Bq/kg injected"``.
    provenance
        With the records of the people's inputs.
    """

    times_s: NDArray[np.float64]
    parent_plasma: NDArray[np.float64]
    whole_blood: NDArray[np.float64]
    parent_sd: NDArray[np.float64]
    n_people: int
    per: str
    provenance: Record

    def __post_init__(self) -> None:
        for name in ("times_s", "parent_plasma", "whole_blood", "parent_sd"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    def scaled_by(self, factor: float) -> ScaledInput:
        """Return the input of a person whose value of what people were divided by is known.

        Raises
        ------
        InputError
            When the factor is not above 0.
        """
        if not (math.isfinite(factor) and factor > 0.0):
            raise InputError(f"factor must be > 0, in {self.per}; got {factor:g}")
        return self._scaled(float(factor), math.nan, {"by": self.per})

    def scaled_to_samples(self, samples: BloodSamples, from_s: float, to_s: float) -> ScaledInput:
        """Return the input that fits the samples of one stretch of time best.

        The scale minimises the squares of relative deviations, so that each sample counts alike.

        Parameters
        ----------
        samples
            With plasma, and a parent fraction where plasma is not the parent already; late, venous ones may
            do.
        from_s, to_s
            The stretch [s].

        Raises
        ------
        InputError
            When no sample lies in it, or the template does not reach it.
        """
        if samples.plasma is None:
            raise MissingAttribute("samples must hold plasma [Bq/mL] to scale a template to; they hold none")
        times, parent = samples.plasma.times_s, samples.plasma.values
        fraction = samples.parent_fraction
        if fraction is not None:
            parent = parent * np.interp(times, fraction.times_s, fraction.values)
        used = (times >= from_s) & (times <= min(to_s, float(self.times_s[-1])))
        shape = np.interp(times[used], self.times_s, self.parent_plasma)
        if not used.any() or not (shape > 0.0).all():
            raise InputError(
                f"samples must lie between {from_s:g} and {to_s:g} s where the template is above 0; got "
                f"{int(used.sum())}; widen the stretch"
            )
        ratios = parent[used] / shape
        error = float(ratios.std(ddof=1) / math.sqrt(ratios.size)) if ratios.size > 1 else math.nan
        stretch = {"by": "samples", "from_s": float(from_s), "to_s": float(to_s), "n_samples": ratios.size}
        return self._scaled(float(ratios.mean()), error, stretch, (samples.provenance,))

    def _scaled(
        self, scale: float, error: float, how: dict[str, object], inputs: tuple[Record, ...] = ()
    ) -> ScaledInput:
        if not scale > 0.0:
            raise InputError(f"scale of the template must be > 0; the samples give {scale:g}")
        record = Record(
            "pet.kinetics.PopulationTemplate", {**how, "scale": scale}, (self.provenance, *inputs)
        )
        blood = InputFunction(self.times_s, self.parent_plasma * scale, self.whole_blood * scale, record)
        return ScaledInput(blood, scale, error)


def population_template(
    inputs: Sequence[InputFunction],
    divisors: ArrayLike,
    *,
    per: str,
    times_s: ArrayLike,
    align_peaks: bool,
) -> PopulationTemplate:
    """Return the mean of several people's input functions, each divided by a number of its own.

    Parameters
    ----------
    inputs
        One for each person, each reaching the last time.
    divisors
        Such as the injected activity over the body's weight, shape ``(n_people,)``, > 0.
    per
        What they are, in words with the unit.
    times_s
        Nodes of the template, increasing, shape ``(n,)`` [s].
    align_peaks
        Whether each is shifted so that its parent's peak comes at the mean time of all peaks: without, the
        mean of bolus at different times is broader than any.

    Returns
    -------
    PopulationTemplate

    Raises
    ------
    InputError
        When there is nobody, a divisor is not above 0, or an input ends before the template.

    Examples
    --------
    >>> one = InputFunction([0.0, 10.0, 60.0], [0.0, 8.0, 2.0], [0.0, 6.0, 2.0], Record("example"))
    >>> two = InputFunction([0.0, 10.0, 60.0], [0.0, 4.0, 1.0], [0.0, 3.0, 1.0], Record("example"))
    >>> mean = population_template(
    ...     [one, two], [2.0, 1.0], per="Bq/kg", times_s=[0, 10, 60], align_peaks=False
    ... )
    >>> mean.scaled_by(3.0).blood.parent_plasma_bq_ml.tolist()
    [0.0, 12.0, 3.0]
    """
    by = np.asarray(divisors, np.float64)
    times = np.asarray(times_s, np.float64)
    if not inputs or by.shape != (len(inputs),) or not (np.isfinite(by) & (by > 0.0)).all():
        raise InputError(
            f"divisors must be one number > 0 for each of the {len(inputs)} inputs, at least one; got "
            f"{by.tolist()}"
        )
    shifts = np.zeros(len(inputs))
    if align_peaks:
        peaks = np.array([blood.times_s[np.argmax(blood.parent_plasma_bq_ml)] for blood in inputs])
        shifts = peaks.mean() - peaks
    for blood, shift in zip(inputs, shifts, strict=True):
        blood.require_covers(float(times[-1] - shift))
    parents, wholes = (
        np.stack(
            [
                np.interp(times - shift, blood.times_s, getattr(blood, name), left=0.0) / divisor
                for blood, shift, divisor in zip(inputs, shifts, by, strict=True)
            ]
        )
        for name in ("parent_plasma_bq_ml", "whole_blood_bq_ml")
    )
    spread = parents.std(axis=0, ddof=1) if len(inputs) > 1 else np.full(times.size, math.nan)
    parameters = {"per": per, "divisors": by.tolist(), "align_peaks": align_peaks}
    record = Record(
        "pet.kinetics.population_template", parameters, tuple(blood.provenance for blood in inputs)
    )
    return PopulationTemplate(
        times, parents.mean(axis=0), wholes.mean(axis=0), spread, len(inputs), per, record
    )
