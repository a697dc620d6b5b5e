"""The simplified reference tissue model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics import _parameters
from tumorboard.pet.kinetics.derived_parameters import derive
from tumorboard.pet.kinetics.fit import FrameModel, KineticFit, Weighting
from tumorboard.pet.kinetics.least_squares import weighted_least_squares
from tumorboard.pet.kinetics.model_record import model_record
from tumorboard.pet.kinetics.reference_basis import ReferenceBasis, reference_basis, require_rates
from tumorboard.pet.kinetics.reference_curve import ReferenceInterpolation
from tumorboard.pet.kinetics.separable_search import best_rate, nonlinear_fit
from tumorboard.provenance import Record

__all__ = ["SRTM"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SRTM:
    """Tissue and reference as one compartment each with the same plasma [1]_.

    Two of the three parameters are linear; the third, k2a, is searched among basis functions [2]_ and then to
    the optimum between them.

    Parameters
    ----------
    frame_model
        Averages over frames, or values at their middle.
    weighting
        Of the frames.
    interpolation
        What the reference curve is between its frames.
    k2a_range_per_min
        Lowest and highest apparent clearance k2a = k2 / (1 + BPND) that is searched, > 0 [1/min].

    References
    ----------
    .. [1] lammertsma1996srtm
    .. [2] gunn1997basis

    Examples
    --------
    >>> SRTM(
    ...     frame_model=FrameModel.FRAME_AVERAGE, weighting=Weighting.DURATION,
    ...     interpolation=ReferenceInterpolation.AVERAGE_PRESERVING, k2a_range_per_min=(0.002, 1.0),
    ... ).k2a_range_per_min
    (0.002, 1.0)
    """

    frame_model: FrameModel
    weighting: Weighting
    interpolation: ReferenceInterpolation
    k2a_range_per_min: tuple[float, float]

    def __post_init__(self) -> None:
        require_rates("k2a_range_per_min", self.k2a_range_per_min)

    def fit(self, curves: TissueCurves, reference: TissueCurves) -> tuple[KineticFit, ...]:
        """Return ``BPND``, ``R1``, ``k2``, ``k2a`` and ``k2'`` of each region.

        Parameters
        ----------
        curves
            Frames since injection.
        reference
            One region without specific binding, on the same frames.

        Returns
        -------
        tuple of KineticFit
            In the order of the regions.

        Raises
        ------
        InputError
            When the frames differ, the reference has several regions, a curve never changes, or there are too
            few frames.
        """
        basis = reference_basis(
            curves, reference, self.frame_model, self.interpolation, self.k2a_range_per_min
        )
        weights = self.weighting.of(curves)
        record = model_record(
            self,
            (curves.provenance, reference.provenance),
            ("lammertsma1996srtm", "gunn1997basis", "golub1973varpro"),
        )
        grid = np.stack([np.broadcast_to(basis.reference, basis.table.shape), basis.table], axis=-1)
        return tuple(_one(basis, grid, curves, k, weights, record) for k in range(len(curves.regions)))


def _one(
    basis: ReferenceBasis,
    grid: NDArray[np.float64],
    curves: TissueCurves,
    region: int,
    weights: NDArray[np.float64],
    record: Record,
) -> KineticFit:
    values = curves.concentration_bq_ml[region]

    def design(rate: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        here, change = basis.at(rate)
        none = np.zeros_like(here)
        return np.stack([basis.reference, here], axis=-1), np.stack([none, change], axis=-1)

    rate, at_bound = best_rate(basis.rates_per_min, grid, design, values, weights)
    columns, slope = design(rate)
    linear = weighted_least_squares(columns, values, weights)
    # At the optimum the fit of residuals by all three derivatives moves nothing: only its covariance is used.
    jacobian = np.c_[columns, slope @ linear.coefficients]
    errors = weighted_least_squares(jacobian, values - linear.fitted, weights)
    parameters = derive(
        np.append(linear.coefficients, rate), errors.covariance, _parameters.srtm, _parameters.REFERENCE
    )
    search = (3, at_bound, errors.ill_conditioned)
    return nonlinear_fit("SRTM", curves, region, parameters, linear.fitted, weights, search, record)
