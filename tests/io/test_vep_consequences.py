"""VEP's names of alleles, its escapes, and what its fields mean."""

from hypothesis import assume, given
from hypothesis import strategies as st

from tumorboard.io.vcf_text import percent_decoded
from tumorboard.io.vep_consequences import VepEntries, trimmed_allele, vep_alleles

BASES = st.text("ACGT", min_size=1, max_size=8)
ESCAPES = {":": "%3A", ";": "%3B", "=": "%3D", "%": "%25", ",": "%2C", "\r": "%0D", "\n": "%0A", "\t": "%09"}


def changes(fields, values, reference="C", alternatives=("T",)):
    skipped = {}
    entries = VepEntries(tuple(fields.split("|")), True, skipped)
    return entries.of_record(
        values, reference, alternatives, gene_tpm={"G1": 1.5}, transcript_tpm={"T1": 2.5}
    )


@given(st.text(max_size=30))
def test_percent_decoded__undoes_what_vcf_escapes(text):
    escaped = "".join(ESCAPES.get(letter, letter) for letter in text)
    assert percent_decoded(escaped) == text
    assert percent_decoded(escaped.replace("%3A", "%3a")) == text if "%3A" not in text else True


@given(BASES, st.lists(BASES, min_size=1, max_size=3, unique=True))
def test_vep_alleles__are_apart_and_undone(reference, alternatives):
    assume(reference not in alternatives)
    named = vep_alleles(reference, alternatives)
    assert len(set(named)) == len(alternatives)
    cut = named != alternatives
    for name, alternative in zip(named, alternatives, strict=True):
        assert (reference[0] if cut else "") + name.replace("-", "") == alternative


@given(BASES, BASES)
def test_trimmed_allele__leaves_only_what_differs(reference, alternative):
    assume(reference != alternative)
    left = trimmed_allele(reference, alternative).replace("-", "")
    back = trimmed_allele(alternative, reference).replace("-", "")
    # The same was cut of both, and what is left shares neither end.
    assert len(alternative) - len(left) == len(reference) - len(back)
    assert not left or not back or (left[0] != back[0] and left[-1] != back[-1])


@given(BASES, st.lists(BASES, min_size=1, max_size=3, unique=True))
def test_of_record__gives_each_allele_its_own(reference, alternatives):
    assume(reference not in alternatives)
    entries = ",".join(
        f"{name}|missense_variant|T{index}" for index, name in enumerate(vep_alleles(reference, alternatives))
    )
    found = changes("Allele|Consequence|Feature", entries, reference, alternatives)
    assert [[change.transcript for change in own] for own in found] == [
        [f"T{index}"] for index in range(len(alternatives))
    ]


def test_of_record__reads_minimal_alleles():
    # VEP --minimal cuts each alternative by itself, at both ends.
    found = changes("Allele|Consequence|Feature", "T|x|T1,-|x|T2", "GCA", ["GTA", "GA"])
    assert [[change.transcript for change in own] for own in found] == [["T1"], ["T2"]]


def test_of_record__leaves_out_indels_of_a_record_that_was_split_after_vep():
    # Of CAA to C ("-") and CA ("A"): once split and trimmed, both are called "-".
    fields = "Allele|Consequence|Feature"
    skipped = {}
    entries = VepEntries(tuple(fields.split("|")), True, skipped)
    for reference, alternative in [("CAA", "C"), ("CAA", "CA"), ("CA", "C")]:
        found = entries.of_record(
            "-|frameshift_variant|T1,A|inframe_deletion|T1",
            reference,
            [alternative],
            gene_tpm={},
            transcript_tpm={},
        )
        assert found == [[]]
    assert list(skipped.values()) == [6]
    # A substitution keeps its name.
    ((made,),) = changes(fields, "T|missense_variant|T1,-|frameshift_variant|T1", "A", ["T"])
    assert made.consequences == ("missense_variant",)


def test_of_record__reads_places_residues_and_proteins():
    fields = "Allele|Consequence|Feature|Protein_position|Amino_acids|WildtypeProtein|FrameshiftSequence"
    fields += "|TSL|MANE|FLAGS|HGVSp|CANONICAL|Codons|Gene"
    rest = "MAK*|MAW*|2|MANE_Select|cds_start_NF&x|p.A%3D|YES|gCt/gGt|ENSG7"
    terms = "frameshift_variant&splice_region_variant"
    cases = {
        "58|P/A": (58, "P", "A"),
        "58/393|P/A": (58, "P", "A"),
        "679-688|ALDK/X": (679, "ALDK", "X"),
        "257-258|-/X": (257, "", "X"),
        "?-12|MA/-": (None, "MA", ""),
        "10|S": (10, "S", "S"),
        "30|*/W": (30, "*", "W"),
        "|": (None, "", ""),
    }
    for text, expected in cases.items():
        ((made,),) = changes(fields, f"T|{terms}|T1|{text}|{rest}")
        assert (made.protein_start, made.reference_residues, made.alternative_residues) == expected
    assert (made.wild_type_protein, made.mutant_protein) == ("MAK", "MAW")
    assert made.consequences == ("frameshift_variant", "splice_region_variant")
    assert (made.codons, made.gene_identifier) == ("gCt/gGt", "ENSG7")
    assert (made.support_level, made.mane_select, made.canonical) == (2, True, True)
    assert (made.flags, made.hgvs_protein, made.transcript_tpm) == (("cds_start_NF", "x"), "p.A=", 2.5)


def test_of_record__reads_the_older_plugin():
    fields = "Allele|Consequence|Feature|Protein_position|WildtypeProtein|DownstreamProtein"
    ((made,),) = changes(fields, "T|frameshift_variant|T1|3|MAKLE|RRG")
    assert made.mutant_protein == "MARRG"
    assert (made.canonical, made.mane_select, made.support_level) == (None, None, None)


def test_of_record__keeps_one_object_of_a_protein():
    fields = "Allele|Consequence|Feature|WildtypeProtein"
    ((one, two),) = changes(fields, "T|missense_variant|T1|MAKLE,T|missense_variant|T2|MAKLE*")
    assert one.wild_type_protein is two.wild_type_protein
