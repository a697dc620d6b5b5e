"""Lists of peptides, alone or with the residues beside them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.text_lines import read_text_lines

__all__ = ["PeptideList", "read_peptides"]

_PEPTIDE: Final = ("peptide", "sequence", "mut_peptide", "mt epitope seq")


@dataclass(frozen=True, slots=True)
class PeptideList:
    """Peptides as a file has them.

    Parameters
    ----------
    peptides
        In order, capital letters; one may come twice.
    n_flanks, c_flanks
        Residues before and after each in its protein; ``None`` if the file has none.
    alleles
        Of each, as text; ``None`` if the file names none.
    """

    peptides: tuple[str, ...]
    n_flanks: tuple[str, ...] | None = None
    c_flanks: tuple[str, ...] | None = None
    alleles: tuple[str, ...] | None = None


def read_peptides(path: Path | str) -> PeptideList:
    r"""Read peptides.

    Parameters
    ----------
    path
        One peptide a line, FASTA (each record one peptide), or a table, separated by commas or tabs, with a
        column ``peptide`` and if known ``n_flank``, ``c_flank`` (15 residues are enough) and ``allele``.
        Lines that begin with ``#`` are remarks.

    Raises
    ------
    UnreadableFile
        When it holds no peptide.
    InputError
        When a table has no column of peptides.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w") as file:
    ...     _ = file.write("peptide\tallele\nSIINFEKL\tA0201\n")
    ...     file.flush()
    ...     read_peptides(file.name)
    PeptideList(peptides=('SIINFEKL',), n_flanks=None, c_flanks=None, alleles=('A0201',))
    """
    path = Path(path)
    lines = [line for line in read_text_lines(path, what="list of peptides") if line.strip()]
    fasta = any(line.startswith(">") for line in lines)
    lines = [line for line in lines if not line.startswith("#")]
    if not lines:
        raise UnreadableFile(f"{path.name} must hold a peptide at least, one a line; it is empty")
    if fasta:
        return PeptideList(tuple(_records(lines)))
    delimiter = next((mark for mark in ("\t", ",", ";") if mark in lines[0]), None)
    headers = [cell.strip().strip('"').lower() for cell in lines[0].split(delimiter or "\n")]
    column = next((name for name in _PEPTIDE if name in headers), None)
    if delimiter is None:
        return PeptideList(tuple(line.strip().upper() for line in lines[column is not None :]))
    if column is None:
        raise InputError(
            f"table {path.name} must have a column peptide; it has {', '.join(headers)[:200]}; name one so, "
            "or give one peptide a line"
        )
    rows = list(csv.DictReader([delimiter.join(headers), *lines[1:]], delimiter=delimiter))
    ragged = next((k for k, row in enumerate(rows, start=2) if None in row or None in row.values()), None)
    if ragged is not None:
        raise InputError(
            f"rows of {path.name} must have {len(headers)} cells; row {ragged} has another number"
        )

    def column_of(*names: str) -> tuple[str, ...] | None:
        name = next((n for n in names if n in headers), None)
        return None if name is None else tuple(row[name].strip() for row in rows)

    return PeptideList(
        tuple(row[column].strip().upper() for row in rows),
        column_of("n_flank", "n-flank"),
        column_of("c_flank", "c-flank"),
        column_of("allele", "hla_allele", "hla allele", "mhc"),
    )


def _records(lines: list[str]) -> list[str]:
    found: list[str] = []
    for line in lines:
        if line.startswith(">"):
            found.append("")
        elif found:
            found[-1] += line.strip().upper()
    return found
