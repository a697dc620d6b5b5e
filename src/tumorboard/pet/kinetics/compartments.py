"""One and two tissue compartments, driven by blood."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics import _parameters
from tumorboard.pet.kinetics.compartments_rates import (
    FittedBloodVolume,
    RateBounds,
    blood_range,
    check_blood_volume,
)
from tumorboard.pet.kinetics.compartments_refine import Refined
from tumorboard.pet.kinetics.compartments_region import RegionProblem, covariance_of, fit_region
from tumorboard.pet.kinetics.compartments_response import FrameResponse, frame_basis, require_varying
from tumorboard.pet.kinetics.derived_parameters import derive
from tumorboard.pet.kinetics.fit import FitFlag, FrameModel, KineticFit, KineticParameter, Weighting
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.least_squares import corrected_akaike
from tumorboard.provenance import Record
from tumorboard.units import S_PER_MIN

__all__ = ["Binding", "OneTissue", "TwoTissue"]

#: Of columns scaled to length 1: one combination of parameters is this many times worse known than another.
_ILL_CONDITIONED: Final = 1e4

Quantities = Callable[[NDArray[np.complex128]], Mapping[str, complex]]


class Binding(Enum):
    """Whether the tracer leaves the second tissue compartment during the scan."""

    REVERSIBLE = "reversible"
    IRREVERSIBLE = "irreversible"
    """k4 is 0."""


@dataclass(frozen=True, slots=True)
class OneTissue:
    """One tissue compartment: what K1 brings in, k2 takes away [1]_.

    Parameters
    ----------
    bounds
        Of K1 and k2; the others play no part.
    blood_volume
        Share of the region that is blood: a fixed one, or bounds to find it between.
    frame_model
        What of the model is compared with a frame.
    weighting
        Of the frames.
    most_relative_vt_error
        VT is NaN, with :attr:`FitFlag.VT_WITHHELD`, where its standard error is this part of it or more;
        K1 and k2, which it follows from, stay. ``None`` reports VT always.

    References
    ----------
    .. [1] gunn2001compartments
    """

    bounds: RateBounds
    blood_volume: float | FittedBloodVolume
    frame_model: FrameModel
    weighting: Weighting
    most_relative_vt_error: float | None

    def __post_init__(self) -> None:
        check_blood_volume(self.blood_volume)
        _check_limit(self.most_relative_vt_error)

    def fit(self, curves: TissueCurves, blood: InputFunction) -> tuple[KineticFit, ...]:
        """Return a fit for each region, in order.

        Parameters
        ----------
        curves
            Regions of one scan.
        blood
            Its input, delay taken out; see :func:`tumorboard.pet.kinetics.delay.fit_delay`.

        Returns
        -------
        tuple of KineticFit
            With K1, k2, vB, VT.

        Raises
        ------
        InputError
            When the blood ends before the scan, a curve is constant, or frames are too few.
        """
        pairs = (self.bounds.k1_ml_cm3_min, self.bounds.k2_per_min)
        settings = _Settings("1TCM", pairs, _parameters.one_tissue, _parameters.ONE_TISSUE)
        return _fit(self, settings, curves, blood)


@dataclass(frozen=True, slots=True)
class TwoTissue:
    """Two tissue compartments: free and nonspecific (K1, k2), and specifically bound (k3, k4) [1]_.

    The two exponents of the response are searched over a table of all pairs, with amplitudes >= 0 in closed
    form, so that no start is chosen by hand and no local minimum is taken for the best; K1 to k4 are then
    refined between their bounds.

    Parameters
    ----------
    binding
        Reversible, or with k4 = 0.
    bounds
        Of K1 to k4; that of k4 plays no part when irreversible.
    blood_volume
        Share of the region that is blood: a fixed one, or bounds to find it between.
    frame_model
        What of the model is compared with a frame.
    weighting
        Of the frames.
    most_relative_vt_error
        VT is NaN, with :attr:`FitFlag.VT_WITHHELD`, where its standard error is this part of it or more;
        the rates, which it follows from, stay. ``None`` reports VT always.

    References
    ----------
    .. [1] gunn2001compartments
    """

    binding: Binding
    bounds: RateBounds
    blood_volume: float | FittedBloodVolume
    frame_model: FrameModel
    weighting: Weighting
    most_relative_vt_error: float | None

    def __post_init__(self) -> None:
        check_blood_volume(self.blood_volume)
        _check_limit(self.most_relative_vt_error)

    def fit(self, curves: TissueCurves, blood: InputFunction) -> tuple[KineticFit, ...]:
        """Return a fit for each region, in order.

        Parameters
        ----------
        curves
            Regions of one scan.
        blood
            Its input, delay taken out; see :func:`tumorboard.pet.kinetics.delay.fit_delay`.

        Returns
        -------
        tuple of KineticFit
            With K1, k2, k3, k4, vB, VND, VS, VT, BPND; irreversible: K1, k2, k3, vB, VND, Ki.

        Raises
        ------
        InputError
            When the blood ends before the scan, a curve is constant, or frames are too few.
        """
        b = self.bounds
        reversible = self.binding is Binding.REVERSIBLE
        last = b.k4_per_min if reversible else (0.0, 0.0)
        pairs = (b.k1_ml_cm3_min, b.k2_per_min, b.k3_per_min, last)
        if reversible:
            settings = _Settings("2TCM", pairs, _parameters.reversible, _parameters.REVERSIBLE)
        else:
            settings = _Settings(
                "2TCM irreversible", pairs, _parameters.irreversible, _parameters.IRREVERSIBLE
            )
        return _fit(self, settings, curves, blood)


@dataclass(frozen=True, slots=True)
class _Settings:
    name: str
    pairs_per_min: tuple[tuple[float, float], ...]
    quantities: Quantities
    units: Mapping[str, str]


def _check_limit(limit: float | None) -> None:
    if limit is not None and not limit > 0:
        raise InputError(f"most_relative_vt_error must be > 0, or None for no limit; got {limit}")


def _fit(
    model: OneTissue | TwoTissue, settings: _Settings, curves: TissueCurves, blood: InputFunction
) -> tuple[KineticFit, ...]:
    require_varying(curves)
    limits = np.array(
        [[v / S_PER_MIN for v in pair] for pair in settings.pairs_per_min] + [blood_range(model.blood_volume)]
    )
    weights = model.weighting.of(curves)
    n_free, n_used = int((limits[:, 1] > limits[:, 0]).sum()), int((weights > 0).sum())
    if n_used < n_free:
        raise InputError(
            f"frames of weight > 0 must be at least {n_free} to fit {n_free} parameters; got {n_used}"
        )
    table = FrameResponse.of(blood, curves, model.frame_model, float(limits[1:-1, 1].sum()))
    record = _record(model, settings, curves, blood)

    def exact(rates: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return frame_basis(blood, curves, model.frame_model, rates)

    fits = []
    for region, curve in zip(curves.regions, curves.concentration_bq_ml, strict=True):
        problem = RegionProblem(curve, weights, table, exact, limits[:, 0], limits[:, 1])
        found = fit_region(problem)
        covariance, condition = covariance_of(found, problem.free, n_used)
        parameters = derive(found.parameters, covariance, settings.quantities, settings.units)
        flags = _flags(found, parameters, condition)
        fits.append(
            KineticFit(
                model=settings.name,
                region=region,
                parameters=_with_limit(parameters, model.most_relative_vt_error, flags),
                mid_s=curves.mid_s,
                measured_bq_ml=curve,
                fitted_bq_ml=problem.modelled(found.parameters, exact)[0],
                weights=weights,
                residual_sum=found.residual_sum,
                n_parameters=n_free,
                aicc=corrected_akaike(found.residual_sum, n_used, n_free),
                flags=tuple(flags),
                plot=None,
                provenance=record,
            )
        )
    return tuple(fits)


def _flags(found: Refined, parameters: Mapping[str, KineticParameter], condition: float) -> list[FitFlag]:
    flags = []
    if any(not p.relative_error <= 0.5 for p in parameters.values() if p.standard_error != 0.0):
        flags.append(FitFlag.UNCERTAIN)
    if found.at_bound.any():
        flags.append(FitFlag.AT_BOUND)
    if condition > _ILL_CONDITIONED:
        flags.append(FitFlag.ILL_CONDITIONED)
    if not found.converged:
        flags.append(FitFlag.NOT_CONVERGED)
    return flags


def _with_limit(
    parameters: dict[str, KineticParameter], limit: float | None, flags: list[FitFlag]
) -> dict[str, KineticParameter]:
    """Withhold VT where it is less certain than asked for, and add the flag that says so."""
    total = parameters.get("VT")
    if total is None or limit is None or total.relative_error < limit:
        return parameters
    flags.append(FitFlag.VT_WITHHELD)
    return {**parameters, "VT": KineticParameter(float("nan"), total.standard_error, total.unit)}


def _record(
    model: OneTissue | TwoTissue, settings: _Settings, curves: TissueCurves, blood: InputFunction
) -> Record:
    volume = model.blood_volume
    share: Any = [volume.lowest, volume.highest] if isinstance(volume, FittedBloodVolume) else volume
    names = ("k1_ml_cm3_min", "k2_per_min", "k3_per_min", "k4_per_min")
    chosen = {
        "model": settings.name,
        "bounds": {name: list(pair) for name, pair in zip(names, settings.pairs_per_min, strict=False)},
        "blood_volume": share,
        "frame_model": model.frame_model.value,
        "weighting": model.weighting.value,
        "most_relative_vt_error": model.most_relative_vt_error,
    }
    references = (
        "gunn2001compartments",
        "golub1973varpro",
        "marquardt1963leastsquares",
        "innis2007nomenclature",
    )
    inputs = (curves.provenance, blood.provenance)
    return Record(f"pet.kinetics.{type(model).__name__}.fit", chosen, inputs, references)
