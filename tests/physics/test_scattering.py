import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.physics.elements import element
from tumorboard.physics.highland import highland_angle_rad, radiation_length_g_cm2
from tumorboard.physics.materials import material
from tumorboard.physics.proton_kinematics import momentum_speed_mev
from tumorboard.physics.ranges import csda_range_g_cm2, residual_energy_mev
from tumorboard.physics.scattering import (
    BeamMoments,
    fermi_eyges,
    scattering_length_g_cm2,
    scattering_power_rad2_mm,
    scattering_sigma_mm,
)

WATER, AIR, LEXAN, LEAD = (material(n) for n in ("water, liquid", "air, dry", "polycarbonate", "lead"))


def moliere_hanson_rad(matter, energy_mev, thickness_mm):
    """Moliere's theory, solved as by Bethe, with Hanson's Gaussian: what scattering power stands for."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    depth = 0.5 * thickness_mm * (nodes + 1)
    energies = residual_energy_mev(matter, energy_mev, depth)
    pv = momentum_speed_mev(energies)
    mass = 0.1 * matter.density_g_cm3 * 0.5 * thickness_mm * weights
    momentum = np.sqrt(energies * (energies + 2 * 938.272))
    beta2 = (pv / momentum) ** 2
    total = logs = 0.0
    for z, w in matter.mass_fractions:
        # Electrons scatter too, by Fano's z (z + 1).
        share = 0.15692 * w * z * (z + 1) / element(z).atomic_weight_g_mol * mass / pv**2
        screen0 = (z ** (1 / 3) * 0.510999 / (137.036 * 0.885 * momentum)) ** 2
        screen = screen0 * (1.13 + 3.76 * z**2 / (137.036**2 * beta2))
        total += share.sum()
        logs += (share * np.log(screen)).sum()
    b = math.log(total / (1.167 * math.exp(logs / total)))
    big = b
    for _ in range(100):
        big = b + math.log(big)
    return math.sqrt(0.5 * total * (big - 1.2))


@pytest.mark.parametrize(
    ("matter", "share"), [(m, s) for m in (WATER, LEXAN, LEAD) for s in (0.01, 0.1, 0.5, 0.9)]
)
def test_fermi_eyges__angle_behind_a_slab_is_molieres(matter, share):
    thickness_mm = share * 10 * float(csda_range_g_cm2(matter, 158.6)) / matter.density_g_cm3
    moments, _ = fermi_eyges([(matter, thickness_mm)], 158.6)
    assert math.sqrt(moments.angle_rad2) == pytest.approx(
        moliere_hanson_rad(matter, 158.6, thickness_mm), rel=0.03
    )


def test_scattering_length__equals_gottschalk():
    # Gottschalk 2010 [g/cm2].
    assert scattering_length_g_cm2(WATER) == pytest.approx(46.88, abs=0.01)
    assert scattering_length_g_cm2(LEXAN) == pytest.approx(55.05, abs=0.01)
    assert scattering_length_g_cm2(AIR) == pytest.approx(46.76, abs=0.01)


def test_radiation_length__equals_the_particle_data_group():
    # Atomic and nuclear properties of materials [g/cm2].
    for name, expected in (("water, liquid", 36.08), ("lead", 6.37), ("copper", 12.86), ("aluminium", 24.01)):
        assert radiation_length_g_cm2(material(name)) == pytest.approx(expected, abs=0.01), name


def test_scattering_sigma__at_the_end_of_the_range_is_molieres():
    # By parts, the variance is twice the integral of (R - x) times the variance of the angle behind x.
    for energy in (70.0, 150.0, 230.0):
        reach = 10 * float(csda_range_g_cm2(WATER, energy))
        nodes, weights = np.polynomial.legendre.leggauss(40)
        x = 0.5 * reach * (nodes + 1)
        angles = np.array([moliere_hanson_rad(WATER, energy, t) for t in x])
        variance = 2 * float(0.5 * reach * weights @ ((reach - x) * angles**2))
        got = float(scattering_sigma_mm(WATER, energy, reach))
        assert got == pytest.approx(math.sqrt(variance), rel=0.02)
        assert got / reach == pytest.approx(0.022, abs=5e-4)


@given(energy=st.floats(60.0, 230.0), share=st.floats(0.001, 0.98))
def test_scattering_sigma__equals_fermi_eyges(energy, share):
    depth = share * 10 * float(csda_range_g_cm2(WATER, energy))
    moments, _ = fermi_eyges([(WATER, depth)], energy)
    assert float(scattering_sigma_mm(WATER, energy, depth)) == pytest.approx(moments.sigma_mm, rel=2e-3)


def test_scattering_sigma__rises_and_then_holds():
    depths = np.linspace(0.0, 200.0, 2001)
    sigma = scattering_sigma_mm(WATER, 150.0, depths)
    assert sigma[0] == 0
    assert (np.diff(sigma) >= 0).all()
    assert sigma[-1] == sigma[1600]


@given(cut=st.floats(0.05, 0.95), energy=st.floats(80.0, 220.0))
def test_fermi_eyges__cutting_a_slab_changes_nothing(cut, energy):
    whole, after = fermi_eyges([(WATER, 40.0)], energy)
    parts, after_parts = fermi_eyges([(WATER, cut * 40.0), (WATER, (1 - cut) * 40.0)], energy)
    assert after_parts == pytest.approx(after, rel=1e-6)
    for name in ("angle_rad2", "covariance_mm_rad", "position_mm2"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), rel=1e-3)


def test_fermi_eyges__thin_air_is_a_drift():
    start = BeamMoments(1e-4, 2e-3, 9.0)
    vacuum = start.drifted(500.0)
    air, _ = fermi_eyges([(AIR, 500.0)], 150.0, initial=start)
    assert air.angle_rad2 - vacuum.angle_rad2 < 2e-5
    assert air.position_mm2 > vacuum.position_mm2
    assert air.position_mm2 == pytest.approx(vacuum.position_mm2, rel=0.1)


def test_fermi_eyges__range_shifter_widens_more_the_longer_the_gap():
    widths = [fermi_eyges([(LEXAN, 50.0), (AIR, gap)], 150.0)[0].sigma_mm for gap in (0.0, 100.0, 300.0)]
    angle = math.sqrt(fermi_eyges([(LEXAN, 50.0)], 150.0)[0].angle_rad2)
    assert widths == sorted(widths)
    assert widths[2] == pytest.approx(angle * (300 + 25), rel=0.05)


def test_beam_moments__drift_back_returns():
    start = BeamMoments(1e-4, -3e-3, 16.0)
    back = start.drifted(250.0).drifted(-250.0)
    assert back.covariance_mm_rad == pytest.approx(start.covariance_mm_rad)
    assert back.position_mm2 == pytest.approx(start.position_mm2)


def test_highland__is_near_moliere():
    for thickness_mm in (5.0, 50.0, 120.0):
        highland = highland_angle_rad(WATER, 158.6, thickness_mm)
        assert highland == pytest.approx(moliere_hanson_rad(WATER, 158.6, thickness_mm), rel=0.05)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fermi_eyges([(WATER, 200.0)], 150.0), "let the beam through; 150 MeV reach 157.7 mm"),
        (lambda: fermi_eyges([], 0.0), "energy_mev must be > 0"),
        (lambda: scattering_sigma_mm(WATER, 150.0, [-1.0]), r"depth_mm must be >= 0 \[mm\]; got -1"),
        (
            lambda: scattering_power_rad2_mm(WATER, 160.0, initial_energy_mev=150.0),
            "at most initial_energy_mev",
        ),
        (lambda: highland_angle_rad(WATER, 150.0, 0.0), "thickness_mm must be > 0"),
        (lambda: BeamMoments(1e-4, 1.0, 1.0), "covariance_mm_rad squared"),
    ],
)
def test_scattering__refuses_what_is_out_of_range(call, message):
    with pytest.raises(InputError, match=message):
        call()
