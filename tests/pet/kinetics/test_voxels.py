"""Voxels get what regions with their curves get, whatever the threads, the chunks and the neighbours."""

import numpy as np
import pytest

from tumorboard.core import AXIAL, DynamicImage, Grid, Image, Quantity
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics import (
    BRAIN_BOUNDS,
    MA1,
    MA2,
    MRTM1,
    MRTM2,
    SRTM,
    SRTM2,
    SUVR,
    AllFrames,
    Binding,
    CoupledK2Prime,
    FittedBloodVolume,
    FrameModel,
    FromTime,
    GivenK2Prime,
    InputFunction,
    LargestResidual,
    LastFrames,
    Logan,
    OneTissue,
    Patlak,
    PointWeights,
    ReferenceInterpolation,
    ReferenceLogan,
    ReferencePatlak,
    SpectralAnalysis,
    TwoTissue,
    Weighting,
)
from tumorboard.pet.kinetics.compartments_response import frame_basis, frame_blood
from tumorboard.pet.kinetics.voxels import Outside, VoxelConfig, fit_voxels
from tumorboard.pet.kinetics.voxels_maps import VoxelFlag
from tumorboard.pet.kinetics.voxels_spatial import SpatialConstraint
from tumorboard.provenance import Record

RECORD = Record("test")
DURATION = np.array([10.0] * 6 + [20.0] * 3 + [60.0] * 4 + [300.0] * 6 + [600.0] * 5)
# A scan that begins late and pauses: both are in integrals of the curves.
START = np.cumsum(DURATION) - DURATION + np.where(np.arange(len(DURATION)) > 15, 40.0, 4.0)
MID, AVERAGE = FrameModel.MID_FRAME, FrameModel.FRAME_AVERAGE
LINEAR, PRESERVING = ReferenceInterpolation.LINEAR, ReferenceInterpolation.AVERAGE_PRESERVING
TIMES, FRAME_WEIGHTS = Weighting.DURATION, 1.0 + np.arange(len(DURATION)) % 3
T = np.unique(np.concatenate([np.arange(0.0, 180.0, 2.0), np.arange(180.0, 6000.0, 30.0)]))
LEVEL = 6e4 * np.where(T < 40.0, T / 40.0, np.exp(-(T - 40.0) / 60.0) + 0.1 * np.exp(-(T - 40.0) / 4000.0))
BLOOD = InputFunction(T, LEVEL, 0.7 * LEVEL, RECORD)


def region(values, name="reference"):
    return TissueCurves((name,), START, DURATION, np.atleast_2d(values), FRAME_WEIGHTS, RECORD)


def tissue(k1, k2, k3=0.0, k4=0.05, share=0.0):
    """Curves of two compartments, rates by minute, shape (n_frames,)."""
    s, root = k2 + k3 + k4, np.sqrt((k2 + k3 + k4) ** 2 - 4 * k2 * k4)
    fast, slow = (s + root) / 2, (s - root) / 2
    basis = frame_basis(BLOOD, region(FRAME_WEIGHTS), AVERAGE, np.array([fast, slow]) / 60.0)[0] / 60.0
    of_fast = k1 * (fast - k3 - k4) / (fast - slow)
    y = of_fast * basis[0] + (k1 - of_fast) * basis[1]
    return (1 - share) * y + share * frame_blood(BLOOD, region(FRAME_WEIGHTS), AVERAGE)


REFERENCE = region(tissue(0.1, 0.1))


def noisy(n, noise, seed=0):
    rng = np.random.default_rng(seed)
    rates = rng.uniform([0.05, 0.05, 0.02, 0.02, 0.02], [0.15, 0.15, 0.06, 0.05, 0.08], (n, 5))
    y = np.stack([tissue(*row) for row in rates])
    size = noise * y.max(axis=1, keepdims=True) * np.sqrt(60.0 / DURATION)
    return np.maximum(y + size * rng.normal(size=y.shape), 1.0).astype(np.float32)


def image(curves, shape=None):
    shape = shape or (1, 1, len(curves))
    grid = Grid(shape, (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    values = np.ascontiguousarray(curves.T).reshape(-1, *shape)
    return DynamicImage(values, grid, Quantity.ACTIVITY_CONCENTRATION, START, DURATION, "injection", RECORD)


def config(**changes):
    chosen = {"parameters": None, "standard_errors": True, "outside": Outside.NAN, "spatial": None}
    return VoxelConfig(**{**chosen, "frame_weights": FRAME_WEIGHTS, **changes})


def regions(curves):
    names = tuple(f"region {k}" for k in range(len(curves)))
    return TissueCurves(names, START, DURATION, curves.astype(float), FRAME_WEIGHTS, RECORD)


def logan(points=PointWeights.FRAME, frames=AVERAGE):
    return Logan(
        t_star=LastFrames(8),
        frame_model=frames,
        weighting=Weighting.GIVEN,
        point_weights=points,
        blood_fraction=0.05,
    )


def srtm(frames=AVERAGE, interpolation=PRESERVING):
    return SRTM(
        frame_model=frames,
        weighting=TIMES,
        interpolation=interpolation,
        k2a_range_per_min=(0.002, 1.0),
    )


def compartments(volume):
    return TwoTissue(Binding.REVERSIBLE, BRAIN_BOUNDS, volume, AVERAGE, TIMES, None)


CLOSED = [
    (logan(), BLOOD),
    (logan(PointWeights.PROPAGATED, MID), BLOOD),
    (
        Patlak(
            t_star=FromTime(2000.0),
            frame_model=AVERAGE,
            weighting=Weighting.GIVEN,
            point_weights=PointWeights.PROPAGATED,
            blood_fraction=0.05,
        ),
        BLOOD,
    ),
    *(
        (
            MA1(t_star=FromTime(1000.0), frame_model=frames, weighting=Weighting.GIVEN, blood_fraction=0.03),
            BLOOD,
        )
        for frames in FrameModel
    ),
    *((MA2(frame_model=frames, weighting=TIMES, blood_fraction=0.05), BLOOD) for frames in FrameModel),
    (
        ReferenceLogan(
            k2_prime_per_min=0.1,
            t_star=LastFrames(8),
            frame_model=AVERAGE,
            weighting=TIMES,
            point_weights=PointWeights.PROPAGATED,
        ),
        REFERENCE,
    ),
    (
        ReferencePatlak(
            t_star=LastFrames(8),
            frame_model=MID,
            weighting=TIMES,
            point_weights=PointWeights.FRAME,
        ),
        REFERENCE,
    ),
    (MRTM1(t_star=AllFrames(), frame_model=AVERAGE, weighting=Weighting.GIVEN), REFERENCE),
    (
        MRTM2(k2_prime_per_min=0.1, t_star=LastFrames(12), frame_model=MID, weighting=TIMES),
        REFERENCE,
    ),
    (SUVR(start_s=START[-3], end_s=START[-1] + DURATION[-1]), REFERENCE),
]


def compared(model, drive, curves, tolerance, error_tolerance):
    fits = model.fit(regions(curves), drive)
    found = fit_voxels(model, image(curves), drive, None, config(), threads=1)
    for name, values in found.maps.items():
        expected = [fit.parameters[name].value for fit in fits]
        errors = [fit.parameters[name].standard_error for fit in fits]
        np.testing.assert_allclose(values.values.ravel(), expected, rtol=tolerance, atol=1e-9, err_msg=name)
        np.testing.assert_allclose(
            found.standard_errors[name].values.ravel(), errors, rtol=error_tolerance, atol=1e-9, err_msg=name
        )
    left = [fit.residual_sum for fit in fits]
    np.testing.assert_allclose(found.residual.values.ravel(), left, rtol=max(tolerance, 1e-6))


@pytest.mark.parametrize(("model", "drive"), CLOSED, ids=lambda v: type(v).__name__)
def test_fit_voxels__closed_forms_are_those_of_regions(model, drive):
    compared(model, drive, noisy(5, 0.03), 1e-6, 1e-5)


@pytest.mark.parametrize(
    ("model", "drive"),
    [
        (srtm(), REFERENCE),
        (srtm(MID, LINEAR), REFERENCE),
        (
            SRTM2(
                k2_prime=GivenK2Prime(0.1),
                frame_model=AVERAGE,
                weighting=TIMES,
                interpolation=PRESERVING,
                k2a_range_per_min=(0.002, 1.0),
            ),
            REFERENCE,
        ),
        (OneTissue(BRAIN_BOUNDS, 0.05, AVERAGE, TIMES, None), BLOOD),
        (OneTissue(BRAIN_BOUNDS, FittedBloodVolume(0.0, 0.2), AVERAGE, TIMES, None), BLOOD),
    ],
    ids=lambda v: type(v).__name__,
)
def test_fit_voxels__one_rate_between_basis_functions_is_that_of_regions(model, drive):
    compared(model, drive, noisy(5, 0.03), 1e-4, 1e-3)


def test_fit_voxels__a_share_of_blood_beyond_its_range_is_held_at_the_end():
    model = OneTissue(BRAIN_BOUNDS, FittedBloodVolume(0.0, 0.02), AVERAGE, TIMES, None)
    found = fit_voxels(model, image(noisy(4, 0.0)), BLOOD, None, config(), threads=1)
    assert found.maps["vB"].values.max() == np.float32(0.02)
    assert found.count(VoxelFlag.AT_BOUND) > 0


@pytest.mark.parametrize("volume", [0.05, FittedBloodVolume(0.0, 0.2)], ids=["fixed", "fitted"])
def test_fit_voxels__two_tissue_sums_of_squares_are_as_low_as_in_regions(volume):
    curves = noisy(6, 0.02)
    model = compartments(volume)
    fits = model.fit(regions(curves), BLOOD)
    found = fit_voxels(model, image(curves), BLOOD, None, config(), threads=1)
    left = np.array([fit.residual_sum for fit in fits])
    assert (found.residual.values.ravel() <= 1.001 * left).all()


def test_fit_voxels__two_tissue_rates_come_back_from_curves_without_noise():
    truth = (0.1, 0.1, 0.04, 0.03)
    curves = np.stack([tissue(*truth, share=0.05)] * 2).astype(np.float32)
    found = fit_voxels(compartments(0.05), image(curves), BLOOD, None, config(), threads=1)
    assert [found.maps[k].values[0, 0, 0] for k in ("K1", "k2", "k3", "k4")] == pytest.approx(truth, rel=1e-3)
    vt = truth[0] / truth[1] * (1 + truth[2] / truth[3])
    assert found.maps["VT"].values[0, 0, 1] == pytest.approx(vt, rel=1e-4)


def test_fit_voxels__spectra_and_their_jackknife_are_those_of_regions():
    compared(SpectralAnalysis(0.005, 5.0, 60, 0.05, AVERAGE, TIMES), BLOOD, noisy(3, 0.03), 1e-5, 1e-3)


@pytest.mark.parametrize("model", [logan(), srtm(), compartments(0.05)], ids=lambda m: type(m).__name__)
def test_fit_voxels__bits_depend_on_neither_threads_nor_neighbours(model, monkeypatch):
    drive = REFERENCE if isinstance(model, SRTM) else BLOOD
    curves = noisy(300, 0.1)
    scan = image(curves, (3, 10, 10))
    whole = fit_voxels(model, scan, drive, None, config(), threads=1)
    label = np.random.default_rng(1).random(scan.grid.shape) < 0.3
    mask = Image(label, scan.grid, Quantity.LABEL, RECORD)
    monkeypatch.setattr("tumorboard.pet.kinetics.voxels_chunks.CHUNK", 37)
    parts = fit_voxels(model, scan, drive, mask, config(), threads=3)
    for name, values in whole.maps.items():
        np.testing.assert_array_equal(parts.maps[name].values[label], values.values[label])
        np.testing.assert_array_equal(
            parts.standard_errors[name].values[label], whole.standard_errors[name].values[label]
        )
        assert np.isnan(parts.maps[name].values[~label]).all()


def test_fit_voxels__a_memory_map_stays_on_disk(tmp_path):
    scan = image(noisy(4, 0.02))
    scan.values.tofile(tmp_path / "scan")
    mapped = np.memmap(tmp_path / "scan", np.float32, "r", shape=scan.values.shape)
    on_disk = DynamicImage(mapped, scan.grid, scan.quantity, START, DURATION, "injection", RECORD)
    assert np.shares_memory(on_disk.values, mapped)
    a, b = (fit_voxels(logan(), s, BLOOD, None, config(), threads=1) for s in (scan, on_disk))
    np.testing.assert_array_equal(a.maps["VT"].values, b.maps["VT"].values)


def test_fit_voxels__bad_voxels_are_flagged_and_spare_the_rest():
    curves = noisy(4, 0.0)
    curves[1], curves[2, 5] = 0.0, np.nan
    curves[3, -2] = -5.0
    found = fit_voxels(logan(), image(curves), BLOOD, None, config(outside=Outside.ZERO), threads=1)
    values, flags = found.maps["VT"].values.ravel(), found.flags.values.ravel()
    assert np.isfinite(values).tolist() == [True, False, False, False]
    assert flags[0] == 0
    assert flags[3] & VoxelFlag.NO_POINT
    assert all(flags[1:] & VoxelFlag.NO_FIT)


def test_fit_voxels__an_uncertain_volume_is_withheld():
    model = TwoTissue(Binding.REVERSIBLE, BRAIN_BOUNDS, 0.05, AVERAGE, TIMES, 1e-6)
    found = fit_voxels(model, image(noisy(2, 0.05)), BLOOD, None, config(parameters=("VT", "K1")), threads=1)
    assert found.count(VoxelFlag.VT_WITHHELD) == 2
    assert np.isnan(found.maps["VT"].values).all()
    assert np.isfinite(found.maps["K1"].values).all()


def test_fit_voxels__neighbours_lower_the_scatter_and_keep_the_mean():
    shape = (6, 12, 12)
    rng = np.random.default_rng(3)
    y = np.repeat(tissue(0.12, 0.1, 0.04, 0.03)[None], np.prod(shape), axis=0)
    noise = 0.05 * y.max() * np.sqrt(60.0 / DURATION)
    scan = image((y + noise * rng.normal(size=y.shape)).astype(np.float32), shape)
    model = MRTM1(t_star=AllFrames(), frame_model=AVERAGE, weighting=TIMES)
    alone = fit_voxels(model, scan, REFERENCE, None, config(), threads=1)
    pulled = fit_voxels(model, scan, REFERENCE, None, config(spatial=SpatialConstraint(6.0)), threads=2)
    for name in ("R1", "k2"):
        a, b = alone.maps[name].values, pulled.maps[name].values
        assert b.std() < 0.7 * a.std()
        assert b.mean() == pytest.approx(a.mean(), rel=0.02)
    assert "zhou2003lrsc" in pulled.provenance.references
    again = fit_voxels(model, scan, REFERENCE, None, config(spatial=SpatialConstraint(6.0)), threads=1)
    np.testing.assert_array_equal(again.maps["R1"].values, pulled.maps["R1"].values)


def test_fit_voxels__what_progress_raises_ends_the_run():
    seen = []

    def stop(done, total):
        seen.append((done, total))
        raise KeyboardInterrupt

    scan = image(np.repeat(noisy(1, 0.0), 40000, axis=0))
    for threads in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            fit_voxels(logan(), scan, BLOOD, None, config(), progress=stop, threads=threads)
    assert all(done < total for done, total in seen)
    assert len(seen) == 2


EACH = MA1(t_star=LargestResidual(0.1, 6), frame_model=AVERAGE, weighting=TIMES, blood_fraction=0.0)
SHARED = SRTM2(
    k2_prime=CoupledK2Prime(0.01, 0.5),
    frame_model=AVERAGE,
    weighting=TIMES,
    interpolation=PRESERVING,
    k2a_range_per_min=(0.002, 1.0),
)


@pytest.mark.parametrize(
    ("model", "drive", "changes", "message"),
    [
        (logan(), BLOOD, {"parameters": ("BPND",)}, "parameters of Logan are VT"),
        (logan(), REFERENCE, {}, "drive must be InputFunction for Logan"),
        (logan(), BLOOD, {"spatial": SpatialConstraint(5.0)}, "spatial must be None"),
        (SHARED, REFERENCE, {}, "GivenK2Prime for voxels"),
        (EACH, BLOOD, {}, "the same in all voxels"),
        (logan(), BLOOD, {"frame_weights": None}, "weights must be in the table"),
    ],
)
def test_fit_voxels__a_bad_request_says_what_to_do(model, drive, changes, message):
    with pytest.raises(InputError, match=message):
        fit_voxels(model, image(noisy(2, 0.0)), drive, None, config(**changes))


def test_fit_voxels__bad_images_are_refused():
    scan = image(noisy(2, 0.0))
    late = DynamicImage(scan.values, scan.grid, scan.quantity, START, DURATION, "first frame", RECORD)
    with pytest.raises(InputError, match="injection"):
        fit_voxels(logan(), late, BLOOD, None, config())
    empty = Image(np.zeros(scan.grid.shape, bool), scan.grid, Quantity.LABEL, RECORD)
    with pytest.raises(InputError, match="at least one voxel"):
        fit_voxels(logan(), scan, BLOOD, empty, config())
    with pytest.raises(InputError, match="fwhm_mm"):
        SpatialConstraint(0.0)
