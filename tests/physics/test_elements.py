import pytest

from tumorboard.errors import InputError
from tumorboard.physics.elements import element, element_of


def test_element__holds_icru_37():
    # For the elements, and for their atoms in condensed compounds.
    own = {1: 19.2, 6: 81.0, 7: 82.0, 8: 95.0, 13: 166.0, 26: 286.0, 29: 322.0, 53: 491.0, 82: 823.0}
    bound = {1: 19.2, 6: 81.0, 7: 82.0, 8: 106.0, 9: 112.0, 17: 180.0}
    assert {z: element(z).mean_excitation_energy_ev for z in own} == own
    assert {z: element(z).in_condensed_compound_ev for z in bound} == bound
    assert element(20).in_condensed_compound_ev == pytest.approx(1.13 * 191.0, abs=0.01)


def test_element__is_found_by_symbol():
    assert all(element_of(element(z).symbol) == element(z) for z in range(1, 93))


@pytest.mark.parametrize("z", [0, 93, -1])
def test_element__refuses_what_is_not_in_the_table(z):
    with pytest.raises(InputError, match=r"1 to 92; got"):
        element(z)


def test_element_of__refuses_what_is_no_symbol():
    with pytest.raises(InputError, match="'Xx'"):
        element_of("Xx")
