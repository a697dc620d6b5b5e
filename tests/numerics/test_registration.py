"""Motions and deformations that are known, found again."""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from grid_points import points_of

from tumorboard.core import AXIAL, Deformation, Grid, Image, Quantity, RigidTransform
from tumorboard.errors import GridMismatch, InputError, NotConverged
from tumorboard.numerics import (
    DeformableRegistrationConfig,
    Interpolation,
    RigidRegistrationConfig,
    Similarity,
    Start,
    ValueMatch,
    inverse_consistency,
    inverted,
    jacobian_determinant,
    moved,
    register_deformable,
    register_rigid,
    resample,
    resample_through,
)
from tumorboard.numerics._registration_levels import pyramid
from tumorboard.numerics._rigid_descent import turned
from tumorboard.numerics._rigid_similarity import RigidSimilarity
from tumorboard.numerics.threads import threads_at_most
from tumorboard.provenance import Record

MADE = Record("test.made")
GRID = Grid((30, 32, 36), (5.0, 4.0, 4.0), (-70.0, -62.0, -72.5), AXIAL, frame_of_reference="1.2")
OTHER = Grid((30, 32, 36), (5.0, 4.0, 4.0), (-68.0, -60.0, -70.0), AXIAL, frame_of_reference="1.3")
TRUE = RigidTransform.about((0, 0, 0), (3, -4, 6), (9.0, -7.0, 11.0), from_frame="1.2", to_frame="1.3")
VOXEL_MM = 5.0
CONFIG = RigidRegistrationConfig(Similarity.MUTUAL_INFORMATION, Start.SAME_COORDINATES, (10.0, 5.0))


def body(grid):
    """Some soft blobs of different size and height in an ellipsoid."""
    return body_at(points_of(grid))


def body_at(points):
    values = 20.0 / (1.0 + np.exp((np.linalg.norm(points / [60, 45, 55], axis=-1) - 1.0) * 15.0))
    for centre, width, height in (
        ((-25, 5, 20), 12, 90),
        ((20, -10, -15), 8, 140),
        ((5, 15, 30), 7, 60),
        ((25, 12, 25), 10, 50),
    ):
        values += height * np.exp(-np.sum((points - centre) ** 2, axis=-1) / (2 * width**2))
    return values


@pytest.fixture(scope="module")
def pair():
    """A scan, and the same body moved, on a grid of another frame; noise in both."""
    rng = np.random.default_rng(3)
    still = Image(body(GRID), GRID, Quantity.ACTIVITY_CONCENTRATION, MADE)
    other = resample(moved(still, TRUE), OTHER, method=Interpolation.LINEAR, outside=0.0)
    noisy = [
        Image(
            (one.values + rng.normal(0, 2.0, one.grid.shape)).astype(np.float32),
            one.grid,
            one.quantity,
            MADE,
        )
        for one in (still, other)
    ]
    return noisy[0], noisy[1]


def errors_mm(transform, true=TRUE):
    where = points_of(GRID)[body(GRID) > 10]
    return np.linalg.norm(transform.apply(where) - true.apply(where), axis=-1)


@pytest.mark.parametrize("similarity", list(Similarity))
def test_register_rigid__finds_a_known_motion_to_a_tenth_of_a_voxel(pair, similarity):
    config = RigidRegistrationConfig(similarity, Start.SAME_COORDINATES, (10.0, 5.0))
    found = register_rigid(*pair, config)
    assert errors_mm(found.transform).max() < 0.1 * VOXEL_MM
    assert found.correlation_after > 0.95 > found.correlation_before
    assert [level.spacing_mm[0] for level in found.levels] == [10.0, 5.0]
    assert all(0 < len(level.metric) <= 200 and level.stop_reason for level in found.levels)


def test_register_rigid__of_an_image_with_itself_is_the_identity(pair):
    config = RigidRegistrationConfig(Similarity.MEAN_SQUARES, Start.SAME_COORDINATES, (10.0, 5.0))
    found = register_rigid(pair[0], pair[0], config)
    assert errors_mm(found.transform, RigidTransform.identity(from_frame="1.2", to_frame="1.2")).max() < 0.001


@pytest.mark.slow
def test_register_rigid__starts_from_centres_where_frames_say_nothing(pair):
    far = RigidTransform(np.eye(3), [400.0, -300.0, 900.0], "1.3", "1.4")
    away = moved(pair[1], far)
    for start in (Start.CENTRES_OF_GRIDS, Start.CENTRES_OF_VALUES):
        config = RigidRegistrationConfig(Similarity.CORRELATION, start, (10.0, 5.0))
        assert errors_mm(register_rigid(pair[0], away, config).transform, TRUE.then(far)).max() < 1.0
    with pytest.raises(InputError, match="overlap"):
        register_rigid(pair[0], away, CONFIG)


def test_register_rigid__both_ways_undo_each_other(pair):
    there, back = register_rigid(*pair, CONFIG), register_rigid(pair[1], pair[0], CONFIG)
    where = points_of(GRID)[body(GRID) > 10]
    residual = inverse_consistency(there.transform, back.transform, where)
    assert residual.rms_mm < 0.15
    with pytest.raises(GridMismatch):
        inverse_consistency(there.transform, there.transform, where)


def test_register_rigid__is_the_same_for_any_number_of_threads(pair):
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    found = []
    try:
        for threads in (1, 2, 2):
            sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
            with threads_at_most(threads):
                found.append(register_rigid(*pair, CONFIG))
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
    for one in found[1:]:
        assert (one.transform.rotation == found[0].transform.rotation).all()
        assert (one.transform.translation_mm == found[0].transform.translation_mm).all()
        assert one.provenance.digest == found[0].provenance.digest


@pytest.mark.parametrize("similarity", list(Similarity))
def test_register_rigid__never_ends_a_level_worse_than_it_began(pair, similarity):
    config = RigidRegistrationConfig(similarity, Start.SAME_COORDINATES, (5.0,))
    for start in (
        TRUE,
        RigidTransform.about((0, 0, 0), (9, 3, 0), (4, -2, 15), from_frame="1.2", to_frame="1.3"),
    ):
        found = register_rigid(*pair, config, initial=start)
        metric = found.levels[0].metric
        assert (np.diff(metric) <= 0).all()
        assert errors_mm(found.transform).max() < 0.1 * VOXEL_MM


@pytest.mark.parametrize("similarity", list(Similarity))
def test_rigid_similarity__slope_is_that_of_the_metric(pair, similarity):
    config = RigidRegistrationConfig(similarity, Start.SAME_COORDINATES, (5.0,))
    measured = RigidSimilarity(config, next(pyramid(*pair, None, config.spacings_mm)), TRUE)
    here = turned(TRUE, np.array([0.02, -0.01, 0.03, 1.0, 2.0, -1.0]), measured.centre_mm)
    for k, step in enumerate([1e-5] * 3 + [1e-3] * 3):
        ends = [turned(here, s * step * np.eye(6)[k], measured.centre_mm) for s in (-1, 1)]
        low, high = (measured.at(end).metric for end in ends)
        assert measured.at(here).slope[k] == pytest.approx((high - low) / (2 * step), rel=1e-4)
    assert np.linalg.eigvalsh(measured.at(here).curvature).min() > 0


@pytest.mark.slow
@pytest.mark.parametrize("similarity", [Similarity.MUTUAL_INFORMATION, Similarity.CORRELATION])
def test_register_rigid__finds_grids_that_fall_on_one_another_as_well_as_others(similarity):
    """In white noise: whether it is interpolated must not be taken for likeness."""
    aside = RigidTransform(np.eye(3), [2.0, 2.0, 2.5], from_frame="1.2", to_frame="1.2")
    config = RigidRegistrationConfig(similarity, Start.SAME_COORDINATES, (5.0,))
    off = []
    for true in (RigidTransform.identity(from_frame="1.2", to_frame="1.2"), aside):
        rng, squares = np.random.default_rng(8), []
        for _ in range(3):
            values = [
                body(GRID),
                body_at(true.inverse().apply(points_of(GRID))),
            ]
            both = [
                Image(one + rng.normal(0, 10.0, GRID.shape), GRID, Quantity.UNCALIBRATED, MADE)
                for one in values
            ]
            squares.append(np.mean(errors_mm(register_rigid(*both, config).transform, true) ** 2))
        off.append(np.sqrt(np.mean(squares)))
    assert off[0] < 1.5 * off[1], off
    assert off[0] < 0.2 * VOXEL_MM, off


@pytest.mark.slow
def test_register_rigid__heeds_a_mask_and_an_initial_transform(pair):
    values = pair[1].values.copy()
    values[:4] = 200.0  # something bright that is not in the other image
    spoilt = Image(values, pair[1].grid, pair[1].quantity, MADE)
    mask = Image(points_of(GRID)[..., 2] > -20.0, GRID, Quantity.LABEL, MADE)
    config = RigidRegistrationConfig(Similarity.CORRELATION, Start.SAME_COORDINATES, (10.0, 5.0))
    found = register_rigid(pair[0], spoilt, config, initial=TRUE, fixed_mask=mask)
    misled = register_rigid(pair[0], spoilt, config, initial=TRUE)
    assert errors_mm(found.transform).max() < 0.3 * VOXEL_MM < errors_mm(misled.transform).max()
    empty = Image(np.zeros(GRID.shape, bool), GRID, Quantity.LABEL, MADE)
    with pytest.raises(InputError, match="at least one voxel"):
        register_rigid(pair[0], spoilt, CONFIG, fixed_mask=empty)
    with pytest.raises(GridMismatch):
        register_rigid(pair[0], spoilt, CONFIG, initial=TRUE.inverse())


@pytest.mark.parametrize("reason", [KeyboardInterrupt, InputError, RuntimeError])
def test_register__what_progress_raises_ends_it(pair, reason):
    told = []

    def stop(what, done, total):
        told.append((what, done, total))
        raise reason("enough")

    with pytest.raises(reason, match="enough"):
        register_rigid(*pair, CONFIG, progress=stop)
    with pytest.raises(reason, match="enough"):
        register_deformable(
            *pair, DeformableRegistrationConfig(ValueMatch.NONE, 10.0, (10.0,)), initial=TRUE, progress=stop
        )
    assert told == [("registering", 0, 2), ("registering", 0, 1)]


def test_register_rigid__refuses_what_cannot_be_registered(pair):
    flat = Image(np.ones(GRID.shape), GRID, Quantity.UNCALIBRATED, MADE)
    with pytest.raises(InputError, match="more than one value"):
        register_rigid(flat, pair[1], CONFIG)
    hole = Image(np.where(body(GRID) > 100, np.nan, 1.0), GRID, Quantity.UNCALIBRATED, MADE)
    with pytest.raises(InputError, match="finite"):
        register_rigid(pair[0], hole, CONFIG)
    cold = Image(np.minimum(body(GRID) - 1000.0, -1.0), GRID, Quantity.UNCALIBRATED, MADE)
    by_values = RigidRegistrationConfig(Similarity.CORRELATION, Start.CENTRES_OF_VALUES, (10.0,))
    with pytest.raises(InputError, match="start must not be CENTRES_OF_VALUES"):
        register_rigid(pair[0], cold, by_values, initial=None)
    thin = pair[0].crop((0, 0, 0), (2, 32, 36))
    with pytest.raises(InputError, match="at least 4 voxels"):
        register_rigid(thin, pair[1], CONFIG)


def bend(points):
    """Smooth, up to 7 mm."""
    moved_mm = np.zeros_like(points)
    moved_mm[..., 0] = 7.0 * np.exp(-np.sum((points - [-25, 5, 20]) ** 2, axis=-1) / (2 * 30.0**2))
    moved_mm[..., 2] = -5.0 * np.exp(-np.sum((points - [20, -10, -15]) ** 2, axis=-1) / (2 * 30.0**2))
    return moved_mm


@pytest.fixture(scope="module")
def bent():
    still = Image(body(GRID).astype(np.float32), GRID, Quantity.ACTIVITY_CONCENTRATION, MADE)
    true = Deformation(bend(points_of(GRID)), GRID, "1.2")
    fixed = resample_through(still, GRID, true, method=Interpolation.LINEAR, outside=0.0)
    stay = RigidTransform.identity(from_frame="1.2", to_frame="1.2")
    config = DeformableRegistrationConfig(ValueMatch.NONE, 8.0, (10.0, 5.0))
    return true, register_deformable(fixed, still, config, initial=stay), fixed, still, config


@pytest.mark.slow
def test_register_deformable__finds_a_known_smooth_deformation(bent):
    true, found, *_ = bent
    where = points_of(GRID)[body(GRID) > 10]
    before = np.linalg.norm(true.apply(where) - where, axis=-1)
    after = np.linalg.norm(true.apply(where) - found.transform.apply(where), axis=-1)
    assert np.sqrt(np.mean(before**2)) > 2.5
    assert np.sqrt(np.mean(after**2)) < 1.0
    assert 0.6 < found.jacobian_min < 1.0 < found.jacobian_max < 1.5
    assert found.correlation_after > 0.995 > found.correlation_before


@pytest.mark.slow
def test_register_deformable__is_the_same_again(bent):
    _, found, fixed, still, config = bent
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    try:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1 if before > 1 else 2)
        stay = RigidTransform.identity(from_frame="1.2", to_frame="1.2")
        again = register_deformable(fixed, still, config, initial=stay)
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
    assert (again.transform.displacement_mm == found.transform.displacement_mm).all()


@pytest.mark.slow
def test_inverted__leads_back(bent):
    true = bent[0]
    back = inverted(true, GRID)
    where = points_of(GRID)[body(GRID) > 10]
    assert inverse_consistency(true, back, where).max_mm < 0.15
    with pytest.raises(NotConverged, match="fold"):
        inverted(true, GRID, iterations=1)


def test_jacobian_determinant__is_that_of_a_linear_map_on_a_turned_grid():
    matrix = np.array([[1.1, 0.05, 0.0], [0.02, 0.9, 0.1], [0.0, -0.04, 1.2]])
    turned = RigidTransform.about((0, 0, 0), (20, 30, 40), (0, 0, 0), from_frame="1.2", to_frame="1.2")
    grid = Grid((4, 5, 6), (3, 4, 5), (1, 2, 3), turned.rotation @ AXIAL, frame_of_reference="1.2")
    points = points_of(grid)
    one = Deformation(points @ matrix.T - points, grid, "1.2")
    np.testing.assert_allclose(jacobian_determinant(one), np.linalg.det(matrix), rtol=1e-6)


def test_config__refuses_levels_that_do_not_fall():
    with pytest.raises(InputError, match="fall"):
        RigidRegistrationConfig(Similarity.CORRELATION, Start.SAME_COORDINATES, (4.0, 8.0))
    with pytest.raises(InputError, match="smoothing_mm"):
        DeformableRegistrationConfig(ValueMatch.NONE, 0.0)
    with pytest.raises(InputError, match="Start"):
        RigidRegistrationConfig(Similarity.CORRELATION, "origin")
