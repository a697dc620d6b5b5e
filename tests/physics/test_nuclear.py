import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics.elements import element
from tumorboard.physics.materials import material
from tumorboard.physics.nuclear import (
    hydrogen_elastic_cm2_g,
    inelastic_cm2_g,
    nuclear_elastic_cm2_g,
    nucleus_tables,
    secondary_energy,
)

REPOSITORY = Path(__file__).resolve().parents[2]
WATER = material("water, liquid")


def test_nucleus_tables__hold_every_number_of_the_text_files(data_dir, tmp_path):
    spec = importlib.util.spec_from_file_location("convert", REPOSITORY / "validation/icru63/convert.py")
    convert = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(convert)
    convert.main(data_dir / "proton" / "mcsquare", tmp_path / "made.npz")
    shipped = REPOSITORY / "src/tumorboard/physics/tables/icru63/proton.npz"
    with np.load(tmp_path / "made.npz") as made, np.load(shipped) as ours:
        assert sorted(made.files) == sorted(ours.files)
        assert all(np.array_equal(made[name], ours[name]) for name in made.files)


@pytest.mark.parametrize("z", [6, 7, 8, 15, 20])
def test_nucleus_tables__spectra_by_angle_add_up_to_those_by_energy(z):
    tables = nucleus_tables(z)
    angle = np.deg2rad(tables.angle_deg)
    summed = 2 * np.pi * np.trapezoid(tables.out_b_mev_sr * np.sin(angle), angle, axis=-1)
    large = tables.out_b_mev > 0.2 * tables.out_b_mev.max(axis=-1, keepdims=True)
    ratio = summed[large] / tables.out_b_mev[large]
    # Thirteen angles and two digits.
    assert np.median(ratio) == pytest.approx(1, abs=0.02)
    assert np.percentile(np.abs(ratio - 1), 95) < 0.12


@pytest.mark.parametrize(("z", "name"), [(6, "graphite"), (8, "oxygen")])
def test_nuclear_elastic__is_the_integral_over_angle(z, name):
    tables = nucleus_tables(z)
    matter = Material(name, 1.0, ((z, 1.0),))
    angle = np.deg2rad(np.linspace(5, 180, 20001))
    nodes = np.deg2rad(tables.elastic_angle_deg)
    for energy, row in zip(tables.elastic_energy_mev, tables.elastic_b_sr, strict=True):
        density = np.exp(np.interp(angle, nodes, np.log(np.maximum(row, 1e-12))))
        barn = 2 * np.pi * np.trapezoid(density * np.sin(angle), angle)
        ours = float(nuclear_elastic_cm2_g(matter, energy)) / 0.602214076
        assert ours * element(z).atomic_weight_g_mol == pytest.approx(barn, rel=5e-3)


@pytest.mark.parametrize("z", [6, 7, 8])
def test_nucleus_tables__elastic_cross_section_is_more_than_that_beyond_5_degrees(z):
    tables = nucleus_tables(z)
    fast = tables.elastic_energy_mev >= 60
    matter = Material("one element", 1.0, ((z, 1.0),))
    ours = nuclear_elastic_cm2_g(matter, tables.elastic_energy_mev) / 0.602214076
    ratio = ours * element(z).atomic_weight_g_mol / tables.elastic_b
    assert (ratio < 1).all()
    assert (ratio[fast] > 0.6).all()


def test_inelastic__is_oxygens_in_water():
    oxygen = nucleus_tables(8)
    atoms = WATER.fraction(8) / 15.999 * 0.602214076
    expected = atoms * np.interp(150.0, oxygen.inelastic_energy_mev, oxygen.inelastic_b)
    assert float(inelastic_cm2_g(WATER, 150.0)) == pytest.approx(expected, rel=1e-4)
    # One per cent of the protons per centimetre of water.
    assert 0.0095 < float(inelastic_cm2_g(WATER, 150.0)) < 0.0105


def test_inelastic__is_none_below_the_tables_and_of_hydrogen():
    assert float(inelastic_cm2_g(WATER, 5.0)) == 0
    hydrogen = Material("hydrogen", 1e-4, ((1, 1.0),))
    assert float(inelastic_cm2_g(hydrogen, 150.0)) == 0
    assert float(nuclear_elastic_cm2_g(hydrogen, 150.0)) == 0
    assert float(hydrogen_elastic_cm2_g(material("graphite"), 150.0)) == 0


def test_inelastic__of_a_neighbour_scales_with_size():
    iron = Material("iron", 7.87, ((26, 1.0),))
    calcium = Material("calcium", 1.55, ((20, 1.0),))
    per_atom = [float(inelastic_cm2_g(m, 150.0)) * a for m, a in ((iron, 55.845), (calcium, 40.078))]
    assert per_atom[0] / per_atom[1] == pytest.approx((55.845 / 40.078) ** (2 / 3), rel=1e-3)


def test_hydrogen_elastic__is_the_published_fit_to_water():
    # Fippel and Soukup 2004: 0.315 T^-1.126 + 3.78e-6 T [cm2/g] of water; 11.19 % of its mass is hydrogen.
    for energy in (20.0, 100.0, 250.0):
        fit = 0.315 * energy**-1.126 + 3.78e-6 * energy
        assert float(hydrogen_elastic_cm2_g(WATER, energy)) == pytest.approx(fit, rel=1e-3)
    polymer = material("polyethylene")
    ratio = float(hydrogen_elastic_cm2_g(polymer, 100.0) / hydrogen_elastic_cm2_g(WATER, 100.0))
    assert ratio == pytest.approx(polymer.fraction(1) / WATER.fraction(1))


def test_secondary_energy__adds_up():
    energies = np.array([10.0, 30.0, 70.0, 150.0, 230.0])
    shares = secondary_energy(WATER, energies)
    parts = (shares.protons, shares.deuterons, shares.alphas, shares.recoils, shares.rest)
    assert np.allclose(sum(parts), 1)
    assert all((part >= 0).all() for part in parts)


def test_secondary_energy__refuses_where_nothing_reacts():
    with pytest.raises(InputError, match="where inelastic reactions happen"):
        secondary_energy(WATER, 4.0)


def test_cross_sections__refuse_what_is_no_energy():
    for function in (inelastic_cm2_g, nuclear_elastic_cm2_g, hydrogen_elastic_cm2_g):
        with pytest.raises(InputError, match="energy_mev must be finite"):
            function(WATER, -1.0)
    with pytest.raises(InputError, match="atomic_number must be 2 to 92"):
        nucleus_tables(1)
