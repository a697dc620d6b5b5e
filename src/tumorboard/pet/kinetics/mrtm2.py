"""Multilinear reference tissue model with the reference's k2' known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics import _parameters
from tumorboard.pet.kinetics.fit import FrameModel, KineticFit, Weighting
from tumorboard.pet.kinetics.linear_analysis import LinearAnalysis, fit_regions
from tumorboard.pet.kinetics.model_record import model_record
from tumorboard.pet.kinetics.propagated_error import frame_operators
from tumorboard.pet.kinetics.reference_curve import reference_terms
from tumorboard.pet.kinetics.t_star import TStar
from tumorboard.units import S_PER_MIN

__all__ = ["MRTM2", "require_k2_prime"]


def require_k2_prime(k2_prime_per_min: float) -> None:
    """Raise an InputError unless a reference region's clearance is > 0.

    Examples
    --------
    >>> require_k2_prime(0.1)
    """
    if not (np.isfinite(k2_prime_per_min) and k2_prime_per_min > 0):
        raise InputError(
            f"k2_prime_per_min must be finite and > 0 [1/min]; got {k2_prime_per_min}; take it from MRTM1 or "
            "SRTM of a region with much binding, or from the literature of the tracer"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MRTM2:
    """MRTM1 with one k2' for all regions, which leaves two coefficients and less noise [1]_.

    Parameters
    ----------
    k2_prime_per_min
        Clearance of the reference region, > 0 [1/min].
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
    >>> MRTM2(
    ...     k2_prime_per_min=0.1, t_star=AllFrames(), frame_model=FrameModel.FRAME_AVERAGE,
    ...     weighting=Weighting.DURATION,
    ... ).k2_prime_per_min
    0.1
    """

    k2_prime_per_min: float
    t_star: TStar
    frame_model: FrameModel
    weighting: Weighting

    def __post_init__(self) -> None:
        require_k2_prime(self.k2_prime_per_min)

    def fit(self, curves: TissueCurves, reference: TissueCurves) -> tuple[KineticFit, ...]:
        """Return ``BPND``, ``R1``, ``k2`` and ``k2a`` of each region, as if k2' were exact.

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
        shape, k2_prime = tissue.integral.shape, self.k2_prime_per_min
        drive = ref.integral / S_PER_MIN + ref.concentration / k2_prime
        design = np.stack([np.broadcast_to(drive, shape), tissue.integral / S_PER_MIN], axis=-1)

        def predicted(region: int, c: NDArray[np.float64]) -> NDArray[np.float64]:
            fitted: NDArray[np.float64] = design[region] @ c
            return fitted

        analysis = LinearAnalysis(
            model="MRTM2",
            design=design,
            values=tissue.concentration,
            weights=np.broadcast_to(self.weighting.of(curves), shape),
            quantities=lambda c: _parameters.mrtm2(c, k2_prime),
            units=_parameters.MRTM2,
            predicted=predicted,
            noise=lambda _, c: operators.concentration - c[1] / S_PER_MIN * operators.integral,
            frame_weights=self.weighting.of(curves),
            labels=None,
        )
        record = model_record(self, (curves.provenance, reference.provenance), ("ichise2003mrtm",))
        return fit_regions(analysis, curves, self.t_star, record)
