"""
From a contour to voxels
========================

One rule for the whole package: of each voxel a contour covers the exact fraction of area that lies
inside it, and a mask is where that fraction is at least one half.
"""

# %%
# A kidney-shaped contour on coarse voxels, in five planes 3 mm apart.
import matplotlib.pyplot as plt
import numpy as np

from tumorboard.core import AXIAL, Contour, Grid, Structure
from tumorboard.numerics import structure_mask, voxelise

angle = np.linspace(0, 2 * np.pi, 120, endpoint=False)
radius_mm = 16 - 6 * np.exp(-((angle - np.pi) ** 2) / 0.3)
outline = np.stack([radius_mm * np.cos(angle), 1.3 * radius_mm * np.sin(angle)], axis=-1)
planes_mm = (0.0, 3.0, 6.0, 9.0, 12.0)
kidney = Structure("kidney", tuple(Contour(np.insert(outline, 2, z, axis=1)) for z in planes_mm))

grid = Grid((5, 11, 9), (3.0, 5.0, 5.0), (-20.0, -25.0, 0.0), AXIAL, frame_of_reference="1.2.3")
fraction = voxelise(kidney, grid)
mask = structure_mask(kidney, grid)

# %%
# The fractions give the volume of the polygons exactly; the mask's volume depends on where the voxels lie.
x, y = outline.T
area_mm2 = 0.5 * abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
print(f"polygons   {area_mm2 * 15 / 1000:.3f} mL")
print(f"fractions  {fraction.values.sum(dtype=float) * grid.voxel_volume_ml:.3f} mL")
print(f"mask       {mask.values.sum() * grid.voxel_volume_ml:.3f} mL")

# %%
figure, panels = plt.subplots(1, 2, figsize=(8, 4.6), sharey=True, layout="constrained")
box_mm = (-22.5, 22.5, 27.5, -27.5)
for panel, (title, image) in zip(panels, {"fraction": fraction, "mask": mask}.items(), strict=True):
    shown = panel.imshow(image.values[2], extent=box_mm, cmap="Blues", vmin=0, vmax=1)
    panel.plot(*np.vstack([outline, outline[:1]]).T, color="darkorange")
    panel.set(title=title, xlabel="x [mm]")
panels[0].set_ylabel("y [mm]")
figure.colorbar(shown, ax=panels, label="fraction of the voxel inside", shrink=0.8)
plt.show()
