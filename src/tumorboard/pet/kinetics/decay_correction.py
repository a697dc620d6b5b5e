r"""Values corrected for decay to the injection, from what a file says of them.

A frame of length :math:`T` that begins at :math:`t_0` after the injection averages the decaying activity, so
its factor is

.. math:: e^{\lambda t_0} \frac{\lambda T}{1 - e^{-\lambda T}}.

Values corrected already to another moment :math:`t_r` need :math:`e^{\lambda t_r}` only.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core.blood import BloodCurve
from tumorboard.core.dynamic import DynamicImage
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["blood_corrected_to_injection", "corrected_to_injection", "frame_decay_factors"]


def frame_decay_factors(
    frame_start_s: ArrayLike, frame_duration_s: ArrayLike, half_life_s: float
) -> NDArray[np.float64]:
    """Return what measured averages over frames are multiplied with, shape ``(n_frames,)``.

    Parameters
    ----------
    frame_start_s, frame_duration_s
        After the injection, shape ``(n_frames,)`` [s].
    half_life_s
        Of the nuclide, > 0 [s].

    Examples
    --------
    >>> frame_decay_factors([0.0, 1200.0], [1e-6, 600.0], 1200.0).round(4).tolist()
    [1.0, 2.3666]
    """
    rate = _rate(half_life_s)
    start, length = np.asarray(frame_start_s, np.float64), np.asarray(frame_duration_s, np.float64) * rate
    factors: NDArray[np.float64] = np.exp(rate * start) * length / -np.expm1(-length)
    return factors


def corrected_to_injection(
    image: DynamicImage, *, half_life_s: float, corrected_to_s: float | None
) -> DynamicImage:
    """Return a dynamic image decay-corrected to the injection.

    Parameters
    ----------
    image
        Its times count from the injection.
    half_life_s
        Of the nuclide [s].
    corrected_to_s
        Moment that the values are corrected to already, after the injection; ``None`` where they are not
        corrected at all [s].

    Raises
    ------
    InputError
        When times do not count from the injection or the half-life is not above 0.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.core.image import Quantity
    >>> grid = Grid((1, 1, 1), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="2.25.1")
    >>> image = DynamicImage(
    ...     np.ones((1, 1, 1, 1)), grid, Quantity.ACTIVITY_CONCENTRATION, [60.0], [60.0], "injection",
    ...     Record("example"),
    ... )
    >>> corrected_to_injection(image, half_life_s=1200.0, corrected_to_s=1200.0).values.item()
    2.0
    """
    if image.time_zero != "injection":
        raise InputError(
            f"times of the image must count from the injection; they count from {image.time_zero!r}; "
            "shift them"
        )
    rate = _rate(half_life_s)
    if corrected_to_s is None:
        factors = frame_decay_factors(image.frame_start_s, image.frame_duration_s, half_life_s)
    else:
        factors = np.full(image.n_frames, math.exp(rate * corrected_to_s))
    parameters = {"half_life_s": float(half_life_s), "corrected_to_s": corrected_to_s}
    record = Record("pet.kinetics.corrected_to_injection", parameters, (image.provenance,))
    kind = image.values.dtype if image.values.dtype.kind == "f" else np.dtype(np.float32)
    values = image.values * factors.astype(kind)[:, None, None, None]
    return DynamicImage(
        values, image.grid, image.quantity, image.frame_start_s, image.frame_duration_s, "injection", record
    )


def blood_corrected_to_injection(
    curve: BloodCurve, *, half_life_s: float, corrected_to_s: float | None
) -> BloodCurve:
    """Return a curve of blood decay-corrected to the injection.

    Parameters
    ----------
    curve
        Concentrations against time after the injection.
    half_life_s
        Of the nuclide [s].
    corrected_to_s
        Moment that the values are corrected to already, after the injection; ``None`` where each is what was
        left at its time [s].

    Examples
    --------
    >>> counted = BloodCurve([0.0, 1200.0], [4.0, 2.0])
    >>> blood_corrected_to_injection(counted, half_life_s=1200.0, corrected_to_s=None).values.tolist()
    [4.0, 4.0]
    """
    rate = _rate(half_life_s)
    moments = curve.times_s if corrected_to_s is None else np.full(curve.times_s.size, corrected_to_s)
    return BloodCurve(curve.times_s, curve.values * np.exp(rate * moments))


def _rate(half_life_s: float) -> float:
    if not (math.isfinite(half_life_s) and half_life_s > 0.0):
        raise InputError(f"half_life_s must be > 0 [s]; got {half_life_s:g}")
    return math.log(2.0) / half_life_s
