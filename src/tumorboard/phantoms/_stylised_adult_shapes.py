"""Solids of the stylised adult [cm]: x to its left, y to the back, z to the head from the trunk's bottom.

Each is the height that it spans and a test of points, in painting order: later ones lie over earlier ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from tumorboard.phantoms.stylised_adult_regions import BodyRegion as R

__all__ = ["BOUNDS_CM", "Solid", "solids"]

#: Box around the body: x, y, z [cm].
BOUNDS_CM: Final = ((-20.0, 20.0), (-13.2, 10.0), (-80.0, 94.0))

Points = Any
Test = Callable[[Points, Points, Points], Any]
Solid = tuple[R, float, float, Test]

_TRUNK_TOP: Final = 70.0
_SKIN: Final = 0.2


def _ellipsoid(
    a: float, b: float, c: float, x0: float, y0: float, z0: float, also: Test | None = None
) -> Test:
    def inside(x: Points, y: Points, z: Points) -> Any:
        found = ((x - x0) / a) ** 2 + ((y - y0) / b) ** 2 + ((z - z0) / c) ** 2 <= 1
        return found if also is None else found & also(x, y, z)

    return inside


def _pair(of_left: Test) -> Test:
    return lambda x, y, z: of_left(x, y, z) | of_left(-x, y, z)


def solids() -> Iterator[Solid]:
    """Yield all solids in painting order."""
    yield from _body()
    yield from _head_bones()
    yield from _trunk_bones()
    yield from _limb_bones()
    yield from _chest()
    yield from _abdomen()
    yield from _gut()
    yield from _pelvic()


def _body() -> Iterator[Solid]:
    def trunk(x: Points, y: Points, z: Points) -> Any:
        return (x / 20) ** 2 + (y / 10) ** 2 + 0 * z <= 1

    def trunk_inside(x: Points, y: Points, z: Points) -> Any:
        inner = (x / (20 - _SKIN)) ** 2 + (y / (10 - _SKIN)) ** 2 <= 1
        # The top is skin but where the head stands on it.
        return inner & ((z <= _TRUNK_TOP - _SKIN) | ((x / 8) ** 2 + (y / 10) ** 2 <= 1))

    def leg(less: float) -> Test:
        return _pair(
            lambda x, y, z: (x - (10 + z / 10)) ** 2 + y**2 <= np.maximum(10 + z / 10 - less, 0) ** 2
        )

    def genitalia(less: float) -> Test:
        def inside(x: Points, y: Points, z: Points) -> Any:
            half = 10 + z / 10 - less
            return (np.abs(x) <= half) & (y >= -half) & (y <= 0) & ~leg(0.0)(x, y, z)

        return inside

    def head(less: float) -> Test:
        def inside(x: Points, y: Points, z: Points) -> Any:
            above = np.maximum(z - 86.85, 0) / (7.15 - less)
            return (x / (8 - less)) ** 2 + (y / (10 - less)) ** 2 + above**2 <= 1

        return inside

    breast = _pair(_ellipsoid(4.95, 4.35, 4.15, 10.0, -8.66, 52.0))
    breast_inside = _pair(_ellipsoid(4.95 - _SKIN, 4.35 - _SKIN, 4.15 - _SKIN, 10.0, -8.66, 52.0))
    yield R.SKIN, -80.0, 0.0, leg(0.0)
    yield R.MUSCLE, -80.0, 0.0, leg(_SKIN)
    yield R.SKIN, -4.8, 0.0, genitalia(0.0)
    yield R.MUSCLE, -4.6, 0.0, genitalia(_SKIN)
    yield R.SKIN, 47.85, 56.15, breast
    yield R.BREASTS, 48.05, 55.95, breast_inside
    yield R.SKIN, 0.0, _TRUNK_TOP, trunk
    yield R.MUSCLE, 0.0, _TRUNK_TOP, trunk_inside
    yield R.SKIN, _TRUNK_TOP, 94.0, head(0.0)
    yield R.HEAD_SOFT_TISSUE, _TRUNK_TOP, 93.8, head(_SKIN)


def _head_bones() -> Iterator[Solid]:
    yield (
        R.SKULL, 72.16, 82.4,
        lambda x, y, z: ((x / 7) ** 2 + (y / 9) ** 2 <= 1) & ((x / 5.6) ** 2 + (y / 7.6) ** 2 >= 1)
        & (y <= 0) & (z > 0),
    )  # fmt: skip
    yield R.UPPER_SPINE, 70.0, 80.54, lambda x, y, z: (x / 2) ** 2 + ((y - 5.5) / 2.5) ** 2 + 0 * z <= 1
    yield R.SKULL, 80.2, 93.5, _ellipsoid(7.5, 9.5, 6.62, 0, 0, 86.85)
    yield R.BRAIN, 81.1, 92.6, _ellipsoid(6.6, 8.6, 5.72, 0, 0, 86.85)

    def thyroid(x: Points, y: Points, z: Points) -> Any:
        radius2 = x**2 + (y + 4.0) ** 2
        up = z - _TRUNK_TOP
        low = (np.sqrt(2) - 2) / 2 * up / 1.25 + 1
        high = (2 - np.sqrt(2)) / 2 * up / 3.75 + (2 * np.sqrt(2) - 1) / 3
        tau = np.where(up <= 1.25, low, high)
        lobes = (radius2 <= 2.2**2) & (radius2 >= 1.0) & (y <= -4.0)
        return lobes & (((y + 4.0) - np.abs(x)) ** 2 >= 2 * radius2 * tau**2)

    yield R.THYROID, 70.0, 75.0, thyroid


def _trunk_bones() -> Iterator[Solid]:
    def spine(x: Points, y: Points, z: Points) -> Any:
        return (x / 2) ** 2 + ((y - 5.5) / 2.5) ** 2 + 0 * z <= 1

    def ribs(x: Points, y: Points, z: Points) -> Any:
        shell = ((x / 17) ** 2 + (y / 9.8) ** 2 <= 1) & ((x / 16.5) ** 2 + (y / 9.3) ** 2 >= 1)
        return shell & (np.floor((z - 35.1) / 1.4) % 2 == 0)

    def clavicles(x: Points, y: Points, z: Points) -> Any:
        forward = 11.1 - y
        tube = (z - 68.25) ** 2 + (20.0 - np.hypot(x, forward)) ** 2 <= 0.7883**2
        return tube & (forward >= 0.89415 * np.abs(x)) & (forward <= 7.0342 * np.abs(x))

    def scapulae(x: Points, y: Points, z: Points) -> Any:
        shell = ((x / 17) ** 2 + (y / 9.8) ** 2 > 1) & ((x / 19) ** 2 + (y / 9.8) ** 2 <= 1)
        return shell & (y > 0.25 * np.abs(x)) & (y < 0.8 * np.abs(x)) & (z > 0)

    def pelvis(x: Points, y: Points, z: Points) -> Any:
        shell = (x**2 + (y + 3) ** 2 <= 144) & (x**2 + (y + 3.8) ** 2 >= 11.3**2) & (y >= -3)
        return shell & ((y <= 5) | (z > 14))

    yield R.LOWER_SPINE, 22.0, 35.1, spine
    yield R.MIDDLE_SPINE, 35.1, 70.0, spine
    yield R.RIBS, 35.1, 67.3, ribs
    yield R.CLAVICLES, 67.4, 69.1, clavicles
    yield R.SCAPULAE, 50.9, 67.3, scapulae
    yield R.PELVIS, 0.0, 22.0, pelvis


def _limb_bones() -> Iterator[Solid]:
    def arm(x: Points, y: Points, z: Points) -> Any:
        taper = (69 + z) / 138
        return ((1.4 / 138 * (z - 69) + (x - 18.4)) / 1.4) ** 2 + (y / 2.7) ** 2 <= taper**2

    def leg(x: Points, y: Points, z: Points) -> Any:
        return (x - 10 - z / 10) ** 2 + y**2 <= (3.5 + z / 40) ** 2

    yield R.LOWER_ARM_BONES, 0.0, 52.6, _pair(arm)
    yield R.UPPER_ARM_BONES, 52.6, 69.0, _pair(arm)
    yield R.LOWER_LEG_BONES, -79.8, -22.8, _pair(leg)
    yield R.UPPER_LEG_BONES, -22.8, 0.0, _pair(leg)


def _chest() -> Iterator[Solid]:
    def right(x: Points, y: Points, z: Points) -> Any:
        return (x <= -5.4) | (y >= 1.5) | (z < 46.0) | (z > 54.0)

    def left(x: Points, y: Points, z: Points) -> Any:
        return (x >= 8.0) | (y >= 1.0) | (z > 55.0)

    yield R.LUNGS, 43.5, 67.5, _ellipsoid(5, 7.5, 24, -8.5, 0, 43.5, right)
    yield R.LUNGS, 43.5, 67.5, _ellipsoid(5, 7.5, 24, 8.5, 0, 43.5, left)
    yield R.THYMUS, 53.0, 61.0, _ellipsoid(1.5, 0.8, 4.0, 0, -7.3, 57.0)
    yield R.HEART_WALL, 40.0, 60.0, _heart(0.0, 0.0, 0.0)
    yield R.HEART_CONTENTS, 40.0, 60.0, _heart(1.3, 0.6, 0.3)


def _heart(left_wall: float, right_wall: float, atrial_wall: float) -> Test:
    """Return the heart without the walls of left ventricle, right ventricle and atria, of these thicknesses.

    Half ellipsoids back to back: ventricles where u > 0, atria where u < 0; right of either where w < 0.
    """

    def inside(x: Points, y: Points, z: Points) -> Any:
        dx, dy, dz = x - 1.0, y + 1.8, z - 50.0
        u = 0.6751 * dx - 0.4727 * dy - 0.5664 * dz
        v = -0.4640 * dx + 0.3249 * dy - 0.8241 * dz
        w = 0.5736 * dx + 0.8191 * dy

        def within(length: float, depth: float, wall: float) -> Any:
            return (u / (length - wall)) ** 2 + (v / (5.02 - wall)) ** 2 + (w / (depth - wall)) ** 2 <= 1

        left_ventricle = (u >= 0) & within(8.6, 3.1, left_wall)
        outside_left = ~within(8.6, 3.1, 0.0) if left_wall else True
        right_ventricle = (u >= 0) & (w <= 0) & within(8.6, 7.0, right_wall) & outside_left
        ventricles = left_ventricle | right_ventricle
        left_atrium = (u <= 0) & (w >= 0) & within(5.4, 3.1, atrial_wall)
        right_atrium = (u <= 0) & (w <= -atrial_wall) & within(5.4, 7.0, atrial_wall)
        return ventricles | left_atrium | right_atrium

    return inside


def _abdomen() -> Iterator[Solid]:
    def adrenal(x: Points, y: Points, z: Points) -> Any:
        turn = np.deg2rad(52.0)
        u = (x - 3.5) * np.cos(turn) + (y - 5.0) * np.sin(turn)
        v = -(x - 3.5) * np.sin(turn) + (y - 5.0) * np.cos(turn)
        return (u / 1.5) ** 2 + (v / 0.5) ** 2 + ((z - 38) / 5) ** 2 <= 1

    yield (
        R.LIVER, 27.0, 43.0,
        lambda x, y, z: ((x / 16.5) ** 2 + (y / 8) ** 2 <= 1) & (x / 35 + y / 45 - z / 43 <= -1),
    )  # fmt: skip
    yield R.GALL_BLADDER_WALL, 26.0, 40.0, _gall_bladder(2.12)
    yield R.GALL_BLADDER_CONTENTS, 26.0, 40.0, _gall_bladder(2.0)
    yield R.KIDNEYS, 27.0, 38.0, _pair(_ellipsoid(4.5, 1.5, 5.5, 6, 6, 32.5, lambda x, y, z: x >= 3))
    yield R.ADRENALS, 38.0, 43.0, _pair(adrenal)
    yield R.SPLEEN, 31.0, 43.0, _ellipsoid(3.5, 2.0, 6.0, 11, 3, 37)
    yield (
        R.PANCREAS, 33.7, 40.3,
        _ellipsoid(16, 1.2, 3.3, -0.72, 0, 37, lambda x, y, z: (x >= -0.72) & ((x <= 3.28) | (z >= 37))),
    )  # fmt: skip


def _gall_bladder(radius: float) -> Test:
    """Return a cone of 8 cm with a half ball on its wide end."""

    def inside(x: Points, y: Points, z: Points) -> Any:
        dx, dy, dz = x + 4.5, y + 3.2, z - 30.0
        u = 0.9615 * dx - 0.2748 * dz
        v = -0.0574 * dx + 0.9779 * dy - 0.2008 * dz
        w = 0.2687 * dx + 0.2090 * dy + 0.9403 * dz
        cone = (u**2 + v**2 <= (radius - 0.2275 * w) ** 2) & (w >= 0) & (w <= 8.0)
        return cone | ((w < 0) & (u**2 + v**2 + w**2 <= radius**2))

    return inside


def _gut() -> Iterator[Solid]:
    yield (
        R.SMALL_INTESTINE, 17.0, 27.0,
        lambda x, y, z: (x**2 + (y + 3.8) ** 2 <= 11.3**2) & (y >= -4.86) & (y <= 2.2) & (z > 0),
    )  # fmt: skip
    for region, wall in ((R.UPPER_COLON_WALL, 0.0), (R.UPPER_COLON_CONTENTS, 1.0)):
        yield region, 14.45, 24.0, _ascending(0.7085 * wall)
        yield region, 24.0, 27.0, _transverse(0.527 * wall)
    for region, wall in ((R.LOWER_COLON_WALL, 0.0), (R.LOWER_COLON_CONTENTS, 1.0)):
        yield region, 8.72, 24.0, _descending(0.54 * wall)
        yield region, 0.0, 8.72, _sigmoid(1.57 - 0.66 * wall)
    yield R.STOMACH_WALL, 27.0, 43.0, _ellipsoid(4, 3, 8, 8, -4, 35)
    yield R.STOMACH_CONTENTS, 27.0, 43.0, _ellipsoid(3.387, 2.387, 7.387, 8, -4, 35)


def _ascending(wall: float) -> Test:
    return lambda x, y, z: (x + 8.5) ** 2 + (y + 2.36) ** 2 + 0 * z <= (2.5 - wall) ** 2


def _transverse(wall: float) -> Test:
    return lambda x, y, z: (
        (((y + 2.36) / (2.5 - wall)) ** 2 + ((z - 25.5) / (1.5 - wall)) ** 2 <= 1) & (np.abs(x) <= 10.5)
    )


def _descending(wall: float) -> Test:
    def inside(x: Points, y: Points, z: Points) -> Any:
        middle_x = 9.4 + 0.7798 * (z - 24) / 15.28
        middle_y = 2.5 * (8.72 - z) / 15.28
        return ((x - middle_x) / (1.88 - wall)) ** 2 + ((y - middle_y) / (2.13 - wall)) ** 2 <= 1

    return inside


def _sigmoid(radius: float) -> Test:
    """Return two quarters of tori, one after the other."""

    def inside(x: Points, y: Points, z: Points) -> Any:
        upper = (np.hypot(x - 3, z - 8.72) - 5.72) ** 2 + y**2 <= radius**2
        lower = (np.hypot(x - 3, z) - 3.0) ** 2 + y**2 <= radius**2
        return (upper & (x >= 3) & (z <= 8.72)) | (lower & (x <= 3) & (z >= 0))

    return inside


def _pelvic() -> Iterator[Solid]:
    yield R.BLADDER_WALL, 4.5, 11.5, _ellipsoid(4.958, 3.458, 3.458, 0, -4.5, 8)
    yield R.BLADDER_CONTENTS, 4.5, 11.5, _ellipsoid(4.706, 3.206, 3.206, 0, -4.5, 8)
    yield R.UTERUS, 12.4, 15.6, _ellipsoid(2.62, 5.22, 1.57, 0, -2, 14, lambda x, y, z: y >= -4.62)
    yield R.OVARIES, 13.0, 17.0, _pair(_ellipsoid(1, 0.5, 2, 6, 0, 15))
    yield R.TESTES, -4.6, 0.0, _pair(_ellipsoid(1.3, 1.5, 2.3, 1.3, -8, -2.3))
