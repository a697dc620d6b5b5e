import numpy as np
import pytest
from grid_points import points_of

from tumorboard.core import (
    AXIAL,
    Contour,
    Deformation,
    Grid,
    Image,
    Quantity,
    RigidTransform,
    Structure,
    StructureSet,
)
from tumorboard.errors import GridMismatch, InputError
from tumorboard.numerics import Interpolation, moved, moved_structures, resample_through, structure_through
from tumorboard.provenance import Record

MADE = Record("test.made")
GRID = Grid((20, 22, 24), (3.0, 2.5, 2.0), (-24.0, -27.0, -30.0), AXIAL, frame_of_reference="1.2")
THERE = Grid((24, 24, 24), (3.0, 3.0, 3.0), (-35.0, -34.0, -36.0), AXIAL, frame_of_reference="1.3")
TURN = RigidTransform.about((0, 0, 0), (10, 20, -30), (1.0, 2.0, 3.0), from_frame="1.3", to_frame="1.2")


def ramp(points):
    return 100.0 + points @ [1.0, -2.0, 0.5]


def ball(grid, radius_mm=15.0):
    return np.linalg.norm(points_of(grid), axis=-1) <= radius_mm


def test_resample_through__a_linear_image_is_that_of_the_moved_points():
    image = Image(ramp(points_of(GRID)), GRID, Quantity.CT_NUMBER, MADE)
    found = resample_through(image, THERE, TURN, method=Interpolation.LINEAR, outside=np.nan)
    known = np.isfinite(found.values)
    inner = TURN.apply(points_of(THERE))
    index = GRID.patient_to_index(inner)
    deep = known & ((index > 0) & (index < np.array(GRID.shape) - 1)).all(axis=-1)
    assert deep.sum() > 1000
    np.testing.assert_allclose(found.values[deep], ramp(inner)[deep], atol=1e-3)


def test_resample_through__a_deformation_that_is_rigid_gives_what_the_rigid_one_gives():
    image = Image(ramp(points_of(GRID)), GRID, Quantity.CT_NUMBER, MADE)
    both = [
        resample_through(image, THERE, t, method=Interpolation.LINEAR, outside=-1.0).values
        for t in (TURN, Deformation.sampled(THERE, TURN))
    ]
    np.testing.assert_allclose(both[0], both[1], atol=1e-3)
    mask = Image(ball(GRID), GRID, Quantity.LABEL, MADE)
    near = [
        resample_through(mask, THERE, t, method=Interpolation.NEAREST, outside=0).values
        for t in (TURN, Deformation.sampled(THERE, TURN))
    ]
    assert near[1].dtype == bool
    assert np.mean(near[0] != near[1]) < 1e-3


def test_through__records_tell_deformations_apart():
    image = Image(ramp(points_of(GRID)), GRID, Quantity.CT_NUMBER, MADE)
    drawn = Structure("ball", mask=Image(ball(GRID), GRID, Quantity.LABEL, MADE))
    once = Deformation.sampled(THERE, TURN)
    further = Deformation(once.displacement_mm + np.float32(1.0), THERE, once.to_frame)
    for through in (
        lambda t: resample_through(image, THERE, t, method=Interpolation.LINEAR, outside=0.0),
        lambda t: structure_through(drawn, THERE, t),
    ):
        first, again, other = (through(t).provenance.digest for t in (once, once, further))
        assert first == again != other


def test_resample_through__refuses_frames_and_amounts():
    image = Image(ramp(points_of(GRID)), GRID, Quantity.CT_NUMBER, MADE)
    with pytest.raises(GridMismatch):
        resample_through(image, GRID, TURN, method=Interpolation.LINEAR, outside=0.0)
    with pytest.raises(InputError, match="deformation"):
        resample_through(
            image,
            THERE,
            Deformation.sampled(THERE, TURN),
            method=Interpolation.CONSERVATIVE,
            outside=0.0,
        )


def test_moved__keeps_values_and_moves_places():
    image = Image(ramp(points_of(GRID)), GRID, Quantity.CT_NUMBER, MADE)
    there = moved(image, TURN.inverse())
    assert there.grid.frame_of_reference == "1.3"
    np.testing.assert_allclose(TURN.apply(there.grid.corners_mm), GRID.corners_mm, atol=1e-9)
    with pytest.raises(GridMismatch):
        moved(image, TURN)


@pytest.mark.slow
def test_structure_through__a_rigid_motion_keeps_the_volume():
    mask = Structure("ball", mask=Image(ball(GRID), GRID, Quantity.LABEL, MADE))
    volume_ml = ball(GRID).sum() * GRID.voxel_volume_ml
    found = structure_through(mask, THERE, TURN)
    assert found.values.sum(dtype=float) * THERE.voxel_volume_ml == pytest.approx(volume_ml, rel=1e-3)
    deformed = structure_through(mask, THERE, Deformation.sampled(THERE, TURN))
    assert deformed.values.sum(dtype=float) * THERE.voxel_volume_ml == pytest.approx(volume_ml, rel=0.01)


@pytest.mark.slow
def test_structure_through__contours_agree_by_motion_and_by_deformation():
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    circle = 12.0 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    rod = Structure("rod", tuple(Contour(np.insert(circle, 2, z, axis=1)) for z in range(-12, 13, 3)))
    exact = structure_through(rod, THERE, TURN).values.astype(float)
    looked_up = structure_through(rod, THERE, Deformation.sampled(THERE, TURN)).values.astype(float)
    assert looked_up.sum() == pytest.approx(exact.sum(), rel=0.01)
    # Looked up between voxels of 1.5 mm, the edge is softer by as much.
    assert np.abs(exact - looked_up).mean() < 0.05 * exact.mean()


def test_moved_structures__contours_stay_planar_in_the_new_frame():
    square = Contour([[0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]])
    drawn = StructureSet((Structure("GTV", (square,)),), "1.2", MADE, referenced_series="1.9")
    found = moved_structures(drawn, TURN.inverse())
    assert found.frame_of_reference == "1.3"
    assert found.referenced_series is None
    np.testing.assert_allclose(TURN.apply(found["GTV"].contours[0].points_mm), square.points_mm, atol=1e-9)
