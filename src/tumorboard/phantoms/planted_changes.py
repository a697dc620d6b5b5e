"""Genes around planted epitopes, and the changes of bases that make these."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from tumorboard.core.variant import VariantEvidence
from tumorboard.errors import InputError
from tumorboard.phantoms.planted_epitopes import Making, PlantedEpitope
from tumorboard.phantoms.synthetic_gene import (
    CODONS,
    SyntheticGene,
    coding_bases,
    random_protein,
    residues_of,
)

__all__ = ["BaseChange", "planted_gene"]

#: Beside a planted peptide stand residues that hold nothing in a groove, so that it is the best around.
_QUIET: Final = "DEGNSQ"
_FLANK: Final = 14
_END: Final = 90
_TRIES: Final = 2000


@dataclass(frozen=True, slots=True)
class BaseChange:
    """A change of a gene's coding bases.

    Parameters
    ----------
    offset
        Of the first base of ``reference`` in the coding bases, counted from 0.
    reference, alternative
        Bases; the first is the same in both where lengths differ.
    evidence
        How it was seen.
    gene_tpm
        Expression of the gene [transcripts per million].
    phase_block
        Name of the block of changes that lie on one copy; ``None`` if not known.
    filters
        That it failed.
    """

    offset: int
    reference: str
    alternative: str
    evidence: VariantEvidence
    gene_tpm: float
    phase_block: str | None
    filters: tuple[str, ...] = ()


def planted_gene(
    rng: np.random.Generator, epitope: PlantedEpitope
) -> tuple[SyntheticGene, tuple[BaseChange, ...]]:
    """Return a gene whose normal protein lacks a planted peptide, and what makes the tumour's hold it.

    Parameters
    ----------
    rng
        The random numbers.
    epitope
        What is planted.
    """
    if epitope.making is Making.FRAMESHIFT:
        return _frameshift(rng, epitope)
    head = "M" + random_protein(rng, _END) + _quiet(rng)
    tail = _quiet(rng) + random_protein(rng, _END)
    made = [CODONS[r][rng.integers(len(CODONS[r]))] for r in epitope.normal]
    edits: list[tuple[int, str, str]] = []
    if epitope.making is Making.DELETION:
        kept = _kept_before(epitope)
        lost = len(epitope.normal) - len(epitope.peptide)
        edits = [(kept, "".join(made[kept : kept + lost]), "")]
    else:
        for place, (old, new) in enumerate(zip(epitope.normal, epitope.peptide, strict=True)):
            if old != new:
                made[place], changed = _one_base_apart(old, new)
                edits.append((place, made[place], changed))
    before, after = coding_bases(rng, head)[:-3], coding_bases(rng, tail)
    coding = before + "".join(made) + after
    gene = _gene(epitope, head + epitope.normal + tail, coding)
    return gene, tuple(_edit(epitope, coding, len(before) + 3 * place, old, new) for place, old, new in edits)


def _edit(epitope: PlantedEpitope, coding: str, offset: int, old: str, new: str) -> BaseChange:
    block = epitope.gene if epitope.making is Making.TWO_SUBSTITUTIONS else None
    if not new:  # a deletion is written with the base before it
        return _change(epitope, offset - 1, coding[offset - 1] + old, coding[offset - 1], block)
    k = next(k for k in range(3) if old[k] != new[k])
    return _change(epitope, offset + k, old[k], new[k], block)


def _change(
    epitope: PlantedEpitope, offset: int, reference: str, alternative: str, block: str | None
) -> BaseChange:
    seen = VariantEvidence(
        tumour_depth=210,
        tumour_vaf=epitope.tumour_vaf,
        normal_depth=160,
        normal_vaf=0.0,
        rna_depth=90,
        rna_vaf=epitope.rna_vaf,
        in_tumour=True,
    )
    return BaseChange(offset, reference, alternative, seen, epitope.gene_tpm, block)


def _frameshift(
    rng: np.random.Generator, epitope: PlantedEpitope
) -> tuple[SyntheticGene, tuple[BaseChange, ...]]:
    """Return a gene in which one base less opens a frame that holds the peptide.

    Behind the lost base the new frame's codons are drawn until the normal frame has no stop among them.
    """
    head = "M" + random_protein(rng, _END) + _quiet(rng)
    before = coding_bases(rng, head)[:-3]
    for _ in range(_TRIES):
        opened = coding_bases(rng, _quiet(rng) + epitope.peptide + _quiet(rng))
        lost = str(rng.choice(list("ACGT")))
        shifted = lost + opened
        shifted += "".join(rng.choice(list("ACGT"), -len(shifted) % 3))
        middle = residues_of(shifted)
        # The base that is lost must be told from its neighbours, else the deletion has two names.
        if "*" not in middle and lost not in (before[-1], opened[0]):
            tail = random_protein(rng, _END)
            coding = before + shifted + coding_bases(rng, tail)
            change = _change(epitope, len(before) - 1, before[-1] + lost, before[-1], None)
            return _gene(epitope, head + middle + tail, coding), (change,)
    raise InputError(f"peptide of {epitope.gene} must fit into another frame without a stop; it does not")


def _one_base_apart(old: str, new: str) -> tuple[str, str]:
    """Return codons of two residues that differ in one base."""
    for one, other in product(CODONS[old], CODONS[new]):
        if sum(a != b for a, b in zip(one, other, strict=True)) == 1:
            return one, other
    raise InputError(f"residues must be one base apart; {old} and {new} are not; plant another exchange")


def _kept_before(epitope: PlantedEpitope) -> int:
    """Return how many residues of the peptide stand before those that are lost."""
    lost = len(epitope.normal) - len(epitope.peptide)
    for kept in range(1, len(epitope.peptide)):
        if epitope.normal[:kept] + epitope.normal[kept + lost :] == epitope.peptide:
            return kept
    raise InputError(f"normal of {epitope.gene} must be its peptide with residues put in; it is not")


def _quiet(rng: np.random.Generator) -> str:
    return "".join(rng.choice(list(_QUIET), _FLANK))


def _gene(epitope: PlantedEpitope, protein: str, coding: str) -> SyntheticGene:
    return SyntheticGene(epitope.gene, f"DEMOT_{epitope.gene}.1", protein, coding)
