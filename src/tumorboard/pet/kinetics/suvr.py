"""The ratio of a region's uptake to a reference region's in a late window."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tumorboard.core.tissue_curves import FRAME_OVERLAP_TOLERANCE_S, TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.derived_parameters import parameter_flags
from tumorboard.pet.kinetics.fit import KineticFit, KineticParameter
from tumorboard.pet.kinetics.least_squares import corrected_akaike
from tumorboard.pet.kinetics.linear_analysis import require_same_frames
from tumorboard.pet.kinetics.model_record import model_record

__all__ = ["SUVR"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SUVR:
    """Mean uptake of a region over that of a reference region, between two times.

    No model: it changes with time, blood flow and clearance, and need not follow binding [1]_.

    Parameters
    ----------
    start_s, end_s
        Of the window, after injection; where frames begin or end [s].

    References
    ----------
    .. [1] matheson2017pbr28

    Examples
    --------
    >>> SUVR(start_s=3000.0, end_s=4200.0).end_s
    4200.0
    """

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.end_s) and 0.0 <= self.start_s < self.end_s):
            raise InputError(f"window must be 0 <= start_s < end_s [s]; got {self.start_s} to {self.end_s}")

    def fit(self, curves: TissueCurves, reference: TissueCurves) -> tuple[KineticFit, ...]:
        """Return ``SUVR`` of each region, its error from the scatter of the window's frames about it.

        Parameters
        ----------
        curves
            Frames since injection.
        reference
            One region on the same frames.

        Returns
        -------
        tuple of KineticFit
            In the order of the regions; one frame leaves the error unknown.

        Raises
        ------
        InputError
            When the frames differ, the window holds no whole frame or cuts one, or the reference's mean there
            is not positive.
        """
        require_same_frames(curves, reference)
        used, weights = self._window(curves)
        ref = reference.concentration_bq_ml[0]
        total = float(weights @ ref)
        if total <= 0:
            raise InputError(
                f"reference must have a mean > 0 in the window [Bq/mL]; got {total / weights.sum():g}"
            )
        record = model_record(self, (curves.provenance, reference.provenance), ("matheson2017pbr28",))
        fits = []
        n = int(used.sum())
        for name, curve in zip(curves.regions, curves.concentration_bq_ml, strict=True):
            ratio = float(weights @ curve) / total
            residual = curve - ratio * ref
            scatter = float(weights**2 @ residual**2)
            error = math.sqrt(n / (n - 1) * scatter) / total if n > 1 else math.nan
            parameters = {"SUVR": KineticParameter(ratio, error, "1")}
            residual_sum = float(weights @ residual**2)
            fits.append(
                KineticFit(
                    model="SUVR",
                    region=name,
                    parameters=parameters,
                    mid_s=curves.mid_s,
                    measured_bq_ml=curve,
                    fitted_bq_ml=np.where(used, ratio * ref, np.nan),
                    weights=weights,
                    residual_sum=residual_sum,
                    n_parameters=1,
                    aicc=corrected_akaike(residual_sum, n, 1),
                    flags=parameter_flags(parameters, False),
                    plot=None,
                    provenance=record,
                )
            )
        return tuple(fits)

    def _window(self, curves: TissueCurves) -> tuple[np.ndarray, np.ndarray]:
        start, end = curves.frame_start_s, curves.frame_end_s
        slack = 2.0 * FRAME_OVERLAP_TOLERANCE_S
        inside = (start >= self.start_s - slack) & (end <= self.end_s + slack)
        cut = (start < self.end_s - slack) & (end > self.start_s + slack) & ~inside
        if cut.any() or not inside.any():
            k = int(np.flatnonzero(cut)[0]) if cut.any() else len(start) - 1
            raise InputError(
                f"the window must hold whole frames; {self.start_s:g} to {self.end_s:g} s "
                + ("cuts" if cut.any() else "holds none, the last is")
                + f" frame {k + 1} from {start[k]:g} to {end[k]:g} s; move its ends to edges of frames"
            )
        weights = np.where(inside, end - start, 0.0)
        return inside, weights / weights[inside].mean()
