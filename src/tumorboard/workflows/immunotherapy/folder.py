"""Which files of a folder are a tumour's variants, the patient's HLA type and what goes with them."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from tumorboard.errors import InputError
from tumorboard.io.dicom.folder_walk import walk
from tumorboard.io.dicom.opening import open_regular

__all__ = ["ImmunotherapyFiles", "caller_of", "find_immunotherapy_files"]

_VCF: Final = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf", ".maf", ".maf.gz")
_HLA: Final = re.compile(
    r"((.*[._-])?hla(?!lossprediction)([._-]?types?|[._-]?typing)?([._-].*)?\.(txt|tsv|csv|json)"
    r"|.*optitype.*_result\.tsv|.*\.genotype\.json|.*_final\.result\.txt|.*\.hlagenotype4digits)",
    re.IGNORECASE,
)
_HLA_LOSS: Final = re.compile(
    r".*hlalossprediction_ci.*|dash\.output\.txt|(.*[._-])?hla[._-]?(lost|loss|loh)([._-].*)?\.(txt|tsv|csv|xls)",
    re.IGNORECASE,
)
#: Words in a VCF's name that say that it holds what all cells have.
_GERMLINE: Final = re.compile(r"(^|[._-])(germline|phased|haplotypecaller|normal)([._-]|$)", re.IGNORECASE)
_PROTEOME: Final = re.compile(r"(^|[._-])(pep|proteome|proteins?|uniprot\w*)([._-]|$)", re.IGNORECASE)
_FASTA: Final = (".fa", ".fasta", ".faa", ".fa.gz", ".fasta.gz", ".faa.gz")
_GTF: Final = (".gtf", ".gtf.gz")
_BAM: Final = (".bam",)
_TABLE: Final = (".tsv", ".csv", ".txt", ".tsv.gz", ".csv.gz", ".txt.gz")
#: Headers that tell a caller's table of fusions: all of one line must be there.
_FUSION_HEADERS: Final = (
    ("arriba", {"gene1", "gene2", "breakpoint1", "peptide_sequence"}),
    ("easyfuse", {"bpid", "neo_peptide_sequence"}),
    ("star-fusion", {"leftbreakpoint", "rightbreakpoint", "fusion_transl"}),
)
_JUNCTION_HEADERS: Final = (
    ("regtools", {"chrom", "start", "end", "anchor", "transcripts"}),
    ("splice2neo", {"junc_id"}),
    ("spladder", {"event_id", "gene_name", "strand"}),
)
_EXPRESSION: Final = re.compile(r"(^|[._-])(expression|tpm|abundance|quant)([._-]|$)", re.IGNORECASE)
_EXPRESSION_ENDS: Final = ("quant.sf", "quant.genes.sf", "genes.results", "isoforms.results", "abundance.tsv")
_COPIES: Final = re.compile(r"(^|[._-])(copy[._-]?numbers?|cnv|segments?|cns)([._-]|$)|\.cns$", re.IGNORECASE)
_PURITY: Final = re.compile(r"(^|[._-])purity([._-]|$)|confints_cp", re.IGNORECASE)
_HEADER_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class ImmunotherapyFiles:
    """The files of one tumour; ``None`` or empty where there are none.

    Parameters
    ----------
    variants
        Somatic ones.
    hla, hla_loss
        The patient's type, and what the tumour lost of it.
    germline
        Variants that all cells have, or a phased file of both.
    fusions, junctions
        Each with the caller whose table it is.
    expression, copy_number, purity
        Of the tumour.
    gtf, genome, proteome
        Of the normal.
    reads
        Aligned reads of the tumour, for phases.
    left_out
        Further files of these kinds, that one tumour has no use for.
    """

    variants: Path | None = None
    hla: Path | None = None
    hla_loss: Path | None = None
    germline: Path | None = None
    fusions: tuple[tuple[str, Path], ...] = ()
    junctions: tuple[tuple[str, Path], ...] = ()
    expression: Path | None = None
    copy_number: Path | None = None
    purity: Path | None = None
    gtf: Path | None = None
    genome: Path | None = None
    proteome: Path | None = None
    reads: Path | None = None
    left_out: tuple[Path, ...] = ()

    @property
    def used(self) -> tuple[Path, ...]:
        """All that are read, in order."""
        named = [getattr(self, one.name) for one in fields(self)]
        alone = [path for path in named if isinstance(path, Path)]
        return tuple([*alone, *(path for _, path in (*self.fusions, *self.junctions))])


def find_immunotherapy_files(folder: Path) -> ImmunotherapyFiles | None:
    """Find what tells of a tumour's changes below a folder.

    Files go by their names, tables of fusions and junctions by their headers: variants ``*.vcf``,
    ``*.vcf.gz``, ``*.bcf``, ``*.maf`` (germline where the name says so); the HLA type ``hla*.txt``,
    ``.tsv``, ``.csv`` or ``.json``; ``*.gtf`` and a genome's FASTA; a proteome's FASTA (``*.pep.fa``,
    ``*proteome*``); ``*expression*``, ``quant.sf``, ``genes.results``; ``*copy_number*``, ``*.cns``;
    ``*purity*``; ``*.bam``.

    Parameters
    ----------
    folder
        Walked to any depth.

    Returns
    -------
    ImmunotherapyFiles or None
        ``None`` where the folder has neither variants nor fusions nor junctions.

    Raises
    ------
    InputError
        When there are several files of variants or HLA types and nothing says which is meant.
    """
    files = [path for path in walk(folder).files if not path.name.startswith(".")]
    vcf = [path for path in files if path.name.lower().endswith(_VCF)]
    germline = [path for path in vcf if _GERMLINE.search(path.name)]
    somatic = [path for path in vcf if path not in germline]
    if not somatic and germline:
        # The only one there is: whatever its name, it is what the tumour's variants stand in.
        somatic, germline = germline, []
    tables = [path for path in files if _is_table(path)]
    fusions = tuple(_told(tables, _FUSION_HEADERS))
    junctions = tuple([*_told(tables, _JUNCTION_HEADERS), *_named_junctions(files)])
    if not somatic and not fusions and not junctions:
        return None
    taken = {path for _, path in (*fusions, *junctions)}
    rest = [path for path in files if path not in taken]
    lost = [path for path in rest if _HLA_LOSS.fullmatch(path.name)]
    typed = [path for path in rest if _HLA.fullmatch(path.name) and path not in lost]
    hla = _one(typed, folder, "file of HLA types, hla*.txt")
    fasta = [path for path in rest if path.name.lower().endswith(_FASTA)]
    proteomes = [path for path in fasta if _PROTEOME.search(path.name)]
    singles = {
        "hla_loss": lost,
        "germline": germline,
        "expression": [p for p in rest if _is_expression(p) and p != hla],
        "copy_number": [p for p in rest if _COPIES.search(p.name) and _is_plain(p)],
        "purity": [p for p in rest if _PURITY.search(p.name) and _is_plain(p)],
        "gtf": [p for p in rest if p.name.lower().endswith(_GTF)],
        "genome": [p for p in fasta if p not in proteomes],
        "proteome": proteomes,
        "reads": [p for p in rest if p.name.lower().endswith(_BAM)],
    }
    return ImmunotherapyFiles(
        variants=_one(somatic, folder, "file of somatic variants, VCF, BCF or MAF"),
        hla=hla,
        fusions=fusions,
        junctions=junctions,
        left_out=tuple(path for found in singles.values() for path in found[1:]),
        **{name: found[0] if found else None for name, found in singles.items()},
    )


def caller_of(path: Path) -> tuple[str, str]:
    """Return what a table lists, ``"fusions"`` or ``"junctions"``, and whose table it is.

    Parameters
    ----------
    path
        The table.

    Raises
    ------
    InputError
        When its name and headers are those of no known caller.
    """
    for what, found in (
        ("fusions", _told([path], _FUSION_HEADERS)),
        ("junctions", [*_told([path], _JUNCTION_HEADERS), *_named_junctions([path])]),
    ):
        for caller, _ in found:
            return what, caller
    raise InputError(
        f"table of fusions or junctions must be one of Arriba, EasyFuse, STAR-Fusion, RegTools, splice2neo, "
        f"SplAdder, STAR or LeafCutter; {path.name} has the headers of none"
    )


def _one(found: Sequence[Path], folder: Path, what: str) -> Path | None:
    if len(found) > 1:
        raise InputError(
            f"folder must hold one {what}; {folder} has {len(found)}: "
            f"{', '.join(path.name for path in found[:3])}; leave one, or name a germline file so "
            "(*.germline.vcf.gz)"
        )
    return found[0] if found else None


def _is_table(path: Path) -> bool:
    return path.name.lower().endswith(_TABLE)


def _is_plain(path: Path) -> bool:
    return path.name.lower().endswith((*_TABLE, ".cns", ".seg", ".bed"))


def _is_expression(path: Path) -> bool:
    name = path.name.lower()
    if name.endswith(_EXPRESSION_ENDS):
        return True
    return bool(_EXPRESSION.search(name)) and name.endswith(_TABLE)


def _told(paths: Iterable[Path], known: Sequence[tuple[str, set[str]]]) -> Iterable[tuple[str, Path]]:
    for path in paths:
        headers = _headers(path)
        for caller, wanted in known:
            if wanted <= headers:
                yield caller, path
                break


def _named_junctions(paths: Iterable[Path]) -> Iterable[tuple[str, Path]]:
    for path in paths:
        name = path.name.lower()
        if name.endswith("sj.out.tab"):
            yield "star", path
        elif name.endswith("_perind.counts.gz"):
            yield "leafcutter", path
        elif name.endswith(".junc"):
            yield "regtools-bed", path


def _headers(path: Path) -> frozenset[str]:
    """Return the names in the first line that is no comment, lower case; none of what is no text."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            head = file.read(_HEADER_BYTES)
        if head[:2] == b"\x1f\x8b":
            head = zlib.decompressobj(wbits=31).decompress(head, _HEADER_BYTES)
        text = head.decode("utf-8-sig", errors="ignore")
    except (OSError, InputError, zlib.error, gzip.BadGzipFile):
        # What cannot be read here is no table of ours: the report lists it among the files not used.
        return frozenset()
    for line in text.splitlines():
        if line and not line.startswith("##"):
            cells = re.split(r"[\t,;]", line.lstrip("#"))
            return frozenset(cell.strip().strip('"').lower() for cell in cells)
    return frozenset()
