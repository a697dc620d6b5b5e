"""What the residues around a peptide say about its being cut out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.immunotherapy.residues import RESIDUES

__all__ = ["FlankTable"]

_CODE = {residue: number for number, residue in enumerate(RESIDUES)}
_EMPTY = len(RESIDUES)


@dataclass(frozen=True, slots=True, eq=False)
class FlankTable:
    """Logits to add for each residue near a peptide's ends.

    Parameters
    ----------
    logits
        By side (before, after), distance from the peptide and residue, the last for the end of the protein,
        shape ``(2, reach, 21)``.

    Raises
    ------
    InputError
        When the shape is another.

    Examples
    --------
    >>> table = FlankTable(np.arange(42.0).reshape(2, 1, 21))
    >>> table.add(["GA", ""], ["C", "DE"]).tolist()
    [22.0, 43.0]
    """

    logits: NDArray[np.float64]

    def __post_init__(self) -> None:
        logits = read_only(self.logits, np.float64)
        if logits.ndim != 3 or logits.shape[::2] != (2, _EMPTY + 1):
            raise InputError(
                f"logits of flanks must have shape (2, reach, {_EMPTY + 1}); got {logits.shape}; "
                "pass sides, distances, residues"
            )
        object.__setattr__(self, "logits", logits)

    def codes(self, n_flanks: Sequence[str], c_flanks: Sequence[str]) -> NDArray[np.int64]:
        """Return residue numbers by distance from the peptide.

        Parameters
        ----------
        n_flanks, c_flanks
            Residues before and after each peptide; what is further away than the table reaches is not read.

        Returns
        -------
        numpy.ndarray
            Numbers, shape ``(n, 2, reach)``.

        Raises
        ------
        InputError
            When a residue is none of the twenty.
        """
        reach = self.logits.shape[1]
        codes = np.full((len(n_flanks), 2, reach), _EMPTY, np.int64)
        for row, (before, after) in enumerate(zip(n_flanks, c_flanks, strict=True)):
            for side, near in enumerate((before[::-1][:reach], after[:reach])):
                for distance, residue in enumerate(near):
                    if residue not in _CODE:
                        raise InputError(
                            f"flanks must be of the residues {RESIDUES}; got {residue!r} in "
                            f"{(before, after)[side]!r}; cut the flank there, or leave the flanks out"
                        )
                    codes[row, side, distance] = _CODE[residue]
        return codes

    def add(self, n_flanks: Sequence[str], c_flanks: Sequence[str]) -> NDArray[np.float64]:
        """Return what flanks add to the logit of presentation.

        Parameters
        ----------
        n_flanks, c_flanks
            As for `codes`.

        Returns
        -------
        numpy.ndarray
            Logits, shape ``(n,)``.
        """
        codes = self.codes(n_flanks, c_flanks)
        sides = np.arange(2)[:, None]
        return np.asarray(self.logits[sides, np.arange(self.logits.shape[1]), codes].sum(axis=(1, 2)), float)
