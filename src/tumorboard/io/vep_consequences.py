"""VEP's annotation of a VCF record, entry by entry, to changes of transcripts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tumorboard.core.variant import TranscriptChange, without_shared_ends
from tumorboard.io.vcf_text import is_whole, percent_decoded

__all__ = ["VepEntries", "trimmed_allele", "vep_alleles"]

#: An entry with these terms only touches no exon.
_OUTSIDE: Final = frozenset(
    {
        "intron_variant",
        "upstream_gene_variant",
        "downstream_gene_variant",
        "intergenic_variant",
        "non_coding_transcript_variant",
        "NMD_transcript_variant",
        "coding_transcript_variant",
    }
)
_NOT_A_TRANSCRIPT: Final = "consequence on a regulatory feature or between genes"
_NO_EXON: Final = "consequence outside the exons and splice sites of a transcript"
_NO_ALLELE: Final = "consequence of an allele that the record does not have"
#: Then bases that the alleles of the record before shared may be gone, and "-" or "A" mean any of them.
_SPLIT: Final = (
    "consequence of an insertion or deletion whose record was split after VEP ran: "
    "which allele it is of is not said; split, then run VEP"
)


def vep_alleles(reference: str, alternatives: Sequence[str]) -> list[str]:
    """Return how VEP names each alternative in ``Allele``: without the first base that all alleles share.

    VEP cuts it only where an alternative's length differs from the reference's; ``*`` and symbols do not
    count.

    Examples
    --------
    >>> vep_alleles("CA", ["C", "CAA"]), vep_alleles("CA", ["CT"]), vep_alleles("A", ["AG"])
    (['-', 'AA'], ['CT'], ['G'])
    """
    real = [alternative for alternative in alternatives if alternative.isalpha()]
    is_indel = any(len(alternative) != len(reference) for alternative in real)
    if is_indel and len({allele[:1] for allele in (reference, *real)}) == 1:
        return [a[1:] or "-" if a.isalpha() else a for a in alternatives]
    return list(alternatives)


def trimmed_allele(reference: str, alternative: str) -> str:
    """Return an alternative without the bases that it shares with the reference at either end.

    That is how VEP names alleles with ``--minimal``.

    Examples
    --------
    >>> trimmed_allele("CAA", "CA"), trimmed_allele("GCA", "GTA"), trimmed_allele("A", "AG")
    ('-', 'T', 'G')
    """
    return without_shared_ends(reference, alternative)[2] or "-"


@dataclass(frozen=True, slots=True)
class VepEntries:
    """Reads VEP's entries; keeps each protein once.

    Parameters
    ----------
    fields
        What each entry holds, as the header says.
    exonic_only
        Whether entries outside exons and splice sites are left out, and counted.
    skipped
        Counts what was left out, by reason; filled while reading.
    """

    fields: tuple[str, ...]
    exonic_only: bool
    skipped: dict[str, int]
    _place: dict[str, int] = field(init=False, repr=False)
    _proteins: dict[str, str] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_place", {name: index for index, name in enumerate(self.fields)})

    def of_record(
        self,
        text: str,
        reference: str,
        alternatives: Sequence[str],
        *,
        gene_tpm: Mapping[str, float],
        transcript_tpm: Mapping[str, float],
    ) -> list[list[TranscriptChange]]:
        """Return the changes of each alternative.

        Parameters
        ----------
        text
            The value of the INFO key; empty if the record has none.
        reference, alternatives
            The record's alleles, all of them.
        gene_tpm, transcript_tpm
            Expression by identifier.
        """
        found: list[list[TranscriptChange]] = [[] for _ in alternatives]
        # Wanting fields at the end are empty; escapes are undone after the bars are split.
        entries = [entry.split("|") for entry in text.split(",")] if text else []
        told = {self._get(values, "Allele").upper() for values in entries}
        named = self._names(reference, alternatives, told)
        was_split = len(alternatives) == 1 and len(told) > 1 and len(alternatives[0]) != len(reference)
        for values in entries:
            reason = _SPLIT if was_split else self._reason_to_skip(values)
            index = None if reason else self._allele_of(values, named, len(alternatives))
            if reason is None and index is None:
                reason = _NO_ALLELE
            if reason is not None:
                self.skipped[reason] = self.skipped.get(reason, 0) + 1
            elif index is not None:
                found[index].append(self._change(values, gene_tpm, transcript_tpm))
        return found

    def _get(self, values: Sequence[str], name: str) -> str:
        place = self._place.get(name, -1)
        return percent_decoded(values[place]) if 0 <= place < len(values) else ""

    def _names(self, reference: str, alternatives: Sequence[str], told: Collection[str]) -> dict[str, int]:
        """Return which alternative each name stands for; one told by VEP's plain name has no trimmed one."""
        real = [a.upper() for a in alternatives]
        named: dict[str, int] = {}
        plain = vep_alleles(reference, real)
        for index, name in enumerate(plain):
            named.setdefault(name, index)
        trimmed = [trimmed_allele(reference, a) if a.isalpha() else a for a in real]
        for index, name in enumerate(trimmed):
            # Two deletions of one record are both "-".
            if trimmed.count(name) == 1 and plain[index] not in told:
                named.setdefault(name, index)
        return named

    def _allele_of(self, values: Sequence[str], named: Mapping[str, int], alternatives: int) -> int | None:
        number = self._get(values, "ALLELE_NUM")
        # Of a record that was split after VEP ran, the number is the one in the record before.
        if alternatives > 1 and is_whole(number) and 1 <= int(number) <= alternatives:
            return int(number) - 1
        return named.get(self._get(values, "Allele").upper())

    def _reason_to_skip(self, values: Sequence[str]) -> str | None:
        if "Feature_type" in self._place and self._get(values, "Feature_type") != "Transcript":
            return _NOT_A_TRANSCRIPT
        if not self._get(values, "Feature"):
            return _NOT_A_TRANSCRIPT
        if self.exonic_only and _OUTSIDE.issuperset(self._get(values, "Consequence").split("&")):
            return _NO_EXON
        return None

    def _change(
        self, values: Sequence[str], gene_tpm: Mapping[str, float], transcript_tpm: Mapping[str, float]
    ) -> TranscriptChange:
        def get(name: str) -> str:
            return self._get(values, name)

        gene, transcript = get("SYMBOL") or get("Gene"), get("Feature")
        start = _first_position(get("Protein_position"))
        before, after = _residues(get("Amino_acids"))
        consequences = tuple(get("Consequence").split("&"))
        wild_type = self._protein(get("WildtypeProtein"))
        level = get("TSL")
        return TranscriptChange(
            gene=gene or transcript,
            transcript=transcript,
            consequences=consequences,
            protein_start=start,
            reference_residues=before,
            alternative_residues=after,
            wild_type_protein=wild_type,
            mutant_protein=self._mutant(values, consequences, wild_type, start),
            biotype=get("BIOTYPE"),
            canonical=get("CANONICAL") == "YES" if "CANONICAL" in self._place else None,
            mane_select=self._mane(values),
            support_level=int(level) if level in ("1", "2", "3", "4", "5") else None,
            transcript_tpm=_expression(transcript_tpm, transcript),
            gene_tpm=_expression(gene_tpm, get("SYMBOL"), get("Gene")),
            hgvs_coding=get("HGVSc"),
            hgvs_protein=get("HGVSp"),
            flags=tuple(flag for flag in get("FLAGS").split("&") if flag),
            codons=get("Codons"),
            gene_identifier=get("Gene"),
        )

    def _protein(self, text: str) -> str | None:
        """Return a protein without its stop, one object for all entries that have it."""
        text = text.rstrip("*")
        return self._proteins.setdefault(text, text) if text else None

    def _mutant(
        self, values: Sequence[str], consequences: tuple[str, ...], wild_type: str | None, start: int | None
    ) -> str | None:
        """Return the whole protein after a frameshift, as either of VEP's plugins states it."""
        whole = self._protein(self._get(values, "FrameshiftSequence"))
        if whole is not None:
            return whole
        # The older plugin Downstream gives only what follows, from the first changed residue on.
        after = self._get(values, "DownstreamProtein").rstrip("*")
        if not after or wild_type is None or start is None or start < 1:
            return None
        return wild_type[: start - 1] + after if "frameshift_variant" in consequences else None

    def _mane(self, values: Sequence[str]) -> bool | None:
        # MANE_SELECT holds the partner's identifier; MANE of newer releases the word; empty if not.
        if "MANE_SELECT" in self._place:
            return bool(self._get(values, "MANE_SELECT"))
        return "MANE_Select" in self._get(values, "MANE") if "MANE" in self._place else None


def _first_position(text: str) -> int | None:
    """Return the first residue of ``58``, ``679-688``, ``58/393``; ``None`` of ``?-12``."""
    first = text.partition("/")[0].partition("-")[0]
    return int(first) if is_whole(first) else None


def _residues(text: str) -> tuple[str, str]:
    """Return what is replaced by what, of ``P/A``, ``-/X`` or, unchanged, ``P``."""
    before, slash, after = text.partition("/")
    if not slash:
        after = before
    return before.replace("-", ""), after.replace("-", "")


def _expression(by_name: Mapping[str, float], *names: str) -> float | None:
    """Return the value under any of the names, with or without its version."""
    for name in names:
        if not name:
            continue
        for form in (name, name.partition(".")[0]):
            if form in by_name:
                return by_name[form]
    return None
