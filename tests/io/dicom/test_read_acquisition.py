from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage, generate_uid

from tumorboard.core.acquisition import DecayReference, PetUnits, Sex, SuvType
from tumorboard.errors import InputError, UnitError, UnreadableFile
from tumorboard.io.dicom.read_acquisition import (
    AcquisitionResolution,
    pet_acquisition_of,
    read_pet_acquisition,
)
from tumorboard.io.dicom.study import FileHeader, Series

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR")  # pydicom, of the broken values below
GE, SIEMENS, PHILIPS = "GEMS_PETD_01", "SIEMENS MED PT", "Philips PET Private Group"


def pet(tracer=None, drop=(), **changes):
    """One slice as the reference objects have it, with changes."""
    nuclide = Dataset()
    nuclide.CodeValue, nuclide.CodeMeaning = "C-111A1", "^18^Fluorine"
    item = Dataset()
    item.Radiopharmaceutical = "FDG"
    item.RadiopharmaceuticalStartTime = "100000.000000"
    item.RadiopharmaceuticalStartDateTime = "20250101100000.000000"
    item.RadionuclideTotalDose, item.RadionuclideHalfLife = "368080000.0", "6586.2"
    item.RadionuclideCodeSequence = Sequence([nuclide])
    for keyword, value in (tracer or {}).items():
        setattr(item, keyword, value)
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = PositronEmissionTomographyImageStorage, generate_uid()
    ds.SeriesInstanceUID, ds.Modality, ds.Manufacturer = "1.2.3", "PT", "Synthetic"
    ds.SeriesDate = ds.AcquisitionDate = "20250101"
    ds.SeriesTime = ds.AcquisitionTime = "110000.000000"
    ds.PatientWeight, ds.PatientSize, ds.PatientSex, ds.PatientAge = "70.0", "1.75", "F", "034Y"
    ds.Units, ds.DecayCorrection, ds.CorrectedImage = "BQML", "START", ["DECY", "ATTN"]
    ds.ImagePositionPatient = [0.0, 0.0, 4.0]
    ds.FrameReferenceTime, ds.ActualFrameDuration, ds.DecayFactor = "150000.0", "300000", "1.0"
    ds.RadiopharmaceuticalInformationSequence = Sequence([item])
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    for keyword in drop:
        delattr(item if keyword in item else ds, keyword)
    return ds


def with_private(ds, group, creator, element, vr, value, *, block=0x10):
    ds.add_new((group, block), "LO", creator)
    ds.add_new((group, (block << 8) + element), vr, value)
    return ds


def test_pet_acquisition_of__reads_every_fact_in_our_units():
    scan = pet_acquisition_of([pet(SUVType="LBMJANMA")])
    assert (scan.units, scan.suv_type) == (PetUnits.BQML, SuvType.LEAN_BODY_MASS_JANMAHASATIAN)
    assert (scan.decay_reference, scan.corrected_image) == (DecayReference.START, ("DECY", "ATTN"))
    assert (scan.half_life_s, scan.injected_bq, scan.weight_kg, scan.height_m) == (
        6586.2,
        368.08e6,
        70.0,
        1.75,
    )
    assert (scan.radionuclide, scan.radiopharmaceutical, scan.sex, scan.age) == (
        "^18^Fluorine",
        "FDG",
        Sex.FEMALE,
        "034Y",
    )
    assert scan.injection == datetime(2025, 1, 1, 10)
    assert scan.series_start == datetime(2025, 1, 1, 11)
    (part,) = scan.slices
    assert part.position_mm == (0.0, 0.0, 4.0)
    assert part.acquisition_start == datetime(2025, 1, 1, 11)
    assert (part.frame_reference_time_s, part.frame_duration_s, part.decay_factor) == (150.0, 300.0, 1.0)
    assert scan.notes == ()


def test_pet_acquisition_of__takes_zero_and_empty_as_absent():
    scan = pet_acquisition_of(
        [
            pet(
                {"RadionuclideTotalDose": "0", "RadionuclideHalfLife": None},
                PatientWeight="0",
                PatientSize="",
                PatientSex="U",
                Units="",
            )
        ]
    )
    assert scan.injected_bq is scan.half_life_s is scan.weight_kg is scan.height_m is None
    assert scan.sex is None
    assert scan.units is None


def test_pet_acquisition_of__injection_before_midnight():
    scan = pet_acquisition_of(
        [
            pet(
                {"RadiopharmaceuticalStartTime": "235000"},
                drop=["RadiopharmaceuticalStartDateTime"],
                SeriesDate="20250102",
                AcquisitionDate="20250102",
                SeriesTime="004000",
                AcquisitionTime="004000",
            )
        ]
    )
    assert scan.injection == datetime(2025, 1, 1, 23, 50)
    assert "2025-01-01T23:50:00" in scan.notes[0]


def test_pet_acquisition_of__dates_the_injection_by_the_acquisition_not_by_later_processing():
    scan = pet_acquisition_of(
        [
            pet(
                {"RadiopharmaceuticalStartTime": "100000"},
                drop=["RadiopharmaceuticalStartDateTime"],
                SeriesDate="20250103",
            )
        ]
    )
    assert scan.injection == datetime(2025, 1, 1, 10)


def test_pet_acquisition_of__injection_during_a_dynamic_scan_is_not_put_a_day_earlier():
    tracer = {"RadiopharmaceuticalStartTime": "110010"}
    drop = ["RadiopharmaceuticalStartDateTime"]
    dynamic = pet_acquisition_of([pet(tracer, drop, SeriesType=["DYNAMIC", "IMAGE"])])
    static = pet_acquisition_of([pet(tracer, drop, SeriesType=["WHOLE BODY", "IMAGE"])])
    assert dynamic.injection == datetime(2025, 1, 1, 11, 0, 10)
    assert static.injection == datetime(2024, 12, 31, 11, 0, 10)


def test_pet_acquisition_of__does_not_date_a_long_lived_tracer():
    scan = pet_acquisition_of(
        [pet({"RadionuclideHalfLife": "282280"}, drop=["RadiopharmaceuticalStartDateTime"])]
    )
    assert scan.injection is None
    assert "given on an earlier day" in scan.notes[0]


def test_pet_acquisition_of__shifted_injection_date_is_used_only_when_asked():
    shifted = [pet({"RadiopharmaceuticalStartDateTime": "19990101100000"})]
    assert pet_acquisition_of(shifted).injection == datetime(1999, 1, 1, 10)
    asked = pet_acquisition_of(shifted, resolutions=[AcquisitionResolution.INJECTION_ON_SCAN_DATE])
    assert asked.injection == datetime(2025, 1, 1, 10)
    assert "as asked" in asked.notes[0]


def test_pet_acquisition_of__activity_in_mbq_is_refused_or_read_when_asked():
    files = [pet({"RadionuclideTotalDose": "368.08"})]
    with pytest.raises(
        UnitError, match=r"injected_bq, Radionuclide Total Dose \(0018,1074\), .*ACTIVITY_IN_MBQ"
    ):
        pet_acquisition_of(files)
    asked = pet_acquisition_of(files, resolutions=[AcquisitionResolution.ACTIVITY_IN_MBQ])
    assert asked.injected_bq == pytest.approx(368.08e6, rel=1e-12)
    assert "was read as MBq, as asked" in asked.notes[0]
    assert pet_acquisition_of(files, corrections={"injected_bq": 1e7}).injected_bq == 1e7


def test_pet_acquisition_of__time_zone_of_the_file_holds_for_all_its_times():
    scan = pet_acquisition_of(
        [pet({"RadiopharmaceuticalStartDateTime": "20250101090000+0000"}, TimezoneOffsetFromUTC="+0100")]
    )
    assert scan.series_start == datetime(2025, 1, 1, 10, tzinfo=UTC)
    assert scan.injection == datetime(2025, 1, 1, 9, tzinfo=UTC)


def test_pet_acquisition_of__notes_a_zone_that_only_the_injection_has():
    scan = pet_acquisition_of([pet({"RadiopharmaceuticalStartDateTime": "20250101100000+0100"})])
    assert scan.injection == datetime(2025, 1, 1, 10)
    assert "has a time zone" in scan.notes[0]


def test_pet_acquisition_of__notes_an_unreadable_time_and_leaves_it_out():
    broken = pet({"RadiopharmaceuticalStartTime": "25:99"}, drop=["RadiopharmaceuticalStartDateTime"])
    scan = pet_acquisition_of([broken])
    assert scan.injection is None
    assert "(0018,1072) is left out" in scan.notes[0]


@pytest.mark.parametrize("block", [0x10, 0x11])
def test_pet_acquisition_of__finds_private_elements_by_their_creator(block):
    ge = with_private(pet(), 0x0009, GE, 0x0D, "DT", "20250101105500.00", block=block)
    siemens = with_private(pet(), 0x0071, SIEMENS, 0x22, "DT", "20250101105600", block=block)
    suv = with_private(pet(), 0x7053, PHILIPS, 0x00, "DS", "0.0005", block=block)
    activity = with_private(pet(), 0x7053, PHILIPS, 0x09, "UN", b"1.75 ", block=block)
    assert pet_acquisition_of([ge]).ge_scan_start == datetime(2025, 1, 1, 10, 55)
    assert pet_acquisition_of([siemens]).siemens_scan_start == datetime(2025, 1, 1, 10, 56)
    assert pet_acquisition_of([suv]).philips_suv_factor == 0.0005
    assert pet_acquisition_of([activity]).philips_activity_factor == 1.75


def test_pet_acquisition_of__leaves_private_elements_of_others_alone():
    other = with_private(pet(), 0x0009, "SOMEONE ELSE", 0x0D, "DT", "20250101105500")
    nameless = pet()
    nameless.add_new((0x0009, 0x100D), "DT", "20250101105500")
    assert pet_acquisition_of([other]).ge_scan_start is None
    assert pet_acquisition_of([nameless]).ge_scan_start is None
    nameless.Manufacturer = "GE MEDICAL SYSTEMS"
    assert pet_acquisition_of([nameless]).ge_scan_start == datetime(2025, 1, 1, 10, 55)


def test_pet_acquisition_of__takes_a_philips_factor_of_zero_as_absent():
    assert (
        pet_acquisition_of([with_private(pet(), 0x7053, PHILIPS, 0x00, "DS", "0")]).philips_suv_factor is None
    )


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (lambda: [], "at least one file"),
        (lambda: [pet(), pet(PatientWeight="71")], "PatientWeight must be the same in every file"),
        (lambda: [pet(Units="BQ")], r"Units \(0054,1001\) must be one of CNTS, NONE, .*; got 'BQ'"),
        (lambda: [pet(SUVType="SUL")], r"SUV Type \(0054,1006\) must be one of BSA, BW, .*; got 'SUL'"),
        (
            lambda: [pet(RadiopharmaceuticalInformationSequence=Sequence([Dataset(), Dataset()]))],
            "must have one item",
        ),
    ],
)
def test_pet_acquisition_of__says_what_is_wrong(files, says):
    with pytest.raises(InputError, match=says):
        pet_acquisition_of(files())


def test_pet_acquisition_of__notes_corrections_and_refuses_unknown_ones():
    scan = pet_acquisition_of([pet()], corrections={"weight_kg": 65.0})
    assert scan.weight_kg == 65.0
    assert "weight_kg was corrected by the caller from 70.0 to 65.0" in scan.notes
    assert scan.provenance.parameters["corrections"] == {"weight_kg": "65.0"}
    with pytest.raises(InputError, match="corrections must name fields of PetAcquisition; got 'weight'"):
        pet_acquisition_of([pet()], corrections={"weight": 65.0})


def series_of(paths):
    headers = tuple(
        FileHeader(
            Path(p), 1, ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage, str(i), "1", "1.2.3"
        )
        for i, p in enumerate(paths)
    )
    return Series("1.2.3", "1", "PT", PositronEmissionTomographyImageStorage, "PET", headers)


def test_read_pet_acquisition__reads_files_in_the_sandbox(tmp_path):
    paths = []
    for z in (0.0, 4.0):
        ds = pet(ImagePositionPatient=[0.0, 0.0, z])
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        paths.append(tmp_path / f"{z:.0f}.dcm")
        ds.save_as(paths[-1], enforce_file_format=True)
    scan = read_pet_acquisition(series_of(paths))
    assert [part.position_mm[2] for part in scan.slices] == [0.0, 4.0]
    assert scan.injected_bq == 368.08e6
    (tmp_path / "4.dcm").write_bytes(b"no DICOM")
    with pytest.raises(UnreadableFile, match=r"every file of PET series 1\.2\.3 must be readable; 4\.dcm"):
        read_pet_acquisition(series_of(paths))
