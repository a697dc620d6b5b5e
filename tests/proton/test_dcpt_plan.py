from dataclasses import replace

import dcpt_plan as dcpt
import numpy as np
import pytest

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.io.dicom.read_ion_plan import read_ion_plan
from tumorboard.io.machines.dcpt import read_dcpt_beam_model
from tumorboard.proton.machine import build_machine
from tumorboard.proton.pencil_beam_model import DepthModel, PencilBeamModel
from tumorboard.proton.plan_dose import plan_dose, spot_weights
from tumorboard.provenance import Record

pytestmark = pytest.mark.slow

#: Centre of the detector plate along the beam [mm].
GEOMETRIES = {"geoA_SOBPcent": 0.0, "geoB_SOBP95": 50.0, "geoC_SOBP74": 52.0}
Z_MM = np.arange(-102.45, 102.5, 0.1)


@pytest.fixture(scope="module")
def folder(data_dir):
    found = data_dir / "proton" / "dcpt_plan01"
    if not found.is_dir():
        pytest.skip(f"no DCPT plan in {data_dir}")
    return found


@pytest.fixture(scope="module")
def profiles(folder):
    spots = dcpt.read_spots(folder / "plan01_sobp" / "spotlist_BMv2_c7_field01.dat")
    return {
        name: dcpt.narrow_profile(folder, spots, dcpt.phantom(detector), Z_MM)
        for name, detector in GEOMETRIES.items()
    }


def scored(folder, code, geometry, name):
    return dcpt.scored(folder / "results" / code / f"plan01_field01_{geometry}", name)


def in_bins(values):
    """Return the mean in bins of 1 mm."""
    return values[: len(values) // 10 * 10].reshape(-1, 10).mean(axis=1)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("code", ["sh12a", "openshieldhit"])
def test_narrow_profile__is_that_of_monte_carlo(folder, profiles, code, geometry):
    z, theirs = scored(folder, code, geometry, "NB_Z_narrow_dose_water_p1.dat")
    ours, _ = profiles[geometry]
    sobp = (z > -20) & (z < 20)
    level = theirs[sobp].mean()
    own = in_bins(ours)[:205][sobp].mean()
    r80 = dcpt.distal_mm(Z_MM, ours, 0.8 * own), dcpt.distal_mm(z, theirs, 0.8 * level)
    assert abs(r80[0] - r80[1]) <= 0.5
    # Dose per proton, nothing scaled, in 15 steps up to the edge: the two codes differ by 1 %.
    before = z < 45
    ratio = np.array([c.mean() for c in np.array_split(in_bins(ours)[:205][before] / theirs[before], 15)])
    assert np.abs(ratio / ratio.mean() - 1).max() < 0.015
    assert abs(ratio.mean() - 1) < (0.015 if code == "sh12a" else 0.02)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_narrow_profile__is_near_mcnps_dose_to_material(folder, profiles, geometry):
    z, theirs = scored(folder, "mcnp", geometry, "depth_Z.DOSE.all.mat")
    ratio = dcpt.SOLID_WATER.density_g_cm3 / float(dcpt.stopping_power_ratio(dcpt.SOLID_WATER, 100.0))
    ours, _ = profiles[geometry]
    sobp = (z > -20) & (z < 20) & (np.abs(z - GEOMETRIES[geometry]) > 4)
    level, own = theirs[sobp].mean(), in_bins(ours)[:205][sobp].mean()
    r80 = dcpt.distal_mm(Z_MM, ours, 0.8 * own), dcpt.distal_mm(z, theirs, 0.8 * level)
    assert abs(r80[0] - r80[1]) <= 0.5
    assert own / (level * ratio) == pytest.approx(1, abs=0.025)


@pytest.mark.parametrize("code", ["sh12a", "openshieldhit"])
def test_narrow_profile__let_is_that_of_monte_carlo(folder, profiles, code):
    z, theirs = scored(folder, code, "geoB_SOBP95", "NB_Z_narrow_LET_water_p3.dat")
    _, let = profiles["geoB_SOBP95"]
    ours, theirs = in_bins(let)[:205], 0.1 * theirs
    for low, high, tolerance in ((-90, -50, 0.12), (-50, 40, 0.08), (40, 56, 0.08)):
        part = (z > low) & (z < high)
        assert ours[part].mean() == pytest.approx(theirs[part].mean(), rel=tolerance)


def test_narrow_profile__density_moves_the_edge_as_it_must(folder):
    spots = dcpt.read_spots(folder / "plan01_sobp" / "spotlist_BMv2_c7_field01.dat")
    spots = spots[spots[:, 0] > 149]
    edges = []
    for density in (1.018, 1.032):
        solid = replace(dcpt.SOLID_WATER, density_g_cm3=density)
        dose, _ = dcpt.narrow_profile(folder, spots, dcpt.phantom(0.0, solid_water=solid), Z_MM)
        edges.append(dcpt.distal_mm(Z_MM, dose, 0.8 * dose.max()))
    # The lighter one lets the beam through 150 mm of it 150 mm * 1.4 % farther.
    assert edges[0] - edges[1] == pytest.approx(150 * (1.032 / 1.018 - 1), rel=0.05)


def test_plan_dose__of_the_clinics_plan_is_that_of_the_slabs(folder, profiles):
    plan = read_ion_plan(folder / "plan01_sobp" / "RN.1.2.246.352.71.5.37402163639.178319.20221207095327.dcm")
    model = read_dcpt_beam_model(
        folder / "dcpt_beam_model" / "DCPT_beam_model__v2.csv", source_distance_mm=dcpt.SOURCES_MM
    )
    machine = build_machine(model, {layer.nominal_energy_mev for layer in plan.beams[0].layers})
    slabs = dcpt.phantom(GEOMETRIES["geoA_SOBPcent"])
    # The beam travels to the back of the patient, +y; slabs end between voxels.
    y_mm = np.arange(-499.75, 103.0, 0.5)
    ratio = np.zeros_like(y_mm)
    for slab in slabs:
        inside = (y_mm > slab.start_mm) & (y_mm < slab.end_mm)
        ratio[inside] = float(dcpt.stopping_power_ratio(slab.material, dcpt.RATIO_AT_MEV))
    made = Record("tests.slabs")

    def grid(shape, spacing, origin):
        return Grid(shape, spacing, origin, AXIAL, frame_of_reference=plan.frame_of_reference)

    wide = np.ascontiguousarray(np.broadcast_to(ratio.astype(np.float32)[None, :, None], (4, y_mm.size, 4)))
    rsp = Image(
        wide,
        grid(wide.shape, (100.0, 0.5, 100.0), (-150.0, y_mm[0], -150.0)),
        Quantity.RELATIVE_STOPPING_POWER,
        made,
    )
    dose_grid = grid((10, 205, 10), (2.0, 1.0, 2.0), (-9.0, -102.0, -9.0))
    result = plan_dose(
        plan,
        machine,
        rsp,
        dose_grid=dose_grid,
        model=PencilBeamModel(DepthModel.VOXELWISE, lateral_cutoff=1e-4),
        with_let=True,
    )
    protons = 1e6 * spot_weights(plan, machine).sum() * plan.n_fractions
    spots = dcpt.read_spots(folder / "plan01_sobp" / "spotlist_BMv2_c7_field01.dat")
    assert protons == pytest.approx(spots[:, 4].sum(), rel=1e-5)
    # MeV/g in Gy.
    ours = result.dose.values.mean(axis=(0, 2)) / protons / 1.602176634e-10
    dose, let = (in_bins(values)[:205] for values in profiles["geoA_SOBPcent"])
    before = slice(1, 150)
    assert ours[before] == pytest.approx(dose[before], rel=0.005)
    assert result.let.values.mean(axis=(0, 2))[before] == pytest.approx(let[before], rel=0.02)
