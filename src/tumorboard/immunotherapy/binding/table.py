"""The result of a prediction: one value per peptide and molecule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.hla import HlaMolecule
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["PresentationTable"]

_VALUES = ("affinity_nm", "percentile", "presentation", "uncertainty")


@dataclass(frozen=True, slots=True, eq=False)
class PresentationTable:
    """Predictions for every peptide with every molecule.

    Parameters
    ----------
    peptides
        The n peptides, in the order they were given.
    molecules
        The m molecules, in the order they were given.
    affinity_nm
        IC50 [nM], shape ``(n, m)``; smaller binds better, within 1 to 50,000.
    percentile
        Place of the presentation score among random human peptides of the class for that molecule [%],
        0 best to 100, shape ``(n, m)``.
    presentation
        Score of being presented, 0 to 1, shape ``(n, m)``: an eluted ligand against as many random peptides.
    uncertainty
        Standard uncertainty of log10 of the IC50, shape ``(n, m)``, from the spread of the ensemble.
    allele_notes
        One a molecule: empty, or why the prediction is an extrapolation.
    provenance
        How they were made.

    Raises
    ------
    InputError
        When a shape does not fit.
    """

    peptides: tuple[str, ...]
    molecules: tuple[HlaMolecule, ...]
    affinity_nm: NDArray[np.float64]
    percentile: NDArray[np.float64]
    presentation: NDArray[np.float64]
    uncertainty: NDArray[np.float64]
    allele_notes: tuple[str, ...]
    provenance: Record

    def __post_init__(self) -> None:
        shape = (len(self.peptides), len(self.molecules))
        for name in _VALUES:
            values = read_only(getattr(self, name), np.float64)
            if values.shape != shape:
                raise InputError(
                    f"{name} of a presentation table must have shape {shape}, peptides by molecules; "
                    f"got {values.shape}; pass one value a pair"
                )
            object.__setattr__(self, name, values)
        if len(self.allele_notes) != len(self.molecules):
            raise InputError(
                f"allele_notes must be {len(self.molecules)}, one a molecule; got {len(self.allele_notes)}; "
                "use an empty text where there is nothing to say"
            )

    def best_molecule(self) -> NDArray[np.intp]:
        """Return the column of the molecule with the lowest percentile, the first of equals, shape ``(n,)``.

        Raises
        ------
        InputError
            When there is no molecule.
        """
        if not self.molecules:
            raise InputError("molecules must be one at least to choose the best; got none; name an allele")
        return np.asarray(np.argmin(self.percentile, axis=1), np.intp)
