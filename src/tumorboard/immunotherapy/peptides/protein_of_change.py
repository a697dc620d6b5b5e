"""The protein that a small variant makes of a transcript, or why there is none to be told."""

from __future__ import annotations

from typing import Final, NamedTuple

from tumorboard.core.neopeptide import DropReason
from tumorboard.core.variant import TranscriptChange
from tumorboard.immunotherapy.peptides.altered_protein import AlteredProtein, ProteinEdit, edit_between

__all__ = ["Refusal", "change_name", "protein_of_change", "refusal_of_protein", "stated_protein"]

#: Terms after which the rest of the protein is read in another frame, or on behind the old stop.
_NO_RETURN: Final = frozenset({"frameshift_variant", "stop_lost"})
#: Terms that say the protein is another one.
_CHANGING: Final = frozenset(
    {
        "missense_variant",
        "inframe_insertion",
        "inframe_deletion",
        "protein_altering_variant",
        "stop_gained",
        "coding_sequence_variant",
        *_NO_RETURN,
    }
)
_INCOMPLETE: Final = frozenset({"incomplete_terminal_codon_variant"})
_SPLICE: Final = frozenset({"splice_acceptor_variant", "splice_donor_variant", "transcript_ablation"})


class Refusal(NamedTuple):
    """Why a transcript's change gives no protein to look at.

    Parameters
    ----------
    reason
        As a code.
    note
        What was stated, for people.
    """

    reason: DropReason
    note: str


def protein_of_change(change: TranscriptChange) -> AlteredProtein | Refusal:
    """Work out the protein that a change makes.

    Where the source states the mutant protein (VEP's ``FrameshiftSequence``, or our own consequences) that
    is compared with the normal one. Otherwise the alternative residues take the place of the reference
    residues, which must stand in the normal protein where they are said to.

    Parameters
    ----------
    change
        Of one transcript.

    Returns
    -------
    AlteredProtein or Refusal
        A refusal where the protein is not known or nothing in it is new: each has its reason.

    Examples
    --------
    >>> kras = TranscriptChange("KRAS", "T1", ("missense_variant",), 12, "G", "V", "MTEYKLVVVGAGGVGKSALT")
    >>> made = protein_of_change(kras)
    >>> made.sequence, made.change
    ('MTEYKLVVVGAVGVGKSALT', 'G12V')
    >>> protein_of_change(TranscriptChange("TP53", "T2", ("stop_gained",), 3, "E", "*", "MEEPQ")).reason.name
    'STOP_GAINED'
    """
    made = stated_protein(change)
    return made if isinstance(made, Refusal) else (refusal_of_protein(made) or made)


def stated_protein(change: TranscriptChange) -> AlteredProtein | Refusal:
    """Work out the protein that a change makes, be anything in it new or not.

    Parameters
    ----------
    change
        Of one transcript.

    Returns
    -------
    AlteredProtein or Refusal
        A refusal only where the protein is not known, or the terms say that it stays as it is.

    Examples
    --------
    >>> stated_protein(TranscriptChange("TP53", "T2", ("stop_gained",), 3, "E", "*", "MEEPQ")).sequence
    'ME'
    """
    refused = _refused_by_terms(change)
    if refused:
        return refused
    wild_type = change.wild_type_protein
    if not wild_type:
        return Refusal(DropReason.NO_PROTEIN_SEQUENCE, "no wild-type protein")
    return _stated(change, wild_type) if change.mutant_protein else _replaced(change, wild_type)


def refusal_of_protein(protein: AlteredProtein) -> Refusal | None:
    """Return why a protein holds nothing new, if it does not.

    Parameters
    ----------
    protein
        As it is made.

    Examples
    --------
    >>> refusal_of_protein(AlteredProtein("ME", "MEEPQ", (ProteinEdit(2, 5, 2, 2),), "E3del")).note
    '2 of 5 residues, none of them new'
    """
    if protein.sequence == protein.wild_type:
        return Refusal(DropReason.NO_PROTEIN_CHANGE, "both proteins are the same")
    if protein.wild_type.startswith(protein.sequence):
        return Refusal(
            DropReason.STOP_GAINED,
            f"{len(protein.sequence)} of {len(protein.wild_type)} residues, none of them new",
        )
    return None


def _refused_by_terms(change: TranscriptChange) -> Refusal | None:
    """Return why the terms alone leave nothing to look at."""
    terms = frozenset(change.consequences)
    said = "&".join(change.consequences)
    if "start_lost" in terms:
        return Refusal(DropReason.START_LOST, said)
    if terms & _INCOMPLETE:
        return Refusal(DropReason.INCOMPLETE_TRANSCRIPT, said)
    if terms & _CHANGING:
        return None
    if terms & _SPLICE:
        return Refusal(DropReason.NO_PROTEIN_SEQUENCE, f"{said}: what is spliced instead is not stated")
    return Refusal(DropReason.NO_PROTEIN_CHANGE, said)


def _stated(change: TranscriptChange, wild_type: str) -> AlteredProtein | Refusal:
    """Compare the mutant protein that the source states with the normal one."""
    sequence = (change.mutant_protein or "").partition("*")[0]
    shifted = bool(_NO_RETURN.intersection(change.consequences))
    stops = not shifted and "stop_gained" in change.consequences
    edit = edit_between(wild_type, sequence, in_frame=not shifted and not stops)
    if edit is None:
        return AlteredProtein(sequence, wild_type, (), "")
    if change.protein_start is not None and edit.start < change.protein_start - 1:
        # A source that reads its two sequences differently (another genetic code, an edited transcript)
        # would give peptides that no variant makes.
        return Refusal(
            DropReason.REFERENCE_MISMATCH,
            f"the stated proteins differ from residue {edit.start + 1}, the change is at "
            f"{change.protein_start}",
        )
    name = change_name(wild_type, sequence, edit, stops=stops)
    if shifted and edit.keeps_length:
        # The new frame stops by chance where the old one did.
        name = f"FS {edit.reference_start + 1}"
    return AlteredProtein(sequence, wild_type, (edit,), name)


def _replaced(change: TranscriptChange, wild_type: str) -> AlteredProtein | Refusal:
    """Put the alternative residues in the place of the reference residues."""
    said = f"{change.reference_residues or '-'}/{change.alternative_residues or '-'}"
    if _NO_RETURN.intersection(change.consequences):
        return Refusal(
            DropReason.NO_PROTEIN_SEQUENCE,
            f"{'&'.join(change.consequences)}: what follows {said} is not stated",
        )
    if change.protein_start is None or not (change.reference_residues or change.alternative_residues):
        return Refusal(
            DropReason.NO_PROTEIN_SEQUENCE, f"{'&'.join(change.consequences)}: no place or residues stated"
        )
    reference = change.reference_residues
    start = change.protein_start - 1 if reference else change.protein_start
    there = wild_type[start : start + len(reference)]
    if start < 0 or start > len(wild_type) or there != reference.partition("*")[0]:
        return Refusal(
            DropReason.REFERENCE_MISMATCH,
            f"{said} at {change.protein_start}, where the wild-type protein has {there or 'nothing'!r}",
        )
    if "*" in reference and "*" not in change.alternative_residues:
        return Refusal(DropReason.NO_PROTEIN_SEQUENCE, f"{said}: what follows the lost stop is not stated")
    head, stop, _ = change.alternative_residues.partition("*")
    tail = "" if stop else wild_type[start + len(reference) :]
    sequence = wild_type[:start] + head + tail
    edit = edit_between(wild_type, sequence, in_frame=not stop)
    if edit is None:
        return AlteredProtein(sequence, wild_type, (), "")
    name = change_name(wild_type, sequence, edit, stops=bool(stop))
    return AlteredProtein(sequence, wild_type, (edit,), name)


def change_name(wild_type: str, sequence: str, edit: ProteinEdit, *, stops: bool = False) -> str:
    """Name an edit for people: the manner of HGVS, without its rule of shifting repeats.

    Parameters
    ----------
    wild_type, sequence
        The normal and the altered protein.
    edit
        That leads from one to the other.
    stops
        Whether the altered protein ends there by a stop in frame.

    Returns
    -------
    str
        ``"R175H"``, ``"E746_A750del"``, ``"D770_N771insSVD"``, ``"L747_A750delinsP"``; ``"FS 112"`` where
        nothing of the normal protein follows, and ``"ext 390"`` where it goes on behind its end;
        ``"R196*"`` or ``"G10delinsP*"`` where it ends by a stop in frame.

    Examples
    --------
    >>> change_name("MAGK", "MK", ProteinEdit(1, 3, 1, 1))
    'A2_G3del'
    """
    was = wild_type[edit.reference_start : edit.reference_end]
    now = sequence[edit.start : edit.end]
    first = edit.reference_start + 1
    if stops:
        return f"{was[:1]}{first}delins{now}*" if now else f"{was[:1]}{first}*"
    if edit.reference_end == len(wild_type) and edit.end == len(sequence) and not edit.keeps_length and now:
        return f"FS {first}" if was else f"ext {first}"
    if len(was) == len(now) == 1:
        return f"{was}{first}{now}"
    if not was:
        before, after = wild_type[first - 2 : first - 1], wild_type[first - 1 : first]
        return f"{before}{first - 1}_{after}{first}ins{now}"
    place = f"{was[0]}{first}" if len(was) == 1 else f"{was[0]}{first}_{was[-1]}{edit.reference_end}"
    return f"{place}delins{now}" if now else f"{place}del"
