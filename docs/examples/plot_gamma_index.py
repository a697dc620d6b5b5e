"""
Gamma index and dose-volume histogram
=====================================

Two doses that differ by a shift and by a scale: where they agree, and what that means for a structure.
"""

# %%
# A block of dose, and the same one voxel of 2.5 mm to the side and 1 % higher.

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.outcomes.dose_volume import dose_volume_histogram
from tumorboard.outcomes.gamma_index import GammaCriteria, GammaNormalisation, gamma_index
from tumorboard.provenance import Record

made = Record("example")
grid = Grid((40, 50, 50), (2.5, 2.5, 2.5), (-61.25, -61.25, -48.75), AXIAL, frame_of_reference="1.2.3")
z, y, x = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * 2.5 for n in grid.shape], indexing="ij")


def block(shift_mm, scale):
    inside = (np.abs(x - shift_mm) < 30) & (np.abs(y) < 25) & (np.abs(z) < 25)
    return Image(gaussian_filter(scale * 60.0 * inside, 2.0), grid, Quantity.DOSE, made)


planned, measured = block(0.0, 1.0), block(2.5, 1.01)

# %%
# Gamma at 2 %/2 mm of the highest dose, above 10 %, over the continuous interpolated dose.

criteria = GammaCriteria(2.0, 2.0, 10.0, 2.0, GammaNormalisation.GLOBAL, normalisation_dose_gy=None)
result = gamma_index(planned, measured, criteria)
print(f"{result.pass_rate_percent:.1f} % of {result.n_points} points pass")

target = Image((np.abs(x) < 22) & (np.abs(y) < 18) & (np.abs(z) < 18), grid, Quantity.LABEL, made)

# %%
# The map of gamma beside the histograms of both doses in a target.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
edges = (-62.5, 62.5, 62.5, -62.5)
shown = left.imshow(result.gamma.values[20], cmap="RdYlGn_r", vmin=0, vmax=2, extent=edges)
left.set(title="Gamma, 2 %/2 mm", xlabel="x [mm]", ylabel="y [mm]")
figure.colorbar(shown, ax=left, label="gamma")
at_gy = np.linspace(0, 66, 400)
for name, dose in (("planned", planned), ("measured", measured)):
    histogram = dose_volume_histogram(dose, target, name=name)
    d95_gy = histogram.dose_at_volume_gy(percent=95)
    right.plot(at_gy, histogram.cumulative_percent(at_gy), label=f"{name}: D95 {d95_gy:.1f} Gy")
right.set(xlim=(40, 66), xlabel="Dose [Gy]", ylabel="Volume [%]", title="Target")
right.legend()
plt.show()
