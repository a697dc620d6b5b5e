import pytest

from tumorboard.core.expression import ExpressionTable
from tumorboard.core.variant import SmallVariant, TranscriptChange, VariantEvidence
from tumorboard.errors import InputError
from tumorboard.immunotherapy.variants import AlleleReads, allele_expression, with_expression
from tumorboard.provenance import Record


def of(tpm=None, gene_tpm=None, by_transcript=False, **evidence):
    return allele_expression(
        SmallVariant("1", 5, "A", "T", evidence=VariantEvidence(**evidence)),
        TranscriptChange("G", "T1", ("missense_variant",), transcript_tpm=tpm, gene_tpm=gene_tpm),
        least_tpm=1.0,
        by_transcript=by_transcript,
    )


def test_allele_expression__rna_reads_come_first():
    found = of(gene_tpm=10.0, rna_vaf=0.3, rna_depth=50, tumour_vaf=0.5)
    assert (found.allele_tpm, found.reads, found.is_expressed) == (pytest.approx(3), AlleleReads.RNA, True)
    assert of(gene_tpm=10.0, tumour_vaf=0.05).is_expressed is False


def test_allele_expression__no_rna_read_is_not_no_expression():
    found = of(gene_tpm=10.0, rna_vaf=0.0, rna_depth=0, tumour_vaf=0.4)
    assert (found.reads, found.allele_tpm) == (AlleleReads.DNA, pytest.approx(4))


def test_allele_expression__what_is_missing_stays_unknown():
    assert of(tumour_vaf=0.4).allele_tpm is None
    assert of(tumour_vaf=0.4).is_expressed is None
    assert of(gene_tpm=10.0).is_expressed is None
    # A gene below the threshold has no allele above it.
    assert of(gene_tpm=0.2).is_expressed is False
    assert of(gene_tpm=0.2).allele_tpm is None


def test_allele_expression__of_the_transcript_where_it_is_asked_for_and_known():
    assert of(tpm=2.0, gene_tpm=10.0, by_transcript=True).tpm == 2.0
    assert of(gene_tpm=10.0, by_transcript=True).tpm == 10.0
    assert of(tpm=2.0, gene_tpm=10.0).tpm == 10.0


def test_allele_expression__refuses_a_negative_threshold():
    change = TranscriptChange("G", "T1", ("missense_variant",))
    with pytest.raises(InputError, match="least_tpm"):
        allele_expression(SmallVariant("1", 5, "A", "T"), change, least_tpm=-1.0, by_transcript=False)


def test_with_expression__fills_what_the_table_has():
    table = ExpressionTable({"ENST1.2": 3.0}, {"KRAS": 8.0}, Record("example"))
    changes = [
        TranscriptChange("KRAS", "ENST1.5", ("missense_variant",)),
        TranscriptChange("TP53", "ENST2", ("missense_variant",), gene_tpm=4.0),
    ]
    found = with_expression(changes, table)
    assert [(c.transcript_tpm, c.gene_tpm) for c in found] == [(3.0, 8.0), (None, 4.0)]


def test_with_expression__finds_genes_by_identifier_where_the_table_has_no_symbols():
    table = ExpressionTable({}, {"ENSG00000133703.14": 8.0}, Record("example"))
    change = TranscriptChange("KRAS", "T1", ("missense_variant",), gene_identifier="ENSG00000133703")
    assert with_expression([change], table)[0].gene_tpm == 8.0


def test_expression_table__keeps_the_copies_of_x_and_y_apart():
    table = ExpressionTable({"ENST01.2": 5.0, "ENST01.2_PAR_Y": 0.0}, {}, Record("example"))
    assert (table.of_transcript("ENST01.7"), table.of_transcript("ENST01.7_PAR_Y")) == (5.0, 0.0)


def test_expression_table__refuses_negative_values():
    with pytest.raises(InputError, match="0 TPM or more"):
        ExpressionTable({}, {"KRAS": -1.0}, Record("example"))
