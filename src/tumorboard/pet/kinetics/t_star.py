"""From which frame on a graphical analysis is straight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError

__all__ = ["AllFrames", "FromTime", "LargestResidual", "LastFrames", "TStar", "first_frame"]


@dataclass(frozen=True, slots=True)
class AllFrames:
    """Every frame: for models that hold from injection on."""


@dataclass(frozen=True, slots=True)
class FromTime:
    """Frames whose middle is at ``start_s`` or later.

    Parameters
    ----------
    start_s
        After injection, >= 0 [s].
    """

    start_s: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.start_s) and self.start_s >= 0):
            raise InputError(f"start_s of t* must be finite and >= 0 [s]; got {self.start_s}")


@dataclass(frozen=True, slots=True)
class LastFrames:
    """The last ``count`` frames.

    Parameters
    ----------
    count
        At least 3: two determine a line and leave its error unknown.
    """

    count: int

    def __post_init__(self) -> None:
        if self.count < 3:
            raise InputError(f"count of last frames must be >= 3; got {self.count}")


@dataclass(frozen=True, slots=True)
class LargestResidual:
    """The earliest frame from which on no point is farther from the fit than a share of the fitted value.

    Noise has a few points lie on a line by chance, so no fewer than ``fewest_frames`` are asked. Where even
    those are farther, the fit goes through them and is flagged
    :attr:`~tumorboard.pet.kinetics.fit.FitFlag.EXTRAPOLATED`.

    Parameters
    ----------
    limit
        Share, > 0; 0.1 is common.
    fewest_frames
        That the fit goes through, >= 3.
    """

    limit: float
    fewest_frames: int

    def __post_init__(self) -> None:
        if not (np.isfinite(self.limit) and self.limit > 0):
            raise InputError(f"limit of the largest relative residual must be > 0; got {self.limit}")
        if self.fewest_frames < 3:
            raise InputError(f"fewest_frames of t* must be >= 3; got {self.fewest_frames}")


TStar = AllFrames | FromTime | LastFrames | LargestResidual


def first_frame(
    rule: TStar,
    mid_s: NDArray[np.float64],
    n_parameters: int,
    largest_residual: Callable[[int], float],
) -> tuple[int, bool]:
    """Return the first frame of a fit by a rule.

    Parameters
    ----------
    rule
        See the classes.
    mid_s
        Middle of each frame, shape ``(n_frames,)`` [s].
    n_parameters
        Of the fit: at least one frame more is fitted.
    largest_residual
        The largest residual of a fit from a frame on, relative to the fitted value.

    Returns
    -------
    tuple
        Index of the frame, and whether the rule was met.

    Raises
    ------
    InputError
        When the rule leaves too few frames.

    Examples
    --------
    >>> first_frame(LastFrames(3), np.arange(10.0), 2, lambda k: 0.0)
    (7, True)
    """
    n, fewest = len(mid_s), n_parameters + 1
    if n < fewest:
        raise InputError(f"frames must be at least {fewest} to fit {n_parameters} parameters; got {n}")
    if isinstance(rule, LargestResidual):
        return _straight(rule, n, fewest, largest_residual)
    if isinstance(rule, AllFrames):
        return 0, True
    if isinstance(rule, LastFrames):
        if not fewest <= rule.count <= n:
            raise InputError(f"count of last frames must be {fewest} to {n} for this fit; got {rule.count}")
        return n - rule.count, True
    if isinstance(rule, FromTime):
        first = int(np.searchsorted(mid_s, rule.start_s))
        if n - first < fewest:
            raise InputError(
                f"start_s of t* must leave at least {fewest} frames; got {rule.start_s:g} s, which leaves "
                f"{n - first}; the middle of the last frame is {mid_s[-1]:g} s"
            )
    return first, True


def _straight(
    rule: LargestResidual, n: int, fewest: int, largest_residual: Callable[[int], float]
) -> tuple[int, bool]:
    fewest = max(fewest, rule.fewest_frames)
    if n < fewest:
        raise InputError(f"fewest_frames of t* must be at most the {n} frames there are; got {fewest}")
    for first in range(n - fewest + 1):
        if largest_residual(first) <= rule.limit:
            return first, True
    return n - fewest, False
