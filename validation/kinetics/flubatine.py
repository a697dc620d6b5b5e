"""Scan a brain phantom with (-)-[18F]flubatine's kinetics, and write what models make of it as a table.

Usage: ``python validation/kinetics/flubatine.py OUT.csv``; nilearn must be installed, whose template is used.

Regions are the phantom's own parts, drawn without error, so what is lost is lost to blur and noise.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "shared"))

from mni_template import mni_maps

from tumorboard.core import Image, Quantity
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet import GaussianPsf, LabelPartition, region_curves, transfer_matrix
from tumorboard.pet.kinetics import (
    BRAIN_BOUNDS,
    MA1,
    SIMULATED_BOLUS,
    SIMULATED_RATES,
    Binding,
    FrameModel,
    FromTime,
    Logan,
    OneTissue,
    PointWeights,
    TwoTissue,
    Weighting,
    flubatine_frames,
    simulated_blood,
    simulated_curves,
)
from tumorboard.pet.kinetics.voxels import Outside, VoxelConfig, fit_voxels
from tumorboard.phantoms import BrainScanConfig, brain_of, scan_brain
from tumorboard.phantoms.brain_shapes import CORTEX_LOBES
from tumorboard.provenance import Record

F18_S = 109.77 * 60.0
BLOOD_VOLUME = 0.05
NODES_S = np.unique(np.concatenate([np.arange(0.0, 300.0, 1.0), np.arange(300.0, 5461.0, 10.0)]))
COMMON = {"frame_model": FrameModel.FRAME_AVERAGE, "weighting": Weighting.DURATION}
LATE = {"t_star": FromTime(1800.0), "blood_fraction": BLOOD_VOLUME, **COMMON}
MODELS = {
    "1TCM": OneTissue(BRAIN_BOUNDS, BLOOD_VOLUME, *COMMON.values(), None),
    "2TCM": TwoTissue(Binding.REVERSIBLE, BRAIN_BOUNDS, BLOOD_VOLUME, *COMMON.values(), 0.1),
    "Logan": Logan(point_weights=PointWeights.PROPAGATED, **LATE),
    "MA1": MA1(**LATE),
}
IN_VOXELS = ("1TCM", "Logan", "MA1")
SEEDS = range(20, 25)


def study():
    """Return the brain, its blood, and the parts' exact curves."""
    grey, white, _ = mni_maps()
    brain = brain_of(grey, white)
    blood = simulated_blood(SIMULATED_BOLUS, NODES_S)
    rates = {part: SIMULATED_RATES[part] for part in brain.parts}
    return brain, blood, simulated_curves(rates, blood, *flubatine_frames(), blood_volume=BLOOD_VOLUME)


def scanned(brain, curves, fwhm_mm, noise, seed):
    """Return the scan on the template's own voxels."""
    config = BrainScanConfig(
        resolution_fwhm_mm=fwhm_mm,
        half_life_s=F18_S,
        noise_last_frame=noise,
        noise_fwhm_mm=fwhm_mm,
        seed=seed,
    )
    return scan_brain(brain, curves, brain.labels.grid, config)


def regions_of(brain):
    """Return masks of the parts, and of the whole cortex, by name."""
    return {part: brain.mask(part) for part in brain.parts} | {"cortex": brain.mask(*CORTEX_LOBES)}


def roi_curves(brain, scan):
    """Return the mean curve of each region."""
    masks = regions_of(brain)
    values = np.stack([scan.values[:, mask].mean(axis=1, dtype=np.float64) for mask in masks.values()])
    return TissueCurves(
        tuple(masks), scan.frame_start_s, scan.frame_duration_s, values, None, Record("validation")
    )


def corrected_curves(brain, scan, fwhm_mm):
    """Return the curves after correction for partial volume by the geometric transfer matrix."""
    names = {0: "background", **dict(enumerate(brain.parts, start=1))}
    partition = LabelPartition(brain.labels, names)
    matrix = transfer_matrix(partition, GaussianPsf((fwhm_mm,) * 3))
    found = matrix.corrected_curves(region_curves(scan, partition), standard_error_bq_ml=None).curves
    volumes = np.array([brain.volume_ml(lobe) for lobe in CORTEX_LOBES])
    cortex = volumes @ np.stack([found.of(lobe) for lobe in CORTEX_LOBES]) / volumes.sum()
    values = np.stack([*(found.of(part) for part in brain.parts), cortex])
    names = (*brain.parts, "cortex")
    return TissueCurves(names, scan.frame_start_s, scan.frame_duration_s, values, None, found.provenance)


def truth_of(brain):
    """Return VT of each region; the cortex has the mean of its voxels."""
    truth = {part: SIMULATED_RATES[part].vt_ml_cm3 for part in brain.parts}
    volumes = np.array([brain.volume_ml(lobe) for lobe in CORTEX_LOBES])
    return truth | {"cortex": float(volumes @ [truth[lobe] for lobe in CORTEX_LOBES] / volumes.sum())}


def by_regions(blood, curves):
    """Return VT by model and region, from the mean curves."""
    return {
        name: {fit.region: fit.parameters["VT"].value for fit in model.fit(curves, blood)}
        for name, model in MODELS.items()
    }


def by_voxels(brain, blood, scan):
    """Return mean and median VT by model and region, from maps."""
    inside = Image(brain.labels.values > 0, brain.labels.grid, Quantity.LABEL, Record("validation"))
    config = VoxelConfig(parameters=("VT",), standard_errors=False, outside=Outside.NAN, spatial=None)
    found = {}
    for name in IN_VOXELS:
        values = fit_voxels(MODELS[name], scan, blood, inside, config).maps["VT"].values
        found[name] = {
            region: (float(np.nanmean(values[mask])), float(np.nanmedian(values[mask])))
            for region, mask in regions_of(brain).items()
        }
    return found


def summary(found, truth):
    """Return ratio of thalamus to cortex, and rank correlation with the truth over parts with a VT."""
    parts = [region for region in truth if region != "cortex" and np.isfinite(found[region])]
    rank = stats.spearmanr([found[p] for p in parts], [truth[p] for p in parts]).statistic
    return found["thalamus"] / found["cortex"], float(rank)


def main(path):
    """Write the table and print the summaries."""
    brain, blood, curves = study()
    truth, table = truth_of(brain), {}
    sys.stdout.write(f"truth: ratio {summary(truth, truth)[0]:.3f}\n")
    cases = {
        "exact": (0.0, 0.0, False),
        "blur": (5.0, 0.0, False),
        "noise": (0.0, 0.2, False),
        "blur and noise": (5.0, 0.2, False),
        "blur, corrected": (5.0, 0.0, True),
        "blur and noise, corrected": (5.0, 0.2, True),
    }
    for case, (fwhm_mm, noise, correct) in cases.items():
        each = []
        for seed in SEEDS if noise else SEEDS[:1]:
            scan = scanned(brain, curves, fwhm_mm, noise, seed)
            means = corrected_curves(brain, scan, fwhm_mm) if correct else roi_curves(brain, scan)
            each.append(by_regions(blood, means))
        for name in MODELS:
            table[f"ROI {name}, {case}"] = each[0][name]
            ratio, rank = np.array([summary(found[name], truth) for found in each]).T
            sys.stdout.write(f"ROI {name}, {case}: ratio {ratio.round(3)}, rank {rank.round(3)}\n")
    maps = by_voxels(brain, blood, scanned(brain, curves, 5.0, 0.2, SEEDS[0]))
    for name, found in maps.items():
        for k, kind in enumerate(("mean", "median")):
            one = {region: pair[k] for region, pair in found.items()}
            table[f"voxel {name}, {kind}"] = one
            ratio, rank = summary(one, truth)
            sys.stdout.write(f"voxel {name}, {kind}: ratio {ratio:.3f}, rank {rank:.3f}\n")
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["region", "volume mL", "true VT mL/cm3", *(f"{case} %" for case in table)])
        for region, mask in regions_of(brain).items():
            volume = np.count_nonzero(mask) * brain.labels.grid.voxel_volume_ml
            off = [f"{100 * (found[region] / truth[region] - 1):.2f}" for found in table.values()]
            writer.writerow([region, f"{volume:.1f}", f"{truth[region]:.2f}", *off])


if __name__ == "__main__":
    main(sys.argv[1])
