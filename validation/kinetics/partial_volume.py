"""Correct a brain phantom for partial volume, and write recovered concentrations.

Usage: ``python validation/kinetics/partial_volume.py``. The phantom is cut from the MNI template (nilearn),
voxels of 2 mm, and blurred by 6 mm as the correction assumes; then the point spread function is stated
wrongly, the regions are moved, and noise is added.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "shared"))

import numpy as np
from moving_head import brain

from tumorboard.core import Image, Quantity
from tumorboard.numerics import gaussian_blur
from tumorboard.pet import (
    GaussianPsf,
    IterativeYang,
    LabelPartition,
    RegionVoxelwise,
    correct_image,
    psf_sensitivity,
    region_means,
    transfer_matrix,
)
from tumorboard.provenance import Record

PSF = GaussianPsf((6.0, 6.0, 6.0))
TRUE = {"thalamus": 12.0, "white matter": 3.0, "cerebellum": 2.0, "corpus callosum": 2.0, "background": 0.0}
SHOWN = ("thalamus", "caudate", "frontal cortex", "cerebellum", "white matter", "corpus callosum")
MADE = Record("validation")


def row(name, values):
    """Write a row in percent of the truth's difference."""
    sys.stdout.write(f"{name} | " + " | ".join(f"{100 * v:+.1f}" for v in values) + "\n")


def main():
    """Print tables."""
    parts = ("background", *brain().parts)
    labels = brain().labels
    regions = LabelPartition(labels, dict(enumerate(parts)))
    level = np.array([TRUE.get(name, 5.0) for name in parts])
    sharp = Image(level[labels.values], labels.grid, Quantity.ACTIVITY_CONCENTRATION, MADE)
    seen = gaussian_blur(sharp, PSF.fwhm_mm)
    at = [parts.index(name) for name in SHOWN]
    true = level[at]
    matrix = transfer_matrix(regions, PSF)
    measured = region_means(seen, regions)
    sys.stdout.write(f"condition {matrix.condition:.2f}\nregion | " + " | ".join(SHOWN) + "\n")
    row("recovery", matrix.recovery[at])
    row("measured", measured[at] / true - 1)
    row("matrix", matrix.corrected(measured)[at] / true - 1)
    row("RBV", correct_image(seen, regions, PSF, RegionVoxelwise()).means[at] / true - 1)
    for n in (1, 3, 5, 10, 20, 50):
        found = correct_image(seen, regions, PSF, IterativeYang(iterations=n, tolerance=None))
        row(f"iterative Yang, {n}", found.means[at] / true - 1)
    sys.stdout.write("noise, regions " + " ".join(f"{v:.2f}" for v in matrix.noise_amplification[at]) + "\n")
    sys.stdout.write(
        "noise, voxels " + " ".join(f"{v:.2f}" for v in found.voxel_noise_amplification[at]) + "\n"
    )
    wrong = psf_sensitivity(seen, regions, PSF, (0.8, 0.9, 1.1, 1.2))
    for factor, means in zip(wrong.factors, wrong.means, strict=True):
        row(f"width {6 * factor:.1f} mm", means[at] / true - 1)
    for steps in (1, 2):
        moved = np.roll(labels.values, steps, axis=2)
        image = Image(moved, labels.grid, Quantity.LABEL, MADE)
        off = LabelPartition(image, dict(enumerate(parts)))
        row(
            f"regions off by {2 * steps} mm",
            transfer_matrix(off, PSF).corrected(region_means(seen, off))[at] / true - 1,
        )
    rng = np.random.default_rng(3)
    errors = []
    for _ in range(40):
        noise = gaussian_blur(
            Image(rng.standard_normal(labels.grid.shape), labels.grid, Quantity.UNCALIBRATED, MADE),
            PSF.fwhm_mm,
        ).values
        noisy = Image(seen.values + noise / noise.std(), labels.grid, seen.quantity, MADE)
        before = region_means(noisy, regions)
        errors.append((before - measured, matrix.corrected(before) - matrix.corrected(measured)))
    before, after = (np.std([e[k] for e in errors], axis=0)[at] for k in (0, 1))
    sys.stdout.write("correlated noise, regions " + " ".join(f"{v:.2f}" for v in after / before) + "\n")


if __name__ == "__main__":
    main()
