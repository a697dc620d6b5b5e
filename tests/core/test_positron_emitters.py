import pytest

from tumorboard.core.positron_emitters import KNOWN_HALF_LIFE_S, known_half_life_s, positron_emitter


@pytest.mark.parametrize("name", KNOWN_HALF_LIFE_S)
def test_positron_emitter__knows_its_own_names_in_every_order(name):
    symbol, mass = name.split("-")
    for spelt in (
        name,
        f"{mass}{symbol}",
        f"^{mass}^{symbol}",
        f"{symbol}^{mass}^",
        f"{mass} {symbol.lower()}",
    ):
        assert positron_emitter(spelt) == name
        assert known_half_life_s(spelt) == KNOWN_HALF_LIFE_S[name]


@pytest.mark.parametrize(
    "text", ["", "F", "18", "F-19", "177 Lutetium", "18F-FDG", "Fluorine 18 and Gallium 68"]
)
def test_positron_emitter__knows_nothing_else(text):
    assert positron_emitter(text) is None
    assert known_half_life_s(text) is None
