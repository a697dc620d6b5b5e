import io

import numpy as np
import pytest
from matplotlib.image import imread

from tumorboard.core.emission import Emission, EmissionMap
from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import GridMismatch, InputError
from tumorboard.plotting import emission_overlay
from tumorboard.provenance import Record

MADE = Record("test.made")
GRID = Grid((20, 24, 24), (4.0, 4.0, 4.0), (-46.0, -46.0, -38.0), AXIAL, frame_of_reference="1.2.3")
CT = Image(np.zeros(GRID.shape, np.float32), GRID, Quantity.CT_NUMBER, MADE)
DOSE = Image(np.broadcast_to(np.linspace(0, 60, 24), GRID.shape), GRID, Quantity.DOSE, MADE)


def gammas(values):
    whole = np.broadcast_to(np.asarray(values, np.float64), GRID.shape)
    edges = [3.0, 6.0]
    return EmissionMap(whole[None], GRID, Emission.PROMPT_GAMMA, MADE, energy_edges_mev=edges)


RAMP = gammas(np.linspace(0, 1e-4, GRID.shape[2]))


def drawn(image, **more):
    choices = {"point_mm": (0.0, 0.0, 0.0), "background_window": (-160.0, 240.0), "emission_name": "Gammas"}
    return emission_overlay(CT, image, **(choices | more))


def coloured(png):
    """Share of the pixels that are not grey."""
    rgb = imread(io.BytesIO(png))[..., :3]
    return float((np.ptp(rgb, axis=-1) > 0.1).mean())


@pytest.mark.slow
def test_emission_overlay__are_the_same_bytes_each_time():
    assert drawn(RAMP.image()) == drawn(RAMP.image())


def test_emission_overlay__colours_only_where_something_is_emitted():
    none, half, whole = (
        coloured(drawn(gammas(np.where(np.arange(24) >= first, 1e-4, 0.0)).image(), highest_per_ml=1e-2))
        for first in (24, 12, 0)
    )
    assert none < half - 0.1 < whole - 0.2


@pytest.mark.slow
def test_emission_overlay__colours_depend_on_the_scale_and_not_on_the_delivery():
    assert drawn(RAMP.image()) != drawn(RAMP.image(), highest_per_ml=1e-2)
    per_proton, delivery = (coloured(drawn(made.image())) for made in (RAMP, RAMP.delivered(1e9)))
    assert per_proton == pytest.approx(delivery, abs=0.01)


def test_emission_overlay__draws_isodoses():
    assert drawn(RAMP.image(), dose=DOSE, isodose_gy=(20.0, 40.0)) != drawn(RAMP.image())


def test_emission_overlay__nothing_emitted_is_a_picture_too():
    assert drawn(gammas(0.0).image())[1:4] == b"PNG"


@pytest.mark.parametrize(
    "more",
    [
        {"highest_per_ml": 0.0},
        {"dose": CT, "isodose_gy": (1.0,)},
        {"dose": DOSE},
        {"isodose_gy": (1.0,)},
        {"dose": DOSE, "isodose_gy": (2.0, 1.0)},
        {"point_mm": (500.0, 0.0, 0.0)},
    ],
)
def test_emission_overlay__refuses_what_makes_no_sense(more):
    with pytest.raises(InputError):
        drawn(RAMP.image(), **more)


def test_emission_overlay__refuses_another_quantity_and_another_grid():
    with pytest.raises(InputError, match="EMISSIONS"):
        drawn(DOSE)
    other = Grid(GRID.shape, (4.0, 4.0, 4.1), GRID.origin_mm, AXIAL, frame_of_reference="1.2.3")
    with pytest.raises(GridMismatch):
        drawn(Image(np.zeros(GRID.shape), other, Quantity.EMISSIONS, MADE))
