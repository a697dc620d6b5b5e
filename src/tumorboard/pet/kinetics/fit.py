"""What a kinetic model gives back, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.provenance import Record

__all__ = [
    "FitFlag",
    "FrameModel",
    "GraphicalPlot",
    "KineticFit",
    "KineticParameter",
    "PlasmaModel",
    "ReferenceModel",
    "Weighting",
]


class FrameModel(Enum):
    """What of the model is compared with a frame's measured average."""

    FRAME_AVERAGE = "frame average"
    """The model's average over the frame: what a scanner measures."""

    MID_FRAME = "mid-frame"
    """The model's value at the middle of the frame: an approximation of programs to compare with."""


class Weighting(Enum):
    """Whose weights a fit has."""

    UNIFORM = "uniform"
    GIVEN = "given"
    """Those of the curves."""
    DURATION = "duration"
    """The frames' durations."""

    def of(self, curves: TissueCurves) -> NDArray[np.float64]:
        """Return weights of mean 1 over the frames that have any, shape ``(n_frames,)``."""
        if self is Weighting.GIVEN:
            if curves.weights is None:
                raise InputError(
                    "weights must be in the table of curves when weighting is GIVEN; it has none; choose "
                    "Weighting.UNIFORM or Weighting.DURATION"
                )
            weights = curves.weights
        elif self is Weighting.DURATION:
            weights = curves.frame_duration_s
        else:
            weights = np.ones(curves.n_frames)
        scaled: NDArray[np.float64] = weights / weights[weights > 0].mean()
        return scaled


class FitFlag(Enum):
    """Why a number should not be taken at its face value."""

    UNCERTAIN = "a parameter's standard error exceeds half of it"
    AT_BOUND = "a parameter lies at the bound of what was searched"
    ILL_CONDITIONED = "the curves hardly tell two parameters apart"
    NEGATIVE = "a parameter that cannot be negative is"
    NOT_CONVERGED = "the search ended before its tolerance"
    EXTRAPOLATED = "the plot is not straight within the stated error from any frame on"
    VT_WITHHELD = "VT's standard error exceeds the stated part of it, so VT is not reported"


@dataclass(frozen=True, slots=True)
class KineticParameter:
    """A number that a model found.

    Parameters
    ----------
    value
        In ``unit``; NaN where the curves do not determine it.
    standard_error
        Of the value, in ``unit``; NaN where it cannot be told.
    unit
        In the field's own terms: ``"mL/cm3"``, ``"mL/cm3/min"``, ``"1/min"``, ``"1"``, ``"s"``.
    """

    value: float
    standard_error: float
    unit: str

    @property
    def relative_error(self) -> float:
        """Standard error over the value's magnitude; infinite for a value of 0."""
        return abs(self.standard_error / self.value) if self.value else float("inf")


@dataclass(frozen=True, slots=True, eq=False)
class GraphicalPlot:
    """The points of a graphical analysis and the line through some of them.

    Parameters
    ----------
    x, y
        Shape ``(n_points,)``.
    included
        Which the line goes through, shape ``(n_points,)``, boolean.
    slope, intercept
        Of the line.
    x_label, y_label
        With units.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    included: NDArray[np.bool_]
    slope: float
    intercept: float
    x_label: str
    y_label: str


@dataclass(frozen=True, slots=True, eq=False)
class KineticFit:
    """One model through one region's curve.

    Parameters
    ----------
    model
        Its name, e.g. ``"2TCM"``.
    region
        The curve's.
    parameters
        By name in the consensus nomenclature [1]_: ``"K1"``, ``"k2"``, ``"VT"``, ``"BPND"``, ...
    mid_s
        Middle of each frame, shape ``(n_frames,)`` [s].
    measured_bq_ml, fitted_bq_ml
        Shape ``(n_frames,)``; fitted is NaN in frames that the model says nothing of [Bq/mL].
    weights
        Of the fit, 0 for frames left out, shape ``(n_frames,)``.
    residual_sum
        Sum of weight times squared residual of what was fitted, in the square of its own unit.
    n_parameters
        That were free.
    aicc
        Corrected Akaike criterion of what was fitted; comparable only between models of the same measured
        curve and frames [2]_. NaN where there are too few frames.
    flags
        What to beware of.
    plot
        Of graphical analyses; else ``None``.
    provenance
        With the model's choices and citations.

    References
    ----------
    .. [1] innis2007nomenclature
    .. [2] hurvich1989aicc
    """

    model: str
    region: str
    parameters: Mapping[str, KineticParameter]
    mid_s: NDArray[np.float64]
    measured_bq_ml: NDArray[np.float64]
    fitted_bq_ml: NDArray[np.float64]
    weights: NDArray[np.float64]
    residual_sum: float
    n_parameters: int
    aicc: float
    flags: tuple[FitFlag, ...]
    plot: GraphicalPlot | None
    provenance: Record

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        for name in ("mid_s", "measured_bq_ml", "fitted_bq_ml", "weights"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))


class PlasmaModel(Protocol):
    """A configuration that fits curves driven by blood."""

    def fit(self, curves: TissueCurves, blood: InputFunction) -> tuple[KineticFit, ...]:
        """Return a fit for each region, in order."""
        ...


class ReferenceModel(Protocol):
    """A configuration that fits curves against one of a region without specific binding."""

    def fit(self, curves: TissueCurves, reference: TissueCurves) -> tuple[KineticFit, ...]:
        """Return a fit for each region, in order; ``reference`` holds one region on the same frames."""
        ...
