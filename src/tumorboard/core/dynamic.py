"""One volume after another: frames of a dynamic scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["DynamicImage"]


@dataclass(frozen=True, slots=True, eq=False)
class DynamicImage:
    """Frames on one grid.

    Parameters
    ----------
    values
        Shape ``(n_frames, *grid.shape)``, indexed ``[t, z, y, x]``, in the unit of ``quantity``.
    grid
        Where the voxels are, for every frame.
    quantity
        What the values measure.
    frame_start_s
        Start of each frame after ``time_zero``, shape ``(n_frames,)``, strictly increasing [s].
    frame_duration_s
        Length of each frame, shape ``(n_frames,)``, > 0 [s].
    time_zero
        What the times count from, in words, e.g. ``"injection"`` or ``"first frame"``.
    provenance
        How the values came about.

    Raises
    ------
    InputError
        When shapes disagree, frames are out of order, or a duration is not positive.
    """

    values: NDArray[Any]
    grid: Grid
    quantity: Quantity
    frame_start_s: NDArray[np.float64]
    frame_duration_s: NDArray[np.float64]
    time_zero: str
    provenance: Record

    def __post_init__(self) -> None:
        values = read_only(self.values)
        start_s = read_only(self.frame_start_s, np.float64)
        duration_s = read_only(self.frame_duration_s, np.float64)
        n_frames = len(values) if values.ndim else 0
        if values.ndim != 4 or values.shape[1:] != self.grid.shape:
            raise InputError(f"values must have shape (n_frames, *{self.grid.shape}); got {values.shape}")
        if start_s.shape != (n_frames,) or not np.isfinite(start_s).all() or (np.diff(start_s) <= 0).any():
            raise InputError(
                f"frame_start_s must be {n_frames} finite increasing times [s]; got {start_s.tolist()}"
            )
        if duration_s.shape != (n_frames,) or not (np.isfinite(duration_s) & (duration_s > 0)).all():
            raise InputError(f"frame_duration_s must be {n_frames} times > 0 [s]; got {duration_s.tolist()}")
        for name, array in (("values", values), ("frame_start_s", start_s), ("frame_duration_s", duration_s)):
            object.__setattr__(self, name, array)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.values)

    def frame(self, index: int) -> Image:
        """Return one frame as an :class:`~tumorboard.core.image.Image`, sharing its memory."""
        record = Record("core.DynamicImage.frame", {"index": index}, (self.provenance,))
        return Image(self.values[index], self.grid, self.quantity, record)

    def mean(self) -> Image:
        """Return the duration-weighted mean over all frames."""
        weights = self.frame_duration_s / self.frame_duration_s.sum()
        values = np.tensordot(weights.astype(np.float32), self.values, axes=1).astype(np.float32)
        return Image(
            values, self.grid, self.quantity, Record("core.DynamicImage.mean", {}, (self.provenance,))
        )
