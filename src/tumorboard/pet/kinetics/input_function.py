"""What the blood brings to the tissue, as a curve that models can be driven with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.pet.kinetics._kernels.exponential_convolution import convolve
from tumorboard.provenance import Record

__all__ = ["END_TOLERANCE_S", "InputFunction", "piecewise_convolution"]

#: A scan may end this much after the blood: times of the two tables are rounded apart [s].
END_TOLERANCE_S: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class InputFunction:
    """Concentrations in arterial plasma and blood: straight lines between nodes, 0 before the first.

    Parameters
    ----------
    times_s
        Nodes after injection, shape ``(n,)``, n >= 2, strictly increasing [s].
    parent_plasma_bq_ml
        Unchanged tracer in plasma, decay-corrected to injection, shape ``(n,)`` [Bq/mL].
    whole_blood_bq_ml
        All radioactivity in whole blood, decay-corrected to injection, shape ``(n,)`` [Bq/mL].
    provenance
        How the curves came about.

    Raises
    ------
    InputError
        When times do not increase, a shape or a value does not fit, or no plasma is > 0.

    Examples
    --------
    >>> blood = InputFunction([0.0, 60.0, 120.0], [0.0, 8.0, 2.0], [0.0, 5.0, 2.0], Record("example"))
    >>> blood.parent_integral([60.0, 120.0]).tolist()
    [240.0, 540.0]
    """

    times_s: NDArray[np.float64]
    parent_plasma_bq_ml: NDArray[np.float64]
    whole_blood_bq_ml: NDArray[np.float64]
    provenance: Record

    def __post_init__(self) -> None:
        times = read_only(self.times_s, np.float64)
        if times.ndim != 1 or times.size < 2 or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
            raise InputError("times_s of an input function must be 1-D, >= 2 long, finite and increasing [s]")
        for name in ("parent_plasma_bq_ml", "whole_blood_bq_ml"):
            values = read_only(getattr(self, name), np.float64)
            if values.shape != times.shape or not np.isfinite(values).all():
                raise InputError(
                    f"{name} must be {times.size} finite concentrations [Bq/mL]; got {values.shape}"
                )
            object.__setattr__(self, name, values)
        if not (self.parent_plasma_bq_ml > 0).any():
            raise InputError(
                "parent_plasma_bq_ml must be > 0 at some time [Bq/mL]: nothing else drives tissue; the "
                f"highest is {self.parent_plasma_bq_ml.max():g}; look at plasma and at the parent fraction"
            )
        object.__setattr__(self, "times_s", times)

    def require_covers(self, end_s: float) -> None:
        """Raise an InputError unless the blood reaches to the end of the scan, ``end_s`` [s]."""
        if self.times_s[-1] < end_s - END_TOLERANCE_S:
            raise InputError(
                f"blood must reach to the end of the last frame, {end_s:g} s; it ends at "
                f"{self.times_s[-1]:g} s; leave out the frames after it, or extrapolate it knowingly with a "
                "model of the input"
            )

    def delayed(self, delay_s: float) -> InputFunction:
        """Return the curves as they arrive ``delay_s`` later (earlier when negative) [s]."""
        record = Record("pet.kinetics.InputFunction.delayed", {"delay_s": float(delay_s)}, (self.provenance,))
        times = self.times_s + float(delay_s)
        return InputFunction(times, self.parent_plasma_bq_ml, self.whole_blood_bq_ml, record)

    def parent_integral(self, times_s: ArrayLike) -> NDArray[np.float64]:
        """Return the integral of the parent in plasma up to each time, shape ``(m,)`` [Bq s/mL]."""
        integral: NDArray[np.float64] = self._convolved(self.parent_plasma_bq_ml, (0.0,), times_s)[0][0]
        return integral

    def parent_convolution(
        self, rates_per_s: ArrayLike, times_s: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the parent convolved with exp(-rate t), and the integral of that, from the beginning.

        Parameters
        ----------
        rates_per_s
            Shape ``(n_rates,)``, >= 0 [1/s].
        times_s
            Increasing, shape ``(m,)`` [s].

        Returns
        -------
        tuple of numpy.ndarray
            Each of shape ``(n_rates, m)`` [Bq s/mL], [Bq s2/mL].
        """
        return self._convolved(self.parent_plasma_bq_ml, rates_per_s, times_s)

    def whole_blood_integral(self, times_s: ArrayLike) -> NDArray[np.float64]:
        """Return the integral of whole blood up to each time, shape ``(m,)`` [Bq s/mL]."""
        integral: NDArray[np.float64] = self._convolved(self.whole_blood_bq_ml, (0.0,), times_s)[0][0]
        return integral

    def _convolved(
        self, values: NDArray[np.float64], rates_per_s: ArrayLike, times_s: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        points = np.asarray(times_s, np.float64)
        if points.size:
            self.require_covers(float(points[-1]))
        return piecewise_convolution(self.times_s, values, rates_per_s, points)


def piecewise_convolution(
    times_s: NDArray[np.float64], values: NDArray[np.float64], rates_per_s: ArrayLike, points_s: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Convolve a piecewise linear curve with exponentials, without discretisation.

    Parameters
    ----------
    times_s, values
        Nodes and their values, shape ``(n,)`` each; 0 before the first; the last value stays [s].
    rates_per_s
        Shape ``(n_rates,)``, >= 0 [1/s].
    points_s
        Where the result is wanted, increasing, shape ``(m,)`` [s].

    Returns
    -------
    tuple of numpy.ndarray
        The convolution with exp(-rate t), and its integral from the beginning, each ``(n_rates, m)``.

    Examples
    --------
    >>> y, z = piecewise_convolution(np.array([0.0, 1.0]), np.array([1.0, 1.0]), [0.0], [1.0])
    >>> float(y[0, 0]), float(z[0, 0])
    (1.0, 0.5)
    """
    points = np.ascontiguousarray(points_s, np.float64)
    rates = np.ascontiguousarray(rates_per_s, np.float64)
    nodes, heights = np.ascontiguousarray(times_s), np.ascontiguousarray(values)
    if points.size and points[-1] > nodes[-1]:
        nodes, heights = np.append(nodes, points[-1]), np.append(heights, heights[-1])
    if not (np.isfinite(rates).all() and (rates >= 0).all()):
        raise InputError(f"rates_per_s must be finite and >= 0 [1/s]; got {rates.tolist()}")
    if (np.diff(points) < 0).any():
        raise InputError(f"points_s must increase [s]; got {points.tolist()}")
    convolved = np.empty((rates.size, points.size))
    integrals = np.empty_like(convolved)
    convolve(nodes, heights, rates, points, convolved, integrals)
    return convolved, integrals
