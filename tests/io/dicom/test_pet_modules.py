import pytest

from tumorboard.io.dicom.pet_modules import _radionuclide


@pytest.mark.parametrize(
    ("name", "code", "meaning"),
    [
        ("Lu-177", "447553000", "^177^Lutetium"),
        ("^177^Lutetium", "447553000", "^177^Lutetium"),
        ("F-18", "77004003", "^18^Fluorine"),
    ],
)
def test_radionuclide__has_the_code_of_its_list(name, code, meaning):
    found = _radionuclide(name)
    assert (found.CodeValue, found.CodeMeaning) == (code, meaning)
