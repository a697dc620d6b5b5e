"""Makers of files, for all tests of DICOM."""

import importlib.util
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from tumorboard.io.dicom.headers import header_of
from tumorboard.io.dicom.study import Series

STORAGE = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
    "NM": "1.2.840.10008.5.1.4.1.1.20",
    "RTDOSE": "1.2.840.10008.5.1.4.1.1.481.2",
    "RTSTRUCT": "1.2.840.10008.5.1.4.1.1.481.3",
    "SEG": "1.2.840.10008.5.1.4.1.1.66.4",
}


@pytest.fixture(scope="session")
def hostile_files():
    """The module ``hostile_files.py``: makers of hostile, broken and healthy files."""
    spec = importlib.util.spec_from_file_location(
        "hostile_files", Path(__file__).with_name("hostile_files.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def make_dataset():
    """Return a function ``(modality, pixels=None, **attributes) -> Dataset``; None leaves out."""

    def make(modality, pixels=None, **attributes):
        dataset = pydicom.Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = STORAGE[modality]
        dataset.SOPInstanceUID = generate_uid()
        dataset.StudyInstanceUID = "1.2.826.0.1.3680043.10.2"
        dataset.SeriesInstanceUID = "1.2.826.0.1.3680043.10.3"
        dataset.FrameOfReferenceUID = "1.2.826.0.1.3680043.10.1"
        dataset.Modality = modality
        if pixels is not None:
            values = np.asarray(pixels)
            dataset.Rows, dataset.Columns = values.shape[-2:]
            dataset.BitsAllocated = dataset.BitsStored = 8 * values.dtype.itemsize
            dataset.HighBit = dataset.BitsStored - 1
            dataset.PixelRepresentation = int(values.dtype.kind == "i")
            dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
            dataset.PixelSpacing = [2.0, 1.5]
            dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
            if values.ndim == 3:
                dataset.NumberOfFrames = len(values)
            dataset.add_new(0x7FE00010, "OW", values.tobytes())
        if modality in ("CT", "PT"):
            dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
        for keyword, value in attributes.items():
            if value is not None:
                setattr(dataset, keyword, value)
            elif keyword in dataset:
                delattr(dataset, keyword)
        return dataset

    return make


@pytest.fixture
def make_series(tmp_path):
    """Return a function ``(datasets) -> Series`` that writes them under names in no order."""

    def make(datasets):
        headers = []
        for i, dataset in enumerate(datasets):
            path = tmp_path / f"{(7 * i) % 10}_{i}.dcm"
            dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            dataset.save_as(path, enforce_file_format=True)
            headers.append(header_of(pydicom.dcmread(path), path, path.stat().st_size))
        h = headers[0]
        return Series(
            h.series_instance_uid,
            h.study_instance_uid,
            h.modality,
            h.sop_class_uid,
            h.series_description,
            tuple(headers),
        )

    return make


@pytest.fixture
def make_slices(make_dataset):
    """Return a function ``(modality, z_mm, values=None, **attributes) -> list`` of classic axial slices.

    Slice ``k`` holds ``values[k]``, or ``100 k`` plus the row number where none are given.
    """

    def make(modality, z_mm, values=None, **attributes):
        if values is None:
            ramp = np.repeat(np.arange(4, dtype=np.int16)[:, None], 3, axis=1)
            values = [ramp + np.int16(100 * k) for k in range(len(z_mm))]
        usual = {"SliceThickness": 99.0, "InstanceNumber": 1}
        return [
            make_dataset(modality, v, **usual | {"ImagePositionPatient": [10.0, -20.0, z]} | attributes)
            for z, v in zip(z_mm, values, strict=True)
        ]

    return make
