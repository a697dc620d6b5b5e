import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tumorboard.core import AXIAL, CORNER_TOLERANCE_MM, Grid, grid_difference, require_same_grid
from tumorboard.errors import GridMismatch, InputError


@st.composite
def grids(draw):
    """Any oblique grid, either handedness."""
    size = st.integers(1, 40)
    spacing = st.floats(0.3, 6.0)
    turn = Rotation.from_rotvec(draw(st.tuples(*[st.floats(-3, 3)] * 3))).as_matrix()
    order = np.eye(3)[:, draw(st.permutations([0, 1, 2]))]
    return Grid(
        draw(st.tuples(size, size, size)),
        draw(st.tuples(spacing, spacing, spacing)),
        draw(st.tuples(*[st.floats(-500, 500)] * 3)),
        turn @ order,
        frame_of_reference="1.2.3",
    )


@given(grid=grids(), index=st.tuples(*[st.floats(-50, 50)] * 3))
def test_index_to_patient__and_back(grid, index):
    np.testing.assert_allclose(grid.patient_to_index(grid.index_to_patient(index)), index, atol=1e-8)


@given(grid=grids(), index=st.tuples(*[st.integers(0, 40)] * 3))
def test_affine__agrees_with_index_to_patient(grid, index):
    np.testing.assert_allclose((grid.affine @ [*index, 1])[:3], grid.index_to_patient(index), atol=1e-9)


@given(grid=grids())
def test_voxel_volume__is_the_determinant(grid):
    assert abs(np.linalg.det(grid.affine[:3, :3])) * 1e-3 == pytest.approx(grid.voxel_volume_ml, rel=1e-9)


@given(grid=grids())
def test_to_dict__round_trips_exactly(grid):
    again = Grid.from_dict(grid.to_dict())
    assert grid_difference(grid, again) is None
    np.testing.assert_array_equal(again.affine, grid.affine)


@given(grid=grids(), shift_mm=st.floats(0.0, 0.1))
def test_grid_difference__is_the_farthest_corner_against_the_tolerance(grid, shift_mm):
    assume(abs(shift_mm - CORNER_TOLERANCE_MM) > 1e-9)
    moved = Grid(
        grid.shape,
        grid.spacing_mm,
        grid.origin_mm + np.array([0, shift_mm, 0]),
        grid.direction,
        frame_of_reference=grid.frame_of_reference,
    )
    assert (grid_difference(grid, moved) is None) == (shift_mm < CORNER_TOLERANCE_MM)


def axial(**changes):
    values = {
        "shape": (3, 4, 5),
        "spacing_mm": (3.0, 1.0, 1.0),
        "origin_mm": (0.0, 0.0, 0.0),
        "direction": AXIAL,
        "frame_of_reference": "1.2.3",
    }
    values |= changes
    return Grid(**values)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"frame_of_reference": "1.2.4"}, "frames of reference 1.2.3 and 1.2.4"),
        ({"shape": (3, 4, 6)}, "shapes"),
        ({"spacing_mm": (3.0, 1.0, 1.01)}, "corner"),
        ({"direction": np.array(AXIAL)[::-1]}, "corner"),
    ],
)
def test_require_same_grid__says_what_differs(change, word):
    with pytest.raises(GridMismatch, match=word):
        require_same_grid(axial(), axial(**change), what="PET and mask")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": (0, 4, 5)}, r"shape must be three whole numbers >= 1"),
        ({"shape": (1.5, 4, 5)}, r"shape must be three whole numbers"),
        ({"spacing_mm": (3.0, -1.0, 1.0)}, r"spacing_mm must be > 0 \[mm\]"),
        ({"origin_mm": (math.nan, 0, 0)}, r"origin_mm must be three finite numbers \[mm\]"),
        ({"direction": np.eye(3) + 0.01}, r"direction must have orthonormal columns"),
        ({"frame_of_reference": ""}, r"frame_of_reference must be a DICOM UID"),
    ],
)
def test_grid__says_what_is_wrong(change, message):
    with pytest.raises(InputError, match=message):
        axial(**change)


def test_grid__is_frozen():
    grid = axial()
    with pytest.raises(AttributeError):
        grid.shape = (1, 1, 1)
    with pytest.raises(ValueError, match="read-only"):
        grid.origin_mm[0] = 1.0


@given(grid=grids())
def test_crop__keeps_points_in_place(grid):
    start = [n // 3 for n in grid.shape]
    stop = [max(n // 3 + 1, n - 1) for n in grid.shape]
    cropped = grid.crop(start, stop)
    np.testing.assert_allclose(cropped.index_to_patient([0, 0, 0]), grid.index_to_patient(start), atol=1e-9)
    assert cropped.shape == tuple(b - a for a, b in zip(start, stop, strict=True))


@given(grid=grids(), spacing_mm=st.tuples(*[st.floats(0.5, 7.0)] * 3))
def test_with_spacing__keeps_the_box_edge_and_covers_it(grid, spacing_mm):
    other = grid.with_spacing(spacing_mm)
    np.testing.assert_allclose(
        other.index_to_patient([-0.5] * 3), grid.index_to_patient([-0.5] * 3), atol=1e-8
    )
    extent, grown = (np.array(g.shape) * g.spacing_mm for g in (grid, other))
    assert (grown >= extent - 1e-4).all()
    assert (grown < extent + np.array(spacing_mm)).all()


def test_is_axis_aligned__tells_oblique_from_straight():
    assert axial().is_axis_aligned
    tilted = Rotation.from_euler("x", 1, degrees=True).as_matrix() @ AXIAL
    assert not axial(direction=tilted).is_axis_aligned
