"""Multilinear analysis of two tissue compartments with plasma."""

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
from tumorboard.pet.kinetics.t_star import AllFrames
from tumorboard.units import S_PER_MIN

__all__ = ["MA2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MA2:
    """Tissue as a sum of single and double integrals of plasma and of itself, from injection on [1]_.

    The four coefficients are those of two compartments' differential equation. VT is stable; the rates and VS
    are biased by noise, which enters the integrals of the curve.

    Parameters
    ----------
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
    >>> MA2(
    ...     frame_model=FrameModel.FRAME_AVERAGE, weighting=Weighting.DURATION, blood_fraction=0.0
    ... ).blood_fraction
    0.0
    """

    frame_model: FrameModel
    weighting: Weighting
    blood_fraction: float

    def __post_init__(self) -> None:
        require_blood_fraction(self.blood_fraction)

    def fit(self, curves: TissueCurves, blood: InputFunction) -> tuple[KineticFit, ...]:
        """Return ``VT``, its parts ``VS`` and ``VND``, and the rates of each region.

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
            When the scan begins late, the blood ends before it does, a curve never changes, or there are too
            few frames.
        """
        require_from_injection(curves)
        terms = plasma_terms(curves, blood, self.frame_model, self.blood_fraction)
        tissue, plasma = terms.tissue, terms.plasma
        shape = tissue.integral.shape
        design = np.stack(
            [
                np.broadcast_to(plasma.double_integral, shape) / S_PER_MIN**2,
                tissue.double_integral / S_PER_MIN**2,
                tissue.integral / S_PER_MIN,
                np.broadcast_to(plasma.integral, shape) / S_PER_MIN,
            ],
            axis=-1,
        )

        def predicted(region: int, c: NDArray[np.float64]) -> NDArray[np.float64]:
            return terms.measured(design[region] @ c)

        analysis = LinearAnalysis(
            model="MA2",
            design=design,
            values=tissue.concentration,
            weights=np.broadcast_to(self.weighting.of(curves), shape),
            quantities=_parameters.ma2,
            units=_parameters.MA2,
            predicted=predicted,
            noise=lambda _, c: (
                terms.operators.concentration
                - c[1] / S_PER_MIN**2 * terms.operators.double_integral
                - c[2] / S_PER_MIN * terms.operators.integral
            ),
            frame_weights=self.weighting.of(curves),
            labels=None,
        )
        record = model_record(self, (curves.provenance, blood.provenance), ("ichise2002multilinear",))
        return fit_regions(analysis, curves, AllFrames(), record)
