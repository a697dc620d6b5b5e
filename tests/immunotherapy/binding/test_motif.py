import numpy as np
import pytest

from tumorboard.core.hla import HlaMolecule
from tumorboard.errors import InputError
from tumorboard.immunotherapy.binding import binding_motif
from tumorboard.immunotherapy.residues import RESIDUES


@pytest.fixture(scope="module")
def nine_mers():
    letters = np.random.default_rng(11).choice(list(RESIDUES), (4000, 9))
    return ["".join(row) for row in letters]


def test_binding_motif__shows_the_anchors_of_the_literature(class1, nine_mers):
    # Pockets B and F of A*02:01 take L or M and V or L; B*07:02 wants proline second, B*44:02 glutamate.
    for name, place, wanted in (
        ("A*02:01", 1, "LMIVQ"),
        ("A*02:01", 8, "VLI"),
        ("B*07:02", 1, "P"),
        ("B*44:02", 1, "E"),
        ("A*03:01", 8, "KR"),
    ):
        motif = binding_motif(class1, HlaMolecule.named(name), nine_mers, best_percent=1)
        assert motif.peptides == 40
        share = sum(motif.frequency[place, RESIDUES.index(residue)] for residue in wanted)
        assert share > 0.5, (name, place, share)
        heights = motif.information_bits().sum(axis=1)
        assert place in np.argsort(heights)[-3:]


def test_binding_motif__rows_are_shares(class1, nine_mers):
    motif = binding_motif(class1, HlaMolecule.named("A*02:01"), nine_mers, best_percent=2)
    np.testing.assert_allclose(motif.frequency.sum(axis=1), 1.0)
    assert motif.background.sum() == pytest.approx(1.0)
    assert "schneider1990sequence" in list(motif.provenance.citations())


@pytest.mark.parametrize(
    ("peptides", "share", "said"),
    [
        (["AAAAAAAAA", "AAAAAAAA"], 1.0, "one length"),
        (["AAAAAAAAA"], 0.0, "best_percent must be above 0"),
        (["AAAAAAAAA"], 1.0, "one at least"),
    ],
)
def test_binding_motif__refuses(class1, peptides, share, said):
    with pytest.raises(InputError, match=said):
        binding_motif(class1, HlaMolecule.named("A*02:01"), peptides, best_percent=share)
