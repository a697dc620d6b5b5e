import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.plotting.number_format import format_number

SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def read_back(text):
    mantissa, _, power = text.replace("−", "-").partition(" × 10")
    return float(mantissa) * 10.0 ** int(power.translate(SUPERSCRIPTS) or 0)


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30).filter(
        lambda v: abs(v) > 1e-30
    ),
    st.integers(2, 6),
)
def test_format_number__is_within_half_a_unit_of_its_last_digit(value, digits):
    exponent = math.floor(math.log10(abs(value)))
    tolerance = 0.5 * 10.0 ** (exponent - digits + 1)
    assert abs(read_back(format_number(value, digits=digits)) - value) <= tolerance * (
        1 + 1e-9
    ) + 1e-15 * abs(value)


@given(st.integers())
def test_format_number__shows_whole_numbers_in_full(value):
    assert int(format_number(value).replace("−", "-")) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (float("nan"), "–"), (float("inf"), "∞"), (np.float32(9.9996), "10.00"), (-12.5, "−12.50")],
)
def test_format_number__reads_as_people_write(value, text):
    assert format_number(value) == text
