"""Several variants in one codon, put together base by base."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from tumorboard.core.variant import SmallVariant, TranscriptChange
from tumorboard.immunotherapy.variants.translation import GeneticCode, genetic_code_of, translate

__all__ = ["CodonChange", "codon_change", "merge_codons"]

_CODONS: Final = re.compile(r"((?:[ACGTacgt]{3})+)/((?:[ACGTacgt]{3})+)\Z")


class CodonChange(NamedTuple):
    """Bases that a variant substitutes in whole codons.

    Parameters
    ----------
    start
        Of the first codon's residue in the protein, counted from 0.
    reference, alternative
        Bases of the codons, as many in both.
    code
        By which they are read.
    """

    start: int
    reference: str
    alternative: str
    code: GeneticCode

    @property
    def end(self) -> int:
        """One after the last codon's residue."""
        return self.start + len(self.reference) // 3


def codon_change(variant: SmallVariant, change: TranscriptChange) -> CodonChange | None:
    """Return the codons that a variant substitutes bases in, where the source states them.

    Parameters
    ----------
    variant, change
        What VEP calls ``Codons`` is in ``change.codons``.

    Returns
    -------
    CodonChange or None
        ``None`` where bases come or go, or no codons are stated.

    Examples
    --------
    >>> change = TranscriptChange("KNL1", "T1", ("missense_variant",), 865, "P", "L", codons="cCa/cTa")
    >>> codon_change(SmallVariant("15", 40622780, "C", "T"), change)[:3]
    (864, 'CCA', 'CTA')
    """
    found = _CODONS.match(change.codons)
    if not found or change.protein_start is None or len(found[1]) != len(found[2]):
        return None
    code = genetic_code_of(variant.chromosome)
    return CodonChange(change.protein_start - 1, found[1].upper(), found[2].upper(), code)


def merge_codons(changes: Sequence[CodonChange]) -> tuple[int, str, str] | None:
    """Read codons in which several variants on one copy substitute bases.

    Parameters
    ----------
    changes
        Of codons that overlap, one at least.

    Returns
    -------
    tuple or None
        Where their first residue stands, counted from 0, their residues as they were and as they become,
        ``*`` for a stop; ``None`` when they leave codons between them out, do not agree on what stood
        there, or change one base in two ways.

    Examples
    --------
    >>> code = GeneticCode.STANDARD
    >>> merge_codons([CodonChange(864, "CCA", "CTA", code), CodonChange(864, "CCA", "GCA", code)])
    (864, 'P', 'V')
    """
    was: dict[int, str] = {}
    now: dict[int, str] = {}
    for change in changes:
        for place, (old, new) in enumerate(zip(change.reference, change.alternative, strict=True)):
            place += 3 * change.start
            if was.setdefault(place, old) != old:
                return None
            if old != new and now.setdefault(place, new) != new:
                return None
    first, end = min(was), max(was) + 1
    if len(was) != end - first:
        return None
    before = "".join(was[place] for place in range(first, end))
    after = "".join(now.get(place, was[place]) for place in range(first, end))
    code = changes[0].code
    return first // 3, translate(before, code=code, to_stop=False), translate(after, code=code, to_stop=False)
