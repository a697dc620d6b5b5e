"""Dissimilarity to self and foreignness against alignment in full."""

import csv
import gzip
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.immunotherapy.peptides import ProteomeIndex
from tumorboard.immunotherapy.ranking import dissimilarity, foreignness
from tumorboard.immunotherapy.ranking._kernels.local_alignment import local_score, similarity_sums
from tumorboard.immunotherapy.ranking._kernels.proteome_alignment import split
from tumorboard.immunotherapy.ranking.alignment_sum import STEEPNESS, alignment_weights
from tumorboard.immunotherapy.ranking.substitution import blosum62_odds, blosum62_scores
from tumorboard.immunotherapy.residues import RESIDUES, join_codes, residue_codes

SCORES = blosum62_scores()


def score(a, b, opening=11, extension=1, kernel=local_score):
    scratch = np.zeros(len(a) + 1, np.int64), np.zeros(len(a) + 1, np.int64)
    return kernel(residue_codes([a])[0], residue_codes([b])[0], SCORES, opening, extension, *scratch)


def in_full(peptides, proteins, lowest=0):
    """1 / (1 + R) by aligning with every protein."""
    weights = alignment_weights(15, 32)
    weights[:lowest] = 0.0
    sums = np.empty(len(peptides))
    similarity_sums(*residue_codes(peptides), *join_codes(proteins), SCORES, 11, 1, weights, sums)
    return 1.0 / (1.0 + sums)


def plain_score(a, b, opening=11, extension=1):
    """Smith and Waterman's definition: gaps of any length from every cell."""
    table = np.zeros((len(a) + 1, len(b) + 1))
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            gaps_a = [table[i - k, j] - opening - (k - 1) * extension for k in range(1, i + 1)]
            gaps_b = [table[i, j - k] - opening - (k - 1) * extension for k in range(1, j + 1)]
            pair = SCORES[RESIDUES.index(a[i - 1]), RESIDUES.index(b[j - 1])]
            table[i, j] = max(0, table[i - 1, j - 1] + pair, *gaps_a, *gaps_b)
    return table.max()


def test_blosum62__known_scores_and_odds():
    at = RESIDUES.index
    assert (SCORES[:20, :20] == SCORES[:20, :20].T).all()
    known = {"WW": 11, "AA": 4, "AR": -1, "WF": 1, "CE": -4, "IV": 3, "DE": 2, "PF": -4, "HY": 2}
    assert all(SCORES[at(pair[0]), at(pair[1])] == value for pair, value in known.items())
    assert blosum62_odds()[at("W"), at("W")] == pytest.approx(38.11, abs=0.01)


@hypothesis.settings(max_examples=40)
@hypothesis.given(
    st.text("ACWGH", min_size=1, max_size=9), st.text("ACWGH", min_size=1, max_size=12), st.integers(1, 11)
)
def test_local_score__is_its_definition(a, b, opening):
    assert score(a, b, opening) == plain_score(a, b, opening)
    assert score(a, b, opening) == score(b, a, opening) == score(a, b, opening, kernel=local_score.py_func)


def test_local_score__is_biopythons():
    repository = Path(__file__).resolve().parents[3]
    path = repository / "validation" / "immunotherapy" / "neofox" / "alignment_biopython.csv"
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 400
    assert [score(row["a"], row["b"]) for row in rows] == [int(row["score"]) for row in rows]


@pytest.fixture(scope="module")
def proteins(data_dir):
    path = data_dir / "immunotherapy" / "pvactools" / "Homo_sapiens.GRCh38.pep.short.fa.gz"
    with gzip.open(path, "rt") as file:
        entries = file.read().split(">")[1:]
    return ["".join(entry.split("\n")[1:]) for entry in entries]


@pytest.mark.slow
def test_dissimilarity__is_that_of_aligning_with_every_protein(proteins):
    rng = np.random.default_rng(3)
    long = [p for p in proteins if len(p) > 60 and set(p) <= set(RESIDUES)]
    peptides = []
    for _ in range(40):
        text = long[rng.integers(len(long))]
        start, length, skipped = rng.integers(len(text) - 20), rng.integers(8, 12), rng.integers(4)
        window = text[start : start + 15]
        gapped = (window[:5] + window[5 + skipped :])[:length]  # what a deletion makes
        changed = list(gapped)
        for k in rng.choice(length, 2, replace=False):
            changed[k] = RESIDUES[rng.integers(20)]
        shuffled = rng.permutation(list(gapped))  # of a protein's composition, but of no protein
        peptides += [gapped, "".join(changed), "".join(shuffled)]
    found, expected = dissimilarity(peptides, ProteomeIndex.of(proteins)), in_full(peptides, proteins)
    assert np.sum((expected > 0.01) & (expected < 0.99)) >= 5  # neither all like self nor all unlike
    assert np.abs(found - expected).max() < 1e-4


def test_dissimilarity__alignment_that_hangs_over_a_proteins_ends():
    inner = "WCWHWYWFW"
    proteins = ["HWYWFWAAAA", "GGGGWCWHWY", "AAAA"]
    assert dissimilarity([inner], ProteomeIndex.of(proteins)) == pytest.approx(
        in_full([inner], proteins), abs=1e-6
    )
    # Two proteins side by side are not one.
    assert dissimilarity(["AVLSEGTKV"], ProteomeIndex.of(["GGAVLS", "EGTKVGG"]))[0] > 0.99
    assert dissimilarity(["AVLSEGTKV"], ProteomeIndex.of(["GGAVLSEGTKVGG"]))[0] < 1e-6


@hypothesis.given(st.text(RESIDUES, min_size=8, max_size=15), st.integers(28, 36))
def test_split__words_cannot_all_stay_below_their_thresholds(peptide, lowest):
    codes = residue_codes([peptide])[0]
    begins, thresholds = np.zeros(codes.size + 1, np.int64), np.zeros(codes.size, np.int64)
    n = split(codes, SCORES, (11, 1, 3), lowest, begins, thresholds)
    own = np.array([SCORES[code, code] for code in codes])
    inside = [own[begins[w] : begins[w + 1]].sum() for w in range(n)]
    outside = own.sum() - sum(inside)
    assert all(0 < begins[w + 1] - begins[w] <= 5 for w in range(n))
    if own.sum() < lowest:
        return  # no alignment scores that
    most = outside + sum(min(t - 1, i) for t, i in zip(thresholds, inside, strict=False))
    assert most < lowest or (thresholds[:n] == 1).any()
    for w in range(n if n > 1 else 0):
        others = outside + sum(thresholds[v] - 1 for v in range(n) if v != w)
        assert others + inside[w] < lowest + 11 or (thresholds[:n] == 1).any()


def test_dissimilarity__antigen_garnish_on_a_mutant_of_muc16():
    # 8.285462e-06 stands in a script of that program for SSSPTCSLM against the whole human proteome: seven
    # alignments of score 34 and fifteen of 33 come to this. The one with its counterpart alone:
    found = dissimilarity(["SSSPTCSLM", "SSSPTRSLM"], ProteomeIndex.of(["AASSSPTRSLMAA"]))
    assert found[0] == pytest.approx(1.0 / (1.0 + np.exp(2.0 * STEEPNESS)), rel=1e-9)
    assert found[1] < 1e-6
    sums = 7.0 * np.exp(2.0 * STEEPNESS) + 15.0 * np.exp(STEEPNESS)
    assert 1.0 / (1.0 + sums) == pytest.approx(8.285462e-06, rel=2e-4)


def test_foreignness__grows_with_each_epitope_and_ends_at_one():
    peptides = ["NLVPMVATV", "NLAPKVATV", "HIQDLYTVL"]
    few, more = foreignness(peptides, ["NLVPQGATV"]), foreignness(peptides, ["NLVPQGATV", "HIQDLAAVL"])
    assert (more >= few).all()
    assert more[2] > few[2]
    assert foreignness(["NLVPMVATV"], ["NLVPMVATV"])[0] == pytest.approx(1.0, abs=1e-9)
    expected = np.exp(STEEPNESS * (plain_score("NLAPKVATV", "NLVPQGATV") - 26.0))
    assert few[1] == pytest.approx(expected / (1.0 + expected), rel=1e-9)


def test_dissimilarity__refusals():
    proteome = ProteomeIndex.of(["ACDEFGHIKLMNP"])
    with pytest.raises(InputError, match="8 to 15 residues; got 'ACD' with 3"):
        dissimilarity(["ACD"], proteome)
    with pytest.raises(InputError, match="got 'X' in 'ACDEFGHX'"):
        dissimilarity(["ACDEFGHX"], proteome)
    with pytest.raises(InputError, match="epitopes must be one or more"):
        foreignness(["ACDEFGHI"], [])
    assert dissimilarity([], proteome).size == 0
