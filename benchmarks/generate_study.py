"""Write a large study of small slices: CT, MR and PT, half Explicit and half Implicit VR Little Endian.

The same folder for every contestant: some 300 series, 7,000 slices, some 500 MB, names that say nothing
and an order on disk that is not the order in space.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

N_SLICES = 7000
_ROOT = "1.2.826.0.1.3680043.8.498."
_KINDS = {  # modality: SOP class, rows, columns, slices in a series, spacing of pixels and slices [mm]
    "CT": ("1.2.840.10008.5.1.4.1.1.2", 256, 256, 20, 1.5, 3.0),
    "MR": ("1.2.840.10008.5.1.4.1.1.4", 160, 160, 22, 1.2, 3.5),
    "PT": ("1.2.840.10008.5.1.4.1.1.128", 128, 128, 23, 4.0, 3.27),
}


def generate_study(folder: Path, n_slices: int = N_SLICES) -> int:
    """Write ``n_slices`` files into ``folder`` and return how many series they make."""
    rng = np.random.default_rng(20)
    order = random.Random(20)
    names = [f"IM{n:06d}" for n in range(n_slices)]
    order.shuffle(names)
    written = series = 0
    while written < n_slices:
        modality = ("CT", "MR", "PT")[series % 3]
        count = min(_KINDS[modality][3], n_slices - written)
        _write_series(folder, modality, series, names[written : written + count], rng)
        written += count
        series += 1
    return series


def _write_series(
    folder: Path, modality: str, number: int, names: list[str], rng: np.random.Generator
) -> None:
    sop_class, rows, columns, _, pixel_mm, slice_mm = _KINDS[modality]
    noise = rng.integers(0, 2000, (rows, columns)).astype("<i2")
    for k, name in enumerate(names):
        data = _attributes(modality, number, k, sop_class, rows, columns, pixel_mm, slice_mm)
        data.PixelData = np.roll(noise, 7 * k).tobytes()
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = sop_class
        meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        implicit = (number // 3) % 2 == 1
        meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        file = FileDataset(None, data, file_meta=meta, preamble=b"\0" * 128)
        path = folder / f"{number % 17:02d}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pydicom.dcmwrite(path, file, enforce_file_format=True)


def _attributes(
    modality: str,
    number: int,
    k: int,
    sop_class: str,
    rows: int,
    columns: int,
    pixel_mm: float,
    slice_mm: float,
) -> Dataset:
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 100"
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.SOPClassUID = sop_class
    data.SOPInstanceUID = f"{_ROOT}3.{number + 1}.{k + 1}"
    data.StudyDate = data.SeriesDate = data.AcquisitionDate = data.ContentDate = "20260102"
    data.StudyTime = "080000"
    data.SeriesTime = data.AcquisitionTime = data.ContentTime = (
        f"{9 + number // 60 % 10:02d}{number % 60:02d}00"
    )
    data.AccessionNumber, data.Modality, data.Manufacturer = "1", modality, "Synthetic"
    data.StudyDescription, data.SeriesDescription = "Benchmark", f"{modality} series {number}"
    data.ReferringPhysicianName = data.PatientName = "Synthetic^Patient"
    data.PatientID, data.PatientBirthDate, data.PatientSex = "BENCH", "19600101", "O"
    data.PatientWeight = 75
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "T-D0010", "SRT", "Body"
    data.AnatomicRegionSequence = Sequence([code])
    data.AnatomicRegionSequence.is_undefined_length = number % 2 == 0
    data.SliceThickness = slice_mm
    data.PatientPosition = "HFS"
    data.StudyInstanceUID, data.SeriesInstanceUID = f"{_ROOT}1", f"{_ROOT}2.{number + 1}"
    data.StudyID, data.SeriesNumber, data.AcquisitionNumber, data.InstanceNumber = "1", number + 1, 1, k + 1
    data.ImagePositionPatient = [-0.5 * pixel_mm * columns, -0.5 * pixel_mm * rows, round(k * slice_mm, 4)]
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.FrameOfReferenceUID = f"{_ROOT}4"
    data.PositionReferenceIndicator = ""
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns, data.PixelSpacing = rows, columns, [pixel_mm, pixel_mm]
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    if modality == "MR":
        data.ScanningSequence, data.SequenceVariant, data.ScanOptions = "SE", "NONE", ""
        data.MRAcquisitionType, data.EchoTime, data.RepetitionTime = "2D", 90, 4000
        data.EchoTrainLength, data.MagneticFieldStrength = 1, 3
        return data
    data.RescaleIntercept, data.RescaleSlope = (-1024, 1) if modality == "CT" else (0, 1.25 + k / 1000)
    if modality == "CT":
        data.KVP, data.RescaleType = 120, "HU"
    else:
        _add_pet(data, k)
    return data


def _add_pet(data: Dataset, k: int) -> None:
    data.Units, data.CountsSource, data.DecayCorrection = "BQML", "EMISSION", "START"
    data.SeriesType = ["STATIC", "IMAGE"]
    data.CorrectedImage = ["DECY", "ATTN", "SCAT", "DTIM", "RAN", "NORM"]
    data.NumberOfSlices, data.FrameReferenceTime, data.ActualFrameDuration = 23, 60000, 120000
    data.DecayFactor, data.ImageIndex = 1.01, k + 1
    tracer = Dataset()
    tracer.RadiopharmaceuticalStartTime = "080000"
    tracer.RadionuclideTotalDose, tracer.RadionuclideHalfLife = 350e6, 6586.2
    nuclide = Dataset()
    nuclide.CodeValue, nuclide.CodingSchemeDesignator, nuclide.CodeMeaning = "C-111A1", "SRT", "18F"
    tracer.RadionuclideCodeSequence = Sequence([nuclide])
    data.RadiopharmaceuticalInformationSequence = Sequence([tracer])
