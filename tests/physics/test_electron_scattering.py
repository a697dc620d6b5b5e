import csv
from pathlib import Path

import numpy as np
import pytest

from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics.electron_scattering import (
    hard_collisions_cm2_g,
    scattering_power_cm2_g,
    soft_straggling_mev2_cm2_g,
)
from tumorboard.physics.electron_stopping import collision_mass_stopping_power_mev_cm2_g
from tumorboard.physics.elements import element
from tumorboard.physics.materials import material

VALIDATION = Path(__file__).resolve().parents[2] / "validation" / "electrons"
WATER = material("water, liquid")
AVOGADRO = 6.02214076e23


def test_scattering_power__of_nuclei_equals_elsepa():
    with (VALIDATION / "elsepa.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            z, energy = int(row["atomic_number"]), float(row["energy_mev"])
            pure = Material("pure", 1.0, ((z, 1.0),))
            atoms = AVOGADRO / element(z).atomic_weight_g_mol
            # With no transfer allowed, electrons do not scatter: nuclei are left.
            first, second = scattering_power_cm2_g(pure, energy, largest_transfer_mev=1e-9)
            positron, _ = scattering_power_cm2_g(pure, energy, largest_transfer_mev=1e-9, positrons=True)
            # Exchange is left out, which electrons feel when slow.
            within = 0.03 if energy < 0.01 else 0.012
            assert float(first) / atoms == pytest.approx(float(row["first_electron_cm2"]), rel=within)
            assert float(second) / atoms == pytest.approx(float(row["second_electron_cm2"]), rel=within)
            assert float(positron) / atoms == pytest.approx(float(row["first_positron_cm2"]), rel=0.025)


def test_scattering_power__electrons_add_about_one_to_z():
    energies = np.array([0.05, 0.5, 5.0])
    every, _ = scattering_power_cm2_g(WATER, energies, largest_transfer_mev=100.0)
    nuclei, _ = scattering_power_cm2_g(WATER, energies, largest_transfer_mev=1e-9)
    # Z (Z + 1) for Z^2, weighted over H2O, is 1.152; the electrons' screening is another.
    assert every / nuclei == pytest.approx(1.152, abs=0.05)


def test_scattering_power__ratio_of_moments_nears_three_for_small_angles():
    first, second = scattering_power_cm2_g(WATER, np.array([0.01, 0.1, 1.0, 10.0]), largest_transfer_mev=0.01)
    assert (np.diff(second / first) > 0).all()
    assert second[-1] / first[-1] == pytest.approx(2.9, abs=0.05)


@pytest.mark.parametrize("positrons", [False, True])
def test_hard_collisions__take_what_restricted_stopping_leaves(positrons):
    # ICRU 37's formula of the restricted stopping power of electrons, and its analogue by the difference.
    energy, cut, mass = np.array([1.0]), 0.05, 0.51099895
    rate, taken = hard_collisions_cm2_g(WATER, energy, smallest_transfer_mev=cut, positrons=positrons)
    most = energy if positrons else 0.5 * energy
    assert (cut < taken / rate).all()
    assert (taken / rate < most).all()
    if not positrons:
        tau, d = energy / mass, cut / mass
        beta2 = tau * (tau + 2) / (tau + 1) ** 2
        unrestricted = 1 - beta2 + (tau**2 / 8 - (2 * tau + 1) * np.log(2)) / (tau + 1) ** 2
        unrestricted += np.log(tau**2 * (tau + 2) / 2)
        restricted = -1 - beta2 + np.log((tau - d) * d) + tau / (tau - d) + np.log(2 * (tau + 2))
        restricted += (d * d / 2 + (2 * tau + 1) * np.log(1 - d / tau)) / (tau + 1) ** 2
        expected = 0.153537 * 0.555087 / beta2 * (unrestricted - restricted)
        assert taken == pytest.approx(expected, rel=1e-4)


def test_soft_straggling__is_nearly_rutherfords():
    # With 1/W^2 alone the variance is 2 pi N r^2 mc^2 / beta^2 times the largest transfer.
    energy = np.array([2.0])
    tau = energy / 0.51099895
    beta2 = tau * (tau + 2) / (tau + 1) ** 2
    found = soft_straggling_mev2_cm2_g(WATER, energy, largest_transfer_mev=0.02)
    assert found == pytest.approx(0.153537 * 0.555087 / beta2 * 0.02, rel=0.01)


def test_soft_and_hard__losses_are_positive_for_every_cut():
    energies = np.geomspace(1e-3, 29.0, 40)
    total = collision_mass_stopping_power_mev_cm2_g(WATER, energies)
    for cut in (0.001, 0.01, 0.1):
        _, taken = hard_collisions_cm2_g(WATER, energies, smallest_transfer_mev=cut)
        assert ((taken >= 0) & (taken < total)).all()


def test_scattering_power__refuses_what_tables_lack():
    with pytest.raises(InputError, match="energy_mev must be"):
        scattering_power_cm2_g(WATER, 40.0, largest_transfer_mev=0.01)
    heavy = Material("plutonium", 19.8, ((94, 1.0),), 966.0)
    with pytest.raises(InputError, match="1 to 92"):
        scattering_power_cm2_g(heavy, 1.0, largest_transfer_mev=0.01)
