"""What the predictors say of all peptides of a case, mutant and wild type, with all its molecules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.hla import HlaMolecule, HlaType, MhcClass
from tumorboard.core.neopeptide import Neopeptide
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["ClassPredictions", "Model", "ModelSource", "Predicted", "known_molecules", "predict_class"]


class Predicted(Protocol):
    """What a model returns."""

    @property
    def affinity_nm(self) -> NDArray[np.float64]:
        """IC50, shape ``(n_peptides, n_molecules)`` [nM]."""

    @property
    def percentile(self) -> NDArray[np.float64]:
        """Rank among random peptides, 0 best to 100, shape ``(n_peptides, n_molecules)``."""

    @property
    def presentation(self) -> NDArray[np.float64]:
        """Score, 0 to 1, shape ``(n_peptides, n_molecules)``."""

    @property
    def uncertainty(self) -> NDArray[np.float64]:
        """Standard uncertainty of log10 of the IC50, shape ``(n_peptides, n_molecules)``."""

    @property
    def allele_notes(self) -> tuple[str, ...]:
        """One a molecule: empty, or why it is an extrapolation."""

    @property
    def provenance(self) -> Record:
        """How they were made."""


class Model(Protocol):
    """A predictor of one class, as :class:`tumorboard.immunotherapy.binding.PresentationModel` is."""

    @property
    def version(self) -> str:
        """Of the weights."""

    @property
    def training_digest(self) -> str:
        """Of the weights."""

    @property
    def alleles(self) -> tuple[str, ...]:
        """Molecules it knows."""

    def predict(
        self, peptides: Sequence[str], molecules: Sequence[HlaMolecule], *, threads: int = 1
    ) -> Predicted:
        """Predict every peptide with every molecule."""


#: Gives the model of a class.
ModelSource = Callable[[MhcClass], Model]


@dataclass(frozen=True, slots=True, eq=False)
class ClassPredictions:
    """Predictions for one class.

    Parameters
    ----------
    mhc_class
        Of the molecules.
    model
        That predicted.
    molecules
        Of the case, columns.
    rows
        Of each peptide in the table.
    table
        One row a peptide.
    """

    mhc_class: MhcClass
    model: Model
    molecules: tuple[HlaMolecule, ...]
    rows: dict[str, int]
    table: Predicted

    @property
    def pairs(self) -> int:
        """Number of pairs of a peptide and a molecule that were predicted."""
        return len(self.rows) * len(self.molecules)


def known_molecules(
    hla: HlaType, mhc_class: MhcClass, model: Model
) -> tuple[tuple[HlaMolecule, ...], tuple[str, ...]]:
    """Return the case's molecules that a model knows, and sentences on those it does not.

    A DQ or DP pair that the model does not know is left out with a sentence: which alpha goes with which beta
    is not typed, and some of the pairs may not exist. Any other molecule that it does not know is refused.

    Parameters
    ----------
    hla
        The patient's type.
    mhc_class
        Of the molecules.
    model
        Of that class.

    Raises
    ------
    InputError
        When a class I or DR allele is not known.
    """
    known = set(model.alleles)
    found, left_out = [], []
    for molecule in hla.molecules(mhc_class):
        if str(molecule) in known:
            found.append(molecule)
        elif molecule.alpha is not None:
            left_out.append(str(molecule))
        else:
            raise InputError(
                f"HLA allele must be one of the {len(known)} that the class {mhc_class.value} predictor "
                f"knows; got {molecule}; correct its name, or leave it out of the typing"
            )
    if not left_out:
        return tuple(found), ()
    said = f"The class {mhc_class.value} predictor does not know {', '.join(left_out)}: left out."
    return tuple(found), (said,)


def predict_class(
    model: Model,
    mhc_class: MhcClass,
    molecules: tuple[HlaMolecule, ...],
    peptides: Iterable[Neopeptide],
    *,
    threads: int,
) -> ClassPredictions:
    """Predict mutant and wild-type peptides, each sequence once.

    Parameters
    ----------
    model
        Of the class.
    mhc_class
        Of the molecules.
    molecules
        One at least, all known to the model.
    peptides
        Of lengths that the class takes.
    threads
        At most.
    """
    rows: dict[str, int] = {}
    for peptide in peptides:
        rows.setdefault(peptide.sequence, len(rows))
        if peptide.wild_type is not None:
            rows.setdefault(peptide.wild_type, len(rows))
    table = model.predict(list(rows), molecules, threads=threads)
    return ClassPredictions(mhc_class, model, molecules, rows, table)
