"""
A receptor study in a brain phantom
===================================

A made-up brain after (-)-[18F]flubatine, of which published group means of the volume of distribution are
known: what the scanner's blur and the noise leave of them, region by region and voxel by voxel.
"""

# %%
# The phantom is made of grey and white matter of the MNI template, which nilearn brings. Parts are ellipsoids
# and planes: approximate, and no atlas.
import matplotlib.pyplot as plt
import numpy as np
from nilearn.datasets import load_mni152_gm_template, load_mni152_wm_template

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics import (
    BRAIN_BOUNDS,
    FLUBATINE,
    MA1,
    SIMULATED_BOLUS,
    SIMULATED_RATES,
    SUVR,
    FrameModel,
    FromTime,
    OneTissue,
    Weighting,
    flubatine_frames,
    simulated_blood,
    simulated_curves,
)
from tumorboard.pet.kinetics.voxels import Outside, VoxelConfig, fit_voxels
from tumorboard.phantoms import BrainScanConfig, brain_of, scan_brain
from tumorboard.provenance import Record


def patient_image(nifti):
    """Turn (right, front, up) to the patient's (left, back, up), indexed [z, y, x]."""
    values = np.clip(np.asarray(nifti.dataobj, np.float32), 0, 1)[::-1, ::-1].transpose(2, 1, 0)
    last = nifti.affine[:3, 3] + 2.0 * (np.array(nifti.shape) - 1)
    origin = (-last[0], -last[1], nifti.affine[2, 3])
    grid = Grid(values.shape, (2.0, 2.0, 2.0), origin, AXIAL, frame_of_reference="1.2.3")
    return Image(values, grid, Quantity.FRACTION, Record("example"))


brain = brain_of(
    *(patient_image(load(resolution=2)) for load in (load_mni152_gm_template, load_mni152_wm_template))
)

# %%
# Blood by formulas, curves by one tissue compartment, and a scan of 26 frames: 5 mm resolution, 20 % noise in
# a voxel of the last frame. VT of thalamus, brainstem and cortex are published; the others and all K1 are
# assumed.
nodes_s = np.unique(np.concatenate([np.arange(0.0, 300.0, 1.0), np.arange(300.0, 5461.0, 10.0)]))
blood = simulated_blood(SIMULATED_BOLUS, nodes_s)
rates = {part: SIMULATED_RATES[part] for part in brain.parts}
curves = simulated_curves(rates, blood, *flubatine_frames(), blood_volume=0.05)
config = BrainScanConfig(
    resolution_fwhm_mm=5.0, half_life_s=109.77 * 60, noise_last_frame=0.2, noise_fwhm_mm=5.0, seed=20
)
scan = scan_brain(brain, curves, brain.labels.grid, config)

# %%
# The study's template says what speaks against a reference region with this tracer.
for warning in FLUBATINE.check(SUVR(start_s=3000.0, end_s=4200.0)):
    print(f"{warning.text} [{warning.source}]")

# %%
# Regions: one tissue compartment through the mean curves.
means = np.stack([scan.values[:, brain.mask(part)].mean(axis=1) for part in brain.parts])
regions = TissueCurves(brain.parts, scan.frame_start_s, scan.frame_duration_s, means, None, scan.provenance)
common = {"frame_model": FrameModel.FRAME_AVERAGE, "weighting": Weighting.DURATION}
fits = OneTissue(BRAIN_BOUNDS, 0.05, *common.values(), None).fit(regions, blood)
found = {fit.region: fit.parameters["VT"].value for fit in fits}
for part in brain.parts:
    true = rates[part].vt_ml_cm3
    print(f"{part:17} VT {found[part]:5.1f} of {true:4.1f} mL/cm3, {100 * (found[part] / true - 1):+.0f} %")

# %%
# Voxels: the multilinear analysis from 30 min on. Blur takes VT from thin grey matter and gives to white
# matter; the order of regions hardly suffers.
inside = Image(brain.labels.values > 0, brain.labels.grid, Quantity.LABEL, brain.labels.provenance)
late = MA1(t_star=FromTime(1800.0), blood_fraction=0.05, **common)
only_vt = VoxelConfig(parameters=("VT",), standard_errors=False, outside=Outside.NAN, spatial=None)
volume = fit_voxels(late, scan, blood, inside, only_vt).maps["VT"].values
truth = brain.truth({part: rate.vt_ml_cm3 for part, rate in rates.items()}, Quantity.DISTRIBUTION_VOLUME)

figure = plt.figure(figsize=(11, 7.5), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=(1.0, 1.15))
panels = top.subplots(1, 3)
k = round((8.0 - brain.labels.grid.origin_mm[2]) / 2.0)
late_kbq = scan.values[-1, k] / 1e3
for panel, picture, title, highest, unit in (
    (panels[0], late_kbq, "last frame", np.percentile(late_kbq, 99.8), "kBq/mL"),
    (panels[1], volume[k], "VT, MA1 in each voxel", 22.0, "mL/cm3"),
    (panels[2], np.where(inside.values[k], truth.values[k], np.nan), "VT, truth", 22.0, "mL/cm3"),
):
    shown = panel.imshow(picture, cmap="inferno", vmin=0.0, vmax=highest)
    panel.set_facecolor("black")
    panel.set(title=title, xticks=[], yticks=[])
    top.colorbar(shown, ax=panel, label=unit, shrink=0.8)
left, right = bottom.subplots(1, 2)
for fit, colour in zip(fits, plt.cm.tab20.colors, strict=False):
    if fit.region in ("thalamus", "brainstem", "frontal cortex", "cerebellum", "corpus callosum"):
        left.plot(fit.mid_s / 60, fit.fitted_bq_ml / 1e3, color=colour)
        left.plot(fit.mid_s / 60, fit.measured_bq_ml / 1e3, "o", ms=4, color=colour, label=fit.region)
left.set(xlabel="time after injection [min]", ylabel="concentration [kBq/mL]", ylim=(0, 31))
left.legend(fontsize="small", loc="upper right", ncols=2)
order = sorted(brain.parts, key=lambda part: rates[part].vt_ml_cm3)
places = np.arange(len(order))
right.barh(places, [rates[part].vt_ml_cm3 for part in order], color="0.85", label="truth")
right.plot([found[part] for part in order], places, "o", color="tab:blue", label="1TCM of the region")
medians = [np.nanmedian(volume[brain.mask(part)]) for part in order]
right.plot(medians, places, "x", color="tab:red", label="MA1, median of voxels")
right.set(yticks=places, yticklabels=order, xlabel="VT [mL/cm3]")
right.legend(fontsize="small", loc="lower right")
plt.show()
