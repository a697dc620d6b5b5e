"""The frames of reconstructed nuclear-medicine files (SPECT), each with its place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydicom import Dataset

from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.dicom.frames import Frame
from tumorboard.io.dicom.geometry import plane_axes
from tumorboard.io.dicom.multiframe import numbers, real_world_mapping
from tumorboard.io.dicom.study import FileHeader

__all__ = ["nuclear_frames"]

_SLICE_VECTOR = 0x00540080


def nuclear_frames(header: FileHeader, dataset: Dataset) -> tuple[Frame, ...]:
    """Return the slices of a reconstructed tomogram.

    Slices follow the first along its normal; the sign of Spacing Between Slices says to which side
    (PS3.3 C.8.4.15 [1]_).

    Raises
    ------
    InputError
        When the file holds planar views or projections, which are not a volume.
    MissingAttribute
        When the place of the first slice or the spacing is not given.

    References
    ----------
    .. [1] dicomPS33
    """
    kind = header.image_type[2] if len(header.image_type) > 2 else "not given"
    if kind != "RECON TOMO":
        raise InputError(
            "ImageType (0008,0008) value 3 of a nuclear-medicine volume must be 'RECON TOMO'; "
            f"got {kind!r} in {header.path.name}; planar views, projections and "
            "gated studies are not one volume: reconstruct them first"
        )
    detector = (dataset.get("DetectorInformationSequence") or [Dataset()])[0]
    spacing = header.spacing_between_slices_mm or header.slice_thickness_mm
    header = replace(
        header,
        image_position_mm=numbers(detector, "ImagePositionPatient") or header.image_position_mm,
        image_orientation=numbers(detector, "ImageOrientationPatient") or header.image_orientation,
    )
    for keyword, value in (
        ("DetectorInformationSequence > ImagePositionPatient (0020,0032)", header.image_position_mm),
        ("DetectorInformationSequence > ImageOrientationPatient (0020,0037)", header.image_orientation),
        ("SpacingBetweenSlices (0018,0088)", spacing),
    ):
        if not value:
            raise MissingAttribute(
                f"{keyword} must be given for a reconstructed volume [mm]; absent in {header.path.name}; "
                "export the reconstruction again from the workstation"
            )
    mapping_items = dataset.get("RealWorldValueMappingSequence") or ()
    mapping = real_world_mapping(mapping_items[0]) if mapping_items else None
    order = _slice_numbers(header, dataset)
    normal = plane_axes(Frame(header))[:, 0]
    first = np.array(header.image_position_mm, dtype=np.float64)
    return tuple(
        Frame(
            replace(
                header, image_position_mm=tuple((first + (order[i] - 1) * (spacing or 0.0) * normal).tolist())
            ),
            index=i,
            real_world=mapping,
        )
        for i in range(header.number_of_frames)
    )


def _slice_numbers(header: FileHeader, dataset: Dataset) -> list[int]:
    """Return the slice (from 1) of each frame: by the slice vector where frames are incremented by it."""
    pointer = dataset.get("FrameIncrementPointer")
    pointers = [] if pointer is None else [pointer] if isinstance(pointer, int) else list(pointer)
    if pointers and pointers != [_SLICE_VECTOR]:
        raise InputError(
            "FrameIncrementPointer (0028,0009) of a reconstructed volume must be SliceVector (0054,0080) "
            f"only; got {', '.join(str(p) for p in pointers)} in {header.path.name}; "
            "frames over time, energy or rotation are not one volume"
        )
    vector = [int(v) for v in numbers(dataset, "SliceVector") or ()] or list(
        range(1, header.number_of_frames + 1)
    )
    if sorted(vector) != list(range(1, header.number_of_frames + 1)):
        raise InputError(
            f"SliceVector (0054,0080) must number the {header.number_of_frames} slices once each; "
            f"got {len(vector)} entries from {min(vector)} to {max(vector)} in {header.path.name}; "
            "export the reconstruction again"
        )
    return vector
