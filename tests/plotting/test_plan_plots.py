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


def pixels(png):
    return imread(io.BytesIO(png))[..., :3]


def plot(*curves, prescribed_gy=None):
    return pixels(dvh_plot(curves, prescribed_gy=prescribed_gy))


def rim(png, width=3):
    """The outermost pixels of each side."""
    rgb = pixels(png)
    return np.concatenate(
        [part.reshape(-1, 3) for part in (rgb[:width], rgb[-width:], rgb[:, :width], rgb[:, -width:])]
    )


@pytest.mark.slow
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


def columns_of_band(first_gy, last_gy):
    """First and last column of pixels that a band between two doses colours."""
    wide = ((DOSES >= first_gy) & (DOSES <= last_gy)) * 20.0
    band = plot(curve(lowest=np.clip(FALL - wide, 0, 100), highest=np.clip(FALL + wide, 0, 100)))
    none = plot(curve(lowest=FALL, highest=FALL))
    columns = np.flatnonzero((np.abs(band - none).max(axis=-1) > 0.05).any(axis=0))
    return columns[0], columns[-1]


def test_dvh_plot__a_band_lies_at_its_doses():
    (left, middle), (middle_again, right) = columns_of_band(10.0, 30.0), columns_of_band(31.0, 51.0)
    assert right - middle_again == pytest.approx(middle - left, abs=2)
    per_gy = (middle - left) / 22.0  # the edges slope over half a step to either side, each seen in part
    assert middle_again - left == pytest.approx(21.0 * per_gy, abs=per_gy)


def dashed_columns(rgb):
    """Columns of pixels with a grey, broken line from foot to head: neither the frame, the grid nor text."""
    grey = (np.ptp(rgb, axis=-1) < 0.03) & (rgb.max(axis=-1) < 0.75)
    share = grey.sum(axis=0) / grey.sum(axis=0).max()
    return np.flatnonzero((share > 0.3) & (share < 0.9))


def test_dvh_plot__a_prescribed_dose_beyond_the_histogram_is_in_the_plot():
    assert dashed_columns(plot(curve())).size == 0
    for prescribed_gy in (50.0, 90.0):
        assert dashed_columns(plot(curve(), prescribed_gy=prescribed_gy)).size > 0


def test_dvh_plot__names_a_structure_whatever_its_first_letter():
    assert not np.array_equal(plot(curve("_a")), plot(curve("_b")))


def test_dvh_plot__nothing_is_cut_off_at_the_rim():
    for curves in ([curve("W" * 60)], [curve(f"structure {i}") for i in range(70)]):
        assert (rim(dvh_plot(curves, prescribed_gy=60.0)) == 1.0).all()


def test_dvh_plot__tells_apart_curves_of_one_colour():
    def blue(*curves):
        """Pixels of the colour in which BLUE is drawn."""
        return (np.abs(plot(*curves) - 0.78 * np.array(BLUE) / 255).max(axis=-1) < 0.02).sum()

    below = DvhCurve("b", DOSES, FALL / 2, None, None, BLUE)
    other = DvhCurve("a", DOSES, FALL, None, None, (255, 120, 80))
    assert blue(curve(), below) < 0.9 * (blue(curve("a")) + blue(other, below)), "the second one is dashed"


def test_dvh_plot__names_from_files_are_text():
    assert dvh_plot([curve("$\\frac{"), curve("\u0000\U0001f9ea" * 60)], prescribed_gy=None)[1:4] == b"PNG"


def test_convergence_plot__takes_values_that_have_no_logarithm():
    assert convergence_plot([1, 2], [1.0, -1.0], [0.0, 0.0])[1:4] == b"PNG"
    assert convergence_plot([1], [1.0], [0.0])[1:4] == b"PNG"


def test_convergence_plot__shows_a_single_iteration():
    blue = np.array([0x0B, 0x5C, 0x8A]) / 255
    close = np.abs(pixels(convergence_plot([1], [2.0], [1.0])) - blue).max(axis=-1) < 0.02
    assert close.sum() > 10


def test_spot_maps__do_not_depend_on_the_order_of_spots():
    rng = np.random.default_rng(5)
    energies = np.repeat([100.0, 110.0, 120.0], 9)
    places = np.tile(np.stack(np.meshgrid([-5.0, 0, 5], [-5.0, 0, 5]), -1).reshape(-1, 2), (3, 1))
    units = rng.integers(1, 64, 27) / 8.0  # sums of these are exact
    turned = rng.permutation(27)
    assert spot_maps([SpotMap("a", energies, places, units)]) == spot_maps(
        [SpotMap("a", energies[turned], places[turned], units[turned])]
    )


def coloured_centre(png):
    """Column and row, in shares of the map's, of what is coloured in the upper 60 % of the picture."""
    rgb = pixels(png)[: int(0.6 * len(pixels(png)))]
    rows, columns = np.nonzero(np.ptp(rgb, axis=-1) > 0.2)
    return columns.mean() / rgb.shape[1], rows.mean() / rgb.shape[0]


def test_spot_maps__x_is_to_the_right_and_y_is_up():
    (left, low), (right, high) = (
        coloured_centre(spot_maps([SpotMap("a", [100.0, 100.0], [place, [-20, -20]], [8.0, 0.0])]))
        for place in ([-20.0, -20.0], [20.0, 20.0])
    )
    assert left < right
    assert high < low, "rows of pixels count from the top"


def test_spot_maps__the_area_of_a_bubble_is_the_monitor_units():
    def areas(units):
        """Coloured pixels at the left and at the right half of the map."""
        rgb = pixels(spot_maps([SpotMap("a", [100.0, 100.0], [[-20, 0], [20, 0]], units)]))
        seen = np.ptp(rgb[: int(0.6 * len(rgb))], axis=-1) > 0.2
        columns = np.flatnonzero(seen.any(axis=0))
        middle = (columns[0] + columns[-1]) // 2
        return seen[:, :middle].sum(), seen[:, middle:].sum()

    few, many = areas([1.0, 4.0])
    assert many == pytest.approx(4.0 * few, rel=0.25)  # pixels and white rims


def test_spot_maps__spots_of_all_layers_at_one_place_are_one_bubble():
    split = SpotMap(
        "a", [90.0, 110.0, 100.0, 90.0, 110.0], [[0, 0]] * 2 + [[9, 9]] + [[-9, 9]] * 2, [1, 1, 2, 2, 0]
    )
    whole = SpotMap("a", [100.0, 100.0, 90.0, 110.0], [[0, 0], [9, 9], [-9, 9], [-9, 9]], [2, 2, 2, 0])
    maps = [pixels(spot_maps([m])) for m in (split, whole)]
    top = int(0.6 * len(maps[0]))
    np.testing.assert_array_equal(maps[0][:top], maps[1][:top])


def test_spot_maps__nothing_is_cut_off_at_the_rim():
    for n in (1, 2, 4):
        assert (rim(spot_maps([field(units=(1000.0, 2000.0))] * n)) == 1.0).all()


@pytest.mark.slow
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
        (lambda: DvhCurve("a", [0.0, np.nan], [9.0, 0.0], None, None, BLUE), "must ascend from >= 0"),
        (lambda: DvhCurve("a", [-1.0, 1.0], [9.0, 0.0], None, None, BLUE), "must ascend from >= 0"),
        (lambda: DvhCurve("a", [0, 1], [9, 0], [9, 0], [8, 0], BLUE), r"<= highest_percent .*more at 0 Gy"),
        (lambda: dvh_plot([curve()], prescribed_gy=np.nan), r"prescribed_gy must be finite and > 0 \[Gy\]"),
        (lambda: convergence_plot([1, 2], [np.nan, 1.0], [0, 1]), "must be finite; got 1 iterations"),
        (lambda: field(units=(1.0, -2.0)), r"monitor_units of 'field 1' must be finite and >= 0; got .*-2"),
        (lambda: field(energies=(0.0, 100.0)), r"energy_mev of 'field 1' must be finite and > 0 \[MeV\]"),
        (lambda: SpotMap("a", [100.0], [[np.nan, 0]], [1.0]), r"positions_mm of 'a' must be finite \[mm\]"),
        (lambda: SpotMap("a", 100.0, [[0.0, 0.0]], [1.0]), "n >= 1, in 'a'; got"),
        (lambda: spot_maps([]), "maps must be at least one"),
        (lambda: SpotMap("a", [100.0], [[0.0, 0.0]], [1.0, 2.0]), r"positions_mm must have shape \(1, 2\)"),
    ],
)
def test_plots__say_what_is_wrong(make, message):
    with pytest.raises(InputError, match=message):
        make()
