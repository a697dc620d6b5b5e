"""A tumour's changes: small variants, what they do to transcripts, fusions, splice junctions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tumorboard.core.chromosome import plain_chromosome
from tumorboard.errors import InputError

__all__ = [
    "Fusion",
    "Phase",
    "SmallVariant",
    "SpliceJunction",
    "TranscriptChange",
    "VariantEvidence",
    "without_shared_ends",
]

_BASES = re.compile(r"[ACGTN]+\Z")


@dataclass(frozen=True, slots=True)
class Phase:
    """Which copy of the chromosome a variant lies on, known within a block.

    Parameters
    ----------
    block
        Name of the phase set (VCF ``PS``, ``PID``, ``HP``); phases of two blocks cannot be compared.
    haplotype
        0 or 1; two variants of one block with one haplotype lie on the same copy.
    """

    block: str
    haplotype: int

    def __post_init__(self) -> None:
        if not self.block or self.haplotype not in (0, 1):
            raise InputError(
                f"phase must be a named block with haplotype 0 or 1; got {self.block!r}, {self.haplotype!r}"
            )


@dataclass(frozen=True, slots=True)
class VariantEvidence:
    """How a variant was seen; ``None`` where the file does not say.

    Parameters
    ----------
    tumour_depth, normal_depth, rna_depth
        Reads over the site.
    tumour_vaf, normal_vaf, rna_vaf
        Fraction of reads with the alternative, 0 to 1.
    in_tumour
        Whether the tumour sample's genotype has the alternative.
    """

    tumour_depth: int | None = None
    tumour_vaf: float | None = None
    normal_depth: int | None = None
    normal_vaf: float | None = None
    rna_depth: int | None = None
    rna_vaf: float | None = None
    in_tumour: bool | None = None

    def __post_init__(self) -> None:
        for name in ("tumour_vaf", "normal_vaf", "rna_vaf"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise InputError(
                    f"{name} must be a fraction from 0 to 1; got {value!r}; divide percent by 100"
                )
        for name in ("tumour_depth", "normal_depth", "rna_depth"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise InputError(f"{name} must be a number of reads, 0 or more; got {value!r}")


@dataclass(frozen=True, slots=True)
class SmallVariant:
    """A substitution, insertion or deletion of a few bases, as a VCF record states it.

    Parameters
    ----------
    chromosome
        As in the file, with or without ``chr``.
    position
        Of the first base of ``reference``, counted from 1.
    reference, alternative
        Bases, A, C, G, T or N, on the forward strand; not empty, not equal.
    filters
        Filters that it failed; empty for PASS.
    somatic
        ``False`` for a germline variant, which matters as a neighbour only.
    phase
        Its copy of the chromosome, if known.
    evidence
        How it was seen.
    homozygous
        Whether every copy of the chromosome carries it; ``None`` if the source does not say.

    Raises
    ------
    InputError
        When bases or position are none.

    Examples
    --------
    >>> SmallVariant("chr17", 7675088, "C", "T").name
    'chr17-7675088-C-T'
    """

    chromosome: str
    position: int
    reference: str
    alternative: str
    filters: tuple[str, ...] = ()
    somatic: bool = True
    phase: Phase | None = None
    evidence: VariantEvidence = field(default_factory=VariantEvidence)
    homozygous: bool | None = None

    def __post_init__(self) -> None:
        if self.position < 1:
            raise InputError(f"position of a variant must be counted from 1; got {self.position}")
        for name in ("reference", "alternative"):
            bases = getattr(self, name)
            if not _BASES.match(bases):
                raise InputError(
                    f"{name} of {self.chromosome}:{self.position} must be bases A, C, G, T or N; "
                    f"got {bases!r}; "
                    "symbolic and missing alleles name no sequence"
                )
        if self.reference == self.alternative:
            raise InputError(f"alternative of {self.name} must differ from its reference")

    @property
    def name(self) -> str:
        """Chromosome, position, reference and alternative, joined by ``-``."""
        return f"{self.chromosome}-{self.position}-{self.reference}-{self.alternative}"

    @property
    def plain_name(self) -> str:
        """The name to compare with another file's, whose chromosomes may be named with ``chr`` or without."""
        return f"{plain_chromosome(self.chromosome)}-{self.position}-{self.reference}-{self.alternative}"

    @property
    def end(self) -> int:
        """Position of the last base of ``reference``."""
        return self.position + len(self.reference) - 1


def without_shared_ends(reference: str, alternative: str) -> tuple[int, str, str]:
    """Return what is replaced by what, without the bases that both share: those in front go first.

    Parameters
    ----------
    reference, alternative
        Bases.

    Returns
    -------
    tuple
        How many go in front, and the bases that are left, of which one may be empty.

    Examples
    --------
    >>> without_shared_ends("GCT", "GT"), without_shared_ends("CAA", "CA"), without_shared_ends("G", "GA")
    ((1, 'C', ''), (2, 'A', ''), (1, '', 'A'))
    """
    shorter = min(len(reference), len(alternative))
    before = 0
    while before < shorter and reference[before] == alternative[before]:
        before += 1
    behind = 0
    while behind < shorter - before and reference[-1 - behind] == alternative[-1 - behind]:
        behind += 1
    return (
        before,
        reference[before : len(reference) - behind],
        alternative[before : len(alternative) - behind],
    )


@dataclass(frozen=True, slots=True)
class TranscriptChange:
    """What a variant does to one transcript's protein.

    Parameters
    ----------
    gene
        Symbol, or the identifier where there is none.
    transcript
        Identifier with its version if the source gives one.
    consequences
        Terms of the Sequence Ontology, e.g. ``"missense_variant"``, most severe first.
    protein_start
        First changed residue, counted from 1 (of an insertion: the residue before it); ``None`` if unknown.
    reference_residues, alternative_residues
        What is replaced by what; ``"*"`` for a stop; empty for the missing side of an insertion or deletion.
    wild_type_protein
        The transcript's protein without the change, without ``*``; ``None`` if the source lacks it.
    mutant_protein
        The protein with it, from its start to the stop, if the source states it or we worked it out.
    biotype
        E.g. ``"protein_coding"``.
    canonical, mane_select
        Whether the source calls the transcript so; ``None`` if it does not say.
    support_level
        Transcript support level 1 (best) to 5, ``None`` if not known.
    transcript_tpm, gene_tpm
        Expression [transcripts per million], ``None`` if not known.
    hgvs_coding, hgvs_protein
        Names of the change, may be empty.
    flags
        What the source remarks, e.g. ``"cds_start_NF"``.
    codons
        What becomes of the codons, changed bases in capitals, e.g. ``"cCt/cGt"``; may be empty.
    gene_identifier
        E.g. ``"ENSG00000133703"``; may be empty.
    """

    gene: str
    transcript: str
    consequences: tuple[str, ...]
    protein_start: int | None = None
    reference_residues: str = ""
    alternative_residues: str = ""
    wild_type_protein: str | None = None
    mutant_protein: str | None = None
    biotype: str = "protein_coding"
    canonical: bool | None = None
    mane_select: bool | None = None
    support_level: int | None = None
    transcript_tpm: float | None = None
    gene_tpm: float | None = None
    hgvs_coding: str = ""
    hgvs_protein: str = ""
    flags: tuple[str, ...] = ()
    codons: str = ""
    gene_identifier: str = ""

    def __post_init__(self) -> None:
        if not self.transcript:
            raise InputError("transcript of a change must have an identifier; got an empty one")
        if self.protein_start is not None and self.protein_start < 0:
            raise InputError(f"protein_start must be counted from 1; got {self.protein_start}")


@dataclass(frozen=True, slots=True)
class Fusion:
    """Two genes joined, and the peptide across the joint as the caller states it.

    Parameters
    ----------
    gene_5, gene_3
        Symbols of the partners that give the start and the end.
    breakpoint_5, breakpoint_3
        ``"chromosome:position"``, the last base of the first and the first base of the second.
    peptide
        Residues of one letter, from the first partner through the joint to the stop or the end of what is
        known; ``None`` if the caller gives none.
    joint
        Number of residues that come from the first partner alone; the residue at this index, counted from
        0, is the first that is new.
    in_frame
        Whether the second partner is read in its own frame; ``None`` if not known.
    reads
        Reads that support it (split and spanning).
    confidence
        The caller's word for it, may be empty.
    transcript_5, transcript_3
        May be empty.
    caller
        E.g. ``"Arriba"``.
    resume
        Index, counted from 0, of the first residue that the second partner has there itself: ``joint``, or
        more where a codon lies across the joint or bases were put in between. ``None`` out of frame, and
        where it is not known.
    ends_at_joint
        Whether translation stops at the joint or before it, so that nothing new is made.
    """

    gene_5: str
    gene_3: str
    breakpoint_5: str
    breakpoint_3: str
    peptide: str | None
    joint: int | None
    in_frame: bool | None
    reads: int
    confidence: str
    transcript_5: str
    transcript_3: str
    caller: str
    resume: int | None = None
    ends_at_joint: bool = False

    def __post_init__(self) -> None:
        if (self.peptide is None) != (self.joint is None):
            raise InputError(f"fusion {self.name} must state its peptide and its joint, or neither")
        if self.peptide is not None and not 0 <= (self.joint or 0) <= len(self.peptide):
            raise InputError(
                f"joint of fusion {self.name} must lie within its {len(self.peptide)} residues; "
                f"got {self.joint}"
            )
        if self.resume is not None and not (self.joint or 0) <= self.resume <= len(self.peptide or ""):
            raise InputError(
                f"resume of fusion {self.name} must lie from its joint {self.joint} to the end of its "
                f"{len(self.peptide or '')} residues; got {self.resume}"
            )

    @property
    def name(self) -> str:
        """Partners and break points."""
        return f"{self.gene_5}--{self.gene_3} {self.breakpoint_5}|{self.breakpoint_3}"


@dataclass(frozen=True, slots=True)
class SpliceJunction:
    """An intron that was seen to be cut out, or to be kept.

    Parameters
    ----------
    chromosome
        As in the file.
    start, end
        First and last base of the intron, counted from 1.
    strand
        ``"+"`` or ``"-"``; ``"."`` if not known.
    reads
        Reads across it; ``None`` if the file predicts junctions and counts none.
    kind
        The caller's word, e.g. RegTools' ``"D"``, ``"A"``, ``"NDA"``; may be empty.
    known
        Whether the annotation has it; ``None`` if not said.
    gene
        Symbol, may be empty.
    transcripts
        Identifiers of transcripts that it changes, may be empty.
    variants
        Names of variants that may cause it, may be empty.
    caller
        E.g. ``"RegTools"``.
    retained
        Whether the intron was kept instead of cut out. ``end`` may then be ``start - 1``: what was seen is
        that reads run on over the exon's border between these two bases, not how far.
    """

    chromosome: str
    start: int
    end: int
    strand: str
    reads: int | None
    kind: str
    known: bool | None
    gene: str
    transcripts: tuple[str, ...]
    variants: tuple[str, ...]
    caller: str
    retained: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.start <= self.end + self.retained:
            raise InputError(
                f"junction must run from its first to its last intron base, counted from 1; "
                f"got {self.chromosome}:{self.start}-{self.end}"
            )
        if self.strand not in ("+", "-", "."):
            raise InputError(f"strand of a junction must be +, - or .; got {self.strand!r}")

    @property
    def name(self) -> str:
        """Where the intron lies: ``chromosome:start-end:strand``, and whether it was kept."""
        return f"{self.chromosome}:{self.start}-{self.end}:{self.strand}{' kept' if self.retained else ''}"
