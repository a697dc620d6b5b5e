import io

import numpy as np
import pytest
from matplotlib import _pylab_helpers
from matplotlib.image import imread

from tumorboard.errors import InputError
from tumorboard.plotting import FittedCurve, GraphicalLine, graphical_plot, kinetic_fit

MID_S = np.arange(60.0, 5400.0, 300.0)
MEASURED = 1e4 * np.exp(-MID_S / 3000.0)
BLUE = np.array([0x0B, 0x5C, 0x8A]) / 255.0


def curve(name="thalamus", fitted=MEASURED, weights=None):
    weights = np.ones(len(MID_S)) if weights is None else weights
    return FittedCurve(name, "VT 3.3 ± 0.1 mL/cm3", MID_S, MEASURED, fitted, weights)


def line(name="thalamus", y=None):
    x = np.arange(1.0, 21.0)
    return GraphicalLine(name, "", x, 3.0 * x - 5.0 if y is None else y, x > 10, 3.0, -5.0)


def blue(png):
    rgb = imread(io.BytesIO(png))[..., :3]
    return np.abs(rgb - BLUE).max(axis=-1) < 0.1


def plotted(lines):
    return graphical_plot(lines, title="Logan", x_label="x [min]", y_label="y [min]")


def test_kinetic_plots__are_the_same_bytes_each_time_and_leave_no_figure_behind():
    for make in (lambda: kinetic_fit([curve()], model="MA1"), lambda: plotted([line()])):
        assert make() == make()
    assert not _pylab_helpers.Gcf.get_all_fig_managers()


def test_kinetic_fit__frames_left_out_are_open_circles():
    weights = np.where(MID_S > 2700, 1.0, 0.0)
    whole = blue(kinetic_fit([curve()], model="MA1"))
    half = blue(
        kinetic_fit([curve(fitted=np.where(weights > 0, MEASURED, np.nan), weights=weights)], model="MA1")
    )
    assert 0 < half.sum() < whole.sum()


def test_kinetic_fit__residuals_are_seen_below():
    height = blue(kinetic_fit([curve()], model="MA1")).shape[0]
    good = blue(kinetic_fit([curve()], model="MA1"))[int(0.68 * height) :]
    wavy = blue(kinetic_fit([curve(fitted=MEASURED + 500 * np.sin(MID_S / 300.0))], model="MA1"))
    rows = np.flatnonzero(wavy[int(0.68 * height) :].any(axis=1))
    assert np.ptp(rows) > 5 * np.ptp(np.flatnonzero(good.any(axis=1)))


def test_graphical_plot__points_far_away_do_not_shrink_the_rest():
    far = line(y=np.where(np.arange(20) == 0, 1e6, 3.0 * np.arange(1.0, 21.0) - 5.0))
    # The line is where it was; only the note of a point outside is new, and no circle of the first point.
    near, also = blue(plotted([line()])), blue(plotted([far]))
    assert (near ^ also).mean() < 1e-3


def test_kinetic_plots__names_from_a_file_are_not_mathematics():
    png = plotted([line(name="$\\frac{x}$ \x07 region")])
    assert png[1:4] == b"PNG"
    assert kinetic_fit([curve(name="$x_1$")], model="a $\\model")[1:4] == b"PNG"


def test_kinetic_plots__bad_input_is_an_error():
    with pytest.raises(InputError, match="curves must be 1 to 8; got 0"):
        kinetic_fit([], model="MA1")
    with pytest.raises(InputError, match="lines must be 1 to 8; got 9"):
        plotted([line()] * 9)
    with pytest.raises(InputError, match="one shape"):
        FittedCurve("a", "", MID_S, MEASURED[:-1], MEASURED, np.ones(len(MID_S)))
    with pytest.raises(InputError, match="must hold a finite point"):
        GraphicalLine("a", "", [1.0], [np.nan], [True], 1.0, 0.0)
    with pytest.raises(InputError, match="one shape"):
        GraphicalLine("a", "", [1.0], [1.0, 2.0], [True], 1.0, 0.0)
