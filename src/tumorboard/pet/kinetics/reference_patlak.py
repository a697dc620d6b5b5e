"""Patlak's graphical analysis with a reference region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics.fit import FrameModel, KineticFit, Weighting
from tumorboard.pet.kinetics.linear_analysis import LinearAnalysis, fit_regions
from tumorboard.pet.kinetics.model_record import model_record
from tumorboard.pet.kinetics.patlak import patlak_points, ratio_noise, require_driven
from tumorboard.pet.kinetics.point_weights import PointWeights, ratio_point_weights
from tumorboard.pet.kinetics.reference_curve import reference_terms
from tumorboard.pet.kinetics.t_star import TStar
from tumorboard.units import S_PER_MIN

__all__ = ["ReferencePatlak"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePatlak:
    """Tissue over reference, against the reference's integral over it: late on, the slope is Kiref.

    For a tracer that tissue traps and the reference does not [1]_; Kiref = k2' k3 / (k2 + k3).

    Parameters
    ----------
    t_star
        From which frame on the plot is straight.
    frame_model
        Averages over frames, or values at their middle.
    weighting
        Of the frames.
    point_weights
        Whether the plot's points have their frames' weights, or those times the square of the reference,
        which follow for the ratio.

    References
    ----------
    .. [1] patlak1985generalizations

    Examples
    --------
    >>> from tumorboard.pet.kinetics.t_star import LastFrames
    >>> ReferencePatlak(
    ...     t_star=LastFrames(10), frame_model=FrameModel.FRAME_AVERAGE, weighting=Weighting.DURATION,
    ...     point_weights=PointWeights.FRAME,
    ... ).t_star.count
    10
    """

    t_star: TStar
    frame_model: FrameModel
    weighting: Weighting
    point_weights: PointWeights

    def fit(self, curves: TissueCurves, reference: TissueCurves) -> tuple[KineticFit, ...]:
        """Return the line through each region's plot: ``Kiref`` and the ``intercept``.

        Parameters
        ----------
        curves
            Frames since injection.
        reference
            One region without trapping, on the same frames.

        Returns
        -------
        tuple of KineticFit
            In the order of the regions.

        Raises
        ------
        InputError
            When the frames differ, the reference has several regions, a curve never changes, t* leaves too
            few frames, or the reference is not positive after it.
        """
        tissue, ref = reference_terms(curves, reference, self.frame_model)
        require_driven(ref.concentration)
        x, y = patlak_points(tissue.concentration, ref.concentration, ref.integral / S_PER_MIN)

        def predicted(_: int, c: NDArray[np.float64]) -> NDArray[np.float64]:
            fitted: NDArray[np.float64] = c[0] * ref.integral / S_PER_MIN + c[1] * ref.concentration
            return fitted

        analysis = LinearAnalysis(
            model="reference Patlak",
            design=np.stack([x, np.ones_like(x)], axis=-1),
            values=y,
            weights=ratio_point_weights(
                ref.concentration,
                len(curves.regions),
                self.weighting.of(curves),
                self.point_weights,
            ),
            quantities=lambda c: {"Kiref": c[0], "intercept": c[1]},
            units={"Kiref": "1/min", "intercept": "1"},
            predicted=predicted,
            noise=lambda _, __: ratio_noise(ref.concentration),
            frame_weights=self.weighting.of(curves),
            labels=("integral of reference / reference [min]", "tissue / reference"),
        )
        record = model_record(self, (curves.provenance, reference.provenance), ("patlak1985generalizations",))
        return fit_regions(analysis, curves, self.t_star, record)
