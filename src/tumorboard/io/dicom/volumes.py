"""Which frames of a series make which volume.

Frames of different size, orientation, pixel spacing or frame of reference are never one volume. Frames that
lie at the same places are told apart by what distinguishes them: image type, b-value, echo time, time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tumorboard.io.dicom.frames import Frame
from tumorboard.io.dicom.geometry import (
    ORIENTATION_TOLERANCE,
    places_along_normal,
    plane_axes,
)

__all__ = ["Part", "TimeKey", "split_series"]

#: In-plane offsets nearer than this are one station of a scan in several stations [mm].
_STATION_MM: Final = 1.0


@dataclass(frozen=True, slots=True)
class TimeKey:
    """Says that a part is one time of several: which parts belong together, and what told them apart."""

    parent: int
    attribute: str


@dataclass(frozen=True, slots=True)
class Part:
    """Frames of one volume, unordered.

    Parameters
    ----------
    frames
        In no order.
    labels
        What distinguishes it from the other parts of the series, e.g. ``("b = 50 s/mm2",)``.
    notes
        How the series was split, one sentence each.
    time
        Set when its last split was by time.
    """

    frames: tuple[Frame, ...]
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    time: TimeKey | None = None


@dataclass(frozen=True, slots=True)
class _Criterion:
    """One attribute that may tell frames at the same place apart."""

    attribute: str
    value: Callable[[Frame], Hashable]
    label: Callable[[Hashable], str]
    is_time: bool = False
    # Times and counters may differ slice by slice without meaning another volume:
    # they count only when each of their values has at least half of the places.
    needs_half: bool = False


def split_series(frames: Sequence[Frame]) -> tuple[Part, ...]:
    """Divide the frames of a series into volumes.

    Parameters
    ----------
    frames
        All frames, which have passed :func:`~tumorboard.io.dicom.geometry.require_plane_attributes`.

    Returns
    -------
    tuple of Part
        Every frame is in one part. A part may still hold several frames at one place, when nothing in
        their headers tells them apart.
    """
    parts: list[Part] = []
    for part in _split_by_plane(frames):
        _split_by_value(part, _CRITERIA, parts)
    return tuple(parts)


def _split_by_plane(frames: Sequence[Frame]) -> list[Part]:
    """Split where frames cannot be one volume at all."""
    headers = [f.header for f in frames]
    stated = {
        (h.frame_of_reference_uid, h.image_orientation, h.rows, h.columns, h.pixel_spacing_mm)
        for h in headers
    }
    if len(stated) == 1:
        return [Part(tuple(frames))]
    orientations = _orientation_classes(frames)
    groups: dict[Hashable, list[Frame]] = {}
    for f in frames:
        h = f.header
        spacing = tuple(round(s, 4) for s in h.pixel_spacing_mm or ())
        key = (h.frame_of_reference_uid, orientations[h.image_orientation], h.rows, h.columns, spacing)
        groups.setdefault(key, []).append(f)
    if len(groups) == 1:
        return [Part(tuple(frames))]
    names = ("frame of reference", "orientation", "rows", "columns", "pixel spacing [mm]")
    differing = [i for i in range(len(names)) if len({key[i] for key in groups}) > 1]  # type: ignore[index]
    note = (
        f"the series holds {len(groups)} volumes that differ in {', '.join(names[i] for i in differing)}: "
        "they were read one by one"
    )
    parts = []
    for members in groups.values():
        h = members[0].header
        texts = (
            f"frame of reference {h.frame_of_reference_uid or 'none'}",
            f"{_plane_name(members[0])} orientation {orientations[h.image_orientation] + 1}",
            f"{h.rows} rows",
            f"{h.columns} columns",
            f"pixel spacing {h.pixel_spacing_mm} mm",
        )
        parts.append(Part(tuple(members), tuple(texts[i] for i in differing), (note,)))
    return parts


def _orientation_classes(frames: Sequence[Frame]) -> dict[tuple[float, ...] | None, int]:
    """Return a number for each stated orientation, the same for those within the tolerance."""
    classes: dict[tuple[float, ...] | None, int] = {}
    seen: list[np.ndarray] = []
    for f in frames:
        stated = f.header.image_orientation
        if stated in classes:
            continue
        cosines = np.array(stated)
        near = [i for i, c in enumerate(seen) if np.abs(c - cosines).max() <= ORIENTATION_TOLERANCE]
        if not near:
            seen.append(cosines)
        classes[stated] = near[0] if near else len(seen) - 1
    return classes


def _plane_name(frame: Frame) -> str:
    normal = np.abs(plane_axes(frame)[:, 0])
    return ("sagittal", "coronal", "axial")[int(np.argmax(normal))] if normal.max() > 0.8 else "oblique"


def _split_by_value(part: Part, criteria: Sequence[_Criterion], out: list[Part]) -> None:
    """Split frames at the same places by the first criteria that explain them; add the parts to ``out``."""
    places = places_along_normal(part.frames)
    counts = np.bincount(places)
    if counts.max() == 1:
        out.append(part)
        return
    for number, criterion in enumerate(criteria):
        values = _values(criterion, part.frames)
        groups: dict[Hashable, list[int]] = {}
        for i, v in enumerate(values):
            groups.setdefault(v, []).append(i)
        if not 1 < len(groups) <= counts.max():
            continue
        if criterion.needs_half and any(
            2 * len(np.unique(places[members])) < len(counts) for members in groups.values()
        ):
            continue
        note = (
            f"slices lie up to {counts.max()} times at one place and differ in {criterion.attribute}: "
            f"split into {len(groups)} volumes"
        )
        parent = len(out)
        # Ordered by value, absent ones first, so that labels and times ascend.
        for v in sorted(groups, key=lambda v: (v is not None, v)):
            child = Part(
                tuple(part.frames[i] for i in groups[v]),
                (*part.labels, criterion.label(v)),
                (*part.notes, note),
                TimeKey(parent, criterion.attribute) if criterion.is_time else None,
            )
            _split_by_value(child, criteria[number + 1 :], out)
        return
    out.append(part)


def _values(criterion: _Criterion, frames: Sequence[Frame]) -> list[Hashable]:
    if criterion is _STATION:
        axes = plane_axes(frames[0])
        positions = np.array([f.header.image_position_mm for f in frames], dtype=np.float64)
        return [tuple(p) for p in (np.rint((positions - positions[0]) @ axes[:, 1:] / _STATION_MM)).tolist()]
    return [criterion.value(f) for f in frames]


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _with_unit(name: str, unit: str) -> Callable[[Hashable], str]:
    def label(value: Hashable) -> str:
        if value is None:
            return f"{name} not given"
        return f"{name} = {value:g} {unit}".rstrip() if isinstance(value, float) else f"{name} {value}"

    return label


def _image_type(frame: Frame) -> Hashable:
    return tuple(frame.header.image_type)


def _image_type_label(value: Hashable) -> str:
    return (
        "image type " + "/".join(str(v) for v in value)
        if isinstance(value, tuple) and value
        else "no image type"
    )


def _acquired(frame: Frame) -> Hashable:
    h = frame.header
    return frame.acquired or (h.acquisition_date + h.acquisition_time) or None


_STATION = _Criterion(
    "place in the slice's plane", lambda f: None, lambda v: f"station at {v} mm", needs_half=False
)

#: In this order: what the picture is before when it was taken.
_CRITERIA: Final = (
    _STATION,
    _Criterion("ImageType (0008,0008)", _image_type, _image_type_label),
    _Criterion("b-value", lambda f: _rounded(f.header.diffusion_b_value, 0), _with_unit("b", "s/mm2")),
    _Criterion(
        "EchoTime (0018,0081)", lambda f: _rounded(f.header.echo_time_ms, 2), _with_unit("echo time", "ms")
    ),
    _Criterion(
        "TemporalPositionIdentifier (0020,0100)",
        lambda f: f.header.temporal_position,
        _with_unit("temporal position", ""),
        is_time=True,
        needs_half=True,
    ),
    _Criterion(
        "TriggerTime (0018,1060)",
        lambda f: _rounded(f.header.trigger_time_ms, 1),
        _with_unit("trigger time", "ms"),
        needs_half=True,
    ),
    _Criterion(
        "FrameReferenceTime (0054,1300)",
        lambda f: _rounded(f.header.frame_reference_time_ms, 0),
        _with_unit("frame reference time", "ms"),
        is_time=True,
        needs_half=True,
    ),
    _Criterion(
        "acquisition date and time", _acquired, lambda v: f"acquired {v}", is_time=True, needs_half=True
    ),
    _Criterion(
        "AcquisitionNumber (0020,0012)",
        lambda f: f.header.acquisition_number,
        _with_unit("acquisition", ""),
        needs_half=True,
    ),
    _Criterion(
        "ContentTime (0008,0033)",
        lambda f: f.header.content_time or None,
        lambda v: f"content time {v}",
        needs_half=True,
    ),
    _Criterion(
        "DimensionIndexValues (0020,9157)",
        lambda f: f.dimension or None,
        lambda v: f"dimension index {v}",
        needs_half=True,
    ),
)
