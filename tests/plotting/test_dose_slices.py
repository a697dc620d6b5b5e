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
