"""Structures out: RT Structure Sets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import ImplicitVRLittleEndian, RTStructureSetStorage

from tumorboard.core.image import Image
from tumorboard.core.structures import Contour, Structure, StructureSet
from tumorboard.errors import InputError
from tumorboard.io.dicom.identity import StudyIdentity, require_text
from tumorboard.io.dicom.mask_contours import mask_contours
from tumorboard.io.dicom.modules import (
    PURPOSE,
    add_equipment,
    add_frame_of_reference,
    add_patient_and_study,
    add_series,
    as_date,
    as_time,
    content_digest,
    new_dataset,
    save,
)
from tumorboard.io.dicom.written import ReferencedSeries, WrittenObject, require_same_frame

__all__ = ["write_rtstruct"]

_CONTOUR_DATA: Final = Tag(0x3006, 0x0050)
_DETACHED_STUDY: Final = "1.2.840.10008.3.1.2.3.1"


def write_rtstruct(
    structures: StructureSet,
    path: Path | str,
    *,
    study: StudyIdentity,
    reference: ReferencedSeries,
    description: str,
    series_number: int,
    created: datetime,
) -> WrittenObject:
    """Write structures as one RT Structure Set [1]_.

    Contours are written as they are, to 1e-6 mm. A structure that has only a mask is outlined by
    :func:`~tumorboard.io.dicom.mask_contours.mask_contours`. Where contours of one plane overlap, all of the
    structure's are ``CLOSEDPLANAR_XOR``, DICOM's way to say that inner ones are holes; otherwise they are
    ``CLOSED_PLANAR``, which older readers know too.

    Parameters
    ----------
    structures
        In the frame of reference of ``reference``; names of at most 64 characters. ``empty_names`` become
        structures without contours. A mask's contours lie on the mask's own planes: put it on the referenced
        grid first where a planning system will read the file.
    path
        The file to make or replace, as one.
    study
        Patient and study.
    reference
        The images that the structures were drawn on.
    description
        Series Description (0008,103E), at most 64 characters.
    series_number
        Series Number (0020,0011).
    created
        When the structures were made, on the study's clock.

    Returns
    -------
    WrittenObject
        Path and UIDs.

    Raises
    ------
    InputError
        When frames of reference differ or a text does not fit.

    Notes
    -----
    The file is in implicit little endian: explicit encodings cannot hold contours of more than 64 kB, some
    1400 points.

    References
    ----------
    .. [1] dicomPS33
    """
    path = Path(path)
    require_same_frame(structures.frame_of_reference, reference, what="structures")
    created = study.local(created, what="created")
    outlines = {s.name: s.contours or mask_contours(_required_mask(s)) for s in structures.structures}
    content: list[NDArray[np.float64] | str] = [description, reference.series_instance_uid]
    for name, contours in outlines.items():
        content += [name, *(contour.points_mm for contour in contours)]
    digest = content_digest("rtstruct", *content, *structures.empty_names)
    uid, series_uid = study.uid("rtstruct", digest), study.uid("series", digest)

    dataset = new_dataset(RTStructureSetStorage, uid, transfer_syntax=ImplicitVRLittleEndian)
    add_patient_and_study(dataset, study)
    add_series(
        dataset,
        modality="RTSTRUCT",
        series_instance_uid=series_uid,
        number=series_number,
        description=description,
        start=created,
    )
    dataset.OperatorsName = ""
    add_equipment(dataset)
    add_frame_of_reference(dataset, structures.frame_of_reference)
    dataset.InstanceNumber = 1
    dataset.StructureSetLabel = (structures.label or description or "structures")[:16]
    dataset.StructureSetDescription = PURPOSE
    dataset.StructureSetDate, dataset.StructureSetTime = as_date(created), as_time(created)
    dataset.ApprovalStatus = "UNAPPROVED"
    dataset.ReferencedFrameOfReferenceSequence = [_referenced_frame(study, reference)]
    regions, contoured, observations = [], [], []
    for number, (structure, name) in enumerate(_all_structures(structures), start=1):
        require_text("name of a structure", name, longest=64, empty=False)
        regions.append(_region(number, name, structures.frame_of_reference))
        contoured.append(_region_contours(number, structure, outlines.get(name, ()), reference))
        observations.append(_observation(number, structure))
    dataset.StructureSetROISequence = regions
    dataset.ROIContourSequence = contoured
    dataset.RTROIObservationsSequence = observations
    save(dataset, path)
    return WrittenObject(path, series_uid, RTStructureSetStorage, uid)


def _all_structures(structures: StructureSet) -> list[tuple[Structure | None, str]]:
    full: list[tuple[Structure | None, str]] = [(s, s.name) for s in structures.structures]
    taken = set(structures.names)
    return full + [(None, name) for name in structures.empty_names if name not in taken]


def _required_mask(structure: Structure) -> Image:
    if structure.mask is None:
        raise InputError(f"structure {structure.name!r} must have contours or a mask; it has neither")
    return structure.mask


def _referenced_frame(study: StudyIdentity, reference: ReferencedSeries) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID = reference.series_instance_uid
    series.ContourImageSequence = [
        _image(reference, plane) for plane in range(len(reference.sop_instance_uids))
    ]
    in_study = Dataset()
    in_study.ReferencedSOPClassUID = _DETACHED_STUDY
    in_study.ReferencedSOPInstanceUID = study.study_instance_uid
    in_study.RTReferencedSeriesSequence = [series]
    frame = Dataset()
    frame.FrameOfReferenceUID = reference.grid.frame_of_reference
    frame.RTReferencedStudySequence = [in_study]
    return frame


def _image(reference: ReferencedSeries, plane: int) -> Dataset:
    image = Dataset()
    image.ReferencedSOPClassUID = reference.sop_class_uid
    image.ReferencedSOPInstanceUID = reference.sop_instance_uids[plane]
    return image


def _region(number: int, name: str, frame_of_reference: str) -> Dataset:
    region = Dataset()
    region.ROINumber = number
    region.ReferencedFrameOfReferenceUID = frame_of_reference
    region.ROIName = name
    region.ROIGenerationAlgorithm = ""
    return region


def _region_contours(
    number: int, structure: Structure | None, contours: Sequence[Contour], reference: ReferencedSeries
) -> Dataset:
    item = Dataset()
    item.ReferencedROINumber = number
    if structure is not None and structure.colour_rgb is not None:
        item.ROIDisplayColor = list(structure.colour_rgb)
    if contours:
        kind = "CLOSEDPLANAR_XOR" if _overlap(contours, reference) else "CLOSED_PLANAR"
        item.ContourSequence = [_contour(i, c, kind, reference) for i, c in enumerate(contours, start=1)]
    return item


def _contour(number: int, contour: Contour, kind: str, reference: ReferencedSeries) -> Dataset:
    item = Dataset()
    plane = reference.plane_of(contour.points_mm)
    if plane is not None:
        item.ContourImageSequence = [_image(reference, plane)]
    item.ContourGeometricType = kind
    item.NumberOfContourPoints = len(contour.points_mm)
    item.ContourNumber = number
    text = "\\".join(_decimal(value) for value in contour.points_mm.ravel().tolist())
    content = (text + " " * (len(text) % 2)).encode("ascii")
    # As bytes: pydicom's decimal strings take longer than all else together.
    item[_CONTOUR_DATA] = RawDataElement(_CONTOUR_DATA, "DS", len(content), content, 0, True, True)
    return item


def _decimal(value_mm: float) -> str:
    if abs(value_mm) >= 1e7:
        raise InputError(f"contour points must lie within 10 km of the origin [mm]; got {value_mm:g}")
    return f"{value_mm:.6f}".rstrip("0").rstrip(".")


def _observation(number: int, structure: Structure | None) -> Dataset:
    item = Dataset()
    item.ObservationNumber = number
    item.ReferencedROINumber = number
    item.RTROIInterpretedType = structure.kind.value if structure else ""
    item.ROIInterpreter = ""
    return item


def _overlap(contours: Sequence[Contour], reference: ReferencedSeries) -> bool:
    """Whether two contours of one plane overlap, so that only an exclusive or says what is inside."""
    planes: dict[float, list[NDArray[np.float64]]] = {}
    for contour in contours:
        index = reference.grid.patient_to_index(contour.points_mm)
        planes.setdefault(round(float(index[:, 0].mean()), 2), []).append(index[:, 1:])
    for polygons in planes.values():
        low = np.array([polygon.min(axis=0) for polygon in polygons])
        high = np.array([polygon.max(axis=0) for polygon in polygons])
        for i, polygon in enumerate(polygons):
            # Boxes first, all at once: a noisy mask has thousands of outlines in a plane.
            near = np.flatnonzero(((low[:i] < high[i]) & (high[:i] > low[i])).all(axis=1))
            if any(_any_inside(polygon, polygons[j]) or _any_inside(polygons[j], polygon) for j in near):
                return True
    return False


def _any_inside(points: NDArray[np.float64], polygon: NDArray[np.float64]) -> bool:
    """Whether any of ``points`` ``(n, 2)`` lies inside ``polygon`` ``(m, 2)``, by counting crossings."""
    inside = np.zeros(len(points), dtype=bool)
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        crosses = (a[0] > points[:, 0]) != (b[0] > points[:, 0])
        if crosses.any():
            at = a[1] + (points[crosses, 0] - a[0]) * (b[1] - a[1]) / (b[0] - a[0])
            inside[crosses] ^= points[crosses, 1] < at
    return bool(inside.any())
