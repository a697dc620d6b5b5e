"""Clinical plans come in as they are; what would be planned wrong is refused by name."""

import re
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
from tumorboard.errors import InputError, MissingAttribute, TumorboardError, UnreadableFile
from tumorboard.io.dicom.identity import PatientIdentity, StudyIdentity, make_uid
from tumorboard.io.dicom.read_image import read_images
from tumorboard.io.dicom.read_ion_plan import read_ion_plan
from tumorboard.io.dicom.scan import scan
from tumorboard.io.dicom.write_ion_plan import write_ion_plan
from tumorboard.io.machines import read_dcpt_beam_model
from tumorboard.provenance import Record

FOLDER = "proton/dcpt_plan01"
#: Of each plan: label, fractions' monitor units as stated, layers, spots.
CLINICAL = {
    "178041": ("1_SOBP_1Gy", 17571.2003322833, 12, 3468),
    "178042": ("1_SOBP_.5Gy", 8129.5701842079, 12, 3468),
    "178319": ("1_SOBP_2Gy", 41806.7405069583, 21, 6069),
}


def clinical(data_dir, number):
    return next((data_dir / FOLDER / "plan01_sobp").glob(f"RN*{number}*.dcm"))


@pytest.mark.parametrize("number", CLINICAL)
def test_read_ion_plan__reads_clinical_plans(data_dir, number):
    label, meterset, n_layers, n_spots = CLINICAL[number]
    plan = read_ion_plan(clinical(data_dir, number))
    assert (plan.label, plan.machine, plan.n_fractions) == (label, "TR2", 1)
    assert plan.frame_of_reference == "1.2.246.352.205.4998624663546505923.5025930422988221103"
    (beam,) = plan.beams
    assert (beam.name, len(beam.layers), beam.n_spots) == ("Field 1", n_layers, n_spots)
    assert beam.geometry.patient_position is PatientPosition.HEAD_FIRST_SUPINE
    assert (beam.geometry.gantry_angle_deg, beam.geometry.couch_angle_deg) == (0.0, 0.0)
    assert beam.geometry.isocentre_mm.tolist() == [0.0, 0.0, 0.0]
    assert beam.source_distance_mm == (2000.0, 2560.0)
    assert (beam.range_shifter, beam.snout_position_mm) == (None, pytest.approx(127.8234, abs=1e-4))
    total = sum(layer.monitor_units.sum() for layer in beam.layers)
    assert total == pytest.approx(meterset, rel=3e-8)  # spots are 32-bit numbers in the file
    assert plan.provenance.parameters["beam_meterset_mu"] == {"Field 1": meterset}


def read_spot_list(path):
    """Nominal order of dicomexport's list: x, y [mm] and protons, shapes (n, 2) and (n,)."""
    table = np.loadtxt(path)
    return 10 * table[:, 2:4], table[:, 6]


@pytest.mark.parametrize("version", ["v2", "v5"])
def test_read_ion_plan__gives_the_spots_and_protons_that_dicomexport_derives(data_dir, version):
    """Independent: the list was exported by dicomexport from the same plan and beam model, to six digits."""
    folder = data_dir / FOLDER
    (beam,) = read_ion_plan(clinical(data_dir, "178319")).beams
    model = read_dcpt_beam_model(
        folder / "dcpt_beam_model" / f"DCPT_beam_model__{version}.csv",
        source_distance_mm=beam.source_distance_mm,
    )
    listed_mm, listed_protons = read_spot_list(
        folder / "plan01_sobp" / f"spotlist_BM{version}_c7_field01.dat"
    )
    positions = np.concatenate([layer.positions_mm for layer in beam.layers])
    np.testing.assert_allclose(positions, listed_mm, atol=6e-5, rtol=0)
    per_mu = [s.protons_per_mu for s in model.spots]
    protons = np.concatenate(
        [
            layer.monitor_units * np.interp(layer.nominal_energy_mev, model.nominal_energies_mev, per_mu)
            for layer in beam.layers
        ]
    )
    np.testing.assert_allclose(protons, listed_protons, rtol=2e-5)


def test_scan__lists_plans_and_reads_no_image_from_them(data_dir):
    study = scan(data_dir / FOLDER / "plan01_sobp")
    assert [s.modality for s in study.series] == ["RTPLAN"] * 3
    assert study.quarantined == ()
    with pytest.raises(InputError, match="read_ion_plan"):
        read_images(study.series[0])


def two_layer_plan():
    layers = (
        EnergyLayer(150.0, [[-5.0, 2.0], [5.0, 2.5]], [1.5, 0.5], (9.0, 8.0)),
        EnergyLayer(120.0, [[0.25, -7.0]], [2.0], (10.0, 9.0)),
    )
    beam = IonBeam(
        "left",
        BeamGeometry(90.0, 350.0, (1.0, -2.0, 3.5), 15.0),
        layers,
        range_shifter="RS1",
        range_shifter_distance_mm=180.0,
        snout_position_mm=150.0,
        range_shifter_water_equivalent_thickness_mm=40.0,
        source_distance_mm=(2000.0, 2560.0),
    )
    frame = make_uid("frame", seed="test")
    return IonPlan("test", "TR1", (beam, replace(beam, name="right")), 30, Record("test"), frame)


@pytest.fixture
def changed(tmp_path):
    """Return a function that writes a good plan, lets ``change`` spoil its dataset, and reads it."""

    def read(change):
        study = StudyIdentity(
            patient=PatientIdentity(patient_id="P01", patient_name="Phantom^Ada"),
            start=datetime(2024, 5, 17, 9),
            description="Test",
            seed="test",
        )
        path = tmp_path / "plan.dcm"
        write_ion_plan(
            two_layer_plan(),
            path,
            study=study,
            structure_set_uid=None,
            description="test",
            series_number=1,
            created=datetime(2024, 5, 17, 10),
        )
        dataset = pydicom.dcmread(path)
        change(dataset)
        dataset.save_as(path)
        return read_ion_plan(path)

    return read


def of_beam(**values):
    def change(dataset):
        for keyword, value in values.items():
            if value is None:
                del dataset.IonBeamSequence[0][keyword]
            else:
                setattr(dataset.IonBeamSequence[0], keyword, value)

    return change


def of_point(number, **values):
    def change(dataset):
        point = dataset.IonBeamSequence[0].IonControlPointSequence[number]
        for keyword, value in values.items():
            if value is None:
                del point[keyword]
            else:
                setattr(point, keyword, value)

    return change


def no_meterset(dataset):
    del dataset.FractionGroupSequence[0].ReferencedBeamSequence[0].BeamMeterset


def no_fractions(dataset):
    del dataset.FractionGroupSequence[0].NumberOfFractionsPlanned


def two_groups(dataset):
    dataset.FractionGroupSequence.append(dataset.FractionGroupSequence[0])


def no_position(dataset):
    dataset.PatientSetupSequence[0].PatientPosition = "SITTING"


def of_shifter(**values):
    def change(dataset):
        first = dataset.IonBeamSequence[0].IonControlPointSequence[0]
        for keyword, value in values.items():
            if value is None:
                del first.RangeShifterSettingsSequence[0][keyword]
            else:
                setattr(first.RangeShifterSettingsSequence[0], keyword, value)

    return change


def stacked(dataset):
    for sequence, number in (
        (dataset.IonBeamSequence[0].RangeShifterSequence, "RangeShifterNumber"),
        (
            dataset.IonBeamSequence[0].IonControlPointSequence[0].RangeShifterSettingsSequence,
            "ReferencedRangeShifterNumber",
        ),
    ):
        second = pydicom.Dataset()
        second.update(sequence[0])
        setattr(second, number, 2)
        sequence.append(second)


def moving_shifter(dataset):
    points = dataset.IonBeamSequence[0].IonControlPointSequence
    setting = pydicom.Dataset()
    setting.update(points[0].RangeShifterSettingsSequence[0])
    setting.RangeShifterSetting = "OUT"
    points[2].RangeShifterSettingsSequence = [setting]


def analog_shifter(dataset):
    dataset.IonBeamSequence[0].RangeShifterSequence[0].RangeShifterType = "ANALOG"


REFUSED = [
    (lambda d: setattr(d, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.481.5"), InputError, "RT Ion Plan Storage"),
    (no_meterset, MissingAttribute, "BeamMeterset .*'left'"),
    (no_fractions, MissingAttribute, "NumberOfFractionsPlanned"),
    (two_groups, InputError, "FractionGroupSequence .* one group; got 2"),
    (no_position, MissingAttribute, "PatientPosition .*SITTING"),
    (of_beam(ScanMode="UNIFORM", ModulatedScanModeType=None), InputError, "ScanMode .*MODULATED.*UNIFORM"),
    (of_beam(ScanMode="NONE"), InputError, "ScanMode .*got NONE"),
    (of_beam(ModulatedScanModeType="LINEAR"), InputError, "ModulatedScanModeType .*LINEAR"),
    (of_beam(RadiationType="ION"), InputError, "RadiationType .*PROTON; got ION"),
    (of_beam(PrimaryDosimeterUnit="NP"), InputError, "PrimaryDosimeterUnit .*MU; got NP"),
    (of_beam(NumberOfBoli=1), InputError, "boluses are not supported"),
    (of_beam(NumberOfCompensators=1), InputError, "compensators are not supported"),
    (of_beam(NumberOfWedges=2), InputError, "wedges are not supported"),
    (of_beam(NumberOfBlocks=1), InputError, r"blocks \(apertures\) are not supported"),
    (of_beam(NumberOfRangeModulators=1), InputError, "range modulators are not supported"),
    (of_beam(PatientSupportType="CHAIR"), InputError, "PatientSupportType .*CHAIR"),
    (of_beam(TreatmentDeliveryType="CONTINUATION"), InputError, "CONTINUATION"),
    (of_beam(TreatmentMachineName="TR4"), InputError, "TreatmentMachineName .*one; got TR1, TR4"),
    (of_beam(FinalCumulativeMetersetWeight=None), MissingAttribute, "FinalCumulativeMetersetWeight"),
    (of_beam(FinalCumulativeMetersetWeight=9), InputError, "CumulativeMetersetWeight .* final 9"),
    (of_point(0, GantryAngle=None), MissingAttribute, "GantryAngle"),
    (of_point(2, GantryAngle=91.0), InputError, "GantryAngle .*one for the whole beam.*90 and 91.*arcs"),
    (of_point(0, PatientSupportAngle=None), MissingAttribute, "PatientSupportAngle"),
    (of_point(0, IsocenterPosition=None), MissingAttribute, "IsocenterPosition"),
    (of_point(2, IsocenterPosition=[1, -2, 4.5]), InputError, "IsocenterPosition .*one for the whole beam"),
    (of_point(0, TableTopPitchAngle=1.5), InputError, "TableTopPitchAngle .*1.5"),
    (of_point(0, NominalBeamEnergy=None), MissingAttribute, "NominalBeamEnergy"),
    (of_point(0, ScanSpotPositionMap=[1.0, 2.0]), MissingAttribute, "ScanSpotPositionMap .*2 spots"),
    (of_point(0, ScanSpotMetersetWeights=None), InputError, "ScanSpotMetersetWeights .*add up"),
    (of_point(0, ScanSpotMetersetWeights=[2.5, 0.5]), InputError, "ScanSpotMetersetWeights .*got 3"),
    (of_point(0, ScanSpotMetersetWeights=[2.5, -0.5]), InputError, ">= 0"),
    (of_shifter(IsocenterToRangeShifterDistance=None), MissingAttribute, "IsocenterToRangeShifterDistance"),
    (of_point(0, RangeShifterSettingsSequence=None), MissingAttribute, "RangeShifterSettingsSequence"),
    (stacked, InputError, "at most one"),
    (moving_shifter, InputError, "moves between layers"),
    (analog_shifter, InputError, "BINARY"),
]


@pytest.mark.parametrize(("change", "error", "says"), REFUSED)
def test_read_ion_plan__refuses_by_name(changed, change, error, says):
    with pytest.raises(error) as caught:
        changed(change)
    assert re.search(says, str(caught.value))
    assert "\n" not in str(caught.value)


def test_read_ion_plan__reads_the_plan_that_the_others_spoil(changed):
    plan = changed(lambda dataset: None)
    assert [beam.name for beam in plan.beams] == ["left", "right"]
    assert plan.beams[0].range_shifter == "RS1"


def test_read_ion_plan__leaves_out_beams_that_do_not_treat_and_says_so(changed):
    plan = changed(of_beam(TreatmentDeliveryType="SETUP"))
    assert [beam.name for beam in plan.beams] == ["right"]
    assert any("SETUP" in note for note in plan.provenance.parameters["notes"])


def test_read_ion_plan__takes_a_range_shifter_that_is_out_for_none(changed):
    plan = changed(of_shifter(RangeShifterSetting="OUT"))
    assert plan.beams[0].range_shifter is None


def test_read_ion_plan__scales_weights_to_the_meterset(changed):
    """A tenfold meterset is tenfold monitor units, whatever the weights are."""

    def tenfold(dataset):
        dataset.FractionGroupSequence[0].ReferencedBeamSequence[0].BeamMeterset = "40"

    left, right = changed(tenfold).beams
    for more, same in zip(left.layers, right.layers, strict=True):
        np.testing.assert_allclose(more.monitor_units, 10 * same.monitor_units, rtol=1e-12)


@settings(max_examples=30)
@given(data=st.data())
def test_read_ion_plan__calls_a_damaged_file_unreadable_or_reads_it(data_dir, tmp_path_factory, data):
    content = bytearray(clinical(data_dir, "178041").read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        for _ in range(3):
            # The control points hold most bytes; the structure stands in the first and in between.
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.dcm"
    path.write_bytes(content)
    try:
        plan = read_ion_plan(path)
    except TumorboardError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert plan.n_spots > 0


def test_read_ion_plan__warns_of_no_uid_that_a_damaged_file_holds(data_dir, tmp_path):
    content = bytearray(clinical(data_dir, "178041").read_bytes())
    at = content.index(b"1.2.840.10008.1.2.1")
    content[at] = 0  # of the transfer syntax; warnings are errors here
    path = tmp_path / "damaged.dcm"
    path.write_bytes(content)
    assert read_ion_plan(path).n_spots > 0


def test_read_ion_plan__refuses_what_is_no_dicom_file(tmp_path):
    path = tmp_path / "plan.dcm"
    path.write_text("not a plan")
    with pytest.raises((UnreadableFile, InputError)):
        read_ion_plan(path)
