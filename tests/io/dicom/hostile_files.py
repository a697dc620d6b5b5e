"""Files that a folder from outside may hold, each made by one function that returns its paths.

Reach it in a test by the fixture ``hostile_files``.
"""

import os
import socket
import struct
import zlib

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence

IMPLICIT, EXPLICIT, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED, JPEG, RLE = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5"
JPEG_LS, JPEG_2000 = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"
CT_CLASS, STRUCTURES_CLASS = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.481.3"
STUDY, SERIES, FRAME_OF_REFERENCE = "1.2.3.1", "1.2.3.1.1", "1.2.3.9"
ROWS, COLUMNS = 8, 6
N_HEALTHY = 3


def slice_dataset(k=0, **attributes):
    """One CT slice; ``attributes`` replace its own, None removes."""
    data = Dataset()
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.SOPClassUID, data.SOPInstanceUID = CT_CLASS, f"1.2.3.1.1.{k + 1}"
    data.Modality, data.PatientID, data.PatientName = "CT", "P1", "Somebody"
    data.StudyInstanceUID, data.SeriesInstanceUID = STUDY, SERIES
    data.SeriesDescription, data.SeriesNumber, data.InstanceNumber = "healthy", 1, k + 1
    data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, 2.5 * k], [1, 0, 0, 0, 1, 0]
    data.FrameOfReferenceUID = FRAME_OF_REFERENCE
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns, data.PixelSpacing, data.SliceThickness = ROWS, COLUMNS, [1, 1], 2.5
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.RescaleIntercept, data.RescaleSlope = -1024, 1
    data.PixelData = (np.arange(ROWS * COLUMNS, dtype="<i2") + 100 * k).tobytes()
    for name, value in attributes.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    return data


def write(path, data, syntax=EXPLICIT):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data.get("SOPClassUID", CT_CLASS)
    meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    meta.TransferSyntaxUID = syntax
    file = FileDataset(None, data, file_meta=meta, preamble=b"\0" * 128)
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, file, enforce_file_format=True)
    return path


def healthy_study(folder, syntax=EXPLICIT):
    return [write(folder / "healthy" / f"{9 - k}.dcm", slice_dataset(k), syntax) for k in range(N_HEALTHY)]


def element(tag, vr, value, length=None):
    """Bytes of one explicit element, with whatever length one likes to state."""
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    length = len(value) if length is None else length
    long = vr in (b"OB", b"OW", b"SQ", b"UN", b"UT")
    return head + struct.pack("<HI" if long else "<H", *([0, length] if long else [length])) + value


def header_bytes(folder, syntax=EXPLICIT, **attributes):
    """Bytes of a slice without its pixels, so that anything may follow."""
    data = slice_dataset(77, PixelData=None, **attributes)
    path = write(folder / "header-only", data, syntax)
    content = path.read_bytes()
    path.unlink()
    return content


def cut_in_half(folder):
    path = write(folder / "cut", slice_dataset(70))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - ROWS * COLUMNS])
    return [path]


def cut_in_header(folder):
    path = write(folder / "cut", slice_dataset(70))
    path.write_bytes(path.read_bytes()[:700])
    return [path]


def cut_between_elements(folder):
    path = folder / "cut"
    path.write_bytes(header_bytes(folder))
    return [path]


def cut_compressed(folder):
    data = slice_dataset(70)
    data.PixelData = pydicom.encaps.encapsulate([b"\0" * 1000])
    data["PixelData"].is_undefined_length = True
    path = write(folder / "cut", data, JPEG)
    path.write_bytes(path.read_bytes()[:-600])
    return [path]


def deflate_bomb(folder, megabytes=1100):
    """About 1 kB of file for each MB that it inflates to."""
    plain = header_bytes(folder)
    meta_end = plain.index(struct.pack("<HH", 8, 8))
    meta = plain[:meta_end].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    meta = meta.replace(struct.pack("<HH2sH", 2, 0x10, b"UI", 20), struct.pack("<HH2sH", 2, 0x10, b"UI", 22))
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    first = packer.compress(plain[meta_end:] + element(0x7FDF1001, b"OB", b"", megabytes << 20))
    first += packer.flush(zlib.Z_FULL_FLUSH)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(16 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    path = folder / "bomb"
    path.write_bytes(meta + first + block * (megabytes // 16 + 1) + b"\3\0")
    return [path]


def deep_sequence(folder, depth=20_000):
    """Open sequences in open items: the parser must go down before it knows where they end."""
    level = element(0x0040A730, b"SQ", b"", 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    end = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    path = folder / "deep"
    path.write_bytes(header_bytes(folder) + level * depth + end * depth)
    return [path]


def deep_sequence_of_stated_lengths(folder, depth=2_000):
    """As a header it is harmless; parsed to the last level it is not."""
    content = b""
    for _ in range(depth):
        content = element(0x0040A730, b"SQ", struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content)
    path = folder / "deep"
    data = slice_dataset(70, SOPClassUID=STRUCTURES_CLASS, Rows=None, PixelData=None)
    path.write_bytes(write(folder / "plain", data).read_bytes() + content)
    (folder / "plain").unlink()
    return [path]


def uid_that_is_a_path(folder):
    path = write(folder / "escape", slice_dataset(70, SeriesInstanceUID="1.2.345"))
    path.write_bytes(path.read_bytes().replace(b"1.2.345", b"../../x"))
    return [path]


def no_series_uid(folder):
    return [write(folder / "no-series", slice_dataset(70, SeriesInstanceUID=None))]


def no_instance_uid(folder):
    path = write(folder / "no-uid", slice_dataset(70, SOPInstanceUID="1.2.3.777"))
    content = path.read_bytes()
    path.write_bytes(content.replace(element(0x00080018, b"UI", b"1.2.3.777\0"), b""))
    return [path]


def absurd_length(folder):
    path = folder / "absurd"
    path.write_bytes(header_bytes(folder) + element(0x00400244, b"UT", b"", 0xFFFFFFF0))
    return [path]


def short_pixels(folder):
    return [write(folder / "short", slice_dataset(70, PixelData=bytes(ROWS * COLUMNS)))]


def explicit_declared_implicit_written(folder):
    path = write(folder / "wrong", slice_dataset(70), IMPLICIT)
    content = path.read_bytes().replace(b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.2.1\0")
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", 18), struct.pack("<HH2sH", 2, 0x10, b"UI", 20)
    path.write_bytes(content.replace(*meta))
    return [path]


def implicit_declared_explicit_written(folder):
    path = write(folder / "wrong", slice_dataset(70), EXPLICIT)
    content = path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0")
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", 20), struct.pack("<HH2sH", 2, 0x10, b"UI", 18)
    path.write_bytes(content.replace(*meta))
    return [path]


def jpeg_declared_raw_written(folder):
    path = write(folder / "wrong", slice_dataset(70), EXPLICIT)
    content = path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", JPEG.encode())
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", 20), struct.pack("<HH2sH", 2, 0x10, b"UI", 22)
    path.write_bytes(content.replace(*meta))
    return [path]


def nan_slope(folder):
    path = write(folder / "nan", slice_dataset(70, RescaleSlope="1234"))
    path.write_bytes(path.read_bytes().replace(b"1234", b"NaN "))
    return [path]


def conflicting_duplicates(folder):
    one = write(folder / "a" / "same", slice_dataset(70))
    other = write(folder / "b" / "same", slice_dataset(70, PixelData=bytes(2 * ROWS * COLUMNS)))
    return [one, other]


def identical_duplicates(folder):
    return [write(folder / name / "same", slice_dataset(1)) for name in ("x", "y")]


def structures_without_their_frame(folder):
    """An RTSTRUCT whose frame of reference no image has: whole as a file, useless with these images."""
    elsewhere = "1.2.3.404"
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = STRUCTURES_CLASS, "1.2.3.1.2.1", "RTSTRUCT"
    data.PatientID, data.StudyInstanceUID, data.SeriesInstanceUID = "P1", STUDY, "1.2.3.1.2"
    data.StructureSetLabel, data.FrameOfReferenceUID = "elsewhere", elsewhere
    frame = Dataset()
    frame.FrameOfReferenceUID = elsewhere
    data.ReferencedFrameOfReferenceSequence = Sequence([frame])
    roi = Dataset()
    roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = 1, "GTV", elsewhere
    roi.ROIGenerationAlgorithm = "MANUAL"
    data.StructureSetROISequence = Sequence([roi])
    contour = Dataset()
    contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", 3
    contour.ContourData = [1, 1, 0, 4, 1, 0, 1, 4, 0]
    contours = Dataset()
    contours.ReferencedROINumber, contours.ContourSequence = 1, Sequence([contour])
    data.ROIContourSequence = Sequence([contours])
    observation = Dataset()
    observation.ObservationNumber, observation.ReferencedROINumber = 1, 1
    observation.RTROIInterpretedType, observation.ROIInterpreter = "GTV", ""
    data.RTROIObservationsSequence = Sequence([observation])
    return [write(folder / "structures", data, IMPLICIT)]


def not_dicom(folder):
    contents = {
        "LICENSE": b"free as in beer\n" * 20,
        "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(500),
        "x": b"\0",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in contents]


def empty(folder):
    (folder / "empty.dcm").touch()
    return [folder / "empty.dcm"]


def link_loops(folder):
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "me").symlink_to(folder / "me")
    (folder / "again").symlink_to(folder / "healthy" / "9.dcm")
    return [folder / "loop", folder / "me", folder / "again"]


def link_out(folder, target):
    (folder / "out").symlink_to(target)
    return [folder / "out"]


def pipe(folder):
    os.mkfifo(folder / "pipe")
    return [folder / "pipe"]


def socket_file(folder):
    here = os.getcwd()
    os.chdir(folder)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    os.chdir(here)
    return [folder / "socket"]


def dicomdir(folder):
    path = write(folder / "DICOMDIR", slice_dataset(70, PixelData=None, Rows=None))
    content = path.read_bytes()
    kind = (
        element(0x00020002, b"UI", CT_CLASS.encode() + b"\0"),
        element(0x00020002, b"UI", b"1.2.840.10008.1.3.10"),
    )
    path.write_bytes(content.replace(*kind, 1))
    return [path]


#: What scan says of each: a part of the reason. The rest of the study is read in every case.
QUARANTINED = {
    cut_in_half: "96 bytes of pixels and holds 48",
    cut_in_header: "the file must be whole",
    cut_between_elements: "8 x 6 pixels and holds none",
    cut_compressed: "ends in the middle of its compressed pixels",
    deflate_bomb: "at most 512 MB of memory",
    deep_sequence: "nested",
    uid_that_is_a_path: r"SeriesInstanceUID \(0020,000E\) must be numbers and dots.*'../../x'",
    no_series_uid: r"SeriesInstanceUID \(0020,000E\) must be given",
    no_instance_uid: r"SOPInstanceUID \(0008,0018\) must be given",
    absurd_length: "the file must be whole",
    short_pixels: "pixel data must fill 1 x 8 x 6 at 16 bit, 96 bytes; 48 are given",
    explicit_declared_implicit_written: "as the transfer syntax declares; Expected explicit VR",
    implicit_declared_explicit_written: "as the transfer syntax declares; Expected implicit VR",
    jpeg_declared_raw_written: "compressed fragments, as the transfer syntax declares",
    nan_slope: "RescaleSlope must hold finite numbers; got .NaN.",
    conflicting_duplicates: "one SOPInstanceUID must be the same",
    empty: "the file is empty",
}
