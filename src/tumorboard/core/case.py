"""A case: what is known of one patient, as an index of stored items."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["Case", "CaseDifference", "CaseItem", "ItemKind"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_\-]{0,79}\Z")


class ItemKind(Enum):
    """What kind of thing an item of a case is."""

    IMAGE = "image"
    STRUCTURES = "structures"
    CURVES = "curves"
    RESULT = "result"


@dataclass(frozen=True, slots=True)
class CaseItem:
    """One stored item.

    Parameters
    ----------
    name
        Unique in the case and safe as a file name: lower-case letters, digits, ``_`` and ``-``, at most
        80 characters. Names are made by the program, never taken from a file's contents.
    kind
        What it is.
    digest
        SHA-256 of the stored content; equal digests mean equal content.
    provenance
        How it came about.
    attributes
        JSON-serialisable facts for display: modality, description, quantity, unit.
    """

    name: str
    kind: ItemKind
    digest: str
    provenance: Record
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise InputError(
                f"name of a case item must be 1 to 80 of a-z, 0-9, _ and -, starting with a letter or digit; "
                f"got {self.name!r}"
            )
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))


@dataclass(frozen=True, slots=True)
class CaseDifference:
    """How a second case differs from a first, by item name."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True, slots=True)
class Case:
    """An index of what is stored of one patient; :mod:`tumorboard.io.case_store` holds the contents.

    Parameters
    ----------
    identifier
        The patient's pseudonym at this site; not empty.
    items
        Stored items; names are unique.

    Examples
    --------
    >>> ct = CaseItem("ct", ItemKind.IMAGE, "ab12", Record("example"))
    >>> Case("P01", ()).difference(Case("P01", (ct,))).added
    ('ct',)
    """

    identifier: str
    items: tuple[CaseItem, ...]

    def __post_init__(self) -> None:
        if not self.identifier:
            raise InputError("identifier of a case must not be empty")
        object.__setattr__(self, "items", tuple(self.items))
        names = [item.name for item in self.items]
        if len(set(names)) != len(names):
            raise InputError(f"names of case items must be unique; got {', '.join(names)}")

    def __getitem__(self, name: str) -> CaseItem:
        for item in self.items:
            if item.name == name:
                return item
        raise InputError(f"case item must be one of {', '.join(i.name for i in self.items)}; got {name!r}")

    def of_kind(self, kind: ItemKind) -> tuple[CaseItem, ...]:
        """Return the items of one kind, in order."""
        return tuple(item for item in self.items if item.kind is kind)

    def difference(self, other: Case) -> CaseDifference:
        """Return how ``other`` differs from this case: by name, and by digest where the names agree."""
        mine = {item.name: item.digest for item in self.items}
        theirs = {item.name: item.digest for item in other.items}
        return CaseDifference(
            added=tuple(n for n in theirs if n not in mine),
            removed=tuple(n for n in mine if n not in theirs),
            changed=tuple(n for n in theirs if n in mine and mine[n] != theirs[n]),
        )
