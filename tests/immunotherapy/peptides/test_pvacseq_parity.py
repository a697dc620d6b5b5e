"""The HCC1395 exome's peptides are pVACseq's, but for those that are the transcript's own."""

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "validation" / "immunotherapy" / "pvacseq" / "compare.py"


@pytest.fixture(scope="module")
def compare():
    return runpy.run_path(str(SCRIPT))


@pytest.fixture(scope="module")
def folder(data_dir):
    return data_dir / "immunotherapy" / "pvactools"


@pytest.mark.slow
def test_neopeptides__are_those_of_pvacseq_on_hcc1395(compare, folder):
    rows = compare["table"](folder)
    became = {}
    for _, length, fate, n, same_wild_type, same_positions in rows:
        became[fate, length] = became.get((fate, length), 0) + n
        assert n == same_wild_type == same_positions
    # pVACseq lists 31,881 distinct peptides of variant and transcript; these 482 are no neopeptides.
    assert became == {
        ("ours", 8): 8093,
        ("ours", 9): 8986,
        ("ours", 15): 14320,
        ("SELF_SAME_TRANSCRIPT", 8): 131,
        ("SELF_SAME_TRANSCRIPT", 9): 146,
        ("SELF_SAME_TRANSCRIPT", 15): 205,
    }


@pytest.mark.slow
def test_neopeptides__of_incomplete_transcripts_are_what_pvacseq_leaves_out(compare, folder):
    rows = compare["table"](folder, incomplete_transcripts=True)
    assert sum(n for *_, fate, n, _, _ in rows if fate == "ours only") == 5466
    assert "MISSED" not in {fate for _, _, fate, *_ in rows}
