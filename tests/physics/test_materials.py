import math

import pytest

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics.materials import electrons_g_mol, material, material_names, mean_excitation_energy_ev


@pytest.mark.parametrize("name", material_names())
def test_material__every_one_is_valid(name):
    found = material(name)
    assert found.name == name
    assert sum(f for _, f in found.mass_fractions) == pytest.approx(1.0, abs=1e-12)
    assert 0.39 < electrons_g_mol(found) < 0.6


def test_material__names_the_nearest():
    with pytest.raises(InputError, match="water, liquid"):
        material("water")


@pytest.mark.parametrize("name", [n for n in material_names() if "," in n or n in ("PMMA", "polystyrene")])
def test_mean_excitation_energy__of_bragg_is_near_the_recommended(name):
    # Measured values of plastics are up to 4 % above Bragg's rule, those of tissues within 2 %.
    known = material(name)
    assert known.mean_excitation_energy_ev is not None
    alone = Material(name, known.density_g_cm3, known.mass_fractions)
    assert mean_excitation_energy_ev(alone) == pytest.approx(known.mean_excitation_energy_ev, rel=0.05)


def test_mean_excitation_energy__of_an_element_is_its_own():
    assert mean_excitation_energy_ev(Material("Al", 2.7, ((13, 1.0),))) == 166.0


def test_mean_excitation_energy__knows_gases_by_their_density():
    steam = Material("steam", 1e-3, ((1, 0.111894), (8, 0.888106)))
    water = Material("water", 1.0, steam.mass_fractions)
    # Only oxygen differs, 97 against 106 eV, and it has four fifths of the electrons.
    ratio = mean_excitation_energy_ev(steam) / mean_excitation_energy_ev(water)
    assert ratio == pytest.approx((97 / 106) ** 0.8, abs=1e-4)
    assert math.isclose(mean_excitation_energy_ev(water), 75.3, abs_tol=0.1)
