"""How strongly genes and transcripts of a sample are expressed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["ExpressionTable"]

_VERSION: Final = re.compile(r"\.\d+")


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionTable:
    """Expression of one sample [transcripts per million].

    Parameters
    ----------
    transcripts, genes
        By identifier or symbol, as in the file; either may be empty. Versions (``ENST00000311936.8``) do not
        matter in look-ups.
    provenance
        How they were read.

    Raises
    ------
    InputError
        When a value is negative or not finite.

    Examples
    --------
    >>> table = ExpressionTable({"ENST00000311936.8": 12.5}, {}, Record("example"))
    >>> table.of_transcript("ENST00000311936.3"), table.of_gene("KRAS")
    (12.5, None)
    """

    transcripts: Mapping[str, float]
    genes: Mapping[str, float]
    provenance: Record
    _plain: Mapping[str, float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("transcripts", "genes"):
            values: dict[str, float] = dict(getattr(self, name))
            for identifier, tpm in values.items():
                if not 0 <= tpm < float("inf"):
                    raise InputError(f"expression of {identifier} must be 0 TPM or more; got {tpm!r}")
            object.__setattr__(self, name, MappingProxyType(values))
        plain = {_unversioned(name): tpm for name, tpm in self.genes.items()}
        plain |= {_unversioned(name): tpm for name, tpm in self.transcripts.items()}
        object.__setattr__(self, "_plain", MappingProxyType(plain))

    def of_transcript(self, identifier: str) -> float | None:
        """Return a transcript's expression; ``None`` where the table does not have it."""
        return self.transcripts.get(identifier, self._of(identifier) if self.transcripts else None)

    def of_gene(self, *names: str) -> float | None:
        """Return a gene's expression by the first of its names that the table has; ``None`` for none."""
        if not self.genes:
            return None
        for name in names:
            found = self.genes.get(name, self._of(name))
            if name and found is not None:
                return found
        return None

    def _of(self, name: str) -> float | None:
        # Symbols have points as well (AC012345.1), which are no versions: only Ensembl's names are cut.
        return self._plain.get(_unversioned(name))


def _unversioned(name: str) -> str:
    # What follows a version stays: GENCODE's ENST00000381192.10_PAR_Y is another chromosome's.
    return _VERSION.sub("", name, count=1) if name.startswith("ENS") else name
