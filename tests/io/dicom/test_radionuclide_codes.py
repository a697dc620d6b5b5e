import pytest
from pydicom.sr import _snomed_dict
from pydicom.sr.codedict import codes

from tumorboard.core.nuclide import Nuclide
from tumorboard.io.dicom.radionuclide_codes import nuclide_of_code


@pytest.mark.parametrize("context", ["cid18", "cid4020"])
def test_nuclide_of_code__has_all_of_the_contexts_in_both_vocabularies(context):
    group = getattr(codes, context)
    old = {new: value for value, new in _snomed_dict.mapping["SRT"].items()}
    for keyword in group.dir():
        code = getattr(group, keyword)
        name = Nuclide.named(code.meaning).name
        assert nuclide_of_code(code.value, code.scheme_designator) == name
        if code.value in old:
            assert nuclide_of_code(old[code.value], "SRT") == name
            assert nuclide_of_code(old[code.value], "") == name


def test_nuclide_of_code__knows_nothing_of_other_schemes():
    assert nuclide_of_code("447553000", "SRT") is None
    assert nuclide_of_code("", "") is None
