"""Logan's graphical analysis of reversible tracers with plasma."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics.fit import FrameModel, KineticFit, Weighting
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.linear_analysis import LinearAnalysis, fit_regions, require_from_injection
from tumorboard.pet.kinetics.model_record import model_record
from tumorboard.pet.kinetics.plasma_terms import plasma_terms, require_blood_fraction
from tumorboard.pet.kinetics.point_weights import PointWeights, logan_point_weights
from tumorboard.pet.kinetics.t_star import TStar
from tumorboard.units import S_PER_MIN

__all__ = ["Logan", "logan_noise", "logan_points"]


def logan_points(
    tissue: NDArray[np.float64], tissue_integral: NDArray[np.float64], drive: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return abscissae and ordinates: integrals of the drive and of tissue, over tissue.

    Parameters
    ----------
    tissue, tissue_integral
        Shape ``(n_curves, n_frames)``.
    drive
        Integral of plasma or of a reference region, shape ``(n_frames,)`` or that of the tissue's.

    Returns
    -------
    tuple of numpy.ndarray
        Each of shape ``(n_curves, n_frames)``, NaN where tissue is not > 0.

    Examples
    --------
    >>> x, y = logan_points(np.array([[2.0, 0.0]]), np.array([[4.0, 4.0]]), np.array([6.0, 7.0]))
    >>> x.tolist(), y.tolist()
    ([[3.0, nan]], [[2.0, nan]])
    """
    divisor = np.where(tissue > 0, tissue, np.nan)
    return drive / divisor, tissue_integral / divisor


def logan_noise(
    tissue: NDArray[np.float64],
    integral_operator: NDArray[np.float64],
    coefficients: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return how residuals of Logan's plot change with each frame's measurement.

    Parameters
    ----------
    tissue
        Shape ``(n_frames,)`` [Bq/mL].
    integral_operator
        That makes of it its integral, shape ``(n_frames, n_frames)`` [s].
    coefficients
        Slope and intercept [min], shape ``(2,)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_frames, n_frames)``, 0 where tissue is not > 0.

    Notes
    -----
    The residual is (L C - slope times drive) / C - intercept; near the line its derivative is
    (L - intercept) / C.

    Examples
    --------
    >>> logan_noise(np.array([2.0]), np.array([[60.0]]), np.array([3.0, -4.0])).tolist()
    [[2.5]]
    """
    inverse = np.where(tissue > 0, 1.0 / np.where(tissue > 0, tissue, 1.0), 0.0)
    noise: NDArray[np.float64] = inverse[:, None] * (
        integral_operator / S_PER_MIN - coefficients[1] * np.eye(len(tissue))
    )
    return noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Logan:
    """The integral of tissue over tissue, against that of plasma over tissue: late on, the slope is VT [1]_.

    Noise in the curve, which divides both axes, lowers VT [2]_.

    Parameters
    ----------
    t_star
        From which frame on the plot is straight.
    frame_model
        Averages over frames, or values at their middle.
    weighting
        Of the frames.
    point_weights
        Whether the plot's points have their frames' weights, or the weights that follow from these for the
        ratio; VT of noisy curves differs by some per cent.
    blood_fraction
        Share of blood in the volume, taken off first; 0 for none.

    References
    ----------
    .. [1] logan1990graphical
    .. [2] ichise2002multilinear

    Examples
    --------
    >>> from tumorboard.pet.kinetics.t_star import LastFrames
    >>> model = Logan(
    ...     t_star=LastFrames(10), frame_model=FrameModel.FRAME_AVERAGE, weighting=Weighting.DURATION,
    ...     point_weights=PointWeights.FRAME, blood_fraction=0.05,
    ... )
    >>> model.t_star.count
    10
    """

    t_star: TStar
    frame_model: FrameModel
    weighting: Weighting
    point_weights: PointWeights
    blood_fraction: float

    def __post_init__(self) -> None:
        require_blood_fraction(self.blood_fraction)

    def fit(self, curves: TissueCurves, blood: InputFunction) -> tuple[KineticFit, ...]:
        """Return the line through each region's plot: ``VT`` and the ``intercept``.

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
            When the scan begins late, the blood ends before it does, a curve never changes, t* leaves too few
            frames, or a frame after it has no positive concentration.
        """
        require_from_injection(curves)
        terms = plasma_terms(curves, blood, self.frame_model, self.blood_fraction)
        tissue, plasma = terms.tissue, terms.plasma
        x, y = logan_points(tissue.concentration, tissue.integral / S_PER_MIN, plasma.integral / S_PER_MIN)
        weights = logan_point_weights(
            tissue.concentration,
            tissue.integral,
            terms.duration_s,
            self.weighting.of(curves),
            self.point_weights,
        )

        def predicted(region: int, c: NDArray[np.float64]) -> NDArray[np.float64]:
            return terms.measured((tissue.integral[region] - c[0] * plasma.integral) / (S_PER_MIN * c[1]))

        analysis = LinearAnalysis(
            model="Logan",
            design=np.stack([x, np.ones_like(x)], axis=-1),
            values=y,
            weights=weights,
            quantities=lambda c: {"VT": c[0], "intercept": c[1]},
            units={"VT": "mL/cm3", "intercept": "min"},
            predicted=predicted,
            noise=lambda region, c: logan_noise(tissue.concentration[region], terms.operators.integral, c),
            frame_weights=self.weighting.of(curves),
            labels=("integral of plasma / tissue [min]", "integral of tissue / tissue [min]"),
        )
        record = model_record(self, (curves.provenance, blood.provenance), ("logan1990graphical",))
        return fit_regions(analysis, curves, self.t_star, record)
