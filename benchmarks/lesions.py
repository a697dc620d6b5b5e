"""Whole-body delineation and quantities of 30 lesions, against SimpleITK's label statistics.

The image is 168 x 168 x 267 voxels (4.07 x 4.07 x 3 mm), the lesions ellipsoids of 1 to 40 mL in noise.
The peer thresholds, joins and measures volume, centroid, surface, maximum and mean; it has no SUVpeak, so it
is given less to do than we are. Both must find the same lesions before times are compared.
"""

import time

import numpy as np
import result
import SimpleITK as sitk  # noqa: N813
from scipy import ndimage

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.pet import (
    AdaptiveContrast,
    FixedThreshold,
    GradientWatershed,
    Growth,
    PercentOfMaximum,
    PercentOfPeak,
    delineate_lesions,
    quantify,
    summarise_patient,
)
from tumorboard.provenance import Record

SHAPE = (267, 168, 168)
SPACING_MM = (3.0, 4.07, 4.07)
N_LESIONS = 30
THRESHOLD = 4.0
REPEATS = 5


def phantom():
    """Return a noisy body of uptake 1 with ellipsoids of uptake 6 to 15, none touching another."""
    rng = np.random.default_rng(7)
    values = np.zeros(SHAPE, dtype=np.float32)
    y, x = np.ogrid[: SHAPE[1], : SHAPE[2]]
    values[:, ((y - 84) / 40) ** 2 + ((x - 84) / 65) ** 2 <= 1] = 1.0
    taken = []
    while len(taken) < N_LESIONS:
        centre = rng.uniform((15, 60, 40), (252, 108, 128))
        if all(np.linalg.norm((centre - other) * SPACING_MM) > 60 for other in taken):
            taken.append(centre)
            axes_mm = rng.uniform(7, 22, 3)
            low = np.floor(centre - 8).astype(int)
            box = tuple(slice(a, a + 17) for a in low)
            index = np.stack(np.meshgrid(*[np.arange(a, a + 17) for a in low], indexing="ij"), -1)
            values[box][(((index - centre) * SPACING_MM / axes_mm) ** 2).sum(-1) <= 1] = rng.uniform(6, 15)
    noisy = values * (1 + 0.3 * rng.standard_normal(SHAPE, dtype=np.float32))
    grid = Grid(SHAPE, SPACING_MM, (0, 0, 0), AXIAL, frame_of_reference="1.2.3")
    blurred = ndimage.gaussian_filter(noisy, 0.8)
    return Image(blurred, grid, Quantity.SUV_BODY_WEIGHT, Record("benchmark"))


def ours(image, rule):
    lesions = delineate_lesions(image, rule, minimum_volume_ml=0.3)
    measured = [quantify(image, lesion) for lesion in lesions]
    return measured, summarise_patient(measured, quantity=image.quantity)


def peer(volume, voxel_ml):
    labels = sitk.ConnectedComponent(volume >= THRESHOLD, True)
    shape, intensity = sitk.LabelShapeStatisticsImageFilter(), sitk.LabelStatisticsImageFilter()
    shape.ComputePerimeterOn()
    shape.Execute(labels)
    intensity.Execute(volume, labels)
    return [
        (
            shape.GetNumberOfPixels(label) * voxel_ml,
            intensity.GetMaximum(label),
            intensity.GetMean(label),
            shape.GetCentroid(label),
            shape.GetPerimeter(label),
        )
        for label in shape.GetLabels()
        if shape.GetNumberOfPixels(label) * voxel_ml >= 0.3
    ]


def best(function, *arguments):
    """Return the shortest of several runs [s] and the last outcome; a first run compiles, untimed."""
    function(*arguments)
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        outcome = function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times), outcome


def main():
    image = phantom()
    volume = sitk.GetImageFromArray(image.values)
    volume.SetSpacing(SPACING_MM[::-1])
    ours_s, (measured, _) = best(ours, image, FixedThreshold(THRESHOLD))
    peer_s, theirs = best(peer, volume, image.grid.voxel_volume_ml)
    key = sorted((round(m.volume_ml, 6), round(m.suv_max, 4), round(m.suv_mean, 4)) for m in measured)
    expected = sorted((round(v, 6), round(m, 4), round(u, 4)) for v, m, u, *_ in theirs)
    np.testing.assert_allclose(key, expected, rtol=1e-5)
    free = Growth.FREE
    others = {
        "percent of maximum": PercentOfMaximum(41, THRESHOLD, free),
        "percent of peak": PercentOfPeak(41, THRESHOLD, free),
        "adaptive contrast": AdaptiveContrast.background_adapted(
            percent=50, background_gap_mm=8, background_width_mm=8, seed_threshold=THRESHOLD, growth=free
        ),
        "gradient watershed": GradientWatershed(70, 12.0, 4.0, THRESHOLD),
    }
    other_s = {name: best(ours, image, rule)[0] for name, rule in others.items()}
    path = result.write(
        "lesions",
        what=f"find and measure {len(measured)} lesions in {SHAPE} voxels (SUVpeak: ours only)",
        ours=ours_s,
        peer=peer_s,
        peer_name="SimpleITK",
        peer_version=sitk.Version.VersionString(),
        unit="s",
        other_rules_s=other_s,
    )
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
