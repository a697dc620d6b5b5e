import numpy as np
import pytest
import scipy.sparse

from tumorboard.core import Image, Quantity
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.plan import EnergyLayer, IonBeam, IonPlan
from tumorboard.errors import InputError
from tumorboard.numerics import threads_at_most
from tumorboard.proton import plan_dose as module
from tumorboard.proton.pencil_beam import dose_influence
from tumorboard.proton.pencil_beam_model import DepthModel, PencilBeamModel, SubBeams
from tumorboard.proton.plan_dose import plan_dose, spot_weights
from tumorboard.provenance import Record

pytestmark = pytest.mark.slow

RECORD = Record("test")
MODELS = {
    "voxelwise": PencilBeamModel(DepthModel.VOXELWISE, 0.002),
    "central": PencilBeamModel(DepthModel.CENTRAL_RAY, 0.002, dose_threshold=0.003),
    "split": PencilBeamModel(DepthModel.SUB_BEAMS, 0.002, sub_beams=SubBeams(3, 0.8)),
}


def make_plan(rng, n_fractions=3, frame=None):
    beams = []
    for name, gantry in (("a", 20.0), ("b", 250.0)):
        layers = tuple(
            EnergyLayer(e, rng.integers(-4, 5, (7, 2)) * 6.0, rng.uniform(0, 3, 7) * (rng.random(7) < 0.7))
            for e in (150.0, 120.0, 100.0)
        )
        more = {"range_shifter": "RS", "range_shifter_distance_mm": 150.0} if name == "b" else {}
        beams.append(IonBeam(name, BeamGeometry(gantry, 10.0, (2.0, 3.0, 4.0)), layers, **more))
    return IonPlan("plan", "plain", tuple(beams), n_fractions, RECORD, frame)


@pytest.fixture
def setup(plain_machine, grid_around, stopping_powers):
    ct, dose_grid = (
        grid_around((24, 30, 30), (6.0, 5.0, 5.0), seed=2),
        grid_around((20, 22, 24), (6.0, 5.0, 5.5)),
    )
    rsp = stopping_powers(ct, np.random.default_rng(0).uniform(0.5, 1.5, ct.shape))
    return plain_machine(), rsp, dose_grid


@pytest.mark.parametrize("name", MODELS)
def test_plan_dose__equals_the_influence_times_the_weights(setup, name, monkeypatch):
    machine, rsp, dose_grid = setup
    plan, model = make_plan(np.random.default_rng(1)), MODELS[name]
    # Small blocks, so that a plan takes many.
    monkeypatch.setattr(module, "_BLOCK", 20_000)
    forward = plan_dose(plan, machine, rsp, dose_grid=dose_grid, model=model, with_let=True)
    stored = dose_influence(
        plan.beams, rsp, machine, dose_grid=dose_grid, model=model, with_let=True, memory_limit_gb=1.0
    )
    weights = plan.n_fractions * spot_weights(plan, machine)
    shape = (forward.dose.values.size, stored.n_spots)
    dose, dose_let = (
        scipy.sparse.csc_array((v.astype(float), stored.voxels, stored.column_starts), shape=shape) @ weights
        for v in (stored.dose_gy, stored.dose_let_gy_kev_um)
    )
    np.testing.assert_allclose(forward.dose.values.ravel(), dose, rtol=2e-6, atol=1e-7 * dose.max())
    let = np.divide(dose_let, dose, out=np.zeros_like(dose), where=dose > 0)
    np.testing.assert_allclose(forward.let.values.ravel(), let, rtol=1e-5, atol=1e-5)
    parts = sum(image.values.astype(float) for image in forward.beam_doses)
    np.testing.assert_allclose(forward.dose.values, parts, rtol=2e-6, atol=1e-7 * dose.max())
    assert forward.dose.quantity is Quantity.DOSE
    assert forward.let.quantity is Quantity.LET


def test_plan_dose__is_linear_in_monitor_units_and_fractions(setup):
    machine, rsp, dose_grid = setup
    plan = make_plan(np.random.default_rng(3), n_fractions=2)
    beams = [
        IonBeam(
            b.name, b.geometry,
            [EnergyLayer(y.nominal_energy_mev, y.positions_mm, 2.0 * y.monitor_units) for y in b.layers],
            b.range_shifter, b.range_shifter_distance_mm,
        )
        for b in plan.beams
    ]  # fmt: skip
    double = IonPlan("double", "plain", tuple(beams), 3, RECORD)
    model = MODELS["voxelwise"]
    one, two = (
        plan_dose(p, machine, rsp, dose_grid=dose_grid, model=model, with_let=False) for p in (plan, double)
    )
    np.testing.assert_allclose(two.dose.values, 3.0 * one.dose.values, rtol=1e-6)
    assert one.let is None


def test_plan_dose__does_not_depend_on_the_number_of_threads(setup):
    machine, rsp, dose_grid = setup
    plan, model = make_plan(np.random.default_rng(4)), MODELS["voxelwise"]
    many = plan_dose(plan, machine, rsp, dose_grid=dose_grid, model=model, with_let=True)
    with threads_at_most(1):
        one = plan_dose(plan, machine, rsp, dose_grid=dose_grid, model=model, with_let=True)
    assert (many.dose.values == one.dose.values).all()
    assert (many.let.values == one.let.values).all()


def test_plan_dose__is_zero_outside_the_mask(setup):
    machine, rsp, dose_grid = setup
    plan, model = make_plan(np.random.default_rng(5)), MODELS["voxelwise"]
    inside = np.random.default_rng(6).random(dose_grid.shape) < 0.5
    mask = Image(inside, dose_grid, Quantity.LABEL, RECORD)
    whole = plan_dose(plan, machine, rsp, dose_grid=dose_grid, model=model, with_let=False)
    part = plan_dose(plan, machine, rsp, dose_grid=dose_grid, model=model, with_let=False, mask=mask)
    np.testing.assert_array_equal(part.dose.values, np.where(inside, whole.dose.values, 0))


def test_plan_dose__of_a_plan_without_monitor_units_is_zero(setup):
    machine, rsp, dose_grid = setup
    layer = EnergyLayer(100.0, np.zeros((2, 2)), np.zeros(2))
    plan = IonPlan("none", "plain", (IonBeam("a", BeamGeometry(0, 0, (0, 0, 0)), (layer,)),), 1, RECORD)
    found = plan_dose(plan, machine, rsp, dose_grid=dose_grid, model=MODELS["voxelwise"], with_let=True)
    assert not found.dose.values.any()
    assert not found.let.values.any()


def test_spot_weights__are_millions_of_protons(plain_machine):
    plan = make_plan(np.random.default_rng(7))
    units = np.concatenate([layer.monitor_units for beam in plan.beams for layer in beam.layers])
    np.testing.assert_allclose(spot_weights(plan, plain_machine(protons_per_mu=2.5e8)), 250.0 * units)


def test_spot_weights__refuse_a_machine_that_does_not_say_what_a_monitor_unit_is(plain_machine):
    with pytest.raises(InputError, match=r"protons_per_mu of 'plain' must be known.*at 100, 120, 150 MeV"):
        spot_weights(make_plan(np.random.default_rng(8)), plain_machine(protons_per_mu=None))


def test_plan_dose__refuses_another_frame_of_reference(setup):
    machine, rsp, dose_grid = setup
    plan = make_plan(np.random.default_rng(9), frame="7.7")
    with pytest.raises(InputError, match=r"one frame of reference; got 7.7 and 1.2.3"):
        plan_dose(plan, machine, rsp, dose_grid=dose_grid, model=MODELS["voxelwise"], with_let=False)
