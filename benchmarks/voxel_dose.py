"""Dose by convolution: 128^3 voxels of 4.42 mm with a kernel of 51^3, against scipy's own convolution.

``scipy.signal.fftconvolve`` is a convolution without more. Times are wall seconds of the best of several
calls, both with one thread in the same run; ours has the dose, its balance and provenance in it.
"""

import sys
import time
from pathlib import Path

import numpy as np
import result
import scipy
from scipy.signal import fftconvolve

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.dosimetry.dose_kernel import dose_kernel
from tumorboard.dosimetry.dose_kernel_convolution import DensityCorrection, KernelConvolution
from tumorboard.dosimetry.voxel_dose import DecayMap, voxel_dose
from tumorboard.physics.decay import DecayLibrary
from tumorboard.physics.decay_emissions import decay_emissions
from tumorboard.physics.materials import material
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.provenance import Record

SHAPE, KERNEL, SPACING_MM = (128,) * 3, (51,) * 3, 4.42
REPEATS = 7


def best(call):
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        found = call()
        times.append(time.perf_counter() - started)
    return min(times), found


def main():
    water = material("water, liquid")
    lutetium = decay_emissions("Lu-177", library=DecayLibrary.ENDF_B_VIII_1)
    cache = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    started = time.process_time()
    kernel = dose_kernel(
        lutetium, water, BatchPlan(100_000, 1, 1), spacing_mm=(SPACING_MM,) * 3, shape=KERNEL, cache=cache
    )
    made = time.process_time() - started
    grid = Grid(SHAPE, (SPACING_MM,) * 3, (0.0,) * 3, AXIAL, frame_of_reference="1.2.3")
    medium = TransportMedium.homogeneous(grid, water)
    decays = DecayMap(np.random.default_rng(1).uniform(0, 1e10, SHAPE), grid, Record("benchmark"))
    times = {}
    for threads, uncertainty in ((1, False), (1, True), (2, False)):
        method = KernelConvolution(
            kernel, DensityCorrection.LOCAL, least_density_g_cm3=0.1, uncertainty=uncertainty, threads=threads
        )
        voxel_dose(decays, medium, lutetium, method)
        times[threads, uncertainty], found = best(lambda m=method: voxel_dose(decays, medium, lutetium, m))
    peer, theirs = best(lambda: fftconvolve(decays.decays, kernel.dose_gy, mode="same"))
    largest = float(np.abs(found.dose.values / theirs - 1).max())
    path = result.write(
        "voxel_dose",
        what=f"convolution of {SHAPE} voxels with a kernel of {KERNEL}",
        ours=times[1, False],
        peer=peer,
        peer_name="scipy.signal.fftconvolve",
        peer_version=scipy.__version__,
        unit="s",
        with_uncertainty_s=times[1, True],
        two_threads_s=times[2, False],
        largest_deviation=largest,
        making_the_kernel_cpu_s=made,
    )
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
