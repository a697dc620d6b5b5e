"""Structures out: DICOM Segmentations, binary or fractional."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentDescription
from numpy.typing import NDArray
from pydicom.sr.coding import Code
from pydicom.uid import SegmentationStorage

from tumorboard.core.grid import Grid, require_same_grid
from tumorboard.core.structures import Structure, StructureKind, StructureSet
from tumorboard.errors import InputError
from tumorboard.io.dicom.highdicom_source import equipment, finish, source_datasets, volume
from tumorboard.io.dicom.identity import StudyIdentity, require_text
from tumorboard.io.dicom.modules import PURPOSE, content_digest, right_handed, save
from tumorboard.io.dicom.written import ReferencedSeries, WrittenObject, require_same_frame

__all__ = [
    "AlgorithmFamily",
    "SegmentationAlgorithm",
    "SegmentationKind",
    "SegmentationMethod",
    "write_segmentation",
]


class SegmentationKind(Enum):
    """Segmentation Type (0062,0001)."""

    BINARY = "BINARY"
    FRACTIONAL = "FRACTIONAL"


class SegmentationMethod(Enum):
    """Segment Algorithm Type (0062,0008)."""

    AUTOMATIC = "AUTOMATIC"
    SEMIAUTOMATIC = "SEMIAUTOMATIC"
    MANUAL = "MANUAL"


class AlgorithmFamily(Enum):
    """Algorithm Family Code (0066,002F), of DICOM's CID 7162."""

    ADAPTIVE_FILTERING = ("123102", "Adaptive filtering")
    EDGE_DETECTION = ("123103", "Edge Detection")
    MORPHOLOGICAL_OPERATIONS = ("123104", "Morphological Operations")
    HISTOGRAM_ANALYSIS = ("123105", "Histogram Analysis")
    CLUSTER_ANALYSIS = ("123107", "Cluster Analysis")
    ARTIFICIAL_INTELLIGENCE = ("123110", "Artificial Intelligence")
    DEFORMABLE_MODELS = ("123111", "Deformable Models")


@dataclass(frozen=True, slots=True)
class SegmentationAlgorithm:
    """What drew the segments.

    Parameters
    ----------
    method
        By hand, by program, or both.
    name, version
        Of the program, e.g. ``"pet.lesions.fixed_threshold"`` and this package's version; needed unless
        ``method`` is MANUAL.
    family
        What kind of program; needed unless ``method`` is MANUAL.
    """

    method: SegmentationMethod
    name: str = ""
    version: str = ""
    family: AlgorithmFamily | None = None

    def __post_init__(self) -> None:
        require_text("name of the algorithm", self.name, longest=64)
        require_text("version of the algorithm", self.version, longest=64)
        if self.method is not SegmentationMethod.MANUAL and not (self.name and self.version and self.family):
            raise InputError(
                f"a {self.method.value} segmentation must state name, version and family of its algorithm; "
                f"got {self.name!r}, {self.version!r}, {self.family}"
            )


_ANATOMY: Final = Code("91723000", "SCT", "Anatomical Structure")
_ABNORMAL: Final = Code("49755003", "SCT", "Morphologically Abnormal Structure")
_SPATIAL: Final = Code("309825002", "SCT", "Spatial and Relational Concept")
_TISSUE: Final = Code("85756007", "SCT", "Tissue")
# Segmented property category and type of each kind of structure.
_PROPERTIES: Final = {
    StructureKind.EXTERNAL: (_SPATIAL, Code("123037004", "SCT", "Body structure")),
    StructureKind.ORGAN: (_ANATOMY, Code("91772007", "SCT", "Organ")),
    StructureKind.GTV: (_ABNORMAL, Code("4147007", "SCT", "Mass")),
    StructureKind.CTV: (_SPATIAL, Code("228792002", "SCT", "Clinical target volume")),
    StructureKind.PTV: (_SPATIAL, Code("228793007", "SCT", "Planning target volume")),
    StructureKind.AVOIDANCE: (_SPATIAL, _TISSUE),
    StructureKind.LESION: (_ABNORMAL, Code("52988006", "SCT", "Lesion")),
    StructureKind.UNSTATED: (_ANATOMY, _TISSUE),
}


def write_segmentation(
    structures: StructureSet,
    path: Path | str,
    *,
    study: StudyIdentity,
    reference: ReferencedSeries,
    kind: SegmentationKind,
    algorithm: SegmentationAlgorithm,
    description: str,
    series_number: int,
    created: datetime,
    omit_empty_frames: bool = False,
) -> WrittenObject:
    """Write masks as one DICOM Segmentation, by highdicom [1]_.

    Parameters
    ----------
    structures
        Each with a mask, all masks on one grid, which need not be that of ``reference``; names of at most 64
        characters. Planes of fewer than 8 voxels are padded by empty rows.
    path
        The file to make or replace, as one.
    study
        Patient and study.
    reference
        The images that were segmented.
    kind
        BINARY writes fractions of at least 0.5 as inside, the house rule; FRACTIONAL writes occupancy in
        steps of 1/255.
    algorithm
        What drew the segments.
    description
        Series Description (0008,103E), at most 64 characters.
    series_number
        Series Number (0020,0011).
    created
        When the segments were made, on the study's clock.
    omit_empty_frames
        Whether planes without any segment are left out. The file is smaller, but a reader then sees only the
        box of planes that are there, not the grid of the masks.

    Returns
    -------
    WrittenObject
        Path and UIDs.

    Raises
    ------
    InputError
        When a structure has no mask, masks are on different grids, or a text does not fit.

    References
    ----------
    .. [1] bridge2022highdicom
    """
    path = Path(path)
    grid, values = _stacked(structures, kind)
    require_same_frame(grid.frame_of_reference, reference, what="structures")
    created = study.local(created, what="created")
    digest = content_digest(
        values,
        repr(grid.to_dict()),
        kind.value,
        description,
        reference.series_instance_uid,
        *structures.names,
    )
    uid, series_uid = study.uid("segmentation", digest), study.uid("series", digest)
    dataset = Segmentation(
        source_images=source_datasets(reference, study),
        pixel_array=volume(values, grid, segments=values.shape[-1]),
        segmentation_type=kind.value,
        segment_descriptions=[
            _segment(number, structure, algorithm, study.uid("segment", digest, str(number)))
            for number, structure in enumerate(structures.structures, start=1)
        ],
        series_instance_uid=series_uid,
        series_number=series_number,
        sop_instance_uid=uid,
        instance_number=1,
        fractional_type="OCCUPANCY",
        content_description=PURPOSE,
        content_label="SEGMENTATION",
        omit_empty_frames=omit_empty_frames,
        **equipment(),
    )
    finish(
        dataset, study=study, description=description, created=created, uid=study.uid("dimensions", digest)
    )
    save(dataset, path)
    return WrittenObject(path, series_uid, SegmentationStorage, uid)


def _stacked(structures: StructureSet, kind: SegmentationKind) -> tuple[Grid, NDArray[Any]]:
    """Return the masks as ``[z, y, x, segment]``, on one right-handed grid."""
    masks = []
    for structure in structures.structures:
        if structure.mask is None:
            raise InputError(
                f"structure {structure.name!r} must have a mask to become a segment; it has contours only; "
                "make one: tumorboard.numerics.voxelise"
            )
        masks.append(structure.mask)
        require_same_grid(masks[0].grid, structure.mask.grid, what="masks of a segmentation")
    if not masks:
        raise InputError("structures must hold at least one; got none")
    grid = masks[0].grid
    dtype = np.uint8 if kind is SegmentationKind.BINARY else np.float32
    stacked = np.empty((*grid.shape, len(masks)), dtype=dtype)
    for number, mask in enumerate(masks):
        fraction = mask.values
        if fraction.dtype != bool and not (fraction.min() >= 0 and fraction.max() <= 1):
            raise InputError(
                f"fractions of {structures.names[number]!r} must be 0 to 1; "
                f"got {fraction.min()} to {fraction.max()}"
            )
        stacked[..., number] = fraction >= 0.5 if kind is SegmentationKind.BINARY else fraction
    stacked, grid = right_handed(stacked, grid)
    return _with_whole_bytes(stacked, grid)


def _with_whole_bytes(stacked: NDArray[Any], grid: Grid) -> tuple[Grid, NDArray[Any]]:
    """Add empty rows to planes of fewer than 8 voxels: highdicom 0.28 packs their bits wrongly."""
    planes, rows, columns = grid.shape
    more = max(0, -(-8 // columns) - rows)
    stacked = np.pad(stacked, ((0, 0), (0, more), (0, 0), (0, 0)))
    shape = (planes, rows + more, columns)
    larger = Grid(
        shape, grid.spacing_mm, grid.origin_mm, grid.direction, frame_of_reference=grid.frame_of_reference
    )
    return larger, stacked


def _segment(
    number: int, structure: Structure, algorithm: SegmentationAlgorithm, tracking_uid: str
) -> SegmentDescription:
    require_text("name of a structure", structure.name, longest=64, empty=False)
    category, kind = _PROPERTIES[structure.kind]
    identification = None
    if algorithm.family is not None:
        value, meaning = algorithm.family.value
        identification = AlgorithmIdentificationSequence(
            algorithm.name, Code(value, "DCM", meaning), algorithm.version
        )
    return SegmentDescription(
        segment_number=number,
        segment_label=structure.name,
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type=algorithm.method.value,
        algorithm_identification=identification,
        tracking_uid=tracking_uid,
        tracking_id=structure.name,
        display_color=CIELabColor.from_rgb(*structure.colour_rgb) if structure.colour_rgb else None,
    )
