"""Logan's graphical analysis with a reference region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics.fit import FrameModel, KineticFit, Weighting
from tumorboard.pet.kinetics.linear_analysis import LinearAnalysis, fit_regions
from tumorboard.pet.kinetics.logan import logan_noise, logan_points
from tumorboard.pet.kinetics.model_record import model_record
from tumorboard.pet.kinetics.mrtm2 import require_k2_prime
from tumorboard.pet.kinetics.point_weights import PointWeights, logan_point_weights
from tumorboard.pet.kinetics.propagated_error import frame_operators
from tumorboard.pet.kinetics.reference_curve import reference_terms
from tumorboard.pet.kinetics.t_star import TStar
from tumorboard.units import S_PER_MIN

__all__ = ["ReferenceLogan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceLogan:
    """Logan's plot driven by a reference region: late on, the slope is DVR = BPND + 1 [1]_.

    Parameters
    ----------
    k2_prime_per_min
        Clearance of the reference region, > 0 [1/min]; ``None`` leaves its term out, which holds where the
        ratio of tissue to reference is constant.
    t_star
        From which frame on the plot is straight.
    frame_model
        Averages over frames, or values at their middle.
    weighting
        Of the frames.
    point_weights
        Whether the plot's points have their frames' weights, or the weights that follow from these for the
        ratio.

    References
    ----------
    .. [1] logan1996reference

    Examples
    --------
    >>> from tumorboard.pet.kinetics.t_star import LastFrames
    >>> ReferenceLogan(
    ...     k2_prime_per_min=None, t_star=LastFrames(10), frame_model=FrameModel.FRAME_AVERAGE,
    ...     weighting=Weighting.DURATION, point_weights=PointWeights.FRAME,
    ... ).k2_prime_per_min is None
    True
    """

    k2_prime_per_min: float | None
    t_star: TStar
    frame_model: FrameModel
    weighting: Weighting
    point_weights: PointWeights

    def __post_init__(self) -> None:
        if self.k2_prime_per_min is not None:
            require_k2_prime(self.k2_prime_per_min)

    def fit(self, curves: TissueCurves, reference: TissueCurves) -> tuple[KineticFit, ...]:
        """Return the line through each region's plot: ``BPND``, ``DVR`` and the ``intercept``.

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
            When the frames differ, the reference has several regions, a curve never changes, t* leaves too
            few frames, or a frame after it has no positive concentration.
        """
        tissue, ref = reference_terms(curves, reference, self.frame_model)
        operators = frame_operators(curves.frame_start_s, curves.frame_end_s, self.frame_model)
        drive = ref.integral / S_PER_MIN
        if self.k2_prime_per_min is not None:
            drive = drive + ref.concentration / self.k2_prime_per_min
        x, y = logan_points(tissue.concentration, tissue.integral / S_PER_MIN, drive)
        weights = logan_point_weights(
            tissue.concentration,
            tissue.integral,
            curves.frame_end_s - curves.frame_start_s,
            self.weighting.of(curves),
            self.point_weights,
        )

        def predicted(region: int, c: NDArray[np.float64]) -> NDArray[np.float64]:
            fitted: NDArray[np.float64] = (tissue.integral[region] / S_PER_MIN - c[0] * drive) / c[1]
            return fitted

        over = "integral of reference" if self.k2_prime_per_min is None else "(integral of reference + r/k2')"
        analysis = LinearAnalysis(
            model="reference Logan",
            design=np.stack([x, np.ones_like(x)], axis=-1),
            values=y,
            weights=weights,
            quantities=lambda c: {"BPND": c[0] - 1.0, "DVR": c[0], "intercept": c[1]},
            units={"BPND": "1", "DVR": "1", "intercept": "min"},
            predicted=predicted,
            noise=lambda region, c: logan_noise(tissue.concentration[region], operators.integral, c),
            frame_weights=self.weighting.of(curves),
            labels=(f"{over} / tissue [min]", "integral of tissue / tissue [min]"),
        )
        record = model_record(self, (curves.provenance, reference.provenance), ("logan1996reference",))
        return fit_regions(analysis, curves, self.t_star, record)
