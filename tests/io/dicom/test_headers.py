"""The compiled scan and pydicom agree wherever the compiled scan gives an answer, and it never fails."""

import os
import random
import struct
import warnings
from dataclasses import fields

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tumorboard.errors import UnreadableFile
from tumorboard.io._kernels import header_scan as kernel
from tumorboard.io.dicom import header_window
from tumorboard.io.dicom.header_fields import FIELDS
from tumorboard.io.dicom.header_window import Verdict, scan_windows
from tumorboard.io.dicom.headers import header_of, header_of_file, read_headers
from tumorboard.io.dicom.sandbox import Limits
from tumorboard.io.dicom.study import FileHeader, Quarantined

TOKENS = [
    b"\xff\xff\xff\xff", b"\0\0\0\0", b"SQ", b"UN", b"OB", b"US", b"IS", b"\\", b" ", b"ZZ", b"\0",
    b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0", b"\xe0\x7f\x10\x00",
]  # fmt: skip


def fast(paths):
    return [outcome for part in scan_windows(paths, jobs=1) for outcome in part]


def nested(is_open, depth=3):
    item = Dataset()
    item.CodeValue, item.CodeMeaning = "1", "x"
    if depth:
        item.ConceptCodeSequence = Sequence([nested(is_open, depth - 1), nested(is_open, 0)])
        item["ConceptCodeSequence"].is_undefined_length = is_open
    item.is_undefined_length_sequence_item = is_open
    return item


def rich_slice(hostile_files):
    data = hostile_files.slice_dataset(3, SeriesDescription="Prüf", SpecificCharacterSet="ISO_IR 192")
    data.AnatomicRegionSequence = Sequence([nested(True), nested(False)])
    data["AnatomicRegionSequence"].is_undefined_length = True
    data.private_block(0x19, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", "50")
    return data


@pytest.fixture(scope="session")
def contents(hostile_files, tmp_path_factory):
    """Bytes of rich, plain files, in both encodings that the compiled scan knows."""
    folder = tmp_path_factory.mktemp("rich")
    syntaxes = (hostile_files.EXPLICIT, hostile_files.IMPLICIT)
    return [hostile_files.write(folder / "x", rich_slice(hostile_files), s).read_bytes() for s in syntaxes]


def assert_agrees(path, outcome):
    """What the compiled scan accepts or refuses, pydicom accepts or refuses with the same values."""
    if isinstance(outcome, Verdict):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's remarks on what it reads all the same
        if isinstance(outcome, Quarantined):
            with pytest.raises(UnreadableFile):
                header_of_file(path)
            return
        complete = header_of_file(path)
    for field in fields(FileHeader):
        assert getattr(outcome, field.name) == getattr(complete, field.name), field.name


@pytest.mark.slow
def test_scan_windows__agrees_with_pydicom_on_every_file_of_real_data(data_dir, unpacked_data):
    paths = []
    for folder in (data_dir, unpacked_data("lu177_spect"), unpacked_data("suv_reference")):
        for where, _, names in os.walk(folder):
            paths += [folder.__class__(where) / name for name in names]
    n_headers = 0
    for path, outcome in zip(paths, fast(paths), strict=True):
        if path.stat().st_size < 132 or path.read_bytes()[128:132] != b"DICM":
            assert outcome is Verdict.NOT_DICOM
            continue
        assert isinstance(outcome, FileHeader), "plain files must take the fast path"
        assert_agrees(path, outcome)
        n_headers += 1
    assert n_headers > 1000


def mutate(content, draw):
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(120, len(changed) - 1))
        how = draw(st.sampled_from(["byte", "token", "remove", "insert"]))
        token = draw(st.sampled_from(TOKENS))
        if how == "byte":
            changed[at] = draw(st.integers(0, 255))
        elif how == "token":
            changed[at : at + len(token)] = token
        elif how == "remove":
            del changed[at : at + draw(st.sampled_from([1, 2, 4, 8, 12]))]
        else:
            changed[at:at] = token
    return bytes(changed)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_scan_windows__never_disagrees_with_pydicom_on_a_mutated_file(data, contents, tmp_path):
    content = mutate(data.draw(st.sampled_from(contents)), data.draw)
    path = tmp_path / "mutated"
    path.write_bytes(content)
    assert_agrees(path, fast([path])[0])


@pytest.mark.parametrize("which", [0, 1])
def test_scan_windows__accepts_or_passes_on_a_file_cut_anywhere(which, contents, tmp_path):
    content = contents[which]
    lengths = range(0, len(content), 7)
    paths = [tmp_path / str(length) for length in lengths]
    for path, length in zip(paths, lengths, strict=True):
        path.write_bytes(content[:length])
    assert not any(isinstance(outcome, FileHeader) for outcome in fast(paths))


def scan_bytes(contents, window=None):
    """Run the kernel on bytes and return all that it wrote."""
    n, width = len(contents), max(map(len, contents)) if window is None else window
    windows = np.zeros((n, width), np.uint8)
    held = np.array([min(len(content), width) for content in contents], np.int64)
    for row, content in zip(windows, contents, strict=True):
        row[: min(len(content), width)] = np.frombuffer(content[:width], np.uint8)
    sizes = np.array([len(content) for content in contents], np.int64)
    n_tags = len(header_window._TAG_LIST)
    packed = np.zeros((n, header_window.ROOM_BYTES), np.uint8)
    starts, lengths = np.zeros((n, n_tags), np.int64), np.zeros((n, n_tags), np.int64)
    pixels, status, encoding = np.zeros((n, 3), np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    ends = np.zeros(header_window.DEEPEST_NESTING, np.int64)
    kernel.scan_headers(
        windows, held, sizes, header_window._ROOT, header_window._TAGS, header_window._VRS,
        header_window._VR_LENGTH, header_window._sequence_tags(), ends, packed, starts, lengths, pixels,
        status, encoding,
    )  # fmt: skip
    first = np.zeros_like(lengths)
    kernel.first_occurrences(packed, starts, lengths, np.zeros(1 << (2 * n).bit_length(), np.int64), first)
    return packed, np.where(lengths < 0, 0, starts), lengths, pixels, status, encoding, first


def random_mutants(contents, n, seed):
    rng = random.Random(seed)  # noqa: S311
    mutants = []
    for _ in range(n):
        content = bytearray(rng.choice(contents))
        for _ in range(rng.choice([1, 1, 2, 5])):
            at, token = rng.randrange(120, len(content)), rng.choice(TOKENS)
            content[at : at + len(token)] = token if rng.random() < 0.5 else bytes([rng.randrange(256)])
        mutants.append(bytes(content[: rng.randrange(len(content))] if rng.random() < 0.1 else content))
    return mutants


def test_scan_headers__ends_within_bounds_on_any_bytes(contents):
    mutants = random_mutants(contents, 20_000, seed=1)
    noise = np.random.default_rng(1).integers(0, 256, (500, 400), np.uint8)
    noise[:, 128:132] = np.frombuffer(b"DICM", np.uint8)
    noise = [row.tobytes() for row in noise]
    *_, status, _, _ = scan_bytes(mutants + noise)  # a read out of bounds raises: the kernels check bounds
    assert set(np.unique(status)) <= {kernel.DONE, kernel.NOT_DICOM, kernel.UNUSUAL}


def test_scan_headers__compiled_equals_python(contents, monkeypatch):
    mutants = contents + random_mutants(contents, 60, seed=2)
    compiled = scan_bytes(mutants)
    names = ["_u16", "_u32", "_syntax", "_begins_sequence", "_skip_sequence", "_fits_pixels", "_scan_header"]
    for name in [*names, "scan_headers", "first_occurrences"]:
        function = getattr(kernel, name)
        monkeypatch.setattr(kernel, name, getattr(function, "py_func", function))
    for one, other in zip(compiled, scan_bytes(mutants), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("window", [132, 200, 500, 900])
def test_scan_headers__asks_for_more_when_the_window_is_short(window, contents):
    *_, status, _, _ = scan_bytes(contents, window=window)
    assert (status == kernel.NEED_MORE).all()


def test_scan_headers__takes_linear_time_however_lengths_are_stated(contents):
    empty = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 100_000
    head = contents[0][: contents[0].index(b"\xe0\x7f\x10\x00")]
    *_, status, _, _ = scan_bytes([head + empty + item])
    assert status[0] == kernel.UNUSUAL


def test_scan_windows__reads_headers_longer_than_its_window(hostile_files, tmp_path):
    paths = []
    for k, size in enumerate((1 << 10, 100 << 10, 600 << 10)):
        data = hostile_files.slice_dataset(k, RescaleType="HU")
        data.private_block(0x0027, "FILLER", create=True).add_new(1, "OB", bytes(size))
        paths.append(hostile_files.write(tmp_path / str(k), data))
    for path, outcome in zip(paths, fast(paths), strict=True):
        assert isinstance(outcome, FileHeader)
        assert outcome.rescale_type == "HU"
        assert_agrees(path, outcome)


def test_scan_windows__reads_text_in_each_files_own_character_set(hostile_files, tmp_path):
    paths = []
    for k, name in enumerate(["ISO_IR 100", "ISO_IR 192", "ISO_IR 100", None]):
        description = "plain" if name is None else "Größe"
        data = hostile_files.slice_dataset(k, SeriesDescription=description)
        if name:
            data.SpecificCharacterSet = name
        paths.append(hostile_files.write(tmp_path / str(k), data))
    outcomes = fast(paths)
    assert [o.series_description for o in outcomes] == ["Größe", "Größe", "Größe", "plain"]


@pytest.mark.parametrize("name", ["ISO_IR 13", "ISO_IR 58"])
def test_scan_windows__leaves_other_character_sets_to_pydicom(name, hostile_files, tmp_path):
    data = hostile_files.slice_dataset()
    data.SpecificCharacterSet = name
    assert fast([hostile_files.write(tmp_path / "x", data)]) == [Verdict.UNUSUAL]


@pytest.mark.parametrize("syntax", ["BIG_ENDIAN", "DEFLATED", "IMPLICIT", "EXPLICIT"])
def test_read_headers__reads_every_uncompressed_syntax(syntax, hostile_files, tmp_path):
    paths = hostile_files.healthy_study(tmp_path, getattr(hostile_files, syntax))
    headers, quarantined, ignored = read_headers(paths, jobs=2, limits=Limits())
    assert (quarantined, ignored) == ([], [])
    assert [h.path for h in headers] == paths
    assert [h.instance_number for h in headers] == [1, 2, 3]
    direct = syntax in ("IMPLICIT", "EXPLICIT")
    for h in headers:
        assert (h.pixel_offset is not None) == direct
        if direct:
            assert h.pixel_offset + h.pixel_length == h.file_size


@pytest.mark.parametrize("implicit", [True, False])
def test_read_headers__reads_a_data_set_without_preamble(implicit, hostile_files, tmp_path):
    path = tmp_path / "bare"
    hostile_files.slice_dataset().save_as(
        path, implicit_vr=implicit, little_endian=True, enforce_file_format=False
    )
    assert path.read_bytes()[128:132] != b"DICM"
    headers, _, _ = read_headers([path], jobs=1, limits=Limits())
    assert headers[0].series_instance_uid == hostile_files.SERIES
    assert headers[0].transfer_syntax_uid == (hostile_files.IMPLICIT if implicit else hostile_files.EXPLICIT)
    assert headers[0].pixel_offset == path.stat().st_size - 2 * hostile_files.ROWS * hostile_files.COLUMNS


def test_read_headers__ignores_text_that_looks_like_a_bare_data_set(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"\x08\0\x05\0CS\x02\0ab" + b"hello world " * 30)
    _, quarantined, ignored = read_headers([path], jobs=1, limits=Limits())
    assert [*ignored, *[q.path for q in quarantined]] == [path]


def test_read_headers__reports_progress(hostile_files, tmp_path):
    paths = hostile_files.healthy_study(tmp_path)
    calls = []
    read_headers(paths, jobs=1, limits=Limits(), progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (3, 3)


@pytest.mark.parametrize("value", ["1.5", "abc", "1\\2"])
def test_header_of__says_which_number_is_wrong(value):
    data = Dataset()
    raw = pydicom.dataelem.RawDataElement(
        pydicom.tag.Tag(0x00200013), "IS", len(value), value.encode(), 0, False, True
    )
    data[0x00200013] = raw
    with pytest.raises(UnreadableFile, match="InstanceNumber must"):
        header_of(data, None, 0)


def test_header_of__takes_the_siemens_b_value_however_it_is_stored():
    for vr, value in (("IS", "800"), ("OB", b"800"), ("UN", b"800 ")):
        data = Dataset()
        data.add_new(0x00190010, "LO", "SIEMENS MR HEADER")
        data.add_new(0x0019100C, vr, value)
        assert header_of(data, None, 0).diffusion_b_value == 800


def test_fields__are_those_of_the_header_in_ascending_tags():
    tags = [field.tag for field in FIELDS]
    assert tags == sorted(set(tags))
    others = {"path", "file_size", "transfer_syntax_uid", "pixel_offset", "pixel_length"}
    assert {field.name for field in FIELDS} | others == {field.name for field in fields(FileHeader)}


def test_fields__have_the_keyword_and_representation_of_the_data_dictionary():
    for field in FIELDS:
        assert pydicom.datadict.keyword_for_tag(field.tag) == field.keyword
        assert pydicom.datadict.dictionary_VR(field.tag) == field.vr
