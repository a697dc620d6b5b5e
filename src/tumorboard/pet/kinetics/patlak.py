"""Patlak's graphical analysis of trapped tracers with plasma."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.fit import FrameModel, KineticFit, Weighting
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.linear_analysis import LinearAnalysis, fit_regions
from tumorboard.pet.kinetics.model_record import model_record
from tumorboard.pet.kinetics.plasma_terms import plasma_terms, require_blood_fraction
from tumorboard.pet.kinetics.point_weights import PointWeights, ratio_point_weights
from tumorboard.pet.kinetics.t_star import TStar
from tumorboard.units import S_PER_MIN

__all__ = ["Patlak", "patlak_points", "ratio_noise", "require_driven"]


def patlak_points(
    tissue: NDArray[np.float64], drive: NDArray[np.float64], drive_integral: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return abscissae and ordinates: the integral of the drive, and tissue, over the drive.

    Parameters
    ----------
    tissue
        Shape ``(n_curves, n_frames)``.
    drive, drive_integral
        Plasma or a reference region, shape ``(n_frames,)``.

    Returns
    -------
    tuple of numpy.ndarray
        Each of shape ``(n_curves, n_frames)``, NaN where the drive is not > 0.

    Examples
    --------
    >>> x, y = patlak_points(np.array([[3.0, 4.0]]), np.array([0.0, 2.0]), np.array([0.0, 8.0]))
    >>> x.tolist(), y.tolist()
    ([[nan, 4.0]], [[nan, 2.0]])
    """
    divisor = np.where(drive > 0, drive, np.nan)
    return np.broadcast_to(drive_integral / divisor, tissue.shape), tissue / divisor


def require_driven(drive: NDArray[np.float64]) -> None:
    """Raise an InputError when what a plot is divided by is never positive.

    Examples
    --------
    >>> require_driven(np.array([0.0, 1.0]))
    """
    if not (drive > 0).any():
        raise InputError("plasma or reference must be > 0 in some frames [Bq/mL]; it is in none")


def ratio_noise(drive: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how ratios to a drive change with each frame's measurement.

    Parameters
    ----------
    drive
        Shape ``(n_frames,)``.

    Returns
    -------
    numpy.ndarray
        Diagonal, shape ``(n_frames, n_frames)``, 0 where the drive is not > 0.

    Examples
    --------
    >>> ratio_noise(np.array([0.0, 2.0])).tolist()
    [[0.0, 0.0], [0.0, 0.5]]
    """
    return np.diag(np.where(drive > 0, 1.0 / np.where(drive > 0, drive, 1.0), 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Patlak:
    """Tissue over plasma, against the integral of plasma over plasma: late on, the slope is Ki [1]_.

    Parameters
    ----------
    t_star
        From which frame on the plot is straight.
    frame_model
        Averages over frames, or values at their middle.
    weighting
        Of the frames.
    point_weights
        Whether the plot's points have their frames' weights, or those times the square of plasma, which
        follow for the ratio.
    blood_fraction
        Share of blood in the volume, taken off first; 0 for none.

    References
    ----------
    .. [1] patlak1983graphical

    Examples
    --------
    >>> from tumorboard.pet.kinetics.t_star import LargestResidual
    >>> model = Patlak(
    ...     t_star=LargestResidual(0.1, 6), frame_model=FrameModel.FRAME_AVERAGE, weighting=Weighting.UNIFORM,
    ...     point_weights=PointWeights.FRAME, blood_fraction=0.0,
    ... )
    >>> model.t_star.limit
    0.1
    """

    t_star: TStar
    frame_model: FrameModel
    weighting: Weighting
    point_weights: PointWeights
    blood_fraction: float

    def __post_init__(self) -> None:
        require_blood_fraction(self.blood_fraction)

    def fit(self, curves: TissueCurves, blood: InputFunction) -> tuple[KineticFit, ...]:
        """Return the line through each region's plot: ``Ki`` and ``V0``.

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
            When the blood ends before the scan, a curve never changes, t* leaves too few frames, or plasma is
            not positive after it.
        """
        terms = plasma_terms(curves, blood, self.frame_model, self.blood_fraction)
        plasma, tissue = terms.plasma, terms.tissue.concentration
        require_driven(plasma.concentration)
        x, y = patlak_points(tissue, plasma.concentration, plasma.integral / S_PER_MIN)

        def predicted(_: int, c: NDArray[np.float64]) -> NDArray[np.float64]:
            return terms.measured(c[0] * plasma.integral / S_PER_MIN + c[1] * plasma.concentration)

        analysis = LinearAnalysis(
            model="Patlak",
            design=np.stack([x, np.ones_like(x)], axis=-1),
            values=y,
            weights=ratio_point_weights(
                plasma.concentration, len(tissue), self.weighting.of(curves), self.point_weights
            ),
            quantities=lambda c: {"Ki": c[0], "V0": c[1]},
            units={"Ki": "mL/cm3/min", "V0": "mL/cm3"},
            predicted=predicted,
            noise=lambda _, __: ratio_noise(plasma.concentration),
            frame_weights=self.weighting.of(curves),
            labels=("integral of plasma / plasma [min]", "tissue / plasma [mL/cm3]"),
        )
        record = model_record(self, (curves.provenance, blood.provenance), ("patlak1983graphical",))
        return fit_regions(analysis, curves, self.t_star, record)
