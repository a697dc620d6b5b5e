"""What blur and noise leave of a flubatine study in a brain phantom: the ratio and the order of regions."""

import numpy as np
import pytest
from mni_template import mni_maps
from scipy import stats

from tumorboard.core import Image, Quantity
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet import GaussianPsf, LabelPartition, region_curves, transfer_matrix
from tumorboard.pet.kinetics import (
    BRAIN_BOUNDS,
    MA1,
    SIMULATED_BOLUS,
    SIMULATED_RATES,
    FrameModel,
    FromTime,
    Logan,
    OneTissue,
    PointWeights,
    Weighting,
    flubatine_frames,
    simulated_blood,
    simulated_curves,
)
from tumorboard.pet.kinetics.voxels import Outside, VoxelConfig, fit_voxels
from tumorboard.phantoms import BrainScanConfig, brain_of, scan_brain
from tumorboard.phantoms.brain_shapes import CORTEX_LOBES
from tumorboard.provenance import Record

pytest.importorskip("nilearn")

NODES_S = np.unique(np.concatenate([np.arange(0.0, 300.0, 1.0), np.arange(300.0, 5461.0, 10.0)]))
COMMON = {"frame_model": FrameModel.FRAME_AVERAGE, "weighting": Weighting.DURATION}
LATE = {"t_star": FromTime(1800.0), "blood_fraction": 0.05, **COMMON}
MODELS = [
    OneTissue(BRAIN_BOUNDS, 0.05, *COMMON.values(), None),
    Logan(point_weights=PointWeights.PROPAGATED, **LATE),
    MA1(**LATE),
]


@pytest.fixture(scope="module")
def study():
    grey, white, _ = mni_maps()
    brain = brain_of(grey, white)
    blood = simulated_blood(SIMULATED_BOLUS, NODES_S)
    rates = {part: SIMULATED_RATES[part] for part in brain.parts}
    curves = simulated_curves(rates, blood, *flubatine_frames(), blood_volume=0.05)
    config = BrainScanConfig(
        resolution_fwhm_mm=5.0, half_life_s=6586.2, noise_last_frame=0.2, noise_fwhm_mm=5.0, seed=8
    )
    return brain, blood, scan_brain(brain, curves, brain.labels.grid, config)


def ratio_and_rank(found, brain):
    truth = [SIMULATED_RATES[part].vt_ml_cm3 for part in brain.parts]
    rank = stats.spearmanr([found[part] for part in brain.parts], truth).statistic
    return found["thalamus"] / found["cortex"], rank


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_regions__ratio_and_order_survive_blur_and_noise(study, model):
    brain, blood, scan = study
    masks = {part: brain.mask(part) for part in brain.parts} | {"cortex": brain.mask(*CORTEX_LOBES)}
    values = [scan.values[:, mask].mean(axis=1, dtype=np.float64) for mask in masks.values()]
    curves = TissueCurves(
        tuple(masks), scan.frame_start_s, scan.frame_duration_s, np.array(values), None, Record("tests")
    )
    found = {fit.region: fit.parameters["VT"].value for fit in model.fit(curves, blood)}
    ratio, rank = ratio_and_rank(found, brain)
    # 2.118 is the truth; validation/kinetics/flubatine.md has 2.06 to 2.15 over five seeds.
    assert ratio == pytest.approx(2.118, rel=0.05)
    assert rank > 0.94
    # Blur takes from grey and gives to white matter.
    assert 0.75 < found["cortex"] / 9.63 < 0.95
    assert 1.02 < found["white matter"] / 7.0 < 1.15


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_voxels__medians_keep_ratio_and_order(study, model):
    brain, blood, scan = study
    inside = Image(brain.labels.values > 0, brain.labels.grid, Quantity.LABEL, Record("tests"))
    config = VoxelConfig(parameters=("VT",), standard_errors=False, outside=Outside.NAN, spatial=None)
    volume = fit_voxels(model, scan, blood, inside, config).maps["VT"].values
    masks = {part: brain.mask(part) for part in brain.parts} | {"cortex": brain.mask(*CORTEX_LOBES)}
    found = {name: float(np.nanmedian(volume[mask])) for name, mask in masks.items()}
    ratio, rank = ratio_and_rank(found, brain)
    assert ratio == pytest.approx(2.118, rel=0.06)
    assert rank > 0.94


@pytest.mark.slow
def test_regions__the_transfer_matrix_takes_blur_off(study):
    brain, blood, scan = study
    names = {0: "background", **dict(enumerate(brain.parts, start=1))}
    partition = LabelPartition(brain.labels, names)
    matrix = transfer_matrix(partition, GaussianPsf((5.0, 5.0, 5.0)))
    curves = matrix.corrected_curves(region_curves(scan, partition), standard_error_bq_ml=None).curves
    found = {fit.region: fit.parameters["VT"].value for fit in MODELS[0].fit(curves, blood)}
    for part in brain.parts:
        # What noise leaves: 5 to 12 mL hold some forty to a hundred independent values.
        limit = 0.05 if brain.volume_ml(part) > 5 else 0.2
        assert found[part] == pytest.approx(SIMULATED_RATES[part].vt_ml_cm3, rel=limit), part
    found["cortex"] = np.average(
        [found[k] for k in CORTEX_LOBES], weights=[brain.volume_ml(k) for k in CORTEX_LOBES]
    )
    ratio, rank = ratio_and_rank(found, brain)
    assert ratio == pytest.approx(2.118, rel=0.04)
    assert rank > 0.98
