"""Invented genes: random proteins with a given stretch inside, and bases that code for them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from tumorboard.errors import InputError

__all__ = ["CODONS", "STOPS", "SyntheticGene", "coding_bases", "random_protein", "residues_of"]

_BASES: Final = "TCAG"
_CODE: Final = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
_TABLE: Final = {"".join(codon): _CODE[k] for k, codon in enumerate(product(_BASES, repeat=3))}
#: Codons of each residue in the standard code.
CODONS: Final = {
    residue: tuple(codon for codon, made in _TABLE.items() if made == residue)
    for residue in set(_CODE) - {"*"}
}
STOPS: Final = tuple(codon for codon, made in _TABLE.items() if made == "*")
#: Shares of residues in human proteins, rounded [%].
_SHARES: Final = {
    "A": 7.0, "C": 2.3, "D": 4.7, "E": 7.1, "F": 3.6, "G": 6.6, "H": 2.6, "I": 4.3, "K": 5.7, "L": 10.0,
    "M": 2.1, "N": 3.6, "P": 6.3, "Q": 4.8, "R": 5.6, "S": 8.3, "T": 5.4, "V": 6.0, "W": 1.2, "Y": 2.7,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SyntheticGene:
    """A gene of one exon on the forward strand.

    Parameters
    ----------
    symbol, transcript
        Invented names.
    protein
        Its residues.
    coding
        Bases from the start codon to the stop codon.
    start
        Of the first coding base on its chromosome, counted from 1; 0 before it is placed.

    Raises
    ------
    InputError
        When the bases do not code for the protein.
    """

    symbol: str
    transcript: str
    protein: str
    coding: str
    start: int = 0

    def __post_init__(self) -> None:
        if residues_of(self.coding) != f"{self.protein}*":
            raise InputError(f"coding bases of {self.symbol} must code for its protein and one stop")


def residues_of(bases: str) -> str:
    """Return what bases code for, to the first stop or the last whole codon, the stop as ``*``.

    Parameters
    ----------
    bases
        A, C, G and T, in frame.

    Examples
    --------
    >>> residues_of("ATGGGTTAACCC")
    'MG*'
    """
    made = "".join(_TABLE[bases[k : k + 3]] for k in range(0, len(bases) - 2, 3))
    end = made.find("*")
    return made if end < 0 else made[: end + 1]


def random_protein(rng: np.random.Generator, length: int) -> str:
    """Return residues as often as in human proteins, without methionine at the start.

    Parameters
    ----------
    rng
        The random numbers.
    length
        Residues.
    """
    letters = list(_SHARES)
    shares = np.array(list(_SHARES.values()))
    return "".join(rng.choice(letters, length, p=shares / shares.sum()))


def coding_bases(rng: np.random.Generator, protein: str) -> str:
    """Return bases that code for a protein, with a stop, one of the codons of each residue at random.

    Parameters
    ----------
    rng
        The random numbers.
    protein
        Residues.
    """
    codons = [CODONS[residue][rng.integers(len(CODONS[residue]))] for residue in protein]
    return "".join(codons) + STOPS[rng.integers(len(STOPS))]
