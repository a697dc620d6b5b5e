"""What every presentation predictor offers, whatever its class and its network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tumorboard.core.hla import HlaMolecule, MhcClass
from tumorboard.immunotherapy.binding.table import PresentationTable

__all__ = ["PresentationModel"]


class PresentationModel(Protocol):
    """A trained predictor for the molecules of one class: what it is, and one verb."""

    @property
    def mhc_class(self) -> MhcClass:
        """Whose molecules it knows."""

    @property
    def version(self) -> str:
        """Version of the weights, as the model card names it."""

    @property
    def training_digest(self) -> str:
        """SHA-256 over the weights as stored: two models of one digest predict the same."""

    @property
    def alleles(self) -> tuple[str, ...]:
        """Names of the molecules it knows, as ``str(HlaMolecule)``."""

    @property
    def lengths(self) -> range:
        """Residues that a peptide may have."""

    def knows(self, molecule: HlaMolecule) -> bool:
        """Return whether a molecule is taken, as an extrapolation if need be.

        Parameters
        ----------
        molecule
            Of any class.
        """

    def predict(
        self,
        peptides: Sequence[str],
        molecules: Sequence[HlaMolecule],
        *,
        n_flanks: Sequence[str] | None = None,
        c_flanks: Sequence[str] | None = None,
        threads: int = 1,
    ) -> PresentationTable:
        """Predict every peptide with every molecule.

        Parameters
        ----------
        peptides
            Of the twenty residues, capitals.
        molecules
            Of the model's class.
        n_flanks, c_flanks
            The residues of the protein before and after each peptide, both or neither; empty at its ends.
        threads
            To compute with; the result is the same for any number.

        Raises
        ------
        InputError
            When a peptide has another letter or a length that the class does not take, a molecule is not
            known, or flanks do not match the peptides.
        """
