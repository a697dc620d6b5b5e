"""
Organ doses of FDG in a stylised adult
======================================

Where F-18 fluorodeoxyglucose goes, how long it stays, and what dose organs get from it: the biokinetic
model of ICRP with S-values of our own Monte Carlo.
"""

# %%
# The stylised adult: organs as simple solids, here in voxels of 4 mm.

import math

import matplotlib.pyplot as plt
import numpy as np

from tumorboard.dosimetry.biokinetics_files import biokinetic_model
from tumorboard.dosimetry.mird import organ_doses
from tumorboard.dosimetry.phantom_effective_dose import TissueWeights, phantom_effective_dose_sv
from tumorboard.dosimetry.phantom_regions import source_regions
from tumorboard.dosimetry.phantom_s_values import phantom_s_values
from tumorboard.phantoms.stylised_adult import stylised_adult
from tumorboard.phantoms.stylised_adult_regions import SKELETON, BodyRegion
from tumorboard.physics.decay import DecayLibrary, decay_data
from tumorboard.physics.decay_emissions import decay_emissions
from tumorboard.physics.transport.batches import BatchPlan

adult = stylised_adult(spacing_mm=4.0)
masses = adult.masses_g
print(f"{sum(masses.values()) / 1000:.1f} kg, liver {masses[BodyRegion.LIVER]:.0f} g")

# %%
# The model says what each source takes up, and when the bladder is emptied. Time-integrated activities are
# hours per administered activity: decays of a becquerel over 3600.

library = DecayLibrary.ENDF_B_VIII_1
fdg = biokinetic_model("fdg")
decay_constant_per_s = math.log(2.0) / decay_data(fdg.nuclide, library=library).half_life_s
integrated_s = fdg.time_integrated_s(decay_constant_per_s)
for source, seconds in integrated_s.items():
    print(f"{source}: {seconds / 3600:.3f} h")

# %%
# S-values: 20,000 decays from each source are enough for a picture; the command takes 1,000,000 and keeps
# what it found.

values = phantom_s_values(
    adult,
    decay_emissions(fdg.nuclide, library=library),
    source_regions(list(integrated_s)),
    BatchPlan(histories=20_000, seed=1, threads=1),
)
decays = {source: seconds * 300e6 for source, seconds in integrated_s.items()}
doses = organ_doses(decays, values.s_values)
uncertainty_gy = values.uncertainty_gy(decays)
effective_sv = phantom_effective_dose_sv(doses.equivalent_sv, weights=TissueWeights.ICRP_60)
print(f"300 MBq: effective dose {1e3 * effective_sv:.1f} mSv (ICRP 60)")

# %%
# Sections 5 cm before the middle and 3 cm left of it, coloured by dose, bones outlined: bladder, heart
# and brain stand out. Bars show where a dose comes from; whiskers are the statistics of the transport.

found = doses.absorbed_gy
dose_mgy = np.zeros(256)
for region in BodyRegion:
    dose_mgy[region.number] = 1e3 * found["bone surfaces" if region in SKELETON else region.region]
shown = {
    name: i
    for i, name in enumerate(values.s_values.targets)
    if "contents" not in name and name != "total body"
}
order = sorted(shown, key=found.get)[-16:]
rows = [shown[name] for name in order]
figure, (front, side, bars) = plt.subplots(
    1, 3, figsize=(10, 7), width_ratios=(1.0, 0.58, 1.5), layout="constrained"
)
_, row, column = np.rint(
    (np.array([0.0, -50.0, 30.0]) - adult.grid.origin_mm[::-1]) / adult.grid.spacing_mm
).astype(int)
planes = (
    (front, adult.labels[:, row, :], "from the front"),
    (side, adult.labels[:, :, column], "from the side"),
)
for axes, plane, title in planes:
    image = np.where(plane > 0, dose_mgy[plane], np.nan)
    drawn = axes.imshow(image, origin="lower", cmap="viridis", norm="log", vmin=1.5, vmax=80.0)
    bone = np.isin(plane, [region.number for region in SKELETON])
    axes.contour(bone, [0.5], colors="white", linewidths=0.4)
    axes.set_title(title)
    axes.axis("off")
bar = figure.colorbar(drawn, ax=(front, side), label="dose [mGy]", location="bottom", shrink=0.8)
bar.set_ticks([2, 5, 10, 20, 50], labels=["2", "5", "10", "20", "50"])
bar.minorticks_off()
photon, electron = 1e3 * doses.photon_gy[rows], 1e3 * doses.electron_gy[rows]
spread = [1e3 * uncertainty_gy[name] for name in order]
bars.barh(order, photon, color="#4477aa", label="photons")
bars.barh(order, electron, left=photon, xerr=spread, color="#ee6677", label="positrons")
bars.set_xlabel("dose from 300 MBq [mGy]")
bars.legend(loc="lower right", frameon=False)
plt.show()
