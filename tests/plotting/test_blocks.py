import numpy as np
import pytest

from tumorboard.errors import InputError
from tumorboard.plotting import Align, Picture, PointLink, Section, SectionStatus, Table


def test_table__aligns_columns_of_numbers_right():
    rows = (("a", 1, None, PointLink("x", (0, 0, 0))), ("b", np.float32(2.5), 3.0, "y"))
    assert Table("", ("Name", "n", "Volume [mL]", "Where"), rows).align == (
        Align.LEFT,
        Align.RIGHT,
        Align.RIGHT,
        Align.LEFT,
    )


def test_table__rows_must_fit_the_columns():
    with pytest.raises(InputError, match="must have 2 cells, one per column; got 1"):
        Table("Lesions", ("a", "b"), (("x",),))


def test_point_link__refuses_what_is_no_point():
    with pytest.raises(InputError, match=r"must be three finite numbers \(x, y, z\) \[mm\]"):
        PointLink("lesion", (1.0, float("nan"), 2.0))


def test_picture__refuses_other_files_and_missing_alternative_text():
    with pytest.raises(InputError, match="must be a PNG file"):
        Picture(b"GIF89a", "x", "x")
    with pytest.raises(InputError, match="must say what it shows"):
        Picture(b"\x89PNG\r\n\x1a\n", "x", "")


def test_section__says_what_it_needs_when_not_possible():
    with pytest.raises(InputError, match="must say what it needs"):
        Section("pet", "PET", SectionStatus.NOT_POSSIBLE)


@pytest.mark.parametrize("name", ["", "PET", "a b", 'x"onclick', "1st"])
def test_section__name_is_safe_as_an_anchor(name):
    with pytest.raises(InputError, match="name of a section"):
        Section(name, "PET", SectionStatus.DONE)
