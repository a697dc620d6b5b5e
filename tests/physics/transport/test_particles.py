import numpy as np
import pytest

from tumorboard.errors import InputError
from tumorboard.physics.transport.particles import ParticleKind, Particles


def particles(**changes):
    given = {
        "kind": np.array([ParticleKind.PHOTON, ParticleKind.PROTON]),
        "position_mm": np.zeros((2, 3)),
        "direction": np.array([[0.0, 0.6, 0.8], [1.0, 0.0, 0.0]]),
        "energy_mev": np.array([0.511, 0.0]),
        "history": np.array([4, 4]),
    }
    return Particles(**(given | changes))


def test_particles__keep_copies_of_their_types():
    given = np.array([0.5, 0.5])
    found = particles(energy_mev=given)
    given[:] = 3.0
    assert found.energy_mev.tolist() == [0.5, 0.5]
    assert not found.energy_mev.flags.writeable
    assert (found.kind.dtype, found.history.dtype) == (np.int8, np.int64)
    assert [ParticleKind(k).name for k in found.kind] == ["PHOTON", "PROTON"]


def test_particles__may_be_none():
    empty = particles(
        kind=np.zeros(0),
        position_mm=np.zeros((0, 3)),
        direction=np.zeros((0, 3)),
        energy_mev=np.zeros(0),
        history=np.zeros(0, int),
    )
    assert empty.energy_mev.size == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": np.zeros(3)}, "one kind, point, direction, history each"),
        ({"position_mm": np.zeros((2, 2))}, "one kind, point, direction, history each"),
        ({"energy_mev": np.array([1.0, -1e-9])}, r"energy_mev of particles must be finite and >= 0 \[MeV\]"),
        ({"energy_mev": np.array([1.0, np.nan])}, "energy_mev of particles must be finite"),
        ({"energy_mev": np.array([1.0, np.inf])}, "energy_mev of particles must be finite"),
        (
            {"direction": np.array([[0, 0, 1.0], [0, 0, 1.001]])},
            "direction of particles must be unit vectors",
        ),
        (
            {"direction": np.array([[0, 0, 1.0], [0, 0, np.nan]])},
            "direction of particles must be unit vectors",
        ),
        ({"history": np.array([4, 3])}, "history of particles must ascend"),
        ({"position_mm": np.array([[0, 0, 0], [0, np.nan, 0]])}, "position_mm of particles must be finite"),
    ],
)
def test_particles__say_what_is_wrong(changes, said):
    with pytest.raises(InputError, match=said):
        particles(**changes)
