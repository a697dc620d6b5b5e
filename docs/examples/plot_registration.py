"""
From one scan to another
========================

A patient with Lu-177 lies elsewhere on the fourth day. The scans are registered, the lesion drawn on the
first is carried to the last, and what the error of its place does to the activity in it is stated.
"""

# %%
# The scan of the fourth day is turned by 6 degrees and moved by 14 mm, in another frame of reference.
import matplotlib.pyplot as plt
import numpy as np

from tumorboard.core import Grid, Image, Quantity, RigidTransform
from tumorboard.dosimetry.lesion_propagation import PropagationConfig, propagate_lesions
from tumorboard.numerics import (
    Interpolation,
    RigidRegistrationConfig,
    Similarity,
    Start,
    moved,
    resample,
    resample_through,
    voxelise,
)
from tumorboard.phantoms import RadioligandPatientConfig, simulate_radioligand

patient = simulate_radioligand(RadioligandPatientConfig(true_spacing_mm=4.8), frame_of_reference="1.2.1")
first = patient.scans[0].image
true = RigidTransform.about((0, 0, 355), (2, -1, 6), (9.0, 10.0, -5.0), from_frame="1.2.1", to_frame="1.2.4")
grid = Grid(
    first.grid.shape,
    first.grid.spacing_mm,
    first.grid.origin_mm,
    first.grid.direction,
    frame_of_reference="1.2.4",
)
last = resample(moved(patient.scans[-1].image, true), grid, method=Interpolation.LINEAR, outside=0.0)

# %%
# The fixed scan is the one that lesions are carried to. Nothing is chosen silently: similarity, start, and an
# error that registration cannot show by itself.
config = PropagationConfig(
    RigidRegistrationConfig(Similarity.CORRELATION, Start.SAME_COORDINATES, (16.0, 8.0)),
    None,
    unseen_error_mm=2.0,
)
lesion = patient.structures["Liver metastasis"]
found = propagate_lesions(last, first, (lesion,), config)
(carried,) = found.lesions
registered = found.rigid.transform
corners = grid.corners_mm
error = np.linalg.norm(registered.apply(corners) - true.inverse().apply(corners), axis=1)
print(f"error at the corners  {error.mean():.2f} mm of voxels of {grid.spacing_mm[0]:g} mm")
print(f"correlation           {found.rigid.correlation_before:.3f} -> {found.rigid.correlation_after:.3f}")
print(f"there and back        {carried.inverse_consistency_mm:.2f} mm")
print(f"error of place        {carried.error_mm:.2f} mm, of which 2 mm assumed")
print(f"adds to activity      {100 * carried.effect.relative_uncertainty:.1f} %")

# %%
# The contour of the first day where its coordinates say (dashed), and carried.
unmoved = Image(voxelise(lesion, first.grid).values, grid, Quantity.FRACTION, first.provenance)
back = resample_through(first, grid, registered, method=Interpolation.LINEAR, outside=0.0)
z = int(np.argmax(carried.fraction.values.sum(axis=(1, 2))))
x_mm, y_mm = (grid.origin_mm[i] + grid.spacing_mm[2 - i] * np.arange(grid.shape[2 - i]) for i in (0, 1))
box_mm = (x_mm[0] - 2.4, x_mm[-1] + 2.4, y_mm[-1] + 2.4, y_mm[0] - 2.4)
figure, panels = plt.subplots(1, 3, figsize=(12, 3.6), sharey=True, layout="constrained")
shown = {"day 4": last, "day 1, as it lies": Image(first.values, grid, first.quantity, first.provenance)}
shown["day 1, through the registration"] = back
for panel, (title, image) in zip(panels, shown.items(), strict=True):
    values = np.sqrt(np.maximum(image.values[z], 0.0))
    panel.imshow(values, extent=box_mm, cmap="gray_r", vmax=np.percentile(values, 99.8))
    panel.contour(x_mm, y_mm, unmoved.values[z], levels=[0.5], colors="tab:blue", linestyles="--")
    panel.contour(x_mm, y_mm, carried.fraction.values[z], levels=[0.5], colors="tab:orange")
    panel.set(title=title, xlabel="x [mm]")
panels[0].set_ylabel("y [mm]")
plt.show()
