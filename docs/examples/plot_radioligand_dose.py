"""
Dose of a radioligand, three ways
=================================

A hot lesion at the border of lung and soft tissue: energy left on the spot, a kernel convolved, and all
of it followed by Monte Carlo.
"""

# %%
# Y-90, whose electrons reach 11 mm in water and several centimetres in lung. A hundred times as much
# activity in the lesion as around it.
import matplotlib.pyplot as plt
import numpy as np

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.dosimetry.dose_kernel import dose_kernel
from tumorboard.dosimetry.dose_kernel_convolution import DensityCorrection, KernelConvolution
from tumorboard.dosimetry.local_deposition import LocalDeposition
from tumorboard.dosimetry.voxel_dose import DecayMap, voxel_dose
from tumorboard.dosimetry.voxel_dose_monte_carlo import MonteCarlo
from tumorboard.outcomes.dose_volume import dose_volume_histogram
from tumorboard.physics.decay import DecayLibrary
from tumorboard.physics.decay_emissions import decay_emissions
from tumorboard.physics.materials import material
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.provenance import Record

made = Record("example")
grid = Grid((25, 25, 41), (3.0, 3.0, 3.0), (-60.0, -36.0, -36.0), AXIAL, frame_of_reference="1.2.3")
x, y, z = grid.index_to_patient(np.moveaxis(np.indices(grid.shape), 0, -1)).T
x, y, z = x.T, y.T, z.T
lesion = x**2 + y**2 + z**2 <= 12.0**2
lung = (x > 0) & ~lesion

tissue, lung_tissue = material("soft tissue, ICRP"), material("lung, ICRP")
density = np.where(lung, 0.26, 1.0)
medium = TransportMedium(grid, density, lung.astype(np.uint16), (tissue, lung_tissue))
concentration = np.where(lesion, 5e11, 5e9)  # decays in each mL
decays = DecayMap.of_concentration(concentration, grid, made)
emissions = decay_emissions("Y-90", library=DecayLibrary.ENDF_B_VIII_1)

# %%
# One interface, three methods. The kernel is made in water by the same Monte Carlo; its energy is divided
# by the mass of the voxel that it falls into.
kernel = dose_kernel(
    emissions,
    material("water, liquid"),
    BatchPlan(20_000, 1, 2),
    spacing_mm=grid.spacing_mm,
    shape=(15, 15, 15),
)
methods = {
    "local deposition": LocalDeposition(photons_stay_below_mev=0.01, least_density_g_cm3=0.1),
    "kernel, local density": KernelConvolution(
        kernel, DensityCorrection.LOCAL, least_density_g_cm3=0.1, uncertainty=False, threads=2
    ),
    "Monte Carlo": MonteCarlo(BatchPlan(400_000, 2, 2), follow_photons=True),
}
doses = {name: voxel_dose(decays, medium, emissions, method) for name, method in methods.items()}

# %%
# In the lesion kernel and Monte Carlo nearly agree, since water and tissue are alike; local deposition
# leaves all at the rim that really leaves it. In lung the kernel stops the electrons as water would: too
# soon, and all that is left there goes to little mass.
mask = Image(lesion, grid, Quantity.LABEL, made)
for name, found in doses.items():
    histogram = dose_volume_histogram(found.dose, mask, name="lesion")
    beside = found.dose.values[12, 12, 26:29].mean()
    print(f"{name:22} lesion {histogram.mean_gy:5.1f} Gy, lung 6 to 12 mm from it {beside:5.1f} Gy")

figure, (picture, profile, volume) = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
edge = [-61.5, 61.5, -37.5, 37.5]
drawn = picture.imshow(doses["Monte Carlo"].dose.values[12], extent=edge, cmap="magma", origin="lower")
picture.contour(lung[12], levels=[0.5], extent=edge, colors="w", linewidths=0.8, origin="lower")
picture.set(xlabel="x [mm]", ylabel="y [mm]", title="Monte Carlo; lung right of the line")
figure.colorbar(drawn, ax=picture, label="dose [Gy]", shrink=0.8)
along_mm = x[12, 12]
for (name, found), style in zip(doses.items(), (":", "--", "-"), strict=True):
    profile.semilogy(along_mm, np.maximum(found.dose.values[12, 12], 1e-2), style, label=name)
    shown_gy = np.linspace(0.0, 90.0, 300)
    histogram = dose_volume_histogram(found.dose, mask, name="lesion")
    volume.plot(shown_gy, histogram.cumulative_percent(shown_gy), style, label=name)
profile.axvspan(0, 61.5, color="0.93", zorder=0)
profile.set(xlabel="x through the lesion [mm]", ylabel="dose [Gy]", xlim=(-61.5, 61.5))
profile.legend(fontsize="small")
volume.set(xlabel="dose [Gy]", ylabel="volume of the lesion [%]")
plt.show()
