"""Laws of stacking: order by place alone, spacing by place alone, and no silent repair."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.errors import GeometryError, MissingAttribute
from tumorboard.io.dicom.frames import Frame, name_some
from tumorboard.io.dicom.geometry import (
    SHEAR_TOLERANCE_MM,
    plane_axes,
    require_plane_attributes,
    stack_slices,
)
from tumorboard.io.dicom.shear import straighten
from tumorboard.io.dicom.sparse_stack import sparse_stack
from tumorboard.io.dicom.study import FileHeader

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
HEADER = FileHeader(Path("a.dcm"), 0, "", "", "", "", "", rows=4, columns=3, pixel_spacing_mm=(2.0, 1.5))


def frames_at(positions, orientation=AXIAL, **changes):
    return [
        Frame(
            replace(
                HEADER,
                path=Path(f"{(7 * i) % 10}_{i}.dcm"),
                image_position_mm=tuple(float(c) for c in p),
                image_orientation=tuple(float(c) for c in orientation),
                **changes,
            )
        )
        for i, p in enumerate(positions)
    ]


def axial_at(z_mm, **changes):
    return frames_at([(10.0, -20.0, z) for z in z_mm], **changes)


def stack(frames):
    return stack_slices(frames, frame_of_reference="1.2")


unit_quaternions = st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(
    lambda q: np.linalg.norm(q) > 0.1
)


@given(
    quaternion=unit_quaternions,
    n_slices=st.integers(2, 30),
    spacing=st.floats(0.3, 12),
    origin=st.lists(st.floats(-500, 500), min_size=3, max_size=3),
    seed=st.integers(0, 1000),
)
def test_stack_slices__every_voxel_is_where_its_own_header_says(quaternion, n_slices, spacing, origin, seed):
    w, x, y, z = np.array(quaternion) / np.linalg.norm(quaternion)
    row = np.array([1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)])
    column = np.array([2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)])
    normal = np.cross(row, column)
    positions = np.array(origin) + spacing * np.arange(n_slices)[:, None] * normal
    order = np.random.default_rng(seed).permutation(n_slices)
    stacked = stack(frames_at(positions[order], np.concatenate([row, column])))
    for k, frame in enumerate(stacked.frames):
        # PS3.3 C.7.6.2.1.1: row spacing goes down the column, column spacing along the row.
        stated = np.array(frame.header.image_position_mm) + 2 * 2.0 * column + 1 * 1.5 * row
        np.testing.assert_allclose(stacked.grid.index_to_patient([k, 2, 1]), stated, atol=1e-6)
    assert stacked.shear_mm is None
    assert stacked.grid.spacing_mm[0] == pytest.approx(spacing, rel=1e-6)


@given(seed=st.integers(0, 100))
def test_stack_slices__does_not_depend_on_the_order_of_files(seed):
    frames = axial_at(3.0 * np.arange(9))
    shuffled = [frames[i] for i in np.random.default_rng(seed).permutation(9)]
    assert stack(frames).frames == stack(shuffled).frames


def test_stack_slices__spacing_is_of_positions_not_thickness():
    stacked = stack(axial_at([0.0, 2.5, 5.0], slice_thickness_mm=5.0, spacing_between_slices_mm=5.0))
    assert stacked.grid.spacing_mm.tolist() == [2.5, 2.0, 1.5]
    assert any("SpacingBetweenSlices" in n and "2.5" in n for n in stacked.notes)


@pytest.mark.parametrize("gone", [1, 4, 8])
def test_stack_slices__a_missing_slice_names_its_neighbours(gone):
    frames = axial_at(3.0 * np.arange(10))
    before, after = frames[gone - 1].name, frames[gone + 1].name
    with pytest.raises(GeometryError, match=rf"every 3 mm; missing: 1 between {before} .* and {after} "):
        stack(frames[:gone] + frames[gone + 1 :])


def test_stack_slices__many_gaps_are_counted_not_listed():
    with pytest.raises(GeometryError, match=r"and \d+ more gaps"):
        stack(axial_at([z for z in range(40) if z % 5]))


def test_stack_slices__uneven_spacing_is_refused():
    with pytest.raises(GeometryError, match=r"evenly spaced.*3 mm.*4\.2 mm"):
        stack(axial_at([0, 3, 6, 9, 13.2, 16.2]))


def test_stack_slices__two_slabs_of_slightly_different_spacing_are_refused():
    z_mm = np.concatenate([np.arange(30) * 3.0, 29 * 3.0 + np.arange(1, 31) * 3.1])
    with pytest.raises(GeometryError, match="evenly spaced"):
        stack(axial_at(z_mm))


def test_stack_slices__rounded_positions_are_even_and_said_to_be():
    stacked = stack(axial_at(np.round(1.25 * np.arange(50) + 0.04 * (np.arange(50) % 2), 2)))
    assert stacked.grid.spacing_mm[0] == pytest.approx(1.25, abs=1e-3)
    assert any("off even spacing" in n for n in stacked.notes)


def test_stack_slices__one_slice_takes_its_stated_spacing_and_says_so():
    assert "SpacingBetweenSlices" in stack(axial_at([5], spacing_between_slices_mm=4.0)).notes[0]
    stacked = stack(axial_at([5], slice_thickness_mm=6.0))
    assert stacked.grid.spacing_mm[0] == 6
    assert "SliceThickness" in stacked.notes[0]
    with pytest.raises(MissingAttribute, match="SliceThickness"):
        stack(axial_at([5]))


@pytest.mark.parametrize("tilt_degrees", [-30, 1, 20])
def test_stack_slices__a_tilted_gantry_shows_as_shear(tilt_degrees):
    z_mm = 3.0 * np.arange(20)
    positions = [(0.0, z * np.tan(np.radians(tilt_degrees)), z) for z in z_mm]
    shear_mm = stack(frames_at(positions)).shear_mm
    np.testing.assert_allclose(shear_mm[:, 0], [p[1] for p in positions], atol=1e-9)
    assert np.abs(shear_mm[:, 1]).max() < SHEAR_TOLERANCE_MM


@given(st.integers(1, 40))
def test_name_some__names_a_few_and_counts_the_rest(n):
    text = name_some(axial_at(range(n)))
    assert text.count(".dcm") == min(n, 3)
    assert (f"and {n - 3} more" in text) == (n > 3)


@pytest.mark.parametrize(
    ("field", "keyword"),
    [
        ("image_position_mm", "ImagePositionPatient"),
        ("image_orientation", "ImageOrientationPatient"),
        ("pixel_spacing_mm", "PixelSpacing"),
    ],
)
def test_require_plane_attributes__names_what_is_missing_and_where(field, keyword):
    frames = axial_at([0, 1, 2])
    frames[1] = Frame(replace(frames[1].header, **{field: None}))
    with pytest.raises(MissingAttribute, match=rf"{keyword} .*{frames[1].name}"):
        require_plane_attributes(frames)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image_position_mm", (0.0, 0.0, float("nan"))),
        ("image_position_mm", (0.0, 0.0)),
        ("image_orientation", (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)),
        ("image_orientation", (0.0,) * 6),
        ("image_orientation", (2.0, 0.0, 0.0, 0.0, 1.0, 0.0)),
        ("pixel_spacing_mm", (1.0, 0.0)),
        ("pixel_spacing_mm", (1.0, float("inf"))),
    ],
)
def test_require_plane_attributes__refuses_nonsense(field, value):
    frames = axial_at([0, 1])
    frames[1] = Frame(replace(frames[1].header, **{field: value}))
    with pytest.raises(GeometryError):
        require_plane_attributes(frames)


def test_plane_axes__rounded_cosines_become_orthonormal():
    axes = plane_axes(frames_at([(0, 0, 0)], (0.9659, 0.0, -0.2588, 0.0, 1.0, 0.0))[0])
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-12)


@given(tilt_mm=st.floats(-1.9, 1.9), slope=st.floats(-5, 5))
def test_straighten__a_field_linear_in_space_stays_where_it_is(tilt_mm, slope):
    frames = frames_at([(0.0, k * tilt_mm, 3.0 * k) for k in range(6)], rows=12)
    stacked = stack(frames)
    y_mm = np.array([f.header.image_position_mm[1] for f in stacked.frames])[:, None] + 2.0 * np.arange(12)
    values = np.repeat((slope * y_mm)[:, :, None], 3, axis=2)
    shear_mm = np.array([[k * tilt_mm, 0.0] for k in range(6)])
    straight, grid = straighten(values, stacked.grid, shear_mm)
    inside_mm = grid.index_to_patient([0, 0, 0])[1] + 2.0 * np.arange(grid.shape[1])
    for k in range(6):
        covered = (inside_mm >= y_mm[k, 0] + 2e-3) & (inside_mm <= y_mm[k, -1] - 2e-3)
        np.testing.assert_allclose(straight[k, covered, 0], slope * inside_mm[covered], atol=1e-2)


def test_straighten__whole_voxel_shifts_lose_nothing():
    values = np.random.default_rng(1).integers(-1000, 1000, (4, 5, 6)).astype(np.int16)
    grid = stack(axial_at(range(4), rows=5, columns=6)).grid
    straight, wider = straighten(values, grid, np.array([[2.0 * k, -1.5 * k] for k in range(4)]))
    assert straight.dtype == np.int16
    assert wider.shape == (4, 8, 9)
    for k in range(4):
        assert (straight[k, k : k + 5, 3 - k : 9 - k] == values[k]).all()


@given(present=st.sets(st.integers(0, 20), min_size=2))
def test_sparse_stack__frames_land_on_their_slices(present):
    places = sorted(present)
    frames = axial_at([3.0 * p for p in places], spacing_between_slices_mm=3.0)
    grid, slices, notes = sparse_stack(frames, frame_of_reference="1.2")
    assert slices.tolist() == [p - places[0] for p in places]
    assert grid.spacing_mm[0] == pytest.approx(3)
    assert bool(notes) == (len(places) < places[-1] - places[0] + 1)


def test_sparse_stack__frames_off_the_grid_are_refused():
    with pytest.raises(GeometryError, match="whole multiples"):
        sparse_stack(axial_at([0, 3, 7]), frame_of_reference="1.2")
