"""Expression of genes and transcripts, as the programs that quantify it write it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tumorboard.core.expression import ExpressionTable
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.compressed_text import file_sha256
from tumorboard.io.event_table import EventRow, read_event_rows
from tumorboard.io.text_lines import finite_number
from tumorboard.provenance import Record

__all__ = ["read_expression_table"]

_WHAT: Final = "table of expression"
#: Headers of names, in small letters: kallisto, Salmon, RSEM, StringTie's genes, plain.
_TRANSCRIPTS: Final = ("target_id", "transcript_id", "transcript", "tx_name", "name")
_GENES: Final = (
    "gene id", "gene name", "gene_id", "gene_name", "gene", "gene_symbol", "symbol", "hgnc_symbol",
)  # fmt: skip
_OTHER_UNITS: Final = ("fpkm", "rpkm", "count", "counts", "est_counts", "numreads", "expected_count", "cpm")


def read_expression_table(path: Path | str) -> ExpressionTable:
    r"""Read transcripts per million of genes or transcripts.

    Known by their headers are kallisto's ``abundance.tsv``, Salmon's ``quant.sf`` and ``quant.genes.sf``,
    RSEM's results, StringTie's table of genes, and plain tables with a column of names and a column ``TPM``.

    Parameters
    ----------
    path
        The table, plain or gzip'd. Values of a name that occurs more than once are added.

    Returns
    -------
    ExpressionTable
        Where a table of transcripts names their genes too (RSEM, or names as GENCODE joins them,
        ``ENST...|ENSG...|...``), with the genes' sums.

    Raises
    ------
    MissingAttribute
        When there is no column of names or of TPM: counts and FPKM of one sample cannot be compared with
        thresholds in TPM.
    InputError
        When a value is no number of 0 or more.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
    ...     _ = file.write("gene\tTPM\nKRAS\t21.5\n")
    ...     file.flush()
    ...     read_expression_table(file.name).of_gene("KRAS")
    21.5
    """
    name = Path(path).name
    rows = read_event_rows(path, [], what=_WHAT)
    if not rows:
        raise InputError(f"{_WHAT} must have a row at least; {name} has none")
    headers = list(rows[0].cells)
    if "tpm" not in headers:
        other = [header for header in headers if header in _OTHER_UNITS]
        has = f"{', '.join(other)} instead" if other else ", ".join(headers)[:200]
        raise MissingAttribute(
            f"{_WHAT} must have a column TPM [transcripts per million]; {name} has {has}; "
            "quantify again with TPM: counts and FPKM depend on depth and lengths"
        )
    of_genes = [header for header in _GENES if header in headers]
    of_transcripts = [header for header in _TRANSCRIPTS if header in headers]
    genes: dict[str, float] = {}
    transcripts: dict[str, float] = {}
    if of_transcripts and not _names_genes(rows, of_transcripts[0], of_genes):
        # A gene's expression is the sum of its transcripts': RSEM and names as GENCODE joins them say whose.
        for row in rows:
            names = row.text(of_transcripts[0]).split("|")
            _add(row, names[:1], transcripts)
            _add(row, [*(row.text(column) for column in of_genes), *names[1:2], *names[5:6]], genes)
    elif of_genes or of_transcripts:
        for row in rows:
            _add(row, [row.text(column) for column in of_genes or of_transcripts[:1]], genes)
    else:
        raise MissingAttribute(
            f"{_WHAT} must have a column of names, such as gene, gene_id or target_id; {name} has "
            f"{', '.join(headers)[:200]}"
        )
    parameters = {
        "file": name,
        "file_sha256": file_sha256(path),
        "transcripts": len(transcripts),
        "genes": len(genes),
    }
    return ExpressionTable(transcripts, genes, Record("io.read_expression_table", parameters))


def _names_genes(rows: Sequence[EventRow], column: str, of_genes: Sequence[str]) -> bool:
    """Whether names are of genes: Salmon's table of genes has the same header as that of transcripts."""
    if column != "name":
        return False
    return bool(of_genes) or rows[0].text(column).startswith("ENSG")


def _add(row: EventRow, names: Sequence[str], into: dict[str, float]) -> None:
    """Add a row's value to those of all its names."""
    value = finite_number(row.text("tpm"), where=f"TPM in {row.where}")
    if value < 0:
        raise InputError(f"TPM in {row.where} must be 0 or more; got {value:g}; correct the file")
    # StringTie and GENCODE have "-" where there is no name.
    for name in {name.partition("|")[0] for name in names} - {"", "-"}:
        into[name] = into.get(name, 0.0) + value
