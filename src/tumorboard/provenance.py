"""How a result says where it came from.

A :class:`Record` names one operation, what it was told, and the records of its
inputs, so the records of a result form a tree down to the files it began with.
Records hold no clock time and no host name: the same inputs and parameters give
the same digest on every machine. The apps stamp time and site when they save.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from tumorboard.errors import InputError

__all__ = ["Record"]


@dataclass(frozen=True)
class Record:
    """One step in the making of a result.

    Parameters
    ----------
    operation
        Dotted public name, e.g. ``"dosimetry.time_integrated_activity"``.
    parameters
        JSON-serialisable settings; every name carries its unit.
    inputs
        Records of the inputs, in argument order.
    references
        Citation keys, resolved in ``docs/references.bib``.

    Examples
    --------
    >>> scan = Record("io.dicom.read_image", parameters={"series": "1.2.3"})
    >>> suv = Record("pet.suv", inputs=(scan,), references=("kinahan2010suv",))
    >>> list(suv.citations())
    ['kinahan2010suv']
    >>> Record.from_dict(suv.to_dict()).digest == suv.digest
    True
    """

    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Record, ...] = ()
    references: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            # Through JSON and back: what a file would hold is what the digest sees (a tuple is a list).
            parameters = json.loads(json.dumps(dict(self.parameters), allow_nan=False))
        except (TypeError, ValueError) as reason:
            raise InputError(
                f"parameters of {self.operation!r} must be JSON-serialisable and finite; {reason}; "
                "pass numbers, strings, lists"
            ) from reason
        object.__setattr__(self, "parameters", MappingProxyType(parameters))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the operation, its parameters and its inputs' digests."""
        body = [self.operation, dict(self.parameters), [r.digest for r in self.inputs]]
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()

    def citations(self) -> Iterator[str]:
        """Yield each citation key used anywhere in the tree once, inputs first."""
        seen = dict.fromkeys(key for r in self.inputs for key in r.citations())
        yield from dict.fromkeys([*seen, *self.references])

    def to_dict(self) -> dict[str, Any]:
        """Return the tree as JSON-serialisable dictionaries, with the digest."""
        return {
            "operation": self.operation,
            "parameters": dict(self.parameters),
            "inputs": [r.to_dict() for r in self.inputs],
            "references": list(self.references),
            "digest": self.digest,
        }

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Record:
        """Read what :meth:`to_dict` wrote; a stored digest that no longer fits is an InputError."""
        record = cls(
            tree["operation"],
            tree.get("parameters", {}),
            tuple(cls.from_dict(r) for r in tree.get("inputs", ())),
            tuple(tree.get("references", ())),
        )
        if tree.get("digest", record.digest) != record.digest:
            raise InputError(
                f"digest of {record.operation!r} must match its contents; got {tree['digest']}; "
                "the record was edited: make the result again"
            )
        return record
