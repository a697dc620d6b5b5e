"""
Parametric maps with their errors
=================================

A reference tissue model in every voxel of a made-up scan: binding potential, its standard error, and relative
delivery, each in three planes.
"""

# %%
# A head of ellipsoids: two tissues around, and two deep nuclei with much binding. Curves are those of the
# model itself, from a cerebellum of one compartment; 26 frames, 76 minutes.
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter

from tumorboard.core import AXIAL, DynamicImage, Grid, Image, Quantity
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics import (
    SRTM,
    FrameModel,
    InputFunction,
    Outside,
    ReferenceInterpolation,
    VoxelConfig,
    Weighting,
    fit_voxels,
)
from tumorboard.plotting.map_slices import MapColours, map_slices
from tumorboard.provenance import Record

shape, made = (36, 52, 44), Record("example")
z, y, x = np.ogrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j, -1 : 1 : shape[2] * 1j]
radius = (z / 0.85) ** 2 + (y / 0.9) ** 2 + (x / 0.85) ** 2
label = (radius < 1).astype(int) + (radius < 0.6)
for side in (-0.25, 0.25):
    label[((z + 0.05) / 0.25) ** 2 + (y / 0.3) ** 2 + ((x - side) / 0.18) ** 2 < 1] = 3

duration = np.array([10] * 6 + [20] * 3 + [30] * 2 + [60] * 3 + [120] * 2 + [180] * 2 + [300] * 4 + [600] * 4)
start = np.cumsum(duration) - duration
times = np.arange(0.0, start[-1] + duration[-1] + 1.0, 2.0)
late = np.maximum(times - 40.0, 0.0)
level = np.where(times < 40, 1.5e3 * times, 5e4 * np.exp(-late / 30) + 8e3 * np.exp(-late / 800) + 2e3)
plasma = InputFunction(times, level, level, made)


def frames(k2_per_min):
    """Average in each frame of a compartment with K1 = 0.1 mL/cm3/min."""
    integral = (
        0.1
        / 60
        * plasma.parent_convolution([k2_per_min / 60], np.append(start, start[-1] + duration[-1]))[1][0]
    )
    return np.diff(integral) / duration


binding = np.array([0.3, 0.8, 2.3])
cerebellum = TissueCurves(("cerebellum",), start, duration, [frames(0.1)], None, made)
curves = np.stack([np.zeros(len(start)), *(frames(0.1 / (1 + b)) for b in binding)])

# %%
# Noise of each frame goes with its counts, and has the texture of a reconstruction.
rng = np.random.default_rng(0)
noise = 0.1 * curves.max() * np.sqrt(600 / duration * np.maximum(curves.mean(0) / curves.max(), 0.05))
values = np.stack(
    [
        c[label] + s * gaussian_filter(rng.normal(size=shape), 0.8)
        for c, s in zip(curves.T, noise, strict=True)
    ]
)
grid = Grid(shape, (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
scan = DynamicImage(
    values.astype(np.float32), grid, Quantity.ACTIVITY_CONCENTRATION, start, duration, "injection", made
)
head = Image(label > 0, grid, Quantity.LABEL, made)

# %%
# Nothing is chosen for the user: frame averages, weights, what the reference is between its frames, the
# range of the apparent clearance, what stands outside the mask.
model = SRTM(
    frame_model=FrameModel.FRAME_AVERAGE,
    weighting=Weighting.DURATION,
    interpolation=ReferenceInterpolation.AVERAGE_PRESERVING,
    k2a_range_per_min=(0.006, 0.6),
)
config = VoxelConfig(parameters=("BPND", "R1"), standard_errors=True, outside=Outside.NAN, spatial=None)
found = fit_voxels(model, scan, cerebellum, head, config, threads=1)
for k, true in enumerate(binding, start=1):
    of_tissue = found.maps["BPND"].values[label == k]
    stated = found.standard_errors["BPND"].values[label == k]
    scatter, error = of_tissue.std(), np.median(stated)
    print(f"BPND {true}: mean {of_tissue.mean():.2f}, scatter {scatter:.3f}, error {error:.3f}")

# %%
# Three planes through a nucleus.
mean = scan.mean()
shown = (
    (found.maps["BPND"], (0.0, 3.0), "BPND [1]"),
    (found.standard_errors["BPND"], (0.0, 0.1), "Standard error of BPND [1]"),
    (found.maps["R1"], (0.5, 1.5), "R1 [1]"),
)
figure, axes = plt.subplots(3, 1, figsize=(9, 9.6))
for ax, (image, window, name) in zip(axes, shown, strict=True):
    png = map_slices(
        mean,
        image,
        point_mm=(64.0, 102.0, 66.0),
        background_window=(0.0, float(mean.values.max())),
        overlay_window=window,
        colours=MapColours.ONE_SIDED,
        overlay_name=name,
        where=head,
    )
    ax.imshow(plt.imread(BytesIO(png)))
    ax.set_axis_off()
figure.tight_layout()
