"""What a predictor says of pairs of a peptide and an HLA molecule, one row a pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.hla import HlaMolecule
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["PresentationRows"]


@dataclass(frozen=True, slots=True, eq=False)
class PresentationRows:
    """Predictions of one tool as a table of pairs.

    Parameters
    ----------
    tool
        E.g. ``"NetMHCpan"``.
    peptides, molecules
        The pairs, ``n`` of each.
    affinity_nm
        IC50, shape ``(n,)`` [nM]; NaN where the tool gives none.
    percentile
        Rank among random peptides, 0 best to 100, shape ``(n,)``; NaN where the tool gives none.
    score
        The tool's own score, more is better, shape ``(n,)``; NaN where the tool gives none.
    provenance
        Of the file.

    Raises
    ------
    InputError
        When lengths differ, or a value is out of its range.
    """

    tool: str
    peptides: tuple[str, ...]
    molecules: tuple[HlaMolecule, ...]
    affinity_nm: NDArray[np.float64]
    percentile: NDArray[np.float64]
    score: NDArray[np.float64]
    provenance: Record

    def __post_init__(self) -> None:
        n = len(self.peptides)
        if len(self.molecules) != n:
            raise InputError(f"molecules must be one for each of {n} peptides; got {len(self.molecules)}")
        for name in ("affinity_nm", "percentile", "score"):
            values = read_only(getattr(self, name), np.float64)
            if values.shape != (n,):
                raise InputError(f"{name} must be one for each of {n} peptides; got shape {values.shape}")
            object.__setattr__(self, name, values)
        if bool((self.affinity_nm <= 0).any()):
            raise InputError(f"affinity_nm of {self.tool} must be above 0 nM; got {self.affinity_nm.min():g}")
        if bool(((self.percentile < 0) | (self.percentile > 100)).any()):
            raise InputError(f"percentile of {self.tool} must be 0 to 100; got one outside")
