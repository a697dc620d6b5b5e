"""Independent programs accept what we write: dcmtk's dcmdump, dicom3tools' dciodvfy and dcentvfy."""

import shutil
import subprocess
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pydicom
import pytest
from scipy.spatial.transform import Rotation

from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetSlice, Sex
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.plan import EnergyLayer, IonBeam, IonPlan
from tumorboard.core.structures import Structure, StructureKind, StructureSet
from tumorboard.io.dicom.identity import PatientIdentity, StudyIdentity, make_uid
from tumorboard.io.dicom.read_acquisition import read_pet_acquisition
from tumorboard.io.dicom.read_image import read_image
from tumorboard.io.dicom.read_structures import read_structures
from tumorboard.io.dicom.scan import scan
from tumorboard.io.dicom.write_dose import DoseType, PlanKind, write_rtdose
from tumorboard.io.dicom.write_image import ImageModality, write_image_series
from tumorboard.io.dicom.write_ion_plan import Prescription, write_ion_plan
from tumorboard.io.dicom.write_parametric_map import write_parametric_map
from tumorboard.io.dicom.write_segmentation import (
    AlgorithmFamily,
    SegmentationAlgorithm,
    SegmentationKind,
    SegmentationMethod,
    write_segmentation,
)
from tumorboard.io.dicom.write_structures import write_rtstruct
from tumorboard.io.dicom.written import reference_series
from tumorboard.provenance import Record

OBJECTS = ("ct", "mr", "pt", "rtstruct", "segmentation", "fractions", "dose", "map", "plan", "tank plan")
#: Lines of dciodvfy that are its own mistakes, each with the reason.
MISTAKEN = {
    # Added to PS3.3 C.8.8.6 after this program's table was made: the way to write holes.
    "Unrecognized enumerated value = <CLOSEDPLANAR_XOR>",
}


ZONE = timezone(timedelta(hours=2))
STUDY = StudyIdentity(
    patient=PatientIdentity(
        patient_id="P01", patient_name="Phantom^Ådå", sex=Sex.FEMALE, birth_date=date(1960, 1, 2)
    ),
    start=datetime(2024, 5, 17, 9, tzinfo=ZONE),
    description="Test",
    study_id="1",
    seed="test",
)
LATER = {"study": STUDY, "created": datetime(2024, 5, 17, 11, tzinfo=ZONE), "description": "test"}
FRAME = make_uid("frame", seed="test")
OBLIQUE = Grid(
    (5, 12, 10),
    (3.0, 1.2, 0.9),
    (-10, 20, -33.3),
    Rotation.from_euler("xyz", (10, -20, 30), degrees=True).as_matrix() @ np.array(AXIAL),
    frame_of_reference=FRAME,
)
FDG = PetAcquisition(
    decay_reference=DecayReference.START,
    corrected_image=("DECY", "ATTN"),
    radionuclide="F-18",
    radiopharmaceutical="FDG",
    half_life_s=6586.2,
    injected_bq=350e6,
    injection=STUDY.start - timedelta(minutes=60),
    series_start=STUDY.start,
    slices=(PetSlice(frame_duration_s=180.0),),
    weight_kg=70.0,
    height_m=1.7,
    sex=Sex.FEMALE,
)


def image(values, quantity):
    return Image(values, OBLIQUE, quantity, Record("test"))


def write_series(folder, rng):
    """Write CT, MR and PT; return what was written by name."""

    def series(name, number, values, quantity, **more):
        return write_image_series(
            image(values, quantity),
            folder / name,
            study=STUDY,
            modality=ImageModality(name.upper()),
            description=name,
            series_number=number,
            **more,
        )

    hu = rng.integers(-1000, 2000, OBLIQUE.shape).astype(np.int16)
    activity = rng.gamma(2, 3e3, OBLIQUE.shape).astype(np.float32)
    return {
        "ct": series("ct", 1, hu, Quantity.CT_NUMBER, acquired=STUDY.start),
        "mr": series("mr", 2, hu.astype(np.uint16), Quantity.MR_SIGNAL, acquired=STUDY.start),
        "pt": series("pt", 3, activity, Quantity.ACTIVITY_CONCENTRATION, acquisition=FDG),
    }


def structures_with_a_hole():
    mask = np.zeros(OBLIQUE.shape, bool)
    mask[1:4, 2:8, 3:9] = True
    mask[2, 4:6, 5:7] = False
    masks = tuple(
        Structure(kind.name.capitalize(), mask=image(mask, Quantity.LABEL), kind=kind, colour_rgb=(255, 0, 0))
        for kind in StructureKind
    )
    return StructureSet(masks, FRAME, Record("test"), empty_names=("nothing",))


def two_beams():
    rng = np.random.default_rng(0)
    layers = tuple(
        EnergyLayer(energy, rng.uniform(-50, 50, (n, 2)), rng.random(n), (9.0, 8.5))
        for energy, n in ((150.0, 7), (140.5, 1))
    )
    shifted = IonBeam(
        "anterior",
        BeamGeometry(0.0, 0.0, (1.25, -4, 5)),
        layers,
        range_shifter="RS1",
        range_shifter_distance_mm=200.0,
        snout_position_mm=150.0,
        range_shifter_water_equivalent_thickness_mm=40.0,
        source_distance_mm=(2000.0, 2560.0),
    )
    plain = IonBeam("oblique", BeamGeometry(310.5, 20.0, (0, 0, 0)), layers, source_distance_mm=(2e3, 2.5e3))
    return IonPlan("test", "TR1", (shifted, plain), 30, Record("test"), FRAME)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """One file of each kind of object, of one oblique case."""
    folder = tmp_path_factory.mktemp("accepted")
    rng = np.random.default_rng(0)
    series = write_series(folder, rng)
    structures = structures_with_a_hole()
    fraction = rng.random(OBLIQUE.shape).astype(np.float32)
    liver = StructureSet(
        (Structure("liver", mask=image(fraction, Quantity.FRACTION)),), FRAME, Record("test")
    )
    program = SegmentationAlgorithm(
        SegmentationMethod.AUTOMATIC, "threshold", "1.0", AlgorithmFamily.HISTOGRAM_ANALYSIS
    )
    on_ct = {"reference": series["ct"].reference, **LATER}
    contoured = write_rtstruct(structures, folder / "rs.dcm", series_number=4, **on_ct)
    plan = write_ion_plan(
        two_beams(),
        folder / "rn.dcm",
        structure_set_uid=contoured.sop_instance_uid,
        prescription=Prescription("PTV", 60.0),
        beam_dose_gy={"anterior": 1.0, "oblique": 1.0},
        series_number=9,
        **LATER,
    )
    return {
        "ct": series["ct"].paths[0],
        "mr": series["mr"].paths[-1],
        "pt": series["pt"].paths[2],
        "rtstruct": contoured.path,
        "segmentation": write_segmentation(
            structures,
            folder / "seg.dcm",
            series_number=5,
            kind=SegmentationKind.BINARY,
            algorithm=SegmentationAlgorithm(SegmentationMethod.MANUAL),
            **on_ct,
        ).path,
        "fractions": write_segmentation(
            liver,
            folder / "fractions.dcm",
            series_number=6,
            kind=SegmentationKind.FRACTIONAL,
            algorithm=program,
            **on_ct,
        ).path,
        "dose": write_rtdose(
            image(60 * fraction, Quantity.DOSE),
            folder / "rd.dcm",
            series_number=7,
            dose_type=DoseType.PHYSICAL,
            plan_kind=PlanKind.RT_ION_PLAN,
            plan_sop_instance_uid=plan.sop_instance_uid,
            **LATER,
        ).path,
        "map": write_parametric_map(
            image(fraction, Quantity.SUV_BODY_WEIGHT),
            folder / "pm.dcm",
            series_number=8,
            reference=series["pt"].reference,
            **LATER,
        ).path,
        "plan": plan.path,
        "tank plan": write_ion_plan(
            two_beams(), folder / "tank.dcm", structure_set_uid=None, series_number=10, **LATER
        ).path,
    }


def run(program, *arguments):
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed (Debian: dcmtk, dicom3tools)")
    return subprocess.run([found, *map(str, arguments)], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", OBJECTS)
def test_written_files__dcmdump_reads_them(written, name):
    done = run("dcmdump", "+E", written[name])
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize("name", OBJECTS)
def test_written_files__dciodvfy_finds_no_error(written, tmp_path, name):
    path = written[name]
    if name == "dose":
        # This program aborts at pixels of 32 bits, which the RT Dose module allows: it gets the upper 16.
        dataset = pydicom.dcmread(path)
        dataset.PixelData = (dataset.pixel_array >> 16).astype("<u2").tobytes()
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
        path = tmp_path / "16 bits.dcm"
        dataset.save_as(path)
    said = run("dciodvfy", "-new", path).stderr.splitlines()
    assert len(said) >= 1  # the kind of object that it recognised
    errors = [
        line for line in said if line.startswith("Error") and not any(mistake in line for mistake in MISTAKEN)
    ]
    assert errors == []
    assert not any("Assertion" in line for line in said)


def test_written_files__dcentvfy_finds_one_consistent_patient(written):
    said = run("dcentvfy", *written.values()).stderr.splitlines()
    assert [line for line in said if line.startswith("Error")] == []


def test_written_files__our_scan_finds_every_series(written):
    study = scan(written["dose"].parent)
    assert study.quarantined == ()
    found = sorted(series.modality for series in study.series)
    assert found == ["CT", "MR", "OT", "PT", "RTDOSE", "RTPLAN", "RTPLAN", "RTSTRUCT", "SEG", "SEG"]
    assert {series.study_uid for series in study.series} == {study.series[0].study_uid}
    ct, pt = (next(s for s in study.series if s.modality == kind) for kind in ("CT", "PT"))
    image = read_image(ct)
    structures = next(s for s in study.series if s.modality == "RTSTRUCT")
    frames = [image.grid.frame_of_reference]
    assert len(read_structures(structures, frames_of_reference=frames).structures) == len(StructureKind)
    assert reference_series(ct.headers, image.grid).series_instance_uid == ct.uid
    acquisition = read_pet_acquisition(pt)
    assert (acquisition.injected_bq, acquisition.half_life_s, acquisition.weight_kg) == (350e6, 6586.2, 70.0)
    assert acquisition.injection == acquisition.series_start - timedelta(minutes=60)


def test_written_files__say_that_they_are_for_research(written):
    for path in written.values():
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        said = [item.get("ContributionDescription", "") for item in dataset.ContributingEquipmentSequence]
        assert any("Research use only" in text for text in said)
