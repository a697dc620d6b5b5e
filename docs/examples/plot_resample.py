"""
Carry an image to another grid
==============================

Nothing is resampled on the quiet: which method is right depends on what the values are.
Linear for what is sampled, nearest for labels, conservative for what must keep its integral.
"""

# %%
# A fine grid with one small bright ball, and a coarse grid that stands at an angle to it.
import matplotlib.pyplot as plt
import numpy as np

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.numerics import Interpolation, resample
from tumorboard.provenance import Record

fine = Grid((48, 48, 48), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
points_mm = fine.index_to_patient(np.stack(np.indices(fine.shape), axis=-1))
distance_mm = np.linalg.norm(points_mm - [23.5, 23.5, 23.5], axis=-1)
dose = Image(np.where(distance_mm < 6, 2.0, 0.0), fine, Quantity.DOSE, Record("example.ball"))

angle = np.deg2rad(20)
turned = np.array([[0, np.sin(angle), np.cos(angle)], [0, np.cos(angle), -np.sin(angle)], [1, 0, 0]])
coarse = Grid((12, 14, 14), (4.0, 4.0, 4.0), (-11.0, 7.0, 2.0), turned, frame_of_reference="1.2.3")

# %%
# The same ball by each method, and its integral.
print(f"fine          {dose.values.sum() * fine.voxel_volume_ml:.4f} Gy mL")
pictures = {"fine grid": (dose.values[24], fine)}
for method in Interpolation:
    carried = resample(dose, coarse, method=method, outside=0.0)
    print(f"{method.value:13} {carried.values.sum() * coarse.voxel_volume_ml:.4f} Gy mL")
    pictures[method.value] = (carried.values[5], coarse)

# %%
# Only the conservative one keeps the integral. Both grids are drawn in patient coordinates.
figure, panels = plt.subplots(1, 4, figsize=(11, 3.2), sharex=True, sharey=True, layout="constrained")
for panel, (title, (values, grid)) in zip(panels, pictures.items(), strict=True):
    rows, columns = (np.arange(n + 1) - 0.5 for n in values.shape)
    edges = np.stack(np.meshgrid(0.0, rows, columns, indexing="ij"), axis=-1)[0]
    x_mm, y_mm, _ = np.moveaxis(grid.index_to_patient(edges), -1, 0)
    drawn = panel.pcolormesh(x_mm, y_mm, values, vmin=0, vmax=2, cmap="magma")
    panel.set(title=title, xlabel="x [mm]", aspect="equal", xlim=(5, 42), ylim=(42, 5))
panels[0].set_ylabel("y [mm]")
figure.colorbar(drawn, ax=panels, label="dose [Gy]", shrink=0.8)
plt.show()

# %%
# The result says how it was made, and whom to cite.
print(list(carried.provenance.citations()))
