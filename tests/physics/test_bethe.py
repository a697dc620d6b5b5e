import numpy as np
import pytest

from tumorboard.core.material import Material
from tumorboard.physics import _bethe
from tumorboard.physics._tables import columns
from tumorboard.physics.elements import element
from tumorboard.physics.materials import material
from tumorboard.physics.proton_kinematics import beta_squared, largest_transfer_mev, momentum_speed_mev
from tumorboard.physics.stopping_power import electronic_mass_stopping_power_mev_cm2_g


def test_electronic__of_an_element_is_pstars():
    names, numbers = columns("pstar/elements.csv")
    for column, z in enumerate(names[1:], start=1):
        atom = element(int(z))
        own = Material(atom.symbol, atom.density_g_cm3, ((int(z), 1.0),))
        energies = numbers[:, 0]
        got = electronic_mass_stopping_power_mev_cm2_g(own, energies)
        exact = energies <= 250
        assert got[exact] == pytest.approx(numbers[exact, column], rel=1e-5), z
        # Faster, only the density effect can differ.
        assert got == pytest.approx(numbers[:, column], rel=5e-3), z


def test_shell_correction__falls_with_the_square_of_the_speed_and_vanishes():
    _, numbers = columns("pstar/elements.csv")
    energies = numbers[:, 0]
    fast = energies >= 10
    for z in (6, 8, 13, 20):
        correction = _bethe._shell_nodes(z)[fast]
        assert abs(correction[energies[fast] >= 100]).max() < 0.03
        assert abs(correction[-1]) < 2e-3
        assert correction[0] > 0
        # Its leading term is proportional to 1/(beta gamma)^2.
        tau = np.array([10.0, 20.0]) / 938.272
        ratio = np.interp(10.0, energies, _bethe._shell_nodes(z)) / np.interp(
            20.0, energies, _bethe._shell_nodes(z)
        )
        assert ratio == pytest.approx((tau * (tau + 2))[1] / (tau * (tau + 2))[0], rel=0.25), z


def test_electronic__falls_from_element_to_element_at_one_speed():
    # Per electron, with I rising nearly as Z: also for those that lie between PSTAR's.
    energies = np.array([5.0, 50.0, 200.0])
    per_electron = []
    for z in (6, 7, 8, 13, 14, 15, 16, 17, 19, 20, 22, 26, 29):
        atom = element(z)
        own = Material(atom.symbol, atom.density_g_cm3, ((z, 1.0),))
        per_electron.append(
            electronic_mass_stopping_power_mev_cm2_g(own, energies) * atom.atomic_weight_g_mol / z
        )
    assert (np.diff(per_electron, axis=0) < 0.01 * np.array(per_electron[:-1])).all()


def test_bloch__is_the_leading_term_when_fast():
    energies = np.array([1.0, 10.0, 100.0])
    y2 = (1 / 137.036) ** 2 / beta_squared(energies)
    # 1.202 is zeta(3).
    assert _bethe._bloch(energies) == pytest.approx(-1.2020569 * y2 * (1 - 1.0369 / 1.20206 * y2), rel=1e-3)


def test_barkas__is_positive_and_falls():
    energies = np.geomspace(0.5, 500.0, 100)
    for z in (1, 6, 20, 82):
        values = _bethe._barkas(energies, z, alone=False)
        assert (values > 0).all()
        assert (np.diff(values) < 0).all()


def test_density_effect__is_sternheimers():
    water = material("water, liquid")
    effect = _bethe.density_effect_of(water, 75.0)
    # Sternheimer, Berger and Seltzer 1984: C = 3.5017 for water; delta at beta gamma = 100 by their fit.
    assert effect.c == pytest.approx(3.5017, abs=2e-3)
    energy = np.array([938.272 * (np.sqrt(1 + 100.0**2) - 1)])
    expected = 4.60517 * 2 - 3.5017 + 0.09116 * (2.8004 - 2.0) ** 3.4773
    assert _bethe.density_effect(energy, effect) == pytest.approx([expected], abs=0.1)
    assert _bethe.density_effect(np.array([250.0]), effect) == 0


def test_density_effect__of_an_element_moves_with_its_density():
    # Ten times less dense: C rises by ln 10, and it sets in a factor 10^0.5 later in beta gamma.
    dense, thin = (Material("Al", rho, ((13, 1.0),)) for rho in (2.6989, 0.26989))
    a, b = (_bethe.density_effect_of(m, 166.0) for m in (dense, thin))
    assert b.c - a.c == pytest.approx(np.log(10.0), abs=1e-3)
    assert b.x0 - a.x0 == pytest.approx(0.5, abs=1e-3)


def test_kinematics__have_their_limits():
    slow, fast = np.array(1e-3), np.array(1e6)
    assert momentum_speed_mev(slow) == pytest.approx(2 * slow, rel=1e-5)
    assert momentum_speed_mev(fast) == pytest.approx(fast, rel=2e-3)
    assert beta_squared(fast) == pytest.approx(1.0, abs=1e-6)
    # A slow heavy particle gives an electron at most twice its own speed: 4 (m/M) E.
    assert largest_transfer_mev(slow) == pytest.approx(4 * slow * 0.510999 / 938.272, rel=2e-3)
