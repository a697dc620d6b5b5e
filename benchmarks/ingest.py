"""A folder of 7,000 slices to volumes: ours, pydicom in a loop, SimpleITK's series reader, dcm2niix.

The study is generated (see generate_study.py) and read once before, so that it is in the page cache. Each
contestant runs three times, by turns, each time in a process of its own, of which the peak memory is taken
(SimpleITK once: it looks through the whole folder again for each series, which takes minutes).
Seconds count from after the imports (ours: also after one slice, which loads the compiled kernels), except
for dcm2niix, a program, whose whole process counts. Ours with the start of its process is printed as well.

``python benchmarks/ingest.py [FOLDER]`` keeps the study in FOLDER and takes it from there the next time.
"""

import importlib.metadata
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import result
from generate_study import N_SLICES, generate_study

RUNS = {"simpleitk": 1}
USUAL_RUNS = 3


def ours(folder, one_slice):
    from tumorboard.io.dicom import read_all_images, scan

    for outcome in read_all_images(scan(one_slice).series):
        _images(outcome)
    begin = time.perf_counter()
    study = scan(folder)
    scanned = time.perf_counter()
    volumes = [image for outcome in read_all_images(study.series, jobs=2) for image in _images(outcome)]
    end = time.perf_counter()
    return end - begin, len(volumes), {"scan_s": scanned - begin, "images_s": end - scanned}


def _images(outcome):
    if isinstance(outcome, Exception):
        raise outcome
    return [volume.image for volume in outcome]


def pydicom(folder, _):
    import numpy as np
    from pydicom import dcmread

    begin = time.perf_counter()
    series = {}
    for where, _, names in os.walk(folder):
        for name in names:
            data = dcmread(os.path.join(where, name))
            series.setdefault(data.SeriesInstanceUID, []).append(data)
    volumes = []
    for slices in series.values():
        slices.sort(key=lambda data: data.ImagePositionPatient[2])
        volumes.append(np.stack([data.pixel_array for data in slices]))
    return time.perf_counter() - begin, len(volumes), {}


def simpleitk(folder, _):
    import SimpleITK as sitk  # noqa: N813

    begin = time.perf_counter()
    volumes = []
    for where, _, names in os.walk(folder):
        if names:
            for uid in sitk.ImageSeriesReader.GetGDCMSeriesIDs(where):
                reader = sitk.ImageSeriesReader()
                reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(where, uid))
                volumes.append(reader.Execute())
    return time.perf_counter() - begin, len(volumes), {}


CONTESTANTS = {f.__name__: f for f in (ours, pydicom, simpleitk)}


def run_process(command):
    """Run to the end and return output, and seconds, seconds of processors, and peak memory [MB]."""
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed: exit status {process.returncode}")
    wall, cpu = time.perf_counter() - begin, usage.ru_utime + usage.ru_stime
    return output, {"process_s": wall, "process_cpu_s": cpu, "peak_mb": usage.ru_maxrss / 1024}


def run(name, folder, one_slice):
    if name == "dcm2niix":
        memory = Path("/dev/shm")
        with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as out:
            command = [shutil.which("dcm2niix"), "-b", "n", "-z", "n", "-f", "%s_%f", "-o", out, folder]
            _, cost = run_process(command)
            return {"seconds": cost["process_s"], "volumes": len(list(Path(out).glob("*.nii"))), **cost}
    output, cost = run_process([sys.executable, __file__, "--contestant", name, folder, one_slice])
    return {**json.loads(output.splitlines()[-1]), **cost}


def version_of(name):
    if name == "dcm2niix":
        text = subprocess.run([name, "--version"], capture_output=True, text=True, check=False).stdout
        return next((word for word in text.split() if word.startswith("v1.")), "unknown")
    return importlib.metadata.version(name)


def main():
    if sys.argv[1:2] == ["--contestant"]:
        seconds, volumes, more = CONTESTANTS[sys.argv[2]](*sys.argv[3:])
        print(json.dumps({"seconds": seconds, "volumes": volumes, **more}))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(scratch) / "study"
        if not folder.is_dir():
            print(f"writing {N_SLICES} slices to {folder}", flush=True)
            generate_study(folder)
        one_slice = Path(scratch) / "one"
        generate_study(one_slice, 1)
        files = [path for path in folder.rglob("*") if path.is_file()]
        size = sum(len(path.read_bytes()) for path in files)  # and so they are in the page cache
        print(f"{len(files)} files, {size / 1e6:.0f} MB, load {os.getloadavg()[0]:.1f}", flush=True)
        names = [*CONTESTANTS, "dcm2niix"]
        if shutil.which("dcm2niix") is None:
            names.remove("dcm2niix")
            print("dcm2niix is not installed: left out")
        turns = {name: [] for name in names}
        for turn in range(USUAL_RUNS):
            for name in names:
                if turn < RUNS.get(name, USUAL_RUNS):
                    turns[name].append(run(name, folder, one_slice))
        load = os.getloadavg()[0]
    medians = {}
    for name, runs in turns.items():
        medians[name] = {key: statistics.median(r[key] for r in runs) for key in runs[0]}
        print(name, " ".join(f"{key}={value:.4g}" for key, value in medians[name].items()))
    print(f"load {load:.1f}")
    n_series = round(medians["ours"]["volumes"])
    for name in names:
        if name == "ours":
            continue
        result.write(
            f"ingest_{name}",
            what=f"{len(files)} slices in {n_series} series to volumes, {size / 1e6:.0f} MB, warm cache",
            ours=medians["ours"]["seconds"],
            peer=medians[name]["seconds"],
            peer_name={"simpleitk": "SimpleITK ImageSeriesReader", "pydicom": "pydicom loop"}.get(name, name),
            peer_version=version_of(name),
            unit="s",
        )
        print(f"{name}: {medians[name]['seconds'] / medians['ours']['seconds']:.1f} times our time")


if __name__ == "__main__":
    main()
