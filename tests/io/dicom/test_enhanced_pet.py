from dataclasses import fields
from datetime import datetime

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    EnhancedPETImageStorage,
    ExplicitVRLittleEndian,
    LegacyConvertedEnhancedPETImageStorage,
    PositronEmissionTomographyImageStorage,
    generate_uid,
)

from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetUnits, SuvType
from tumorboard.errors import InputError
from tumorboard.io.dicom.read_acquisition import pet_acquisition_of, read_pet_acquisition
from tumorboard.io.dicom.scan import scan as scan_folder


def pet(total_dose="368080000.0"):
    """What a classic file says of tracer, patient and corrections."""
    code, item, ds = Dataset(), Dataset(), Dataset()
    code.CodeMeaning = "^18^Fluorine"
    item.RadiopharmaceuticalStartDateTime = "20250101100000.000000"
    item.RadionuclideTotalDose, item.RadionuclideHalfLife = total_dose, "6586.2"
    item.RadionuclideCodeSequence = Sequence([code])
    ds.SOPClassUID, ds.SOPInstanceUID = PositronEmissionTomographyImageStorage, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = "1.2", "1.2.3", "PT"
    ds.PatientWeight, ds.PatientSize, ds.PatientSex = "70.0", "1.75", "F"
    ds.Units, ds.DecayCorrection, ds.CorrectedImage = "BQML", "START", ["DECY", "ATTN"]
    ds.RadiopharmaceuticalInformationSequence = Sequence([item])
    return ds


def enhanced(*, units="Bq/ml", n_frames=3, **changes):
    """Three planes, one after the other, as PS3.3 A.56 has them."""
    ds = pet("368.08")
    ds.SOPClassUID = EnhancedPETImageStorage
    for keyword in ("Units", "DecayCorrection", "CorrectedImage"):
        delattr(ds, keyword)
    ds.NumberOfFrames = n_frames
    ds.DecayCorrected, ds.DecayCorrectionDateTime, ds.AttenuationCorrected = "YES", "20250101105900", "YES"
    unit = Dataset()
    setattr(unit, "CodeValue" if len(units) <= 16 else "LongCodeValue", units)
    mapping, shared = Dataset(), Dataset()
    mapping.MeasurementUnitsCodeSequence = Sequence([unit])
    shared.RealWorldValueMappingSequence = Sequence([mapping])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for k in range(n_frames):
        content, place, factors, group = Dataset(), Dataset(), Dataset(), Dataset()
        content.FrameAcquisitionDateTime = f"202501011100{10 * k:02d}"
        content.FrameAcquisitionDuration = 10_000.5
        place.ImagePositionPatient = [0.0, 0.0, 4.0 * k]
        factors.DecayFactor = str(1 + k / 4)
        group.FrameContentSequence, group.PlanePositionSequence = Sequence([content]), Sequence([place])
        group.PETFrameCorrectionFactorsSequence = Sequence([factors])
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = Sequence(groups)
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


def test_pet_acquisition_of__enhanced_pet_says_the_same_in_other_words():
    scan = pet_acquisition_of([enhanced()])
    assert (scan.units, scan.suv_type) == (PetUnits.BQML, None)
    assert (scan.decay_reference, scan.decay_corrected_to) == (
        DecayReference.START,
        datetime(2025, 1, 1, 10, 59),
    )
    assert scan.corrected_image == ("DECY", "ATTN")
    assert scan.injected_bq == pytest.approx(368.08e6, rel=1e-12)
    assert [part.position_mm for part in scan.slices] == [(0.0, 0.0, 0.0), (0.0, 0.0, 4.0), (0.0, 0.0, 8.0)]
    assert [part.acquisition_start.second for part in scan.slices] == [0, 10, 20]
    assert [part.frame_duration_s for part in scan.slices] == [10.0005] * 3
    assert [part.decay_factor for part in scan.slices] == [1.0, 1.25, 1.5]


def test_pet_acquisition_of__enhanced_pet_corrected_to_the_injection_is_admin():
    scan = pet_acquisition_of([enhanced(DecayCorrectionDateTime="20250101100000")])
    assert scan.decay_reference is DecayReference.ADMIN


def test_pet_acquisition_of__enhanced_pet_without_decay_correction_or_its_moment():
    none = pet_acquisition_of([enhanced(DecayCorrected="NO", DecayCorrectionDateTime=None)])
    assert (none.decay_reference, none.corrected_image) == (DecayReference.NONE, ("ATTN",))
    assert pet_acquisition_of([enhanced(DecayCorrectionDateTime=None)]).decay_reference is None


def test_pet_acquisition_of__enhanced_pet_states_its_uptake_value():
    scan = pet_acquisition_of([enhanced(units="g/ml{SUVlbm(James128)}")])
    assert (scan.units, scan.suv_type) == (PetUnits.GML, SuvType.LEAN_BODY_MASS_JAMES_128)
    assert pet_acquisition_of([enhanced(units="m3")]).units is None


def test_pet_acquisition_of__converted_series_is_read_as_the_classic_one_it_was():
    classic = pet()
    kept = Dataset()
    for keyword in ("Units", "DecayCorrection", "CorrectedImage", "RadiopharmaceuticalInformationSequence"):
        setattr(kept, keyword, classic[keyword].value)
    ds = enhanced(SOPClassUID=LegacyConvertedEnhancedPETImageStorage)
    for keyword in (
        *("DecayCorrected", "DecayCorrectionDateTime", "AttenuationCorrected"),
        "RadiopharmaceuticalInformationSequence",
    ):
        delattr(ds, keyword)
    shared = ds.SharedFunctionalGroupsSequence[0]
    shared.UnassignedSharedConvertedAttributesSequence = Sequence([kept])
    for group in ds.PerFrameFunctionalGroupsSequence:
        part = Dataset()
        part.FrameReferenceTime, part.DecayFactor = "5000", "1.1"
        del group.PETFrameCorrectionFactorsSequence
        group.UnassignedPerFrameConvertedAttributesSequence = Sequence([part])
    scan, was = pet_acquisition_of([ds]), pet_acquisition_of([classic])
    for name in ("units", "decay_reference", "corrected_image", "injected_bq", "injection", "half_life_s"):
        assert getattr(scan, name) == getattr(was, name)
    assert scan.decay_corrected_to is None
    assert [(p.frame_reference_time_s, p.decay_factor) for p in scan.slices] == [(5.0, 1.1)] * 3


def test_pet_acquisition_of__enhanced_pet_refuses_frames_in_several_units():
    ds, counts, mapping = enhanced(), Dataset(), Dataset()
    counts.CodeValue = "{counts}"
    mapping.MeasurementUnitsCodeSequence = Sequence([counts])
    ds.PerFrameFunctionalGroupsSequence[1].RealWorldValueMappingSequence = Sequence([mapping])
    with pytest.raises(InputError, match=r"must be the same for every frame; got bq/ml, \{counts\}"):
        pet_acquisition_of([ds])


def test_read_pet_acquisition__reads_enhanced_files_whole(tmp_path):
    ds = enhanced()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.Rows = ds.Columns = ds.SamplesPerPixel = 1
    ds.BitsAllocated, ds.PhotometricInterpretation = 16, "MONOCHROME2"
    ds.PixelRepresentation, ds.BitsStored, ds.HighBit, ds.PixelData = 0, 16, 15, bytes(6)
    ds.save_as(tmp_path / "pet.dcm", enforce_file_format=True)
    (series,) = scan_folder(tmp_path).series
    found = read_pet_acquisition(series)
    assert len(found.slices) == 3
    parsed = pet_acquisition_of([pydicom.dcmread(tmp_path / "pet.dcm", stop_before_pixels=True)])
    for item in fields(PetAcquisition):
        assert getattr(found, item.name) == getattr(parsed, item.name), item.name
