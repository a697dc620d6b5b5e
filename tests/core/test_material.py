import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core.material import Material
from tumorboard.errors import InputError

PARTS = st.dictionaries(st.integers(1, 92), st.floats(0.01, 1.0), min_size=1, max_size=8)


@given(parts=PARTS)
def test_material__fractions_sum_to_one_in_the_order_of_the_elements(parts):
    total = sum(parts.values())
    made = Material("any", 1.0, tuple((z, w / total) for z, w in parts.items()))
    assert [z for z, _ in made.mass_fractions] == sorted(parts)
    assert sum(w for _, w in made.mass_fractions) == pytest.approx(1.0, abs=1e-12)
    assert all(made.fraction(z) == pytest.approx(w / total) for z, w in parts.items())


def test_material__is_equal_and_a_key_by_what_it_holds():
    first, second = (Material("water", 1.0, ((8, 0.8881), (1, 0.1119))) for _ in range(2))
    assert first == second
    assert {first: 1}[second] == 1
    assert first != Material("water", 1.0, ((8, 0.8881), (1, 0.1119)), 78.0)


@pytest.mark.parametrize(
    ("density", "fractions", "mean_ev", "message"),
    [
        (0.0, ((1, 1.0),), None, r"density_g_cm3 .* > 0 \[g/cm3\]; got 0.0"),
        (1.0, ((1, 0.5), (1, 0.5)), None, "each element once"),
        (1.0, ((0, 1.0),), None, "by number"),
        (1.0, (), None, "each element once"),
        (1.0, ((1, 0.5), (8, 0.4)), None, "sum of 0.9"),
        (1.0, ((1, -0.5), (8, 1.5)), None, ">= 0"),
        (1.0, ((1, 1.0),), -3.0, r"> 0 \[eV\]; got -3.0"),
    ],
)
def test_material__refuses_what_is_no_mixture(density, fractions, mean_ev, message):
    with pytest.raises(InputError, match=message):
        Material("bad", density, fractions, mean_ev)
