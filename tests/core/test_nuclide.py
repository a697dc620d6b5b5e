import pytest

from tumorboard.core.nuclide import ELEMENT_NAMES, Nuclide
from tumorboard.errors import InputError


def test_element_names__are_those_of_all_elements():
    assert len(ELEMENT_NAMES) == len({symbol for symbol, _ in ELEMENT_NAMES}) == 118
    assert [ELEMENT_NAMES[z - 1][0] for z in (1, 43, 71, 89, 118)] == ["H", "Tc", "Lu", "Ac", "Og"]


@pytest.mark.parametrize(
    "name",
    ["Lu-177", "177Lu", "Lu177", "LU177", "lutetium 177", "^177^Lutetium", "177-Lu", "Lu_177", "177 Lu"],
)
def test_named__reads_every_usual_spelling(name):
    assert Nuclide.named(name) == Nuclide(71, 177)
    assert Nuclide.named(name).name == "Lu-177"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("99mTc", "Tc-99m"),
        ("Tc-99m", "Tc-99m"),
        ("TC99M", "Tc-99m"),
        ("99mo", "Mo-99"),
        ("55Mn", "Mn-55"),
        ("13N", "N-13"),
        ("13-n", "N-13"),
        ("Ho-166m1", "Ho-166m"),
        ("178m2Hf", "Hf-178m2"),
        ("Cesium-137", "Cs-137"),
    ],
)
def test_named__tells_isomers_from_symbols(name, written):
    assert Nuclide.named(name).name == written


@pytest.mark.parametrize("symbol", [symbol for symbol, _ in ELEMENT_NAMES])
def test_named__reads_its_own_names(symbol):
    z = [s for s, _ in ELEMENT_NAMES].index(symbol) + 1
    for isomer in (0, 1, 2):
        nuclide = Nuclide(z, 2 * z + 5, isomer)
        assert Nuclide.named(nuclide.name) == nuclide == Nuclide.named(str(nuclide))


@pytest.mark.parametrize("name", ["", "Lu", "177", "Xx-12", "177LuX", "Lu-1777", "18F-FDG", None, "Lu-17"])
def test_named__refuses_what_is_none(name):
    with pytest.raises(InputError):
        Nuclide.named(name)
