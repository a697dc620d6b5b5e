from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.immunotherapy.variants import GeneticCode, genetic_code_of, reverse_complement, translate

BASES = st.text("ACGTN", max_size=60)

#: Codons of each residue, as textbooks list them.
STANDARD = {
    "A": "GCT GCC GCA GCG", "R": "CGT CGC CGA CGG AGA AGG", "N": "AAT AAC", "D": "GAT GAC", "C": "TGT TGC",
    "Q": "CAA CAG", "E": "GAA GAG", "G": "GGT GGC GGA GGG", "H": "CAT CAC", "I": "ATT ATC ATA",
    "L": "TTA TTG CTT CTC CTA CTG", "K": "AAA AAG", "M": "ATG", "F": "TTT TTC", "P": "CCT CCC CCA CCG",
    "S": "TCT TCC TCA TCG AGT AGC", "T": "ACT ACC ACA ACG", "W": "TGG", "Y": "TAT TAC",
    "V": "GTT GTC GTA GTG", "*": "TAA TAG TGA",
}  # fmt: skip


def test_translate__each_codon():
    listed = {codon: residue for residue, codons in STANDARD.items() for codon in codons.split()}
    assert len(listed) == 64
    for codon, residue in listed.items():
        assert translate(codon, to_stop=False) == residue


def test_translate__mitochondria_differ_in_four_codons():
    differ = {}
    for codon in map("".join, product("ACGT", repeat=3)):
        here = translate(codon, to_stop=False, code=GeneticCode.VERTEBRATE_MITOCHONDRIAL)
        if here != translate(codon, to_stop=False):
            differ[codon] = here
    assert differ == {"AGA": "*", "AGG": "*", "ATA": "M", "TGA": "W"}


@given(st.text("ACGTN", min_size=3, max_size=3))
def test_translate__an_unknown_base_is_any(codon):
    choices = product(*("ACGT" if base == "N" else base for base in codon))
    residues = {translate("".join(choice), to_stop=False) for choice in choices}
    assert translate(codon, to_stop=False) == (residues.pop() if len(residues) == 1 else "X")


@given(BASES, BASES)
def test_translate__codon_by_codon(first, second):
    whole = first[: len(first) // 3 * 3]
    both = translate(whole + second, to_stop=False)
    assert both == translate(whole, to_stop=False) + translate(second, to_stop=False)
    assert translate(whole + second) == both.partition("*")[0]
    assert len(both) == (len(whole) + len(second)) // 3


@given(BASES, BASES)
def test_reverse_complement__is_its_own_inverse(one, other):
    assert reverse_complement(reverse_complement(one)) == one
    assert reverse_complement(one + other) == reverse_complement(other) + reverse_complement(one)


def test_translate__a_start_is_methionine():
    assert translate("CTGCTG", first_is_start=True) == "ML"
    assert translate("CTGCTG") == "LL"
    assert translate("CCTCTG", first_is_start=True) == "PL"
    assert translate("auggcu", first_is_start=True) == "MA"


def test_translate__selenocysteine_only_where_it_is_tga():
    assert translate("TGATAATGA", selenocysteines=[0, 1, 2], to_stop=False) == "U*U"


def test_translate__refuses_other_letters():
    with pytest.raises(InputError, match="got 'R'"):
        translate("ATGRAA")


def test_genetic_code_of__chromosomes():
    assert genetic_code_of("chrMT") is GeneticCode.VERTEBRATE_MITOCHONDRIAL
    assert genetic_code_of("chr1") is GeneticCode.STANDARD
