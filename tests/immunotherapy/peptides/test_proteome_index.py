"""The index of a proteome against plain search in its text."""

import gzip

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.immunotherapy.peptides._kernels.kmer_index import LETTERS, WORD, nearest, sort_positions
from tumorboard.immunotherapy.peptides.proteome_index import ProteomeIndex
from tumorboard.immunotherapy.residues import RESIDUES, join_codes, residue_codes

#: Few letters make words that repeat.
SMALL = st.text("ACD", min_size=1, max_size=40)


@pytest.fixture(scope="module")
def proteins(data_dir):
    path = data_dir / "immunotherapy" / "pvactools" / "Homo_sapiens.GRCh38.pep.short.fa.gz"
    with gzip.open(path, "rt") as file:
        entries = file.read().split(">")[1:]
    return ["".join(entry.split("\n")[1:]) for entry in entries]


@pytest.fixture(scope="module")
def proteome(proteins):
    return ProteomeIndex.of(proteins)


def fewest_mismatches(peptide, sequences):
    windows = [s[i : i + len(peptide)] for s in sequences for i in range(len(s) - len(peptide) + 1)]
    windows = [w for w in windows if set(w) <= set(RESIDUES)]
    return min((sum(a != b for a, b in zip(peptide, w, strict=True)) for w in windows), default=2)


@hypothesis.settings(max_examples=30)
@hypothesis.given(st.lists(SMALL, min_size=1, max_size=4), st.text("ACD", min_size=1, max_size=9))
def test_contains__is_what_plain_search_finds(sequences, peptide):
    proteome = ProteomeIndex.of(sequences)
    assert proteome.contains([peptide])[0] == any(peptide in s for s in sequences)
    places = [
        (k, i) for k, s in enumerate(sequences) for i in range(len(s)) if s.startswith(peptide, i)
    ]  # overlapping ones too
    assert list(proteome.occurrences(peptide)) == places


@hypothesis.settings(max_examples=30)
@hypothesis.given(st.lists(SMALL, min_size=1, max_size=4), st.text("ACD", min_size=4, max_size=9))
def test_nearest__is_what_comparing_with_each_window_finds(sequences, peptide):
    found = ProteomeIndex.of(sequences).nearest([peptide])
    assert found.mismatches[0] == min(2, fewest_mismatches(peptide, sequences))
    if found.mismatches[0] < 2:
        assert any(found.peptides[0] in s for s in sequences)


def test_contains__no_peptide_across_two_proteins_or_an_unknown_residue():
    proteome = ProteomeIndex.of(["ACDEF", "GHIKL", "MNXPQRST"])
    assert not proteome.contains(["DEFGHI", "MNP"]).any()
    assert proteome.contains(["ACDEF", "GHIKL", "PQRST", "L"]).all()
    assert proteome.nearest(["MNAPQR", "DEFGGHI"]).mismatches.tolist() == [2, 2]


def test_contains__real_proteins(proteins, proteome):
    assert proteome.n_residues == sum(map(len, proteins)) == 463_019
    rng = np.random.default_rng(0)
    long = [p for p in proteins if len(p) > 40 and set(p) <= set(RESIDUES)]
    peptides = [long[rng.integers(len(long))][7 : 15 + rng.integers(18)] for _ in range(300)]
    assert proteome.contains(peptides).all()
    text = "|".join(proteins)
    shuffled = ["".join(rng.permutation(list(p))) for p in peptides]
    assert proteome.contains(shuffled).tolist() == [p in text for p in shuffled]
    exchanged = [p[:4] + RESIDUES[(RESIDUES.index(p[4]) + 7) % 20] + p[5:] for p in peptides]
    near = proteome.nearest(exchanged)
    assert (near.mismatches <= 1).all()
    assert all(p in text for p in near.peptides)


@pytest.mark.slow
def test_of__twenty_million_residues():
    codes = np.random.default_rng(0).integers(0, 20, 20_000_000)
    text = np.frombuffer(RESIDUES.encode(), np.uint8)[codes].tobytes().decode()
    proteome = ProteomeIndex.of([text[i : i + 400] for i in range(0, len(text), 400)])
    held = (proteome.codes, proteome.protein_starts, proteome.word_starts, proteome.positions)
    assert sum(array.nbytes for array in held) < 120e6
    assert proteome.contains([text[i : i + 9] for i in range(0, 400_000, 400)]).all()
    # A random 9-mer is there with a chance of 20e6 / 20**9.
    assert not proteome.contains([text[i + 396 : i + 405] for i in range(0, 400_000, 400)]).any()


@pytest.mark.slow
def test_kernels__compiled_is_what_is_written():
    codes, _ = join_codes(["ACDACDA", "CDE"])
    kept = [np.zeros(LETTERS**WORD + 1, np.int32) for _ in range(2)]
    positions = [np.empty(codes.size, np.int32) for _ in range(2)]
    sort_positions(codes, kept[0], positions[0])
    queries, offsets = residue_codes(["ACDA", "CDCDA", "CCDE"])
    found = [(np.empty(3, np.int8), np.empty(3, np.int64)) for _ in range(2)]
    nearest(codes, kept[0], positions[0], queries, offsets, *found[0])
    nearest.py_func(codes, kept[0], positions[0], queries, offsets, *found[1])
    assert [a.tolist() for a in found[0]] == [a.tolist() for a in found[1]]


def test_of__refusals():
    with pytest.raises(InputError, match="residues; got 0"):
        ProteomeIndex.of([])
    proteome = ProteomeIndex.of(["ACD"])
    with pytest.raises(InputError, match="got 'X' in 'ACX'"):
        proteome.contains(["ACD", "ACX"])
    with pytest.raises(InputError, match="1 residues or more; got ''"):
        proteome.contains([""])
    with pytest.raises(InputError, match="4 residues or more; got 'ACD'"):
        proteome.nearest(["ACD"])
