"""Which HLA alleles a tumour has lost, as LOHHLA, DASH or people write it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from tumorboard.core.hla import HlaAllele
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.compressed_text import file_sha256
from tumorboard.io.hla_types import HlaTyping, named_alleles, read_hla_type
from tumorboard.io.text_lines import finite_number, read_text_lines
from tumorboard.provenance import Record

__all__ = ["with_losses"]

#: An allele is lost below half a copy, if the imbalance is significant [mcgranahan2017lohhla].
_LOST_BELOW_COPIES: Final = 0.5
_LARGEST_P: Final = 0.01
_MISSING: Final = ("", "na", "nan", ".")


def with_losses(typing: HlaTyping, path: Path | str) -> HlaTyping:
    r"""Return a patient's HLA type with what the tumour lost of it (loss of heterozygosity).

    Read are LOHHLA's ``*.HLAlossPrediction_CI.xls`` or ``.txt`` (lost: fewer than 0.5 copies of
    ``HLA_type1copyNum_withBAFBin`` or of type 2, the lower one if both, and ``PVal_unique`` below 0.01
    [mcgranahan2017lohhla]), DASH's ``DASH.output.txt`` (``DASH_deletion`` true), and lists of the lost
    alleles' names.

    Parameters
    ----------
    typing
        The patient's.
    path
        The file.

    Returns
    -------
    HlaTyping
        An allele stays if a kept one has the same two fields: its protein is still there.

    Raises
    ------
    InputError
        When a name is none, or is none of the patient's.
    UnreadableFile
        When the file is no text, or a table of LOHHLA without these columns.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "hla.txt").write_text("A*02:01 A*24:02 B*45:01")
    >>> _ = (folder / "lost.txt").write_text("hla_a_24_02_01_01\n")
    >>> found = with_losses(read_hla_type(folder / "hla.txt"), folder / "lost.txt")
    >>> [str(allele) for allele in found.hla_type.lost]
    ['HLA-A*24:02']
    """
    path = Path(path)
    lines = read_text_lines(path, what="list of lost HLA alleles")
    head = lines[0].split("\t") if lines else []
    rows = [
        (number, dict(zip(head, line.split("\t"), strict=False)))
        for number, line in enumerate(lines[1:], 2)
        if line.strip()
    ]
    if "HLA_A_type1" in head:
        layout, lost = "LOHHLA", _of_lohhla(path, head, rows)
    elif "DASH_deletion" in head and "Alleles" in head:
        layout = "DASH"
        gone = [(n, row) for n, row in rows if row.get("DASH_deletion", "").strip().lower() == "true"]
        lost = [a for n, row in gone for a in named_alleles(row["Alleles"], f"line {n} of {path.name}")]
    elif any(line.partition("#")[0].strip() for line in lines):
        layout, lost = "list", list(read_hla_type(path).hla_type.alleles)
    else:
        layout, lost = "list", []  # nothing lost, said by an empty list
    known = {allele.short.rstrip("NLSCAQ"): allele for allele in typing.hla_type.alleles}
    found = [known.get(allele.short.rstrip("NLSCAQ"), allele) for allele in lost]
    try:
        hla_type = replace(typing.hla_type, lost=(*typing.hla_type.lost, *found))
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error
    said: dict[str, object] = {"file_sha256": file_sha256(path), "layout": layout}
    said["lost"] = [str(allele) for allele in hla_type.lost]
    if layout == "LOHHLA":
        said |= {"lost_below_copies": _LOST_BELOW_COPIES, "largest_p": _LARGEST_P}
    keys = ("mcgranahan2017lohhla",) if layout == "LOHHLA" else ()
    return replace(
        typing, hla_type=hla_type, provenance=Record("io.with_losses", said, (typing.provenance,), keys)
    )


def _of_lohhla(path: Path, head: list[str], rows: list[tuple[int, dict[str, str]]]) -> list[HlaAllele]:
    needed = ("HLA_A_type1", "HLA_A_type2", "HLA_type1copyNum_withBAFBin", "HLA_type2copyNum_withBAFBin")
    missing = [name for name in (*needed, "PVal_unique") if name not in head]
    if missing:
        raise UnreadableFile(
            f"table of LOHHLA must have {', '.join(missing)}; {path.name} lacks them; "
            "give the file that ends in HLAlossPrediction_CI"
        )
    lost: list[HlaAllele] = []
    for number, row in rows:
        where = f"line {number} of {path.name}"
        copies = [_number(row, f"HLA_type{i}copyNum_withBAFBin", where) for i in (1, 2)]
        p = _number(row, "PVal_unique", where)
        if p is None or p >= _LARGEST_P or copies[0] is None or copies[1] is None:
            continue  # homozygous, or too few reads to say
        lower = 0 if copies[0] <= copies[1] else 1
        if min(copies[0], copies[1]) >= _LOST_BELOW_COPIES:
            continue
        pair = [named_alleles(row[f"HLA_A_type{i}"], where)[0] for i in (1, 2)]
        if pair[0] != pair[1]:
            lost.append(pair[lower])
    return lost


def _number(row: Mapping[str, str], name: str, where: str) -> float | None:
    text = row.get(name, "").strip()
    return None if text.lower() in _MISSING else finite_number(text, where=f"{name} of {where}")
