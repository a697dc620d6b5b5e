"""Transcripts of GTF annotations: Ensembl, GENCODE, RefSeq, or anyone's with exons."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tumorboard.core.transcript import Interval, Transcript
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.compressed_text import file_sha256, text_lines
from tumorboard.io.variant_neighbourhood import Neighbourhood
from tumorboard.io.vcf_text import is_whole
from tumorboard.provenance import Record

__all__ = ["Annotation", "read_gtf"]

_ATTRIBUTE: Final = re.compile(r'(\w+) +(?:"([^"]*)"|([^";\s]+))')
_TRANSCRIPT: Final = re.compile(r'\btranscript_id "?([^";]+)')
_GENE: Final = re.compile(r'\bgene_id "?[^";]+"?;?')
_LEVEL: Final = re.compile(r"[1-5]\b")
_BUILD: Final = re.compile(r"^#!genome-build (\S+)")
_MAPPED: Final = re.compile(r"mapped to (GRC\w+)")
_NAMED: Final = re.compile(r"\b(GRC[hm]\d+(?:\.p\d+)?)")
#: RefSeq's names of the human chromosomes.
_REFSEQ: Final = re.compile(r"NC_0000(\d\d)\.\d+\Z")
#: Tags that say what is missing or odd; those of choice (canonical, basic, APPRIS...) are not.
_FLAGS: Final = (
    "cds_start_NF",
    "cds_end_NF",
    "mRNA_start_NF",
    "mRNA_end_NF",
    "seleno",
    "non_ATG_start",
    "readthrough_transcript",
    "PAR",
)
_CANONICAL: Final = frozenset({"Ensembl_canonical", "RefSeq Select", "MANE Select"})
_MANE: Final = frozenset({"MANE_Select", "MANE Select"})
#: An annotation that tags its canonical transcripts does so at nearly every gene: so many records show it.
_TELLING: Final = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Annotation:
    """Transcripts of one annotation.

    Parameters
    ----------
    transcripts
        In the file's order.
    skipped
        Number of transcripts that were left out, by the reason.
    assembly
        Of the genome, as the file names it; empty if it does not say.
    provenance
        How it was read.
    """

    transcripts: tuple[Transcript, ...]
    skipped: Mapping[str, int]
    assembly: str
    provenance: Record

    def __post_init__(self) -> None:
        object.__setattr__(self, "skipped", MappingProxyType(dict(self.skipped)))


def read_gtf(path: Path | str, *, near: Neighbourhood | None = None) -> Annotation:
    r"""Return the transcripts of a GTF file.

    A whole human annotation has 250,000 transcripts in 3.4 million lines: give ``near`` to keep, and to
    look closely at, only what overlaps some variants.

    Parameters
    ----------
    path
        ``.gtf`` or ``.gtf.gz``, with lines ``exon`` and ``CDS``; lines of a transcript may stand anywhere.
    near
        Keep transcripts that overlap these stretches, introns included; ``None`` keeps all.

    Returns
    -------
    Annotation
        The stop codon is part of the coding bases, though GTF gives it apart from CDS. RefSeq's
        chromosomes ``NC_000001.11`` are called ``1``, its biotype ``mRNA`` is ``protein_coding``.

    Raises
    ------
    UnreadableFile
        When the file is no GTF, is damaged or was cut off.

    Examples
    --------
    >>> import tempfile
    >>> _ = (file := Path(tempfile.mkdtemp()) / "a.gtf").write_text(
    ...     '1\tx\texon\t1\t30\t.\t+\t.\tgene_id "G"; transcript_id "T"; gene_name "ABC1";\n'
    ...     '1\tx\tCDS\t4\t12\t.\t+\t0\tgene_id "G"; transcript_id "T"; gene_name "ABC1";\n'
    ...     '1\tx\tstop_codon\t13\t15\t.\t+\t0\tgene_id "G"; transcript_id "T"; gene_name "ABC1";\n'
    ... )
    >>> (made,) = read_gtf(file).transcripts
    >>> made.gene, made.exons, made.coding
    ('ABC1', ((1, 30),), ((4, 15),))
    """
    path = Path(path)
    reading = _Reading(path, near)
    for number, line in enumerate(text_lines(path, what="GTF"), 1):
        if line.startswith("#"):
            reading.remark(line)
        elif line:
            reading.take(number, line)
    return reading.result()


@dataclass(slots=True)
class _Parts:
    """What is known of a transcript so far."""

    chromosome: str
    strand: str
    exons: list[Interval] = field(default_factory=list)
    coding: list[tuple[int, int, str]] = field(default_factory=list)
    stops: list[Interval] = field(default_factory=list)
    attributes: str = ""
    coding_attributes: str = ""


@dataclass(slots=True)
class _Reading:
    """A file half read."""

    path: Path
    near: Neighbourhood | None
    parts: dict[str, _Parts] = field(default_factory=dict)
    rejected: set[str] = field(default_factory=set)
    assembly: str = ""
    passed_gene: str = ""
    tags_canonical: bool = False
    tags_mane: bool = False
    records: int = 0

    def remark(self, line: str) -> None:
        """Take the assembly from a comment, if it names one."""
        found = _BUILD.match(line) or _MAPPED.search(line) or (not self.assembly and _NAMED.search(line))
        if found:
            self.assembly = found[1]

    def take(self, number: int, line: str) -> None:
        """Take one record."""
        self.records += 1
        if self.records < _TELLING:
            self.tags_canonical |= "Ensembl_canonical" in line or "RefSeq Select" in line
            self.tags_mane |= "MANE_Select" in line or "MANE Select" in line
        if self.passed_gene and self.passed_gene in line:
            return
        cells = line.split("\t")
        if len(cells) != 9 or not (is_whole(cells[3]) and is_whole(cells[4])):
            raise UnreadableFile(
                f"line {number} of {self.path.name} must have 9 columns of a GTF with tabs between, start "
                f"and end whole numbers; got {line[:60]!r}; it was cut off, or is another kind of file"
            )
        kind = cells[2]
        if kind == "gene":
            self.passed_gene = "" if self._is_near(cells) else _first(_GENE, cells[8])
        elif kind in ("transcript", "exon", "CDS", "stop_codon"):
            self._take_part(number, kind, cells)

    def _is_near(self, cells: list[str]) -> bool:
        return self.near is None or self.near.has(_chromosome(cells[0]), int(cells[3]), int(cells[4]))

    def _take_part(self, number: int, kind: str, cells: list[str]) -> None:
        found = _TRANSCRIPT.search(cells[8])
        if found is None:
            if re.search(r"\b(?:ID|Parent)=", cells[8]):
                raise UnreadableFile(
                    f"annotation must be a GTF; {self.path.name} is a GFF3; convert it with gffread -T"
                )
            raise UnreadableFile(
                f"line {number} of {self.path.name} must name its transcript_id; got {cells[8][:60]!r}"
            )
        # The name of one transcript on two chromosomes (the pseudoautosomal regions) is two.
        name = f"{found[1]} {cells[0]} {cells[6]}"
        if name in self.rejected:
            return
        if kind == "transcript" and not self._is_near(cells):
            self.rejected.add(name)
            return
        parts = self.parts.get(name)
        if parts is None:
            parts = self.parts[name] = _Parts(_chromosome(cells[0]), cells[6])
        first, last = int(cells[3]), int(cells[4])
        if kind == "exon":
            parts.exons.append((first, last))
        elif kind == "CDS":
            parts.coding.append((first, last, cells[7]))
            parts.coding_attributes = parts.coding_attributes or cells[8]
        elif kind == "stop_codon":
            parts.stops.append((first, last))
        if kind == "transcript" or not parts.attributes:
            parts.attributes = cells[8]

    def result(self) -> Annotation:
        """Return the transcripts of all records."""
        skipped: Counter[str] = Counter()
        made: list[Transcript] = []
        for name in list(self.parts):
            parts = self.parts.pop(name)
            if not parts.exons:
                skipped["transcript without an exon"] += 1
                continue
            span = min(parts.exons)[0], max(last for _, last in parts.exons)
            if self.near is not None and not self.near.has(parts.chromosome, *span):
                continue
            if parts.strand not in ("+", "-"):
                skipped["strand that is neither + nor -"] += 1
                continue
            try:
                made.append(self._transcript(parts))
            except InputError:
                skipped["intervals that overlap or coding bases outside exons (ribosomal slippage)"] += 1
        if self.records == 0:
            raise UnreadableFile(f"GTF must have records; {self.path.name} has none; choose another file")
        said = {
            "file_sha256": file_sha256(self.path),
            "assembly": self.assembly,
            "near_variants": self.near is not None,
            "skipped": dict(sorted(skipped.items())),
        }
        return Annotation(
            tuple(made), dict(sorted(skipped.items())), self.assembly, Record("io.read_gtf", said)
        )

    def _transcript(self, parts: _Parts) -> Transcript:
        attributes, tags = _attributes(parts.attributes)
        protein, _ = _attributes(parts.coding_attributes)
        coding, phase = _coding(parts)
        biotype = attributes.get("transcript_biotype") or attributes.get("transcript_type") or ""
        level = _LEVEL.match(attributes.get("transcript_support_level", ""))
        gene = attributes.get("gene_id", "")
        return Transcript(
            identifier=_versioned(attributes, "transcript_id", "transcript_version"),
            gene=attributes.get("gene_name") or attributes.get("gene") or gene,
            chromosome=parts.chromosome,
            strand=parts.strand,
            exons=tuple(sorted(parts.exons)),
            coding=coding,
            coding_phase=phase,
            biotype="protein_coding" if biotype == "mRNA" else biotype,
            canonical=bool(_CANONICAL.intersection(tags)) if self.tags_canonical else None,
            mane_select=bool(_MANE.intersection(tags)) if self.tags_mane else None,
            support_level=int(level[0]) if level else None,
            flags=tuple(flag for flag in _FLAGS if flag in tags),
            gene_identifier=_versioned(attributes, "gene_id", "gene_version"),
            protein_identifier=_versioned(protein, "protein_id", "protein_version"),
        )


def _coding(parts: _Parts) -> tuple[tuple[Interval, ...], int]:
    """Return the coding intervals with the stop codon, and how many bases come before the first codon."""
    if not parts.coding:
        return (), 0
    ordered = sorted(parts.coding)
    begins = ordered[0] if parts.strand == "+" else ordered[-1]
    phase = int(begins[2]) if begins[2] in ("1", "2") else 0
    joined: list[Interval] = []
    # Some files have the stop codon in the CDS already.
    held = [(first, last) for first, last, _ in ordered]
    stops = [(a, b) for a, b in parts.stops if not any(first <= a and b <= last for first, last in held)]
    for first, last in sorted({*held, *stops}):
        if joined and first == joined[-1][1] + 1 and _one_exon(parts.exons, joined[-1][0], last):
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return tuple(joined), phase


def _one_exon(exons: list[Interval], first: int, last: int) -> bool:
    return any(start <= first and last <= end for start, end in exons)


def _attributes(text: str) -> tuple[dict[str, str], set[str]]:
    """Return the attributes, of repeated ones the first, and all tags."""
    found: dict[str, str] = {}
    tags: set[str] = set()
    for name, value in _pairs(text):
        found.setdefault(name, value)
        if name == "tag":
            tags.update(value.split(","))
    return found, tags


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for match in _ATTRIBUTE.finditer(text):
        yield match[1], match[2] if match[2] is not None else match[3]


def _versioned(attributes: dict[str, str], name: str, version: str) -> str:
    """Return an identifier with its version, which Ensembl gives apart."""
    identifier = attributes.get(name, "")
    number = attributes.get(version, "")
    return f"{identifier}.{number}" if identifier and number and "." not in identifier else identifier


def _chromosome(name: str) -> str:
    if not name.startswith("NC_"):
        return name
    found = _REFSEQ.match(name)
    if found is None:
        return "MT" if name.startswith("NC_012920.") else name
    number = int(found[1])
    return {23: "X", 24: "Y"}.get(number, str(number))


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[0] if found else ""
