import numpy as np
import pytest

from tumorboard.core.hla import HlaMolecule
from tumorboard.errors import InputError
from tumorboard.immunotherapy.binding import PresentationTable
from tumorboard.provenance import Record

MOLECULES = (HlaMolecule.named("A*02:01"), HlaMolecule.named("B*07:02"))


def table(percentile, notes=("", "")):
    values = np.asarray(percentile, float)
    return PresentationTable(
        ("AAAAAAAAA", "CCCCCCCCC"), MOLECULES, values, values, values, values, notes, Record("test")
    )


def test_table__finds_the_best_molecule():
    assert table([[1, 2], [3, 1]]).best_molecule().tolist() == [0, 1]
    assert table([[1, 1], [3, 3]]).best_molecule().tolist() == [0, 0]


def test_table__holds_read_only_copies():
    values = np.ones((2, 2))
    made = table(values)
    values[:] = 9
    assert (made.percentile == 1).all()
    with pytest.raises(ValueError, match="read-only"):
        made.percentile[0, 0] = 2


def test_table__refuses_shapes_that_do_not_fit():
    with pytest.raises(InputError, match=r"affinity_nm of a presentation table must have shape \(2, 2\)"):
        table([[1, 2]])
    with pytest.raises(InputError, match="allele_notes must be 2"):
        table([[1, 2], [3, 4]], notes=("",))
