"""HLA types as typing programs and people write them down."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tumorboard.core.hla import HlaAllele, HlaMolecule, HlaType
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.compressed_text import file_sha256
from tumorboard.io.text_lines import read_text_lines
from tumorboard.io.vcf_text import real_number
from tumorboard.provenance import Record

__all__ = ["HlaTyping", "named_alleles", "read_hla_type"]

_WHAT: Final = "HLA type"
#: Genes that typing programs report beside those that present peptides to T cells.
_OTHER_GENES: Final = re.compile(
    r"(?:HLA[-_])?(?:[HJKLNPSTUVWY]|D[MO][AB]|D[PQ][AB]2|DRB[26-9]|MIC[AB]|TAP[12]|HFE)(?:\*|_|\Z)",
    re.IGNORECASE,
)
_NON_CLASSICAL: Final = re.compile(r"(?:HLA[-_])?[EFG](?:\*|_|\d|\Z)", re.IGNORECASE)
_GENE: Final = re.compile(
    r"(?:HLA[-_])?(?:[A-Y]|CW|DR[AB]\d?|D[QPMO][AB]\d?|MIC[AB]|TAP[12]|HFE)\Z", re.IGNORECASE
)
#: How programs say that there is no second allele, or no result.
_EMPTY: Final = frozenset({"", "-", "--", ".", "na", "n/a", "nan", "none", "no", "not typed", "null"})
_SEPARATORS: Final = re.compile(r"[\t,; |]+")


@dataclass(frozen=True, slots=True, eq=False)
class HlaTyping:
    """A patient's HLA type as read from a file.

    Parameters
    ----------
    hla_type
        Of the genes that present peptides.
    layout
        Whose layout the file has, e.g. ``"OptiType"``; ``"list"`` of a plain one.
    left_out
        Names in the file that are left out: of other genes, of HLA-E, F and G where a program typed all
        genes, and those to which T1K gives the quality 0.
    provenance
        How it was read.
    """

    hla_type: HlaType
    layout: str
    left_out: tuple[str, ...]
    provenance: Record


def read_hla_type(path: Path | str) -> HlaTyping:
    r"""Return a patient's HLA type from a file in any of the usual layouts.

    Read are: OptiType's ``*_result.tsv``; HLA-HD's ``*_final.result.txt``; Polysolver's
    ``winners.hla.txt``; seq2HLA's ``*.HLAgenotype4digits``; T1K's ``*_genotype.tsv``; arcasHLA's
    ``*.genotype.json``; xHLA's JSON; a JSON list of names, or object with ``alleles`` and, if the tumour
    lost some, ``lost``; and lists of names with blanks, commas or line ends between, ``#`` before remarks.

    Parameters
    ----------
    path
        The file, of one patient.

    Returns
    -------
    HlaTyping

    Raises
    ------
    InputError
        When a name is none, with its line, or a gene has more than two alleles.
    UnreadableFile
        When the file is no text, or holds no allele.

    Examples
    --------
    >>> import tempfile
    >>> _ = (file := Path(tempfile.mkdtemp()) / "hla.txt").write_text("# 7\nA0201, B*45:01\nDRB1_0405\n")
    >>> [str(allele) for allele in read_hla_type(file).hla_type.alleles]
    ['HLA-A*02:01', 'HLA-B*45:01', 'HLA-DRB1*04:05']
    """
    path = Path(path)
    lines = read_text_lines(path, what=_WHAT)
    first = next((line for line in lines if line.strip()), "")
    unsure: tuple[str, ...] = ()
    if first.lstrip().startswith(("{", "[")):
        layout, names, lost = _of_json(path, lines)
    else:
        layout, names, unsure = _of_lines(lines)
        lost = []
    kept, left_out = _sorted_out(names, layout)
    if not kept:
        raise UnreadableFile(
            f"HLA type must name alleles, like A*02:01; {path.name} names none of a gene that presents "
            "peptides; give the typing's result"
        )
    alleles = [allele for number, name in kept for allele in named_alleles(name, _where(path, number))]
    gone = [allele for number, name in lost for allele in named_alleles(name, _where(path, number))]
    try:
        hla_type = HlaType(tuple(alleles), tuple(gone))
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error
    said = {"file_sha256": file_sha256(path), "layout": layout, "alleles": [str(a) for a in hla_type.alleles]}
    return HlaTyping(hla_type, layout, (*left_out, *unsure), Record("io.read_hla_type", said))


def named_alleles(name: str, where: str) -> tuple[HlaAllele, ...]:
    """Return the alleles that a name stands for: one, or the two chains of a pair.

    Parameters
    ----------
    name
        In any usual spelling.
    where
        For the message, e.g. ``"line 3 of hla.txt"``.

    Raises
    ------
    InputError
        When it names none.

    Examples
    --------
    >>> [allele.short for allele in named_alleles("HLA-DQA1*05:01/DQB1*02:01", "line 1")]
    ['DQA1*05:01', 'DQB1*02:01']
    """
    try:
        molecule = HlaMolecule.named(name)
    except InputError:
        try:
            return (HlaAllele.named(name),)  # a chain of DQ or DP alone
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
    return tuple(chain for chain in (molecule.alpha, molecule.beta) if chain is not None)


#: A name and the line it stands in; 0 where the file has no lines to speak of.
_Named = list[tuple[int, str]]


def _of_lines(lines: list[str]) -> tuple[str, _Named, tuple[str, ...]]:
    """Return whose layout the lines have, the names in them, and those that the program is not sure of."""
    numbered = [(i, line.rstrip()) for i, line in enumerate(lines, 1) if line.strip()]
    cells = [(number, [cell.strip() for cell in line.split("\t")]) for number, line in numbered]
    head = cells[0][1] if cells else []
    if {"A1", "A2", "B1", "B2", "C1", "C2"} <= set(head):
        columns = [index for index, name in enumerate(head) if name in ("A1", "A2", "B1", "B2", "C1", "C2")]
        # The solutions stand in order; the first is the best.
        return (
            "OptiType",
            [(number, row[i]) for number, row in cells[1:2] for i in columns if i < len(row)],
            (),
        )
    if head and head[0].lstrip("#").lower() == "locus":
        rows = [(number, row) for number, row in cells[1:] if len(row) >= 4]
        return "seq2HLA", [(number, row[i].rstrip("'")) for number, row in rows for i in (1, 3)], ()
    if cells and all(len(row) >= 8 and row[1].isdigit() for _, row in cells):
        # Names that T1K cannot tell apart have commas between; the first stands for them.
        calls = [
            (number, row[i].split(",")[0], real_number(row[i + 2])) for number, row in cells for i in (2, 5)
        ]
        # Its author takes an allele only if its quality is above 0; -1 stands beside no name.
        unsure = tuple(name for _, name, quality in calls if quality == 0)
        return "T1K", [(number, name) for number, name, quality in calls if quality != 0], unsure
    if cells and all(len(row) >= 2 and _GENE.match(row[0]) for _, row in cells):
        named: _Named = [(number, name) for number, row in cells for name in row[1:3]]
        polysolver = any(name.lower().startswith("hla_") for _, name in named)
        return "Polysolver" if polysolver else "HLA-HD", named, ()
    return "list", list(_of_list(numbered)), ()


def _of_list(numbered: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    for place, (number, line) in enumerate(numbered):
        for word in _SEPARATORS.split(line.partition("#")[0].strip()):
            heading = place == 0 and word.lower() in ("allele", "alleles", "hla", "name", "hla_allele")
            if word and not heading and not _GENE.match(word.rstrip(":")):
                yield number, word.strip("\"'")


def _of_json(path: Path, lines: list[str]) -> tuple[str, _Named, _Named]:
    try:
        content = json.loads("\n".join(lines))
    except (json.JSONDecodeError, RecursionError) as reason:
        raise UnreadableFile(f"HLA type {path.name} must be whole JSON; {reason}; correct it") from reason
    layout, lost = "JSON", []
    if isinstance(content, dict):
        lost = [(0, name) for name in _strings(content.get("lost", []))]
        if isinstance(content.get("hla"), dict):
            layout, content = "xHLA", content["hla"].get("alleles", [])
        elif "alleles" in content:
            content = content["alleles"]
        elif all(_GENE.match(name) for name in content):
            layout = "arcasHLA"
        else:
            raise UnreadableFile(
                f"HLA type {path.name} must be a list of names, or an object by gene or with alleles; it has "
                f"{', '.join(map(str, content))[:80]}"
            )
    return layout, [(0, name) for name in _strings(content)], lost


def _strings(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for inner in content.values():
            yield from _strings(inner)
    elif isinstance(content, list):
        for inner in content:
            yield from _strings(inner)
    elif content is not None:
        raise UnreadableFile(f"names of an HLA type must be text; got {content!r}; correct the file")


def _sorted_out(names: _Named, layout: str) -> tuple[_Named, tuple[str, ...]]:
    """Return the names to read and those that are left out."""
    kept: _Named = []
    left_out: list[str] = []
    for number, name in names:
        if name.strip().lower() in _EMPTY:
            continue
        unasked = layout not in ("list", "JSON") and _NON_CLASSICAL.match(name)
        if _OTHER_GENES.match(name) or unasked:
            left_out.append(name)
        else:
            kept.append((number, name))
    return kept, tuple(left_out)


def _where(path: Path, number: int) -> str:
    return f"line {number} of {path.name}" if number else path.name
