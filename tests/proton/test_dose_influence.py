import numpy as np
import pytest
from pencil_cases import MODELS, NAMES, RECORD, VOXELWISE, beam_of, dose_of, influence

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.plan import EnergyLayer, IonBeam
from tumorboard.errors import GridMismatch, InputError
from tumorboard.numerics import threads_at_most
from tumorboard.proton.pencil_beam import estimate_dose_influence
from tumorboard.proton.pencil_beam_model import DepthModel, PencilBeamModel, SpotWidth, SubBeams

pytestmark = pytest.mark.slow


def test_dose_influence__keeps_the_order_of_the_plan_and_shares_rays(
    plain_machine, grid_around, stopping_powers
):
    machine = plain_machine()
    rsp = stopping_powers(grid_around((20, 30, 20), (5.0, 5.0, 5.0)))
    geometry = BeamGeometry(10, 0, (0, 0, 0))
    rng = np.random.default_rng(2)
    positions = rng.integers(-3, 4, (9, 2)) * 6.0
    layers = tuple(
        EnergyLayer(e, positions[n : n + 3], np.ones(3)) for n, e in ((0, 150.0), (3, 100.0), (6, 150.0))
    )
    # A position that is there twice in one energy keeps both its columns.
    layers = (*layers, EnergyLayer(100.0, positions[:1].repeat(2, axis=0), np.ones(2)))
    beams = [IonBeam("a", geometry, layers), beam_of(BeamGeometry(80, 5, (0, 0, 0)), (0, 6), 120.0)]
    together = influence(beams, rsp, machine, with_let=True)
    assert together.beam_of_spot.tolist() == [0] * 11 + [1]
    assert together.column_starts.dtype == np.int64
    column = 0
    for beam in beams:
        for layer in beam.layers:
            for position in layer.positions_mm:
                alone = influence(
                    [beam_of(beam.geometry, position, layer.nominal_energy_mev)], rsp, machine, with_let=True
                )
                mine = slice(together.column_starts[column], together.column_starts[column + 1])
                np.testing.assert_array_equal(together.voxels[mine], alone.voxels)
                np.testing.assert_allclose(together.dose_gy[mine], alone.dose_gy, rtol=1e-6)
                np.testing.assert_allclose(
                    together.dose_let_gy_kev_um[mine], alone.dose_let_gy_kev_um, rtol=1e-6
                )
                assert (np.diff(alone.voxels) > 0).all()
                column += 1


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_dose_influence__does_not_depend_on_the_number_of_threads(
    plain_machine, grid_around, stopping_powers, model
):
    machine = plain_machine()
    grid = grid_around((20, 24, 20), (5.0, 5.0, 5.0), seed=1)
    rsp = stopping_powers(grid, np.random.default_rng(3).uniform(0.8, 1.2, grid.shape))
    positions = np.stack(np.meshgrid(np.arange(-20.0, 21, 8), np.arange(-20.0, 21, 8)), axis=-1).reshape(
        -1, 2
    )
    beam = beam_of(BeamGeometry(33, 12, (0, 0, 0)), positions)
    many = influence([beam], rsp, machine, model, with_let=True)
    with threads_at_most(1):
        one = influence([beam], rsp, machine, model, with_let=True)
    for name in ("column_starts", "voxels", "dose_gy", "dose_let_gy_kev_um"):
        assert (getattr(many, name) == getattr(one, name)).all()


def test_dose_influence__threshold_drops_small_entries_and_says_how_much(
    plain_machine, grid_around, stopping_powers
):
    machine = plain_machine()
    rsp = stopping_powers(grid_around((30, 40, 30), (4.0, 4.0, 4.0)))
    beam = beam_of(BeamGeometry(0, 0, (0, 0, 0)), [(0, 0), (9, 3)])
    full = influence([beam], rsp, machine, with_let=True)
    model = PencilBeamModel(DepthModel.VOXELWISE, 1e-4, dose_threshold=0.01)
    less = influence([beam], rsp, machine, model, with_let=True)
    expected_lost = []
    for spot in range(2):
        column = dose_of(full, spot)
        kept = np.where(column >= np.float32(0.01) * np.float32(column.max()), column, 0.0)
        np.testing.assert_array_equal(dose_of(less, spot), kept)
        expected_lost.append(1 - kept.sum() / column.sum())
    stated = less.provenance.parameters
    assert stated["threshold_lost_fraction_mean"] == pytest.approx(np.mean(expected_lost), rel=1e-4)
    assert stated["threshold_lost_fraction_largest"] == pytest.approx(max(expected_lost), rel=1e-4)
    assert len(less.dose_let_gy_kev_um) == len(less.dose_gy) < len(full.dose_gy)


def test_dose_influence__mask_takes_voxels_away_and_changes_no_other(
    plain_machine, grid_around, stopping_powers
):
    machine = plain_machine()
    grid = grid_around((20, 30, 20), (5.0, 5.0, 5.0), seed=5)
    rsp = stopping_powers(grid)
    inside = np.random.default_rng(4).random(grid.shape) < 0.6
    mask = Image(inside, grid, Quantity.LABEL, RECORD)
    beam = beam_of(BeamGeometry(70, 10, (0, 0, 0)), (4, 4))
    for model in MODELS:
        whole = dose_of(influence([beam], rsp, machine, model))
        part = dose_of(influence([beam], rsp, machine, model, mask=mask))
        np.testing.assert_array_equal(part, np.where(inside, whole, 0.0))


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_dose_influence__on_disk_equals_that_in_memory(
    plain_machine, grid_around, stopping_powers, tmp_path, model
):
    machine = plain_machine()
    rsp = stopping_powers(grid_around((20, 30, 20), (5.0, 5.0, 5.0)))
    beam = beam_of(BeamGeometry(0, 0, (0, 0, 0)), [(0, 0), (9, 3)])
    here = influence([beam], rsp, machine, model, with_let=True)
    there = influence([beam], rsp, machine, model, with_let=True, memory_limit_gb=1e-5, folder=tmp_path)
    assert isinstance(there.dose_gy, np.memmap)
    for name in ("column_starts", "voxels", "dose_gy", "dose_let_gy_kev_um"):
        assert (getattr(here, name) == getattr(there, name)).all()
    assert [p.name[0] for p in tmp_path.iterdir()] != ["."]
    sizes = {p.name: p.stat().st_size for p in next(tmp_path.iterdir()).iterdir()}
    assert sizes.keys() == {"voxels.bin", "dose.bin", "dose_let.bin"}


def test_estimate_dose_influence__is_what_is_taken(plain_machine, grid_around, stopping_powers):
    machine = plain_machine()
    rsp = stopping_powers(grid_around((20, 30, 20), (5.0, 5.0, 5.0)))
    beam = beam_of(BeamGeometry(0, 0, (0, 0, 0)), [(0, 0), (9, 3)])
    for with_let in (False, True):
        result = influence([beam], rsp, machine, with_let=with_let)
        taken = sum(
            a.nbytes
            for a in (
                result.column_starts, result.voxels, result.dose_gy, result.dose_let_gy_kev_um,
                result.beam_of_spot,
            )
            if a is not None
        )  # fmt: skip
        assert taken == estimate_dose_influence(
            [beam], rsp, machine, dose_grid=rsp.grid, model=VOXELWISE, with_let=with_let
        )


def test_dose_influence__of_no_spots_is_empty(plain_machine, grid_around, stopping_powers):
    rsp = stopping_powers(grid_around((5, 5, 5), (5.0, 5.0, 5.0)))
    for model in MODELS:
        result = influence([IonBeam("none", BeamGeometry(0, 0, (0, 0, 0)), ())], rsp, plain_machine(), model)
        assert result.n_spots == 0
        assert result.column_starts.tolist() == [0]


def test_dose_influence__of_a_spot_that_misses_the_grid_is_zero(plain_machine, grid_around, stopping_powers):
    rsp = stopping_powers(grid_around((5, 5, 5), (5.0, 5.0, 5.0)))
    for model in MODELS:
        beam = beam_of(BeamGeometry(0, 0, (0, 0, 0)), [(0, 0), (400, 0)])
        result = influence([beam], rsp, plain_machine(), model)
        assert result.column_starts[2] == result.column_starts[1] > 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"quantity": Quantity.CT_NUMBER}, InputError, "RELATIVE_STOPPING_POWER.*got CT_NUMBER"),
        ({"values": -1000.0}, InputError, "below 30.*are they CT numbers"),
        ({"values": np.nan}, InputError, "finite"),
        ({"frame": "9.9"}, GridMismatch, "one frame of reference"),
        ({"energy": 121.0}, InputError, "got 121 MeV, the nearest is 120 MeV"),
        ({"memory_limit_gb": 1e-6}, InputError, "raise the limit, give a folder"),
        ({"memory_limit_gb": 0.0}, InputError, "memory_limit_gb must be finite and > 0"),
        ({"shifter": "RX"}, InputError, "must be one of RS; got 'RX'"),
    ],
)
def test_dose_influence__refuses_what_it_cannot_use(plain_machine, grid_around, change, error, message):
    grid = grid_around((8, 8, 8), (5.0, 5.0, 5.0))
    quantity = change.get("quantity", Quantity.RELATIVE_STOPPING_POWER)
    rsp = Image(np.full(grid.shape, change.get("values", 1.0)), grid, quantity, RECORD)
    dose_grid = Grid(
        grid.shape, grid.spacing_mm, grid.origin_mm, AXIAL, frame_of_reference=change.get("frame", "1.2.3")
    )
    more = {}
    if "shifter" in change:
        more = {"range_shifter": change["shifter"], "range_shifter_distance_mm": 10.0}
    beam = beam_of(BeamGeometry(0, 0, (0, 0, 0)), (0, 0), change.get("energy", 120.0), **more)
    with pytest.raises(error, match=message):
        influence(
            [beam],
            rsp,
            plain_machine(),
            dose_grid=dose_grid,
            memory_limit_gb=change.get("memory_limit_gb", 1.0),
        )


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"lateral_cutoff": 0.0}, "lateral_cutoff must be > 0"),
        ({"dose_threshold": 0.5}, "dose_threshold must be 0 to 0.1"),
        ({"sub_beams": SubBeams(5, 0.7)}, "sub_beams must be given with depth SUB_BEAMS"),
        ({"depth": DepthModel.SUB_BEAMS}, r"for instance SubBeams\(7, 0.6\)"),
        ({"spot_width": SpotWidth.AT_SURFACE}, "surface_rsp must be given"),
        ({"surface_rsp": 0.05}, "surface_rsp must be given"),
    ],
)
def test_pencil_beam_model__refuses_contradictions(settings_, message):
    with pytest.raises(InputError, match=message):
        PencilBeamModel(**({"depth": DepthModel.VOXELWISE, "lateral_cutoff": 0.005} | settings_))
