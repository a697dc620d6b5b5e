"""Compiled kernels of the dose engine equal plain Python, and their parts what they say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorboard.core.beam import PhaseSpace
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.plan import EnergyLayer, IonBeam
from tumorboard.proton import _beam_setup
from tumorboard.proton._kernels import gaussians, pencil_beam, sub_beams
from tumorboard.proton._spot_tables import Broadening, depth_table, mean_rows, optics_rows
from tumorboard.proton._sub_beam_setup import lattice_of
from tumorboard.proton.pencil_beam import prepare
from tumorboard.proton.pencil_beam_model import DepthModel, PencilBeamModel, SubBeams


@given(exponents=st.lists(st.floats(0, 80, width=32), min_size=1, max_size=40))
def test_exp_minus__is_the_exponential_to_float32(exponents):
    x = np.array(exponents, np.float32)
    value, power = x.copy(), np.empty(len(x), np.int32)
    gaussians.exp_minus(value, power)
    found = value * power.view(np.float32)
    np.testing.assert_allclose(found, np.exp(-x.astype(float)), rtol=3e-7)


@given(
    sigma=st.floats(1, 9), theta=st.floats(0, 0.01), rho=st.floats(-1, 1), plane=st.floats(0, 900),
    s=st.floats(-200, 200), stretch=st.floats(1, 1.01),
)  # fmt: skip
def test_optics_rows__are_the_phase_space_drifted_along_the_ray(sigma, theta, rho, plane, s, stretch):
    space = PhaseSpace(0.7, sigma, 1.3 * sigma, theta, 0.5 * theta, rho, -rho)
    row = optics_rows(space, plane, np.array([stretch]), Broadening())[0]
    exact = np.array(space.sigma_mm(plane * stretch + s)) ** 2
    found = [row[k] + s * (row[k + 1] + s * row[k + 2]) for k in (1, 4)]
    np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-9)
    assert row[0] == 0.7


@settings(max_examples=10)
@given(cutoff=st.floats(1e-4, 0.05), width=st.floats(2, 8), share=st.floats(0.0, 0.4))
def test_depth_table__cut_offs_leave_the_fraction_outside(plain_machine, cutoff, width, share):
    kernel = plain_machine().kernels[1]
    rows = np.zeros((2, 7))
    rows[:, 0] = 1 - share, share
    rows[0, (1, 4)], rows[1, (1, 4)] = width**2, (2 * width) ** 2
    _, cuts = depth_table(kernel, rows, Broadening(), cutoff)
    squared = cuts[0] + cuts[1] * mean_rows(rows[None])[0, 0]
    depth = np.arange(cuts.shape[1]) + 0.5
    outside = np.zeros(len(depth))
    for c in (0, 1):
        weight = np.interp(depth, kernel.depth_mm, kernel.weights[:, c])
        spread = np.interp(depth, kernel.depth_mm, kernel.sigma_mm[:, c]) ** 2
        for row in rows:
            outside += weight * row[0] * np.exp(-squared / (2 * (spread + row[1])))
    np.testing.assert_allclose(outside, cutoff, rtol=0.02)


@pytest.mark.parametrize(
    "sub_beams_", [SubBeams(3, 0.8), SubBeams(5, 0.7), SubBeams(7, 0.6), SubBeams(11, 0.4)]
)
def test_lattice_of__has_the_moments_of_what_it_splits(sub_beams_):
    places = lattice_of(sub_beams_)
    assert places.shape == (sub_beams_.per_axis**2, 3)
    assert places[:, 2].sum() == pytest.approx(1.0, abs=1e-12)
    for k in (0, 1):
        assert places[:, 2] @ places[:, k] == pytest.approx(0.0, abs=1e-12)
        assert places[:, 2] @ places[:, k] ** 2 == pytest.approx(1 - sub_beams_.width**2, rel=1e-12)
    x = np.linspace(-4, 4, 81)
    along = np.unique(places[:, 0])
    weight = np.array([places[places[:, 0] == a, 2].sum() for a in along])
    profile = np.exp(-0.5 * ((x[:, None] - along) / sub_beams_.width) ** 2) @ weight / sub_beams_.width
    assert np.abs(profile - np.exp(-0.5 * x**2)).max() < 0.03


@pytest.fixture
def run_plain(monkeypatch):
    """Let the kernels run as plain Python, those that they call included."""

    def swap():
        for module in (gaussians, pencil_beam, sub_beams):
            for name, kernel in list(vars(module).items()):
                if hasattr(kernel, "py_func") and name != "walk_line":
                    monkeypatch.setattr(module, name, kernel.py_func)
        for name in ("count_entries", "fill_entries", "mark_reach", "count_sub_beams", "fill_sub_beams"):
            monkeypatch.setattr(_beam_setup, name, getattr(_beam_setup, name).py_func)

    return swap


@pytest.mark.parametrize("is_round", [True, False])
@pytest.mark.parametrize("depth", DepthModel)
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_kernels__equal_plain_python(plain_machine, grid_around, stopping_powers, run_plain, depth, is_round):
    machine = plain_machine(phase_space=(PhaseSpace(1.0, 4.0, 4.0 if is_round else 5.0, 0.003, 0.003),))
    grid = grid_around((5, 6, 5), (12.0, 12.0, 12.0), seed=2)
    rsp = stopping_powers(grid, np.random.default_rng(1).uniform(0.8, 1.2, grid.shape))
    layers = tuple(EnergyLayer(e, np.array([(3.0, -4.0), (9.0, 2.0)]), np.ones(2)) for e in (150.0, 100.0))
    beam = IonBeam("a", BeamGeometry(20, 10, (0, 0, 0)), layers)
    split = SubBeams(3, 0.8) if depth is DepthModel.SUB_BEAMS else None
    model = PencilBeamModel(depth, 0.002, dose_threshold=0.002, sub_beams=split)

    def run():
        ready = prepare([beam], rsp, machine, dose_grid=grid, model=model, with_let=True, mask=None)[0]
        starts = np.concatenate([[0], np.cumsum(ready.counts)])
        out = [
            np.zeros(starts[-1], np.int32),
            np.zeros(starts[-1], np.float32),
            np.zeros(starts[-1], np.float32),
        ]
        kept, dropped = np.zeros(len(ready.counts), np.int64), np.zeros(len(ready.counts))
        ready.kernel(*ready.arguments, model.dose_threshold, 0, ready.rays.n, starts, *out, kept, dropped)
        total = np.zeros(math.prod(grid.shape))
        gaussians.add_columns(starts[:-1], kept, out[0], out[1], np.arange(1.0, 5.0), total)
        return [ready.counts, kept, dropped, total, *out]

    compiled = run()
    run_plain()
    plain = run()
    assert compiled[0].sum() > 50
    for one, two in zip(compiled[:2], plain[:2], strict=True):
        np.testing.assert_array_equal(one, two)
    for one, two in zip(compiled[2:4], plain[2:4], strict=True):
        np.testing.assert_allclose(one, two, rtol=3e-5, atol=1e-6 * np.abs(two).max())
