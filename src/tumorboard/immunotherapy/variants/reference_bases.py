"""Whether a variant's reference bases are those of the genome at hand."""

from __future__ import annotations

from tumorboard.core.base_source import BaseSource
from tumorboard.core.variant import SmallVariant
from tumorboard.errors import InputError

__all__ = ["require_reference"]


def require_reference(variant: SmallVariant, genome: BaseSource) -> None:
    """Raise unless the genome has a variant's reference bases where the variant says.

    Parameters
    ----------
    variant
        N in its reference is any base.
    genome
        To be compared with.

    Raises
    ------
    InputError
        When it has others.

    Examples
    --------
    >>> class Toy:
    ...     def fetch(self, chromosome, first, last):
    ...         return "CCATGG"[first - 1 : last]
    >>> require_reference(SmallVariant("1", 3, "AT", "A"), Toy())
    """
    found = genome.fetch(variant.chromosome, variant.position, variant.end).upper()
    same = len(found) == len(variant.reference) and all(
        stated in (base, "N") for stated, base in zip(variant.reference, found, strict=True)
    )
    if not same:
        raise InputError(
            f"reference of a variant must be the genome's; {variant.chromosome}:{variant.position} states "
            f"{variant.reference[:20]} and the genome has {found[:20] or 'no base'}; use the FASTA of the "
            "assembly that the variants were called on (GRCh37 and GRCh38 differ), or correct the file"
        )
