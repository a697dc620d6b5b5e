import numpy as np
import pytest

from tumorboard.core.hu_curve import HuCurve
from tumorboard.core.image import Quantity
from tumorboard.errors import InputError
from tumorboard.provenance import Record

RSP = Quantity.RELATIVE_STOPPING_POWER


def curve(hu, values, quantity=RSP):
    return HuCurve("mine", np.array(hu, dtype=float), np.array(values, dtype=float), quantity, Record("test"))


def test_hu_curve__keeps_a_copy_that_nobody_can_change():
    hu = np.array([-1000.0, 0.0])
    made = HuCurve("mine", hu, np.array([0.0, 1.0]), RSP, Record("test"))
    hu[0] = 5.0
    assert made.ct_number_hu.tolist() == [-1000.0, 0.0]
    with pytest.raises(ValueError, match="read-only"):
        made.values[0] = 1.0


def test_hu_curve__may_have_a_step():
    assert curve([-1000, 0, 0, 100], [0.0, 0.9, 1.0, 1.1]).values.size == 4


@pytest.mark.parametrize(
    ("hu", "values", "quantity", "message"),
    [
        ([0, -1], [0, 1], RSP, r"must ascend.*\[HU\]"),
        ([0], [1], RSP, "two or more points"),
        ([0, 1, 2], [1, 1], RSP, "a value each"),
        ([0, np.nan], [1, 1], RSP, "must"),
        ([0, 1], [1, -0.1], RSP, "values >= 0"),
        ([0, 1], [1, np.inf], RSP, "finite"),
        ([0, 1], [1, 1], Quantity.DOSE, "DENSITY or RELATIVE_STOPPING_POWER"),
    ],
)
def test_hu_curve__refuses_what_is_no_calibration(hu, values, quantity, message):
    with pytest.raises(InputError, match=message):
        curve(hu, values, quantity)
