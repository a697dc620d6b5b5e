"""Features against NeoFox's on 3,575 real neoantigens, where the formula is the same."""

import csv
import gzip

import numpy as np
import pytest
from neofox_table import NeofoxTable, agrees

from tumorboard.errors import InputError
from tumorboard.immunotherapy.peptides import ProteomeIndex
from tumorboard.immunotherapy.ranking import (
    alternatively_defined,
    amplitude,
    anchors_by_rule,
    calis_immunogenicity,
    calis_mask,
    classically_defined,
    differential_agretopicity,
    dissimilarity,
    improved_binder,
    mismatches,
    mutated_positions,
    recognition_potential,
    self_similarity,
    vaxrank_binding_score,
)


@pytest.fixture(scope="module")
def table(data_dir):
    return NeofoxTable(data_dir)


@pytest.fixture(scope="module")
def affinity(table):
    return table.number("Best_affinity_MHCI_score_WT"), table.number("Best_affinity_MHCI_score")


def test_amplitude__all_rows(table, affinity):
    assert agrees(table.number("Amplitude_MHCI_affinity"), amplitude(*affinity)).all()
    nine = [table.number(f"Best_affinity_MHCI_9mer_score{wt}") for wt in ("_WT", "")]
    assert agrees(table.number("Amplitude_MHCI_affinity_9mer"), amplitude(*nine)).all()


def test_agretopicity__all_rows(table, affinity):
    found = differential_agretopicity(*affinity, binder_below_nm=500.0)
    assert agrees(table.number("DAI_MHCI_affinity_cutoff500nM"), found).all()


def test_neopeptide_classes__all_rows(table, affinity):
    assert agrees(table.number("CDN_MHCI"), classically_defined(affinity[1])).all()
    assert agrees(table.number("ADN_MHCI"), alternatively_defined(*affinity)).all()


def test_improved_binder__all_rows_but_two_at_the_edge(table):
    ranks = [table.number(f"Best_rank_MHCI_score{wt}") for wt in ("_WT", "")]
    wrong = ~agrees(table.number("Improved_Binder_MHCI"), improved_binder(*ranks))
    # Ranks are printed to four digits: the ratio of these two is 1.2 to that.
    assert np.flatnonzero(wrong).tolist() == [251, 3356]
    assert ranks[0][wrong] / ranks[1][wrong] == pytest.approx(1.2, rel=3e-4)


def test_self_similarity__all_conserved_binders(table):
    peptides = [table.text(f"Best_rank_MHCI_score_epitope{wt}") for wt in ("", "_WT")]
    conserved = table.number("Improved_Binder_MHCI") == 0
    found = np.where(conserved, self_similarity(*peptides), np.nan)
    expected = table.number("Selfsimilarity_MHCI_conserved_binder")
    assert np.isfinite(expected).sum() == 1646
    assert agrees(expected, found, 1e-5).all()
    assert agrees(table.number("Number_of_mismatches_MCHI"), mismatches(*peptides)).all()


def test_calis__all_binders(table, affinity):
    peptides, alleles = table.text("Best_affinity_MHCI_epitope"), table.text("Best_affinity_MHCI_allele")
    found = calis_immunogenicity(peptides, [calis_mask(allele) for allele in alleles])
    expected = table.number("IEDB_Immunogenicity_MHCI_cutoff500nM")
    assert np.isfinite(expected).sum() == 2230
    assert agrees(expected, np.where(affinity[1] < 500.0, found, np.nan), 1e-9).all()


def test_anchors__all_9mers(table):
    pairs = zip(*(table.text(f"Best_affinity_MHCI_9mer_epitope{wt}") for wt in ("", "_WT")), strict=True)
    found = np.array(
        [
            float(bool(set(mutated_positions(*p)) & set(anchors_by_rule(9)))) if all(p) else np.nan
            for p in pairs
        ]
    )
    assert agrees(table.number("Best_affinity_MHCI_9mer_anchor_mutated"), found).all()


def test_recognition__all_binders(table):
    known = (
        table.number("Amplitude_MHCI_affinity_9mer"),
        table.number("Pathogensimiliarity_MHCI_affinity_9mer"),
    )
    binds = table.number("Best_affinity_MHCI_9mer_score") < 500.0
    found = np.where(binds, recognition_potential(*known), np.nan)
    assert agrees(table.number("Recognition_Potential_MHCI_affinity_9mer"), found).all()


def test_vaxrank__best_peptide_alone_is_part_of_the_sum(table, affinity):
    expected = table.number("vaxrank_binding_score")
    found = vaxrank_binding_score(affinity[1][:, None])
    assert (found <= expected + 1e-5).all()
    assert agrees(expected, found).sum() == 2582  # where no other peptide or molecule counts


def test_harmonic_rank__lies_between_what_the_best_molecule_allows(table):
    best, mean = table.number("Best_rank_MHCI_score"), table.number("PHBR-I")
    known = np.isfinite(mean)
    assert known.sum() == 3483
    assert (mean[known] >= best[known] - 1e-3).all()
    assert (mean[known] <= 6.0 * best[known] * 1.001).all()


def test_dissimilarity__more_of_a_proteome_never_makes_it_higher(table):
    expected = table.number("Dissimilarity_MHCI_cutoff500nM")
    peptides, normal = (table.text(f"Best_affinity_MHCI_epitope{wt}") for wt in ("", "_WT"))
    at = np.flatnonzero(np.isfinite(expected) & (expected < 1e-4))
    proteome = ProteomeIndex.of([normal[k] for k in at])
    found = dissimilarity([peptides[k] for k in at], proteome)
    # Their whole proteome holds the counterparts, which alone bring nearly all to 0.
    assert np.mean(found < 1e-4) > 0.98


def test_features__peptides_as_other_programs_write_them(data_dir):
    path = data_dir / "immunotherapy" / "neofox" / "SupplementaryTable1.txt.gz"
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    written = [(row["MT.Peptide.Form"], row["WT.Peptide.Form"]) for row in rows]
    # The mutation is the only capital there, and nine peptides run into the stop.
    with pytest.raises(InputError, match=r"in capitals; got 'i' in 'Hiqdlytvl'"):
        self_similarity([written[0][0]], [written[0][1]])
    mutants, normal = ([peptide.upper() for peptide in side] for side in zip(*written, strict=True))
    stopped = [k for k, peptide in enumerate(mutants) if "*" in peptide]
    assert len(stopped) == 9
    with pytest.raises(InputError, match=r"got '\*' in 'YLINEMYL\*'; leave it out"):
        calis_immunogenicity([mutants[stopped[0]]])
    kept = [k for k in range(len(rows)) if k not in stopped]
    pairs = [mutants[k] for k in kept], [normal[k] for k in kept]
    assert (mismatches(*pairs) == 1).all()
    alike = self_similarity(*pairs)
    assert ((alike > 0.8) & (alike < 1.0)).all()
    scores = [np.array([float(rows[k][column]) for k in kept]) for column in ("WT.Score", "MT.Score")]
    assert np.isfinite(amplitude(*scores)).all()
