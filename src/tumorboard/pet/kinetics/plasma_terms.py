"""Curves of tissue without their blood, and of plasma, frame by frame, for models driven by plasma."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.fit import FrameModel
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.linear_analysis import require_curves
from tumorboard.pet.kinetics.propagated_error import frame_operators
from tumorboard.pet.kinetics.repeated_integrals import FrameTerms, measured_terms, node_terms

__all__ = ["PlasmaTerms", "plasma_terms", "require_blood_fraction"]


@dataclass(frozen=True, slots=True, eq=False)
class PlasmaTerms:
    """What a linear model driven by plasma is made of.

    Parameters
    ----------
    tissue
        Without blood, arrays of shape ``(n_regions, n_frames)``.
    plasma
        Unchanged tracer, arrays of shape ``(n_frames,)``.
    whole_blood_bq_ml
        Shape ``(n_frames,)`` [Bq/mL].
    operators
        What makes tissue's terms of its measurements, matrices of shape ``(n_frames, n_frames)``.
    duration_s
        Of the frames, shape ``(n_frames,)`` [s].
    blood_fraction
        Share of the volume that is blood.
    """

    tissue: FrameTerms
    plasma: FrameTerms
    whole_blood_bq_ml: NDArray[np.float64]
    operators: FrameTerms
    duration_s: NDArray[np.float64]
    blood_fraction: float

    def measured(self, tissue_bq_ml: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return tissue as a scanner sees it, with its blood, shape ``(n_frames,)`` [Bq/mL]."""
        return (1.0 - self.blood_fraction) * tissue_bq_ml + self.blood_fraction * self.whole_blood_bq_ml


def require_blood_fraction(blood_fraction: float) -> None:
    """Raise an InputError unless a share of blood is 0 to below 1.

    Examples
    --------
    >>> require_blood_fraction(0.05)
    """
    if not 0.0 <= blood_fraction < 1.0:
        raise InputError(
            f"blood_fraction must be 0 to below 1; got {blood_fraction}; give 0.05 for 5 %, 0 for none"
        )


def plasma_terms(
    curves: TissueCurves, blood: InputFunction, frame_model: FrameModel, blood_fraction: float
) -> PlasmaTerms:
    """Take the blood off the curves and integrate them and the plasma.

    Parameters
    ----------
    curves
        What was measured.
    blood
        Must reach to the end of the last frame.
    frame_model
        Averages over each frame or values at its middle.
    blood_fraction
        Of the volume of each region, 0 to below 1.

    Returns
    -------
    PlasmaTerms

    Raises
    ------
    InputError
        When the blood ends before the scan, or a curve never changes.
    """
    require_curves(curves)
    start, end = curves.frame_start_s, curves.frame_end_s
    blood.require_covers(float(end[-1]))
    plasma = node_terms(blood.times_s, blood.parent_plasma_bq_ml, start, end, frame_model)
    whole = node_terms(blood.times_s, blood.whole_blood_bq_ml, start, end, frame_model).concentration
    tissue = (curves.concentration_bq_ml - blood_fraction * whole) / (1.0 - blood_fraction)
    return PlasmaTerms(
        measured_terms(tissue, start, end, frame_model),
        plasma,
        whole,
        frame_operators(start, end, frame_model),
        end - start,
        blood_fraction,
    )
