"""
Partial volume of small regions
===============================

Two nuclei of 12 and 10 kBq/mL in a shell of grey matter, blurred by 6 mm and with noise: what means show,
what the geometric transfer matrix, the region-based voxelwise correction and iterative Yang make of it, and
what a wrong width does.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

from tumorboard.core import AXIAL, Grid, Image, Quantity
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

grid = Grid((40, 60, 60), (2.0, 2.0, 2.0), (-59.0, -59.0, -39.0), AXIAL, frame_of_reference="1.2")
points = grid.index_to_patient(np.moveaxis(np.indices(grid.shape, np.float64), 0, -1))
angle = np.arctan2(points[..., 1], points[..., 0])
radius = np.linalg.norm(points / [46.0, 52.0, 44.0], axis=-1)
labels = np.zeros(grid.shape, np.uint8)
labels[radius < 1.0] = 1
labels[radius < 0.78 + 0.06 * np.sin(8 * angle)] = 2
labels[np.linalg.norm(points - [12, 0, 0], axis=-1) < 7] = 3
labels[np.linalg.norm(points - [-12, 0, 0], axis=-1) < 5] = 4
names = ("background", "grey", "white", "left nucleus", "right nucleus")
true = np.array([0.2, 8.0, 2.0, 12.0, 10.0])
made = Record("example")

# %%
# Regions fill the whole field, the background included, and the point spread function is stated.
regions = LabelPartition(Image(labels, grid, Quantity.LABEL, made), dict(enumerate(names)))
psf = GaussianPsf((6.0, 6.0, 6.0))
sharp = Image(1e3 * true[labels], grid, Quantity.ACTIVITY_CONCENTRATION, made)
noise = np.random.default_rng(2).standard_normal(grid.shape)
grain = gaussian_blur(Image(noise, grid, Quantity.UNCALIBRATED, made), (5.0, 5.0, 5.0)).values
seen = Image(
    gaussian_blur(sharp, psf.fwhm_mm).values + 300.0 * grain / grain.std(), grid, sharp.quantity, made
)

matrix = transfer_matrix(regions, psf)
measured = region_means(seen, regions)
voxelwise = correct_image(seen, regions, psf, RegionVoxelwise())
yang = correct_image(seen, regions, psf, IterativeYang(iterations=10, tolerance=None))
print("kBq/mL         true  seen  matrix  RBV    Yang   noise x")
columns = (true, measured / 1e3, matrix.corrected(measured) / 1e3, voxelwise.means / 1e3, yang.means / 1e3)
for k, name in enumerate(names):
    print(
        f"{name:14s}", *(f"{column[k]:5.2f} " for column in columns), f"{matrix.noise_amplification[k]:.2f}"
    )

# %%
# The middle slice, and the nuclei under a width that is wrong.
wrong = psf_sensitivity(seen, regions, psf, np.linspace(0.7, 1.3, 7).tolist())
figure, panels = plt.subplots(1, 4, figsize=(13, 3.4), layout="constrained")
slices = {"true": sharp, "seen": seen, "iterative Yang": yang.image}
for panel, (title, image) in zip(panels, slices.items(), strict=False):
    drawn = panel.imshow(image.values[20] / 1e3, vmin=0, vmax=13, cmap="gray_r", extent=(-60, 60, 60, -60))
    panel.set(title=title, xlabel="x [mm]")
panels[0].set_ylabel("y [mm]")
figure.colorbar(drawn, ax=panels[2], label="kBq/mL")
for k in (1, 2, 3, 4):
    panels[3].plot(6.0 * wrong.factors, 100 * (wrong.means[:, k] / (1e3 * true[k]) - 1), "o-", label=names[k])
panels[3].axvline(6.0, color="0.6", linewidth=1)
panels[3].set(xlabel="stated width [mm]", ylabel="corrected - true [%]", title="transfer matrix")
panels[3].legend(fontsize=8)
plt.show()
