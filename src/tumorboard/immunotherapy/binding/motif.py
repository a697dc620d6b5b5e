"""What the peptides look like that a molecule likes best, for a logo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.hla import HlaMolecule
from tumorboard.errors import InputError
from tumorboard.immunotherapy.binding.model import PresentationModel
from tumorboard.immunotherapy.residues import RESIDUES, residue_codes
from tumorboard.provenance import Record

__all__ = ["Motif", "binding_motif"]


@dataclass(frozen=True, slots=True, eq=False)
class Motif:
    """How often each residue stands at each place of a molecule's best peptides.

    Parameters
    ----------
    molecule
        Whose motif it is.
    frequency
        Shares, rows by place, columns in the order of ``residues``, shape ``(length, 20)``; rows sum to 1.
    background
        Shares of the residues in the peptides chosen from, shape ``(20,)``.
    peptides
        How many peptides it is made of.
    provenance
        How it was made.
    residues
        Order of the columns.
    """

    molecule: HlaMolecule
    frequency: NDArray[np.float64]
    background: NDArray[np.float64]
    peptides: int
    provenance: Record
    residues: str = RESIDUES

    def __post_init__(self) -> None:
        for name in ("frequency", "background"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    def information_bits(self) -> NDArray[np.float64]:
        """Return the height of each letter of a logo [bits], shape ``(length, 20)``.

        The relative entropy of a place against the background, shared among its residues by their frequency
        [schneider1990sequence].
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(
                self.frequency > 0, self.frequency * np.log2(self.frequency / self.background), 0.0
            )
        return np.asarray(self.frequency * terms.sum(axis=1, keepdims=True), float)


def binding_motif(
    model: PresentationModel,
    molecule: HlaMolecule,
    peptides: Sequence[str],
    *,
    best_percent: float,
    threads: int = 1,
) -> Motif:
    """Return the motif of a molecule's best peptides among many.

    Parameters
    ----------
    model
        Of the molecule's class.
    molecule
        Whose motif is wanted.
    peptides
        To choose from, of one length; random peptides of a proteome, thousands.
    best_percent
        Share to take by presentation score [%], above 0 to 100; 1 is usual.
    threads
        To compute with.

    Raises
    ------
    InputError
        When lengths differ, the share is out of range or leaves no peptide, or the model refuses.

    Examples
    --------
    >>> from tumorboard.core.hla import MhcClass
    >>> from tumorboard.immunotherapy.binding import load_model
    >>> two = ["GILGFVFTL", "GRRGFVFTD"]
    >>> motif = binding_motif(load_model(MhcClass.I), HlaMolecule.named("A*02:01"), two, best_percent=50)
    >>> "".join(motif.residues[place] for place in motif.frequency.argmax(axis=1))
    'GILGFVFTL'
    """
    lengths = {len(peptide) for peptide in peptides}
    if len(lengths) != 1:
        raise InputError(
            f"peptides of a motif must have one length; got {sorted(lengths)}; choose the peptides of one"
        )
    if not 0 < best_percent <= 100:
        raise InputError(f"best_percent must be above 0 to 100 [%]; got {best_percent!r}; 1 is usual")
    length = lengths.pop()
    table = model.predict(peptides, [molecule], threads=threads)
    count = round(len(peptides) * best_percent / 100.0)
    if count < 1:
        raise InputError(
            f"best_percent of {len(peptides)} peptides must leave one at least; got {best_percent!r}; "
            "pass more peptides or a larger share"
        )
    best = np.argsort(-table.presentation[:, 0], kind="stable")[:count]
    codes = residue_codes(peptides)[0].reshape(-1, length)
    frequency = np.stack([np.bincount(column, minlength=len(RESIDUES)) for column in codes[best].T]) / count
    background = np.bincount(codes.ravel(), minlength=len(RESIDUES)) / codes.size
    return Motif(
        molecule=molecule,
        frequency=frequency,
        background=background,
        peptides=count,
        provenance=Record(
            "immunotherapy.binding.motif",
            parameters={"best_percent": best_percent, "length": length},
            inputs=(table.provenance,),
            references=("schneider1990sequence",),
        ),
    )
