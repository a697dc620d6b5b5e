"""What graphical and multilinear analyses share: points of each region, t*, a weighted fit, what follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.derived_parameters import derive, parameter_flags
from tumorboard.pet.kinetics.fit import FitFlag, GraphicalPlot, KineticFit
from tumorboard.pet.kinetics.least_squares import LinearFit, corrected_akaike, weighted_least_squares
from tumorboard.pet.kinetics.propagated_error import propagated_covariance
from tumorboard.pet.kinetics.t_star import TStar, first_frame
from tumorboard.provenance import Record

__all__ = [
    "LATEST_START_S",
    "LinearAnalysis",
    "fit_regions",
    "require_curves",
    "require_from_injection",
    "require_reference",
    "require_same_frames",
]

#: A scan that begins later misses a part of the curve's integral that no straight line from 0 can stand for;
#: scans begin with the injection, or when the bolus arrives [s].
LATEST_START_S: Final = 120.0


@dataclass(frozen=True, slots=True, eq=False)
class LinearAnalysis:
    """A model that is linear in its coefficients, with the numbers of each region.

    Parameters
    ----------
    model
        Its name.
    design
        Shape ``(n_regions, n_frames, n_columns)``; not finite where a frame makes no point.
    values
        What the design times coefficients is to be, shape ``(n_regions, n_frames)``.
    weights
        Of these, >= 0, shape ``(n_regions, n_frames)``.
    quantities, units
        The parameters as analytic functions of the coefficients, shape ``(n_columns,)``, and their units, by
        name.
    predicted
        Tissue's concentration, as it is measured, from the index of a region and its coefficients, shape
        ``(n_frames,)``.
    noise
        How residuals change with each frame's measurement, from the index of a region and its coefficients,
        shape ``(n_frames, n_frames)``.
    frame_weights
        One over the frames' relative variances, shape ``(n_frames,)``.
    labels
        Of the two axes when column 0 is the abscissa of a plot and column 1 a constant; else ``None``.
    """

    model: str
    design: NDArray[np.float64]
    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    quantities: Callable[[NDArray[np.complex128]], Mapping[str, complex]]
    units: Mapping[str, str]
    predicted: Callable[[int, NDArray[np.float64]], NDArray[np.float64]]
    noise: Callable[[int, NDArray[np.float64]], NDArray[np.float64]]
    frame_weights: NDArray[np.float64]
    labels: tuple[str, str] | None


def require_curves(curves: TissueCurves) -> None:
    """Raise an InputError when a curve never changes: no model of a tracer gives one.

    Examples
    --------
    >>> require_curves(TissueCurves(("a",), [0.0, 60.0], [60.0, 60.0], [[1.0, 3.0]], None, Record("example")))
    """
    for name, curve in zip(curves.regions, curves.concentration_bq_ml, strict=True):
        if np.ptp(curve) <= 1e-12 * np.abs(curve).max():
            raise InputError(
                f"the curve of {name!r} must change over the frames [Bq/mL]; it is {curve[0]:g} in all "
                f"{curves.n_frames}; leave the region out"
            )


def require_from_injection(curves: TissueCurves) -> None:
    """Raise an InputError when a scan begins too late for an integral from injection on.

    Examples
    --------
    >>> require_from_injection(
    ...     TissueCurves(("a",), [0.0, 60.0], [60.0, 60.0], [[1.0, 3.0]], None, Record("example"))
    ... )
    """
    if curves.frame_start_s[0] > LATEST_START_S:
        raise InputError(
            f"frames must begin within {LATEST_START_S:g} s of the injection for a model that integrates the "
            f"curve; the first begins at {curves.frame_start_s[0]:g} s; use Patlak, which integrates plasma "
            "only, or SUVR for a late scan"
        )


def require_same_frames(curves: TissueCurves, reference: TissueCurves) -> None:
    """Raise an InputError unless the reference is one region on the frames of the curves.

    Examples
    --------
    >>> a = TissueCurves(("a",), [0.0, 60.0], [60.0, 60.0], [[1.0, 3.0]], None, Record("example"))
    >>> require_same_frames(a, a)
    """
    if len(reference.regions) != 1:
        raise InputError(f"reference must hold one region; got {', '.join(reference.regions)}")
    if curves.n_frames != reference.n_frames or not (
        np.allclose(curves.frame_start_s, reference.frame_start_s, rtol=0, atol=1e-3)
        and np.allclose(curves.frame_duration_s, reference.frame_duration_s, rtol=0, atol=1e-3)
    ):
        raise InputError(
            "reference must have the frames of the curves [s]; they differ; take both from one scan"
        )


def require_reference(curves: TissueCurves, reference: TissueCurves) -> None:
    """Raise an InputError unless a reference region's integral from injection on can drive the curves.

    Examples
    --------
    >>> a = TissueCurves(("a",), [0.0, 60.0], [60.0, 60.0], [[1.0, 3.0]], None, Record("example"))
    >>> require_reference(a, a)
    """
    require_same_frames(curves, reference)
    require_from_injection(curves)
    require_curves(curves)
    require_curves(reference)


def fit_regions(
    analysis: LinearAnalysis, curves: TissueCurves, t_star: TStar, provenance: Record
) -> tuple[KineticFit, ...]:
    """Fit each region's points from t* on.

    Parameters
    ----------
    analysis
        The model with its numbers.
    curves
        What was measured.
    t_star
        Rule of the first frame.
    provenance
        Of the fits.

    Returns
    -------
    tuple of KineticFit
        In the order of the regions.

    Raises
    ------
    InputError
        When t* leaves too few frames, or one of them makes no point since its concentration is not positive.
    """
    return tuple(_fit_region(analysis, curves, k, t_star, provenance) for k in range(len(curves.regions)))


def _fit_region(
    analysis: LinearAnalysis, curves: TissueCurves, region: int, t_star: TStar, provenance: Record
) -> KineticFit:
    design, values, weights = analysis.design[region], analysis.values[region], analysis.weights[region]
    finite = np.isfinite(design).all(axis=1) & np.isfinite(values)

    def fit_from(first: int) -> LinearFit:
        used = np.where(np.arange(len(values)) >= first, weights, 0.0)
        return weighted_least_squares(
            np.where(finite[:, None], design, 0.0), np.where(finite, values, 0.0), used
        )

    def largest_residual(first: int) -> float:
        later = (np.arange(len(values)) >= first) & (weights > 0)
        if later.sum() <= design.shape[1] or not finite[later].all():
            return np.inf
        fitted = fit_from(first).fitted[later]
        size = np.maximum(np.abs(fitted), 1e-300)
        return float((np.abs(values[later] - fitted) / size).max())

    first, met = first_frame(t_star, curves.mid_s, design.shape[1], largest_residual)
    lost = np.flatnonzero(~finite[first:] & (weights[first:] > 0))
    if lost.size:
        k = first + int(lost[0])
        raise InputError(
            f"{analysis.model} needs concentrations > 0 [Bq/mL] from t* on; frame {k + 1} of "
            f"{curves.regions[region]!r} has {curves.concentration_bq_ml[region, k]:g} before blood is taken "
            "off; choose a later t*, or a model that does not divide by the curve, as MA1 or MRTM1"
        )
    return _result(analysis, curves, region, first, met, fit_from(first), provenance)


def _result(
    analysis: LinearAnalysis,
    curves: TissueCurves,
    region: int,
    first: int,
    met: bool,
    found: LinearFit,
    provenance: Record,
) -> KineticFit:
    design, values = analysis.design[region], analysis.values[region]
    included = (np.arange(curves.n_frames) >= first) & (analysis.weights[region] > 0)
    weights = np.where(included, analysis.weights[region], 0.0)
    covariance = propagated_covariance(
        design,
        weights,
        found.residual_sum,
        analysis.noise(region, found.coefficients),
        analysis.frame_weights,
    )
    parameters = derive(found.coefficients, covariance, analysis.quantities, analysis.units)
    flags = parameter_flags(parameters, found.ill_conditioned)
    plot = None
    if analysis.labels is not None:
        slope, intercept = (float(c) for c in found.coefficients)
        plot = GraphicalPlot(design[:, 0], values, included, slope, intercept, *analysis.labels)
    with np.errstate(divide="ignore", invalid="ignore"):
        fitted = analysis.predicted(region, found.coefficients)
    return KineticFit(
        model=analysis.model,
        region=curves.regions[region],
        parameters=parameters,
        mid_s=curves.mid_s,
        measured_bq_ml=curves.concentration_bq_ml[region],
        fitted_bq_ml=np.where(included, fitted, np.nan),
        weights=weights,
        residual_sum=found.residual_sum,
        n_parameters=design.shape[1],
        aicc=corrected_akaike(found.residual_sum, found.n_used, design.shape[1]),
        flags=flags if met else (*flags, FitFlag.EXTRAPOLATED),
        plot=plot,
        provenance=provenance,
    )
