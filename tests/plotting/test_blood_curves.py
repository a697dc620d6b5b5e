import io

import numpy as np
import pytest
from PIL import Image

from tumorboard.errors import InputError
from tumorboard.plotting.blood_curves import BloodLine, blood_curves
from tumorboard.plotting.kinetic_fit import REGION_COLOURS

TIMES = np.array([0.0, 30.0, 60.0, 600.0])


def line(name="plasma", values=(0.0, 9e3, 5e3, 1e3)):
    return BloodLine(name, "", TIMES, values, TIMES, values)


def colours_of(png):
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3)
    return {"#{:02x}{:02x}{:02x}".format(*p) for p in np.unique(pixels, axis=0)}


@pytest.mark.slow
def test_blood_curves__draws_each_line_in_its_colour():
    one = blood_curves([line()], early_s=60.0, scan_end_s=700.0)
    two = blood_curves([line(), line("blood", (0.0, 4e3, 4e3, 2e3))], early_s=60.0, scan_end_s=700.0)
    assert REGION_COLOURS[0] in colours_of(one)
    assert REGION_COLOURS[1] in colours_of(two) - colours_of(one)


def test_blood_curves__draws_zeros_and_names_with_signs():
    assert blood_curves([line("a_b $x$", (0.0,) * 4)], early_s=60.0, scan_end_s=700.0)[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("lines", "early", "message"),
    [([], 60.0, "lines must be 1 to 8; got 0"), ([line()], 0.0, "early_s must be > 0")],
)
def test_blood_curves__refuses_what_cannot_be_drawn(lines, early, message):
    with pytest.raises(InputError, match=message):
        blood_curves(lines, early_s=early, scan_end_s=700.0)


def test_blood_line__needs_a_value_for_each_time():
    with pytest.raises(InputError, match="times and values of 'plasma' must have one shape"):
        line(values=(1.0, 2.0))
