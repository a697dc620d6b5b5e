"""What a sample's column of a VCF says of one alternative: genotype, reads, phase, expression.

Callers name the same things differently. Read are: ``AD``, ``AF``, ``DP`` (Mutect2, GATK, and what
vcf-readcount-annotator adds), ``FREQ``, ``RD``, ``AD`` with one number (VarScan), ``AU`` ``CU`` ``GU``
``TU``, ``TAR`` ``TIR`` (Strelka: first tier, alternative over alternative and reference), ``RO``, ``AO``
(FreeBayes); for RNA ``RDP``, ``RAD``, ``RAF``; ``GX``, ``TX`` for expression; ``PS``, ``PGT`` ``PID``,
``HP`` for phase.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tumorboard.core.variant import Phase
from tumorboard.io.vcf_text import is_whole, percent_decoded, real_number, whole_number

__all__ = ["Genotype", "expression_of", "genotype_of", "phase_of", "reads_of", "rna_reads_of"]

_ALLELES: Final = re.compile(r"[/|]")

#: Values of one sample by their FORMAT key.
Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Genotype:
    """Which alleles a sample has of one record.

    Parameters
    ----------
    alleles
        Index of each copy's allele, 0 the reference; ``None`` where it was not called.
    phased
        Whether their order says which copy has which.
    """

    alleles: tuple[int | None, ...]
    phased: bool

    def has(self, allele: int) -> bool | None:
        """Return whether a copy has the allele; ``None`` if no copy was called."""
        if allele in self.alleles:
            return True
        return None if all(found is None for found in self.alleles) else False

    def on_every_copy(self, allele: int) -> bool | None:
        """Return whether all copies have the allele; ``None`` if no copy was called."""
        if all(found is None for found in self.alleles):
            return None
        return all(found == allele for found in self.alleles)


def genotype_of(values: Values) -> Genotype:
    """Return the genotype (``GT``), of no called copy if there is none.

    Examples
    --------
    >>> genotype_of({"GT": "0|1"}).has(1), genotype_of({"GT": "0/0"}).has(1), genotype_of({}).has(1)
    (True, False, None)
    """
    text = values.get("GT", ".")
    # VCF 4.4 allows a mark before the first allele too.
    alleles = tuple(int(part) if is_whole(part) else None for part in _ALLELES.split(text.lstrip("/|")))
    return Genotype(alleles, "|" in text and "/" not in text)


def reads_of(
    values: Values, allele: int, alternatives: int, reference: str, alternative: str
) -> tuple[int | None, float | None]:
    """Return depth and fraction of one alternative's reads, each ``None`` if not said.

    Parameters
    ----------
    values
        Of the sample.
    allele
        Index of the alternative, from 1.
    alternatives
        How many the record has.
    reference, alternative
        Bases, for Strelka's counts.

    Examples
    --------
    >>> reads_of({"AD": "30,10", "AF": "0.2"}, 1, 1, "A", "T")
    (40, 0.2)
    >>> reads_of({"DP": "98", "CU": "58,58", "TU": "39,43"}, 1, 1, "C", "T")
    (98, 0.4020618556701031)
    """
    counted = _counts(values, allele, alternatives, reference, alternative)
    depth = whole_number(values.get("DP", "."))
    if depth is None and counted is not None:
        depth = counted[0]
    fraction = _fraction(_of_allele(values.get("AF"), allele, alternatives))
    if fraction is None:
        fraction = _percent(values.get("FREQ"), allele, alternatives)
    if fraction is None and counted is not None and counted[0]:
        # Mutect and the like count only reads that tell alleles apart: not over DP, which has all.
        fraction = counted[1] / counted[0]
    return depth, fraction


def rna_reads_of(values: Values, allele: int, alternatives: int) -> tuple[int | None, float | None]:
    """Return depth and fraction of one alternative's reads of RNA, each ``None`` if not said.

    Examples
    --------
    >>> rna_reads_of({"RDP": "20", "RAD": "15,5", "RAF": "0.25"}, 1, 1)
    (20, 0.25)
    """
    counts = _allele_counts(values.get("RAD"), alternatives)
    depth = whole_number(values.get("RDP", "."))
    fraction = _fraction(_of_allele(values.get("RAF"), allele, alternatives))
    if counts is not None:
        total = sum(counts)
        depth = total if depth is None else depth
        fraction = counts[allele] / total if fraction is None and total else fraction
    return depth, fraction


def phase_of(
    values: Values, genotype: Genotype, allele: int, alternatives: int, *, block: str, chromosome: str
) -> Phase | None:
    """Return which copy has the alternative; ``None`` if unknown, or if it is not on exactly one of two.

    Parameters
    ----------
    values, genotype
        Of the sample.
    allele
        Index of the alternative, from 1.
    alternatives
        How many the record has.
    block
        Put before the name of the phase set: phases of two files or samples cannot be compared.
    chromosome
        Phase sets are named by positions, which are unique on a chromosome only.

    Examples
    --------
    >>> values = {"GT": "1|0", "PS": "100"}
    >>> phase_of(values, genotype_of(values), 1, 1, block="f", chromosome="1")
    Phase(block='f:1:PS100', haplotype=0)
    """
    own = _copy_of(genotype.alleles, allele)
    name = values.get("PS", ".")
    if genotype.phased and own is not None and name != ".":
        return Phase(f"{block}:{chromosome}:PS{name}", own)
    physical, identifier = values.get("PGT", "."), values.get("PID", ".")
    if identifier != "." and "|" in physical and alternatives == 1:  # PGT tells reference from the rest
        copy = _copy_of(genotype_of({"GT": physical}).alleles, 1)
        return None if copy is None else Phase(f"{block}:{chromosome}:PID{identifier}", copy)
    haplotypes = values.get("HP", ".").split(",")
    slot = _copy_of(genotype.alleles, allele)
    if len(haplotypes) == 2 and slot is not None:
        # One entry for each allele of GT, "position of the block's first - number of the copy".
        start, _, number = haplotypes[slot].rpartition("-")
        if start and number in ("1", "2"):
            return Phase(f"{block}:{chromosome}:HP{start}", int(number) - 1)
    if genotype.phased and own is not None and identifier == ".":
        # VCF 4.2, section 1.4.2: all phased genotypes without PS belong to the same phased set.
        return Phase(f"{block}:{chromosome}:phased", own)
    return None


def expression_of(values: Values, key: str) -> dict[str, float]:
    """Return the expression by gene (``GX``) or transcript (``TX``), as vcf-expression-annotator writes it.

    Examples
    --------
    >>> expression_of({"TX": "ENST1.2|0.5,ENST3|1e1"}, "TX")
    {'ENST1.2': 0.5, 'ENST3': 10.0}
    """
    found: dict[str, float] = {}
    for entry in values.get(key, ".").split(","):
        name, _, value = percent_decoded(entry).rpartition("|")
        number = real_number(value)
        if name and number is not None and number >= 0:
            found[name] = number
    return found


def _counts(
    values: Values, allele: int, alternatives: int, reference: str, alternative: str
) -> tuple[int, int] | None:
    """Return the reads that tell alleles apart, all and the alternative's; ``None`` if there are none."""
    counts = _allele_counts(values.get("AD"), alternatives)
    if counts is not None:
        return sum(counts), counts[allele]
    for first, others in (("RD", "AD"), ("RO", "AO")):  # VarScan, FreeBayes
        counts = _allele_counts(f"{values.get(first, '.')},{values.get(others, '.')}", alternatives)
        if counts is not None:
            return sum(counts), counts[allele]
    pair = (f"{reference}U", f"{alternative}U") if len(reference) == len(alternative) == 1 else ("TAR", "TIR")
    if pair[0] in values and pair[1] in values:
        against, own = (whole_number(values[key].split(",")[0]) for key in pair)
        if against is not None and own is not None:
            return against + own, own
    return None


def _allele_counts(text: str | None, alternatives: int) -> list[int] | None:
    """Return the reads of every allele, the reference's first; ``None`` unless all are there."""
    counts = [whole_number(part) for part in (text or ".").split(",")]
    known = [count for count in counts if count is not None]
    return known if len(known) == len(counts) == alternatives + 1 else None


def _copy_of(alleles: tuple[int | None, ...], allele: int) -> int | None:
    """Return which of two copies has the allele; ``None`` unless exactly one does."""
    here = [index for index, found in enumerate(alleles) if found == allele]
    return here[0] if len(alleles) == 2 and len(here) == 1 else None


def _of_allele(text: str | None, allele: int, alternatives: int) -> str:
    """Return the alternative's part of a field with one value for each; missing if they do not match."""
    parts = (text or ".").split(",")
    return parts[allele - 1] if len(parts) == alternatives else "."


def _fraction(text: str) -> float | None:
    value = real_number(text)
    return value if value is not None and 0 <= value <= 1 else None


def _percent(text: str | None, allele: int, alternatives: int) -> float | None:
    part = percent_decoded(_of_allele(text, allele, alternatives))
    if not part.endswith("%"):
        return _fraction(part)
    value = real_number(part[:-1])
    return None if value is None or not 0 <= value <= 100 else value / 100
