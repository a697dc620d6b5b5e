"""From a structure or segmentation series to structures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from pydicom import Dataset

from tumorboard.core.structures import Contour, Structure, StructureKind, StructureSet
from tumorboard.errors import GeometryError, InputError, MissingAttribute, UnreadableFile
from tumorboard.io.dicom.contour_points import contour_of
from tumorboard.io.dicom.parsed_values import taking_values
from tumorboard.io.dicom.read_segmentation import read_segmentation
from tumorboard.io.dicom.sandbox import Limits, read_datasets
from tumorboard.io.dicom.study import FileHeader, Quarantined, Series
from tumorboard.io.dicom.unique_names import unique_names
from tumorboard.provenance import Record

__all__ = ["read_structures"]

#: Closed polygons: CLOSEDPLANAR_XOR says outright what the noun means by overlapping contours.
_CLOSED: Final = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")


@dataclass(slots=True)
class _Region:
    """One region of interest while it is gathered from the file's three sequences."""

    number: int
    name: str
    frame_of_reference: str
    kind: StructureKind = StructureKind.UNSTATED
    colour_rgb: tuple[int, int, int] | None = None
    contours: list[Contour] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def read_structures(
    series: Series, *, frames_of_reference: Collection[str] | None, limits: Limits | None = None
) -> StructureSet:
    """Read the structures of an RTSTRUCT or SEG series.

    RTSTRUCT: one structure per region of interest, with its closed planar contours; those of one plane
    combine by exclusive or. Points, open contours and contours without area are left out, and the
    provenance's ``notes`` say how many. SEG: one structure per segment, with a mask cropped to the segment.

    Parameters
    ----------
    series
        With one file, as :func:`~tumorboard.io.dicom.scan` found it.
    frames_of_reference
        Frame of Reference UIDs of the images at hand; structures in another frame cannot be laid on any of
        them and are refused. ``None`` to read without images.
    limits
        What parsing the file may cost; default ``Limits()``.

    Returns
    -------
    StructureSet
        Structures in file order, repeated names numbered; regions without contour or voxel in
        ``empty_names``.

    Raises
    ------
    GeometryError
        When the frame of reference is not among those given, naming both, or contours are not points.
    MissingAttribute
        When the file names no frame of reference.
    InputError
        When the series has several files or holds no structures.
    UnreadableFile
        When the file cannot be parsed.

    References
    ----------
    .. [1] dicomPS33
    """
    limits = Limits() if limits is None else limits
    if series.modality not in ("RTSTRUCT", "SEG"):
        raise InputError(
            f"modality of a structure series must be RTSTRUCT or SEG; got {series.modality or 'none'}; "
            "images are read by read_images(series)"
        )
    if len(series.headers) != 1:
        raise InputError(
            f"a structure series must be read one file at a time; this one has {len(series.headers)}: "
            f"{', '.join(p.name for p in series.paths[:3])}; choose one: "
            "dataclasses.replace(series, headers=(series.headers[0],))"
        )
    header = series.headers[0]
    dataset = read_datasets([header.path], limits=limits, jobs=1)[0]
    if isinstance(dataset, Quarantined):
        raise UnreadableFile(f"{header.path.name} must be readable; {dataset.reason}; fetch the file again")
    with taking_values(header.path):
        if series.modality == "RTSTRUCT":
            return _contour_set(header, dataset, frames_of_reference)
        structures = read_segmentation(header, dataset, limits=limits)
    if frames_of_reference is not None and structures.frame_of_reference not in frames_of_reference:
        raise _elsewhere(header, {structures.frame_of_reference}, frames_of_reference)
    return structures


def _contour_set(
    header: FileHeader, dataset: Dataset, frames_of_reference: Collection[str] | None
) -> StructureSet:
    regions = _regions(header, dataset)
    stated = {r.frame_of_reference for r in regions} or set(_frames_of(dataset)[:1])
    if not stated or "" in stated:
        raise MissingAttribute(
            "ReferencedFrameOfReferenceUID (3006,0024) or FrameOfReferenceUID (0020,0052) must be given: "
            f"contours lie in a frame of reference; absent in {header.path.name}; "
            "export the structures again together with their images"
        )
    frame, left_out = _one_frame(header, stated, frames_of_reference)
    notes = list(left_out)
    regions = [r for r in regions if r.frame_of_reference == frame]
    _add_kinds(dataset, regions)
    _add_contours(header, dataset, regions)
    structures, empty_names = [], []
    for region, name in zip(regions, unique_names(r.name for r in regions), strict=True):
        notes += [f"{name}: {n} contours {why}" for why, n in region.skipped.items()]
        if region.contours:
            structures.append(Structure(name, tuple(region.contours), None, region.kind, region.colour_rgb))
        else:
            empty_names.append(name)
    record = Record(
        "io.dicom.read_structures",
        {
            "series": header.series_instance_uid,
            "sop_instance": header.sop_instance_uid,
            "structures": len(structures),
            "notes": notes,
        },
        references=("dicomPS33",),
    )
    label = str(dataset.get("StructureSetLabel") or "").strip()
    return StructureSet(
        tuple(structures), frame, record, label, _referenced_series(dataset), tuple(empty_names)
    )


def _regions(header: FileHeader, dataset: Dataset) -> list[_Region]:
    of_file = _frames_of(dataset)
    regions = []
    for item in dataset.get("StructureSetROISequence") or ():
        number = item.get("ROINumber")
        if number is None:
            raise MissingAttribute(
                f"ROINumber (3006,0022) must be given for every region; absent in {header.path.name}; "
                "export the structures again"
            )
        name = str(item.get("ROIName") or "").strip() or f"ROI {number}"
        # The region's own frame first; the file's only when it cannot be mistaken.
        frame = str(item.get("ReferencedFrameOfReferenceUID") or "").strip()
        regions.append(_Region(int(number), name, frame or (of_file[0] if len(of_file) == 1 else "")))
    repeated = [n for n, count in Counter(r.number for r in regions).items() if count > 1]
    if repeated:
        raise InputError(
            f"ROINumber (3006,0022) must name one region each; {repeated[0]} names several in "
            f"{header.path.name}; export the structures again"
        )
    return regions


def _frames_of(dataset: Dataset) -> list[str]:
    """Return the frames of reference that the file states as a whole."""
    stated = [
        str(item.get("FrameOfReferenceUID") or "").strip()
        for item in dataset.get("ReferencedFrameOfReferenceSequence") or ()
    ]
    stated = stated or [str(dataset.get("FrameOfReferenceUID") or "").strip()]
    return list(dict.fromkeys(uid for uid in stated if uid))


def _one_frame(
    header: FileHeader, stated: set[str], frames_of_reference: Collection[str] | None
) -> tuple[str, tuple[str, ...]]:
    """Return the one frame to read, and a note when regions in others are left out."""
    usable = sorted(stated if frames_of_reference is None else stated & set(frames_of_reference))
    if not usable:
        raise _elsewhere(header, stated, frames_of_reference or ())
    if len(usable) > 1:
        raise GeometryError(
            f"structures must be in one frame of reference; {header.path.name} has regions in "
            f"{', '.join(usable)}; choose one: read_structures(series, frames_of_reference=['<UID>'])"
        )
    others = sorted(stated - set(usable))
    return usable[0], tuple(f"regions in frame of reference {uid} were left out" for uid in others)


def _elsewhere(header: FileHeader, stated: set[str], at_hand: Collection[str]) -> GeometryError:
    return GeometryError(
        f"structures must be in a frame of reference at hand: {', '.join(sorted(at_hand)) or 'none'}; "
        f"{header.path.name} is in {', '.join(sorted(stated))}; add the images that they were drawn on; "
        "read_structures(series, frames_of_reference=None) reads them without images"
    )


def _add_kinds(dataset: Dataset, regions: Sequence[_Region]) -> None:
    by_number = {r.number: r for r in regions}
    known = {kind.value: kind for kind in StructureKind}
    for item in dataset.get("RTROIObservationsSequence") or ():
        region = by_number.get(_number(item))
        if region is not None:
            interpreted = str(item.get("RTROIInterpretedType") or "").strip().upper()
            region.kind = known.get(interpreted, StructureKind.UNSTATED)


def _add_contours(header: FileHeader, dataset: Dataset, regions: Sequence[_Region]) -> None:
    by_number = {r.number: r for r in regions}
    for item in dataset.get("ROIContourSequence") or ():
        region = by_number.get(_number(item))
        if region is None:
            continue
        colour = item.get("ROIDisplayColor")
        if colour is not None and len(colour) == 3 and all(0 <= int(c) <= 255 for c in colour):
            region.colour_rgb = (int(colour[0]), int(colour[1]), int(colour[2]))
        seen = set()
        for contour in item.get("ContourSequence") or ():
            geometry = str(contour.get("ContourGeometricType") or "").strip()
            if geometry not in _CLOSED:
                region.skipped[f"of type {geometry or 'not given'} left out"] += 1
                continue
            outline, why = contour_of(contour, where=f"{region.name!r} in {header.path.name}")
            if why:
                region.skipped[why] += 1
            if outline is None:
                continue
            # Exclusive or of a contour with its own copy would be nothing.
            key = outline.points_mm.tobytes()
            if key in seen:
                region.skipped["repeat another and were left out"] += 1
                continue
            seen.add(key)
            region.contours.append(outline)


def _number(item: Dataset) -> int:
    value = item.get("ReferencedROINumber")
    return -1 if value is None else int(value)


def _referenced_series(dataset: Dataset) -> str | None:
    for frame in dataset.get("ReferencedFrameOfReferenceSequence") or ():
        for study in frame.get("RTReferencedStudySequence") or ():
            for series in study.get("RTReferencedSeriesSequence") or ():
                uid = str(series.get("SeriesInstanceUID") or "").strip()
                if uid:
                    return uid
    return None
