"""Protons in water against MCsquare: depth dose, range, width, prompt gammas."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from proton_runs import column, distal_depth, follow, grid_of, pencil

from tumorboard.physics.materials import material
from tumorboard.physics.prompt_gammas import distal_falloff_mm
from tumorboard.physics.transport.medium import TransportMedium

pytestmark = pytest.mark.slow

VALIDATION = Path(__file__).resolve().parents[3] / "validation"
#: What MCsquare's stopping powers of water amount to (validation/mcsquare/README.md).
WATER = replace(material("water, liquid"), mean_excitation_energy_ev=77.7)
HISTORIES = {70: 150_000, 150: 100_000, 230: 80_000}
STEP_MM, ACROSS_MM, N_ACROSS = 0.5, 2.0, 75


def gaussian_core(profile):
    """Sigma of a Gaussian fitted as the reference's was: a line through the logarithm above 10 %."""
    x = (np.arange(N_ACROSS) - N_ACROSS // 2) * ACROSS_MM
    high = profile > 0.1 * profile.max()
    slope = np.polyfit(x[high] ** 2, np.log(profile[high]), 1, w=np.sqrt(profile[high]))[0]
    return np.sqrt(-0.5 / slope - ACROSS_MM**2 / 12.0)


def peak_of(dose):
    """Largest dose, by a parabola through the highest bin and its neighbours.

    At 70 MeV the peak is three bins wide: a shift by a fifth of a bin moves the highest bin by 3 %.
    """
    before, top, after = dose[dose.argmax() - 1 : dose.argmax() + 2]
    return top + (before - after) ** 2 / (8.0 * (2.0 * top - before - after))


@pytest.fixture(scope="module", params=[70, 150, 230])
def both(request):
    """Energy, the reference's columns, and our energy [z, y, x] in its voxels."""
    energy = request.param
    file = VALIDATION / "mcsquare" / f"water_{energy}_mev.csv"
    reference = np.genfromtxt(file, delimiter=",", skip_header=2).T
    grid = grid_of((N_ACROSS, reference.shape[1], N_ACROSS), (ACROSS_MM, STEP_MM, ACROSS_MM))
    found = follow(
        TransportMedium.homogeneous(grid, WATER), pencil(float(energy), sigma_mm=3.0), HISTORIES[energy]
    )
    return energy, reference, found.energy


def test_transport_protons__depth_dose_is_mcsquares(both):
    energy, (depth, theirs, *_), found = both
    ours = found.sum(axis=(0, 2)) / STEP_MM
    r80 = distal_depth(depth, theirs, 0.8)
    assert distal_depth(depth, ours, 0.8) == pytest.approx(r80, abs=0.3)
    assert peak_of(ours) == pytest.approx(peak_of(theirs), rel=0.03)
    # The plateau by tenths of the range; beyond eight, 0.1 mm of range counts. MCsquare's secondaries leave
    # at wrong angles and with too little energy: more so, the faster the protons are (validation/mcsquare).
    for tenth in range(8):
        part = (depth >= 0.1 * tenth * r80) & (depth < 0.1 * (tenth + 1) * r80)
        bound = 0.015 if energy == 230 and tenth < 2 else 0.01
        assert ours[part].sum() == pytest.approx(theirs[part].sum(), rel=bound)
    summary = json.loads((VALIDATION / "mcsquare" / "summary.json").read_text(encoding="utf-8"))
    fraction = summary["water"][str(energy)]["deposited_fraction"]
    assert found.sum() / energy == pytest.approx(fraction, abs=0.003)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.97])
def test_transport_protons__beam_is_as_wide_as_mcsquares(both, share):
    _, (depth, theirs, sigma, *_), found = both
    at = int(share * distal_depth(depth, theirs, 0.8) / STEP_MM)
    part = found[:, at - 2 : at + 3].sum(axis=1)
    ours = np.mean([gaussian_core(part.sum(axis=axis)) for axis in (0, 1)])
    assert ours == pytest.approx(sigma[at], rel=0.02)


def test_transport_protons__prompt_gammas_are_mcsquares():
    theirs = np.loadtxt(
        VALIDATION / "prompt_gammas" / "mcsquare_150_mev_water.csv", delimiter=",", skiprows=2
    ).T
    found = follow(column(WATER, 200.0, 2.0), pencil(150.0), 300_000, gamma_edges_mev=(3.0, 6.0))
    ours = found.emission[0, :, 0, 0]
    # 49,000 reactions: 0.5 %.
    assert ours.sum() == pytest.approx(0.0480, rel=0.03)
    depth = np.arange(1.0, 200.0, 2.0)
    assert distal_falloff_mm(depth, ours) == pytest.approx(distal_falloff_mm(theirs[0], theirs[1]), abs=0.5)
    assert distal_falloff_mm(depth, ours) == pytest.approx(153.98, abs=0.5)
