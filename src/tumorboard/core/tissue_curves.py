"""Radioactivity in regions of a dynamic scan, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["FRAME_OVERLAP_TOLERANCE_S", "TissueCurves", "frame_edges_s"]

#: Frames may overlap by this much: starts and durations that were rounded apart, in minutes above all, do not
#: meet to the last digit [s].
FRAME_OVERLAP_TOLERANCE_S: Final = 1e-3


def frame_edges_s(
    frame_start_s: NDArray[np.float64], frame_duration_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Check the frames of a scan and return their starts and ends.

    Parameters
    ----------
    frame_start_s
        Shape ``(n_frames,)``, increasing [s].
    frame_duration_s
        Shape ``(n_frames,)``, > 0 [s].

    Returns
    -------
    tuple of numpy.ndarray
        Starts and ends, each of shape ``(n_frames,)``; where frames overlap by less than
        :data:`FRAME_OVERLAP_TOLERANCE_S` the earlier ends where the later begins [s].

    Raises
    ------
    InputError
        When frames are out of order, overlap by more, or have no duration.

    Examples
    --------
    >>> import numpy as np
    >>> frame_edges_s(np.array([0.0, 10.0]), np.array([10.0 + 1e-9, 20.0]))[1].tolist()
    [10.0, 30.0]
    """
    start, duration = np.asarray(frame_start_s, np.float64), np.asarray(frame_duration_s, np.float64)
    if start.ndim != 1 or start.size < 1 or start.shape != duration.shape:
        raise InputError(
            f"frame_start_s and frame_duration_s must be 1-D and equally long; got shapes {start.shape} and "
            f"{duration.shape}"
        )
    if not (np.isfinite(start).all() and (start >= 0).all()):
        raise InputError(f"frame_start_s must be finite and >= 0 [s]; got {start.tolist()}")
    if not (np.isfinite(duration).all() and (duration > 0).all()):
        k = int(np.flatnonzero(~(np.isfinite(duration) & (duration > 0)))[0])
        raise InputError(
            f"frame_duration_s must be > 0 [s]; frame {k + 1} has {duration[k]:g}; leave out frames that "
            "measured nothing"
        )
    end = start + duration
    for k in range(len(start) - 1):
        if start[k + 1] <= start[k]:
            raise InputError(
                f"frames must be in order of time; frame {k + 2} begins at {start[k + 1]:g} s, "
                f"frame {k + 1} at {start[k]:g} s; sort them"
            )
        if end[k] > start[k + 1] + FRAME_OVERLAP_TOLERANCE_S:
            raise InputError(
                f"frames must not overlap; frame {k + 1} ends at {end[k]:g} s, after frame {k + 2} begins at "
                f"{start[k + 1]:g} s"
            )
    end[:-1] = np.minimum(end[:-1], start[1:])
    return start, end


@dataclass(frozen=True, slots=True, eq=False)
class TissueCurves:
    """Mean concentration of radioactivity in ``n_regions`` regions in each of ``n_frames`` frames.

    Parameters
    ----------
    regions
        Names, unique and not empty.
    frame_start_s, frame_duration_s
        After injection, shape ``(n_frames,)``; frames are in order and do not overlap [s].
    concentration_bq_ml
        Averages over each frame, decay-corrected to the injection, shape ``(n_regions, n_frames)``
        [Bq/mL].
    weights
        Relative weight of each frame in a fit, shape ``(n_frames,)``, >= 0, at least one > 0; ``None`` where
        the source states none.
    provenance
        How the curves were measured.

    Raises
    ------
    InputError
        When frames are out of order or overlap, a name repeats, or a shape or a value does not fit.

    Examples
    --------
    >>> curves = TissueCurves(("thalamus",), [0.0, 60.0], [60.0, 60.0], [[1.0, 3.0]], None, Record("example"))
    >>> curves.mid_s.tolist()
    [30.0, 90.0]
    """

    regions: tuple[str, ...]
    frame_start_s: NDArray[np.float64]
    frame_duration_s: NDArray[np.float64]
    concentration_bq_ml: NDArray[np.float64]
    weights: NDArray[np.float64] | None
    provenance: Record
    _end_s: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        regions = tuple(self.regions)
        if not regions or not all(regions) or len(set(regions)) != len(regions):
            raise InputError(
                f"regions must be unique names, at least one; got {', '.join(regions) or 'none'}"
            )
        start = read_only(self.frame_start_s, np.float64)
        duration = read_only(self.frame_duration_s, np.float64)
        _, end = frame_edges_s(start, duration)
        values = read_only(self.concentration_bq_ml, np.float64)
        if values.shape != (len(regions), len(start)):
            raise InputError(
                f"concentration_bq_ml must have shape ({len(regions)}, {len(start)}); got {values.shape}"
            )
        if not np.isfinite(values).all():
            region, frame = (int(k) for k in np.argwhere(~np.isfinite(values))[0])
            raise InputError(
                f"concentration_bq_ml must be finite [Bq/mL]; got {values[region, frame]} in frame "
                f"{frame + 1} of {regions[region]!r}; leave the frame out"
            )
        weights = None if self.weights is None else read_only(self.weights, np.float64)
        if weights is not None:
            _check_weights(weights, len(start))
        for name, value in (
            ("regions", regions),
            ("frame_start_s", start),
            ("frame_duration_s", duration),
            ("concentration_bq_ml", values),
            ("weights", weights),
            ("_end_s", read_only(end)),
        ):
            object.__setattr__(self, name, value)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.frame_start_s)

    @property
    def frame_end_s(self) -> NDArray[np.float64]:
        """End of each frame, where frames meet the start of the next, shape ``(n_frames,)`` [s]."""
        return self._end_s

    @property
    def mid_s(self) -> NDArray[np.float64]:
        """Middle of each frame, shape ``(n_frames,)`` [s]."""
        return self.frame_start_s + 0.5 * self.frame_duration_s

    def of(self, region: str) -> NDArray[np.float64]:
        """Return the curve of one region, shape ``(n_frames,)`` [Bq/mL]."""
        if region not in self.regions:
            raise InputError(f"region must be one of {', '.join(self.regions)}; got {region!r}")
        curve: NDArray[np.float64] = self.concentration_bq_ml[self.regions.index(region)]
        return curve


def _check_weights(weights: NDArray[np.float64], n_frames: int) -> None:
    if weights.shape != (n_frames,):
        raise InputError(f"weights must have shape ({n_frames},); got {weights.shape}")
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if bad.size:
        k = int(bad[0])
        raise InputError(f"weights must be finite and >= 0; frame {k + 1} has {weights[k]:g}")
    if not (weights > 0).any():
        raise InputError("weights must not all be 0")
