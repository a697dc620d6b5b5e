from dataclasses import fields
from datetime import UTC, datetime

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRLittleEndian,
    PositronEmissionTomographyImageStorage,
    generate_uid,
)

from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetUnits, Sex, SuvType
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.dicom.injected_activity import AcquisitionResolution
from tumorboard.io.dicom.read_acquisition import pet_acquisition_of, read_pet_acquisition
from tumorboard.io.dicom.sandbox import read_datasets
from tumorboard.io.dicom.scan import scan as scan_folder

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


def coded(value, scheme, meaning=""):
    """One slice whose radionuclide has this code."""
    nuclide = Dataset()
    nuclide.CodeValue, nuclide.CodingSchemeDesignator, nuclide.CodeMeaning = value, scheme, meaning
    return pet(tracer={"RadionuclideCodeSequence": Sequence([nuclide])})


@pytest.mark.parametrize(
    ("value", "scheme", "meaning"),
    [
        ("447553000", "SCT", ""),
        ("C-101ED", "SRT", "Lutetium"),
        ("C-101ED", "SNM3", ""),
        ("C-101ED", "", "unknown"),
    ],
)
def test_pet_acquisition_of__takes_the_radionuclide_by_its_code_where_the_name_is_none(
    value, scheme, meaning
):
    found = pet_acquisition_of([coded(value, scheme, meaning)])
    assert found.radionuclide == "Lu-177"
    assert any(f"the code {value}" in note and "taken by the code" in note for note in found.notes)


def test_pet_acquisition_of__notes_a_radionuclide_whose_name_contradicts_its_code():
    found = pet_acquisition_of([coded("77004003", "SCT", "^68^Gallium")])
    assert found.radionuclide == "^68^Gallium"
    assert any("contradicts itself: 77004003 (SCT) is F-18" in note for note in found.notes)
    assert not any("Radionuclide" in note for note in pet_acquisition_of([pet()]).notes)


def test_pet_acquisition_of__leaves_a_code_of_another_scheme_alone():
    assert pet_acquisition_of([coded("447553000", "99LOCAL", "tracer")]).radionuclide == "tracer"


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


def test_pet_acquisition_of__start_time_beside_start_datetime_is_compared():
    agreed = pet({"RadiopharmaceuticalStartTime": "100030"})
    assert pet_acquisition_of([agreed]).notes == ()
    other = pet_acquisition_of([pet({"RadiopharmaceuticalStartTime": "093000"})])
    assert other.injection == datetime(2025, 1, 1, 10)
    assert "(0018,1078) says 10:00:00, Start Time (0018,1072) 09:30:00: the former is used" in other.notes[0]


def test_pet_acquisition_of__injection_in_another_time_zone():
    # 09:00 UTC is 10:00 on the clock of a file that says +0100 ...
    universal = {"RadiopharmaceuticalStartDateTime": "20250101090000+0000"}
    zoned = pet_acquisition_of([pet(universal, TimezoneOffsetFromUTC="+0100")])
    assert zoned.injection == datetime(2025, 1, 1, 9, tzinfo=UTC)
    assert zoned.notes == ()
    redated = pet_acquisition_of(
        [pet(universal, TimezoneOffsetFromUTC="+0100")],
        resolutions=[AcquisitionResolution.INJECTION_ON_SCAN_DATE],
    )
    assert redated.injection == datetime(2025, 1, 1, 9, tzinfo=UTC)
    # ... and cannot be told from 09:00 where the file says nothing, unless Start Time agrees with it.
    unzoned = pet_acquisition_of([pet(universal)])
    assert unzoned.injection is None
    assert any("only the former names a time zone" in note for note in unzoned.notes)
    same = pet_acquisition_of([pet(universal | {"RadiopharmaceuticalStartTime": "090000"})])
    assert same.injection == datetime(2025, 1, 1, 9)


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


# --- files -----------------------------------------------------------------------------------------


def write(folder, *datasets):
    """Write data sets as files and scan them."""
    folder.mkdir()
    for index, ds in enumerate(datasets):
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.StudyInstanceUID = "1.2"
        ds.Rows = ds.Columns = ds.SamplesPerPixel = 1
        ds.BitsAllocated, ds.PhotometricInterpretation = 16, "MONOCHROME2"
        ds.PixelRepresentation, ds.BitsStored, ds.HighBit = 0, 16, 15
        ds.PixelData = bytes(2 * ds.get("NumberOfFrames", 1))
        ds.save_as(folder / f"{index:03d}.dcm", enforce_file_format=True)
    (series,) = scan_folder(folder).series
    return series


def planes(n=6):
    return [
        pet(ImagePositionPatient=[0.0, 0.0, 4.0 * (7 * k % n)], AcquisitionTime=f"1100{k:02d}.250000")
        for k in range(n)
    ]


def everything(acquisition):
    return {item.name: getattr(acquisition, item.name) for item in fields(PetAcquisition)}


def all_files_parsed(series):
    return [pydicom.dcmread(path, stop_before_pixels=True) for path in series.paths]


def test_read_pet_acquisition__is_what_all_files_say(tmp_path):
    series = write(tmp_path / "pet", *planes())
    assert everything(read_pet_acquisition(series)) == everything(
        pet_acquisition_of(all_files_parsed(series))
    )


def test_read_pet_acquisition__takes_the_joint_acquisition_datetime_too(tmp_path):
    joint = [
        pet(drop=["AcquisitionDate", "AcquisitionTime"], AcquisitionDateTime=f"2025010111{k:02d}00+0100")
        for k in range(3)
    ]
    series = write(tmp_path / "pet", *joint)
    found = read_pet_acquisition(series)
    assert found.slices[2].acquisition_start == datetime(2025, 1, 1, 11, 2)
    assert everything(found) == everything(pet_acquisition_of(all_files_parsed(series)))


def test_read_pet_acquisition__parses_few_files_of_many(tmp_path, monkeypatch):
    series = write(tmp_path / "pet", *planes(40))
    parsed = []

    def counted(paths, **options):
        parsed.extend(paths)
        return read_datasets(paths, **options)

    monkeypatch.setattr("tumorboard.io.dicom.read_acquisition.read_datasets", counted)
    assert len(read_pet_acquisition(series).slices) == 40
    assert len(parsed) <= 5


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientWeight", "71"),
        ("DecayCorrection", "ADMIN"),
        ("CorrectedImage", ["DECY"]),
        ("PatientSize", "1.76"),
        ("TimezoneOffsetFromUTC", "+0200"),
    ],
)
def test_read_pet_acquisition__refuses_outermost_files_that_disagree(tmp_path, keyword, value):
    files = planes()
    for ds in files:
        ds.TimezoneOffsetFromUTC = "+0100"
    highest = max(files, key=lambda ds: ds.ImagePositionPatient[2])
    setattr(highest, keyword, value)
    with pytest.raises(InputError, match=f"{keyword} must be the same in every file"):
        read_pet_acquisition(write(tmp_path / "pet", *files))


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("RadionuclideTotalDose", "300000000"),
        ("RadionuclideHalfLife", "6588"),
        ("RadiopharmaceuticalStartDateTime", "20250101100100"),
    ],
)
def test_read_pet_acquisition__refuses_tracers_that_disagree(tmp_path, keyword, value):
    files = planes()
    setattr(files[-1].RadiopharmaceuticalInformationSequence[0], keyword, value)  # the latest
    with pytest.raises(InputError, match=f"{keyword} must be the same in every file"):
        read_pet_acquisition(write(tmp_path / "pet", *files))


def test_read_pet_acquisition__refuses_another_unit_in_any_file(tmp_path):
    files = planes()
    files[2].Units = "CNTS"
    with pytest.raises(InputError, match="units must be the same in every file"):
        read_pet_acquisition(write(tmp_path / "pet", *files))


def test_read_pet_acquisition__names_a_file_that_cannot_be_read(tmp_path):
    series = write(tmp_path / "pet", *planes())
    (tmp_path / "pet" / "005.dcm").write_bytes(b"no DICOM")
    with pytest.raises(UnreadableFile, match=r"every file of PET series 1\.2\.3 must be readable; 005\.dcm"):
        read_pet_acquisition(series)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sarcoma_pet", "sarcoma_pet_ct_mr", "lu177_spect", "suv_reference"])
def test_read_pet_acquisition__is_what_all_files_of_real_scans_say(name, unpacked_data):
    found = scan_folder(unpacked_data(name)).by_modality("PT", "NM")
    assert found
    for series in found:
        fast, full = read_pet_acquisition(series), pet_acquisition_of(all_files_parsed(series))
        assert everything(fast) == everything(full)


def test_pet_acquisition_of__leaves_out_an_impossible_height_and_says_so():
    """Centimetres are common; uptake by body weight needs no height, so they must not cost it."""
    scan = pet_acquisition_of([pet(PatientSize="175")])
    assert scan.height_m is None
    assert any("Patient's Size (0010,1020) of 175 m is impossible" in note for note in scan.notes)
