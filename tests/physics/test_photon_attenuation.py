import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics.elements import element_of
from tumorboard.physics.materials import material
from tumorboard.physics.photon_attenuation import (
    ELECTRON_MASS_MEV,
    form_factor_squared_mol_g,
    mass_attenuation_cm2_g,
    mass_energy_absorption_cm2_g,
    mass_energy_transfer_cm2_g,
    photon_interactions_cm2_g,
    scattering_function_mol_g,
)

VALIDATION = Path(__file__).resolve().parents[2] / "validation" / "photons"
#: Classical electron radius squared [b], and moles to a barn's worth of atoms.
RADIUS2_B, MOLE_B = 0.0794078, 0.602214076


def rows(name):
    with (VALIDATION / name).open(encoding="utf-8") as file:
        yield from csv.DictReader(line for line in file if not line.startswith("#"))


def nist():
    found = {}
    for row in rows("nist.csv"):
        numbers = [float(v) for k, v in row.items() if k != "material"]
        found.setdefault(row["material"], []).append(numbers)
    return {name: np.array(values).T for name, values in found.items()}


def substance(name):
    text = next(row["mass_fractions"] for row in rows("nist_compositions.csv") if row["material"] == name)
    pairs = [part.split(":") for part in text.split()]
    return Material(name, 1.0, tuple((element_of(s).atomic_number, float(f)) for s, f in pairs))


@pytest.mark.parametrize("name", nist())
def test_mass_attenuation__equals_nist(name):
    energy, attenuation, _ = nist()[name]
    assert mass_attenuation_cm2_g(substance(name), energy) == pytest.approx(attenuation, rel=4e-3)


@pytest.mark.parametrize("name", nist())
def test_mass_energy_absorption__equals_nist(name):
    energy, _, absorption = nist()[name]
    low = energy <= 10
    got = mass_energy_absorption_cm2_g(substance(name), energy)
    assert got[low] == pytest.approx(absorption[low], rel=3.5e-3)
    # Bremsstrahlung of a mixture is no sum of its elements'.
    assert got == pytest.approx(absorption, rel=8e-3)


def test_mass_energy_absorption__is_less_than_what_is_transferred():
    energies = np.geomspace(1e-3, 20, 500)
    for name in ("water, liquid", "lead", "bone, cortical, ICRP"):
        absorbed = mass_energy_absorption_cm2_g(material(name), energies)
        transferred = mass_energy_transfer_cm2_g(material(name), energies)
        assert (absorbed <= transferred * 1.015).all()
        assert (transferred < mass_attenuation_cm2_g(material(name), energies)).all()


@given(share=st.floats(0, 1), energy=st.floats(1e-3, 20.0))
def test_photon_interactions__of_a_mixture_are_the_sum_of_its_parts(share, energy):
    a, b = material("water, liquid"), material("aluminium")
    parts = [(z, (1 - share) * f) for z, f in a.mass_fractions] + [(13, share)]
    mixture = Material("mixture", 1.0, tuple(parts))
    expected = (1 - share) * mass_attenuation_cm2_g(a, energy) + share * mass_attenuation_cm2_g(b, energy)
    assert mass_attenuation_cm2_g(mixture, energy) == pytest.approx(expected, rel=1e-12)


def test_photon_interactions__pairs_begin_at_twice_the_electron_mass():
    found = photon_interactions_cm2_g(material("water, liquid"), [1.0219, 1.03, 1.5])
    assert found.pair[0] == 0
    assert 0 < found.pair[1] < found.pair[2]


def test_mass_attenuation__jumps_at_the_k_edge_of_iodine_as_nist_says():
    iodine = Material("iodine", 4.93, ((53, 1.0),))
    edge = 0.0331694
    found = mass_attenuation_cm2_g(iodine, [edge * 0.99999, edge * 1.00001])
    assert found == pytest.approx([6.553, 35.82], rel=1e-3)


@pytest.mark.parametrize("energy", [0.005, 0.02, 0.1, 0.5])
def test_photon_interactions__are_the_integrals_of_form_factors(energy):
    water = material("water, liquid")
    half = (np.linspace(0, 1, 20001)[1:] - 0.5 / 20000) ** 2
    width = np.diff(np.linspace(0, 1, 20001) ** 2)
    x = energy / 0.01239841984 * np.sqrt(half)
    cosine = 1 - 2 * half
    left = 1 / (1 + 2 * energy / ELECTRON_MASS_MEV * half)
    around = 2 * np.pi * RADIUS2_B * MOLE_B * width
    free = left**2 * (left + 1 / left - 1 + cosine**2)
    found = photon_interactions_cm2_g(water, energy)
    incoherent = (around * free * scattering_function_mol_g(water, x)).sum()
    coherent = (around * (1 + cosine**2) * form_factor_squared_mol_g(water, x)).sum()
    assert incoherent == pytest.approx(found.incoherent, rel=6e-3)
    assert coherent == pytest.approx(found.coherent, rel=8e-3)


def test_form_factors__go_from_all_electrons_to_none():
    water = material("water, liquid")
    x = np.geomspace(1e-4, 1e3, 400)
    form, scattering = form_factor_squared_mol_g(water, x), scattering_function_mol_g(water, x)
    assert (np.diff(form) <= 0).all()
    assert (np.diff(scattering) >= 0).all()
    assert form[0] == pytest.approx((2 * 1 + 64) / 18.015, rel=1e-3)
    assert scattering[-1] == pytest.approx(10 / 18.015, rel=1e-3)
    assert form[-1] < 1e-12
    assert scattering[0] < 1e-6


@pytest.mark.parametrize("energy", [0.0, 5e-4, 21.0, np.nan])
def test_energies_beyond_the_tables__are_refused(energy):
    with pytest.raises(InputError, match=r"energy_mev must be 0.001 to 20 \[MeV\]"):
        mass_attenuation_cm2_g(material("water, liquid"), [0.1, energy])
