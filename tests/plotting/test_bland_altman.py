import io

import numpy as np
import pytest
from matplotlib import _pylab_helpers
from matplotlib.image import imread

from tumorboard.errors import InputError
from tumorboard.plotting import AgreementLine, bland_altman

FIRST = np.array([2.0, 3.0, 4.0, 5.0])
SECOND = np.array([2.2, 2.9, 4.3, 5.1])
LINES = {
    "bias": AgreementLine(0.1, -0.05, 0.25),
    "lower_limit": AgreementLine(-0.3, -0.5, -0.1),
    "upper_limit": AgreementLine(0.5, 0.3, 0.7),
}


def picture(**changes):
    return bland_altman(FIRST, SECOND, **{**LINES, "title": "VT", "unit": "mL/cm3"} | changes)


def dark(png):
    return (imread(io.BytesIO(png))[..., :3] < 0.2).all(axis=-1)


def test_bland_altman__is_the_same_bytes_each_time_and_leaves_no_figure_behind():
    assert picture() == picture()
    assert not _pylab_helpers.Gcf.get_all_fig_managers()


def test_bland_altman__wide_limits_stay_in_the_picture():
    wide = picture(upper_limit=AgreementLine(50.0, 40.0, 60.0))
    assert dark(wide).any()
    assert wide != picture()


def test_bland_altman__bad_input_is_refused():
    with pytest.raises(InputError, match="equally long"):
        bland_altman(FIRST, SECOND[:2], **LINES, title="VT", unit="1")
    with pytest.raises(InputError, match="must be finite"):
        picture(bias=AgreementLine(np.nan, 0.0, 0.0))
