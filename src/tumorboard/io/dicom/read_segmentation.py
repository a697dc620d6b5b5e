"""From a DICOM Segmentation to structures with masks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import Structure, StructureKind, StructureSet
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.dicom.frames import Frame
from tumorboard.io.dicom.geometry import require_plane_attributes
from tumorboard.io.dicom.multiframe import enhanced_frames, functional_group, numbers
from tumorboard.io.dicom.packed_bits import packed_planes
from tumorboard.io.dicom.sandbox import Limits
from tumorboard.io.dicom.sparse_stack import sparse_stack
from tumorboard.io.dicom.stored_values import stored_values
from tumorboard.io.dicom.study import FileHeader
from tumorboard.io.dicom.unique_names import unique_names
from tumorboard.provenance import Record

__all__ = ["read_segmentation"]

#: Segmented property type (SNOMED CT) -> what the structure is for.
_BY_TYPE: Final = {
    "52988006": StructureKind.LESION,
    "4147007": StructureKind.GTV,
    "228792002": StructureKind.CTV,
    "228793007": StructureKind.PTV,
    "123037004": StructureKind.EXTERNAL,
    "85756007": StructureKind.UNSTATED,  # "tissue": says nothing
}

#: Segmented property category, where the type is none of the above.
_BY_CATEGORY: Final = {
    "91723000": StructureKind.ORGAN,  # anatomical structure
    "123037004": StructureKind.ORGAN,  # its older code
    "49755003": StructureKind.LESION,  # morphologically abnormal structure
}

#: White and primaries of sRGB (IEC 61966-2-1).
_D65_WHITE: Final = np.array([0.95047, 1.0, 1.08883])
_SRGB_OF_XYZ: Final = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)

_Planes = Callable[[Sequence[int]], NDArray[Any]]


def read_segmentation(header: FileHeader, dataset: Dataset, *, limits: Limits) -> StructureSet:
    """Read a BINARY, FRACTIONAL or LABELMAP segmentation.

    Frames are put where their Plane Position says; slices that no frame covers are outside the segment. Each
    mask is cropped to the segment's bounding box, on a grid whose voxels are those of the file, so that many
    small segments of a whole-body scan stay small.

    Parameters
    ----------
    header, dataset
        The same file, parsed without its pixels.
    limits
        What decoding the file may cost, when it is compressed.

    Returns
    -------
    StructureSet
        Masks are LABEL (boolean) for BINARY and LABELMAP, FRACTION in [0, 1] for FRACTIONAL.

    Raises
    ------
    MissingAttribute
        When the file lacks its frame of reference, or a frame its place or segment.
    GeometryError
        When the frames do not lie on one regular grid.
    InputError
        When the segmentation type is unknown.
    """
    if not header.frame_of_reference_uid:
        raise MissingAttribute(
            "FrameOfReferenceUID (0020,0052) must be given: it says which images the segments lie on; absent "
            f"in {header.path.name}; write the segmentation again with it"
        )
    kind = str(dataset.get("SegmentationType") or "not given")
    if kind not in ("BINARY", "FRACTIONAL", "LABELMAP"):
        raise InputError(
            f"SegmentationType (0062,0001) must be BINARY, FRACTIONAL or LABELMAP; got {kind} in "
            f"{header.path.name}; write the segmentation again"
        )
    frames = enhanced_frames(header, dataset)
    require_plane_attributes(frames)
    grid, slices, notes = sparse_stack(frames, frame_of_reference=header.frame_of_reference_uid)
    planes = _plane_reader(header, frames, limits, once=kind == "LABELMAP")
    largest = _largest_fraction(header, dataset) if kind == "FRACTIONAL" else None
    record = Record(
        "io.dicom.read_structures",
        {
            "series": header.series_instance_uid,
            "sop_instance": header.sop_instance_uid,
            "segmentation_type": kind,
            "fraction": str(dataset.get("SegmentationFractionalType") or ""),
            "notes": list(notes),
        },
        references=("dicomPS33",),
    )
    by_segment = None if kind == "LABELMAP" else _frames_by_segment(header, dataset, len(frames))

    def mask_of(number: int) -> Image | None:
        members = list(range(len(frames))) if by_segment is None else by_segment.get(number, [])
        cropped = _mask(
            members, slices, planes, grid, number=number if by_segment is None else None, largest=largest
        )
        quantity = Quantity.LABEL if largest is None else Quantity.FRACTION
        return None if cropped is None else Image(*cropped, quantity, record)

    structures, empty_names = _segments(dataset, mask_of)
    referenced = dataset.get("ReferencedSeriesSequence") or ()
    return StructureSet(
        tuple(structures),
        header.frame_of_reference_uid,
        record,
        str(dataset.get("ContentLabel") or "").strip(),
        (str(referenced[0].get("SeriesInstanceUID") or "") or None) if referenced else None,
        tuple(empty_names),
    )


def _segments(dataset: Dataset, mask_of: Callable[[int], Image | None]) -> tuple[list[Structure], list[str]]:
    """Return the segments that have voxels, and the names of those that have none."""
    structures: list[Structure] = []
    empty_names: list[str] = []
    described = [(int(item.get("SegmentNumber") or 0), item) for item in dataset.get("SegmentSequence") or ()]
    # A label map may describe its background as segment 0.
    segments = [(number, item) for number, item in described if number != 0]
    names = unique_names(_label(item) or f"segment {number}" for number, item in segments)
    for (number, item), name in zip(segments, names, strict=True):
        mask = mask_of(number)
        if mask is None:
            empty_names.append(name)
        else:
            structures.append(Structure(name, (), mask, _kind(item), _colour(item)))
    return structures, empty_names


def _frames_by_segment(header: FileHeader, dataset: Dataset, n_frames: int) -> dict[int, list[int]]:
    by_segment: dict[int, list[int]] = defaultdict(list)
    for i in range(n_frames):
        group = functional_group(dataset, i, "SegmentIdentificationSequence")
        number = numbers(group, "ReferencedSegmentNumber")
        if number is None:
            raise MissingAttribute(
                f"ReferencedSegmentNumber (0062,000B) must be given for every frame; absent in frame "
                f"{i + 1} of {header.path.name}; write the segmentation again"
            )
        by_segment[int(number[0])].append(i)
    return dict(by_segment)


def _largest_fraction(header: FileHeader, dataset: Dataset) -> float:
    largest = numbers(dataset, "MaximumFractionalValue")
    if largest is None or not largest[0] > 0:
        raise MissingAttribute(
            f"MaximumFractionalValue (0062,000E) must be > 0 in a FRACTIONAL segmentation; got {largest} in "
            f"{header.path.name}; without it the stored values are not fractions"
        )
    return largest[0]


def _plane_reader(header: FileHeader, frames: Sequence[Frame], limits: Limits, *, once: bool) -> _Planes:
    """Return what gives the pixels of chosen frames, shape ``(n_chosen, rows, columns)``."""
    if header.bits_allocated == 1 and header.pixel_offset is not None:
        return packed_planes(header)
    if header.pixel_offset is not None and not once:
        return lambda chosen: stored_values([frames[i] for i in chosen], limits=limits, jobs=1)
    decoded = stored_values(frames, limits=limits, jobs=1)
    return lambda chosen: decoded[list(chosen)]


def _mask(
    members: Sequence[int],
    slices: NDArray[np.intp],
    planes: _Planes,
    grid: Grid,
    *,
    number: int | None,
    largest: float | None,
) -> tuple[NDArray[Any], Grid] | None:
    """Assemble one segment, cropped to its bounding box; ``None`` when no voxel is inside."""
    if not members:
        return None
    stored = planes(members)
    inside = stored != 0 if number is None else stored == number
    rows = np.flatnonzero(inside.any(axis=(0, 2)))
    columns = np.flatnonzero(inside.any(axis=(0, 1)))
    if not rows.size:
        return None
    places = slices[list(members)]
    filled = places[inside.any(axis=(1, 2))]
    start = (int(filled.min()), int(rows[0]), int(columns[0]))
    stop = (int(filled.max()) + 1, int(rows[-1]) + 1, int(columns[-1]) + 1)
    window = (slice(None), slice(start[1], stop[1]), slice(start[2], stop[2]))
    content = inside[window] if largest is None else stored[window] / np.float32(largest)
    own_grid = grid.crop(start, stop)
    values = np.zeros(own_grid.shape, dtype=bool if largest is None else np.float32)
    for plane, place in zip(content, places - start[0], strict=True):
        if 0 <= place < len(values):
            # Two frames of one segment at one place: what either says is inside.
            np.maximum(values[place], plane, out=values[place])
    return values, own_grid


def _label(item: Dataset) -> str:
    return str(item.get("SegmentLabel") or "").strip()


def _code(item: Dataset, keyword: str) -> str:
    codes = item.get(keyword)
    return str(codes[0].get("CodeValue") or "") if codes else ""


def _kind(item: Dataset) -> StructureKind:
    by_type = _BY_TYPE.get(_code(item, "SegmentedPropertyTypeCodeSequence"))
    if by_type is not None:
        return by_type
    category = _code(item, "SegmentedPropertyCategoryCodeSequence")
    return _BY_CATEGORY.get(category, StructureKind.UNSTATED)


def _colour(item: Dataset) -> tuple[int, int, int] | None:
    """Return Recommended Display CIELab Value (0062,000D) as sRGB."""
    stored = item.get("RecommendedDisplayCIELabValue")
    if stored is None or len(stored) != 3:
        return None
    scaled = np.array(stored, dtype=np.float64) / 65535
    lightness, a, b = 100 * scaled[0], 255 * scaled[1] - 128, 255 * scaled[2] - 128
    f = (lightness + 16) / 116 + np.array([a / 500, 0.0, -b / 200])
    # The standard's white is D50, but the programs that write segmentations (PixelMed, highdicom) mean D65:
    # so read, a colour comes back as it was chosen.
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * _D65_WHITE
    linear = np.clip(_SRGB_OF_XYZ @ xyz, 0, 1)
    red, green, blue = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return round(255 * float(red)), round(255 * float(green)), round(255 * float(blue))
