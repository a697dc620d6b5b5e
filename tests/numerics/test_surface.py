import csv
import math

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.errors import InputError
from tumorboard.numerics import surface_area_mm2
from tumorboard.numerics._marching_cubes import EDGES, loop_table
from tumorboard.provenance import Record


def image(values, spacing_mm=(1.0, 1.0, 1.0), quantity=Quantity.LABEL):
    grid = Grid(values.shape, spacing_mm, (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    return Image(values, grid, quantity, Record("test"))


def ball_fraction(radius_mm, spacing_mm, offset_mm):
    """Fraction of each voxel inside a ball, by 6 x 6 x 6 points a voxel."""
    spacing_mm = np.array(spacing_mm)
    shape = np.ceil(2 * radius_mm / spacing_mm + 5).astype(int)
    centre_mm = (shape - 1) / 2 * spacing_mm + offset_mm
    points_mm = np.indices(shape).reshape(3, -1).T * spacing_mm - centre_mm
    steps = (np.arange(6) + 0.5) / 6 - 0.5
    inside = np.zeros(len(points_mm), np.float32)
    for step in np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3):
        inside += ((points_mm + step * spacing_mm) ** 2).sum(axis=1) <= radius_mm**2
    return image((inside / 216).reshape(shape), spacing_mm, Quantity.FRACTION)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (3.0, 1.0, 1.0)])
def test_surface_area_mm2__of_fractions_converges_to_a_sphere(spacing_mm):
    rng = np.random.default_rng(1)
    for voxels, tolerance in ((5, 0.05), (10, 0.01), (20, 0.005)):
        ball = ball_fraction(float(voxels), np.array(spacing_mm), rng.random(3) - 0.5)
        assert surface_area_mm2(ball) == pytest.approx(4 * math.pi * voxels**2, rel=tolerance)


def test_surface_area_mm2__of_a_boolean_sphere_is_biased_as_documented():
    fraction = ball_fraction(20.0, (1.0, 1.0, 1.0), np.array([0.2, 0.3, 0.4]))
    ratio = surface_area_mm2(image(fraction.values >= 0.5)) / (4 * math.pi * 400)
    assert 1.07 < ratio < 1.09


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.1, 10))
def test_surface_area_mm2__ignores_turns_and_mirrors_and_grows_with_the_square(seed, scale):
    rng = np.random.default_rng(seed)
    values, spacing_mm = rng.random((5, 6, 7)) < 0.5, np.array([3.0, 2.0, 1.0])
    area_mm2 = surface_area_mm2(image(values, spacing_mm))
    turned = image(np.ascontiguousarray(values.transpose(2, 0, 1)[::-1]), spacing_mm[[2, 0, 1]])
    assert surface_area_mm2(turned) == pytest.approx(area_mm2, rel=1e-12)
    assert surface_area_mm2(image(values, scale * spacing_mm)) == pytest.approx(
        scale**2 * area_mm2, rel=1e-12
    )


def test_surface_area_mm2__is_the_same_for_any_number_of_threads():
    values = np.random.default_rng(0).random((9, 8, 7)).astype(np.float32)
    fraction = image(values, quantity=Quantity.FRACTION)
    assert surface_area_mm2(fraction, threads=1) == surface_area_mm2(fraction, threads=3)


def test_surface_area_mm2__of_one_voxel_is_an_octahedron_and_closes_at_the_border():
    assert surface_area_mm2(image(np.ones((1, 1, 1), bool))) == pytest.approx(math.sqrt(3), rel=1e-12)
    assert surface_area_mm2(image(np.zeros((3, 3, 3), bool))) == 0.0


# Reference values and tolerances: the IBSI's tables as handed out with its phantoms, column by name.
@pytest.mark.parametrize(
    ("folder", "table"),
    [("digital_phantom", "ibsi_1_dig_phantom.csv"), ("ct_phantom", "ibsi_1_chest_config_a.csv")],
)
def test_surface_area_mm2__meets_the_ibsi_reference(data_dir, folder, table):
    scan = nibabel.load(data_dir / "radiomics_ibsi" / folder / "mask" / "mask.nii.gz")
    mask = image(np.ascontiguousarray(np.asarray(scan.dataobj).T > 0), scan.header.get_zooms()[::-1])
    with (data_dir / "radiomics_ibsi" / table).open() as file:
        row = next(r for r in csv.reader(file, delimiter=";") if "morph_area_mesh" in r)
    numbers = [float(cell) for cell in row if cell.replace(".", "").isdigit()]
    assert surface_area_mm2(mask) == pytest.approx(numbers[0], abs=numbers[1])


def test_surface_area_mm2__says_what_is_wrong():
    with pytest.raises(InputError, match="mask must be a boolean LABEL or a FRACTION image"):
        surface_area_mm2(image(np.zeros((2, 2, 2)), quantity=Quantity.DOSE))
    values = np.ones((3, 3, 3), np.float32)
    values[1, 1, 1] = np.nan
    with pytest.raises(InputError, match="must hold no NaN"):
        surface_area_mm2(image(values, quantity=Quantity.FRACTION))
    with pytest.raises(InputError, match="threads must be >= 1; got 0"):
        surface_area_mm2(image(np.ones((3, 3, 3), bool)), threads=0)


def test_loop_table__uses_every_crossed_edge_once():
    for case, row in enumerate(loop_table().tolist()):
        crossed = {i for i, (a, b) in enumerate(EDGES) if (case >> a & 1) != (case >> b & 1)}
        used, at = [], 0
        while at < len(row) and row[at]:
            assert row[at] >= 3
            used += row[at + 1 : at + 1 + row[at]]
            at += row[at] + 1
        assert sorted(used) == sorted(crossed)
