import math

import pytest

from tumorboard.dosimetry.air_kerma_rate import air_kerma_rate_constant
from tumorboard.errors import InputError
from tumorboard.physics.decay import DecayLibrary
from tumorboard.physics.decay_chain import chain_activities, decay_chain

ENDF, JEFF = DecayLibrary.ENDF_B_VIII_1, DecayLibrary.JEFF_4_0
# Smith and Stabin's exposure rate constant of I-131, 2.20 R cm2/(mCi h), in air kerma: 8.76 mGy/R.
I131 = 2.20 * 8.76e3 * 1e-4 / 0.037


def of(nuclide, library=ENDF, cut=0.02):
    return air_kerma_rate_constant(nuclide, library=library, least_energy_mev=cut).ugy_m2_gbq_h


@pytest.mark.parametrize("library", [ENDF, JEFF])
def test_constant__of_i131_is_the_published_one(library):
    assert of("I-131", library) == pytest.approx(I131, rel=0.005)


def test_constant__of_lu177_is_the_sum_of_its_lines_worked_by_hand():
    # keV, yields of ENDF/B-VIII.1, and coefficients of air between NIST's: 0.02325 (0.1), 0.02496 (0.15),
    # 0.02672 (0.2), 0.02872 (0.3), 0.04098 (0.05), 0.03041 (0.06) cm2/g.
    lines = [
        (55.5, 0.0438, 0.0346),
        (63.7, 0.0100, 0.0289),
        (71.6, 0.00172, 0.0261),
        (112.9, 0.06175, 0.0237),
        (208.4, 0.1036, 0.0269),
        (249.7, 0.00201, 0.0279),
        (321.3, 0.0021, 0.0289),
    ]
    mev_cm2_g = sum(e * 1e-3 * y * mu for e, y, mu in lines)
    by_hand = mev_cm2_g * 1.602e-13 * 1e3 * 1e-4 / (4 * math.pi) * 3600 * 1e9 * 1e6
    assert of("Lu-177") == pytest.approx(by_hand, rel=0.01)


def test_constant__libraries_agree_above_l_shells():
    for nuclide in ("Lu-177", "I-131", "Tc-99m", "Sm-153", "Ho-166"):
        assert of(nuclide) == pytest.approx(of(nuclide, JEFF), rel=0.01)


def test_constant__counts_two_photons_for_each_positron():
    # 2 x 0.511 MeV x 0.967 x 0.02966 cm2/g (NIST, air at 0.5 MeV), worked as above.
    assert of("F-18") == pytest.approx(
        2 * 0.511 * 0.967 * 0.02966 * 1.602e-8 / (4 * math.pi) * 3.6e12, rel=0.005
    )


def test_constant__states_the_cut_and_the_uncertainty_of_yields():
    found = air_kerma_rate_constant("Lu-177", library=ENDF, least_energy_mev=0.001)
    assert found.least_energy_mev == 0.001
    assert found.ugy_m2_gbq_h > 1.9 * of("Lu-177")
    assert 0.0 < found.uncertainty_ugy_m2_gbq_h < 0.2 * found.ugy_m2_gbq_h
    assert of("Lu-177", cut=1.0) == 0.0


def test_constant__rejects_cuts_beyond_the_tables():
    with pytest.raises(InputError, match=r"least_energy_mev .* \[MeV\]"):
        of("Lu-177", cut=0.0)


def test_constant__with_short_lived_progeny_is_that_of_equilibrium():
    found = air_kerma_rate_constant("Ac-225", library=ENDF, least_energy_mev=0.02, progeny_half_life_s=2e4)
    chain = decay_chain("Ac-225", library=ENDF)
    activities = chain_activities(chain, "Ac-225", 20 * 86400.0)
    for member, share in found.progeny:
        assert share == pytest.approx(activities[chain.index(member)] / activities[0], rel=1e-6)
    alone = sum(share * of(member) for member, share in found.progeny)
    assert found.ugy_m2_gbq_h == pytest.approx(of("Ac-225") + alone, rel=1e-12)


def test_constant__of_cs137_is_that_of_its_daughter():
    # 662 keV, 0.8499 per decay of Cs-137, and 0.0293 cm2/g of air between NIST's at 0.6 and 0.8 MeV.
    by_hand = 0.6617 * 0.8499 * 0.0293 * 1.602e-8 / (4 * math.pi) * 3.6e12
    found = air_kerma_rate_constant("Cs-137", library=JEFF, least_energy_mev=0.1, progeny_half_life_s=600)
    assert of("Cs-137") < 1e-3
    assert found.ugy_m2_gbq_h == pytest.approx(by_hand, rel=0.005)


def test_constant__rejects_progeny_that_outlives_the_nuclide():
    with pytest.raises(InputError, match=r"progeny_half_life_s .* less than"):
        air_kerma_rate_constant("Zr-89", library=ENDF, least_energy_mev=0.02, progeny_half_life_s=1e7)
