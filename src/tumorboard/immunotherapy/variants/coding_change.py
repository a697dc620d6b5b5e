"""What a variant within an exon does to the protein: its terms, the new protein, its name."""

from __future__ import annotations

from dataclasses import dataclass

from tumorboard.immunotherapy.variants.mutant_transcript import MutantProtein, apply_variants, protein_of
from tumorboard.immunotherapy.variants.protein_difference import difference, protein_name, silent_name
from tumorboard.immunotherapy.variants.spliced_transcript import SplicedTranscript
from tumorboard.immunotherapy.variants.transcript_site import Edit

__all__ = ["CodingChange", "coding_change"]

#: Our flag for a mutant that is read to the end of the transcript.
STOP_NOT_FOUND = "mutant_stop_not_found"


@dataclass(frozen=True, slots=True)
class CodingChange:
    """What a variant does to the protein of one transcript.

    Parameters
    ----------
    terms
        Of the Sequence Ontology, in no order.
    start, reference, alternative
        First residue that differs, counted from 1, and what is replaced by what; where all from there on
        differs, the first residue of each. ``None`` and empty where no residue is known to change.
    mutant
        The protein; ``None`` where it is not known.
    name
        In the notation of HGVS, may be empty.
    flags
        What is odd about it.
    """

    terms: frozenset[str]
    start: int | None = None
    reference: str = ""
    alternative: str = ""
    mutant: str | None = None
    name: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """What an edit touches: an insertion touches what it lies inside of, not what it lies beside."""

    before_first_codon: bool
    on_start: bool
    on_stop: bool
    only_on_stop: bool
    behind_stop: bool
    on_part_codon: bool
    beyond: frozenset[str]

    @classmethod
    def of(cls, spliced: SplicedTranscript, edit: Edit) -> _Place:
        first, end = spliced.first_codon, spliced.coding_end
        stop = spliced.stop_offset
        if stop is not None and stop + 3 > end and stop != end:
            stop = None  # not of the coding bases; an annotation may leave out the stop itself, though
        part = first + (end - first) // 3 * 3
        touches_start = edit.first < first + 3 and edit.end > first
        crossed = {
            "5_prime_UTR_variant": edit.first < spliced.coding_first < edit.end,
            "3_prime_UTR_variant": edit.first < end < edit.end,
        }
        return cls(
            before_first_codon=edit.first < first and edit.end <= first,
            on_start=spliced.transcript.starts_whole and touches_start,
            on_stop=stop is not None and edit.first < stop + 3 and edit.end > stop,
            only_on_stop=stop is not None and edit.first >= stop and edit.end > stop,
            behind_stop=stop is not None and edit.first >= stop + 3,
            on_part_codon=stop is None and part < end and edit.first >= part,
            beyond=frozenset(term for term, does in crossed.items() if does),
        )


def coding_change(spliced: SplicedTranscript, edit: Edit) -> CodingChange:
    """Return what a change of coding bases does to the protein.

    Parameters
    ----------
    spliced
        The transcript, translated.
    edit
        Of which one base at least is coding, or which lies between two that are.

    Returns
    -------
    CodingChange
        By comparison of the two proteins: where in a repeat an indel is written does not matter.
    """
    place = _Place.of(spliced, edit)
    shifts = edit.growth % 3 != 0 and not place.beyond
    terms = {*place.beyond, *(("frameshift_variant",) if shifts else ())}
    if place.behind_stop or (place.before_first_codon and not shifts):
        return CodingChange(frozenset({*terms, "coding_sequence_variant"}))
    found = protein_of(apply_variants(spliced, [edit.variant]))
    if found.mutant is None:
        residue = spliced.protein[:1]
        return CodingChange(frozenset({*terms, "start_lost"}), 1, residue, "", None, "p.Met1?")
    flags = () if found.stop_found else (STOP_NOT_FOUND,)
    if place.on_part_codon:
        terms |= {"incomplete_terminal_codon_variant", "coding_sequence_variant"}
        return CodingChange(frozenset(terms), mutant=found.mutant, flags=flags)
    wild = spliced.protein + ("*" if spliced.stop_offset is not None else "")
    mutant = found.mutant + ("*" if found.stop_found else "")
    if wild == mutant:
        return _silent(spliced, edit, place, terms, found.mutant, flags)
    gained = _gains_stop(spliced, place, found, wild, mutant, shifts=shifts)
    lost = place.on_stop and not gained and found.stop_origin != spliced.stop_offset
    changed = difference(wild, mutant, to_end=shifts or gained or lost)
    lost = lost or (shifts and changed.reference.startswith("*"))
    terms |= {"stop_gained"} if gained else set()
    terms |= {"stop_lost"} if lost else set()
    if place.beyond and not lost:
        terms.add("protein_altering_variant")
    elif not shifts and not place.beyond and not place.only_on_stop:
        terms |= _in_frame_terms(edit, changed.reference, changed.alternative, ends=gained or lost)
    name = protein_name(wild, mutant, shifted=shifts, to_end=gained or lost)
    reference, alternative = changed.reference, changed.alternative
    if shifts or gained or lost:
        reference, alternative = reference[:1], alternative[:1]
    return CodingChange(frozenset(terms), changed.start, reference, alternative, found.mutant, name, flags)


def _silent(
    spliced: SplicedTranscript,
    edit: Edit,
    place: _Place,
    terms: set[str],
    mutant: str,
    flags: tuple[str, ...],
) -> CodingChange:
    """Return a change that leaves the protein as it is."""
    if place.on_stop:
        terms = (terms - {"frameshift_variant"}) | {"stop_retained_variant"}
    elif place.on_start:
        terms = (terms - {"frameshift_variant"}) | {"start_retained_variant"}
    elif "frameshift_variant" not in terms:
        terms = terms | {"synonymous_variant"}
    number = max(edit.first - spliced.first_codon, 0) // 3
    residue = f"{spliced.protein}*"[number : number + 1]
    name = silent_name(residue, number + 1)
    return CodingChange(frozenset(terms), number + 1, residue, residue, mutant, name, flags)


def _gains_stop(
    spliced: SplicedTranscript, place: _Place, found: MutantProtein, wild: str, mutant: str, *, shifts: bool
) -> bool:
    """Whether the change itself makes a stop before the old one, not a new frame further on."""
    if not found.stop_found or place.only_on_stop:
        return False
    if shifts:
        changed = difference(wild, mutant, to_end=True)
        return changed.alternative.startswith("*") and bool(changed.reference)
    if found.stop_origin >= 0:
        return spliced.stop_offset is None or found.stop_origin < spliced.stop_offset
    # A deletion up to the stop may leave another of the bases on its sides: the protein ends early or not.
    return not place.on_stop or len(found.mutant or "") < len(found.wild_type)


def _in_frame_terms(edit: Edit, reference: str, alternative: str, *, ends: bool) -> set[str]:
    if edit.growth > 0:
        return {"inframe_insertion"} if ends or not reference else {"protein_altering_variant"}
    if edit.growth < 0:
        return {"inframe_deletion"} if ends or not alternative else {"protein_altering_variant"}
    return set() if ends else {"missense_variant"}
