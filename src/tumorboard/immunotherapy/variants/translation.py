"""From bases to residues: complementing a strand, and translating codons."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.chromosome import plain_chromosome
from tumorboard.errors import InputError

__all__ = ["GeneticCode", "genetic_code_of", "reverse_complement", "translate"]

#: The order in which the tables of NCBI list the third, second and first base.
_ORDER: Final = "TCAG"
#: How bases are counted here; N is any of them.
_LETTERS: Final = "TCAGN"
_COMPLEMENT: Final = str.maketrans("ACGTNacgtn", "TGCANtgcan")

_LETTER_CODE = np.full(256, 255, np.uint8)
for _number, _pair in enumerate(("Tt", "Cc", "Aa", "Gg", "Nn")):
    _LETTER_CODE[[ord(letter) for letter in _pair]] = _number
_LETTER_CODE[[ord("U"), ord("u")]] = 0


class GeneticCode(Enum):
    """Which residue each codon stands for: tables 1 and 2 of NCBI [elzanowski2024codes].

    Each value holds the residues of the 64 codons, TTT, TTC, TTA, TTG, TCT ... GGG, and the codons that
    start a protein, whose first residue is methionine whatever they stand for elsewhere.
    """

    STANDARD = (
        "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        ("TTG", "CTG", "ATG"),
    )
    VERTEBRATE_MITOCHONDRIAL = (
        "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIMMTTTTNNKKSS**VVVVAAAADDEEGGGG",
        ("ATT", "ATC", "ATA", "ATG", "GTG"),
    )

    @property
    def residues(self) -> str:
        """Residues of the 64 codons in the order of the table; ``*`` is a stop."""
        return str(self.value[0])

    @property
    def starts(self) -> tuple[str, ...]:
        """Codons that start a protein."""
        return tuple(self.value[1])


def _with_unknown_bases(code: GeneticCode) -> NDArray[np.uint8]:
    """Return the residue of each codon of five letters, (25 a + 5 b + c): X where N leaves it open."""
    known = {"".join(codon): r for codon, r in zip(product(_ORDER, repeat=3), code.residues, strict=True)}
    table = np.empty(125, np.uint8)
    for number, codon in enumerate(product(_LETTERS, repeat=3)):
        choices = product(*(_ORDER if base == "N" else base for base in codon))
        residues = {known["".join(choice)] for choice in choices}
        table[number] = ord(residues.pop() if len(residues) == 1 else "X")
    return table


_TABLE: Final = {code: _with_unknown_bases(code) for code in GeneticCode}


def genetic_code_of(chromosome: str) -> GeneticCode:
    """Return the code by which a chromosome's genes are translated.

    Parameters
    ----------
    chromosome
        With or without ``chr``.

    Examples
    --------
    >>> genetic_code_of("chrM").name, genetic_code_of("X").name
    ('VERTEBRATE_MITOCHONDRIAL', 'STANDARD')
    """
    mitochondrial = plain_chromosome(chromosome) == "MT"
    return GeneticCode.VERTEBRATE_MITOCHONDRIAL if mitochondrial else GeneticCode.STANDARD


def reverse_complement(bases: str) -> str:
    """Return the other strand, read in its own direction.

    Parameters
    ----------
    bases
        A, C, G, T or N, capitals or not; other letters stay as they are.

    Examples
    --------
    >>> reverse_complement("ATGCCN")
    'NGGCAT'
    """
    return bases.translate(_COMPLEMENT)[::-1]


def translate(
    cdna: str,
    *,
    code: GeneticCode = GeneticCode.STANDARD,
    to_stop: bool = True,
    first_is_start: bool = False,
    selenocysteines: Collection[int] = (),
) -> str:
    """Return the protein that a coding sequence stands for.

    Parameters
    ----------
    cdna
        Bases of the coding strand from the first codon on; U is T. Bases after the last whole codon are left
        out. A codon with N is the residue that all its readings share, else ``X``.
    code
        Of the chromosome, see :func:`genetic_code_of`.
    to_stop
        Whether to end before the first stop; else stops are ``*`` and reading goes on.
    first_is_start
        Whether the first codon starts the protein: then, if it is one of the code's starts, it gives
        methionine, as the initiator does for CTG too. Leave it off where the start is not annotated.
    selenocysteines
        Codons, counted from 0, whose TGA gives selenocysteine, ``U``, and no stop.

    Returns
    -------
    str
        Residues of one letter.

    Raises
    ------
    InputError
        When a letter is no base.

    Examples
    --------
    >>> translate("ATGGCNTGATTTTAAGG"), translate("ATGGCNTGATTTTAAGG", to_stop=False)
    ('MA', 'MA*F*')
    >>> translate("ATGGCNTGATTTTAAGG", selenocysteines=[2])
    'MAUF'
    >>> translate("ATATGAAGA", code=GeneticCode.VERTEBRATE_MITOCHONDRIAL)
    'MW'
    """
    letters = np.frombuffer(cdna.encode("latin-1", "replace"), np.uint8)
    numbers = _LETTER_CODE[letters[: letters.size - letters.size % 3]].reshape(-1, 3).astype(np.intp)
    if numbers.size and numbers.max() == 255:
        wrong = cdna[int(np.flatnonzero(numbers.ravel() == 255)[0])]
        raise InputError(f"cdna must be of the bases A, C, G, T, U, N; got {wrong!r}; replace it by N")
    protein: str = _TABLE[code][numbers @ (25, 5, 1)].tobytes().decode("ascii")
    for codon in selenocysteines:
        if cdna[3 * codon : 3 * codon + 3].upper().replace("U", "T") == "TGA":
            protein = f"{protein[:codon]}U{protein[codon + 1 :]}"
    if first_is_start and cdna[:3].upper().replace("U", "T") in code.starts:
        protein = f"M{protein[1:]}"
    return protein.partition("*")[0] if to_stop else protein
