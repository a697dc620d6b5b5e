"""What the interactive viewer of a page shows: volumes, structures and named points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from tumorboard.errors import InputError
from tumorboard.plotting.blocks import PointLink

__all__ = ["Colormap", "Label", "Layer", "LayerKind", "Scene"]

_GZIP_SIGNATURE = b"\x1f\x8b"


class LayerKind(Enum):
    """What a layer is to the viewer."""

    BACKGROUND = "background"
    OVERLAY = "overlay"
    LABELS = "labels"


class Colormap(Enum):
    """Colour maps that the viewer offers; the values are NiiVue's names."""

    GREY = "gray"
    HOT = "hot"
    INFERNO = "inferno"
    PLASMA = "plasma"
    VIRIDIS = "viridis"
    WARM = "warm"
    COOL = "cool"
    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    JET = "jet"


@dataclass(frozen=True, slots=True)
class Label:
    """One structure in a LABELS layer: its voxel value, its name and its colour (0 to 255 each)."""

    value: int
    name: str
    rgb: tuple[int, int, int]

    def __post_init__(self) -> None:
        rgb = tuple(int(v) for v in self.rgb)
        if len(rgb) != 3 or not all(0 <= v <= 255 for v in rgb):
            raise InputError(
                f"rgb of label {self.name!r} must be three whole numbers 0 to 255; got {self.rgb}"
            )
        if not 1 <= self.value <= 255:
            raise InputError(
                f"value of label {self.name!r} must be 1 to 255 (0 is background); got {self.value}; "
                "use a second LABELS layer for more structures"
            )
        object.__setattr__(self, "rgb", rgb)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One volume of the viewer.

    Parameters
    ----------
    name
        Shown in the controls, e.g. ``"PET"``.
    nifti_gz
        The volume as a gzip-compressed NIfTI-1 file (LABELS: unsigned 8-bit); any grid, the viewer
        aligns layers in the patient. Values of float32 are interpolated, whole numbers are shown by voxel.
        The page holds it inline: keep all layers together below some 50 MB.
    kind
        The first layer of a scene is the BACKGROUND; OVERLAYs lie over it; LABELS hold structures as
        whole numbers. Overlapping structures need one LABELS layer each.
    colormap
        Colour map at the start; unused by LABELS.
    window
        Values shown as the lowest and the highest colour at the start, in ``unit``; unused by LABELS.
    unit
        Unit of the values, e.g. ``"HU"``; shown with the read-out.
    inverted
        Whether the colour map starts inverted (white background for emission images).
    opacity
        0 to 1; of LABELS the opacity of the filling, whose outline stays opaque.
    projected
        Whether the viewer shows a turning maximum-intensity projection of this layer beside the slices
        (the first such layer); for emission images.
    shown
        Whether the layer is switched on at the start.
    labels
        The structures of a LABELS layer.

    Raises
    ------
    InputError
        When the bytes are not gzip, the window is not ascending, or labels do not fit the kind.
    """

    name: str
    nifti_gz: bytes
    kind: LayerKind
    colormap: Colormap = Colormap.GREY
    window: tuple[float, float] = (0.0, 1.0)
    unit: str = "1"
    inverted: bool = False
    opacity: float = 1.0
    projected: bool = False
    shown: bool = True
    labels: tuple[Label, ...] = ()

    def __post_init__(self) -> None:
        low, high = (float(v) for v in self.window)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InputError(
                f"window of {self.name!r} must be finite with low < high [{self.unit}]; got {self.window}"
            )
        if not 0.0 <= self.opacity <= 1.0:
            raise InputError(f"opacity of {self.name!r} must be 0 to 1; got {self.opacity}")
        if not self.nifti_gz.startswith(_GZIP_SIGNATURE):
            raise InputError(f"nifti_gz of {self.name!r} must be a gzip file; got {self.nifti_gz[:4]!r}")
        if (self.kind is LayerKind.LABELS) != bool(self.labels):
            raise InputError(
                f"labels of {self.name!r} must be given for a LABELS layer and for no other; "
                f"got {len(self.labels)} labels with {self.kind}"
            )
        object.__setattr__(self, "window", (low, high))
        object.__setattr__(self, "labels", tuple(self.labels))


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What the viewer shows at first.

    Parameters
    ----------
    layers
        Drawn in order; the first, and only it, is the BACKGROUND.
    points
        Named points to jump to, e.g. lesions; the viewer opens at the first, or at the centre.
    frame_of_reference
        DICOM UID of the frame that the layers share, where it is known: links elsewhere are shown as text.

    Raises
    ------
    InputError
        When the layers are not one BACKGROUND followed by others.
    """

    layers: tuple[Layer, ...]
    points: tuple[PointLink, ...] = ()
    frame_of_reference: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        object.__setattr__(self, "points", tuple(self.points))
        kinds = [layer.kind for layer in self.layers]
        if kinds[:1] != [LayerKind.BACKGROUND] or LayerKind.BACKGROUND in kinds[1:]:
            raise InputError(
                "layers of a scene must be one BACKGROUND followed by OVERLAY and LABELS layers; "
                f"got {', '.join(kind.name for kind in kinds) or 'none'}"
            )
