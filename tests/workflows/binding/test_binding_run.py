"""Predictions of lists and comparisons with other tools go through the installed models."""

import numpy as np
import pytest

from tumorboard.core.hla import HlaMolecule, MhcClass
from tumorboard.core.presentation import PresentationRows
from tumorboard.errors import InputError
from tumorboard.immunotherapy.binding import load_model
from tumorboard.io.peptide_list import PeptideList
from tumorboard.provenance import Record
from tumorboard.workflows.binding.compare import compare
from tumorboard.workflows.binding.config import BindingConfig
from tumorboard.workflows.binding.run import run

#: Of influenza's matrix protein, of cytomegalovirus, of ovalbumin (which binds a mouse's molecule).
PEPTIDES = ("GILGFVFTL", "NLVPMVATV", "SIINFEKL")
LONG = "PKYVKQNTLKLAT"


def test_run__gives_each_peptide_with_each_allele_peptide_by_peptide():
    found = run(BindingConfig(("B0702", "A*02:01", "HLA-A0201")), PeptideList((*PEPTIDES, PEPTIDES[0])))
    assert [str(m) for m in found.molecules] == ["HLA-B*07:02", "HLA-A*02:01"] * 4
    assert found.peptides[::2] == (*PEPTIDES, PEPTIDES[0])
    direct = load_model(MhcClass.I).predict(PEPTIDES, [HlaMolecule.named(n) for n in ("B*07:02", "A*02:01")])
    np.testing.assert_array_equal(found.affinity_nm[:6], direct.affinity_nm.ravel())
    np.testing.assert_array_equal(found.percentile[:6], direct.percentile.ravel())
    assert found.predicting_s > 0


def test_run__takes_the_allele_that_the_list_names_for_each():
    listed = PeptideList((PEPTIDES[0], LONG, PEPTIDES[1]), alleles=("A0201", "DRB1_0101", "B0702"))
    found = run(BindingConfig(), listed)
    assert found.peptides == listed.peptides
    assert [str(m) for m in found.molecules] == ["HLA-A*02:01", "HLA-DRB1*01:01", "HLA-B*07:02"]
    one = run(BindingConfig(("B0702",)), PeptideList((PEPTIDES[1],)))
    assert found.affinity_nm[2] == one.affinity_nm[0]
    assert set(found.to_dict()["predictor"]) == {"class I", "class II"}


@pytest.mark.parametrize("alleles", [("A*02:01",), ("DRB1*01:01",)])
def test_run__on_two_threads_gives_the_same_bits(alleles):
    listed = PeptideList(tuple(LONG[k : k + 9] + LONG[:k] for k in range(5)) * 40)
    one, two = (run(BindingConfig(alleles, threads), listed) for threads in (1, 2))
    np.testing.assert_array_equal(one.percentile, two.percentile)
    np.testing.assert_array_equal(one.affinity_nm, two.affinity_nm)


def test_run__needs_an_allele():
    with pytest.raises(InputError, match="add --alleles"):
        run(BindingConfig(), PeptideList(PEPTIDES))


def _rows(affinity, percentile, score):
    molecule = HlaMolecule.named("A*02:01")
    n = len(PEPTIDES)
    return PresentationRows("other", PEPTIDES, (molecule,) * n, affinity, percentile, score, Record("test"))


def test_compare__with_our_own_percentiles_is_agreement():
    ours = run(BindingConfig(("A*02:01",)), PeptideList(PEPTIDES))
    nothing = np.full(3, np.nan)
    told = compare(_rows(nothing, ours.percentile, nothing)).to_dict()
    (row,) = told["alleles"]
    assert row["rank_correlation"] == pytest.approx(1.0)
    assert row["ours"] == row["theirs"] == row["both"] == int((ours.percentile <= 2).sum())


def test_compare__takes_what_the_tool_gives_and_leaves_out_what_we_do_not_know():
    nothing = np.full(3, np.nan)
    told = compare(_rows(np.array([10.0, 20.0, 30000.0]), nothing, nothing)).to_dict()
    assert told["alleles"][0]["compared"] == "affinity"
    assert told["alleles"][0]["both"] is None
    unknown = PresentationRows(
        "other", ("SIINF",), (HlaMolecule.named("A*02:01"),), [1.0], [1.0], [1.0], Record("test")
    )
    with pytest.raises(InputError, match="none fits"):
        compare(unknown)
