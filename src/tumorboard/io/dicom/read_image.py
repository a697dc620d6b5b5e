"""From a series to images."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.grid import Grid, grid_difference
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import GeometryError, InputError
from tumorboard.io.dicom.frame_times import frame_times
from tumorboard.io.dicom.frames import Frame, name_some
from tumorboard.io.dicom.geometry import (
    SAME_POSITION_MM,
    GantryTilt,
    SliceStack,
    places_along_normal,
    require_plane_attributes,
    stack_slices,
)
from tumorboard.io.dicom.quantities import Meaning, meaning_of
from tumorboard.io.dicom.sandbox import Limits
from tumorboard.io.dicom.series_frames import series_frames
from tumorboard.io.dicom.shear import straighten
from tumorboard.io.dicom.stored_values import rescale_factors, rescaled, stored_values
from tumorboard.io.dicom.study import FileHeader, Series
from tumorboard.io.dicom.volumes import Part, TimeKey, split_series
from tumorboard.provenance import Record

__all__ = ["SeriesVolume", "read_image", "read_images"]

#: Label of the only volume of a series.
WHOLE_SERIES = "whole series"


@dataclass(frozen=True, slots=True)
class SeriesVolume:
    """One volume of a series.

    Parameters
    ----------
    label
        What tells it from the series' other volumes, e.g. ``"b = 50 s/mm2"``; ``"whole series"`` when it is
        the only one.
    image
        The values; a dynamic image when the series has one volume after another in time.
    notes
        What was split, dropped or assumed on the way, one sentence each.
    headers
        One per slice, in slice order; of a dynamic image those of its first frame.
    """

    label: str
    image: Image | DynamicImage
    notes: tuple[str, ...]
    headers: tuple[FileHeader, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """A volume before it becomes an image, so that times can be joined without a copy of a copy."""

    values: NDArray[Any]
    grid: Grid
    quantity: Quantity
    frames: tuple[Frame, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...]
    time: TimeKey | None


def read_images(
    series: Series,
    *,
    gantry_tilt: GantryTilt = GantryTilt.REFUSE,
    frame_of_reference: str | None = None,
    limits: Limits | None = None,
    jobs: int = 2,
) -> tuple[SeriesVolume, ...]:
    """Read every volume of an image series.

    Slices are put in order by their position in the patient. Each slice's own rescale is applied. A series
    that holds several volumes (b-values, echoes, image types, times, orientations) is split, and the notes
    say so; volumes that follow each other in time on one grid become one
    :class:`~tumorboard.core.dynamic.DynamicImage`.

    Parameters
    ----------
    series
        As :func:`~tumorboard.io.dicom.scan` found it.
    gantry_tilt
        Whether a sheared volume is refused, or resampled in each slice's plane onto a straight grid.
    frame_of_reference
        UID for files that state none; they are refused without it.
    limits
        What parsing one file may cost, where a file must be parsed; default ``Limits()``.
    jobs
        Threads for reading, processes for decoding.

    Returns
    -------
    tuple of SeriesVolume
        At least one. CT numbers are int16 where they are whole and fit, MR signal as stored, all else
        float32, in the unit of ``image.quantity``.

    Raises
    ------
    GeometryError
        When slices are missing, unevenly spaced, sheared, or differ at one place; the files are named.
    MissingAttribute
        When a file lacks what its place or its values need.
    UnreadableFile
        When pixels cannot be read.
    InputError
        When the series holds no images.

    References
    ----------
    .. [1] dicomPS33
    """
    limits = Limits() if limits is None else limits
    reads: list[_Read] = []
    groups = series_frames(series, frame_of_reference=frame_of_reference, limits=limits, jobs=jobs)
    for frames, meaning, group_label in groups:
        require_plane_attributes(frames)
        for part in split_series(frames):
            if group_label:
                part = Part(part.frames, (group_label, *part.labels), part.notes, part.time)
            reads.append(_read_part(part, meaning, gantry_tilt=gantry_tilt, limits=limits, jobs=jobs))
    return tuple(_images(series, reads))


def read_image(
    series: Series,
    *,
    label: str | None = None,
    gantry_tilt: GantryTilt = GantryTilt.REFUSE,
    frame_of_reference: str | None = None,
    limits: Limits | None = None,
    jobs: int = 2,
) -> Image:
    """Read the one volume of an image series, or the one with this label; see :func:`read_images`.

    Returns
    -------
    Image
        Shape (z, y, x), in the unit of its quantity.

    Raises
    ------
    InputError
        When the series holds several volumes, or is dynamic; the labels are listed.
    """
    volumes = read_images(
        series, gantry_tilt=gantry_tilt, frame_of_reference=frame_of_reference, limits=limits, jobs=jobs
    )
    labels = ", ".join(repr(v.label) for v in volumes)
    chosen = [v for v in volumes if label is None or v.label == label]
    if len(chosen) != 1:
        raise InputError(
            f"series {series.description or series.uid!r} must hold one volume"
            + ("" if label is None else f" labelled {label!r}")
            + f"; it holds {len(volumes)}: {labels}; choose one: read_image(series, label=...)"
        )
    image = chosen[0].image
    if isinstance(image, DynamicImage):
        raise InputError(
            f"series {series.description or series.uid!r} must not change in time; "
            f"it has {image.n_frames} frames; use read_images(series)[0].image and choose a frame"
        )
    return image


def _read_part(
    part: Part, meaning: Meaning | None, *, gantry_tilt: GantryTilt, limits: Limits, jobs: int
) -> _Read:
    meaning = meaning_of(part.frames) if meaning is None else meaning
    frames, dropped = _without_duplicates(part.frames, meaning, limits=limits, jobs=jobs)
    stack = stack_slices(frames, frame_of_reference=frames[0].header.frame_of_reference_uid)
    if stack.shear_mm is not None and gantry_tilt is GantryTilt.REFUSE:
        raise _sheared(stack)
    slope, intercept = rescale_factors(stack.frames, meaning)
    values = stored_values(stack.frames, limits=limits, jobs=jobs)
    values = rescaled(values, slope, intercept, meaning.quantity)
    notes = (*part.notes, *dropped, *stack.notes, *meaning.notes)
    grid = stack.grid
    if stack.shear_mm is not None:
        values, grid = straighten(values, grid, stack.shear_mm)
        notes += (
            f"sheared volume (slices up to {np.abs(stack.shear_mm).max():.4g} mm off their normal): "
            "each slice was shifted in its plane by linear interpolation",
        )
    return _Read(values, grid, meaning.quantity, stack.frames, part.labels, notes, part.time)


def _without_duplicates(
    frames: Sequence[Frame], meaning: Meaning, *, limits: Limits, jobs: int
) -> tuple[Sequence[Frame], tuple[str, ...]]:
    """Drop frames that repeat another's place and values; differing ones are an error."""
    places = places_along_normal(frames)
    if places.max() + 1 == len(frames):
        return frames, ()
    by_place: dict[int, list[Frame]] = defaultdict(list)
    for frame, place in zip(frames, places.tolist(), strict=True):
        by_place[place].append(frame)
    dropped: list[Frame] = []
    for alike in by_place.values():
        if len(alike) == 1:
            continue
        values = rescaled(
            stored_values(alike, limits=limits, jobs=jobs), *rescale_factors(alike, meaning), meaning.quantity
        )
        positions = np.array([f.header.image_position_mm for f in alike])
        if (values != values[0]).any() or np.abs(positions - positions[0]).max() > SAME_POSITION_MM:
            raise GeometryError(
                f"slices of a volume must be at distinct places [mm]; {name_some(alike)} lie at one place "
                "with different pixels, and neither image type, b-value, echo time nor any time tells "
                "them apart; choose one: dataclasses.replace(series, headers=...)"
            )
        dropped += alike[1:]
    gone = {id(f) for f in dropped}
    note = f"{len(dropped)} slices repeat another's place and values and were dropped: {name_some(dropped)}"
    return [f for f in frames if id(f) not in gone], (note,)


def _sheared(stack: SliceStack) -> GeometryError:
    shear_mm = stack.shear_mm if stack.shear_mm is not None else np.zeros((1, 2))
    worst = int(np.argmax(np.abs(shear_mm).max(axis=1)))
    length = stack.grid.spacing_mm[0] * max(worst, 1)
    angle = float(np.degrees(np.arctan2(np.linalg.norm(shear_mm[worst]), length)))
    return GeometryError(
        "slices must be stacked along their normal; this is a sheared volume (gantry tilt, about "
        f"{angle:.1f} degrees): {stack.frames[worst].name} lies {np.linalg.norm(shear_mm[worst]):.4g} mm "
        f"off the normal through {stack.frames[0].name}; to resample it: read_images(series, "
        "gantry_tilt=GantryTilt.RESAMPLE)"
    )


def _images(series: Series, reads: Sequence[_Read]) -> list[SeriesVolume]:
    """Join volumes that follow each other in time; make images of the rest."""
    by_time: dict[object, list[_Read]] = defaultdict(list)
    for number, read in enumerate(reads):
        by_time[number if read.time is None else read.time].append(read)
    volumes: list[SeriesVolume] = []
    for members in by_time.values():
        dynamic = _dynamic(series, members) if len(members) > 1 else None
        volumes += [dynamic] if dynamic is not None else [_static(series, r) for r in members]
    return volumes


def _static(series: Series, read: _Read) -> SeriesVolume:
    label = ", ".join(read.labels) or WHOLE_SERIES
    record = _record(series, label, read.frames, read.notes)
    image = Image(_frozen(read.values), read.grid, read.quantity, record)
    return SeriesVolume(label, image, (*series.notes, *read.notes), tuple(f.header for f in read.frames))


def _dynamic(series: Series, reads: Sequence[_Read]) -> SeriesVolume | None:
    first = reads[0]
    if any(grid_difference(first.grid, r.grid) or r.quantity is not first.quantity for r in reads):
        return None
    times = frame_times([r.frames for r in reads])
    if times is None:
        return None
    order = np.argsort(times.start_s)
    ordered = [reads[i] for i in order]
    label = ", ".join(first.labels[:-1]) or WHOLE_SERIES
    notes = tuple(dict.fromkeys(note for r in ordered for note in r.notes))
    notes += (f"{len(reads)} volumes that follow each other in time were joined", *times.notes)
    record = _record(series, label, [f for r in ordered for f in r.frames], notes)
    image = DynamicImage(
        _frozen(np.stack([r.values for r in ordered])),
        first.grid,
        first.quantity,
        times.start_s[order],
        times.duration_s[order],
        "start of the first frame",
        record,
    )
    return SeriesVolume(label, image, (*series.notes, *notes), tuple(f.header for f in ordered[0].frames))


def _record(series: Series, label: str, frames: Sequence[Frame], notes: tuple[str, ...]) -> Record:
    instances = hashlib.sha256("\n".join(f.header.sop_instance_uid for f in frames).encode()).hexdigest()
    return Record(
        "io.dicom.read_images",
        {
            "series": series.uid,
            "volume": label,
            "slices": len(frames),
            "sop_instances_sha256": instances,
            "notes": [*series.notes, *notes],
        },
        references=("dicomPS33",),
    )


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    """Make an array and what it looks into read-only, so that the noun need not copy it."""
    array: Any = values
    while isinstance(array, np.ndarray):
        array.setflags(write=False)
        array = array.base
    return values
