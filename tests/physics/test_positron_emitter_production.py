import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics._tables import rows
from tumorboard.physics.elements import element
from tumorboard.physics.emission_yields import emission_yields
from tumorboard.physics.nuclear import inelastic_cm2_g
from tumorboard.physics.positron_emitter_production import EMITTERS, positron_emitter_yields, production_b
from tumorboard.physics.prompt_gammas import prompt_gamma_yields
from tumorboard.physics.stopping_power import mass_stopping_power_mev_cm2_g

REPOSITORY = Path(__file__).resolve().parents[2]
VALIDATION = REPOSITORY / "validation" / "positron_emitters"
ENERGY = np.linspace(0.0, 300.0, 3001)


def test_production__table_is_made_from_the_measured_points(tmp_path):
    spec = importlib.util.spec_from_file_location("evaluate", VALIDATION / "evaluate.py")
    evaluate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(evaluate)
    evaluate.main(tmp_path / "made.csv")
    made = [line.split(",") for line in (tmp_path / "made.csv").read_text().splitlines()[2:]]
    ours = [[*row.values()] for row in rows("positron_production/cross_sections.csv")]
    assert [row[:3] for row in made] == [row[:3] for row in ours]
    assert [float(row[3]) for row in made] == pytest.approx(
        [float(row[3]) for row in ours], rel=1e-3, abs=1e-3
    )


@pytest.mark.parametrize(
    ("z", "nuclide", "energy", "measured_mb", "uncertainty_mb"),
    [
        (6, "C-11", 97.0, 68.0, 5.0),  # Baecker 2021
        (6, "C-11", 152.8, 45.6, 5.6),  # Horst 2019
        (6, "C-11", 160.0, 53.9, 5.0),  # Baecker 2019
        (8, "O-15", 104.2, 53.2, 6.8),  # Horst 2019
        (8, "O-15", 47.4, 68.6, 4.0),  # Masuda 2018
        (8, "C-11", 94.5, 17.0, 3.0),  # Kettern 2004
        (8, "N-13", 155.0, 4.5, 1.0),  # Valentin 1963
        (8, "N-13", 11.0, 51.9, 4.0),  # Sajjad 1986
        (7, "C-11", 155.0, 15.0, 2.0),  # Valentin 1963
        (7, "N-13", 99.5, 12.0, 1.2),  # Valentin 1965
    ],
)
def test_production__is_what_was_measured(z, nuclide, energy, measured_mb, uncertainty_mb):
    assert 1e3 * float(production_b(z, nuclide, energy)) == pytest.approx(measured_mb, abs=uncertainty_mb)


@pytest.mark.parametrize(
    ("z", "nuclide", "threshold_mev"),
    [
        (6, "C-11", 17.9),
        (7, "C-11", 3.1),
        (7, "N-13", 11.3),
        (8, "O-15", 14.2),
        (8, "C-11", 23.0),
        (8, "N-13", 5.5),
    ],
)
def test_production__is_none_below_threshold_and_held_above_the_table(z, nuclide, threshold_mev):
    cross = production_b(z, nuclide, ENERGY)
    assert (cross[ENERGY < threshold_mev] == 0).all()
    assert (cross >= 0).all()
    assert (cross[ENERGY >= 250] == cross[-1]).all()


def test_production__of_other_elements_and_impossible_products_is_none():
    assert production_b(20, "C-11", ENERGY).max() == 0
    assert production_b(6, "O-15", ENERGY).max() == 0
    with pytest.raises(InputError, match="nuclide"):
        production_b(8, "F-18", ENERGY)
    with pytest.raises(InputError, match="energy_mev"):
        production_b(8, "O-15", [-1.0])


@pytest.mark.parametrize(("z", "name"), [(6, "graphite"), (7, "nitrogen"), (8, "oxygen")])
def test_positron_emitter_yields__times_reactions_are_the_cross_sections(z, name):
    matter = Material(name, 1.0, ((z, 1.0),))
    reactions_b = inelastic_cm2_g(matter, ENERGY) * element(z).atomic_weight_g_mol / 0.602214076
    yields = positron_emitter_yields(z, ENERGY)
    for k, nuclide in enumerate(EMITTERS):
        cross = production_b(z, nuclide, ENERGY)
        assert yields[:, k] * reactions_b == pytest.approx(np.where(reactions_b > 0, cross, 0.0), abs=1e-9)
    # No more than one heavy fragment comes out of a reaction.
    assert yields.sum(axis=1).max() < 1.0


def test_emission_yields__are_gammas_and_then_emitters():
    energies, edges = np.array([20.0, 100.0]), [3.0, 4.0, 6.0]
    row = emission_yields(8, energies, edges)
    assert row.shape == (2, 5)
    assert (row[:, :2] == prompt_gamma_yields(8, energies, edges)).all()
    assert (row[:, 2:] == positron_emitter_yields(8, energies)).all()


def test_production__gives_the_recommended_thick_target_yields_of_nitrogen():
    table = np.loadtxt(VALIDATION / "thick_target_yields.csv", delimiter=",", skiprows=2)
    energy = np.arange(3.0, 30.005, 0.01)
    nitrogen = Material("nitrogen", 1.0, ((7, 1.0),))
    per_mev = production_b(7, "C-11", energy) * 0.602214076 / element(7).atomic_weight_g_mol
    per_mev /= mass_stopping_power_mev_cm2_g(nitrogen, energy)
    made = np.append(0.0, np.cumsum(0.5 * (per_mev[1:] + per_mev[:-1]) * 0.01))
    gbq_ua = np.interp(table[:, 0], energy, made) * 6.241509e12 * 1e-9
    assert gbq_ua[table[:, 0] <= 20] == pytest.approx(table[table[:, 0] <= 20, 1], rel=0.025)
    assert gbq_ua == pytest.approx(table[:, 1], rel=0.06)
