"""Reads of a BAM or CRAM that cover two variants, counted by what they carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tumorboard.core.chromosome import plain_chromosome
from tumorboard.core.shared_reads import SharedReads
from tumorboard.core.variant import SmallVariant
from tumorboard.errors import InputError, MissingData, UnreadableFile

if TYPE_CHECKING:
    import pysam

__all__ = ["count_shared_reads"]

#: Unmapped, secondary, failed, duplicate, supplementary: SAM flags of what is no independent evidence.
_LEFT_OUT: Final = 0x4 | 0x100 | 0x200 | 0x400 | 0x800
_REFERENCE, _ALTERNATIVE, _OTHER = 0, 1, 2


def count_shared_reads(
    path: Path | str,
    pairs: Sequence[tuple[SmallVariant, SmallVariant]],
    *,
    least_mapping_quality: int,
    least_base_quality: int,
    reference: Path | str | None = None,
) -> tuple[SharedReads, ...]:
    """Count for pairs of variants the fragments that cover both, by what they carry.

    A read carries an allele when what it has between the variant's first base and the base behind its last
    is that allele, letter by letter; so insertions and deletions count where the aligner puts them as the
    file of variants does, at their leftmost place. Mates count as one fragment. Duplicates, secondary,
    supplementary and failed reads are left out.

    Parameters
    ----------
    path
        ``.bam`` or ``.cram``, sorted, with its index beside it.
    pairs
        Variants of one chromosome each.
    least_mapping_quality
        Of a read, as the aligner gives it (Phred).
    least_base_quality
        Of each base of an allele (Phred); of a deletion, of the base before it.
    reference
        FASTA that a CRAM was made with.

    Returns
    -------
    tuple of SharedReads
        In the order of the pairs.

    Raises
    ------
    UnreadableFile
        When the file is no alignment, is damaged or has no index.
    MissingData
        When pysam is not installed (it has no wheels for Windows).
    InputError
        When a quality is negative, or the file does not have a pair's chromosome.

    Examples
    --------
    >>> count_shared_reads("no.bam", (), least_mapping_quality=20, least_base_quality=20)
    Traceback (most recent call last):
    ...
    tumorboard.errors.UnreadableFile: alignment no.bam must be a readable BAM or CRAM; there is no such file
    """
    for name, value in (
        ("least_mapping_quality", least_mapping_quality),
        ("least_base_quality", least_base_quality),
    ):
        if value < 0:
            raise InputError(f"{name} must be a Phred quality, 0 or more; got {value}")
    path = Path(path)
    with _opened(path, reference) as alignment:
        names = {plain_chromosome(name): name for name in alignment.references}
        counted = []
        for one, other in pairs:
            chromosome = names.get(plain_chromosome(one.chromosome))
            if chromosome is None:
                raise InputError(
                    f"chromosome of {one.name} must be one of {path.name}; got {one.chromosome!r}, it has "
                    f"{', '.join(alignment.references[:5])}...; is it of another assembly?"
                )
            alleles = [
                _alleles(
                    _fetched(alignment, path, chromosome, v), v, least_mapping_quality, least_base_quality
                )
                for v in (one, other)
            ]
            counted.append(_shared(one, other, *alleles))
    return tuple(counted)


def _opened(path: Path, reference: Path | str | None) -> pysam.AlignmentFile:
    try:
        import pysam
    except ImportError as reason:
        raise MissingData(
            "pysam must be installed to read alignments; it is not (it has no wheels for Windows); "
            "phase by a VCF's PS or PID instead"
        ) from reason
    what = f"alignment {path.name} must be a readable BAM or CRAM"
    if not path.is_file():
        raise UnreadableFile(f"{what}; there is no such file")
    verbosity = pysam.set_verbosity(0)
    try:
        alignment = pysam.AlignmentFile(
            str(path), reference_filename=None if reference is None else str(reference)
        )
        has_index = alignment.has_index()
    except (OSError, ValueError) as reason:
        raise UnreadableFile(f"{what}; {reason}; make it anew") from reason
    finally:
        pysam.set_verbosity(verbosity)
    if not has_index:
        alignment.close()
        raise UnreadableFile(f"{what} with an index; there is none; run samtools index {path.name}")
    return alignment


def _fetched(
    alignment: pysam.AlignmentFile, path: Path, chromosome: str, variant: SmallVariant
) -> Iterator[Any]:
    try:
        yield from alignment.fetch(chromosome, variant.position - 1, variant.end)
    except (OSError, ValueError) as reason:
        raise UnreadableFile(
            f"alignment {path.name} must be whole around {variant.name}; {reason}; copy it again"
        ) from reason


def _alleles(
    reads: Iterable[Any], variant: SmallVariant, least_mapping_quality: int, least_base_quality: int
) -> dict[str, int]:
    """Return what each fragment carries at a variant, where it tells."""
    found: dict[str, int] = {}
    for read in reads:
        if read.flag & _LEFT_OUT or read.mapping_quality < least_mapping_quality or not read.query_sequence:
            continue
        allele = _allele(read, variant, least_base_quality)
        if allele is not None:
            # Mates that contradict each other tell nothing.
            before = found.setdefault(read.query_name, allele)
            found[read.query_name] = allele if before == allele else _OTHER
    return found


def _allele(read: Any, variant: SmallVariant, least_base_quality: int) -> int | None:
    """Return what a read carries; ``None`` if it does not reach over the variant or is too poor."""
    start, behind = variant.position - 1, variant.end
    first = last = None
    # Of an insertion or deletion the base behind counts as well; a substitution may be a read's last base.
    indel = len(variant.reference) != len(variant.alternative)
    for place, base in read.get_aligned_pairs(matches_only=True):
        if base == start:
            first = place
        if base == (behind if indel else behind - 1):
            last = place if indel else place + 1
            break
    if first is None or last is None:
        return None
    qualities = read.query_qualities
    if qualities is not None and min(qualities[first:last], default=0) < least_base_quality:
        return None
    carried = read.query_sequence[first:last]
    if carried == variant.reference:
        return _REFERENCE
    return _ALTERNATIVE if carried == variant.alternative else _OTHER


def _shared(
    one: SmallVariant, other: SmallVariant, first: dict[str, int], second: dict[str, int]
) -> SharedReads:
    counts = {(a, b): 0 for a in range(3) for b in range(3)}
    for fragment in first.keys() & second.keys():
        counts[first[fragment], second[fragment]] += 1
    both = counts.pop((_ALTERNATIVE, _ALTERNATIVE))
    only_first = counts.pop((_ALTERNATIVE, _REFERENCE))
    only_second = counts.pop((_REFERENCE, _ALTERNATIVE))
    neither = counts.pop((_REFERENCE, _REFERENCE))
    return SharedReads(one.name, other.name, both, only_first, only_second, neither, sum(counts.values()))
