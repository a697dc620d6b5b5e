"""Multilinear analysis with plasma: Logan's equation without division by the noisy curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics import _parameters
from tumorboard.pet.kinetics.fit import FrameModel, KineticFit, Weighting
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.linear_analysis import LinearAnalysis, fit_regions, require_from_injection
from tumorboard.pet.kinetics.model_record import model_record
from tumorboard.pet.kinetics.plasma_terms import plasma_terms, require_blood_fraction
from tumorboard.pet.kinetics.t_star import TStar
from tumorboard.units import S_PER_MIN

__all__ = ["MA1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MA1:
    """Tissue as a sum of the integrals of plasma and of itself; VT is minus the ratio of the two terms [1]_.

    Exact from injection on for one tissue compartment, where minus the second coefficient is k2; for others
    from t* on.

    Parameters
    ----------
    t_star
        From which frame on.
    frame_model
        Averages over frames, or values at their middle.
    weighting
        Of the frames.
    blood_fraction
        Share of blood in the volume, taken off first; 0 for none.

    References
    ----------
    .. [1] ichise2002multilinear

    Examples
    --------
    >>> from tumorboard.pet.kinetics.t_star import FromTime
    >>> model = MA1(
    ...     t_star=FromTime(1800.0), frame_model=FrameModel.FRAME_AVERAGE, weighting=Weighting.GIVEN,
    ...     blood_fraction=0.05,
    ... )
    >>> model.t_star.start_s
    1800.0
    """

    t_star: TStar
    frame_model: FrameModel
    weighting: Weighting
    blood_fraction: float

    def __post_init__(self) -> None:
        require_blood_fraction(self.blood_fraction)

    def fit(self, curves: TissueCurves, blood: InputFunction) -> tuple[KineticFit, ...]:
        """Return ``VT`` of each region, and ``b``, minus the coefficient of tissue's integral.

        Parameters
        ----------
        curves
            Frames since injection.
        blood
            Reaching to the end of the last frame.

        Returns
        -------
        tuple of KineticFit
            In the order of the regions.

        Raises
        ------
        InputError
            When the scan begins late, the blood ends before it does, a curve never changes, or t* leaves too
            few frames.
        """
        require_from_injection(curves)
        terms = plasma_terms(curves, blood, self.frame_model, self.blood_fraction)
        tissue = terms.tissue
        plasma = np.broadcast_to(terms.plasma.integral, tissue.integral.shape)
        design = np.stack([plasma, tissue.integral], axis=-1) / S_PER_MIN

        def predicted(region: int, c: NDArray[np.float64]) -> NDArray[np.float64]:
            return terms.measured(design[region] @ c)

        analysis = LinearAnalysis(
            model="MA1",
            design=design,
            values=tissue.concentration,
            weights=np.broadcast_to(self.weighting.of(curves), tissue.concentration.shape),
            quantities=_parameters.ma1,
            units=_parameters.MA1,
            predicted=predicted,
            noise=lambda _, c: terms.operators.concentration - c[1] / S_PER_MIN * terms.operators.integral,
            frame_weights=self.weighting.of(curves),
            labels=None,
        )
        record = model_record(self, (curves.provenance, blood.provenance), ("ichise2002multilinear",))
        return fit_regions(analysis, curves, self.t_star, record)
