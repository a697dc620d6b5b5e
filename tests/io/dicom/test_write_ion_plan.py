"""Plans come back from the file as they went in, to the file's own precision."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.patient_position import PatientPosition
from tumorboard.core.plan import EnergyLayer, IonBeam, IonPlan
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.dicom.identity import PatientIdentity, StudyIdentity, make_uid
from tumorboard.io.dicom.read_ion_plan import read_ion_plan
from tumorboard.io.dicom.write_ion_plan import Prescription, write_ion_plan
from tumorboard.provenance import Record

STUDY = StudyIdentity(
    patient=PatientIdentity(patient_id="P01", patient_name="Phantom^Ada"),
    start=datetime(2024, 5, 17, 9),
    description="Test",
    seed="test",
)
STRUCTURES = make_uid("structures", seed="test")
#: A 32-bit number is within this of what it stands for.
ROUNDING = 6e-8

millimetres = st.floats(-400, 400)
sizes = st.one_of(st.none(), st.tuples(st.floats(1, 50), st.floats(1, 50)))


@st.composite
def layers(draw):
    spots = draw(st.lists(st.tuples(millimetres, millimetres, st.floats(1e-3, 1e4)), min_size=1, max_size=5))
    table = np.array(spots)
    return EnergyLayer(draw(st.floats(30, 250)), table[:, :2], table[:, 2], draw(sizes))


@st.composite
def beams(draw, name):
    shifter = draw(st.sampled_from([None, "RS1"]))
    geometry = BeamGeometry(
        draw(st.floats(0, 359.9)),
        draw(st.floats(0, 359.9)),
        [draw(millimetres) for _ in range(3)],
        draw(st.floats(0, 359.9)),
        draw(st.sampled_from(PatientPosition)),
    )
    return IonBeam(
        name,
        geometry,
        tuple(draw(st.lists(layers(), min_size=1, max_size=3))),
        shifter,
        draw(st.floats(0, 500)) if shifter else None,
        draw(st.one_of(st.none(), st.floats(0, 500))),
        draw(st.floats(1, 80)) if shifter else None,
        (draw(st.floats(1500, 3000)), draw(st.floats(1500, 3000))),
    )


@st.composite
def plans(draw):
    made = tuple(draw(beams(name)) for name in ("one", "two")[: draw(st.integers(1, 2))])
    frame = make_uid("frame", seed="test")
    return IonPlan("plan", "TR1", made, draw(st.integers(1, 40)), Record("test"), frame)


def write(plan, path, **changes):
    facts = {"structure_set_uid": STRUCTURES, "description": "test", "series_number": 5}
    created = datetime(2024, 5, 17, 10)
    return write_ion_plan(plan, path, study=STUDY, created=created, **facts | changes)


def one_beam(**changes):
    layer = EnergyLayer(150.0, [[0.0, 1.0]], [2.0])
    beam = IonBeam("one", BeamGeometry(0, 0, (0, 0, 0)), (layer,), source_distance_mm=(2000.0, 2500.0))
    return IonPlan("plan", "TR1", (replace(beam, **changes),), 1, Record("test"), "1.2.3")


def near(value, expected):
    return (value is None) == (expected is None) and np.allclose(
        value or 0, expected or 0, rtol=ROUNDING, atol=1e-12
    )


@settings(max_examples=40)
@given(plan=plans())
def test_write_ion_plan__comes_back_through_our_reader(tmp_path_factory, plan):
    path = tmp_path_factory.getbasetemp() / "rn.dcm"
    back = read_ion_plan(write(plan, path).path)
    assert (back.label, back.machine, back.n_fractions) == (plan.label, plan.machine, plan.n_fractions)
    assert back.frame_of_reference == plan.frame_of_reference
    assert back.provenance.parameters["referenced_structure_set"] == STRUCTURES
    for got, beam in zip(back.beams, plan.beams, strict=True):
        assert (got.name, got.range_shifter) == (beam.name, beam.range_shifter)
        assert got.geometry.patient_position is beam.geometry.patient_position
        for name in ("gantry_angle_deg", "couch_angle_deg", "collimator_angle_deg"):
            assert getattr(got.geometry, name) == pytest.approx(getattr(beam.geometry, name), abs=1e-9)
        np.testing.assert_allclose(got.geometry.isocentre_mm, beam.geometry.isocentre_mm, atol=1e-9)
        assert near(got.range_shifter_distance_mm, beam.range_shifter_distance_mm)
        assert near(got.snout_position_mm, beam.snout_position_mm)
        assert near(
            got.range_shifter_water_equivalent_thickness_mm, beam.range_shifter_water_equivalent_thickness_mm
        )
        np.testing.assert_allclose(got.source_distance_mm, beam.source_distance_mm, rtol=ROUNDING)
        for mine, layer in zip(got.layers, beam.layers, strict=True):
            assert mine.nominal_energy_mev == pytest.approx(layer.nominal_energy_mev, rel=1e-12)
            np.testing.assert_allclose(mine.positions_mm, layer.positions_mm, rtol=ROUNDING, atol=1e-40)
            np.testing.assert_allclose(mine.monitor_units, layer.monitor_units, rtol=ROUNDING)
            assert (mine.spot_fwhm_mm is None) == (layer.spot_fwhm_mm is None)


def test_write_ion_plan__comes_back_exactly_the_second_time(tmp_path):
    """What a file holds is what goes into the next one: no drift from copy to copy."""
    first = read_ion_plan(write(one_beam(), tmp_path / "a.dcm").path)
    second = read_ion_plan(write(first, tmp_path / "b.dcm").path)
    for a, b in zip(first.beams[0].layers, second.beams[0].layers, strict=True):
        np.testing.assert_array_equal(a.positions_mm, b.positions_mm)
        np.testing.assert_array_equal(a.monitor_units, b.monitor_units)


def test_write_ion_plan__refers_to_structures_and_frame(tmp_path):
    dataset = pydicom.dcmread(write(one_beam(), tmp_path / "rn.dcm").path)
    assert dataset.RTPlanGeometry == "PATIENT"
    assert dataset.ReferencedStructureSetSequence[0].ReferencedSOPInstanceUID == STRUCTURES
    assert dataset.FrameOfReferenceUID == "1.2.3"
    assert (dataset.ApprovalStatus, dataset.PlanIntent) == ("UNAPPROVED", "RESEARCH")


def test_write_ion_plan__without_structures_is_no_plan_of_a_patient(tmp_path):
    dataset = pydicom.dcmread(write(one_beam(), tmp_path / "rn.dcm", structure_set_uid=None).path)
    assert dataset.RTPlanGeometry == "TREATMENT_DEVICE"
    assert "ReferencedStructureSetSequence" not in dataset


def test_write_ion_plan__states_prescription_and_doses_of_beams(tmp_path):
    told = {"prescription": Prescription("PTV, RBE 1.1", 60.0), "beam_dose_gy": {"one": 1.25}}
    back = read_ion_plan(write(one_beam(), tmp_path / "rn.dcm", **told).path)
    (stated,) = back.provenance.parameters["dose_references"]
    assert stated == {
        "description": "PTV, RBE 1.1",
        "type": "TARGET",
        "target_prescription_dose_gy": 60.0,
    }
    assert back.provenance.parameters["beam_dose_gy"] == {"one": 1.25}


def test_write_ion_plan__gives_other_content_another_uid(tmp_path):
    plan, more = one_beam(), {"beam_dose_gy": {"one": 1.0}}
    plans = [plan, one_beam(source_distance_mm=(2000.0, 2501.0)), replace(plan, n_fractions=2)]
    uids = [write(p, tmp_path / "rn.dcm").sop_instance_uid for p in plans]
    uids += [
        write(plan, tmp_path / "rn.dcm", **told).sop_instance_uid
        for told in (more, {"structure_set_uid": None})
    ]
    assert len(set(uids)) == 5
    assert write(plan, tmp_path / "rn.dcm").sop_instance_uid == uids[0]


def test_write_ion_plan__writes_layers_of_many_spots(tmp_path):
    """More than 8191 spots do not fit into an explicit encoding."""
    rng = np.random.default_rng(0)
    layer = EnergyLayer(150.0, rng.uniform(-99, 99, (9000, 2)).round(2), np.ones(9000))
    back = read_ion_plan(write(one_beam(layers=(layer,)), tmp_path / "rn.dcm").path)
    np.testing.assert_allclose(back.beams[0].layers[0].positions_mm, layer.positions_mm, rtol=ROUNDING)


@pytest.mark.parametrize(
    ("plan", "told", "error", "says"),
    [
        (replace(one_beam(), frame_of_reference=None), {}, MissingAttribute, "frame_of_reference"),
        (one_beam(source_distance_mm=None), {}, MissingAttribute, "source_distance_mm"),
        (one_beam(layers=(EnergyLayer(150.0, [[0, 0]], [0.0]),)), {}, InputError, "spot > 0"),
        (one_beam(), {"beam_dose_gy": {"two": 1.0}}, InputError, "beams of the plan, one; got two"),
        (one_beam(), {"structure_set_uid": "../x"}, InputError, "structure_set_uid"),
        (one_beam(range_shifter="far too long a name", range_shifter_distance_mm=1.0), {}, InputError, "16"),
    ],
)
def test_write_ion_plan__refuses_what_the_file_could_not_say(tmp_path, plan, told, error, says):
    with pytest.raises(error, match=says):
        write(plan, tmp_path / "rn.dcm", **told)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dose_gy", [0.0, -1.0, float("nan"), float("inf")])
def test_prescription__needs_a_dose(dose_gy):
    with pytest.raises(InputError, match="dose_gy"):
        Prescription("PTV", dose_gy)
