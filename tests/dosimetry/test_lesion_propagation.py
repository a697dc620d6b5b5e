"""Lesions of a synthetic patient, carried from one day to another over a motion that is known."""

import math

import numpy as np
import pytest
from grid_points import points_of

from tumorboard.core import AXIAL, Grid, Image, Quantity, RigidTransform, Structure
from tumorboard.dosimetry.lesion_propagation import (
    PropagationConfig,
    displacement_effect,
    propagate_lesions,
)
from tumorboard.errors import InputError
from tumorboard.numerics import (
    DeformableRegistrationConfig,
    Interpolation,
    RigidRegistrationConfig,
    Similarity,
    Start,
    ValueMatch,
    compare_masks,
    half_covered,
    moved,
    moved_structures,
    resample,
    structure_mask,
    voxelise,
)
from tumorboard.phantoms import RadioligandPatientConfig, simulate_radioligand
from tumorboard.provenance import Record

MADE = Record("test.made")
GRID = Grid((15, 15, 15), (3.0, 2.5, 2.0), (-21.0, -17.5, -14.0), AXIAL, frame_of_reference="1.2")
RIGID = RigidRegistrationConfig(Similarity.CORRELATION, Start.SAME_COORDINATES, (19.2, 9.6))
CONFIG = PropagationConfig(RIGID, None, unseen_error_mm=0.0, restarts=1)
TRUE = RigidTransform.about((0, 0, 350), (2, -1, 3), (8.0, -6.0, 9.0), from_frame="1.2", to_frame="1.3")


def scan(values):
    return Image(values, GRID, Quantity.ACTIVITY_CONCENTRATION, MADE)


def test_displacement_effect__of_a_slope_is_the_slope_times_the_error_along_it():
    slope = np.array([2.0, -1.0, 0.5])  # of the values, per mm
    ramp = scan(200.0 + points_of(GRID) @ slope)
    ball = Image((np.linalg.norm(points_of(GRID), axis=-1) < 7.0) * 1.0, GRID, Quantity.FRACTION, MADE)
    found = displacement_effect(ramp, ball, error_mm=1.5)
    expected = np.linalg.norm(slope) * 1.5 / 3**0.5 / ramp.values[ball.values > 0].mean()
    assert found.relative_uncertainty == pytest.approx(expected, rel=1e-6)
    assert found.relative_bias == pytest.approx(0.0, abs=1e-9)


def test_displacement_effect__is_nothing_without_error_or_where_activity_is_even():
    ball = Image((np.linalg.norm(points_of(GRID), axis=-1) < 7.0) * 1.0, GRID, Quantity.FRACTION, MADE)
    hot = scan(np.exp(-(np.linalg.norm(points_of(GRID), axis=-1) ** 2) / 50))
    assert displacement_effect(hot, ball, 0.0).relative_uncertainty == 0.0
    assert displacement_effect(scan(np.ones(GRID.shape)), ball, 3.0).relative_uncertainty < 1e-12
    missed = displacement_effect(hot, ball, 3.0)
    assert missed.relative_bias < -0.02
    assert missed.relative_uncertainty > -missed.relative_bias


@pytest.mark.parametrize("error_mm", [1.5, 3.0])
def test_displacement_effect__of_a_gaussian_is_that_of_its_formula(error_mm):
    # A Gaussian at a displaced point: mean and mean square over normal displacements have closed forms.
    width2, spread2 = 6.0**2, error_mm**2 / 3.0
    grid = Grid((25, 25, 25), (2.5,) * 3, (-30.0,) * 3, AXIAL, frame_of_reference="1.2")
    places = points_of(grid)
    hot = Image(
        np.exp(-np.sum(places**2, axis=-1) / (2 * width2)), grid, Quantity.ACTIVITY_CONCENTRATION, MADE
    )
    centre = np.zeros(grid.shape)
    centre[12, 12, 12] = 1.0
    found = displacement_effect(hot, Image(centre, grid, Quantity.FRACTION, MADE), error_mm)
    mean, square = ((1.0 + n * spread2 / width2) ** -1.5 for n in (1, 2))
    assert found.relative_bias == pytest.approx(mean - 1.0, rel=0.02)
    expected = math.sqrt(square - 2 * mean + 1.0)
    assert found.relative_uncertainty == pytest.approx(expected, rel=0.05)


def test_displacement_effect__refuses_contours_without_activity():
    ball = Image((np.linalg.norm(points_of(GRID), axis=-1) < 7.0) * 1.0, GRID, Quantity.FRACTION, MADE)
    with pytest.raises(InputError, match="activity in the contour"):
        displacement_effect(scan(np.zeros(GRID.shape)), ball, 1.0)
    with pytest.raises(InputError, match="error_mm"):
        displacement_effect(scan(np.ones(GRID.shape)), ball, -1.0)


@pytest.fixture(scope="module")
def patient():
    """First and last scan, the last one moved and on a grid of another frame; lesion of both."""
    made = RadioligandPatientConfig(true_spacing_mm=4.8)
    whole = simulate_radioligand(made, frame_of_reference="1.2")
    first, last = whole.scans[0].image, whole.scans[-1].image
    grid = Grid(
        first.grid.shape,
        first.grid.spacing_mm,
        first.grid.origin_mm,
        first.grid.direction,
        frame_of_reference="1.3",
    )
    away = resample(moved(last, TRUE), grid, method=Interpolation.LINEAR, outside=0.0)
    return first, away, whole.structures, moved_structures(whole.structures, TRUE)


@pytest.mark.slow
def test_propagate_lesions__lands_where_the_lesion_went(patient):
    first, away, drawn, went = patient
    found = propagate_lesions(away, first, drawn.structures, CONFIG)
    for one, true in zip(found.lesions, went.structures, strict=True):
        want = structure_mask(true, away.grid)
        before = structure_mask(drawn[one.name], first.grid)
        shifted = Image(before.values, away.grid, Quantity.LABEL, MADE)
        overlap = compare_masks(half_covered(one.fraction), want).dice
        assert overlap > 0.93 > compare_masks(shifted, want).dice
        covered = voxelise(true, away.grid).values
        volume = float(covered.sum(dtype=float)) * away.grid.voxel_volume_ml
        assert one.volume_ml == pytest.approx(volume, rel=0.01)
        true_bq = float(np.sum(away.values * covered, dtype=float))
        found_bq = float(np.sum(away.values * one.fraction.values, dtype=float))
        assert found_bq == pytest.approx(true_bq, rel=0.03)
        assert one.error_mm < 2.0
        assert 0.0 < one.effect.relative_uncertainty < 0.1


@pytest.mark.slow
def test_propagate_lesions__what_is_assumed_adds_in_quadrature(patient):
    first, away, drawn, _ = patient
    lesion = (drawn.structures[0],)
    own, more = (
        propagate_lesions(away, first, lesion, PropagationConfig(RIGID, None, unseen_error_mm=mm, restarts=1))
        for mm in (0.0, 3.0)
    )
    assert more.lesions[0].error_mm == pytest.approx((own.lesions[0].error_mm ** 2 + 9.0) ** 0.5)
    assert more.lesions[0].effect.relative_uncertainty > own.lesions[0].effect.relative_uncertainty


@pytest.mark.slow
def test_propagate_lesions__deformably_stays_near_the_rigid_place(patient):
    first, away, drawn, went = patient
    deformable = DeformableRegistrationConfig(ValueMatch.HISTOGRAM, 20.0, (19.2, 9.6), 30)
    told = []
    found = propagate_lesions(
        away,
        first,
        drawn.structures[:1],
        PropagationConfig(RIGID, deformable, unseen_error_mm=0.0, restarts=0),
        progress=lambda *what: told.append(what[1:]),
    )
    (one,) = found.lesions
    assert compare_masks(half_covered(one.fraction), structure_mask(went[one.name], away.grid)).dice > 0.7
    assert one.restart_spread_mm is None
    assert found.deformable.jacobian_min > 0
    assert {number for number, _ in told} == {0, 1, 2, 3}
    assert {total for _, total in told} == {4}


def test_propagate_lesions__refuses_a_lesion_outside_of_the_other_scan(patient):
    first, away, drawn, _ = patient
    far = moved_structures(
        drawn, RigidTransform(np.eye(3), [0.0, 0.0, 900.0], from_frame="1.2", to_frame="1.2")
    )
    with pytest.raises(InputError, match="inside the scan"):
        propagate_lesions(
            away, first, far.structures[:1], PropagationConfig(RIGID, None, unseen_error_mm=0.0, restarts=0)
        )
    with pytest.raises(InputError, match="one or more"):
        propagate_lesions(away, first, (), CONFIG)
    assert isinstance(drawn.structures[0], Structure)
