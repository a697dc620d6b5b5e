import numpy as np
import pytest
from numba import njit

from tumorboard.errors import InputError
from tumorboard.numerics._kernels.random_streams import start_stream
from tumorboard.physics.materials import material
from tumorboard.physics.transport._kernels.proton_histories import beamlet_of
from tumorboard.physics.transport._kernels.proton_source import start_proton
from tumorboard.physics.transport.proton_source import ProtonBeamlets, Slab

PMMA = material("PMMA")


def beamlets(n=2, **changes):
    given = {
        "position_mm": np.zeros((n, 3)),
        "direction": np.tile([0.0, 1.0, 0.0], (n, 1)),
        "lateral_x": np.tile([1.0, 0.0, 0.0], (n, 1)),
        "lateral_y": np.tile([0.0, 0.0, 1.0], (n, 1)),
        "sigma_mm": np.full((n, 2), 3.0),
        "divergence_rad": np.full((n, 2), 0.002),
        "correlation": np.zeros((n, 2)),
        "energy_mev": np.full(n, 150.0),
        "energy_sigma_mev": np.full(n, 1.0),
        "weight": np.ones(n),
        "slab_index": np.full(n, -1),
    }
    return ProtonBeamlets(**(given | changes))


def slab(**changes):
    given = {"material": PMMA, "thickness_mm": 40.0, "entrance_mm": [0, -50.0, 0], "axis": [0, 1.0, 0]}
    return Slab(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"position_mm": np.zeros((3, 3))},
            r"position_mm must have one row per beamlet, \(2, 3\); got \(3, 3\)",
        ),
        ({"sigma_mm": np.zeros(2)}, r"sigma_mm must have one row per beamlet, \(2, 2\); got \(2,\)"),
        ({"energy_mev": np.array([1.0, np.nan])}, "energy_mev of beamlets must be finite"),
        ({"energy_mev": np.array([1.0, -1.0])}, "energy_mev of beamlets must be >= 0; got -1"),
        ({"weight": np.array([1.0, -1.0])}, "weight of beamlets must be >= 0; got -1"),
        ({"weight": np.zeros(2)}, "weight of beamlets must be > 0 for at least one"),
        ({"correlation": np.full((2, 2), 1.01)}, "correlation of beamlets must be -1 to 1; got 1.01"),
        ({"direction": np.tile([0, 2.0, 0], (2, 1))}, "direction of beamlets must be unit vectors"),
        ({"lateral_y": np.tile([0, 0, 0.9], (2, 1))}, "lateral_y of beamlets must be unit vectors"),
        ({"slab_index": np.array([0, -1])}, r"below the number of slabs \(0\); got -1 to 0"),
        ({"slab_index": np.array([-2, -1])}, "slab_index must be -1"),
    ],
)
def test_proton_beamlets__say_what_is_wrong(changes, said):
    with pytest.raises(InputError, match=said):
        beamlets(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"thickness_mm": 0.0}, r"thickness_mm of a slab must be > 0 \[mm\]"),
        ({"thickness_mm": np.inf}, "thickness_mm of a slab must be > 0"),
        ({"axis": [0, 1.0, 0.1]}, "axis of a slab must be a unit vector"),
    ],
)
def test_slab__says_what_is_wrong(changes, said):
    with pytest.raises(InputError, match=said):
        slab(**changes)


def test_digest__tells_sources_apart():
    every = [
        beamlets(),
        beamlets(n=1),
        beamlets(energy_mev=np.array([150.0, 151.0])),
        beamlets(slabs=(slab(),), slab_index=np.array([0, -1])),
        beamlets(slabs=(slab(thickness_mm=41.0),), slab_index=np.array([0, -1])),
        beamlets(slabs=(slab(material=material("polycarbonate")),), slab_index=np.array([0, -1])),
    ]
    assert len({b.digest for b in every}) == len(every)
    assert beamlets().digest == every[0].digest


@pytest.mark.parametrize("direction", [(0, 0, -3.0), (1.0, 1.0, 1.0), (0, 1e-9, 1.0)])
def test_pencil__has_orthonormal_axes(direction):
    found = ProtonBeamlets.pencil(
        energy_mev=100.0, position_mm=(1.0, 2.0, 3.0), direction=direction, sigma_mm=2.0
    )
    axes = np.stack([found.lateral_x[0], found.lateral_y[0], found.direction[0]])
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1.0)
    assert found.direction[0] == pytest.approx(np.array(direction) / np.linalg.norm(direction))


def test_pencil__needs_a_direction():
    with pytest.raises(InputError, match="direction"):
        ProtonBeamlets.pencil(
            energy_mev=100.0, position_mm=(0.0, 0.0, 0.0), direction=(0.0, 0.0, 0.0), sigma_mm=2.0
        )


@njit(nogil=True)
def drawn(row, count, out):
    rng = np.empty(2, np.uint64)
    for history in range(count):
        start_stream(rng, 1, history)
        start_proton(rng, row, out[history])


def test_start_proton__has_the_moments_of_its_phase_space():
    n = 200_000
    position, x, y, along = np.array([5.0, 6.0, 7.0]), [0, 0, 1.0], [1.0, 0, 0], [0, 1.0, 0]
    row = np.array([*position, *along, *x, *y, 3.0, 5.0, 0.004, 0.002, -0.6, 0.9, 150.0, 2.0])
    out = np.empty((n, 8))
    drawn(row, n, out)
    assert np.abs(np.linalg.norm(out[:, 3:6], axis=1) - 1).max() < 1e-12
    off = out[:, :3] - position
    assert np.abs(off[:, 1]).max() == 0.0
    slope = out[:, 3:6] / out[:, 4:5]
    # Lateral x is the grid's z, lateral y its x.
    for axis, sigma, divergence, correlation in ((2, 3.0, 0.004, -0.6), (0, 5.0, 0.002, 0.9)):
        at, to = off[:, axis], slope[:, axis]
        assert at.std() == pytest.approx(sigma, rel=5 / np.sqrt(2 * n))
        assert to.std() == pytest.approx(divergence, rel=5 / np.sqrt(2 * n))
        assert np.corrcoef(at, to)[0, 1] == pytest.approx(correlation, abs=5 / np.sqrt(n))
        assert abs(at.mean()) < 5 * sigma / np.sqrt(n)
    assert abs(np.corrcoef(off[:, 0], off[:, 2])[0, 1]) < 5 / np.sqrt(n)
    assert out[:, 6].mean() == pytest.approx(150.0, abs=5 * 2.0 / np.sqrt(n))
    assert out[:, 6].std() == pytest.approx(2.0, rel=5 / np.sqrt(2 * n))
    # Gauss, not anything of its width.
    assert ((out[:, 6] - 150.0) ** 4).mean() / 16.0 == pytest.approx(3.0, abs=5 * np.sqrt(96.0 / n))


def test_start_proton__without_widths_is_the_axis():
    row = np.array([5.0, 6, 7, 0.6, 0.8, 0, 0.8, -0.6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 150.0, 0])
    out = np.empty((3, 8))
    drawn(row, 3, out)
    assert out[:, :7] == pytest.approx(np.tile([5.0, 6, 7, 0.6, 0.8, 0, 150.0], (3, 1)))


def test_start_proton__energy_is_never_negative():
    row = np.array([0.0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1.0, 2.0])
    out = np.empty((2000, 8))
    drawn(row, 2000, out)
    assert out[:, 6].min() == 0.0


@njit(nogil=True)
def chosen(first, count, cumulative, hits):
    for history in range(first, first + count):
        hits[beamlet_of(history, cumulative)] += 1


@pytest.mark.parametrize("first", [0, 987_654_321])
def test_beamlet_of__keeps_to_the_weights_in_any_run_of_histories(first):
    weight = np.array([0.0, 5.0, 1.0, 0.0, 3.0, 0.01, 0.0])
    cumulative = np.cumsum(weight) / weight.sum()
    cumulative[-1] = 1.0
    hits = np.zeros(weight.size, np.int64)
    chosen(first, 100_000, cumulative, hits)
    assert hits.sum() == 100_000
    # Closer than chance: by a few histories, not by hundreds.
    assert np.abs(hits - 100_000 * weight / weight.sum()).max() < 20
    assert (hits[weight == 0] == 0).all()
