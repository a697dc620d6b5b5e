import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core.emission import Emission, EmissionMap, EmissionPer
from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Quantity
from tumorboard.errors import InputError
from tumorboard.provenance import Record

MADE = Record("test.made")
GRID = Grid((4, 5, 6), (3.0, 2.0, 2.0), (1.0, 1.0, 1.5), AXIAL, frame_of_reference="1.2.3")
VALUES = np.random.default_rng(1).random((2, *GRID.shape))


def gammas(values=VALUES, **more):
    choices = {"energy_edges_mev": [3.0, 4.0, 6.0]} | more
    return EmissionMap(values, GRID, Emission.PROMPT_GAMMA, MADE, **choices)


def oxygen(**more):
    return EmissionMap(VALUES[:1], GRID, Emission.POSITRON_EMITTER, MADE, **({"nuclide": "O-15"} | more))


def test_emission_map__spectrum_and_total_are_sums():
    assert gammas().spectrum == pytest.approx(VALUES.sum(axis=(1, 2, 3)))
    assert gammas().total == pytest.approx(VALUES.sum())


def test_emission_map__image_of_all_and_of_a_band():
    assert gammas().image().values == pytest.approx(VALUES.sum(axis=0))
    band = gammas().image(energy_mev=(4.0, 6.0))
    assert (band.values == VALUES[1]).all()
    assert band.quantity is Quantity.EMISSIONS_PER_PROTON
    assert band.quantity.is_extensive
    assert band.provenance.inputs == (MADE,)
    with pytest.raises(InputError, match="edges"):
        gammas().image(energy_mev=(3.5, 6.0))
    with pytest.raises(InputError, match="prompt gammas"):
        oxygen().image(energy_mev=(3.0, 6.0))


def test_emission_map__of_a_delivery_counts_all_protons():
    delivery = gammas(relative_uncertainty=np.full(VALUES.shape, 0.1)).delivered(1e9)
    assert delivery.total == pytest.approx(1e9 * VALUES.sum())
    assert delivery.per is EmissionPer.DELIVERY
    assert delivery.image().quantity is Quantity.EMISSIONS
    assert (delivery.relative_uncertainty == 0.1).all()
    with pytest.raises(InputError, match="per proton"):
        delivery.delivered(2.0)
    with pytest.raises(InputError, match="protons"):
        gammas().delivered(0.0)


@pytest.mark.parametrize("per", EmissionPer)
def test_emission_map__is_read_only_and_keeps_what_it_was_told(per):
    made = oxygen(per=per)
    assert made.per is per
    assert made.nuclide == "O-15"
    assert made.energy_edges_mev is None
    with pytest.raises(ValueError, match="read-only"):
        made.values[0, 0, 0, 0] = 1.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gammas(VALUES[0]), "shape"),
        (lambda: gammas(-VALUES), ">= 0"),
        (lambda: gammas(np.full_like(VALUES, np.nan)), "finite"),
        (lambda: gammas(energy_edges_mev=None), "energy_edges_mev"),
        (lambda: gammas(energy_edges_mev=[3.0, 6.0]), "energy_edges_mev"),
        (lambda: gammas(energy_edges_mev=[3.0, 3.0, 6.0]), "energy_edges_mev"),
        (lambda: gammas(nuclide="C-11"), "nuclide"),
        (lambda: oxygen(nuclide=None), "nuclide"),
        (lambda: oxygen(energy_edges_mev=[0.0, 1.0]), "one bin"),
        (lambda: gammas(relative_uncertainty=VALUES[0]), "relative_uncertainty"),
        (lambda: gammas(relative_uncertainty=-VALUES), "relative_uncertainty"),
    ],
)
def test_emission_map__refuses_what_does_not_fit(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_depth_profile__along_an_axis_is_the_sum_over_slices():
    edges = np.arange(7) * 2.0
    along_x = gammas().depth_profile((0.0, 9.0, 9.0), (3.0, 0.0, 0.0), edges)
    assert along_x == pytest.approx(VALUES.sum(axis=(0, 1, 2)))
    back = gammas().depth_profile((12.0, 0.0, 0.0), (-1.0, 0.0, 0.0), edges, energy_mev=(3.0, 4.0))
    assert back == pytest.approx(VALUES[0].sum(axis=(0, 1))[::-1])


def test_depth_profile__splits_a_voxel_evenly_and_ignores_what_is_outside():
    one = np.zeros((1, *GRID.shape))
    one[0, 1, 2, 3] = 6.0  # x from 6 to 8
    made = gammas(one, energy_edges_mev=[3.0, 6.0])
    assert made.depth_profile((0, 0, 0), (1, 0, 0), [0, 6.5, 7.0, 7.5]) == pytest.approx([1.5, 1.5, 1.5])


@given(st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1))
def test_depth_profile__keeps_the_sum_and_the_mean_depth_in_any_direction(direction):
    made, start = gammas(), (2.0, 3.0, 4.0)
    edges = np.linspace(-60, 60, 481)
    profile = made.depth_profile(start, direction, edges)
    assert profile.min() >= 0
    assert profile.sum() == pytest.approx(made.total)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), axis=-1)
    depth = (GRID.index_to_patient(index) - start) @ direction / np.linalg.norm(direction)
    mean = (depth * VALUES.sum(axis=0)).sum() / made.total
    centres = 0.5 * (edges[1:] + edges[:-1])
    assert (profile * centres).sum() / profile.sum() == pytest.approx(mean, abs=1e-2)


@pytest.mark.parametrize(
    ("direction", "edges"), [((0, 0, 0), [0, 1]), ((1, 0), [0, 1]), ((1, 0, 0), [1, 0]), ((1, 0, 0), [1])]
)
def test_depth_profile__refuses_what_makes_no_sense(direction, edges):
    with pytest.raises(InputError):
        gammas().depth_profile((0.0, 0.0, 0.0), direction, edges)
