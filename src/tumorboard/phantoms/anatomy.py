"""The anatomy of a synthetic adult, from mid-thigh to the top of the head, built of simple solids.

Patient coordinates (LPS) [mm]: x to the patient's left, y to the back, z to the head; the spine runs
near x = 0. Sizes and tissue values are round figures of an adult, not measurements of anyone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.grid import Grid
from tumorboard.errors import InputError

__all__ = ["HEIGHT_MM", "Anatomy", "Organ", "torso"]

#: From mid-thigh to above the head [mm].
HEIGHT_MM: Final = 870.0

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]


class Organ(Enum):
    """Tissues of the phantom: number in the label volume, CT number [HU], FDG uptake [g/mL].

    Uptakes are typical of FDG at 60 min: liver 2.2, blood 1.7, grey matter high, urine highest.
    """

    AIR = (0, -1000.0, 0.0)
    FAT = (1, -100.0, 0.35)
    MUSCLE = (2, 50.0, 0.75)
    LUNG = (3, -780.0, 0.45)
    BONE = (4, 320.0, 1.2)
    CORTICAL_BONE = (5, 900.0, 0.5)
    LIVER = (6, 60.0, 2.2)
    SPLEEN = (7, 50.0, 1.8)
    KIDNEY = (8, 35.0, 3.0)
    BLADDER = (9, 8.0, 16.0)
    MYOCARDIUM = (10, 48.0, 3.2)
    BLOOD = (11, 42.0, 1.7)
    GREY_MATTER = (12, 38.0, 8.0)
    WHITE_MATTER = (13, 28.0, 3.2)
    BOWEL = (14, 25.0, 1.1)
    GAS = (15, -900.0, 0.1)
    SPINAL_CORD = (16, 30.0, 1.3)

    def __init__(self, number: int, ct_number_hu: float, suv: float) -> None:
        self.number = number
        self.ct_number_hu = ct_number_hu
        self.suv = suv


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """Which tissue each voxel is.

    Parameters
    ----------
    labels
        :class:`Organ` numbers, shape ``grid.shape``, indexed ``[z, y, x]``.
    grid
        Where the voxels are.
    structures
        Structure name to the organs it consists of.
    """

    labels: NDArray[np.uint8]
    grid: Grid
    structures: dict[str, tuple[Organ, ...]] = field(
        default_factory=lambda: {
            "Lungs": (Organ.LUNG,),
            "Heart": (Organ.MYOCARDIUM,),
            "Liver": (Organ.LIVER,),
            "Spleen": (Organ.SPLEEN,),
            "Kidneys": (Organ.KIDNEY,),
            "Bladder": (Organ.BLADDER,),
            "Brain": (Organ.GREY_MATTER, Organ.WHITE_MATTER),
            "SpinalCord": (Organ.SPINAL_CORD,),
            "Bone": (Organ.BONE, Organ.CORTICAL_BONE),
        }
    )

    def mask(self, *organs: Organ) -> Mask:
        """Return where any of ``organs`` is, shape ``grid.shape``."""
        table = np.zeros(256, bool)
        table[[organ.number for organ in organs]] = True
        return table[self.labels]

    def lookup(self, value: Callable[[Organ], float]) -> Floats:
        """Return ``value(organ)`` of each voxel, shape ``grid.shape``."""
        table = np.zeros(256, np.float32)
        for organ in Organ:
            table[organ.number] = value(organ)
        return table[self.labels]


def torso(grid: Grid) -> Anatomy:
    """Build the anatomy on an axis-aligned axial grid.

    Parameters
    ----------
    grid
        Axial, covering z from about 0 to :data:`HEIGHT_MM` [mm] and the body around x = y = 0.

    Returns
    -------
    Anatomy
        Labels on ``grid``.

    Raises
    ------
    InputError
        When the grid is not axial.

    Examples
    --------
    >>> from tumorboard.core import AXIAL
    >>> grid = Grid((58, 64, 64), (15.0, 8.0, 8.0), (-252.0, -252.0, 0.0), AXIAL, frame_of_reference="1.2")
    >>> bool(torso(grid).mask(Organ.LIVER).any())
    True
    """
    if not np.allclose(grid.direction, np.eye(3)[:, ::-1]):
        raise InputError("grid of the phantom must be axial (LPS); got other directions")
    labels = np.zeros(grid.shape, np.uint8)
    nz, ny, nx = grid.shape
    dz, dy, dx = grid.spacing_mm
    x0, y0, z0 = grid.origin_mm
    x = (x0 + dx * np.arange(nx, dtype=np.float32))[None, :]
    y = (y0 + dy * np.arange(ny, dtype=np.float32))[:, None]
    # Slice by slice: nothing larger than a plane is ever made beside the labels.
    for k in range(nz):
        plane = labels[k]
        for organ, mask in _slice(x, y, float(z0 + dz * k)):
            np.copyto(plane, np.uint8(organ.number), where=mask)
    return Anatomy(labels, grid)


# z, half width, half depth of the trunk, neck and head [mm]
_OUTLINE = np.array(
    [
        (95, 150, 95),
        (120, 178, 112),
        (170, 182, 116),
        (250, 162, 110),
        (330, 154, 106),
        (430, 164, 112),
        (540, 178, 112),
        (600, 190, 102),
        (625, 180, 90),
        (645, 110, 72),
        (660, 66, 62),
        (700, 60, 64),
        (718, 68, 84),
        (780, 77, 98),
        (825, 70, 88),
        (850, 46, 58),
        (862, 14, 18),
    ],
    dtype=float,
)
_FEET_MM, _CROTCH_MM, _CROWN_MM = 0.0, 118.0, 862.0


def _slice(x: Floats, y: Floats, z: float) -> Iterator[tuple[Organ, Mask]]:
    """Yield tissues of one plane in painting order: later ones lie over earlier ones."""
    yield from _legs(x, y, z)
    if 95.0 <= z <= _CROWN_MM:
        depth = _depth(x, y, z)
        yield Organ.FAT, depth <= 1.0
        yield Organ.MUSCLE, depth <= (0.9 if z < 640 else 0.94)
        if 330 < z < 640:
            yield from _chest(x, y, z, depth)
        if 95 < z < 470:
            yield from _abdomen(x, y, z, depth)
        yield from _spine(x, y, z)
        if z > 690:
            yield from _head(x, y, z)


def _depth(x: Floats, y: Floats, z: float) -> Floats:
    """0 on the axis, 1 on the skin; a rounded rectangle like a trunk's cross-section."""
    half_width = np.interp(z, _OUTLINE[:, 0], _OUTLINE[:, 1])
    half_depth = np.interp(z, _OUTLINE[:, 0], _OUTLINE[:, 2])
    power = 2.4 if z < 640 else 2.0
    depth: Floats = (np.abs(x / half_width) ** power + np.abs(y / half_depth) ** power) ** (1 / power)
    return depth


def _legs(x: Floats, y: Floats, z: float) -> Iterator[tuple[Organ, Mask]]:
    if z > 150:
        return
    for side in (-1, 1):
        radius = np.hypot(x - side * 92, (y - 4) * 0.95)
        if z <= _CROTCH_MM:
            yield Organ.FAT, radius < 86
            yield Organ.MUSCLE, radius < 74
        shaft = np.hypot(x - side * (92 + 0.1 * z), y)
        if z < 105:
            yield Organ.CORTICAL_BONE, shaft < 15
            yield Organ.FAT, shaft < 7


def _chest(x: Floats, y: Floats, z: float, depth: Floats) -> Iterator[tuple[Organ, Mask]]:
    for side in (-1, 1):
        # The diaphragm: a dome that is higher over the liver (the patient's right, x < 0).
        dome = (452 if side < 0 else 436) - 0.006 * ((x - side * 80) ** 2 + (y + 5) ** 2)
        inside = _ellipsoid(x, y, z, (side * 82, 2, 500), (64, 84, 128)) & (depth < 0.84)
        yield Organ.LUNG, inside & (side * x > 22 + 0.05 * (600 - z)) & (z > dome)
    heart = _ellipsoid(x, y, z, (28, -34, 482), (50, 42, 46))
    yield Organ.MYOCARDIUM, heart
    yield Organ.BLOOD, _ellipsoid(x, y, z, (30, -35, 484), (36, 28, 33))
    if z > 330:
        yield Organ.BLOOD, np.hypot(x - 16, y - 38) < 11
    if 480 < z < 560:
        yield Organ.BLOOD, np.hypot(x + 5, y + 20) < 13
    if z > 555:
        yield Organ.GAS, np.hypot(x, y - 8) < 8
    for k in range(11):
        # Ribs run downwards to the front; each is a ring in the chest wall, open at the breastbone.
        height = 420 + 19 * k
        on_ring = np.abs(z - (height + 0.42 * (y + 5))) < 4.5
        in_wall = (depth > 0.845) & (depth < 0.905)
        yield Organ.CORTICAL_BONE, on_ring & in_wall & ((np.abs(x) > 28) | (y > 0))
    if 440 < z < 600:
        yield Organ.BONE, (np.abs(x) < 17) & (depth > 0.83) & (depth < 0.9) & (y < 0)


def _abdomen(x: Floats, y: Floats, z: float, depth: Floats) -> Iterator[tuple[Organ, Mask]]:
    cavity = depth < 0.8
    if z < 372:
        yield Organ.FAT, cavity & (y < 40)
        # Loops of bowel: a smooth pattern that needs no random numbers.
        loops = np.sin(x / 11 + 0.021 * z) * np.sin(y / 10 - 0.017 * z) + np.cos(z / 12 + x / 40)
        yield Organ.BOWEL, (loops > 0.15) & (depth < 0.76) & (y < 36) & (z > 185)
        yield Organ.GAS, (loops > 1.62) & (depth < 0.7) & (y < 0) & (z > 215)
    dome = 446 - 0.006 * ((x + 80) ** 2 + (y + 5) ** 2)
    liver = _ellipsoid(x, y, z, (-74, -4, 392), (82, 78, 78)) | _ellipsoid(
        x, y, z, (0, -36, 405), (70, 38, 36)
    )
    yield Organ.LIVER, liver & (z < dome) & (depth < 0.83)
    yield Organ.SPLEEN, _ellipsoid(x, y, z, (108, 34, 400), (27, 40, 46)) & (depth < 0.84)
    stomach = _ellipsoid(x, y, z, (66, -30, 392), (40, 36, 42)) & (depth < 0.82)
    yield Organ.BOWEL, stomach
    yield Organ.GAS, stomach & (y < -42)
    for side in (-1, 1):
        centre = (side * 62, 48, 338 - 6 * (side < 0))
        yield Organ.KIDNEY, _ellipsoid(x, y, z, centre, (27, 26, 52))
        yield Organ.FAT, _ellipsoid(x, y, z, (side * 50, 44, centre[2]), (9, 9, 20))
    yield Organ.BLOOD, np.hypot(x - 12, y - 34) < (10 if z > 260 else 0)
    if z < 270:
        yield from _pelvis(x, y, z)


def _pelvis(x: Floats, y: Floats, z: float) -> Iterator[tuple[Organ, Mask]]:
    for side in (-1, 1):
        wing = _ellipsoid(x, y, z, (side * 82, 22, 205), (52, 52, 62))
        yield Organ.BONE, wing & ~_ellipsoid(x, y, z, (side * 74, 8, 212), (50, 52, 66))
        yield Organ.BONE, _ellipsoid(x, y, z, (side * 86, 4, 140), (34, 32, 28))
        head = (x - side * 96) ** 2 + (y - 2) ** 2 + (z - 132) ** 2
        yield Organ.CORTICAL_BONE, head < 25**2
        yield Organ.BONE, head < 21**2
    if 130 < z < 160:
        yield Organ.BONE, (np.abs(x) < 60) & (np.abs(y + 62) < 9)
    yield Organ.BLADDER, _ellipsoid(x, y, z, (0, -36, 172), (40, 33, 32))


def _spine(x: Floats, y: Floats, z: float) -> Iterator[tuple[Organ, Mask]]:
    if not 165 < z < 705:
        return
    back = 62 - 16 * (z > 645) + 8 * np.cos((z - 330) / 60)
    radius = 15 if z > 630 else 21
    is_disc = (z % 30) < 6
    body = np.hypot(x, y - back)
    if is_disc:
        yield Organ.MUSCLE, body < radius
    else:
        yield Organ.CORTICAL_BONE, body < radius
        yield Organ.BONE, body < radius - 3
        yield Organ.BONE, (np.abs(x) < 5) & (np.abs(y - back - 34) < 12)
        yield Organ.BONE, (np.abs(np.abs(x) - 14) < 4) & (np.abs(y - back - 17) < 8)
    yield Organ.SPINAL_CORD, np.hypot(x, y - back - radius - 6) < 7


def _head(x: Floats, y: Floats, z: float) -> Iterator[tuple[Organ, Mask]]:
    yield Organ.CORTICAL_BONE, _ellipsoid(x, y, z, (0, 2, 785), (71, 90, 68))
    yield Organ.MUSCLE, _ellipsoid(x, y, z, (0, 2, 785), (65, 84, 62))
    brain = _ellipsoid(x, y, z, (0, 3, 787), (61, 80, 57)) & (z > 738)
    yield Organ.GREY_MATTER, brain
    folds = np.asarray(4 * np.sin(x / 6) * np.sin(y / 7 + z / 9), np.float32)
    yield (
        Organ.WHITE_MATTER,
        brain & _ellipsoid(x, y, z, (0, 3, 787), (50, 68, 44), slack=folds / np.float32(50)),
    )
    if 745 < z < 800:
        yield Organ.GREY_MATTER, np.hypot(np.abs(x) - 16, (y - 5) / 1.4) < 9
    if z < 745:
        yield Organ.GAS, _ellipsoid(x, y, z, (0, -55, 728), (11, 26, 14))
        yield Organ.GAS, (np.hypot(x, y - 2) < 9) & (z < 725)
        jaw = np.hypot(x / 1.05, (y + 30) * 0.85)
        yield Organ.CORTICAL_BONE, (np.abs(jaw - 46) < 5) & (y < 0) & (z < 722)


def _ellipsoid(
    x: Floats,
    y: Floats,
    z: float,
    centre_mm: tuple[float, float, float],
    semi_axes_mm: tuple[float, float, float],
    *,
    slack: Floats | float = 0.0,
) -> Mask:
    (cx, cy, cz), (a, b, c) = centre_mm, semi_axes_mm
    in_plane = 1.0 - ((z - cz) / c) ** 2
    if in_plane < -0.2:
        return np.zeros((1, 1), bool)  # the plane passes it by, whatever the slack
    return np.asarray(((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 <= in_plane + slack)
