"""The frames of a series, whatever kind of file it comes in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pydicom import Dataset

from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.dicom.frames import Frame, classic_frames, name_some
from tumorboard.io.dicom.multiframe import enhanced_frames, real_world_mapping
from tumorboard.io.dicom.nuclear_frames import nuclear_frames
from tumorboard.io.dicom.parsed_values import taking_values
from tumorboard.io.dicom.private_b_values import (
    lacks_b_values,
    private_b_value,
    with_private_b_values,
)
from tumorboard.io.dicom.quantities import Meaning, is_diffusion_map
from tumorboard.io.dicom.read_dose import dose_frames, dose_meaning
from tumorboard.io.dicom.sandbox import Limits, read_datasets
from tumorboard.io.dicom.study import FileHeader, Quarantined, Series

__all__ = ["FrameGroup", "series_frames"]

_NOT_IMAGES: Final = ("RTSTRUCT", "SEG", "RTPLAN", "RTRECORD", "REG", "SR", "PR", "KO", "DOC")

FrameGroup = tuple[tuple[Frame, ...], Meaning | None, str]
"""Frames that may form volumes together, their meaning when known already, and the group's label."""


def series_frames(
    series: Series, *, frame_of_reference: str | None, limits: Limits, jobs: int
) -> list[FrameGroup]:
    """Return the frames of a series in groups that are never one volume together.

    Classic files need no second look; multi-frame files, dose and diffusion maps are parsed in the sandbox.

    Raises
    ------
    InputError
        When the series holds no images.
    MissingAttribute
        When a file has no frame of reference and none was given by the caller.
    """
    if series.modality in _NOT_IMAGES:
        raise InputError(
            f"modality of an image series must not be {series.modality}; series {series.uid} holds "
            "no images; structures are read by read_structures(series, ...), proton plans by "
            "read_ion_plan(path)"
        )
    headers = [
        replace(h, frame_of_reference_uid=frame_of_reference)
        if frame_of_reference and not h.frame_of_reference_uid
        else h
        for h in series.headers
    ]
    missing = [h for h in headers if not h.frame_of_reference_uid]
    if missing:
        raise MissingAttribute(
            "FrameOfReferenceUID (0020,0052) must be given: it says which images lie on each other; absent "
            f"in {name_some(classic_frames(missing))}; if you know that the series stands alone or "
            "which one it belongs to, say so: read_images(series, frame_of_reference='<UID>')"
        )
    multi = [h for h in headers if h.number_of_frames > 1 or not h.image_position_mm]
    if series.modality == "RTDOSE":
        return _dose_groups(headers, limits=limits, jobs=jobs)
    if multi:
        return [(_multi_frames(headers, multi, limits=limits, jobs=jobs), None, "")]
    frames = classic_frames(headers)
    if any(is_diffusion_map(h) and not h.rescale_type for h in headers) or series.modality == "NM":
        frames = _with_real_world(frames, limits=limits, jobs=jobs)
    if lacks_b_values(frames):
        frames = _with_b_values(frames, limits=limits, jobs=jobs)
    return [(frames, None, "")]


def _with_b_values(frames: Sequence[Frame], *, limits: Limits, jobs: int) -> tuple[Frame, ...]:
    """Look for private b-values; only if one file has any are the others parsed."""
    with taking_values(frames[0].header.path):
        if private_b_value(_parsed([frames[0].header], limits=limits, jobs=1)[0]) is None:
            return tuple(frames)
    datasets = _parsed([f.header for f in frames], limits=limits, jobs=jobs)
    with taking_values(frames[0].header.path):
        return with_private_b_values(frames, datasets)


def _dose_groups(headers: Sequence[FileHeader], *, limits: Limits, jobs: int) -> list[FrameGroup]:
    """Return one group per multi-frame file: a series may hold a plan's dose and each beam's."""
    datasets = _parsed(headers, limits=limits, jobs=jobs)
    if len(headers) > 1 and all(h.number_of_frames == 1 for h in headers):
        planes: list[Frame] = []
        for header, dataset in zip(headers, datasets, strict=True):
            with taking_values(header.path):
                planes.extend(dose_frames(header, dataset))
                meaning = dose_meaning(dataset)
        return [(tuple(planes), meaning, "")]
    groups: list[FrameGroup] = []
    for header, dataset in zip(headers, datasets, strict=True):
        with taking_values(header.path):
            label = ""
            if len(headers) > 1:
                label = f"{str(dataset.get('DoseSummationType') or 'dose').lower()} in {header.path.name}"
            groups.append((dose_frames(header, dataset), dose_meaning(dataset), label))
    return groups


def _multi_frames(
    headers: Sequence[FileHeader], multi: Sequence[FileHeader], *, limits: Limits, jobs: int
) -> tuple[Frame, ...]:
    datasets = dict(zip([h.path for h in multi], _parsed(multi, limits=limits, jobs=jobs), strict=True))
    frames: list[Frame] = []
    for h in headers:
        dataset = datasets.get(h.path)
        with taking_values(h.path):
            frames.extend((Frame(h),) if dataset is None else _frames_of_file(h, dataset))
    return tuple(frames)


def _frames_of_file(header: FileHeader, dataset: Dataset) -> tuple[Frame, ...]:
    is_enhanced = "PerFrameFunctionalGroupsSequence" in dataset
    if header.modality == "NM" and not is_enhanced:
        return nuclear_frames(header, dataset)
    if header.number_of_frames > 1 or is_enhanced:
        return enhanced_frames(header, dataset)
    return (Frame(header),)


def _with_real_world(frames: Sequence[Frame], *, limits: Limits, jobs: int) -> tuple[Frame, ...]:
    """Put in real-world mappings; only if one file has any are the others parsed."""

    def mapped(frame: Frame, dataset: Dataset) -> Frame:
        with taking_values(frame.header.path):
            items = dataset.get("RealWorldValueMappingSequence") or ()
            return replace(frame, real_world=real_world_mapping(items[0]) if items else None)

    first = mapped(frames[0], _parsed([frames[0].header], limits=limits, jobs=1)[0])
    if first.real_world is None:
        return tuple(frames)
    datasets = _parsed([f.header for f in frames], limits=limits, jobs=jobs)
    return tuple(mapped(f, d) for f, d in zip(frames, datasets, strict=True))


def _parsed(headers: Sequence[FileHeader], *, limits: Limits, jobs: int) -> list[Dataset]:
    results = read_datasets([h.path for h in headers], limits=limits, jobs=jobs)
    broken = [r for r in results if isinstance(r, Quarantined)]
    if broken:
        raise UnreadableFile(
            f"{broken[0].path.name} must be readable; {broken[0].reason} ({len(broken)} of {len(headers)} "
            "files); fetch the file again"
        )
    return [r for r in results if not isinstance(r, Quarantined)]
