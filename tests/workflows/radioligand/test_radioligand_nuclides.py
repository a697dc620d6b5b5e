"""Nuclides beside Lu-177: those of alphas with what is assumed of their progeny, and one scan."""

from dataclasses import replace

import numpy as np
import pytest

from tumorboard.core.acquisition import DecayReference
from tumorboard.dosimetry.progeny_fate import ProgenyAssumption, ProgenyFate
from tumorboard.errors import InputError
from tumorboard.physics.decay import DecayLibrary, decay_data
from tumorboard.workflows.board.radioligand_radiation import progeny_data, radiation_blocks, radiation_data
from tumorboard.workflows.radioligand.config import ALPHA_NUCLIDES, NUCLIDES, RadioligandConfig, SingleScan
from tumorboard.workflows.radioligand.run import run

LIBRARY = DecayLibrary.ENDF_B_VIII_1
QUICK = RadioligandConfig(margin_mm=12.0, histories=20_000, kernel_histories=2000, compare_contours=False)
WITH_PARENT = ProgenyFate(ProgenyAssumption.WITH_PARENT)
J_PER_MEV, WATER_KG_ML = 1.602176634e-13, 0.998e-3


def scans_of(make_scan, nuclide, hours=(4, 28), half_life_h=5.0):
    made = [
        make_scan(
            h, reference=DecayReference.NONE, ball_half_life_h=half_life_h, body_half_life_h=half_life_h
        )
        for h in hours
    ]
    return [replace(one, acquisition=replace(one.acquisition, radionuclide=nuclide)) for one in made]


def mean_energy_mev(lesion, method="local"):
    """Return energy by decay of the parent, from the mean dose."""
    dose = lesion.histograms[method].mean_gy
    return dose * lesion.volumes_ml[-1] * WATER_KG_ML / (lesion.course.decays * J_PER_MEV)


@pytest.fixture(scope="module")
def actinium(make_scan):
    return run(
        replace(QUICK, progeny=WITH_PARENT, alpha_rbe=5.0), scans_of(make_scan, "225Actinium"), ct=None
    )


def test_run__alphas_of_all_progeny_decay_with_their_parent(actinium):
    (lesion,) = actinium.lesions
    # Four alphas with recoils of Ac-225, Fr-221, At-217 and Po-213 (or Bi-213), and some electrons.
    assert 27.0 < mean_energy_mev(lesion) < 30.0
    assert lesion.histograms["kernel"].mean_gy == pytest.approx(lesion.histograms["local"].mean_gy, rel=0.02)
    assert any("All progeny decays where its parent did." in note for note in actinium.notes)


def test_run__alphas_electrons_and_photons_together_are_the_dose(actinium):
    (lesion,) = actinium.lesions
    apart = lesion.by_radiation
    assert float(apart.absorbed_gy) == pytest.approx(lesion.histograms["monte_carlo"].mean_gy, rel=0.03)
    assert float(apart.alpha_gy) > 10 * float(apart.electron_gy) > 10 * float(apart.photon_gy) > 0
    found = radiation_data(lesion, 5.0)
    assert found["rbe_weighted"] == pytest.approx(5 * found["alpha"] + found["electron"] + found["photon"])
    assert "rbe_weighted" not in radiation_data(lesion, None)
    (table,) = radiation_blocks(actinium, [lesion])
    assert table.columns[-1] == "Weighted, alphas by 5 [Gy]"
    assert progeny_data(actinium)["members"][0] == {
        "nuclide": "Ac-225",
        "decays_in_place": 1.0,
        "decays_elsewhere": 0.0,
    }


def test_run__alphas_need_an_assumption(make_scan):
    with pytest.raises(InputError, match=r"ProgenyAssumption\.WITH_PARENT"):
        run(QUICK, scans_of(make_scan, "225Actinium"), ct=None)


@pytest.mark.slow
def test_run__alphas_follow_what_is_assumed(make_scan):
    scans = scans_of(make_scan, "225Actinium")
    alone = run(replace(QUICK, progeny=ProgenyFate(ProgenyAssumption.EXCLUDED)), scans, ct=None)
    assert 5.7 < mean_energy_mev(alone.lesions[0]) < 6.1
    moves = ProgenyFate(ProgenyAssumption.MOVES, leaving_share={"Fr-221": 1.0})
    gone = run(replace(QUICK, progeny=moves), scans, ct=None)
    assert mean_energy_mev(gone.lesions[0]) == pytest.approx(mean_energy_mev(alone.lesions[0]), rel=1e-3)
    assert any("decays elsewhere" in note and "Fr-221" in note for note in gone.notes)
    assert any("no relative biological effectiveness" in note for note in gone.notes)


@pytest.mark.slow
@pytest.mark.parametrize("nuclide", [n for n in NUCLIDES if n not in ("Lu-177", "Ac-225")])
def test_run__takes_every_nuclide_that_treats(make_scan, nuclide):
    half_life_h = decay_data(nuclide, library=LIBRARY).half_life_s / 3600.0
    hours = (0.25, 1.0) if half_life_h < 2 else (4, 28)
    scans = scans_of(make_scan, nuclide, hours, half_life_h=0.7 * half_life_h)
    found = run(replace(QUICK, progeny=WITH_PARENT if nuclide in ALPHA_NUCLIDES else None), scans, ct=None)
    (lesion,) = found.lesions
    dose = {name: h.mean_gy for name, h in lesion.histograms.items()}
    assert lesion.course.half_life_s / 3600 == pytest.approx(0.7 * half_life_h, rel=0.01)
    # Yttrium's electrons leave a ball of 20 mm by a tenth of its dose, which local deposition does not know.
    assert dose["local"] == pytest.approx(dose["monte_carlo"], rel=0.15)
    assert dose["kernel"] == pytest.approx(dose["monte_carlo"], rel=0.03)
    assert (lesion.by_radiation is not None) == (nuclide in ALPHA_NUCLIDES)


def test_run__one_scan_by_physical_decay(make_scan):
    (scan,) = scans_of(make_scan, "90Yttrium", (20,), half_life_h=64.0)
    found = run(replace(QUICK, single_scan=SingleScan.PHYSICAL_DECAY), [scan], ct=None)
    (lesion,) = found.lesions
    assert lesion.course.is_upper_limit
    assert found.contours is None
    assert lesion.histograms["kernel"].mean_gy > 0
    assert np.isfinite(lesion.relative_uncertainty)
    assert any(note.startswith("One scan, at 20.2 h: all activity") for note in found.notes)


def test_run__without_a_radionuclide_names_the_attribute(make_scan):
    scans = scans_of(make_scan, None)
    with pytest.raises(InputError, match=r"Radionuclide Code Sequence \(0054,0300\) of scan at 4 h"):
        run(QUICK, scans, ct=None)
