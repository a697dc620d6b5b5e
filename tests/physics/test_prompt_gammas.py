from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from tumorboard.errors import InputError
from tumorboard.physics.emission_yields import emission_yields
from tumorboard.physics.materials import material
from tumorboard.physics.nuclear import inelastic_cm2_g, nuclei, nucleus_tables
from tumorboard.physics.prompt_gammas import distal_falloff_mm, prompt_gamma_yields
from tumorboard.physics.ranges import csda_range_g_cm2, energy_from_range_mev
from tumorboard.physics.straggling import range_straggling_sigma_mm

VALIDATION = Path(__file__).resolve().parents[2] / "validation" / "prompt_gammas"
WATER = material("water, liquid")
STEP_MM = 0.1
ALL_MEV = [0.0, 500.0]


def mcsquare(energy_mev=150):
    return np.loadtxt(VALIDATION / f"mcsquare_{energy_mev}_mev_water.csv", delimiter=",", skiprows=2).T


def emission_of_primaries(energy_mev, edges_mev):
    """What protons that are lost to inelastic reactions emit per step in water, shape (n, channels)."""
    whole = float(csda_range_g_cm2(WATER, energy_mev))
    depth_g_cm2 = np.arange(0.5 * STEP_MM, 10.0 * whole, STEP_MM) / 10.0
    energy = energy_from_range_mev(WATER, whole - depth_g_cm2)
    lost = inelastic_cm2_g(WATER, energy) * STEP_MM / 10.0
    reach = np.exp(0.5 * lost - np.cumsum(lost))
    emitted = 0.0
    for tables, factor in nuclei(WATER):
        reactions = factor * np.interp(energy, tables.inelastic_energy_mev, tables.inelastic_b, left=0.0)
        rows = emission_yields(tables.atomic_number, energy, edges_mev)
        emitted = emitted + (reactions * STEP_MM / 10.0 * reach)[:, None] * rows
    return emitted


@pytest.mark.parametrize("z", [6, 7, 8, 15, 20])
def test_prompt_gamma_yields__are_the_multiplicity_at_the_tables_energies(z):
    tables = nucleus_tables(z)
    yields = prompt_gamma_yields(z, tables.gamma_incident_mev, ALL_MEV)
    assert yields[:, 0] == pytest.approx(tables.gamma_multiplicity, rel=1e-6)


@pytest.mark.parametrize("z", [6, 7, 8, 15, 20])
def test_prompt_gamma_yields__tables_spectra_add_up_to_most_of_the_multiplicity(z):
    tables = nucleus_tables(z)
    summed = tables.gamma_b_mev.sum(axis=1) * tables.gamma_bin_mev
    sigma = np.interp(tables.gamma_incident_mev, tables.inelastic_energy_mev, tables.inelastic_b)
    share = summed / sigma / tables.gamma_multiplicity
    from_10_mev = tables.gamma_incident_mev >= 10
    assert share[from_10_mev].min() > 0.64  # P and Ca above 150 MeV; the yields scale it away
    assert share[from_10_mev].max() < 1.03
    if z == 8:
        below = tables.gamma_incident_mev <= 150
        assert share[below] == pytest.approx(1, abs=0.035)


def test_prompt_gamma_yields__bins_add_up_and_are_linear_between_energies():
    fine = prompt_gamma_yields(8, [30.0, 35.0, 32.5], np.linspace(3, 6, 13))
    coarse = prompt_gamma_yields(8, [30.0, 35.0, 32.5], [3, 6])
    assert fine.sum(axis=1) == pytest.approx(coarse[:, 0], rel=1e-12)
    assert fine[2] == pytest.approx(0.5 * (fine[0] + fine[1]), rel=1e-12)


def test_prompt_gamma_yields__neighbour_for_elements_without_tables_and_ends_of_the_tables():
    assert (prompt_gamma_yields(9, [50.0], ALL_MEV) == prompt_gamma_yields(8, [50.0], ALL_MEV)).all()
    assert prompt_gamma_yields(8, [0.0, 6.9], ALL_MEV).max() == 0
    assert (prompt_gamma_yields(8, [250.0], ALL_MEV) == prompt_gamma_yields(8, [300.0], ALL_MEV)).all()


@pytest.mark.parametrize(
    ("z", "energy", "edges"),
    [(8, [-1.0], [3, 6]), (8, [np.nan], [3, 6]), (8, [50.0], [6, 3]), (8, [50.0], [3]), (1, [50.0], [3, 6])],
)
def test_prompt_gamma_yields__refuse_what_makes_no_sense(z, energy, edges):
    with pytest.raises(InputError):
        prompt_gamma_yields(z, energy, edges)


# What secondary protons emit, the transport's task, is lacking here.
@pytest.mark.parametrize(
    ("energy_mev", "theirs", "lacking"), [(70, 0.01903, 0.0), (150, 0.04798, 0.037), (230, 0.07965, 0.055)]
)
def test_prompt_gamma_yields__along_primaries_come_near_mcsquare(energy_mev, theirs, lacking):
    depth, profile = mcsquare(energy_mev)
    emitted = emission_of_primaries(float(energy_mev), [3.0, 6.0])[:, 0]
    assert profile.sum() == pytest.approx(theirs, abs=1e-5)
    assert emitted.sum() / theirs == pytest.approx(1.0 - lacking, abs=0.005)
    sigma = float(range_straggling_sigma_mm(WATER, float(energy_mev)))
    blurred = gaussian_filter1d(np.append(emitted, np.zeros(500)), sigma / STEP_MM)
    ours = blurred[: blurred.size // 20 * 20].reshape(-1, 20).sum(axis=1)
    centre = 2.0 * np.arange(ours.size) + 1.0
    # MCsquare's ranges are longer than the tables' by up to 0.2 %.
    theirs_mm = distal_falloff_mm(depth, profile)
    assert distal_falloff_mm(centre, ours) == pytest.approx(theirs_mm, rel=0.0025)


def test_distal_falloff__of_mcsquares_profile_is_the_published_depth():
    assert distal_falloff_mm(*mcsquare()) == pytest.approx(153.98, abs=0.005)


def test_distal_falloff__finds_the_edge_of_a_box_and_each_fraction_of_a_ramp():
    depth = np.arange(0.5, 20.0)
    assert distal_falloff_mm(depth, depth < 10) == pytest.approx(10.0)
    ramp = np.clip(10 - depth, 0, 5)
    for fraction in (0.2, 0.5, 0.8):
        assert distal_falloff_mm(depth, ramp, fraction=fraction) == pytest.approx(10 - 5 * fraction)


def test_distal_falloff__takes_the_last_crossing():
    assert distal_falloff_mm([0.0, 1.0, 2.0, 3.0, 4.0], [2.0, 0.0, 1.2, 0.0, 0.0]) == pytest.approx(
        2 + 0.2 / 1.2
    )


@pytest.mark.parametrize(
    ("profile", "fraction"),
    [([0.0, 1.0, 1.0], 0.5), ([0.0, 0.0, 0.0], 0.5), ([1.0, -1.0, 0.0], 0.5), ([1.0, 1.0, 0.0], 1.0)],
)
def test_distal_falloff__refuses_what_makes_no_sense(profile, fraction):
    with pytest.raises(InputError):
        distal_falloff_mm([1.0, 2.0, 3.0], profile, fraction=fraction)
