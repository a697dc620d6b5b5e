import numpy as np
import pytest

from tumorboard.physics.bremsstrahlung import bremsstrahlung_shape
from tumorboard.physics.materials import material

#: Seltzer and Berger's scaled cross section of water at parts of 0.1, 0.3, 0.5, 0.7 and 0.9 of the energy,
#: over that at 0.1, as penRed's file of the material has it.
SELTZER_BERGER = {
    0.1: (1.0, 0.703, 0.512, 0.375, 0.254),
    1.0: (1.0, 0.590, 0.379, 0.228, 0.109),
}


@pytest.mark.parametrize("energy", SELTZER_BERGER)
def test_bremsstrahlung_shape__is_near_seltzer_and_bergers(energy):
    parts = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    found = bremsstrahlung_shape(material("water, liquid"), np.array([energy]), parts)[0]
    assert found / found[0] == pytest.approx(SELTZER_BERGER[energy], abs=0.06)


def test_bremsstrahlung_shape__is_positive_and_bounded_up_to_the_tip():
    found = bremsstrahlung_shape(
        material("bone, cortical, ICRP"), np.geomspace(1e-3, 30, 20), np.linspace(0, 1, 50)
    )
    assert found.shape == (20, 50)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert found.max(axis=1) == pytest.approx(1.0)
