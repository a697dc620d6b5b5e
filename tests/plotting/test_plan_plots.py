import io

import numpy as np
import pytest
from matplotlib import _pylab_helpers
from matplotlib.image import imread

from tumorboard.errors import InputError
from tumorboard.plotting import DvhCurve, SpotMap, convergence_plot, dvh_plot, spot_maps

DOSES = np.linspace(0.0, 60.0, 61)
FALL = 100.0 - DOSES / 0.6
BLUE = (86, 190, 255)


def curve(name="lung", lowest=None, highest=None):
    return DvhCurve(name, DOSES, FALL, lowest, highest, BLUE)


def field(units=(1.0, 2.0), energies=(100.0, 120.0)):
    return SpotMap("field 1", energies, np.zeros((len(units), 2)), units)


def inked(png):
    """Share of the pixels that are not white."""
    return float((imread(io.BytesIO(png))[..., :3].min(axis=-1) < 0.97).mean())


def test_plots__are_the_same_bytes_each_time_and_leave_no_figure_behind():
    made = [
        lambda: dvh_plot([curve()], prescribed_gy=60.0),
        lambda: convergence_plot([1, 2, 3], [9.0, 3.0, 1.0], [0.1, 0.2, 0.3]),
        lambda: spot_maps([field(), field()]),
    ]
    for make in made:
        assert make() == make()
    assert not _pylab_helpers.Gcf.get_all_fig_managers()


def test_dvh_plot__a_band_covers_more_than_a_line():
    band = curve(lowest=np.clip(FALL - 20, 0, 100), highest=np.clip(FALL + 20, 0, 100))
    assert inked(dvh_plot([band], prescribed_gy=None)) > inked(dvh_plot([curve()], prescribed_gy=None)) + 0.03


def test_dvh_plot__names_from_files_are_text():
    assert dvh_plot([curve("$\\frac{"), curve("\u0000\U0001f9ea" * 60)], prescribed_gy=None)[1:4] == b"PNG"


def test_convergence_plot__takes_values_that_have_no_logarithm():
    assert convergence_plot([1, 2], [1.0, -1.0], [0.0, 0.0])[1:4] == b"PNG"
    assert convergence_plot([1], [1.0], [0.0])[1:4] == b"PNG"


def test_spot_maps__of_many_fields_and_of_one_energy():
    assert spot_maps([field(energies=(100.0, 100.0))] * 5)[1:4] == b"PNG"
    assert spot_maps([field(units=(0.0, 0.0))])[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dvh_plot([], prescribed_gy=None), "curves must be at least one"),
        (lambda: DvhCurve("a", [1.0, 1.0], [1.0, 1.0], None, None, BLUE), r"dose_gy of 'a' must ascend"),
        (lambda: DvhCurve("a", [0.0, 1.0], [101.0, 0.0], None, None, BLUE), "must be 0 to 100"),
        (lambda: DvhCurve("a", [0.0, 1.0], [100.0, 0.0], [0.0, 0.0], None, BLUE), "must have both edges"),
        (lambda: convergence_plot([1, 2], [1.0], [0.0]), "must have one shape"),
        (lambda: spot_maps([]), "maps must be at least one"),
        (lambda: SpotMap("a", [100.0], [[0.0, 0.0]], [1.0, 2.0]), r"positions_mm must have shape \(1, 2\)"),
    ],
)
def test_plots__say_what_is_wrong(make, message):
    with pytest.raises(InputError, match=message):
        make()
