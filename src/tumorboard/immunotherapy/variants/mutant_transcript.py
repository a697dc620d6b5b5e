"""Variants on one copy of a transcript: its bases with all of them, and the protein that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.base_source import BaseSource
from tumorboard.core.transcript import Transcript
from tumorboard.core.variant import SmallVariant
from tumorboard.errors import InputError
from tumorboard.immunotherapy.variants.reference_bases import require_reference
from tumorboard.immunotherapy.variants.spliced_transcript import SplicedTranscript, splice
from tumorboard.immunotherapy.variants.transcript_site import Edit, TranscriptSite, edit_of, site_of
from tumorboard.immunotherapy.variants.translation import GeneticCode, translate

__all__ = ["MutantProtein", "MutantTranscript", "mutant_protein", "mutant_transcript", "protein_of"]


@dataclass(frozen=True, slots=True, eq=False)
class MutantTranscript:
    """A spliced transcript with variants.

    Parameters
    ----------
    wild
        The transcript without them.
    cdna
        Its bases with them.
    origin
        Of each base the offset in the wild one's ``cdna``, -1 for bases that stand in its place where their
        number differs; shape ``(n_bases,)``.
    edits
        What was replaced, in order.
    """

    wild: SplicedTranscript
    cdna: str
    origin: NDArray[np.int64]
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True, eq=False)
class MutantProtein:
    """What a transcript with variants is translated into.

    Parameters
    ----------
    wild_type
        The protein without them, from the first whole codon.
    mutant
        With them; ``None`` where the start codon is lost: where translation starts then is not known.
    residue_origin
        Of each residue the number, from 0, of the wild residue whose codon it is, in its frame; -1 where it
        is of none; shape ``(n_residues,)``, empty without a mutant.
    stop_found
        Whether the mutant ends with a stop rather than where the bases do.
    stop_origin
        Offset in the wild ``cdna`` of the mutant's stop codon; -1 if it holds new bases or there is none.
    start_lost
        Whether the start codon is lost.
    """

    wild_type: str
    mutant: str | None
    residue_origin: NDArray[np.int64]
    stop_found: bool
    stop_origin: int
    start_lost: bool


def mutant_transcript(
    transcript: Transcript, genome: BaseSource, variants: Sequence[SmallVariant]
) -> MutantTranscript:
    """Return a transcript's bases with variants that lie on one copy of the chromosome.

    Parameters
    ----------
    transcript
        As annotated.
    genome
        Of the same assembly.
    variants
        Of its chromosome, in any order, insertions and deletions too; the same one twice counts once. Those
        in introns or outside change nothing.

    Returns
    -------
    MutantTranscript
        With where each base comes from.

    Raises
    ------
    InputError
        When the reference does not have a variant's bases; when two variants overlap, so that no copy can
        carry both; when one meets a splice site or the transcript's end, so that the bases are not known.

    Examples
    --------
    >>> class Toy:
    ...     def fetch(self, chromosome, first, last):
    ...         return "CCATGGCAGTAAGTCCAGTTTTAACC"[first - 1 : last]
    >>> transcript = Transcript("T1", "G", "1", "+", ((1, 8), (19, 26)), ((3, 8), (19, 24)))
    >>> both = [SmallVariant("1", 6, "G", "T"), SmallVariant("1", 8, "A", "ACA")]
    >>> mutant = mutant_transcript(transcript, Toy(), both)
    >>> mutant.cdna, mutant.origin.tolist()[6:12]
    ('CCATGTCACATTTTAACC', [6, 7, -1, -1, 8, 9])
    """
    for variant in variants:
        require_reference(variant, genome)
    return apply_variants(splice(transcript, genome), variants)


def apply_variants(spliced: SplicedTranscript, variants: Sequence[SmallVariant]) -> MutantTranscript:
    """Return a spliced transcript with variants whose reference is known to hold.

    Parameters
    ----------
    spliced
        Without them.
    variants
        As for :func:`mutant_transcript`.

    Raises
    ------
    InputError
        When two overlap, or one meets a splice site or the transcript's end.
    """
    edits = _edits(spliced, variants)
    pieces: list[str] = []
    origin: list[NDArray[np.int64]] = []
    done = 0
    for edit in edits:
        pieces += [spliced.cdna[done : edit.first], edit.bases]
        kept = edit.end - edit.first == len(edit.bases)
        origin.append(np.arange(done, edit.end if kept else edit.first))
        if not kept:
            origin.append(np.full(len(edit.bases), -1))
        done = edit.end
    pieces.append(spliced.cdna[done:])
    origin.append(np.arange(done, len(spliced.cdna)))
    return MutantTranscript(spliced, "".join(pieces), np.concatenate(origin).astype(np.int64), edits)


def _edits(spliced: SplicedTranscript, variants: Sequence[SmallVariant]) -> tuple[Edit, ...]:
    transcript = spliced.transcript
    found: dict[tuple[int, int, str], Edit] = {}
    for variant in variants:
        site = site_of(transcript, variant)
        if site in (TranscriptSite.SPLICE_SITE, TranscriptSite.EDGE):
            raise InputError(
                f"variants of a mutant {transcript.identifier} must lie within its exons or introns; "
                f"{variant.name} lies {site.value}; what is spliced then is not known: leave it out"
            )
        edit = edit_of(transcript, variant)
        if edit is not None:
            found[edit.first, edit.end, edit.bases] = edit
    edits = sorted(found.values(), key=lambda edit: (edit.first, edit.end))
    for before, behind in pairwise(edits):
        # Bases inserted twice before the same base have no order, so they contradict each other as well.
        if behind.first < before.end or (before.first, before.end) == (behind.first, behind.end):
            raise InputError(
                f"variants on one copy of {transcript.identifier} must not overlap; "
                f"{before.variant.name} and {behind.variant.name} do; one copy cannot carry both"
            )
    return tuple(edits)


def mutant_protein(
    transcript: Transcript, genome: BaseSource, variants: Sequence[SmallVariant]
) -> MutantProtein:
    """Return the protein of a transcript with variants that lie on one copy of the chromosome.

    Translation starts where the annotation says and goes on to the first stop, in the coding bases or beyond
    them, so that a lost stop and a shifted frame are read through what was not translated before.

    Parameters
    ----------
    transcript, genome, variants
        As for :func:`mutant_transcript`.

    Returns
    -------
    MutantProtein
        Equal to the wild type where no coding base changes.

    Raises
    ------
    InputError
        As :func:`mutant_transcript` does, and when the transcript is not translated.

    Examples
    --------
    >>> class Toy:
    ...     def fetch(self, chromosome, first, last):
    ...         return "CCATGGCAGTAAGTCCAGTTTTAACC"[first - 1 : last]
    >>> transcript = Transcript("T1", "G", "1", "+", ((1, 8), (19, 26)), ((3, 8), (19, 24)))
    >>> found = mutant_protein(transcript, Toy(), [SmallVariant("1", 7, "C", "A")])
    >>> found.wild_type, found.mutant, found.residue_origin.tolist()
    ('MAF', 'MEF', [0, 1, 2])
    """
    return protein_of(mutant_transcript(transcript, genome, variants))


def protein_of(mutant: MutantTranscript) -> MutantProtein:
    """Return the protein of a transcript with variants.

    Parameters
    ----------
    mutant
        Its bases.

    Raises
    ------
    InputError
        When the transcript is not translated.
    """
    wild = mutant.wild
    if not wild.is_translated:
        raise InputError(
            f"transcript of a mutant protein must be translated; {wild.transcript.identifier} is not"
        )
    start = _start(mutant)
    if start is None:
        return MutantProtein(wild.protein, None, np.empty(0, np.int64), False, -1, True)
    read = translate(
        mutant.cdna[start:], code=wild.code, to_stop=False, first_is_start=wild.transcript.starts_whole
    )
    codons = mutant.origin[start : start + 3 * len(read)].reshape(-1, 3)
    whole = (codons[:, 0] >= 0) & (codons[:, 1] == codons[:, 0] + 1) & (codons[:, 2] == codons[:, 0] + 2)
    place = np.where(whole, codons[:, 0], -1)
    seleno = []
    if wild.selenocysteines:
        seleno = [k for k in np.flatnonzero(np.isin(place, sorted(wild.selenocysteines))) if read[k] == "*"]
    # Only TGA: a codon of selenocysteine that became TAA or TAG is a stop.
    seleno = [k for k in seleno if mutant.cdna[start + 3 * k : start + 3 * k + 3] == "TGA"]
    if seleno:
        letters = list(read)
        for k in seleno:
            letters[k] = "U"
        read = "".join(letters)
    protein, stop, _ = read.partition("*")
    since = place - wild.first_codon
    in_frame = (place >= 0) & (since >= 0) & (since % 3 == 0) & (since // 3 < len(wild.protein))
    residue_origin = np.where(in_frame, since // 3, -1)[: len(protein)]
    residue_origin.flags.writeable = False
    stop_origin = int(place[len(protein)]) if stop else -1
    return MutantProtein(wild.protein, protein, residue_origin, bool(stop), stop_origin, False)


def _start(mutant: MutantTranscript) -> int | None:
    """Return where the first whole codon starts in the mutant, or none if the start codon is lost."""
    wild = mutant.wild
    first = wild.first_codon
    whole = wild.transcript.starts_whole
    # Where the annotation begins inside the coding bases, all before them is untranslated as well.
    untouched = first if whole else wild.coding_first
    left = first + sum(edit.growth for edit in mutant.edits if edit.end <= untouched)
    if not whole:
        return left
    touching = [edit for edit in mutant.edits if edit.end > first and edit.first < first + 3]
    if not touching:
        return left
    # A deletion may take bases of the start codon and leave one all the same, of the bases before or behind:
    # seen from behind, or, if it spares what lies before, from there.
    right = left + sum(edit.growth for edit in touching)
    candidates = [right] if touching[0].first < first else [left, right]
    codon = wild.cdna[first : first + 3]
    starts = {codon, "ATG", *(wild.code.starts if wild.code is not GeneticCode.STANDARD else ())}
    candidates = [k for k in candidates if k >= 0 and mutant.cdna[k : k + 3] in starts]
    behind = min((e.first for e in mutant.edits if e.first >= first + 3), default=len(wild.cdna))
    same = [k for k in candidates if mutant.cdna[k : k + behind - first] == wild.cdna[first:behind]]
    return next(iter(same or candidates), None)
