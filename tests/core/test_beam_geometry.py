"""IEC 61217 angles against what they mean in the treatment room."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.patient_position import PatientPosition
from tumorboard.errors import InputError

ANGLES = st.floats(-360, 360)
LEFT, BACK, HEAD = np.eye(3)  # LPS


@pytest.mark.parametrize(
    ("gantry", "couch", "position", "travel"),
    [
        (0, 0, "HFS", BACK),  # from above: enters the chest, leaves by the back
        (90, 0, "HFS", -LEFT),  # source at +x, the patient's left
        (180, 0, "HFS", -BACK),
        (270, 0, "HFS", LEFT),
        (0, 0, "HFP", -BACK),
        (90, 0, "FFS", LEFT),  # feet to the gantry: the source is at the patient's right
        (90, 0, "FFP", -LEFT),
        (0, 0, "HFDL", LEFT),  # lies on the left side: the beam from above goes to the left
        (0, 0, "FFDR", -LEFT),
        # Couch +90 turns it anticlockwise seen from above: the head, first towards the gantry, comes to -x,
        # and a source at +x looks at the feet.
        (90, 90, "HFS", HEAD),
        (90, 270, "HFS", -HEAD),
    ],
)
def test_travel_direction__is_the_rooms(gantry, couch, position, travel):
    geometry = BeamGeometry(gantry, couch, (0, 0, 0), patient_position=PatientPosition(position))
    np.testing.assert_allclose(geometry.travel_direction, travel, atol=1e-12)


@given(ANGLES, ANGLES, st.sampled_from(PatientPosition))
def test_to_patient__is_a_rigid_motion_that_to_gantry_undoes(gantry, couch, position):
    geometry = BeamGeometry(gantry, couch, (10.0, -20.0, 30.0), patient_position=position)
    rotation = geometry.gantry_to_patient
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    points = np.random.default_rng(0).normal(size=(5, 3)) * 100
    np.testing.assert_allclose(geometry.to_gantry(geometry.to_patient(points)), points, atol=1e-9)
    np.testing.assert_allclose(geometry.to_patient((0, 0, 0)), (10.0, -20.0, 30.0))


def test_beam_geometry__needs_a_finite_isocentre():
    with pytest.raises(InputError, match=r"isocentre_mm must be a finite point"):
        BeamGeometry(0, 0, (0, np.nan, 0))
