"""When the frames of a dynamic scan start, and how long they last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.io.dicom.frames import Frame
from tumorboard.io.dicom.times import combine, parse_datetime
from tumorboard.units import S_PER_MS

__all__ = ["FrameTimes", "frame_times"]


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """Starts and durations of volumes, each shape ``(n_frames,)`` [s], and how they were found."""

    start_s: NDArray[np.float64]
    duration_s: NDArray[np.float64]
    notes: tuple[str, ...]


def frame_times(volumes: Sequence[Sequence[Frame]]) -> FrameTimes | None:
    """Find start and duration of each volume of a dynamic scan, counted from the start of the first.

    Starts are acquisition times where these tell the volumes apart, else frame reference times, which PET
    scanners put near the middle of a frame, less half the duration. Durations are Actual Frame Duration
    (0018,1242), else the time to the next start.

    Returns
    -------
    FrameTimes or None
        In the order of ``volumes``; ``None`` when the files do not say when the volumes were taken, or when
        two started at the same time.
    """
    durations = [v[0].header.actual_frame_duration_ms for v in volumes]
    duration_s = None
    if all(d is not None and d > 0 for d in durations):
        duration_s = np.array(durations, dtype=np.float64) * S_PER_MS
    notes = []
    start_s = _acquisition_starts(volumes)
    if start_s is not None:
        notes.append("frame starts are acquisition times")
    else:
        start_s = _reference_starts(volumes, duration_s)
        if start_s is None:
            return None
        notes.append("frame starts are frame reference times less half the frame duration")
    start_s -= start_s.min()
    gaps = np.diff(np.sort(start_s))
    if not (gaps > 0).all():
        return None
    if duration_s is None:
        order = np.argsort(start_s)
        duration_s = np.empty_like(start_s)
        duration_s[order] = np.append(gaps, gaps[-1])
        notes.append("frame durations are not given: the time to the next frame was taken")
    return FrameTimes(start_s, duration_s, tuple(notes))


def _acquisition_starts(volumes: Sequence[Sequence[Frame]]) -> NDArray[np.float64] | None:
    starts = []
    for frames in volumes:
        moments = {(f.acquired, f.header.acquisition_date, f.header.acquisition_time) for f in frames}
        found = [parse_datetime(a) if a else combine(d, t) for a, d, t in moments]
        known = [m for m in found if m is not None]
        if not known or len(known) < len(found):
            return None
        starts.append(min(known))
    seconds = np.array([(s - starts[0]).total_seconds() for s in starts])
    return seconds if len(np.unique(seconds)) == len(seconds) else None


def _reference_starts(
    volumes: Sequence[Sequence[Frame]], duration_s: NDArray[np.float64] | None
) -> NDArray[np.float64] | None:
    references = [v[0].header.frame_reference_time_ms for v in volumes]
    known = [r for r in references if r is not None]
    if len(known) < len(references):
        return None
    middle_s = np.array(known, dtype=np.float64) * S_PER_MS
    return middle_s if duration_s is None else middle_s - duration_s / 2
