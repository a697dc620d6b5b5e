import numpy as np
import pytest
from mni_template import mni_maps

from tumorboard.core import Image, Quantity
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.phantoms import BrainScanConfig, brain_of, scan_brain
from tumorboard.phantoms.brain import frame_noise
from tumorboard.phantoms.brain_shapes import CORTEX_LOBES
from tumorboard.provenance import Record

pytest.importorskip("nilearn")

START_S = np.array([0.0, 60.0, 360.0, 3600.0])
DURATION_S = np.array([60.0, 300.0, 600.0, 1200.0])
F18_S = 6586.2


@pytest.fixture(scope="module")
def brain():
    grey, white, _ = mni_maps()
    return brain_of(grey, white)


@pytest.fixture(scope="module")
def grid(brain):
    return brain.labels.grid.with_spacing((4.0, 4.0, 4.0))


def curves_of(brain, scale=1.0):
    values = scale * np.outer(1.0 + np.arange(len(brain.parts)), [1.0, 4.0, 6.0, 5.0]) * 1e3
    return TissueCurves(brain.parts, START_S, DURATION_S, values, None, Record("tests"))


def config(**changes):
    given = {"resolution_fwhm_mm": 6.0, "noise_last_frame": 0.0, "noise_fwhm_mm": 0.0, "seed": 4}
    return BrainScanConfig(half_life_s=F18_S, **given | changes)


def test_brain_of__parts_have_believable_volumes(brain):
    # Both sides together, of adults, in mL, as textbooks and segmentations have them within a third or so.
    expected = {"thalamus": 13, "caudate": 8, "putamen": 10, "brainstem": 22, "cerebellum": 120}
    for part, volume_ml in expected.items():
        assert 0.65 < brain.volume_ml(part) / volume_ml < 1.4, part
    assert 700 < brain.volume_ml(*CORTEX_LOBES) < 1100
    assert 500 < brain.volume_ml("white matter", "corpus callosum") < 800


def test_brain_of__parts_lie_alike_on_both_sides(brain):
    values = brain.labels.values
    for part in brain.parts:
        there = np.nonzero(brain.mask(part))[2]
        middle = brain.labels.grid.patient_to_index((0.0, 0.0, 0.0))[2]
        left, right = (there > middle + 0.25).sum(), (there < middle - 0.25).sum()
        assert 0.85 < left / right < 1.18, part
    assert values.max() == len(brain.parts)


@pytest.mark.parametrize(
    ("mni_mm", "part"),
    [
        ((10, -18, 8), "thalamus"),
        ((-26, 4, 2), "putamen"),
        ((0, 25, 8), "corpus callosum"),
        ((0, -28, -32), "brainstem"),
        ((-40, 10, -30), "temporal cortex"),
        ((30, -60, -40), "cerebellum"),
        ((-10, -92, 2), "occipital cortex"),
        ((26, -20, 30), "white matter"),
    ],
)
def test_brain_of__well_known_places_have_their_name(brain, mni_mm, part):
    x, y, z = mni_mm
    k, j, i = np.rint(brain.labels.grid.patient_to_index((-x, -y, z))).astype(int)
    near = brain.labels.values[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2]
    assert brain.parts.index(part) + 1 in near, [brain.parts[n - 1] for n in np.unique(near) if n]


def test_brain_of__maps_that_are_not_there_are_refused(brain):
    grey, white, _ = mni_maps()
    nothing = Image(np.zeros(grey.grid.shape), grey.grid, Quantity.FRACTION, Record("tests"))
    with pytest.raises(InputError, match="must be maps in MNI space"):
        brain_of(nothing, nothing)
    with pytest.raises(InputError, match="shares from 0 to 1"):
        brain_of(Image(grey.values * 100, grey.grid, Quantity.FRACTION, Record("tests")), white)


def test_brain_truth__has_each_parts_value(brain):
    truth = brain.truth({part: float(k) for k, part in enumerate(brain.parts, start=3)}, Quantity.FRACTION)
    assert set(np.unique(truth.values[brain.mask("putamen")])) == {5.0}
    assert (truth.values[brain.labels.values == 0] == 0).all()
    with pytest.raises(InputError, match="must name every part"):
        brain.truth({"thalamus": 1.0}, Quantity.FRACTION)


def test_scan_brain__is_linear_in_the_curves_without_noise(brain, grid):
    once, twice = (scan_brain(brain, curves_of(brain, s), grid, config()).values for s in (1.0, 2.0))
    np.testing.assert_allclose(twice, 2.0 * once, rtol=1e-6)


def test_scan_brain__keeps_the_activity(brain, grid):
    """Blur and larger voxels move activity, but lose none inside the field."""
    scan = scan_brain(brain, curves_of(brain), grid, config())
    total = scan.values[1].sum(dtype=float) * grid.voxel_volume_ml
    true = sum(brain.volume_ml(p) * curves_of(brain).of(p)[1] for p in brain.parts)
    assert total == pytest.approx(true, rel=2e-3)


@pytest.mark.slow
def test_scan_brain__noise_is_as_stated_and_its_own_in_each_frame(brain, grid):
    for fwhm_mm in (0.0, 6.0):
        noisy = scan_brain(brain, curves_of(brain), grid, config(noise_last_frame=0.1, noise_fwhm_mm=fwhm_mm))
        clean = scan_brain(brain, curves_of(brain), grid, config())
        noise = noisy.values - clean.values
        mean = clean.values[:, _brain_voxels(brain, grid)].mean(axis=1)
        expected = frame_noise(mean, START_S, DURATION_S, half_life_s=F18_S, last=0.1)
        assert expected[-1] == pytest.approx(0.1 * mean[-1])
        assert noise.std(axis=(1, 2, 3)) == pytest.approx(expected, rel=0.03)
        assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.02
        # Correlated noise is alike in neighbours, white noise is not.
        neighbours = np.corrcoef(noise[0, :, :, 1:].ravel(), noise[0, :, :, :-1].ravel())[0, 1]
        assert (neighbours > 0.4) == (fwhm_mm > 0)


def _brain_voxels(brain, grid):
    one = TissueCurves(
        brain.parts, START_S, DURATION_S, np.ones((len(brain.parts), 4)), None, Record("tests")
    )
    return scan_brain(brain, one, grid, config()).values[0] >= 0.5


def test_scan_brain__is_the_same_for_the_same_seed(brain, grid):
    first, again, other = (
        scan_brain(brain, curves_of(brain), grid, config(noise_last_frame=0.2, seed=seed)).values
        for seed in (4, 4, 5)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_frame_noise__follows_decay_and_length():
    """Of a constant concentration: variance goes with exp(lambda t) over the length, for short frames."""
    start, duration = np.array([0.0, 6000.0, 12000.0]), np.array([10.0, 10.0, 40.0])
    noise = frame_noise(np.full(3, 7.0), start, duration, half_life_s=6000.0, last=0.1)
    assert (noise / noise[0]) ** 2 == pytest.approx([1.0, 2.0, 1.0], rel=5e-3)


@pytest.mark.parametrize(
    "bad", [{"resolution_fwhm_mm": -1.0}, {"noise_last_frame": np.nan}, {"noise_fwhm_mm": -2.0}]
)
def test_brain_scan_config__bad_numbers_are_refused(bad):
    with pytest.raises(InputError, match="must be finite and >= 0"):
        config(**bad)
