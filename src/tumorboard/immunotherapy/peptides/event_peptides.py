"""Gathers the peptides of an event over its transcripts, and what was dropped of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tumorboard.core.neopeptide import DroppedPeptide, DropReason, Neopeptide, OriginKind, PeptideOrigin
from tumorboard.immunotherapy.peptides.altered_protein import AlteredProtein
from tumorboard.immunotherapy.peptides.haplotype import Haplotype
from tumorboard.immunotherapy.peptides.protein_of_change import Refusal
from tumorboard.immunotherapy.peptides.windows import FoundWindows, find_windows

__all__ = ["DoubtfulResidues", "EventPeptides"]


class DoubtfulResidues(NamedTuple):
    """Residues that a variant changes if it lies on the same copy, which is not known.

    Parameters
    ----------
    start, end
        In the protein without it, counted from 0, the end not included.
    note
        For people, e.g. ``"V14E not phased"``.
    """

    start: int
    end: int
    note: str


class _Told(NamedTuple):
    """What is told of one peptide: the variants it shows, its change in words, and why it cannot be kept."""

    events: tuple[str, ...]
    change: str
    unknown: str


class EventPeptides:
    """Gathers the peptides of an event over its transcripts, and what was dropped of them.

    Parameters
    ----------
    kind
        Of the event.
    events
        Its names, the one it is listed under first.
    """

    def __init__(self, kind: OriginKind, events: tuple[str, ...]) -> None:
        self._kind = kind
        self._events = events
        self._found: dict[
            tuple[str, str | None, tuple[str, ...]], tuple[tuple[int, ...], list[PeptideOrigin]]
        ] = {}
        self._dropped: list[DroppedPeptide] = []
        #: Names of variants, and transcripts, of which at least one peptide or refusal is listed.
        self.listed: set[tuple[str, str]] = set()
        #: Of those that only dropped peptides of other names show: why these were dropped.
        self.shown: dict[tuple[str, str], DropReason] = {}

    def refuse(self, gene: str, transcript: str, refusal: Refusal, event: str = "") -> None:
        """List a whole transcript's change as dropped."""
        self._drop(refusal.reason, "", event or self._events[0], gene, transcript, refusal.note)

    def add(self, gene: str, transcript: str, protein: AlteredProtein, lengths: Sequence[int]) -> None:
        """Take all peptides that a transcript's protein gives."""
        told = _Told(self._events, protein.change, "")
        self._take(gene, transcript, protein, find_windows(protein, lengths), lambda start, end: told)

    def add_haplotype(
        self,
        gene: str,
        transcript: str,
        haplotype: Haplotype,
        lengths: Sequence[int],
        doubts: Sequence[DoubtfulResidues] = (),
    ) -> None:
        """Take all peptides of a protein with several variants, each listed under those that it shows."""

        def tell(start: int, end: int) -> _Told:
            shown = haplotype.carriers_of(start, end)
            changes = [" + ".join(carrier.change for carrier in shown)]
            changes += [doubt.note for doubt in doubts if start < doubt.end and end > doubt.start]
            unknown = [part.note for part in haplotype.unknown if start < part.end and end > part.start]
            events = tuple(carrier.name for carrier in shown) or self._events
            return _Told(events, ", ".join(changes), "; ".join(unknown))

        windows = find_windows(haplotype.protein, lengths)
        if len(windows) or not haplotype.absent:
            self._take(gene, transcript, haplotype.protein, windows, tell)
        for name, note in haplotype.absent:
            self._drop(DropReason.NO_PROTEIN_SEQUENCE, "", name, gene, transcript, note)

    def add_unphased(
        self,
        gene: str,
        transcript: str,
        haplotype: Haplotype,
        lengths: Sequence[int],
        neighbour: str,
        note: str,
    ) -> None:
        """List as dropped the new peptides that show a neighbour whose copy is not known."""
        windows = find_windows(haplotype.protein, lengths)
        listed = False
        for start, peptide, wild_type, _ in windows.new:
            end = start + len(peptide)
            shown = haplotype.carriers_of(start, end)
            names = [carrier.name for carrier in shown]
            if neighbour not in names or not any(c.somatic and c.name != neighbour for c in shown):
                continue
            if any(start < part.end and end > part.start for part in haplotype.unknown):
                continue
            event = next(c.name for c in shown if c.somatic and c.name != neighbour)
            if (peptide, wild_type, (event,)) not in self._found:
                self._drop(DropReason.UNPHASED_NEIGHBOUR, peptide, event, gene, transcript, note)
                listed = True
        if not listed:
            self._drop(DropReason.UNPHASED_NEIGHBOUR, "", self._events[0], gene, transcript, note)

    def kept(self) -> Iterator[Neopeptide]:
        """Yield the new peptides, each once."""
        for (peptide, wild_type, _), (positions, origins) in self._found.items():
            yield Neopeptide(peptide, wild_type, positions, tuple(origins))

    def dropped(self) -> Iterator[DroppedPeptide]:
        """Yield what was dropped, transcript by transcript."""
        yield from self._dropped

    def _take(
        self,
        gene: str,
        transcript: str,
        protein: AlteredProtein,
        windows: FoundWindows,
        tell: Callable[[int, int], _Told],
    ) -> None:
        if not len(windows):
            note = f"{protein.change}: a protein of {len(protein.sequence)} residues has no peptide over it"
            self._drop(DropReason.TOO_SHORT, "", self._events[0], gene, transcript, note)
        for reason, group in (
            (DropReason.SELF_SAME_TRANSCRIPT, windows.own),
            (DropReason.NONSTANDARD_RESIDUE, windows.nonstandard),
        ):
            for start, peptide in group:
                events = tell(start, start + len(peptide)).events
                self._drop(reason, peptide, events[0], gene, transcript, f"at {start + 1}")
                self.shown.update({(name, transcript): reason for name in events[1:]})
        for start, peptide, wild_type, positions in windows.new:
            events, change, unknown = tell(start, start + len(peptide))
            if unknown:
                reason = DropReason.NO_PROTEIN_SEQUENCE
                self._drop(reason, peptide, events[0], gene, transcript, unknown)
                self.shown.update({(name, transcript): reason for name in events[1:]})
                continue
            origin = PeptideOrigin(self._kind, events, gene, transcript, change, start + 1)
            found = self._found.get((peptide, wild_type, events))
            if found is None:
                self._found[peptide, wild_type, events] = (positions, [origin])
            else:
                found[1].append(origin)
            if (events[0], transcript) not in self.listed or len(events) > 1:
                self.listed.update((name, transcript) for name in events)

    def _drop(
        self, reason: DropReason, peptide: str, event: str, gene: str, transcript: str, note: str
    ) -> None:
        self._dropped.append(DroppedPeptide(reason, peptide, event, gene, transcript, note))
        self.listed.add((event, transcript))
