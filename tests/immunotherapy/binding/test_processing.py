import numpy as np
import pytest

from tumorboard.errors import InputError
from tumorboard.immunotherapy.binding.processing import FlankTable


def test_add__reads_residues_by_distance_and_ends_of_proteins():
    logits = np.zeros((2, 2, 21))
    logits[0, 0, 0] = 1.0  # A right before
    logits[0, 1, 1] = 10.0  # C two before
    logits[1, 0, 2] = 100.0  # D right after
    logits[1, 1, 20] = 1000.0  # nothing two after
    table = FlankTable(logits)
    assert table.add(["YYCA", "A", ""], ["DEF", "D", "EE"]).tolist() == [111.0, 1101.0, 0.0]


def test_add__does_not_read_further_than_it_reaches():
    table = FlankTable(np.random.default_rng(0).normal(size=(2, 3, 21)))
    assert table.add(["XXXACD"], ["EFGXX"]) == table.add(["ACD"], ["EFG"])


def test_table__refuses_another_shape_and_other_letters():
    with pytest.raises(InputError, match=r"shape \(2, reach, 21\)"):
        FlankTable(np.zeros((2, 3, 20)))
    with pytest.raises(InputError, match="got 'X' in 'AX'"):
        FlankTable(np.zeros((2, 3, 21))).add(["AX"], ["A"])
