"""Tables of predictors that users already have: NetMHCpan, MHCflurry, MixMHCpred, pVACseq."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from tumorboard.core.hla import HlaMolecule
from tumorboard.core.presentation import PresentationRows
from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.compressed_text import file_sha256, text_lines
from tumorboard.provenance import Record

__all__ = ["read_presentation_table"]

_KINDS: Final = "NetMHCpan or NetMHCIIpan (text or -xls), MHCflurry, MixMHCpred or pVACseq"
#: Affinity, percentile and score of a MHCflurry table; the first that is there.
_FLURRY: Final = (
    ("mhcflurry_affinity", "affinity"),
    (
        "mhcflurry_presentation_percentile",
        "presentation_percentile",
        "mhcflurry_affinity_percentile",
        "affinity_percentile",
    ),
    ("mhcflurry_presentation_score", "presentation_score"),
)
#: Endings of pVACseq's columns of mutant peptides, and which of the three values they hold.
_PVACSEQ: Final = (
    ("MT IC50 Score", 0),
    ("MT Percentile", 1),
    ("MT Presentation Score", 2),
    ("MT Binding Score", 2),
)
_MISSING: Final = frozenset({"", "na", "nan", "n/a", "-"})
_NUMBER: Final = re.compile(r"[-+]?\d")

_Row = tuple[str, str, float, float, float]


def read_presentation_table(path: Path | str) -> tuple[PresentationRows, ...]:
    r"""Read what other predictors said; which wrote the file is seen from its header.

    Parameters
    ----------
    path
        Standard output of NetMHCpan 4 or NetMHCIIpan 4, or their ``-xls`` file (text with tabs), the CSV of
        MHCflurry, the table of MixMHCpred 2 or 3, or pVACseq's ``all_epitopes.tsv`` (its mutant peptides);
        ``.gz`` too.

    Returns
    -------
    tuple of PresentationRows
        One for each tool: one, but of pVACseq one for each predictor it ran. Affinities [nM], percentiles
        0 to 100.

    Raises
    ------
    UnreadableFile
        When the file is none of these.
    MissingAttribute
        When the header lacks what it must have.
    InputError
        When a row holds no number where one must be, or names no allele.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
    ...     _ = file.write("allele,peptide,mhcflurry_affinity\nHLA-A*02:01,GILGFVFTL,14.5\n")
    ...     file.flush()
    ...     rows = read_presentation_table(file.name)[0]
    >>> rows.tool, rows.peptides, float(rows.affinity_nm[0])
    ('MHCflurry', ('GILGFVFTL',), 14.5)
    """
    path = Path(path)
    try:
        tools = _tools(text_lines(path, what="table of predictions"), path.name)
    except csv.Error as error:
        raise UnreadableFile(
            f"{path.name} must be a table of {_KINDS}; {error}; choose another file"
        ) from error
    record = Record("io.read_presentation_table", {"file": path.name, "sha256": file_sha256(path)})
    return tuple(_noun(tool, rows, record, path.name) for tool, rows in tools.items())


def _tools(text: Iterator[str], name: str) -> dict[str, list[_Row]]:
    """Return the rows of each tool of a file."""
    first = next((line for line in text if line.strip()), "")
    if first.startswith("#") and "NetMHC" not in first:
        # MixMHCpred remarks on itself before its header.
        first = next((line for line in text if not line.startswith("#")), "")
    cells = [cell.strip() for cell in re.split(r"[\t,]", first)]
    if "MT Epitope Seq" in cells:
        return _pvacseq(csv.reader(_again(first, text), delimiter="\t"), name)
    if "Score_bestAllele" in cells:
        return {"MixMHCpred": _mixmhcpred(csv.DictReader(_again(first, text), delimiter="\t"), name)}
    if "peptide" in cells and any("affinity" in cell or "presentation" in cell for cell in cells):
        return {"MHCflurry": _mhcflurry(csv.DictReader(_again(first, text)), name)}
    if "\t" in first and "Peptide" not in cells and any(cells):
        second = next(text, "")
        if "Peptide" in second:
            return {"NetMHCpan": list(_xls(first, second, text, name))}
    if "NetMHC" in first or first.startswith("#"):
        return _printed(text, name, "NetMHCIIpan" if "NetMHCII" in first else "NetMHCpan")
    raise UnreadableFile(f"{name} must be a table of {_KINDS}; its header is {first.strip()[:80]!r}")


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _number(text: str | None, where: str) -> float:
    text = _stated(text, where).strip()
    if text.lower() in _MISSING:
        return float("nan")
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{where} must be a number; got {text[:40]!r}; correct the file") from error


def _stated(text: str | None, where: str) -> str:
    """Return a cell's text; refuse a row that ends before it."""
    if text is None:
        raise UnreadableFile(f"{where} must be there; the row has fewer cells; the file was cut off")
    return text


def _pvacseq(table: Iterator[list[str]], name: str) -> dict[str, list[_Row]]:
    """Return the mutant peptides' rows of each predictor that pVACseq ran, none without any value."""
    headers = next(table)
    # Columns of affinity, percentile and score by tool; -1 for one that is not there.
    tools: dict[str, list[int]] = {}
    for k, header in enumerate(headers):
        for ending, place in _PVACSEQ:
            if header.endswith(ending):
                tool = header[: -len(ending)].removesuffix("Presentation ").strip()
                tools.setdefault(tool, [-1, -1, -1])[place] = k
    _require(headers, ("MT Epitope Seq", "HLA Allele"), name)
    peptide, allele = headers.index("MT Epitope Seq"), headers.index("HLA Allele")
    found: dict[str, list[_Row]] = {tool: [] for tool in tools}
    seen: set[tuple[str, str]] = set()
    for line, row in enumerate(table, start=2):
        if row and len(row) != len(headers):
            raise UnreadableFile(
                f"line {line} of {name} must have {len(headers)} cells, as its header; got {len(row)}; "
                "the file was cut off"
            )
        pair = (row[peptide], row[allele]) if row else None
        if pair is None or pair in seen:
            continue  # a pair comes once for each transcript
        seen.add(pair)
        for tool, columns in tools.items():
            nm, rank, score = (
                float("nan") if k < 0 else _number(row[k], f"{headers[k]} in line {line} of {name}")
                for k in columns
            )
            if not all(value != value for value in (nm, rank, score)):  # NaN
                found[tool].append((*pair, nm, rank, score))
    # A tool has no row of a length or an allele that it does not take.
    return {tool: rows for tool, rows in found.items() if rows}


def _mhcflurry(table: csv.DictReader[str], name: str) -> list[_Row]:
    headers = table.fieldnames or []
    allele = next((h for h in ("allele", "best_allele") if h in headers), None)
    if allele is None:
        raise MissingAttribute(
            f"{name} must have a column allele or best_allele; it has {', '.join(headers)[:200]}"
        )
    columns = [next((h for h in names if h in headers), "") for names in _FLURRY]
    rows: list[_Row] = []
    for k, row in enumerate(table, start=2):
        where = f"line {k} of {name}"
        molecule = _stated(row[allele], f"{allele} in {where}")
        peptide = _stated(row["peptide"], f"peptide in {where}")
        rows.append((peptide, molecule, *_three(row, columns, where)))
    return rows


def _require(headers: Sequence[str], needed: Sequence[str], name: str) -> None:
    missing = [header for header in needed if header not in headers]
    if missing:
        raise MissingAttribute(
            f"{name} must have the columns {', '.join(needed)}; it lacks {', '.join(missing)}; "
            "choose the file that the tool wrote"
        )


def _three(row: dict[str, str], columns: Sequence[str], where: str) -> tuple[float, float, float]:
    nm, rank, score = (_number(row.get(c), f"{c} in {where}") if c else float("nan") for c in columns)
    return nm, rank, score


def _mixmhcpred(table: csv.DictReader[str], name: str) -> list[_Row]:
    """Return a row for each allele's own columns ``Score_A0201`` and ``%Rank_A0201``."""
    headers = table.fieldnames or []
    _require(headers, ("Peptide",), name)
    alleles = [h[6:] for h in headers if h.startswith("Score_") and h != "Score_bestAllele"]
    return [
        (
            row["Peptide"],
            allele,
            *_three(row, ("", f"%Rank_{allele}", f"Score_{allele}"), f"line {k} of {name}"),
        )
        for k, row in enumerate(table, start=2)
        for allele in alleles
    ]


def _xls(first: str, second: str, text: Iterator[str], name: str) -> Iterator[_Row]:
    """Give the rows of a ``-xls`` file: alleles in the first line, above the first of their columns."""
    columns = [cell.strip() for cell in second.rstrip("\r\n").split("\t")]
    starts = [(k, cell.strip()) for k, cell in enumerate(first.rstrip("\r\n").split("\t")) if cell.strip()]
    ends = [k for k, _ in starts[1:]] + [len(columns)]
    at = columns.index("Peptide")
    for k, line in enumerate(text, start=3):
        cells = line.rstrip("\r\n").split("\t")
        if len(cells) <= at:
            continue
        for (start, allele), end in zip(starts, ends, strict=True):
            row = dict(zip(columns[start:end], cells[start:end], strict=False))
            names = (
                _first(columns[start:end], "nM"),
                _first(columns[start:end], "EL_Rank", "Rank", "BA_Rank"),
                _first(columns[start:end], "EL-score", "EL_score", "Score"),
            )
            yield (cells[at], allele, *_three(row, names, f"line {k} of {name}"))


def _printed(text: Iterator[str], name: str, tool: str) -> dict[str, list[_Row]]:
    """Return the rows of standard output; its columns are lined up by blanks."""
    columns: list[str] = []
    rows: list[_Row] = []
    for k, line in enumerate(text, start=2):
        cells = line.split()
        if line.startswith("#") or len(cells) < 4:
            continue
        if "Peptide" in cells:
            columns = cells
        elif columns and _NUMBER.match(cells[0]):
            row = dict(zip(columns, cells, strict=False))
            names = (
                _first(columns, "Aff(nM)", "Affinity(nM)"),
                _first(columns, "%Rank_EL", "%Rank_BA", "%Rank"),
                _first(columns, "Score_EL", "Score_BA", "Score"),
            )
            allele = row.get("MHC", row.get("HLA", row.get("Allele", "")))
            rows.append((row["Peptide"], allele, *_three(row, names, f"line {k} of {name}")))
    if not rows:
        raise UnreadableFile(f"{name} must hold rows of {tool} below a header with Peptide; it holds none")
    return {tool: rows}


def _first(columns: Sequence[str], *names: str) -> str:
    return next((name for name in names if name in columns), "")


def _noun(tool: str, rows: Sequence[_Row], record: Record, name: str) -> PresentationRows:
    if not rows:
        raise UnreadableFile(f"{name} must hold a row at least below its header; it holds none")
    known: dict[str, HlaMolecule] = {}
    for row in rows:
        if row[1] not in known:
            known[row[1]] = HlaMolecule.named(row[1])
    nm, rank, score = np.array([row[2:] for row in rows], np.float64).T
    peptides, molecules = tuple(row[0] for row in rows), tuple(known[row[1]] for row in rows)
    return PresentationRows(tool, peptides, molecules, nm, rank, score, record)
