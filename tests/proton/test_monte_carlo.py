from dataclasses import replace

import numpy as np
import pytest

from tumorboard.core import AXIAL, EnergyLayer, Grid, Image, IonBeam, IonPlan, Quantity
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.emission import Emission, EmissionMap, EmissionPer
from tumorboard.core.hu_curve import HuCurve
from tumorboard.errors import GridMismatch, InputError
from tumorboard.physics.hounsfield import relative_stopping_power, schneider2000
from tumorboard.physics.stopping_power import stopping_power_ratio
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.proton.emission_depth import emission_by_water_depth
from tumorboard.proton.generic_machine import generic_machine
from tumorboard.proton.monte_carlo import (
    monte_carlo_dose,
    patient_medium,
    plan_beamlets,
    prompt_gammas,
    reached_part,
)
from tumorboard.proton.pencil_beam_model import DepthModel, PencilBeamModel
from tumorboard.proton.plan_dose import plan_dose
from tumorboard.provenance import Record

MADE = Record("test")
GRID = Grid((31, 31, 50), (4.0, 4.0, 4.0), (-98.0, -60.0, -60.0), AXIAL, frame_of_reference="1.2.3")
FEW = BatchPlan(4000, 3, 1, batches=10)


def water(hu=0.0, grid=GRID):
    return Image(np.full(grid.shape, hu, np.float32), grid, Quantity.CT_NUMBER, MADE)


def medium_of(ct, grid=GRID):
    table = schneider2000()
    return patient_medium(ct, relative_stopping_power(ct, table), table, grid)


def plan(*, gantry=90.0, units=(1.0, 2.0), fractions=3, **more):
    machine = generic_machine()
    energy = float(machine.beam_model.nominal_energies_mev[12])
    layer = EnergyLayer(energy, [[0.0, 0.0], [8.0, -4.0]], units)
    field = IonBeam("field", BeamGeometry(gantry, 0.0, (60.0, 0.0, 0.0)), (layer,), **more)
    return IonPlan("test", machine.beam_model.name, (field,), fractions, MADE, "1.2.3")


@pytest.fixture(scope="module")
def both():
    """Dose of one plan by Monte Carlo and by pencil beams, in a box of water-like tissue."""
    ct, machine = water(), generic_machine()
    table = schneider2000()
    rsp = relative_stopping_power(ct, table)
    made = monte_carlo_dose(plan(), machine, medium_of(ct), replace(FEW, histories=20_000))
    model = PencilBeamModel(DepthModel.VOXELWISE, lateral_cutoff=1e-4)
    return made, plan_dose(plan(), machine, rsp, dose_grid=GRID, model=model, with_let=True)


def test_monte_carlo_dose__agrees_with_pencil_beams_where_these_are_exact(both):
    made, planned = both
    a, b = (d.values.sum(axis=(0, 1), dtype=np.float64) for d in (made.dose, planned.dose))
    # Pencil beams give the dose at the middle of a voxel, which in the peak is not its mean.
    before = slice(int(b.argmax()) + 1, None)
    np.testing.assert_allclose(a[before], b[before], rtol=0.03)
    np.testing.assert_allclose(a.sum(), b.sum(), rtol=0.015)


def test_monte_carlo_dose__let_is_that_of_the_kernels(both):
    made, planned = both
    high = planned.dose.values > 0.3 * planned.dose.values.max()
    high[..., : int(planned.dose.values.sum(axis=(0, 1)).argmax()) + 1] = False
    ours, kernels = made.dose_averaged_let.values[high], planned.let.values[high]
    assert high.any()
    assert float(np.mean(ours / kernels)) == pytest.approx(1.0, abs=0.05)


def test_monte_carlo_dose__has_all_fractions_and_the_energy_that_its_protons_left(both):
    made, _ = both
    machine = generic_machine()
    per_mu = machine.beam_model.spots[12].protons_per_mu
    assert made.protons == pytest.approx(3 * 3.0 * per_mu, rel=1e-12)
    joule = (made.dose_to_medium.values.astype(np.float64) * medium_of(water()).mass_g * 1e-3).sum()
    per_proton_mev = joule / 1.602176634e-13 / made.protons
    assert per_proton_mev == pytest.approx(made.balance.deposited_mev, rel=1e-5)


def test_monte_carlo_dose__emission_is_that_of_one_fraction(both):
    made, _ = both
    assert made.prompt_gammas.per is EmissionPer.DELIVERY
    band = made.prompt_gammas.spectrum[made.prompt_gammas.bins(3.0, 6.0)].sum()
    assert 0.01 < band / (made.protons / 3) < 0.05
    assert [m.nuclide for m in made.positron_emitters] == ["C-11", "N-13", "O-15"]


def test_monte_carlo_dose__a_turned_beam_brings_the_same_to_a_cube():
    cube = Grid((33, 33, 33), (4.0, 4.0, 4.0), (-64.0, -64.0, -64.0), AXIAL, frame_of_reference="1.2.3")
    medium = medium_of(water(grid=cube), cube)
    deposited = []
    for gantry in (90.0, 180.0):
        turned = plan(gantry=gantry)
        field = replace(turned.beams[0], geometry=BeamGeometry(gantry, 0.0, (0.0, 0.0, 0.0)))
        found = monte_carlo_dose(replace(turned, beams=(field,)), generic_machine(), medium, FEW)
        deposited.append(found.balance.deposited_mev)
    assert deposited[0] == pytest.approx(deposited[1], rel=0.01)


def test_monte_carlo_dose__range_shifter_shortens_the_range_by_its_thickness():
    medium, machine = medium_of(water()), generic_machine()
    profiles = []
    for more in ({}, {"range_shifter": "RS40", "range_shifter_distance_mm": 120.0}):
        found = monte_carlo_dose(plan(**more), machine, medium, FEW)
        profiles.append(found.dose.values.sum(axis=(0, 1))[::-1])
    ends = [np.interp(-0.5, -p[p.argmax() :] / p.max(), np.arange(p.argmax(), len(p))) for p in profiles]
    thickness = machine.beam_model.range_shifter("RS40").water_equivalent_thickness_mm
    tissue = float(relative_stopping_power(water(), schneider2000()).values[0, 0, 0])
    assert 4.0 * (ends[0] - ends[1]) == pytest.approx(thickness / tissue, abs=1.0)


def test_plan_beamlets__leaves_out_spots_without_monitor_units():
    machine = generic_machine()
    some = plan_beamlets(plan(units=(0.0, 2.0)), machine, GRID)
    assert some.weight.tolist() == [0.0, 3 * 2.0 * machine.beam_model.spots[12].protons_per_mu]
    with pytest.raises(InputError, match="monitor_units of a plan must be > 0 in one spot"):
        plan_beamlets(plan(units=(0.0, 0.0)), machine, GRID)


def test_plan_beamlets__refuses_another_frame():
    with pytest.raises(GridMismatch, match="plan and grid must have one frame of reference"):
        plan_beamlets(replace(plan(), frame_of_reference="9.9"), generic_machine(), GRID)


def test_reached_part__holds_the_axes_and_the_margin():
    start, stop = reached_part(plan(), generic_machine(), GRID, margin_mm=12.0)
    part = GRID.crop(start, stop)
    assert part.shape[2] == GRID.shape[2]  # all the way along x, as the beam goes
    corners = part.corners_mm
    # Spots at (0, 0) and (8, -4): a lateral beam's x is the patient's y, its y the patient's z.
    assert corners[:, 2].min() <= -4.0 - 12.0
    assert corners[:, 2].max() >= 12.0
    assert part.shape[0] < 0.5 * GRID.shape[0]


def test_reached_part__refuses_a_plan_beside_the_patient():
    field = replace(plan().beams[0], geometry=BeamGeometry(90.0, 0.0, (0.0, 0.0, 900.0)))
    with pytest.raises(InputError, match="spots of a plan must go through the grid"):
        reached_part(replace(plan(), beams=(field,)), generic_machine(), GRID, margin_mm=10.0)


def test_patient_medium__keeps_the_calibrations_density_in_whole_voxels():
    ct = water(hu=700.0)
    medium = medium_of(ct)
    table = schneider2000()
    dense = np.interp(700.0, table.density.ct_number_hu, table.density.values)
    np.testing.assert_allclose(medium.density_g_cm3, dense, rtol=1e-4)


def test_patient_medium__coarse_voxels_stop_protons_as_the_fine_ones_do():
    rng = np.random.default_rng(1)
    fine = GRID.with_spacing((2.0, 2.0, 2.0))
    ct = Image(rng.uniform(-900, 900, fine.shape).astype(np.float32), fine, Quantity.CT_NUMBER, MADE)
    rsp = relative_stopping_power(ct, schneider2000())
    medium = patient_medium(ct, rsp, schneider2000(), GRID)
    ratio = np.array([float(stopping_power_ratio(m, 100.0)) / m.density_g_cm3 for m in medium.materials])
    total = (ratio[medium.material_index] * medium.density_g_cm3).sum() * GRID.voxel_volume_ml
    assert total == pytest.approx(float(rsp.values.sum()) * fine.voxel_volume_ml, rel=1e-5)


def test_patient_medium__a_curve_of_stopping_power_is_met_exactly():
    curve = HuCurve("own", [-1000.0, 0.0, 1500.0], [0.001, 1.02, 1.9], Quantity.RELATIVE_STOPPING_POWER, MADE)
    ct = water(hu=300.0)
    rsp = relative_stopping_power(ct, curve)
    medium = patient_medium(ct, rsp, schneider2000(), GRID)
    tissue = medium.materials[medium.material_index[0, 0, 0]]
    per_density = float(stopping_power_ratio(tissue, 100.0)) / tissue.density_g_cm3
    np.testing.assert_allclose(medium.density_g_cm3 * per_density, rsp.values, rtol=1e-5)


def test_patient_medium__refuses_ct_numbers_as_stopping_powers():
    with pytest.raises(InputError, match="rsp must be an image of RELATIVE_STOPPING_POWER"):
        patient_medium(water(), water(), schneider2000(), GRID)


def test_emission_by_water_depth__falls_off_before_the_range_in_water_and_behind_lung():
    machine = generic_machine()
    reach = machine.kernels[12].range_mm
    falls = []
    for lung in (False, True):
        values = np.zeros(GRID.shape, np.float32)
        if lung:
            values[:, :, 42:47] = -750.0
        ct = Image(values, GRID, Quantity.CT_NUMBER, MADE)
        rsp = relative_stopping_power(ct, schneider2000())
        gammas, protons = prompt_gammas(plan(), machine, medium_of(ct), replace(FEW, histories=20_000))
        edges = np.arange(0.0, 120.0, 2.0)
        profile = emission_by_water_depth(
            gammas,
            plan().beams[0],
            rsp,
            edges,
            source_distance_mm=machine.beam_model.source_distance_mm,
            energy_mev=(3.0, 6.0),
        )
        band = gammas.spectrum[gammas.bins(3.0, 6.0)].sum()
        assert profile.sum() == pytest.approx(band, rel=0.02)
        last = np.flatnonzero(profile > 0.5 * profile.max())[-1]
        falls.append(edges[last + 1])
        assert protons > 0
    assert abs(falls[0] - falls[1]) <= 2.0
    assert reach - 8.0 < falls[0] < reach


def test_emission_by_water_depth__refuses_edges_that_do_not_ascend():
    flat = EmissionMap(np.ones((1, *GRID.shape)), GRID, Emission.PROMPT_GAMMA, MADE, energy_edges_mev=[3, 6])
    rsp = relative_stopping_power(water(), schneider2000())
    with pytest.raises(InputError, match="edges_mm must be two or more ascending"):
        emission_by_water_depth(flat, plan().beams[0], rsp, [3.0, 1.0], source_distance_mm=(2000.0, 1700.0))
