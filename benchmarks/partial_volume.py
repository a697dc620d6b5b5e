"""Iterative Yang, ten steps, 256 x 256 x 207 voxels, 40 regions, against its definition written with scipy.

Times are wall-clock seconds without compilation, on as many threads as numba has; scipy's filters use one.
"""

import time
import tracemalloc

import numpy as np
import result
import scipy
from scipy import ndimage
from scipy.spatial import cKDTree

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.numerics import gaussian_blur
from tumorboard.pet import GaussianPsf, IterativeYang, LabelPartition, correct_image
from tumorboard.provenance import Record

SHAPE, SPACING_MM, FWHM_MM, REGIONS, STEPS, REPEATS = (207, 256, 256), 1.22, 6.0, 40, 10, 3
SIGMA = FWHM_MM / np.sqrt(8 * np.log(2)) / SPACING_MM


def phantom():
    """Return labels of pieces of an ellipsoid in a background, and what a scanner shows of them."""
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    inside = ((z - 100) / 55) ** 2 + ((y - 128) / 75) ** 2 + ((x - 128) / 60) ** 2 < 1
    rng, places = np.random.default_rng(0), np.argwhere(inside)
    seeds = places[rng.choice(len(places), REGIONS - 1, replace=False)]
    labels = np.zeros(SHAPE, np.uint8)
    labels[inside] = 1 + cKDTree(seeds).query(places)[1]
    levels = np.r_[0.1, rng.uniform(1, 10, REGIONS - 1)].astype(np.float32)
    grid = Grid(SHAPE, (SPACING_MM,) * 3, (0, 0, 0), AXIAL, frame_of_reference="1.2.3")
    sharp = Image(levels[labels], grid, Quantity.ACTIVITY_CONCENTRATION, Record("benchmark"))
    return Image(labels, grid, Quantity.LABEL, Record("benchmark")), gaussian_blur(sharp, (FWHM_MM,) * 3)


def plain(labels, seen):
    now = seen
    for _ in range(STEPS):
        sharp = ndimage.mean(now, labels, range(REGIONS)).astype(np.float32)[labels]
        now = seen * sharp / ndimage.gaussian_filter(sharp, SIGMA, mode="nearest")
    return now


def main():
    labels, seen = phantom()
    regions = LabelPartition(labels, {k: f"region {k}" for k in range(REGIONS)})
    arguments = regions, GaussianPsf((FWHM_MM,) * 3), IterativeYang(iterations=STEPS, tolerance=None)
    correct_image(seen, *arguments)
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        found = correct_image(seen, *arguments)
        times.append(time.perf_counter() - started)
    started = time.perf_counter()
    expected = plain(labels.values, seen.values)
    peer = time.perf_counter() - started
    tracemalloc.start()
    correct_image(seen, *arguments)
    peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
    path = result.write(
        "partial_volume",
        what=f"iterative Yang, {STEPS} steps, 256 x 256 x 207 voxels, {REGIONS} regions",
        ours=min(times),
        peer=peer,
        peer_name="scipy.ndimage, written plainly",
        peer_version=scipy.__version__,
        unit="s",
        peak_mb=peak_mb,
        largest_relative_difference=float(np.abs(found.image.values / expected - 1).max()),
    )
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
