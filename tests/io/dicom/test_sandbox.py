"""Nothing that a file does to its reader reaches the caller."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate

from tumorboard.errors import InputError
from tumorboard.io.dicom import sandbox
from tumorboard.io.dicom.sandbox import Limits, decode_pixels, read_datasets, run
from tumorboard.io.dicom.study import Quarantined

DEEDS = """
    import os, signal, sys, time
    from tumorboard.errors import UnreadableFile

    def do(path):
        deed = path.name
        if deed == "segfault": os.kill(os.getpid(), signal.SIGSEGV)
        if deed == "exit": sys.exit(3)
        if deed == "sleep": time.sleep(60)
        if deed == "spin":
            while True: pass
        if deed == "memory": return len(bytearray(1 << 30))
        if deed == "recursion": return do(path)
        if deed == "refuse": raise UnreadableFile("its own reason")
        if deed == "error": raise KeyError("two\\nlines")
        if deed == "print": print("noise on standard output", flush=True)
        if deed == "pid": return os.getpid()
        return deed
"""


@pytest.fixture
def do(tmp_path, monkeypatch):
    """A function that does what its path is called, importable by the workers."""
    (tmp_path / "sandbox_deeds.py").write_text(textwrap.dedent(DEEDS))
    monkeypatch.syspath_prepend(tmp_path)
    sandbox._POOL.close()  # workers know the search path that they were born with
    import sandbox_deeds

    yield sandbox_deeds.do
    sandbox._POOL.close()
    del sys.modules["sandbox_deeds"]


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("segfault", "SIGSEGV"),
        ("exit", "exit status 3"),
        ("sleep", "at most 1 s"),
        ("spin", "at most 1 s"),
        ("memory", "at most 100 MB of memory"),
        ("recursion", "nested"),
        ("refuse", "^its own reason$"),
        ("error", "KeyError: 'two.*lines'"),
    ],
)
def test_run__replaces_a_worker_and_goes_on(deed, reason, do):
    paths = [Path(name) for name in ("first", deed, "second", "third")]
    results = run(do, paths, limits=Limits(memory_mb=100, seconds_per_file=1.0), jobs=1)
    assert [results[0], *results[2:]] == ["first", "second", "third"]
    assert isinstance(results[1], Quarantined)
    assert results[1].path == Path(deed)
    assert "\n" not in results[1].reason
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(results[1].reason)


def test_run__keeps_the_order_with_several_workers(do):
    names = [str(k) for k in range(30)]
    assert run(do, [Path(name) for name in names], limits=Limits(), jobs=3) == names


def test_run__is_not_disturbed_by_what_a_reader_prints(do):
    assert run(do, [Path("print"), Path("x")], limits=Limits(), jobs=1) == ["print", "x"]


def test_run__keeps_workers_for_the_next_call_and_starts_none_for_nothing(do):
    assert run(do, [], limits=Limits(), jobs=2) == []
    assert sandbox._POOL._idle == []
    first, second = (run(do, [Path("pid")], limits=Limits(), jobs=1) for _ in range(2))
    assert first == second
    os.kill(first[0], signal.SIGKILL)
    time.sleep(0.1)
    assert run(do, [Path("x")], limits=Limits(), jobs=1) == ["x"]


def test_run__serves_several_threads(do):
    results = [None] * 3

    def call(k):
        results[k] = run(do, [Path(str(k))] * 5, limits=Limits(), jobs=2)

    threads = [threading.Thread(target=call, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[str(k)] * 5 for k in range(3)]


@pytest.mark.parametrize(
    "limits", [{"memory_mb": 0}, {"seconds_per_file": 0}, {"seconds_per_file": float("nan")}]
)
def test_limits__must_be_positive(limits):
    with pytest.raises(InputError, match="must be"):
        Limits(**limits)


def test_run__refuses_no_jobs():
    with pytest.raises(InputError, match="jobs must be >= 1"):
        run(len, [], limits=Limits(), jobs=0)


@pytest.mark.slow
def test_run__leaves_no_process_behind_when_interrupted(tmp_path):
    os.mkfifo(tmp_path / "pipe")  # nobody writes: opening it waits for ever
    script = tmp_path / "script.py"  # without a __main__ guard, on purpose
    script.write_text(
        # Tests that run in the background may ignore interrupts, and what they start would as well.
        textwrap.dedent(f"""
        import signal
        from pathlib import Path
        from tumorboard.io.dicom import sandbox
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("begin", flush=True)
        sandbox.run(Path.read_bytes, [Path({str(tmp_path / "pipe")!r})] * 2,
                    limits=sandbox.Limits(seconds_per_file=100), jobs=2)
        """)
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    assert process.stdout.readline() == b"begin\n"
    children_file = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 30
    while len(children := children_file.read_text().split()) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in errors
    assert len(children) == 2
    for child in children:
        status = Path(f"/proc/{child}/stat")
        assert not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_read_datasets__returns_sequences_parsed_and_pixels_when_asked(hostile_files, tmp_path):
    data = hostile_files.slice_dataset()
    item = pydicom.Dataset()
    item.ContourData = [1.5, 2, 3]
    data.ContourSequence = [item]
    for syntax in (hostile_files.EXPLICIT, hostile_files.IMPLICIT):
        path = hostile_files.write(tmp_path / "x", data, syntax)
        (plain,) = read_datasets([path], limits=Limits(), jobs=1)
        assert "PixelData" not in plain
        assert plain.file_meta.TransferSyntaxUID == syntax
        assert isinstance(plain.get_item(0x30060040), pydicom.DataElement)  # no longer bytes
        assert plain.ContourSequence[0].ContourData == [1.5, 2, 3]
        (whole,) = read_datasets([path], limits=Limits(), jobs=1, stop_before_pixels=False)
        assert whole.PixelData == data.PixelData
        np.testing.assert_array_equal(whole.pixel_array[0], np.arange(hostile_files.COLUMNS))


def lossless_jpeg(source, target):
    import gdcm

    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(target))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


@pytest.mark.parametrize(
    "syntax", ["EXPLICIT", "IMPLICIT", "BIG_ENDIAN", "DEFLATED", "RLE", "JPEG_LS", "JPEG_2000", "JPEG"]
)
def test_decode_pixels__returns_the_stored_values_of_every_syntax(syntax, hostile_files, tmp_path):
    rng = np.random.default_rng(3)
    values = rng.integers(-1000, 3000, (64, 48)).astype("<i2")
    data = hostile_files.slice_dataset(Rows=64, Columns=48, PixelData=values.tobytes())
    path = tmp_path / "x"
    if syntax in ("RLE", "JPEG_LS", "JPEG_2000"):
        source = pydicom.dcmread(hostile_files.write(path, data))
        source.compress(getattr(hostile_files, syntax), generate_instance_uid=False)
        source.save_as(path)
    elif syntax == "JPEG":
        lossless_jpeg(hostile_files.write(tmp_path / "plain", data), path)
    else:
        if syntax == "BIG_ENDIAN":
            data.PixelData = values.byteswap().tobytes()
        hostile_files.write(path, data, getattr(hostile_files, syntax))
    (decoded,) = decode_pixels([path], limits=Limits(), jobs=1)
    np.testing.assert_array_equal(decoded, values)


def test_decode_pixels__never_calls_the_decoder_under_the_gpl():
    from tumorboard.io.dicom.parse import _DECODER

    jpeg = [f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57, 70)]
    jpeg_ls = ["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"]
    assert {_DECODER[syntax] for syntax in jpeg} == {"gdcm"}
    assert {_DECODER[syntax] for syntax in jpeg_ls} == {"pyjpegls"}


def test_decode_pixels__allows_a_long_multi_frame_object_more_than_a_header(hostile_files, tmp_path):
    rows, frames = 512, 160  # 80 MiB decoded, under a limit of 24 MiB for parsing
    one = hostile_files.slice_dataset(Rows=rows, Columns=rows, PixelData=bytes(2 * rows * rows))
    source = pydicom.dcmread(hostile_files.write(tmp_path / "one", one))
    source.compress(hostile_files.RLE, generate_instance_uid=False)
    frame = next(pydicom.encaps.generate_frames(source.PixelData, number_of_frames=1))
    many = hostile_files.slice_dataset(Rows=rows, Columns=rows, NumberOfFrames=frames)
    many.PixelData = encapsulate([frame] * frames)
    many["PixelData"].is_undefined_length = True
    path = hostile_files.write(tmp_path / "many", many, hostile_files.RLE)
    (decoded,) = decode_pixels([path], limits=Limits(memory_mb=24), jobs=1)
    assert decoded.shape == (frames, rows, rows)
    assert not decoded.any()


def test_decode_pixels__refuses_more_pixels_than_the_file_can_hold(hostile_files, tmp_path):
    data = hostile_files.slice_dataset(Rows=60_000, Columns=60_000)
    data.PixelData = encapsulate([b"\0" * 100])
    data["PixelData"].is_undefined_length = True
    path = hostile_files.write(tmp_path / "x", data, hostile_files.RLE)
    (result,) = decode_pixels([path], limits=Limits(), jobs=1)
    assert isinstance(result, Quarantined)
    assert "pixels must be at most 1000 times the size of their file" in result.reason


def test_decode_pixels__sets_a_broken_stream_aside(hostile_files, tmp_path):
    healthy = hostile_files.healthy_study(tmp_path)[0]
    data = hostile_files.slice_dataset()
    data.PixelData = encapsulate([b"\xff\x4f\xff\x51" + b"\0" * 100])
    data["PixelData"].is_undefined_length = True
    paths = [
        hostile_files.write(tmp_path / s, data, getattr(hostile_files, s))
        for s in ("JPEG_2000", "JPEG", "RLE")
    ]
    *broken, whole = decode_pixels([*paths, healthy], limits=Limits(), jobs=2)
    assert all(isinstance(result, Quarantined) for result in broken)
    assert whole.shape == (hostile_files.ROWS, hostile_files.COLUMNS)
