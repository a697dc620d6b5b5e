import io

import numpy as np
import pytest
from matplotlib.image import imread

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import GridMismatch, InputError
from tumorboard.plotting import EmissionCurve, MapColours, emission_profile, map_slices
from tumorboard.provenance import Record

MADE = Record("test.made")
GRID = Grid((20, 24, 24), (4.0, 4.0, 4.0), (-46.0, -46.0, -38.0), AXIAL, frame_of_reference="1.2.3")
CT = Image(np.zeros(GRID.shape, np.float32), GRID, Quantity.CT_NUMBER, MADE)


def differences(value, where=None):
    values = np.full(GRID.shape, value, np.float32)
    image = Image(values, GRID, Quantity.DOSE, MADE)
    return map_slices(
        CT,
        image,
        point_mm=(0.0, 0.0, 0.0),
        background_window=(-160.0, 240.0),
        overlay_window=(-6.0, 6.0),
        colours=MapColours.TWO_SIDED,
        overlay_name="Difference [Gy]",
        where=where,
    )


def middle(png):
    """Colour in the left panel, where no text stands."""
    rgb = imread(io.BytesIO(png))[..., :3]
    return rgb[rgb.shape[0] // 3, rgb.shape[1] // 9]


def test_map_slices__more_is_red_and_less_is_blue():
    more, less = middle(differences(5.0)), middle(differences(-5.0))
    assert more[0] > more[2] + 0.3
    assert less[2] > less[0] + 0.3


def test_map_slices__no_difference_leaves_the_ct_grey():
    rgb = middle(differences(0.0))
    assert np.ptp(rgb) < 0.02


@pytest.mark.slow
def test_map_slices__shows_nothing_elsewhere():
    nowhere = Image(np.zeros(GRID.shape, bool), GRID, Quantity.LABEL, MADE)
    np.testing.assert_allclose(middle(differences(5.0, where=nowhere)), middle(differences(0.0)), atol=0.01)


def test_map_slices__refuses_another_grid_and_a_window_upside_down():
    other = Image(np.zeros((4, 4, 4)), GRID.crop((0, 0, 0), (4, 4, 4)), Quantity.DOSE, MADE)
    about = {
        "point_mm": (0.0, 0.0, 0.0),
        "background_window": (-160.0, 240.0),
        "colours": MapColours.ONE_SIDED,
        "overlay_name": "x",
    }
    with pytest.raises(GridMismatch, match="background and overlay"):
        map_slices(CT, other, overlay_window=(0.0, 1.0), **about)
    with pytest.raises(InputError, match="window must be finite with low < high"):
        map_slices(CT, CT, overlay_window=(1.0, 0.0), **about)


def test_emission_profile__is_the_same_bytes_each_time_and_marks_the_fall_off():
    edges, values = np.arange(0.0, 11.0), np.linspace(1e-3, 2e-3, 10)

    def draw(falloff):
        curve = EmissionCurve("field $1$", edges, values, falloff)
        return emission_profile([curve], emission_name="Gammas", depth_name="Depth")

    assert draw(None) == draw(None)
    assert draw(None) != draw(8.0)


def test_emission_profile__draws_a_curve_of_nothing():
    nothing = EmissionCurve("none", [0.0, 1.0], [0.0], None)
    assert emission_profile([nothing], emission_name="Gammas", depth_name="Depth")[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("edges", "values", "said"),
    [
        ([0.0], [], "two or more, ascending"),
        ([0.0, 0.0], [1.0], "two or more, ascending"),
        ([0.0, 1.0], [1.0, 2.0], "one between each two edges"),
        ([0.0, 1.0], [-1.0], "finite, >= 0"),
    ],
)
def test_emission_curve__says_what_is_wrong(edges, values, said):
    with pytest.raises(InputError, match=said):
        EmissionCurve("a", edges, values, None)


def test_emission_profile__needs_a_curve():
    with pytest.raises(InputError, match="curves must be at least one"):
        emission_profile([], emission_name="Gammas", depth_name="Depth")
