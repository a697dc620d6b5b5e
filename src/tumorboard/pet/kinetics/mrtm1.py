"""Multilinear reference tissue model with three coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics import _parameters
from tumorboard.pet.kinetics.fit import FrameModel, KineticFit, Weighting
from tumorboard.pet.kinetics.linear_analysis import LinearAnalysis, fit_regions
from tumorboard.pet.kinetics.model_record import model_record
from tumorboard.pet.kinetics.propagated_error import frame_operators
from tumorboard.pet.kinetics.reference_curve import reference_terms
from tumorboard.pet.kinetics.t_star import TStar
from tumorboard.units import S_PER_MIN

__all__ = ["MRTM1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MRTM1:
    """Tissue as a sum of the reference's integral, its own integral, and the reference [1]_.

    Exact from injection on where one compartment describes both regions; for others from t* on.

    Parameters
    ----------
    t_star
        From which frame on.
    frame_model
        Averages over frames, or values at their middle.
    weighting
        Of the frames.

    References
    ----------
    .. [1] ichise2003mrtm

    Examples
    --------
    >>> from tumorboard.pet.kinetics.t_star import AllFrames
    >>> MRTM1(
    ...     t_star=AllFrames(), frame_model=FrameModel.FRAME_AVERAGE, weighting=Weighting.DURATION
    ... ).weighting.value
    'duration'
    """

    t_star: TStar
    frame_model: FrameModel
    weighting: Weighting

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
            When the frames differ, the reference has several regions, a curve never changes, or t* leaves
            too few frames.
        """
        tissue, ref = reference_terms(curves, reference, self.frame_model)
        operators = frame_operators(curves.frame_start_s, curves.frame_end_s, self.frame_model)
        shape = tissue.integral.shape
        design = np.stack(
            [
                np.broadcast_to(ref.integral, shape) / S_PER_MIN,
                tissue.integral / S_PER_MIN,
                np.broadcast_to(ref.concentration, shape),
            ],
            axis=-1,
        )

        def predicted(region: int, c: NDArray[np.float64]) -> NDArray[np.float64]:
            fitted: NDArray[np.float64] = design[region] @ c
            return fitted

        analysis = LinearAnalysis(
            model="MRTM1",
            design=design,
            values=tissue.concentration,
            weights=np.broadcast_to(self.weighting.of(curves), shape),
            quantities=_parameters.mrtm1,
            units=_parameters.REFERENCE,
            predicted=predicted,
            noise=lambda _, c: operators.concentration - c[1] / S_PER_MIN * operators.integral,
            frame_weights=self.weighting.of(curves),
            labels=None,
        )
        record = model_record(self, (curves.provenance, reference.provenance), ("ichise2003mrtm",))
        return fit_regions(analysis, curves, self.t_star, record)
