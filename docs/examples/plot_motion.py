"""
Motion between frames
=====================

A head of ellipsoids moves after 15 minutes of a dynamic scan, while its contrast goes from flow to binding.
Frames are registered by their edges, and each is resampled once.
"""

# %%
# The head is given in closed form, so that nothing is interpolated before the correction.
import io

import matplotlib.pyplot as plt
import numpy as np

from tumorboard.core import AXIAL, DynamicImage, Grid, Quantity, RigidTransform
from tumorboard.numerics import RigidRegistrationConfig, Similarity, Start
from tumorboard.pet import Feature, MotionConfig, OneFrameReference, TransformSource, correct_motion
from tumorboard.plotting import motion_plot
from tumorboard.provenance import Record

grid = Grid((36, 44, 38), (4.0, 4.0, 4.0), (-74.0, -86.0, -70.0), AXIAL, frame_of_reference="1.2")
points = grid.index_to_patient(np.moveaxis(np.indices(grid.shape, np.float64), 0, -1))
duration_s = np.array([10, 110, 180, 300, 300, 600, 900, 1200])
start_s = np.concatenate([[0], np.cumsum(duration_s)[:-1]])
minutes = (start_s + duration_s / 2) / 60.0
flow, binding = np.exp(-minutes / 8.0), 1.0 - np.exp(-minutes / 15.0)
#: Centre, half axes, level of flow and of binding.
shapes = (
    ((0, 0, 0), (60, 74, 52), 14.0, 4.0),
    ((0, 4, 2), (44, 54, 36), 5.0, 3.0),
    ((-12, 10, 0), (8, 18, 10), 14.0, 14.0),
    ((12, 10, 0), (8, 18, 10), 14.0, 13.0),
    ((0, 52, -26), (34, 16, 16), 15.0, 1.5),
)


def head(places_mm, k):
    """Concentration in frame k [kBq/mL]."""
    values = np.zeros(places_mm.shape[:-1])
    for centre, half, early, late in shapes:
        out = (np.linalg.norm((places_mm - centre) / half, axis=-1) - 1.0) * np.mean(half)
        inside = 1.0 / (1.0 + np.exp(np.clip(out / 1.6, -50, 50)))
        values += (early * flow[k] + late * binding[k] - values) * inside
    return values


still = RigidTransform.identity(from_frame="1.2", to_frame="1.2")
nod = RigidTransform.about((0, 0, 0), (6, 0, 2), (1.0, -3.0, 4.0), from_frame="1.2", to_frame="1.2")
true = [still if t < 900 else nod for t in start_s]
rng = np.random.default_rng(1)
frames = [
    head(one.inverse().apply(points), k) + 0.25 * np.sqrt(300 / s) * rng.standard_normal(grid.shape)
    for k, (one, s) in enumerate(zip(true, duration_s, strict=True))
]
scan = DynamicImage(
    1e3 * np.array(frames, np.float32),
    grid,
    Quantity.ACTIVITY_CONCENTRATION,
    start_s,
    duration_s,
    "injection",
    Record("example"),
)

# %%
# Nothing is chosen silently. The first frame has too few counts, and takes its neighbour's transform.
config = MotionConfig(
    RigidRegistrationConfig(Similarity.MUTUAL_INFORMATION, Start.SAME_COORDINATES, (8.0, 4.0)),
    OneFrameReference(6),
    feature=Feature.EDGES,
    smoothing_fwhm_mm=6.0,
    least_count_share=0.05,
    register_from_s=0.0,
    half_life_s=6586.2,
    unresampled_below_mm=0.5,
    radius_mm=60.0,
    measure_residual=True,
)
found = correct_motion(scan, config)
reference = true[6]
for k, one in enumerate(found.frames):
    error = one.transform.then(true[k].inverse()).then(reference)
    miss = np.linalg.norm(error.apply(found.centre_mm) - found.centre_mm)
    print(
        f"{start_s[k]:5.0f} s  {one.source.value:10s} moved {one.max_displacement_mm:5.2f} mm, "
        f"resampled {one.resampled!s:5s} wrong by {miss:.2f} mm, {error.angle_deg:.2f} deg"
    )

# %%
# Shifts, rotations and displacement over time.
own = [one.source is not TransformSource.NEIGHBOUR for one in found.frames]
picture = motion_plot(
    start_s,
    duration_s,
    [one.translation_mm for one in found.frames],
    [one.rotation_deg for one in found.frames],
    [one.max_displacement_mm for one in found.frames],
    [one.residual_mm for one in found.frames],
    own,
)
figure, panel = plt.subplots(figsize=(7.2, 6.0), layout="constrained")
panel.imshow(plt.imread(io.BytesIO(picture)))
panel.set_axis_off()
plt.show()

# %%
# A frame before the nod, as it was and as it was brought to the reference, against that frame.
figure, panels = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
x = 19
for panel, title, values in (
    (panels[0], "10 to 15 min, as scanned", scan.values[4]),
    (panels[1], "10 to 15 min, corrected", found.image.values[4]),
    (panels[2], "reference, 25 to 40 min", scan.values[6]),
):
    panel.imshow(values[::-1, :, x] / 1e3, vmin=0, vmax=14, cmap="gray_r", extent=(-88, 88, -72, 72))
    outline = scan.values[6][:, :, x] / 1e3
    y_mm, z_mm = (grid.origin_mm[i] + 4.0 * np.arange(grid.shape[2 - i]) for i in (1, 2))
    panel.contour(y_mm, z_mm, outline, levels=[2.0], colors="tab:orange", linewidths=1)
    panel.set(title=title, xlabel="y, back [mm]")
panels[0].set_ylabel("z, up [mm]")
plt.show()
