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
        When a name is none, or that of a null allele.
    """

    alleles: tuple[str, ...] = ()
    threads: int = 1

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise InputError(f"threads must be 1 or more; got {self.threads}")
        molecules = [HlaMolecule.named(name) for name in self.alleles]
        for chain in (chain for m in molecules for chain in (m.beta, m.alpha) if chain is not None):
            if chain.is_null:
                raise InputError(
                    f"alleles must make a protein on the cell; got {chain}, a null allele, which presents "
                    "nothing; leave it out"
                )
        object.__setattr__(self, "alleles", tuple(dict.fromkeys(map(str, molecules))))

    @property
    def molecules(self) -> tuple[HlaMolecule, ...]:
        """The molecules, each once."""
        return tuple(HlaMolecule.named(name) for name in self.alleles)
