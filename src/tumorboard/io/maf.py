"""Somatic variants of MAF files, of one sample or of all in the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tumorboard.core.annotated_variants import AnnotatedVariants
from tumorboard.core.base_source import BaseSource
from tumorboard.core.variant import SmallVariant, TranscriptChange, VariantEvidence
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.compressed_text import file_sha256, text_lines
from tumorboard.io.vcf_text import real_number, whole_number
from tumorboard.provenance import Record

__all__ = ["read_maf", "read_maf_samples"]

_WHAT: Final = "MAF"
_BASES: Final = re.compile(r"[ACGTN]+\Z")
_NEEDED: Final = (
    "chromosome",
    "start_position",
    "reference_allele",
    "tumor_seq_allele2",
    "tumor_sample_barcode",
)
_BUILDS: Final = {"37": "GRCh37", "hg19": "GRCh37", "grch37": "GRCh37"} | {
    "38": "GRCh38", "hg38": "GRCh38", "grch38": "GRCh38", "36": "NCBI36", "hg18": "NCBI36"
}  # fmt: skip
#: Terms of the Sequence Ontology for the MAF's classes; classes outside exons have none.
_TERMS: Final = {
    "missense_mutation": "missense_variant",
    "nonsense_mutation": "stop_gained",
    "nonstop_mutation": "stop_lost",
    "silent": "synonymous_variant",
    "frame_shift_del": "frameshift_variant",
    "frame_shift_ins": "frameshift_variant",
    "in_frame_del": "inframe_deletion",
    "in_frame_ins": "inframe_insertion",
    "itd": "inframe_insertion",
    "splice_site": "splice_site_variant",
    "splice_region": "splice_region_variant",
    "translation_start_site": "start_lost",
    "rna": "non_coding_transcript_exon_variant",
    "5'utr": "5_prime_UTR_variant",
    "3'utr": "3_prime_UTR_variant",
}
_TRANSCRIPTS: Final = (
    "transcript_id", "annotation_transcript", "i_transcript_name", "refseq_mrna_id", "transcript",
)  # fmt: skip
_CHANGES: Final = ("hgvsp_short", "protein_change", "amino_acid_change", "aachange", "aa_change")
_FRACTIONS: Final = ("t_vaf", "tumor_vaf", "tumor_f", "i_tumorvaf_wu", "vaf", "i_t_vaf", "allele_freq")
_CHANGE: Final = re.compile(r"(?:p\.|\.)?\(?([A-Z*])(\d{1,6})([A-Z*])?")
_MISSING: Final = ("", ".", "NA", "na", "__UNKNOWN__", "Unknown")
_NO_TRANSCRIPT: Final = "(not named)"
_NEEDS_GENOME: Final = "insertion or deletion: give the genome's FASTA for the base before it"
_OTHER_BASES: Final = "reference bases that the genome does not have there"


def read_maf(
    path: Path | str, *, sample: str | None = None, genome: BaseSource | None = None
) -> AnnotatedVariants:
    r"""Return one sample's variants of a MAF file.

    A MAF gives insertions and deletions without the base before them, which a variant needs to have a
    reference: with ``genome`` they are written as a VCF would; without, they are left out and counted.

    Parameters
    ----------
    path
        ``.maf`` or ``.maf.gz``.
    sample
        As ``Tumor_Sample_Barcode``; ``None`` if the file has only one.
    genome
        Of the file's assembly; reference bases are compared with it.

    Returns
    -------
    AnnotatedVariants
        Each with the change that the file states, without proteins. Reads come from ``t_alt_count`` and
        the like; else the fraction from a column such as ``t_vaf``, taken as percent if any value of it
        is above 1.

    Raises
    ------
    UnreadableFile
        When the file is no MAF, or was cut off.
    InputError
        When the sample is not there, or not named among several; assemblies are mixed; or most reference
        bases are not the genome's.

    Examples
    --------
    >>> import tempfile
    >>> head = "Hugo_Symbol\tChromosome\tStart_Position\tReference_Allele\tTumor_Seq_Allele2\t"
    >>> _ = (file := Path(tempfile.mkdtemp()) / "a.maf").write_text(
    ...     f"{head}Tumor_Sample_Barcode\tHGVSp_Short\nTP53\t17\t7577120\tC\tT\tP1\tp.R273H\n"
    ... )
    >>> ((variant, (change,)),) = read_maf(file)
    >>> variant.name, change.gene, change.protein_start, change.alternative_residues
    ('17-7577120-C-T', 'TP53', 273, 'H')
    """
    found = _read(Path(path), sample, genome)
    if sample is not None and sample not in found:
        raise InputError(
            f"sample must be in {Path(path).name}; got {sample!r}; compare with its Tumor_Sample_Barcode"
        )
    if len(found) > 1:
        names = sorted(found)
        raise InputError(
            f"sample must be named, since {Path(path).name} has {len(names)}: "
            f"{', '.join(names[:5])}{' ...' if len(names) > 5 else ''}; name one"
        )
    return next(iter(found.values()))


def read_maf_samples(path: Path | str, *, genome: BaseSource | None = None) -> dict[str, AnnotatedVariants]:
    """Return the variants of every sample of a MAF file, by ``Tumor_Sample_Barcode``.

    Parameters, contents and errors are those of :func:`read_maf`.

    Examples
    --------
    >>> read_maf_samples("absent.maf")
    Traceback (most recent call last):
    ...
    tumorboard.errors.UnreadableFile: MAF absent.maf: the file must be readable; No such file or directory
    """
    return _read(Path(path), None, genome)


@dataclass(slots=True)
class _Sample:
    variants: list[tuple[SmallVariant, tuple[TranscriptChange, ...]]] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)

    def skip(self, reason: str) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + 1


def _read(path: Path, sample: str | None, genome: BaseSource | None) -> dict[str, AnnotatedVariants]:
    rows = list(_rows(path, sample))
    if not rows and sample is None:
        raise UnreadableFile(f"MAF must have rows; {path.name} has none; choose another file")
    builds = {_BUILDS.get(b.lower(), b) for _, row in rows if (b := _said(row, "ncbi_build"))}
    if len(builds) > 1:
        raise InputError(
            f"NCBI_Build must be one for all rows of {path.name}; got {', '.join(sorted(builds))}; "
            "split the file by it"
        )
    percent = _percent_columns(row for _, row in rows)
    samples: dict[str, _Sample] = {}
    for number, row in rows:
        into = samples.setdefault(row["tumor_sample_barcode"], _Sample())
        made = _variant(row, f"line {number} of {path.name}", genome, percent, into)
        if made is not None:
            into.variants.append((made, _changes(row)))
    wrong = sum(one.skipped.get(_OTHER_BASES, 0) for one in samples.values())
    if 2 * wrong > len(rows):
        raise InputError(
            f"reference bases of {path.name} must be the genome's; {wrong} of {len(rows)} are not; "
            f"the file's assembly is {', '.join(builds) or 'not stated'}: give that genome"
        )
    digest = file_sha256(path)
    return {name: _result(name, one, digest, next(iter(builds), "")) for name, one in samples.items()}


def _result(name: str, found: _Sample, digest: str, assembly: str) -> AnnotatedVariants:
    skipped = dict(sorted(found.skipped.items()))
    said = {"file_sha256": digest, "sample": name, "assembly": assembly, "skipped": skipped}
    return AnnotatedVariants(
        tuple(found.variants), skipped, Record("io.read_maf", said), name, None, assembly, ""
    )


def _rows(path: Path, sample: str | None) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row's line and its cells by lower-case header."""
    header: list[str] | None = None
    for number, line in enumerate(text_lines(path, what=_WHAT), 1):
        if not line.strip() or (header is None and line.startswith("#")):
            continue
        cells = line.split("\t")
        if header is None:
            header = [cell.strip().lower() for cell in cells]
            missing = [name for name in _NEEDED if name not in header]
            if missing:
                raise UnreadableFile(
                    f"MAF must have the columns {', '.join(_NEEDED)}; {path.name} lacks "
                    f"{', '.join(missing)}; choose another file"
                )
            own = header.index("tumor_sample_barcode")
            continue
        if len(cells) < max(header.index(name) for name in _NEEDED) + 1:
            raise UnreadableFile(
                f"line {number} of {path.name} must have {len(header)} cells; got {len(cells)}; "
                "the file was cut off"
            )
        if sample is None or cells[own] == sample:
            yield number, dict(zip(header, cells, strict=False))


def _variant(
    row: Mapping[str, str], where: str, genome: BaseSource | None, percent: frozenset[str], into: _Sample
) -> SmallVariant | None:
    """Return the row's variant as a VCF would state it; ``None`` where it cannot be, counted in ``into``."""
    start = whole_number(row["start_position"])
    if start is None or start < 1:
        into.skip("row without a position")
        return None
    if _said(row, "strand") not in ("", "+", "1"):
        raise InputError(
            f"Strand of {where} must be +, as in any MAF; got {row['strand']!r}; correct the file"
        )
    reference, alternative = (row[name].strip().upper() for name in ("reference_allele", "tumor_seq_allele2"))
    if alternative == reference and row.get("tumor_seq_allele1"):
        alternative = row["tumor_seq_allele1"].strip().upper()
    reference, alternative = reference.strip("-"), alternative.strip("-")
    if any(bases and not _BASES.match(bases) for bases in (reference, alternative)):
        into.skip("alleles that are no bases")
        return None
    if reference == alternative:
        into.skip("alternative that is the reference")
        return None
    chromosome = row["chromosome"].strip()
    if genome is None:
        if not reference or not alternative:
            into.skip(_NEEDS_GENOME)
            return None
    else:
        # An insertion lies after its start, a deletion from its start on; either takes the base before.
        first = start - (1 if reference and not alternative else 0)
        last = start + max(len(reference) - 1, 0)
        try:
            there = genome.fetch(chromosome, first, last)
        except InputError:
            into.skip("place that the genome does not have")
            return None
        if reference and there[start - first :] != reference:
            into.skip(_OTHER_BASES)
            return None
        if not reference or not alternative:
            start, reference, alternative = first, there, there[0] + alternative
    filters = _said(row, "filter")
    return SmallVariant(
        chromosome,
        start,
        reference,
        alternative,
        filters=() if filters in ("", "PASS") else tuple(re.split("[;,]", filters)),
        somatic=_said(row, "mutation_status").lower() != "germline",
        evidence=_evidence(row, percent),
    )


def _evidence(row: Mapping[str, str], percent: frozenset[str]) -> VariantEvidence:
    tumour, normal = (_reads(row, letter) for letter in "tn")
    fraction = tumour[1]
    if fraction is None:
        for column in _FRACTIONS:
            value = real_number(_said(row, column))
            if value is not None:
                fraction = value / 100 if column in percent else value
                break
    if fraction is not None and not 0 <= fraction <= 1:
        fraction = None
    return VariantEvidence(tumour[0], fraction, *normal)


def _reads(row: Mapping[str, str], letter: str) -> tuple[int | None, float | None]:
    """Return depth and fraction of the tumour (``t``) or the normal (``n``)."""
    depth, against, own = (
        whole_number(_said(row, f"{letter}_{name}")) for name in ("depth", "ref_count", "alt_count")
    )
    if own is None:
        return depth, None
    total = against + own if against is not None else depth
    fraction = own / total if total and own <= total else None
    return depth if depth is not None else total, fraction


def _percent_columns(rows: Iterable[Mapping[str, str]]) -> frozenset[str]:
    """Return the columns of fractions that are in percent, as a value above 1 tells."""
    found: set[str] = set()
    for row in rows:
        for column in _FRACTIONS:
            if column in row and column not in found and (real_number(row[column]) or 0) > 1:
                found.add(column)
    return frozenset(found)


def _changes(row: Mapping[str, str]) -> tuple[TranscriptChange, ...]:
    """Return what the row says of a transcript; nothing where it lies outside exons."""
    consequences = _said(row, "consequence")
    if consequences:
        terms = tuple(term for term in re.split("[;,&]", consequences) if term)
    else:
        term = _TERMS.get(_said(row, "variant_classification").lower())
        terms = () if term is None else (term,)
    stated = next((text for name in _CHANGES if (text := _said(row, name))), "")
    gene = _said(row, "hugo_symbol") or _said(row, "gene")
    if not terms and not stated:
        return ()
    match = _CHANGE.match(stated)
    simple = match is not None and match.end() in (len(stated), len(stated) - 1) and match[3] is not None
    return (
        TranscriptChange(
            gene=gene,
            transcript=next((text for name in _TRANSCRIPTS if (text := _said(row, name))), _NO_TRANSCRIPT),
            consequences=terms,
            protein_start=int(match[2]) if match else None,
            reference_residues=_residue(match[1]) if match and simple else "",
            alternative_residues=_residue(match[3]) if match and simple else "",
            biotype=_said(row, "biotype") or "protein_coding",
            canonical=_said(row, "canonical") == "YES" if "canonical" in row else None,
            hgvs_coding=_said(row, "hgvsc"),
            hgvs_protein=stated,
            codons=_said(row, "codons"),
            gene_identifier=_said(row, "gene"),
        ),
    )


def _residue(letter: str) -> str:
    """Return a residue, a stop as ``*``, which older files call X."""
    return "*" if letter == "X" else letter


def _said(row: Mapping[str, str], name: str) -> str:
    text = row.get(name, "").strip()
    return "" if text in _MISSING else text
