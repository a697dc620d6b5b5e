"""Proteins of FASTA files: Ensembl's, GENCODE's, UniProt's, RefSeq's, anyone's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.compressed_text import file_sha256, text_lines
from tumorboard.provenance import Record

__all__ = ["Protein", "ProteinSet", "read_proteins"]

_STANDARD: Final = frozenset("ACDEFGHIKLMNPQRSTVWY")
#: Letters of other residues: selenocysteine, pyrrolysine, unknown, and ambiguous ones.
_OTHERS: Final = frozenset("UOXBZJ")
_ENSEMBL: Final = re.compile(r"\b(gene|transcript|gene_symbol):(\S+)")
_UNIPROT_GENE: Final = re.compile(r"\bGN=(\S+)")
_NUCLEOTIDES: Final = frozenset("ACGTUN")


@dataclass(frozen=True, slots=True)
class Protein:
    """A protein's residues and what its header says.

    Parameters
    ----------
    identifier
        First word of the header; of UniProt's the accession, of GENCODE's the protein's.
    sequence
        One letter a residue, in capitals, without the stop.
    gene
        Symbol, or identifier where there is none; empty if the header does not say.
    transcript
        Empty if the header does not say.
    """

    identifier: str
    sequence: str
    gene: str = ""
    transcript: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ProteinSet:
    """Proteins of a file.

    Parameters
    ----------
    proteins
        In the file's order; several may have one sequence.
    odd_residues
        How often each letter occurs that is none of the twenty. Such letters are kept where they stand: a
        peptide across one matches nothing.
    provenance
        How they were read.
    """

    proteins: tuple[Protein, ...]
    odd_residues: Mapping[str, int]
    provenance: Record

    def __post_init__(self) -> None:
        object.__setattr__(self, "odd_residues", MappingProxyType(dict(self.odd_residues)))

    @property
    def sequences(self) -> tuple[str, ...]:
        """Residues of all."""
        return tuple(protein.sequence for protein in self.proteins)


def read_proteins(path: Path | str) -> ProteinSet:
    r"""Return the proteins of a FASTA file.

    Parameters
    ----------
    path
        ``.fa`` or ``.fa.gz``. A final ``*`` is dropped; letters U, O, X, B, Z, J are kept and counted; a
        ``*`` or ``.`` inside becomes ``X``.

    Returns
    -------
    ProteinSet

    Raises
    ------
    UnreadableFile
        When the file is no FASTA, was cut off, or holds nucleotides.
    InputError
        When a letter is no residue, with its line.

    Examples
    --------
    >>> import tempfile
    >>> header = ">sp|P01116|RASK_HUMAN GTPase KRas OS=Homo sapiens GN=KRAS PE=1"
    >>> _ = (file := Path(tempfile.mkdtemp()) / "a.fa").write_text(f"{header}\nMTEYKL\nvvvgag*\n")
    >>> read_proteins(file).proteins
    (Protein(identifier='P01116', sequence='MTEYKLVVVGAG', gene='KRAS', transcript=''),)
    """
    path = Path(path)
    proteins: list[Protein] = []
    odd: Counter[str] = Counter()
    letters: set[str] = set()
    for number, header, residues in _entries(path):
        sequence = residues.upper().rstrip("*").replace("*", "X").replace(".", "X")
        here = set(sequence)
        if not here <= _STANDARD:
            wrong = here - _STANDARD - _OTHERS
            if wrong:
                raise InputError(
                    f"residues of {header.split()[0] if header else 'a protein'} at line {number} of "
                    f"{path.name} must be letters of residues; got {''.join(sorted(wrong))[:20]!r}; "
                    "correct the file"
                )
            odd.update(letter for letter in sequence if letter not in _STANDARD)
        if len(letters) < 21:
            letters |= here
        proteins.append(_protein(header, sequence))
    if not proteins:
        raise UnreadableFile(f"FASTA must hold proteins; {path.name} holds none; choose another file")
    if letters <= _NUCLEOTIDES and sum(len(p.sequence) for p in proteins) > 60:
        raise UnreadableFile(f"FASTA must hold proteins; {path.name} holds nucleotides; translate them")
    said = {
        "file_sha256": file_sha256(path),
        "proteins": len(proteins),
        "odd_residues": dict(sorted(odd.items())),
    }
    return ProteinSet(tuple(proteins), dict(sorted(odd.items())), Record("io.read_proteins", said))


def _entries(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield the line, header and residues of each entry."""
    header: str | None = None
    at = 0
    parts: list[str] = []
    for number, line in enumerate(text_lines(path, what="FASTA"), 1):
        if line.startswith(">"):
            if header is not None:
                yield at, header, "".join(parts)
            at, header, parts = number, line[1:].strip(), []
        elif header is not None:
            parts.append(line.strip())
        elif line.strip() and not line.startswith(";"):
            raise UnreadableFile(
                f"FASTA must begin with > and a name; {path.name} begins with {line[:40]!r}; "
                "choose another file"
            )
    if header is not None:
        yield at, header, "".join(parts)


def _protein(header: str, sequence: str) -> Protein:
    name = header.split(maxsplit=1)[0] if header else ""
    said = dict(_ENSEMBL.findall(header))
    if said:
        gene = said.get("gene_symbol") or said.get("gene", "")
        return Protein(name, sequence, gene, said.get("transcript", ""))
    fields = name.split("|")
    if fields[0] in ("sp", "tr") and len(fields) == 3:
        found = _UNIPROT_GENE.search(header)
        return Protein(fields[1], sequence, found[1] if found else "")
    if len(fields) >= 7 and fields[0].startswith("ENS"):
        return Protein(fields[0], sequence, fields[6], fields[1])
    return Protein(name, sequence)
