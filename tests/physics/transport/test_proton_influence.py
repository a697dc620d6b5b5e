import numpy as np
import pytest
from proton_runs import follow, grid_of, pencil

from tumorboard.errors import InputError
from tumorboard.physics.materials import material
from tumorboard.physics.transport._kernels import proton_data as data
from tumorboard.physics.transport.medium import GY_G_PER_MEV, TransportMedium
from tumorboard.physics.transport.proton_influence import proton_influence
from tumorboard.physics.transport.proton_source import ProtonBeamlets

WATER = material("water, liquid")
MEDIUM = TransportMedium.homogeneous(grid_of((20, 40, 20), (2.0, 2.0, 2.0)), WATER)


def beams(energies, x_mm):
    one = pencil(70.0, sigma_mm=2.0)
    n = len(energies)
    fields = {
        name: np.repeat(getattr(one, name), n, axis=0)
        for name in ProtonBeamlets.__dataclass_fields__
        if name not in ("slabs", "position_mm", "energy_mev")
    }
    position = np.array([[x, -50.0, 0.0] for x in x_mm])
    return ProtonBeamlets(position_mm=position, energy_mev=np.array(energies), **fields)


def influence(source, **changes):
    given = {"histories_per_beamlet": 500, "seed": 1, "threads": 1, "least_share": 0.0, "with_let": True}
    return proton_influence(MEDIUM, source, **(given | changes))


def column_of(found, b):
    dose = np.zeros(MEDIUM.grid.shape).ravel()
    part = slice(found.starts[b], found.starts[b + 1])
    dose[found.voxels[part]] = found.dose_gy[part]
    return dose.reshape(MEDIUM.grid.shape)


@pytest.fixture(scope="module")
def twelve():
    energies, x_mm = np.linspace(40.0, 90.0, 12), np.linspace(-10.0, 10.0, 12)
    return beams(energies, x_mm), influence(beams(energies, x_mm))


def test_proton_influence__threads_do_not_change_a_bit(twelve):
    source, found = twelve
    again = influence(source, threads=2)
    assert (again.starts == found.starts).all()
    assert (again.voxels == found.voxels).all()
    assert (again.dose_gy == found.dose_gy).all()
    assert (again.let_kev_um == found.let_kev_um).all()


def test_proton_influence__a_column_is_what_its_beamlet_does_alone(twelve):
    source, found = twelve
    for b in (0, 7, 11):
        alone = follow(
            MEDIUM,
            beams([source.energy_mev[b]], [source.position_mm[b, 0]]),
            500,
            first=500 * b,
        )
        energy = column_of(found, b) * MEDIUM.mass_g / GY_G_PER_MEV
        np.testing.assert_allclose(energy, alone.energy, rtol=1e-5, atol=1e-12)
        part = slice(found.starts[b], found.starts[b + 1])
        tally = alone.tally.reshape(-1, data.COLUMNS)[found.voxels[part]]
        protons = tally[:, data.OF_PROTONS] > 0
        let = tally[protons, data.ENERGY_LET] / tally[protons, data.OF_PROTONS]
        np.testing.assert_allclose(found.let_kev_um[part][protons], let, rtol=1e-5)
        assert (found.let_kev_um[part][~protons] == 0).all()


def test_proton_influence__columns_hold_ascending_voxels(twelve):
    _, found = twelve
    assert found.starts[0] == 0
    assert found.starts[-1] == found.voxels.size == found.dose_gy.size == found.let_kev_um.size
    for b in range(12):
        assert (np.diff(found.voxels[found.starts[b] : found.starts[b + 1]]) > 0).all()
    assert not found.dose_gy.flags.writeable


def test_proton_influence__leaves_out_what_is_little_and_nothing_else(twelve):
    source, every = twelve
    some = influence(source, least_share=0.01, with_let=False)
    assert some.let_kev_um is None
    for b in range(12):
        whole, kept = column_of(every, b), column_of(some, b)
        high = whole >= 0.0101 * whole.max()
        assert (kept[high] == whole[high]).all()
        assert (kept[whole < 0.0099 * whole.max()] == 0).all()
        assert kept.sum() > 0.85 * whole.sum()


def test_proton_influence__beamlets_that_miss_have_empty_columns():
    found = influence(beams([70.0, 70.0, 70.0], [0.0, 500.0, 5.0]))
    assert found.starts[1] == found.starts[2]
    assert found.starts[1] > 0
    assert found.starts[3] > found.starts[2]


def test_proton_influence__progress_tells_beamlets(twelve):
    seen = []
    influence(twelve[0], histories_per_beamlet=1, progress=lambda _w, done, total: seen.append((done, total)))
    assert seen[-1] == (12, 12)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"histories_per_beamlet": 0}, "histories_per_beamlet must be >= 1; got 0"),
        ({"seed": -1}, "seed must be >= 0"),
        ({"threads": 0}, "threads must be >= 1"),
        ({"least_share": 1.0}, "least_share must be 0 to less than 1"),
        ({"least_share": np.nan}, "least_share must be 0 to less than 1"),
    ],
)
def test_proton_influence__says_what_is_wrong(changes, said):
    with pytest.raises(InputError, match=said):
        influence(beams([70.0], [0.0]), **changes)


def test_proton_influence__says_when_all_miss():
    with pytest.raises(InputError, match="source must meet the medium"):
        influence(beams([70.0], [500.0]))
