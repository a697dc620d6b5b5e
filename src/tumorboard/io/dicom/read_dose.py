"""The planes of an RT Dose file, each with its place and scaling to Gy."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from tumorboard.core.image import Quantity
from tumorboard.errors import GeometryError, InputError, MissingAttribute
from tumorboard.io.dicom.frames import Frame
from tumorboard.io.dicom.geometry import plane_axes, require_plane_attributes
from tumorboard.io.dicom.multiframe import numbers
from tumorboard.io.dicom.quantities import Meaning
from tumorboard.io.dicom.study import FileHeader

__all__ = ["dose_frames", "dose_meaning"]

#: An absolute Grid Frame Offset Vector starts at the z of the image position, to this [mm].
_OFFSET_TOLERANCE_MM: Final = 0.01


def dose_frames(header: FileHeader, dataset: Dataset) -> tuple[Frame, ...]:
    """Return the planes of one RT Dose file, their scaling to Gy in place of the rescale.

    Grid Frame Offset Vector (3004,000C) comes in two forms (PS3.3 C.8.8.3.2 [1]_): offsets along the
    normal that start with 0, or, for axial planes, their patient z [mm].

    Raises
    ------
    InputError
        When Dose Units are not GY.
    MissingAttribute
        When Dose Grid Scaling, or for several planes the offsets, are absent.
    GeometryError
        When the offsets are neither of the two forms.

    References
    ----------
    .. [1] dicomPS33
    """
    units = str(dataset.get("DoseUnits") or "not given")
    if units != "GY":
        raise InputError(
            f"DoseUnits (3004,0002) must be GY; got {units} in {header.path.name}; "
            "a relative dose needs the prescription: export the dose in Gy"
        )
    scaling = numbers(dataset, "DoseGridScaling")
    if scaling is None:
        raise MissingAttribute(
            f"DoseGridScaling (3004,000E) must be given [Gy]; absent in {header.path.name}; "
            "without it the stored values have no unit"
        )
    header = replace(header, rescale_slope=scaling[0], rescale_intercept=0.0)
    if header.number_of_frames == 1:
        return (Frame(header),)
    require_plane_attributes([Frame(header)])
    positions = _plane_positions(header, numbers(dataset, "GridFrameOffsetVector"))
    return tuple(
        Frame(replace(header, image_position_mm=tuple(p)), index=i) for i, p in enumerate(positions.tolist())
    )


def dose_meaning(dataset: Dataset) -> Meaning:
    """Return the meaning of a dose, with what the file says it is of, as notes."""
    notes = [
        f"{name}: {value}"
        for name, value in (
            ("dose type", dataset.get("DoseType")),
            ("dose summation", dataset.get("DoseSummationType")),
            ("tissue heterogeneity correction", dataset.get("TissueHeterogeneityCorrection")),
            ("comment", dataset.get("DoseComment")),
        )
        if value
    ]
    plans = [
        str(item.get("ReferencedSOPInstanceUID", ""))
        for item in dataset.get("ReferencedRTPlanSequence") or ()
    ]
    notes += [f"of plan {uid}" for uid in plans if uid]
    return Meaning(Quantity.DOSE, notes=tuple(notes))


def _plane_positions(header: FileHeader, offsets_mm: tuple[float, ...] | None) -> NDArray[np.float64]:
    """Return the patient position of each plane's first voxel, shape ``(n_planes, 3)`` [mm]."""
    if offsets_mm is None or len(offsets_mm) != header.number_of_frames:
        raise MissingAttribute(
            f"GridFrameOffsetVector (3004,000C) must give {header.number_of_frames} offsets [mm]; "
            f"got {0 if offsets_mm is None else len(offsets_mm)} in {header.path.name}; export the dose again"
        )
    first = np.array(header.image_position_mm, dtype=np.float64)
    offsets = np.array(offsets_mm)
    normal = plane_axes(Frame(header))[:, 0]
    if offsets[0] == 0:
        # Both forms agree here: an absolute vector that starts at z = 0 has offsets from 0 along +z,
        # and along -z the relative form is the one that the standard asks for.
        return first + offsets[:, None] * normal
    is_axial = abs(abs(normal[2]) - 1) < 1e-6
    if is_axial and abs(offsets[0] - first[2]) <= _OFFSET_TOLERANCE_MM:
        positions = np.repeat(first[None], len(offsets), axis=0)
        positions[:, 2] = offsets
        return positions
    raise GeometryError(
        "GridFrameOffsetVector (3004,000C) must start with 0, or for axial planes with the z of "
        f"ImagePositionPatient, {first[2]:g} mm; got {offsets[0]:g} mm in {header.path.name}; "
        "export the dose again"
    )
