import numpy as np
import pytest

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics.hounsfield import density, material_index, schneider2000
from tumorboard.physics.materials import material
from tumorboard.physics.transport.medium import GY_G_PER_MEV, TransportMedium
from tumorboard.provenance import Record

WATER = material("water, liquid")
BONE = material("bone, cortical, ICRP")
SHAPE = (3, 4, 5)
GRID = Grid(SHAPE, (3.0, 2.0, 1.0), (10.0, 20.0, 30.0), AXIAL, frame_of_reference="1.2.3")


def turned_grid():
    """A grid whose axes are no patient axis, and whose spacings all differ."""
    a, b = np.deg2rad(20.0), np.deg2rad(-35.0)
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return Grid(
        SHAPE,
        (3.0, 2.0, 1.0),
        (10.0, 20.0, 30.0),
        about_z @ about_x @ np.array(AXIAL),
        frame_of_reference="1.2.3",
    )


def medium(**changes):
    given = {
        "grid": GRID,
        "density_g_cm3": np.ones(SHAPE),
        "material_index": np.zeros(SHAPE, int),
        "materials": (WATER, BONE),
    }
    return TransportMedium(**(given | changes))


def filled(value, dtype=float):
    array = np.zeros(SHAPE, dtype)
    array[1, 2, 3] = value
    return array


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"materials": ()}, r"materials must be 1 to 65535; got 0"),
        ({"density_g_cm3": np.ones((4, 4, 5))}, r"density_g_cm3 must have the grid's shape \(3, 4, 5\); got"),
        ({"material_index": np.zeros((3, 4), int)}, r"material_index must have the grid's shape"),
        ({"density_g_cm3": filled(1000.0)}, r"density_g_cm3 must be 0 to 25.*1000; was it kg/m3\?"),
        ({"density_g_cm3": filled(-1e-6)}, r"density_g_cm3 must be 0 to 25"),
        ({"density_g_cm3": filled(np.nan)}, r"density_g_cm3 must be 0 to 25"),
        ({"material_index": filled(2, int)}, r"must be below the number of materials \(2\); got 2"),
        ({"material_index": filled(-1, int)}, r"material_index must be integers >= 0; got int64, -1"),
        ({"material_index": filled(1.0)}, r"material_index must be integers >= 0; got float64"),
    ],
)
def test_transport_medium__says_what_is_wrong(changes, said):
    with pytest.raises(InputError, match=said):
        medium(**changes)


def test_transport_medium__keeps_copies_that_nobody_changes():
    given = np.ones(SHAPE)
    found = medium(density_g_cm3=given)
    given[:] = 9.0
    assert (found.density_g_cm3 == 1.0).all()
    with pytest.raises(ValueError, match="read-only"):
        found.density_g_cm3[0, 0, 0] = 2.0
    assert found.density_g_cm3.flags.c_contiguous
    assert found.density_g_cm3.dtype == np.float32
    assert found.material_index.dtype == np.uint16


def test_transport_medium__takes_arrays_in_any_order_of_memory():
    values = np.asfortranarray(np.arange(60.0).reshape(SHAPE) / 10.0)
    found = medium(density_g_cm3=values)
    assert found.density_g_cm3.reshape(-1)[1] == pytest.approx(0.1)


def test_homogeneous__has_the_materials_density():
    found = TransportMedium.homogeneous(GRID, BONE)
    assert found.materials == (BONE,)
    assert found.density_g_cm3 == pytest.approx(np.full(SHAPE, BONE.density_g_cm3))
    assert (found.material_index == 0).all()


def test_of_ct__has_the_densities_and_tissues_of_the_calibration():
    ct_values = np.linspace(-1000.0, 1500.0, 60).reshape(SHAPE).astype(np.float32)
    ct = Image(ct_values, GRID, Quantity.CT_NUMBER, Record("test", {}))
    table = schneider2000()
    found = TransportMedium.of_ct(ct, table)
    index, tissues = material_index(ct, table)
    assert (found.density_g_cm3 == density(ct, table).values).all()
    assert (found.material_index == index.values).all()
    assert found.materials == tissues
    assert found.grid is ct.grid


def test_digest__tells_media_apart():
    every = [
        medium(),
        medium(density_g_cm3=filled(0.5) + 1.0),
        medium(material_index=filled(1, int)),
        medium(materials=(WATER, WATER)),
        medium(grid=turned_grid()),
    ]
    assert len({m.digest for m in every}) == len(every)
    assert medium().digest == every[0].digest


@pytest.mark.parametrize("grid", [GRID, turned_grid()], ids=["axial", "tilted"])
def test_to_grid_axes__finds_voxels_and_keeps_lengths(grid):
    found = medium(grid=grid)
    index = np.array([[0, 0, 0], [2, 1, 4], [-0.5, -0.5, -0.5], [1.25, 3.5, 0.75]])
    direction = np.array([[0.6, 0.0, 0.8], [0, 0, 1], [1, 0, 0], [0.36, 0.48, 0.8]])
    points, directions = found.to_grid_axes(grid.index_to_patient(index), direction)
    expected = (index[:, ::-1] + 0.5) * grid.spacing_mm[::-1]
    assert points == pytest.approx(expected, abs=1e-9)
    assert np.linalg.norm(directions, axis=1) == pytest.approx(np.ones(4))
    # Along a direction from a point, the patient and the grid agree where one comes.
    later, _ = found.to_grid_axes(grid.index_to_patient(index) + 7.0 * direction, direction)
    assert later == pytest.approx(points + 7.0 * directions, abs=1e-9)


def test_to_grid_axes__array_axes_are_z_y_x():
    found = medium(grid=turned_grid())
    _, directions = found.to_grid_axes(np.zeros((3, 3)), found.grid.direction.T)
    assert directions == pytest.approx(np.eye(3)[::-1], abs=1e-12)
    assert found.spacing_xyz_mm.tolist() == [1.0, 2.0, 3.0]


def test_corner__is_half_a_voxel_before_the_first_centre():
    assert medium().corner_mm == pytest.approx(np.array([9.5, 19.0, 28.5]))


def test_mass_and_dose__of_one_mev_in_a_gram():
    found = medium(density_g_cm3=filled(2.0))
    assert found.mass_g[1, 2, 3] == pytest.approx(2.0 * 0.006)
    dose = found.dose_gy(np.ones(SHAPE))
    assert dose[1, 2, 3] == pytest.approx(1.602176634e-13 / (0.012e-3))
    # Nothing can be left in vacuum, and its dose is no NaN.
    assert (np.delete(dose.ravel(), 33) == 0).all()
    assert GY_G_PER_MEV == pytest.approx(1.602176634e-13 / 1e-3)


def test_transport_medium__takes_a_material_of_ones_own():
    own = Material("own", 1.0, ((1, 0.1119), (8, 0.8881)), 70.0)
    assert medium(materials=(own,)).materials[0].mean_excitation_energy_ev == 70.0
