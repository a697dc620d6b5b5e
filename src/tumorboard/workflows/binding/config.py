"""What a user can choose about a prediction of presentation."""

from __future__ import annotations

from dataclasses import dataclass

from tumorboard.core.hla import HlaMolecule
from tumorboard.errors import InputError

__all__ = ["BindingConfig"]


@dataclass(frozen=True, slots=True)
class BindingConfig:
    """Which molecules, and on how many cores.

    Parameters
    ----------
    alleles
        In any usual spelling, kept as ``"HLA-A*02:01"``; class I and II may be mixed. Empty: the list of
        peptides names an allele for each.
    threads
        At most; the result does not depend on it.

    Raises
    ------
    InputError
        When a name is none.
    """

    alleles: tuple[str, ...] = ()
    threads: int = 1

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise InputError(f"threads must be 1 or more; got {self.threads}")
        names = (str(HlaMolecule.named(name)) for name in self.alleles)
        object.__setattr__(self, "alleles", tuple(dict.fromkeys(names)))

    @property
    def molecules(self) -> tuple[HlaMolecule, ...]:
        """The molecules, each once."""
        return tuple(HlaMolecule.named(name) for name in self.alleles)
