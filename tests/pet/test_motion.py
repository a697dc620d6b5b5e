"""Motion between frames that is known, found again while contrast changes."""

import numpy as np
import pytest
from grid_points import points_of
from moving_head import CENTRE_MM, grid_of, motion
from moving_head import scan as scan_brain

from tumorboard.core import AXIAL, DynamicImage, Grid, Image, Quantity, RigidTransform
from tumorboard.errors import InputError
from tumorboard.numerics import RigidRegistrationConfig, Similarity, Start
from tumorboard.pet import (
    Feature,
    MeanReference,
    MotionConfig,
    OneFrameReference,
    TransformSource,
    correct_motion,
)
from tumorboard.pet.motion import frame_count_shares
from tumorboard.pet.motion_quality import mutual_information, rotation_vector_deg, sphere_displacements_mm
from tumorboard.plotting import motion_plot
from tumorboard.provenance import Record

GRID = Grid((32, 36, 34), (4.0, 4.0, 4.0), (-66.0, -70.0, -62.0), AXIAL, frame_of_reference="1.2")
START_S = np.array([0.0, 10.0, 300.0, 900.0, 1800.0])
DURATION_S = np.array([10.0, 290.0, 600.0, 900.0, 1800.0])
#: Levels of the body and of what is in it, for each frame: by flow, then by binding.
LEVELS = np.array(
    [
        [2, 3, 1, 3, 2],
        [40, 52, 12, 55, 44],
        [33, 50, 22, 40, 55],
        [26, 46, 28, 30, 64],
        [20, 44, 30, 22, 72],
    ]
)
#: Centre and half axes (x, y, z) of the body and of what is in it [mm].
SHAPES = (
    ((0, 0, 0), (46, 58, 36)),
    ((-24, 8, 12), (9, 26, 12)),
    ((6, 14, -4), (26, 14, 20)),
    ((16, -30, -8), (18, 9, 14)),
    ((2, 16, 4), (9, 8, 14)),
)


def about(rotation_deg, shift_mm):
    return RigidTransform.about((0, 0, 0), rotation_deg, shift_mm, from_frame="1.2", to_frame="1.2")


STILL = about((0, 0, 0), (0, 0, 0))
MOVED = (
    about((3, 1, -2), (3, -1, 2)),
    about((3, 1, -2), (3, -1, 2)),
    about((-2, 3, 2), (-1.5, 4, 2.5)),
    STILL,
    about((4, -2, 5), (6, 2, -4)),
)


def body(points, levels):
    """Ellipsoids one in the other, with edges about as wide as a scanner of 6 mm makes them."""
    values = np.zeros(points.shape[:-1])
    for (centre, half), level in zip(SHAPES, levels, strict=True):
        radius = np.linalg.norm((points - centre) / half, axis=-1)
        inside = 1.0 / (1.0 + np.exp(np.clip((radius - 1.0) * np.mean(half) / 1.6, -50, 50)))
        values = values * (1.0 - inside) + level * inside
    return values


def scan(transforms, noise=1.0):
    """Frames of the body moved in closed form, with noise by their durations."""
    points = points_of(GRID)
    rng = np.random.default_rng(4)
    frames = [
        body(one.inverse().apply(points), level)
        + noise * np.sqrt(900.0 / seconds) * rng.standard_normal(GRID.shape)
        for one, level, seconds in zip(transforms, LEVELS, DURATION_S, strict=True)
    ]
    quantity = Quantity.ACTIVITY_CONCENTRATION
    return DynamicImage(
        np.array(frames, np.float32), GRID, quantity, START_S, DURATION_S, "injection", Record("x")
    )


def config(**changes):
    chosen = {
        "registration": RigidRegistrationConfig(
            Similarity.MUTUAL_INFORMATION, Start.SAME_COORDINATES, (8.0, 4.0)
        ),
        "reference": OneFrameReference(3),
        "feature": Feature.EDGES,
        "smoothing_fwhm_mm": 6.0,
        "least_count_share": 0.02,
        "register_from_s": 0.0,
        "half_life_s": None,
        "unresampled_below_mm": 0.3,
        "radius_mm": 50.0,
        "measure_residual": False,
    }
    return MotionConfig(**{**chosen, **changes})


@pytest.fixture(scope="module")
def found():
    return correct_motion(scan(MOVED), config(measure_residual=True))


#: Of the phantom's frames: 1 to 3 min, 10 to 20 min, and the reference from 40 min on.
BRAIN_FRAMES = (2, 4, 6)


def brain_config():
    levels = RigidRegistrationConfig(Similarity.MUTUAL_INFORMATION, Start.SAME_COORDINATES, (8.0, 3.0))
    return config(
        registration=levels, reference=OneFrameReference(2), smoothing_fwhm_mm=5.0, unresampled_below_mm=0.5
    )


@pytest.mark.slow
def test_correct_motion__finds_known_motion_while_contrast_turns_over():
    """From flow to binding, in a brain."""
    true = {
        2: motion((1, 1, -1), (1, 2, -1)),
        4: motion((2, -1, 1.5), (1.5, -2, 3)),
        6: motion((0,) * 3, (0,) * 3),
    }
    brain = scan_brain(grid_of(3.0), true, noise_last_frame=0.02, frames=BRAIN_FRAMES)
    found = correct_motion(brain, brain_config())
    for one, k in zip(found.frames[:2], BRAIN_FRAMES, strict=False):
        left = one.transform.then(true[k].inverse())
        assert np.linalg.norm(left.apply(CENTRE_MM) - CENTRE_MM) < 0.2
        assert left.angle_deg < 0.25
        assert one.similarity_after > one.similarity_before
        assert one.resampled


@pytest.mark.slow
def test_correct_motion__leaves_a_brain_that_kept_still_as_it_is():
    true = dict.fromkeys(BRAIN_FRAMES, motion((0,) * 3, (0,) * 3))
    brain = scan_brain(grid_of(3.0), true, noise_last_frame=0.02, frames=BRAIN_FRAMES)
    found = correct_motion(brain, brain_config())
    for one in found.frames[:2]:
        assert np.linalg.norm(one.transform.apply(CENTRE_MM) - CENTRE_MM) < 0.15
        assert one.similarity_after == one.similarity_before
    np.testing.assert_array_equal(found.image.values, brain.values)


@pytest.mark.slow
def test_correct_motion__keeps_the_reference(found):
    assert found.frames[3].source is TransformSource.REFERENCE
    assert not found.frames[3].resampled
    np.testing.assert_array_equal(found.image.values[3], scan(MOVED).values[3])
    assert np.isnan(found.frames[3].residual_mm)
    assert np.isfinite(found.frames[2].residual_mm)


@pytest.mark.slow
def test_correct_motion__brings_frames_to_the_reference(found):
    points = points_of(GRID)
    moved = scan(MOVED)
    for k in (2, 4):
        true = body(points, LEVELS[k])
        inside = true > 0.2 * true.max()
        before, after = (np.abs(v[k] - true)[inside].mean() for v in (moved.values, found.image.values))
        assert after < 0.3 * before


@pytest.mark.slow
def test_correct_motion__gives_poor_frames_their_neighbours_transform(found):
    first = found.frames[0]
    assert first.source is TransformSource.NEIGHBOUR
    assert first.neighbour == 1
    assert first.count_share < 0.02
    np.testing.assert_array_equal(first.transform.rotation, found.frames[1].transform.rotation)
    assert first.max_displacement_mm == found.frames[1].max_displacement_mm
    assert 0 < first.uncovered < 0.2


def test_correct_motion__takes_no_early_frame_and_ends_when_told():
    still = scan((STILL,) * 5)
    told = []

    def stop(what, k, n):
        told.append((what, k, n))
        if k == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        correct_motion(still, config(register_from_s=1800.0, reference=OneFrameReference(4)), progress=stop)
    assert told[0] == ("frames", 0, 5)
    found = correct_motion(still, config(register_from_s=1800.0, reference=OneFrameReference(4)))
    assert [one.neighbour for one in found.frames] == [4, 4, 4, 4, None]
    assert not any(one.resampled for one in found.frames)


def test_frame_count_shares__take_decay_into_account():
    values = np.ones((5, *GRID.shape), np.float32)
    quantity = Quantity.ACTIVITY_CONCENTRATION
    flat = DynamicImage(values, GRID, quantity, START_S, DURATION_S, "injection", Record("x"))
    counts = DURATION_S * 2.0 ** (-(START_S + 0.5 * DURATION_S) / 1200.0)
    np.testing.assert_allclose(frame_count_shares(flat, 1200.0), counts / counts.max(), rtol=1e-6)
    np.testing.assert_allclose(frame_count_shares(flat, None), DURATION_S / 1800.0, rtol=1e-6)


def test_rotation_vector__goes_there_and_back():
    turn = about((4, -2, 5), (6, 2, -4))
    np.testing.assert_allclose(rotation_vector_deg(turn), [4, -2, 5], rtol=1e-9)
    assert sphere_displacements_mm(about((0, 0, 0), (3, 4, 0)), np.zeros(3), 50.0) == pytest.approx(5.0)
    far = sphere_displacements_mm(about((0, 0, 2), (0, 0, 0)), np.zeros(3), 50.0).max()
    assert far == pytest.approx(2 * 50.0 * np.sin(np.radians(1.0)), rel=1e-9)


def test_mutual_information__is_nothing_for_independent_values():
    rng = np.random.default_rng(1)
    a, b = rng.random((2, 200000))
    assert mutual_information(a, b, bins=8) < 1e-3
    assert mutual_information(a, 1 - a, bins=8) == pytest.approx(np.log(8), rel=1e-3)


def test_motion_config__refuses_what_is_out_of_range():
    for changes, words in (
        ({"smoothing_fwhm_mm": -1.0}, "smoothing_fwhm_mm"),
        ({"feature": "edges"}, "Feature.EDGES"),
        ({"radius_mm": 0.0}, "a head has"),
        ({"least_count_share": 2.0}, "0 to 1"),
        ({"half_life_s": 0.0}, "half_life_s"),
        ({"register_from_s": -1.0}, "register_from_s"),
    ):
        with pytest.raises(InputError, match=words):
            config(**changes)
    with pytest.raises(InputError, match="last"):
        MeanReference(3, 2)
    still = scan((STILL,) * 5)
    with pytest.raises(InputError, match="among frames 0 to 4"):
        correct_motion(still, config(reference=OneFrameReference(5)))
    with pytest.raises(InputError, match="at least one frame"):
        correct_motion(still, config(reference=MeanReference(3, 4), register_from_s=1e6))
    counts = DynamicImage(still.values, GRID, Quantity.COUNTS, START_S, DURATION_S, "injection", Record("x"))
    with pytest.raises(InputError, match="amounts per voxel"):
        correct_motion(counts, config())
    broken = still.values.copy()
    broken[1, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="frame 2"):
        frame_count_shares(
            DynamicImage(broken, GRID, still.quantity, START_S, DURATION_S, "injection", Record("x")), None
        )


def test_motion_plot__is_a_picture_and_refuses_other_shapes():
    shifts = np.array([[1.0, 0, 0]] * 5)
    flags = [False, True, True, True, True]
    picture = motion_plot(START_S, DURATION_S, shifts, shifts, shifts[:, 0], [np.nan] * 5, flags)
    assert picture.startswith(b"\x89PNG")
    with pytest.raises(InputError, match="shape"):
        motion_plot(START_S, DURATION_S, shifts[:2], shifts, shifts[:, 0], [np.nan] * 5, flags)


def test_correct_motion__looks_only_where_the_mask_is():
    """What moves outside of the mask moves nothing else."""
    still = scan((STILL,) * 5)
    values = still.values.copy()
    values[4, :, :, 26:] = values[4, :, :, 25:26]
    mask = np.zeros(GRID.shape, np.uint8)
    mask[:, :, :25] = 1
    image = DynamicImage(values, GRID, still.quantity, START_S, DURATION_S, "injection", still.provenance)
    inside = Image(mask, GRID, Quantity.LABEL, Record("x"))
    found = correct_motion(image, config(register_from_s=1800.0, smoothing_fwhm_mm=0.0), mask=inside)
    assert found.frames[4].max_displacement_mm < 0.5
