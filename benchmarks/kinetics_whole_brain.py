"""Maps of a whole HRRT scan, 256 x 256 x 207 voxels, 26 frames on disk: seconds, memory beyond the image.

The scan is made once, in the folder of temporary files: ellipsoids of four classes of tissue, each with a
curve of two compartments, and noise. It takes 1.4 GB of disk. Compared with no peer: none has time for it.
"""

import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

import kinetics
import kinetics_curves as known
import numpy as np

from tumorboard.core import AXIAL, DynamicImage, Grid, Image, Quantity
from tumorboard.pet.kinetics.voxels import Outside, VoxelConfig, fit_voxels

SHAPE, RECORD = (207, 256, 256), kinetics.RECORD


def classes():
    """Label of each voxel: 0 outside, 1 to 4 nested ellipsoids."""
    z, y, x = np.ogrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j, -1 : 1 : SHAPE[2] * 1j]
    radius = (z / 0.8) ** 2 + (y / 0.75) ** 2 + (x / 0.62) ** 2
    return sum((radius < limit).astype(np.uint8) for limit in (1.0, 0.7, 0.35, 0.12))


def make(path, label):
    """Write the frames one after the other: no more than one is in memory."""
    y, reference, _, _ = known.curves(4, "2tcm", noise=0.0)
    frames = np.memmap(path, np.float32, "w+", shape=(len(known.START_MIN), *SHAPE))
    rng = np.random.default_rng(1)
    for f in range(len(frames)):
        level = np.concatenate([[0.0], 1e3 * y[:, f]]).astype(np.float32)[label]
        share = (
            0.05
            * 0.3
            * 1e3
            * y.max()
            * np.sqrt(10.0 / known.DURATION_MIN[f] * max(y[:, f].mean() / y.max(), 0.05))
        )
        frames[f] = level + np.float32(share) * rng.standard_normal(SHAPE, np.float32)
    frames.flush()
    return reference


def own_memory_mb():
    """Memory of the process without pages of files, which the system takes back when it wants [MB]."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def watched(run):
    """Return what ``run`` does, CPU and wall seconds, and the most memory beyond what there was [MB]."""
    before, peak, done = own_memory_mb(), [0.0], threading.Event()

    def watch():
        while not done.wait(0.02):
            peak[0] = max(peak[0], own_memory_mb())

    thread = threading.Thread(target=watch)
    thread.start()
    cpu, wall = time.process_time(), time.perf_counter()
    found = run()
    seconds = time.process_time() - cpu, time.perf_counter() - wall
    done.set()
    thread.join()
    return found, *seconds, peak[0] - before


def main():
    path = Path(tempfile.gettempdir()) / "tumorboard-hrrt.f32"
    label = classes()
    reference = make(path, label)
    grid = Grid(SHAPE, [1.22] * 3, [0.0] * 3, AXIAL, frame_of_reference="1.2.3")
    values = np.memmap(path, np.float32, "r", shape=(len(known.START_MIN), *SHAPE))
    times = (known.START_MIN * 60, known.DURATION_MIN * 60)
    scan = DynamicImage(values, grid, Quantity.ACTIVITY_CONCENTRATION, *times, "injection", RECORD)
    mask = Image(label > 0, grid, Quantity.LABEL, RECORD)
    del label
    cases = (("logan", "VT", None), ("logan", "VT", mask), ("srtm", "BPND", mask), ("two_tissue", "VT", mask))
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    for name, parameter, where in cases:
        config = VoxelConfig((parameter,), standard_errors=True, outside=Outside.NAN, spatial=None)
        drive, model = kinetics.drive_of(name, reference), kinetics.MODELS[name]
        small = scan.grid.crop((100, 120, 120), (101, 121, 184))
        piece = DynamicImage(
            np.ascontiguousarray(values[:, 100:101, 120:121, 120:184]),
            small,
            scan.quantity,
            *times,
            "injection",
            RECORD,
        )
        fit_voxels(model, piece, drive, None, config, threads=threads)
        found, cpu, wall, memory = watched(
            lambda: fit_voxels(model, scan, drive, where, config, threads=threads)  # noqa: B023
        )
        print(
            f"{name} {parameter}, {found.n_voxels} voxels, {threads} threads: {wall:.1f} s, CPU {cpu:.1f} s, "
            f"{memory:.0f} MB beyond the image, mean {np.nanmean(found.maps[parameter].values):.4f}, "
            f"without result {int(np.isnan(found.maps[parameter].values[mask.values]).sum())} in the mask",
            flush=True,
        )
    path.unlink()


if __name__ == "__main__":
    main()
