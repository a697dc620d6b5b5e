import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.physics.transport.photon_source import PhotonSource


def test_particles__go_anywhere_as_often():
    found = PhotonSource((0.1,), (1.0, 2.0, 3.0)).particles(0, 40_000, seed=1)
    assert np.abs(found.direction.mean(axis=0)).max() < 0.02
    assert (found.direction**2).mean(axis=0) == pytest.approx([1 / 3] * 3, abs=0.01)
    assert (found.position_mm == [1.0, 2.0, 3.0]).all()


def test_particles__lines_come_by_their_weights():
    found = PhotonSource((0.1, 0.2, 0.3), (0.0, 0.0, 0.0), weights=(1.0, 2.0, 5.0)).particles(
        0, 40_000, seed=1
    )
    parts = [(found.energy_mev == e).mean() for e in (0.1, 0.2, 0.3)]
    assert parts == pytest.approx([0.125, 0.25, 0.625], abs=0.01)


@given(first=st.integers(0, 1000), count=st.integers(1, 50), seed=st.integers(0, 2**40))
def test_particles__are_the_same_whoever_asks(first, count, seed):
    source = PhotonSource((0.1, 0.2), (0.0, 0.0, 0.0))
    whole = source.particles(0, first + count, seed=seed)
    part = source.particles(first, count, seed=seed)
    assert (whole.direction[first:] == part.direction).all()
    assert (whole.energy_mev[first:] == part.energy_mev).all()
    assert (whole.history[first:] == part.history).all()


def test_particles__of_a_beam_all_go_one_way():
    found = PhotonSource((0.1,), (0.0, 0.0, 0.0), direction=(0.0, 3.0, 4.0)).particles(5, 10, seed=1)
    assert found.direction == pytest.approx(np.tile([0.0, 0.6, 0.8], (10, 1)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"energies_mev": (511.0,)}, "are they keV"),
        ({"energies_mev": ()}, "energies_mev must be 0 to 20"),
        ({"position_mm": (0.0, np.nan, 0.0)}, "position_mm must be three finite numbers"),
        ({"direction": (0.0, 0.0, 0.0)}, "not all 0"),
        ({"weights": (1.0, 2.0)}, "weights must be one for each energy"),
    ],
)
def test_photon_source__refuses_what_cannot_be(changes, message):
    good = {"energies_mev": (0.1,), "position_mm": (0.0, 0.0, 0.0)}
    with pytest.raises(InputError, match=message):
        PhotonSource(**(good | changes))
