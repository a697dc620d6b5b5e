"""Variants of VCF and BCF files, with VEP's annotation or without."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tumorboard.core.annotated_variants import AnnotatedVariants
from tumorboard.core.variant import SmallVariant, TranscriptChange, VariantEvidence
from tumorboard.errors import InputError, MissingData, UnreadableFile
from tumorboard.io.compressed_text import file_sha256, first_bytes, require_whole_bgzf, text_lines
from tumorboard.io.variant_neighbourhood import Neighbourhood
from tumorboard.io.vcf_header import (
    VcfHeader,
    normal_of,
    require_fields,
    sample_named,
    states_proteins,
    tumour_of,
)
from tumorboard.io.vcf_sample import (
    Genotype,
    expression_of,
    genotype_of,
    phase_of,
    reads_of,
    rna_reads_of,
)
from tumorboard.io.vcf_text import is_whole
from tumorboard.io.vep_consequences import VepEntries
from tumorboard.provenance import Record

__all__ = ["read_annotated_variants", "read_germline_variants", "read_variants"]

_WHAT: Final = "VCF"
_BASES: Final = re.compile(r"[ACGTN]+\Z")
_AMBIGUOUS: Final = re.compile(r"[ACGTNRYSWKMBDHV]+\Z")


def read_annotated_variants(
    path: Path | str,
    *,
    tumour_sample: str | None = None,
    normal_sample: str | None = None,
    exonic_only: bool = True,
) -> AnnotatedVariants:
    r"""Return the somatic variants of a VCF that VEP annotated, each with its changes of transcripts.

    All variants are kept, whatever their FILTER and genotype, with both noted; what names no bases is
    counted by its reason.

    Parameters
    ----------
    path
        ``.vcf``, ``.vcf.gz`` or ``.bcf``, with VEP's INFO/CSQ and in it the plugin Wildtype's protein.
    tumour_sample
        Name of the tumour's column. ``None``: as ``##tumor_sample`` says, the only one, or the one whose
        name has the word tumor.
    normal_sample
        Name of the normal sample's column. ``None``: as ``##normal_sample`` or the word normal says; none
        if nothing says so.
    exonic_only
        Whether consequences outside exons and splice sites are left out, and counted.

    Returns
    -------
    AnnotatedVariants
        With gene and transcript expression [transcripts per million] where vcf-expression-annotator put it.

    Raises
    ------
    UnreadableFile
        When the file is no VCF, is damaged or was cut off.
    MissingAttribute
        When the annotation is absent or states no normal protein.
    InputError
        When a sample is not there, or nothing says which is the tumour's.

    Examples
    --------
    >>> import tempfile
    >>> fields = "Allele|Consequence|SYMBOL|Feature|Protein_position|Amino_acids|WildtypeProtein"
    >>> entry = "T|missense_variant|G1|T1|2|A/V|MAK"
    >>> _ = (file := Path(tempfile.mkdtemp()) / "a.vcf").write_text(
    ...     "##fileformat=VCFv4.2\n"
    ...     '##INFO=<ID=CSQ,Number=.,Type=String,Description="Ensembl VEP. '
    ...     f'Format: {fields}">\n'
    ...     "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
    ...     f"1\t10\t.\tC\tT\t.\tPASS\tCSQ={entry}\tGT:AD\t0/1:6,4\n"
    ... )
    >>> ((variant, changes),) = read_annotated_variants(file)
    >>> variant.name, variant.evidence.tumour_vaf, changes[0].gene, changes[0].wild_type_protein
    ('1-10-C-T', 0.4, 'G1', 'MAK')
    """
    source = _Source.opened(Path(path))
    require_fields(source.header)
    skipped: dict[str, int] = {}
    entries = VepEntries(source.header.annotation_fields, exonic_only, skipped)
    tumour = tumour_of(source.header, tumour_sample, normal_sample)
    columns = _Columns(tumour, normal_of(source.header, normal_sample, tumour), somatic=True)
    found = tuple(_variants(source, columns, skipped, entries, None))
    return _result(
        source, columns, skipped, found, "io.read_annotated_variants", {"exonic_only": exonic_only}
    )


def read_variants(
    path: Path | str, *, tumour_sample: str | None = None, normal_sample: str | None = None
) -> AnnotatedVariants:
    """Return the somatic variants of a VCF without looking at any annotation: the changes are empty.

    For own consequences from a GTF and the genome's FASTA. Parameters, results and errors are those of
    :func:`read_annotated_variants`, but for the annotation.

    Examples
    --------
    >>> read_variants(Path("absent.vcf"))
    Traceback (most recent call last):
    ...
    tumorboard.errors.UnreadableFile: VCF absent.vcf: the file must be readable; No such file or directory
    """
    source = _Source.opened(Path(path))
    skipped: dict[str, int] = {}
    tumour = tumour_of(source.header, tumour_sample, normal_sample)
    columns = _Columns(tumour, normal_of(source.header, normal_sample, tumour), somatic=True)
    found = tuple(_variants(source, columns, skipped, None, None))
    return _result(source, columns, skipped, found, "io.read_variants", {})


def read_germline_variants(
    path: Path | str, *, sample: str | None = None, near: Sequence[SmallVariant], within_bases: int
) -> AnnotatedVariants:
    """Return the variants of a sample that lie near others: what a somatic variant's peptides may hold too.

    The file may hold germline variants only, or be a phased file of somatic and germline ones together:
    which are the somatic ones is for the caller to tell, by their names. Phase blocks carry the file's
    digest and the sample, since the phases of two files or samples cannot be compared.

    Parameters
    ----------
    path
        ``.vcf``, ``.vcf.gz`` or ``.bcf``.
    sample
        Whose genotypes count. ``None``: the only one, as ``##normal_sample`` says, or the one whose name
        has the word normal.
    near, within_bases
        Keep what lies within so many bases of one of these; the chromosomes' prefix ``chr`` does not
        matter.

    Returns
    -------
    AnnotatedVariants
        Of ``somatic=False``; depth and fraction are the normal's; with changes of transcripts where VEP's
        annotation states them with the normal proteins.

    Raises
    ------
    UnreadableFile
        When the file is no VCF, is damaged or was cut off.
    InputError
        When the sample is not there, or nothing says which it is.

    Examples
    --------
    >>> read_germline_variants(Path("absent.vcf"), near=(), within_bases=100)
    Traceback (most recent call last):
    ...
    tumorboard.errors.UnreadableFile: VCF absent.vcf: the file must be readable; No such file or directory
    """
    source = _Source.opened(Path(path))
    header = source.header
    if sample is not None:
        normal: int | None = sample_named(header, sample, "sample")
    elif len(header.samples) == 1:
        normal = 0
    else:
        normal = normal_of(header, None, None)
    if normal is None:
        raise InputError(
            f"sample must be named where nothing says whose germline it is; {header.path.name} has the "
            f"samples {header.listed_samples()}; name one"
        )
    skipped: dict[str, int] = {}
    columns = _Columns(None, normal, somatic=False)
    annotated = states_proteins(header)
    entries = VepEntries(header.annotation_fields, True, skipped) if annotated else None
    found = tuple(_variants(source, columns, skipped, entries, Neighbourhood.of(near, within_bases)))
    return _result(
        source, columns, skipped, found, "io.read_germline_variants", {"within_bases": within_bases}
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """An opened file: its header and what is left of its lines."""

    header: VcfHeader
    lines: Iterator[tuple[int, str]]
    sha256: str

    @classmethod
    def opened(cls, path: Path) -> _Source:
        is_bcf = first_bytes(path, 3, what=_WHAT) == b"BCF"
        lines = enumerate(_bcf_lines(path) if is_bcf else text_lines(path, what=_WHAT), 1)
        head: list[str] = []
        for number, line in lines:
            if number == 1 and not line.startswith("##fileformat=VCF"):
                raise UnreadableFile(
                    f"VCF must begin with ##fileformat=VCF; {path.name} begins with {line[:40]!r}; "
                    "choose another file"
                )
            head.append(line)
            if line.startswith("#CHROM"):
                return cls(VcfHeader.of_lines(path, head), lines, file_sha256(path))
            if not line.startswith("##"):
                break
        raise UnreadableFile(
            f"VCF must have a line #CHROM before its records; {path.name} has none; "
            "it was cut off, or is another kind of file"
        )


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which samples are looked at, and as what."""

    tumour: int | None
    normal: int | None
    somatic: bool

    @property
    def genotyped(self) -> int | None:
        return self.tumour if self.somatic else self.normal


def _variants(
    source: _Source,
    columns: _Columns,
    skipped: dict[str, int],
    entries: VepEntries | None,
    near: Neighbourhood | None,
) -> Iterator[tuple[SmallVariant, tuple[TranscriptChange, ...]]]:
    header = source.header
    width = 8 if not header.samples else 9 + len(header.samples)
    # So many digits tell files apart and keep names short. Each sample's copies have their own order.
    sample = columns.genotyped
    block = source.sha256[:12] + ("" if sample is None else f":{header.samples[sample]}")
    for number, line in source.lines:
        if not line:
            continue
        if near is not None and not near.has_line(line):
            continue
        cells = line.split("\t")
        if len(cells) < width or not is_whole(cells[1]):
            raise UnreadableFile(
                f"line {number} of {header.path.name} must have {width} columns with tabs between and a "
                f"position; got {len(cells)} columns, {line[:40]!r}; it was cut off or edited"
            )
        yield from _of_record(cells, number, header, columns, skipped, entries, block)


def _of_record(
    cells: list[str],
    number: int,
    header: VcfHeader,
    columns: _Columns,
    skipped: dict[str, int],
    entries: VepEntries | None,
    block: str,
) -> Iterator[tuple[SmallVariant, tuple[TranscriptChange, ...]]]:
    reference, alternatives = cells[3].upper(), cells[4].upper().split(",")
    where = f"line {number} of {header.path.name}"
    reason = "position before the first base" if int(cells[1]) == 0 else _reference_reason(reference, where)
    reasons = [reason or _alternative_reason(reference, a, where) for a in alternatives]
    tumour, normal = _values(cells, columns.tumour), _values(cells, columns.normal)
    sample = tumour if columns.somatic else normal
    genotype = genotype_of(sample)
    changes: list[list[TranscriptChange]] = [[] for _ in alternatives]
    if entries is not None:
        changes = entries.of_record(
            _info_value(cells[7], header.annotation_key), reference, alternatives,
            gene_tpm=expression_of(tumour, "GX"), transcript_tpm=expression_of(tumour, "TX"),
        )  # fmt: skip
    for index, (alternative, why) in enumerate(zip(alternatives, reasons, strict=True)):
        allele = index + 1
        if why is None and not columns.somatic and genotype.has(allele) is not True:
            why = "allele that the sample does not have"
        if why is not None:
            skipped[why] = skipped.get(why, 0) + 1
            continue
        evidence = _evidence(tumour, normal, genotype, columns, allele, reference, alternatives)
        variant = SmallVariant(
            chromosome=cells[0],
            position=int(cells[1]),
            reference=reference,
            alternative=alternative,
            filters=() if cells[6] in ("PASS", ".", "") else tuple(cells[6].split(";")),
            somatic=columns.somatic,
            phase=phase_of(sample, genotype, allele, len(alternatives), block=block, chromosome=cells[0]),
            evidence=evidence,
            homozygous=genotype.on_every_copy(allele),
        )
        yield variant, tuple(changes[index])


def _evidence(
    tumour: dict[str, str],
    normal: dict[str, str],
    genotype: Genotype,
    columns: _Columns,
    allele: int,
    reference: str,
    alternatives: Sequence[str],
) -> VariantEvidence:
    number, alternative = len(alternatives), alternatives[allele - 1]
    tumour_reads = reads_of(tumour, allele, number, reference, alternative)
    normal_reads = reads_of(normal, allele, number, reference, alternative)
    rna = rna_reads_of(tumour, allele, number)
    in_tumour = genotype.has(allele) if columns.somatic else None
    return VariantEvidence(*tumour_reads, *normal_reads, *rna, in_tumour)


def _reference_reason(reference: str, where: str) -> str | None:
    if _BASES.match(reference):
        return None
    if _AMBIGUOUS.match(reference):
        return "reference with an ambiguous base"
    raise InputError(
        f"REF of {where} must be bases A, C, G, T or N; got {reference[:40]!r}; "
        "a VCF gives the base before an insertion or deletion: write it again with bcftools norm"
    )


def _alternative_reason(reference: str, alternative: str, where: str) -> str | None:
    """Return why an alternative names no bases of its own; ``None`` if it does."""
    if alternative == reference:
        return "alternative that is the reference"
    if _BASES.match(alternative):
        return None
    if alternative == "*":
        return "allele * (deleted by another record)"
    if alternative in (".", "", "<*>", "<NON_REF>"):
        return "no alternative allele"
    if alternative.startswith("<"):
        return "symbolic allele"
    if "[" in alternative or "]" in alternative or alternative.startswith(".") or alternative.endswith("."):
        return "break end"
    if _AMBIGUOUS.match(alternative):
        return "alternative with an ambiguous base"
    raise InputError(
        f"ALT of {where} must be bases A, C, G, T or N, * or a symbol; got {alternative[:40]!r}; "
        "a VCF gives the base before an insertion or deletion: write it again with bcftools norm"
    )


def _values(cells: list[str], sample: int | None) -> dict[str, str]:
    if sample is None:
        return {}
    # Wanting values at the end are missing, says VCF.
    return dict(zip(cells[8].split(":"), cells[9 + sample].split(":"), strict=False))


def _info_value(info: str, key: str) -> str:
    if info.startswith(f"{key}="):
        start = len(key) + 1
    else:
        found = info.find(f";{key}=")
        if found < 0:
            return ""
        start = found + len(key) + 2
    end = info.find(";", start)
    return info[start:] if end < 0 else info[start:end]


def _result(
    source: _Source,
    columns: _Columns,
    skipped: dict[str, int],
    found: tuple[tuple[SmallVariant, tuple[TranscriptChange, ...]], ...],
    operation: str,
    settings: dict[str, object],
) -> AnnotatedVariants:
    header = source.header

    def name(sample: int | None) -> str | None:
        return None if sample is None else header.samples[sample]

    said = {
        "file_sha256": source.sha256,
        "tumour_sample": name(columns.tumour),
        "normal_sample": name(columns.normal),
        "vep_version": header.vep_version,
        "assembly": header.assembly,
        "skipped": dict(sorted(skipped.items())),
    }
    return AnnotatedVariants(
        variants=found,
        skipped=dict(sorted(skipped.items())),
        provenance=Record(operation, said | settings, references=("danecek2011vcf", "mclaren2016vep")),
        tumour_sample=name(columns.tumour) or "",
        normal_sample=name(columns.normal),
        assembly=header.assembly,
        annotator=f"VEP {header.vep_version}".strip() if header.annotation_fields else "",
    )


def _bcf_lines(path: Path) -> Iterator[str]:
    """Yield a BCF as the lines of the VCF that it stands for."""
    require_whole_bgzf(path, what=_WHAT)  # htslib only warns
    try:
        import pysam
    except ImportError as reason:
        raise MissingData(
            f"pysam must be installed to read the BCF {path.name}; it is not; "
            "install it, or convert the file with bcftools view -O z"
        ) from reason
    quiet = pysam.set_verbosity(0)  # htslib would write to the terminal
    try:
        with pysam.VariantFile(str(path)) as file:
            yield from str(file.header).splitlines()
            for record in file:
                yield str(record).rstrip("\n")
    except (OSError, ValueError) as reason:
        raise UnreadableFile(
            f"VCF must be whole; the BCF {path.name} is damaged ({reason}); copy or make it again"
        ) from reason
    finally:
        pysam.set_verbosity(quiet)
