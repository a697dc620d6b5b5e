"""Private elements of PET vendors, found by their creator and never by their number alone."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["PrivateCreator", "private_text"]


class PrivateCreator(Enum):
    """Who owns a private block: the text of its creator element, (gggg,0010) to (gggg,00FF)."""

    GE = "GEMS_PETD_01"
    SIEMENS = "SIEMENS MED PT"
    PHILIPS = "Philips PET Private Group"


# De-identification drops creator elements and keeps the block; then the manufacturer has to vouch for it.
_MAKERS = {
    PrivateCreator.GE: ("GE ", "GEMS"),
    PrivateCreator.SIEMENS: ("SIEMENS", "CPS", "CTI"),
    PrivateCreator.PHILIPS: ("PHILIPS", "ADAC"),
}


def private_text(dataset: Dataset, group: int, element: int, *, creator: PrivateCreator) -> str:
    """Return the text of one private element, ``""`` when it is absent.

    Parameters
    ----------
    dataset
        The data set.
    group, element
        Tag, with the element's number within its block: (0009,100D) is ``0x0009, 0x0D``.
    creator
        Owner of the block. Where the group has no creator element at all, block 10 is taken when
        Manufacturer (0008,0070) is the owner's.
    """
    block = next(
        (
            number
            for number in range(0x10, 0x100)
            if (group, number) in dataset
            and str(dataset[group, number].value).strip(" \0").upper() == creator.value.upper()
        ),
        None,
    )
    if block is None:
        made_by = str(dataset.get("Manufacturer") or "").strip().upper() + " "
        if (group, 0x10) in dataset or not made_by.startswith(_MAKERS[creator]):
            return ""
        block = 0x10
    tag = (group, (block << 8) + element)
    value = dataset[tag].value if tag in dataset else None
    if isinstance(value, bytes):  # implicit transfer syntaxes leave private elements without a known type
        value = value.decode("ascii", "replace")
    return "" if value is None else str(value).strip(" \0")
