import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core import AXIAL, Deformation, Grid, RigidTransform, require_frames
from tumorboard.errors import GridMismatch, InputError

POINTS = np.random.default_rng(5).normal(0, 100, (20, 3))
NUMBER = st.floats(-150, 150)
VECTOR = st.tuples(NUMBER, NUMBER, NUMBER)


def turn(rotation_deg=(10, -20, 30), shift_mm=(5, 6, -7), frames=("1.2", "1.3")):
    return RigidTransform.about(
        (10, 20, 30), rotation_deg, shift_mm, from_frame=frames[0], to_frame=frames[1]
    )


@given(VECTOR, VECTOR)
def test_rigid__inverse_undoes_it_and_distances_stay(rotation_deg, shift_mm):
    one = turn(rotation_deg, shift_mm)
    np.testing.assert_allclose(one.inverse().apply(one.apply(POINTS)), POINTS, atol=1e-9)
    near = np.linalg.norm(POINTS[0] - POINTS[1])
    assert np.linalg.norm(np.subtract(*one.apply(POINTS[:2]))) == pytest.approx(near)


def test_rigid__then_is_one_after_the_other():
    first, second = turn(), turn((0, 45, 5), (1, 2, 3), ("1.3", "1.4"))
    both = first.then(second)
    assert (both.from_frame, both.to_frame) == ("1.2", "1.4")
    np.testing.assert_allclose(both.apply(POINTS), second.apply(first.apply(POINTS)), atol=1e-9)


def test_rigid__turns_about_the_point_by_the_angle():
    one = turn((0, 0, 90), (0, 0, 0))
    np.testing.assert_allclose(one.apply([10, 20, 30]), [10, 20, 30], atol=1e-12)
    np.testing.assert_allclose(one.apply([11, 20, 30]), [10, 21, 30], atol=1e-12)
    assert one.angle_deg == pytest.approx(90)
    assert turn((1e-5, 0, 0)).angle_deg == pytest.approx(1e-5)
    assert turn((0, 170, 0)).angle_deg == pytest.approx(170)


def test_rigid__refuses_what_is_no_rotation():
    for bad in (1.1 * np.eye(3), np.diag([1.0, 1.0, -1.0]), np.eye(2)):
        with pytest.raises(InputError):
            RigidTransform(bad, np.zeros(3), "1.2", "1.3")
    with pytest.raises(InputError, match="finite"):
        RigidTransform(np.eye(3), [0, np.nan, 0], "1.2", "1.3")
    with pytest.raises(InputError, match="UIDs"):
        RigidTransform.identity(from_frame="", to_frame="1.3")
    with pytest.raises(InputError, match=r"\(\.\.\., 3\)"):
        turn().apply([1.0, 2.0])


def test_transform__frames_must_join():
    with pytest.raises(GridMismatch, match=r"start from frame of reference 1\.3; got 1\.2"):
        turn().then(turn())
    with pytest.raises(GridMismatch, match="lead to"):
        require_frames(turn(), from_frame="1.2", to_frame="1.9")
    grid = Grid((2, 2, 2), (1, 1, 1), (0, 0, 0), AXIAL, frame_of_reference="1.9")
    with pytest.raises(GridMismatch):
        Deformation.sampled(grid, turn())


def test_deformation__sampled_is_the_chain_itself_at_any_place_when_that_is_linear():
    grid = Grid((5, 6, 7), (30, 20, 25), (-60, -50, -70), AXIAL, frame_of_reference="1.2")
    first, second = turn(), turn((0, 45, 5), (1, 2, 3), ("1.3", "1.4"))
    found = Deformation.sampled(grid, first, second)
    inside = np.clip(POINTS, grid.corners_mm.min(axis=0), grid.corners_mm.max(axis=0))
    np.testing.assert_allclose(found.apply(inside), first.then(second).apply(inside), atol=1e-4)
    assert found.to_frame == "1.4"


def test_deformation__beyond_the_grid_is_as_at_its_edge():
    grid = Grid((2, 2, 2), (10, 10, 10), (0, 0, 0), AXIAL, frame_of_reference="1.2")
    field = np.zeros((2, 2, 2, 3))
    field[..., 1, 2] = 4.0  # at x = 10 mm things move along z
    one = Deformation(field, grid, "1.2")
    np.testing.assert_allclose(one.apply([[5, 5, 5], [99, 5, 5], [-99, 5, 5]])[:, 2], [7, 9, 5])


def test_deformation__refuses_fields_that_do_not_fit():
    grid = Grid((2, 2, 2), (1, 1, 1), (0, 0, 0), AXIAL, frame_of_reference="1.2")
    for bad in (np.zeros((2, 2, 2)), np.zeros((2, 2, 2, 3), int), np.full((2, 2, 2, 3), np.inf)):
        with pytest.raises(InputError, match="displacement_mm"):
            Deformation(bad, grid, "1.2")
    with pytest.raises(InputError, match="one or more"):
        Deformation.sampled(grid)


def test_transform__digests_are_of_all_that_moves_points():
    grid = Grid((2, 2, 2), (1, 1, 1), (0, 0, 0), AXIAL, frame_of_reference="1.2")
    wider = Grid((2, 2, 2), (1, 1, 2), (0, 0, 0), AXIAL, frame_of_reference="1.2")
    field = np.zeros((2, 2, 2, 3))
    made = [
        lambda: turn(),
        lambda: turn(shift_mm=(5, 6, -8)),
        lambda: turn(frames=("1.2", "1.4")),
        lambda: Deformation(field, grid, "1.3"),
        lambda: Deformation(field, wider, "1.3"),
        lambda: Deformation(field, grid, "1.4"),
        lambda: Deformation(field + 1.0, grid, "1.3"),
    ]
    digests = [one().digest for one in made]
    assert digests == [one().digest for one in made]
    assert len(set(digests)) == len(made)
