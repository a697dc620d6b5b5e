"""Structures: organs, targets and lesions as contours or masks.

One voxelisation rule for the whole package: a contour covers of each voxel the exact
area fraction that lies inside it (:func:`tumorboard.numerics.voxelise`); a mask is where
that fraction is at least 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["Contour", "Structure", "StructureKind", "StructureSet"]


class StructureKind(Enum):
    """What a structure is for, by DICOM's RT ROI Interpreted Type (3006,00A4) where there is one."""

    EXTERNAL = "EXTERNAL"
    ORGAN = "ORGAN"
    GTV = "GTV"
    CTV = "CTV"
    PTV = "PTV"
    AVOIDANCE = "AVOIDANCE"
    LESION = "LESION"
    UNSTATED = ""


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """A closed planar polygon.

    Parameters
    ----------
    points_mm
        Patient points (x, y, z), shape ``(n_points, 3)``, n_points >= 3; the last joins the first [mm].
    """

    points_mm: NDArray[np.float64]

    def __post_init__(self) -> None:
        points_mm = read_only(self.points_mm, np.float64)
        if points_mm.ndim != 2 or points_mm.shape[1] != 3 or len(points_mm) < 3:
            raise InputError(f"points_mm must have shape (n_points >= 3, 3) [mm]; got {points_mm.shape}")
        if not np.isfinite(points_mm).all():
            raise InputError("points_mm must be finite [mm]; got NaN or infinity")
        object.__setattr__(self, "points_mm", points_mm)


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """One named structure: contours, or a mask, or both when one was made from the other.

    Overlapping contours of one plane combine by exclusive or, so an inner contour is a hole
    (DICOM's keyhole-free convention).

    Parameters
    ----------
    name
        As the user knows it, e.g. ``"GTV-1"``; not empty.
    contours
        Planar polygons; may be empty when there is a mask.
    mask
        Boolean image, or a fraction image in [0, 1]; may be absent when there are contours.
    kind
        What the structure is for.
    colour_rgb
        Display colour, three integers 0 to 255, where the file gives one.

    Raises
    ------
    InputError
        When there is neither contour nor mask, or the mask is not boolean or a fraction.
    """

    name: str
    contours: tuple[Contour, ...] = ()
    mask: Image | None = None
    kind: StructureKind = StructureKind.UNSTATED
    colour_rgb: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise InputError("name of a structure must not be empty")
        object.__setattr__(self, "contours", tuple(self.contours))
        if not self.contours and self.mask is None:
            raise InputError(f"structure {self.name!r} must have contours or a mask; it has neither")
        if self.mask is not None and self.mask.quantity not in (Quantity.LABEL, Quantity.FRACTION):
            raise InputError(
                f"mask of {self.name!r} must be a LABEL (boolean) or FRACTION image; got {self.mask.quantity}"
            )
        if self.mask is not None and self.mask.quantity is Quantity.LABEL and self.mask.values.dtype != bool:
            raise InputError(
                f"LABEL mask of {self.name!r} must be boolean; got dtype {self.mask.values.dtype}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class StructureSet:
    """The structures of one file, in one frame of reference.

    Parameters
    ----------
    structures
        In file order; names are unique (a reader numbers repeats).
    frame_of_reference
        DICOM UID that the contours and masks are in.
    provenance
        How they came about.
    label
        The file's own name for the set.
    referenced_series
        Series Instance UID of the images they were drawn on, where the file says.
    empty_names
        Structures that the file names but gives neither contour nor voxel.

    Examples
    --------
    >>> square = Contour([[0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]])
    >>> organs = StructureSet((Structure("liver", (square,)),), "1.2.3", Record("example"))
    >>> organs["liver"].kind
    <StructureKind.UNSTATED: ''>
    """

    structures: tuple[Structure, ...]
    frame_of_reference: str
    provenance: Record
    label: str = ""
    referenced_series: str | None = None
    empty_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "structures", tuple(self.structures))
        object.__setattr__(self, "empty_names", tuple(self.empty_names))
        names = self.names
        if len(set(names)) != len(names):
            raise InputError(f"names of structures must be unique; got {', '.join(names)}")
        if not self.frame_of_reference:
            raise InputError("frame_of_reference of a structure set must be a DICOM UID; got ''")
        for s in self.structures:
            if s.mask is not None and s.mask.grid.frame_of_reference != self.frame_of_reference:
                raise InputError(
                    f"mask of {s.name!r} must be in the set's frame of reference {self.frame_of_reference}; "
                    f"got {s.mask.grid.frame_of_reference}"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(s.name for s in self.structures)

    def __getitem__(self, name: str) -> Structure:
        for s in self.structures:
            if s.name == name:
                return s
        raise InputError(f"structure must be one of {', '.join(self.names)}; got {name!r}")
