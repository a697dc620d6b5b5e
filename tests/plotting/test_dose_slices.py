import io

import numpy as np
import pytest
from matplotlib.image import imread

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import GridMismatch, InputError
from tumorboard.plotting import Outline, dose_slices
from tumorboard.provenance import Record

MADE = Record("test.made")
GRID = Grid((20, 24, 24), (4.0, 4.0, 4.0), (-46.0, -46.0, -38.0), AXIAL, frame_of_reference="1.2.3")
CT = Image(np.zeros(GRID.shape, np.float32), GRID, Quantity.CT_NUMBER, MADE)


def dose(values):
    return Image(np.asarray(values, np.float32), GRID, Quantity.DOSE, MADE)


def ramp():
    """Rise along x from 0 to 60 Gy."""
    return dose(np.broadcast_to(np.linspace(0, 60, GRID.shape[2]), GRID.shape))


def drawn(image, **more):
    choices = {"point_mm": (0.0, 0.0, 0.0), "background_window": (-160.0, 240.0), "reference_gy": 60.0}
    return dose_slices(CT, image, **(choices | more))


def colours(png):
    """Share of the pixels that are not grey."""
    rgb = imread(io.BytesIO(png))[..., :3]
    return float((np.ptp(rgb, axis=-1) > 0.1).mean())


def test_dose_slices__are_the_same_bytes_each_time():
    assert drawn(ramp()) == drawn(ramp())


@pytest.mark.slow
def test_dose_slices__colour_only_what_has_the_first_isodose():
    none, half, whole = (
        drawn(dose(np.where(np.arange(24) >= first, 60.0, 0.0) * np.ones(GRID.shape)))
        for first in (24, 12, 0)
    )
    assert colours(none) < colours(half) < colours(whole)
    low = drawn(dose(np.full(GRID.shape, 5.9)))  # 10 % of 60 Gy is 6 Gy
    assert colours(low) == pytest.approx(colours(none), abs=1e-3)


def test_dose_slices__depend_on_the_reference_dose():
    assert drawn(ramp()) != drawn(ramp(), reference_gy=30.0)


def wash(gy):
    """The colour most of a uniform dose's picture has."""
    rgb = imread(io.BytesIO(drawn(dose(np.full(GRID.shape, gy)))))[..., :3].reshape(-1, 3)
    found, counts = np.unique(rgb[np.ptp(rgb, axis=-1) > 0.1], axis=0, return_counts=True)
    return found[counts.argmax()]


@pytest.mark.slow
def test_dose_slices__tell_apart_what_is_near_the_prescribed_dose():
    apart = [np.abs(wash(a) - wash(b)).max() for a, b in ((55.5, 58.5), (58.5, 62.0), (62.0, 66.0))]
    assert min(apart) > 0.05


def test_dose_slices__voxels_without_dose_stay_uncoloured():
    values = np.full(GRID.shape, 60.0)
    values[:, :, :12] = np.nan
    half = drawn(dose(values))
    assert colours(half) == pytest.approx(
        colours(drawn(dose(np.where(np.isnan(values), 0.0, values)))), abs=0.03
    )
    assert drawn(dose(np.full(GRID.shape, np.nan)))[1:4] == b"PNG"


def test_dose_slices__say_that_planes_are_oblique_and_what_dose_it_is():
    assert drawn(ramp()) != drawn(ramp(), dose_name="RBE-weighted dose")
    c, s = np.cos(0.3), np.sin(0.3)
    direction = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array(AXIAL)
    grid = Grid(GRID.shape, GRID.spacing_mm, GRID.origin_mm, direction, frame_of_reference="1.2.3")
    png = dose_slices(
        Image(CT.values, grid, Quantity.CT_NUMBER, MADE),
        Image(ramp().values, grid, Quantity.DOSE, MADE),
        point_mm=tuple(grid.index_to_patient([10, 12, 12])),
        background_window=(-160.0, 240.0),
        reference_gy=60.0,
    )
    title = np.s_[: imread(io.BytesIO(png)).shape[0] // 12]
    straight = imread(io.BytesIO(drawn(ramp(), point_mm=tuple(GRID.index_to_patient([10, 12, 12])))))
    assert imread(io.BytesIO(png))[title].sum() > straight[title].sum(), "more text above the planes"


def test_dose_slices__of_no_dose_and_of_one_dose_need_no_lines():
    for value in (0.0, 60.0):
        assert drawn(dose(np.full(GRID.shape, value)))[1:4] == b"PNG"


def test_dose_slices__hostile_names_are_text():
    mask = Image(np.ones(GRID.shape, bool), GRID, Quantity.LABEL, MADE)
    assert drawn(ramp(), outlines=[Outline("$\\frac{1}{", mask, (86, 190, 255))])[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"reference_gy": 0.0}, r"reference_gy must be finite and > 0 \[Gy\]; got 0.0"),
        ({"isodoses_percent": (50.0, 20.0)}, r"isodoses_percent must ascend"),
        ({"isodoses_percent": (95.0, 120.0)}, r"< 115 \[%\]"),
        ({"isodoses_percent": ()}, "isodoses_percent must ascend"),
        ({"point_mm": (999.0, 0.0, 0.0)}, "point_mm must lie inside"),
    ],
)
def test_dose_slices__say_what_is_wrong(more, message):
    with pytest.raises(InputError, match=message):
        drawn(ramp(), **more)


def test_dose_slices__refuse_another_quantity_and_another_grid():
    with pytest.raises(InputError, match="dose must be a DOSE image"):
        drawn(CT)
    other = Grid((20, 24, 24), (4, 4, 4), (0, 0, 0), AXIAL, frame_of_reference="1.2.3")
    with pytest.raises(GridMismatch, match="background and dose"):
        drawn(Image(np.zeros(other.shape), other, Quantity.DOSE, MADE))
