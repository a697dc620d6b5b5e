"""Calibration curves of CT scanners in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np

from tumorboard.core.hu_curve import HuCurve
from tumorboard.core.image import Quantity
from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.text_lines import finite_number, read_text_lines
from tumorboard.provenance import Record

__all__ = ["read_hu_curve"]

_NAMES_HU: Final = re.compile(r"\b(hu|hounsfield|ct[ _]?numbers?(_hu)?)\b", re.IGNORECASE)
_NAMES_STOPPING: Final = re.compile(r"stopping|\brsp\b", re.IGNORECASE)
_NAMES_DENSITY: Final = re.compile(r"densit", re.IGNORECASE)
_G_CM3: Final = re.compile(r"g\s*[/_]\s*cm\s*\^?(3|³)", re.IGNORECASE)
_SEPARATORS: Final = re.compile(r"[,;\s]+")
#: No scanner's numbers lie beyond these [HU]; a table of other units would.
_LARGEST_HU: Final = 100_000.0
_MOST_POINTS: Final = 100_000


def read_hu_curve(path: Path | str, *, name: str = "", quantity: Quantity | None = None) -> HuCurve:
    r"""Read a curve from CT numbers to mass density or relative stopping power.

    Two columns of numbers, separated by comma, semicolon or blanks: CT number [HU] and value. Lines before
    them, with or without ``#``, are the header, which must name HU and the quantity: ``density`` with
    ``g/cm3``, or ``stopping`` or ``RSP``. So are matRad's ``.hlut`` files, which for particles mean
    relative stopping power, MCsquare's and OpenTPS's ``HU_Density_Conversion.txt``, and tables such as::

        HU, density [g/cm3]
        -1000, 0.0012
        0, 1.0

    Parameters
    ----------
    path
        The file.
    name
        Of the curve; the file's name without its ending when empty.
    quantity
        What the values are, where the file does not say; a file that says otherwise is refused.

    Returns
    -------
    HuCurve
        Beyond its ends the end values hold.

    Raises
    ------
    UnreadableFile
        When the file is not a text file of two columns.
    MissingAttribute
        When neither the file nor ``quantity`` says what the values are, or a density has no unit.
    InputError
        When a number is not one, CT numbers do not ascend, or the quantity contradicts the file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "scanner A.csv"
    >>> _ = path.write_text("HU, density [g/cm3]\n-1000, 0.0012\n0, 1.0\n3000, 2.5\n")
    >>> curve = read_hu_curve(path)
    >>> curve.name, curve.quantity, curve.values.tolist()
    ('scanner A', <Quantity.DENSITY: 'density'>, [0.0012, 1.0, 2.5])
    """
    path = Path(path)
    header: list[str] = []
    points: list[tuple[float, float]] = []
    for number, line in enumerate(read_text_lines(path, what="HU curve"), start=1):
        text = line.split("#")[0].strip()
        if not points and ("#" in line or not _starts_with_number(text)):
            header.append(line.replace("#", " ").strip())
        if not text or (not points and not _starts_with_number(text)):
            continue
        cells = [cell for cell in _SEPARATORS.split(text) if cell]
        if len(cells) != 2:
            raise UnreadableFile(
                f"line {number} of {path.name} must have two numbers, HU and value; got {text[:40]!r}; write "
                "decimals with a point"
            )
        hu, value = (finite_number(cell, where=f"line {number} of {path.name}") for cell in cells)
        points.append((hu, value))
        if len(points) > _MOST_POINTS:
            raise UnreadableFile(f"points of {path.name} must be at most {_MOST_POINTS}; got more")
    if len(points) < 2:
        raise UnreadableFile(f"HU curve {path.name} must have two points or more; got {len(points)}")
    table = np.array(points)
    if np.abs(table[:, 0]).max() > _LARGEST_HU:
        raise InputError(f"CT numbers of {path.name} must be within 100000 [HU]; got {np.abs(table).max():g}")
    meaning = _quantity(" ".join(header), quantity, path)
    record = Record("io.read_hu_curve", {"file": path.name, "quantity": meaning.value})
    return HuCurve(name or path.stem, table[:, 0], table[:, 1], meaning, record)


def _starts_with_number(text: str) -> bool:
    return bool(text) and (text[0].isdigit() or text[0] in "+-.")


def _quantity(header: str, told: Quantity | None, path: Path) -> Quantity:
    """Return what the values are, by the header and what the caller says."""
    is_hlut = path.suffix.lower() == ".hlut"
    stated = None
    # matRad's own header mentions electron densities too: they are for photons.
    if is_hlut or _NAMES_STOPPING.search(header):
        stated = Quantity.RELATIVE_STOPPING_POWER
    elif _NAMES_DENSITY.search(header):
        if not _G_CM3.search(header) and told is None:
            raise MissingAttribute(
                f"unit of the density in {path.name} must be given [g/cm3]; the header names none; write "
                "'HU, density [g/cm3]' above the numbers"
            )
        stated = Quantity.DENSITY
    if told is not None and stated is not None and told is not stated:
        raise InputError(f"quantity of {path.name} must be {stated.name} as its header says; got {told.name}")
    if stated is not None and told is None and not is_hlut and not _NAMES_HU.search(header):
        raise MissingAttribute(
            f"header of {path.name} must say that its first column is CT numbers [HU]; it does not; write "
            "'HU, density [g/cm3]' above the numbers"
        )
    meaning = told or stated
    if meaning is None:
        raise MissingAttribute(
            f"quantity of {path.name} must be given; its header names neither density [g/cm3] nor relative "
            "stopping power; pass quantity=Quantity.DENSITY or Quantity.RELATIVE_STOPPING_POWER"
        )
    return meaning
