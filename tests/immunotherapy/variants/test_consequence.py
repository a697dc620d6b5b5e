"""Each kind of consequence on genes small enough to follow by hand."""

import pytest
from synthetic_genes import TextGenome

from tumorboard.core.transcript import Transcript
from tumorboard.core.variant import SmallVariant
from tumorboard.errors import InputError
from tumorboard.immunotherapy.variants import call_consequences, mutant_protein, reverse_complement, splice

#: UTR CCACC, M A R W Q stop, UTR GGTTAAGG; an intron of 40 between the second and the third base of R.
LEFT, RIGHT = "CCACC" + "ATG" + "GCT" + "CG", "T" + "TGG" + "CAA" + "TAA" + "GGTTAAGG"
INTRON = "GT" + "AC" * 18 + "AG"
GENOME = TextGenome({"1": LEFT + INTRON + RIGHT})
E1, E2 = (1, len(LEFT)), (len(LEFT + INTRON) + 1, len(LEFT + INTRON + RIGHT))
GENE = Transcript("T1", "GENE", "1", "+", (E1, E2), ((6, E1[1]), (E2[0], E2[0] + 9)))
SECOND = E2[0]  # third base of R


def change(position, reference, alternative, transcript=GENE, genome=GENOME):
    (found,) = call_consequences(
        SmallVariant(transcript.chromosome, position, reference, alternative), [transcript], genome
    )
    return found


TRACT = "splice_polypyrimidine_tract_variant"
CASES = [
    # position, reference, alternative, terms, mutant protein, name
    (10, "C", "A", "missense_variant", "MDRWQ", "p.Ala2Asp"),
    (11, "T", "A", "splice_region_variant synonymous_variant", "MARWQ", "p.Ala2="),
    (SECOND + 2, "G", "A", "stop_gained splice_region_variant", "MAR", "p.Trp4Ter"),
    (SECOND + 7, "T", "C", "stop_lost", "MARWQQG", "p.Ter6GlnextTer2"),
    (SECOND + 9, "A", "G", "stop_retained_variant", "MARWQ", "p.Ter6="),
    (SECOND + 6, "A", "AA", "frameshift_variant stop_lost", "MARWQIRLR", "p.Ter6IleextTer?"),
    (6, "A", "G", "start_lost", None, "p.Met1?"),
    (8, "G", "GAAA", "inframe_insertion", "MKARWQ", "p.Met1_Ala2insLys"),
    (8, "G", "GGCT", "inframe_insertion", "MAARWQ", "p.Ala2dup"),
    (8, "GGCT", "G", "inframe_deletion splice_region_variant", "MRWQ", "p.Ala2del"),
    (9, "GCTC", "ACTA", "missense_variant splice_region_variant", "MTSWQ", "p.Ala2_Arg3delinsThrSer"),
    (9, "G", "GTAA", "protein_altering_variant", "MVTRWQ", "p.Ala2delinsValThr"),
    (9, "G", "GATGA", "frameshift_variant", "MDDSLAIRLR", "p.Ala2AspfsTer?"),
    (8, "GG", "G", "frameshift_variant", "MLVGNKVK", "p.Ala2LeufsTer?"),
    (SECOND + 3, "G", "GTAAC", "stop_gained frameshift_variant", "MARW", "p.Gln5Ter"),
    (3, "A", "G", "5_prime_UTR_variant", None, ""),
    (SECOND + 11, "G", "A", "3_prime_UTR_variant", None, ""),
    (14, "G", "A", "splice_donor_variant", None, ""),
    (SECOND - 1, "G", "A", "splice_acceptor_variant", None, ""),
    (12, "CGGT", "C", "splice_donor_variant coding_sequence_variant", None, ""),
    (18, "A", "G", "splice_donor_5th_base_variant intron_variant", None, ""),
    (19, "C", "G", "splice_donor_region_variant intron_variant", None, ""),
    (20, "A", "G", "splice_region_variant intron_variant", None, ""),
    (
        SECOND - 5,
        "C",
        "G",
        "splice_region_variant splice_polypyrimidine_tract_variant intron_variant",
        None,
        "",
    ),
    (30, "A", "G", "intron_variant", None, ""),
]


@pytest.mark.parametrize(("position", "reference", "alternative", "terms", "mutant", "name"), CASES)
def test_call_consequences__of_each_kind(position, reference, alternative, terms, mutant, name):
    found = change(position, reference, alternative)
    assert " ".join(found.consequences) == terms
    assert found.mutant_protein == mutant
    assert found.hgvs_protein == name
    if mutant is not None:
        assert found.wild_type_protein == "MARWQ"


def test_call_consequences__kras_g12v():
    # Exon 2 of KRAS from its start codon, on the reverse strand of chromosome 12 (GRCh38).
    coding = (
        "ATGACTGAATATAAACTTGTGGTAGTTGGAGCTGGTGGCGTAGGCAAGAGTGCCTTGACG"
        "ATACAGCTAATTCAGAATCATTTTGTGGACGAATATGATCCAACAATAGAG"
    )

    class Chromosome12:
        def fetch(self, chromosome, first, last):
            return reverse_complement(coding)[first - 25245274 : last - 25245274 + 1]

    exon = ((25245274, 25245384),)
    kras = Transcript("ENST00000311936", "KRAS", "12", "-", exon, exon, flags=("cds_end_NF",))
    (found,) = call_consequences(SmallVariant("chr12", 25245350, "C", "A"), [kras], Chromosome12())
    assert found.hgvs_protein == "p.Gly12Val"
    assert (found.reference_residues, found.protein_start, found.alternative_residues) == ("G", 12, "V")
    assert found.wild_type_protein.startswith("MTEYKLVVVGAGGVGKSALTIQLIQNHFVDEYDPTIE")


def test_call_consequences__of_another_assembly_is_refused():
    with pytest.raises(InputError, match=r"1:10 states G and the genome has C; .*GRCh37 and GRCh38"):
        change(10, "G", "A")


def test_call_consequences__meets_no_transcript():
    genome = TextGenome({"1": LEFT + INTRON + RIGHT + "ACGT"})
    assert call_consequences(SmallVariant("1", E2[1] + 2, "C", "G"), [GENE], genome) == ()
    # An insertion before the first base lies outside.
    shifted = Transcript("T1", "G", "1", "+", ((2, 13),))
    assert call_consequences(SmallVariant("1", 1, "C", "CA"), [shifted], genome) == ()


@pytest.mark.parametrize(
    ("position", "reference", "alternative", "terms"),
    [
        (3, "A", "G", "non_coding_transcript_exon_variant"),
        (30, "A", "G", "intron_variant non_coding_transcript_variant"),
        (14, "G", "A", "splice_donor_variant non_coding_transcript_variant"),
    ],
)
def test_call_consequences__not_translated(position, reference, alternative, terms):
    lnc = Transcript("T2", "LNC", "1", "+", (E1, E2), biotype="lncRNA")
    assert " ".join(change(position, reference, alternative, lnc).consequences) == terms


def test_call_consequences__names_transcripts_that_decay():
    decayed = Transcript("T3", "G", "1", "+", GENE.exons, GENE.coding, biotype="nonsense_mediated_decay")
    assert change(10, "C", "A", decayed).consequences == ("missense_variant", "NMD_transcript_variant")


def test_call_consequences__a_deleted_transcript():
    genome = TextGenome({"1": "G" + LEFT + INTRON + RIGHT})
    moved = [tuple((s + 1, e + 1) for s, e in part) for part in (GENE.exons, GENE.coding)]
    transcript = Transcript("T1", "G", "1", "+", *moved)
    found = change(1, genome.chromosomes["1"], "G", transcript, genome)
    assert found.consequences == ("transcript_ablation",)


def test_call_consequences__deletion_across_the_stop_reads_on():
    found = change(SECOND + 6, "ATAAG", "A")
    assert found.consequences == ("stop_lost", "3_prime_UTR_variant")
    assert found.mutant_protein == "MARWQVK"


def test_call_consequences__deletion_across_the_start_that_leaves_one():
    # CC|ATG|ATGGCT: which ATG goes cannot be told apart; with one before the annotated one, nothing changes.
    genome = TextGenome({"1": "CCATGATGGCTCGTTAAGG"})
    transcript = Transcript("T", "G", "1", "+", ((1, 19),), ((6, 17),))
    found = change(5, "GATG", "G", transcript, genome)
    assert found.consequences == ("start_retained_variant",)
    assert found.mutant_protein == "MAR"
    lost = change(5, "GAT", "G", transcript, genome)
    assert "start_lost" in lost.consequences


def test_call_consequences__deletion_across_the_start_before_another_methionine_loses_it():
    # What stands where the start codon was is the second one, of which nothing says that it starts.
    genome = TextGenome({"1": "CCC" + "ATGATGGCATGGTAA" + "GGTT"})
    transcript = Transcript("T1", "G", "1", "+", ((1, 22),), ((4, 18),))
    found = change(2, "CCAT", "C", transcript, genome)
    assert found.consequences == ("start_lost", "5_prime_UTR_variant")
    assert found.mutant_protein is None


def test_call_consequences__without_another_stop_it_says_so():
    genome = TextGenome({"1": "ATGGCTCGTTAAGG"})
    transcript = Transcript("T", "G", "1", "+", ((1, 14),), ((1, 12),))
    found = change(10, "T", "C", transcript, genome)
    assert found.mutant_protein == "MARQ"
    assert found.flags == ("mutant_stop_not_found",)
    assert found.hgvs_protein == "p.Ter4GlnextTer?"


def test_call_consequences__reads_selenocysteine():
    genome = TextGenome({"1": "ATGGCTTGACGTTGATAAGG"})
    transcript = Transcript("T", "G", "1", "+", ((1, 20),), ((1, 18),), flags=("seleno",))
    assert splice(transcript, genome).protein == "MAURU"
    assert change(4, "G", "A", transcript, genome).mutant_protein == "MTURU"
    assert change(9, "A", "G", transcript, genome).hgvs_protein == "p.Sec3Trp"
    ended = change(8, "G", "A", transcript, genome)
    assert (ended.consequences, ended.mutant_protein) == (("stop_gained",), "MA")
    assert change(3, "GGC", "G", transcript, genome).mutant_protein == "MLTLIR"
    assert change(6, "T", "TCTG", transcript, genome).mutant_protein == "MALURU"
    assert change(3, "GGCT", "G", transcript, genome).mutant_protein == "MURU"
    plain = Transcript("T", "G", "1", "+", ((1, 20),), ((1, 18),))
    assert splice(plain, genome).flags == ("internal_stop",)
    assert change(10, "C", "A", plain, genome).consequences == ("coding_sequence_variant",)


def test_call_consequences__uses_the_mitochondrial_code():
    genome = TextGenome({"chrM": "ATAATGTGAACTT"})
    transcript = Transcript("MT", "G", "chrM", "+", ((1, 13),), ((1, 13),))
    assert splice(transcript, genome).protein == "MMWT"  # the stop's T alone is made whole by polyadenylation
    assert change(3, "A", "G", transcript, genome).consequences == ("start_retained_variant",)
    assert change(9, "A", "G", transcript, genome).consequences == ("synonymous_variant",)
    assert change(13, "T", "A", transcript, genome).consequences == (
        "incomplete_terminal_codon_variant",
        "coding_sequence_variant",
    )


def test_call_consequences__annotation_that_begins_inside_a_codon():
    genome = TextGenome({"1": "GGCTCGTTGGTAACC"})
    transcript = Transcript(
        "T", "G", "1", "+", ((1, 15),), ((1, 13),), coding_phase=1, flags=("cds_start_NF",)
    )
    assert splice(transcript, genome).protein == "ARW"
    assert change(3, "C", "A", transcript, genome).mutant_protein == "DRW"
    assert change(1, "G", "A", transcript, genome).consequences == ("coding_sequence_variant",)
    # The first residue is not a start: any other may stand there.
    assert change(2, "G", "A", transcript, genome).consequences == ("missense_variant",)


def test_call_consequences__coding_bases_that_leave_some_out_are_not_read():
    genome = TextGenome({"1": "ATGGCTCGTTGGTAACC"})
    transcript = Transcript("T", "G", "1", "+", ((1, 17),), ((1, 6), (8, 15)))
    found = change(5, "C", "A", transcript, genome)
    assert (found.consequences, found.flags) == (("coding_sequence_variant",), ("coding_gap",))
    with pytest.raises(InputError, match="must be translated"):
        mutant_protein(transcript, genome, [SmallVariant("1", 5, "C", "A")])


def test_call_consequences__an_annotation_without_the_stop_codon():
    genome = TextGenome({"1": "ATGGCTCGTTAAGG"})
    transcript = Transcript("T", "G", "1", "+", ((1, 14),), ((1, 9),))
    assert splice(transcript, genome).protein == "MAR"
    assert change(5, "C", "A", transcript, genome).mutant_protein == "MDR"


def test_call_consequences__in_a_repeat_it_does_not_matter_where_an_indel_is_written():
    genome = TextGenome({"1": "CCATGCAGCAGCAGGCTTAAGG"})
    transcript = Transcript("T", "G", "1", "+", ((1, 22),), ((3, 20),))
    changes = [
        change(p, genome.fetch("1", p, p + 3), genome.fetch("1", p, p), transcript, genome)
        for p in (5, 8, 11)
    ]
    assert {(c.mutant_protein, c.hgvs_protein, c.protein_start) for c in changes} == {
        ("MQQA", "p.Gln4del", 4)
    }


def test_mutant_protein__puts_two_variants_of_one_codon_together():
    # GCT to AAT: one alone gives T, the other D, both N.
    both = [SmallVariant("1", 9, "G", "A"), SmallVariant("1", 10, "C", "A")]
    assert mutant_protein(GENE, GENOME, both).mutant == "MNRWQ"
    assert [mutant_protein(GENE, GENOME, [v]).mutant for v in both] == ["MTRWQ", "MDRWQ"]


def test_mutant_protein__a_second_indel_restores_the_frame():
    pair = [SmallVariant("1", 8, "GG", "G"), SmallVariant("1", SECOND + 3, "G", "GA")]
    found = mutant_protein(GENE, GENOME, pair)
    assert found.mutant == "MLVGQ"
    assert found.residue_origin.tolist() == [0, -1, -1, -1, 4]


def test_mutant_protein__variants_in_introns_change_nothing():
    assert mutant_protein(GENE, GENOME, [SmallVariant("1", 30, "A", "G")]).mutant == "MARWQ"
    with pytest.raises(InputError, match="first or last two bases of an intron"):
        mutant_protein(GENE, GENOME, [SmallVariant("1", 14, "G", "A")])
