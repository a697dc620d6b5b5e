"""Predict class I: one sum per peptide, one gain and shift per allele, one small network per pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.hla import HlaMolecule, MhcClass
from tumorboard.errors import InputError
from tumorboard.immunotherapy.binding._kernels.ensemble import combine
from tumorboard.immunotherapy.binding._kernels.pair_score import pair_scores, peptide_sums
from tumorboard.immunotherapy.binding.peptide_code import peptide_rows
from tumorboard.immunotherapy.binding.percentile import percentiles
from tumorboard.immunotherapy.binding.table import PresentationTable
from tumorboard.immunotherapy.binding.weights import Class1Weights, read_arrays
from tumorboard.numerics._slabs import run_slabs
from tumorboard.provenance import Record

__all__ = ["Class1Model"]

SHORTEST, LONGEST = 8, 15
WEAKEST_NM = 50_000.0
_DECADES = math.log10(WEAKEST_NM)
#: Peptides whose sums are held at a time: a few, so that they stay in the cache while alleles pass.
_CHUNK = 256
_SHOWN = 8


@dataclass(frozen=True, slots=True, eq=False)
class Class1Model:
    """An ensemble that predicts peptides of 8 to 15 residues with HLA-A, -B and -C.

    Each network adds up one row per residue and place of the peptide, modulates the sum by what the allele's
    groove gives (feature-wise modulation [perez2018film]) and reads affinity and ligand off one layer. The
    affinity is the mean of the networks on the scale 1 - log(IC50) / log(50 000) [nielsen2003reliable]; the
    presentation score weighs the mean logits of both heads. Trained on 9-mers above all: the score knows that
    most ligands have nine residues, so peptides of all lengths may be compared.

    Parameters
    ----------
    weights
        The networks, what is stored about alleles, and the calibrations.

    Examples
    --------
    >>> model = Class1Model.installed()
    >>> allele = HlaMolecule.named("A*02:01")
    >>> table = model.predict(["GILGFVFTL", "GILGFVFTD"], [allele])
    >>> bool(table.affinity_nm[0, 0] < 500 < table.affinity_nm[1, 0])
    True
    """

    weights: Class1Weights

    @classmethod
    def installed(cls) -> Class1Model:
        """Return the model that comes with the package.

        Raises
        ------
        MissingData
            When its weights are not installed.
        """
        return cls(Class1Weights.from_arrays(read_arrays("class1")))

    @property
    def mhc_class(self) -> MhcClass:
        """Class I."""
        return MhcClass.I

    @property
    def version(self) -> str:
        """Version of the weights."""
        return self.weights.version

    @property
    def training_digest(self) -> str:
        """SHA-256 over the weights as stored."""
        return self.weights.training_digest

    @property
    def alleles(self) -> tuple[str, ...]:
        """Molecules it knows."""
        return self.weights.alleles.names

    @property
    def lengths(self) -> range:
        """Residues that a peptide may have."""
        return range(SHORTEST, LONGEST + 1)

    def knows(self, molecule: HlaMolecule) -> bool:
        """Return whether a molecule is taken.

        Parameters
        ----------
        molecule
            Of any class.
        """
        return str(molecule) in self.alleles

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
            8 to 15 of the twenty residues, capitals.
        molecules
            HLA-A, -B and -C.
        n_flanks, c_flanks
            The residues of the protein before and after each peptide, both or neither; empty at its ends.
            They move the presentation score and leave affinity and percentile as they are: random peptides
            have no flanks to compare with.
        threads
            To compute with; the result is the same for any number.

        Raises
        ------
        InputError
            When a peptide has another letter or length, a molecule is not known, or flanks do not match.
        """
        codes, lengths = peptide_rows(peptides, shortest=SHORTEST, longest=LONGEST, mhc_class="I")
        numbers = self._numbers(molecules)
        added = self._flanks(peptides, n_flanks, c_flanks)
        strength, spread, score = self.scores(codes, lengths, numbers, threads=threads)
        alleles = self.weights.alleles
        percent = np.empty_like(score)
        for column, groove in enumerate(alleles.groove[numbers]):
            percent[:, column] = percentiles(score[:, column], alleles.quantiles[groove], alleles.percents)
        record = Record(
            "immunotherapy.binding.predict",
            parameters={
                "mhc_class": "I",
                "version": self.version,
                "training_digest": self.training_digest,
                "molecules": [str(molecule) for molecule in molecules],
                "peptides": len(peptides),
                "flanks": n_flanks is not None,
            },
            references=("perez2018film", "nielsen2003reliable"),
        )
        return PresentationTable(
            peptides=tuple(peptides),
            molecules=tuple(molecules),
            affinity_nm=WEAKEST_NM ** (1.0 - strength),
            percentile=percent,
            presentation=1.0 / (1.0 + np.exp(-(score + added[:, None]))),
            uncertainty=self.weights.calibration.sigma(_DECADES * spread, alleles.differing[numbers]),
            allele_notes=tuple(alleles.note(int(number)) for number in numbers),
            provenance=record,
        )

    def scores(
        self,
        codes: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        numbers: NDArray[np.int64],
        *,
        threads: int,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return strength, its spread over the networks, and the presentation logit.

        Parameters
        ----------
        codes, lengths
            Of n peptides, as `peptide_rows` gives them, shapes ``(n, 15)`` and ``(n,)``.
        numbers
            Of m alleles in the list of `alleles`, shape ``(m,)``.
        threads
            To compute with.

        Returns
        -------
        tuple of numpy.ndarray
            Each of shape ``(n, m)``.
        """
        weights = self.weights
        shape = (len(codes), len(numbers))
        strength, spread, affinity, ligand = (np.empty(shape) for _ in range(4))
        gain, shift = self.allele_parts(numbers)
        networks, hidden = len(weights.table), gain.shape[2]

        def slab(start: int, stop: int) -> None:
            for begin in range(start, stop, _CHUNK):
                end = min(stop, begin + _CHUNK)
                n = end - begin
                heads = np.empty((networks, n, len(numbers), 2), np.float32)
                sums = np.empty((n, hidden), np.float32)
                for k in range(networks):
                    peptide_sums(
                        codes[begin:end], lengths[begin:end], weights.table[k], weights.pads[k], sums
                    )
                    layers = (
                        weights.first[k],
                        weights.first_bias[k],
                        weights.second[k],
                        weights.second_bias[k],
                    )
                    pair_scores(sums, gain[k], shift[k], *layers, heads[k])
                part = slice(begin, end)
                combine(heads, strength[part], spread[part], affinity[part], ligand[part])

        run_slabs(shape[0], slab, threads=threads)
        offset, of_ligand, of_affinity = weights.presentation
        return strength, spread, offset + of_ligand * ligand + of_affinity * affinity

    def allele_parts(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return gain and shift of alleles.

        Parameters
        ----------
        numbers
            In the list of `alleles`, shape ``(m,)``.

        Returns
        -------
        tuple of numpy.ndarray
            Each of shape ``(K, m, H)``.
        """
        weights = self.weights
        both = np.empty((len(weights.latent), len(numbers), weights.modulation.shape[2]), np.float32)
        for k, (latent, modulation) in enumerate(zip(weights.latent, weights.modulation, strict=True)):
            # One allele at a time: a product of matrices may round a row by how many others there are.
            for column, groove in enumerate(weights.alleles.groove[numbers]):
                both[k, column] = latent[groove] @ modulation[:-1] + modulation[-1]
        gain, shift = np.split(both, 2, axis=2)
        return np.ascontiguousarray(gain), np.ascontiguousarray(shift)

    def _numbers(self, molecules: Sequence[HlaMolecule]) -> NDArray[np.int64]:
        """Return the molecules' numbers in the list of alleles."""
        names = self.alleles
        order = np.array(names)
        numbers = []
        for molecule in molecules:
            name = str(molecule)
            place = int(np.searchsorted(order, name))
            if place == len(names) or names[place] != name:
                group = name.partition(":")[0] + ":"
                near = [other for other in names if other.startswith(group)][:_SHOWN]
                known = (
                    f"known of its group are {', '.join(near)}"
                    if near
                    else "known are HLA-A, -B and -C alleles"
                )
                raise InputError(
                    f"molecules for class I must be among the model's {len(names)} alleles; got {name}; "
                    f"{known}; name one of these, or leave it out"
                )
            numbers.append(place)
        return np.array(numbers, np.int64)

    def _flanks(
        self, peptides: Sequence[str], n_flanks: Sequence[str] | None, c_flanks: Sequence[str] | None
    ) -> NDArray[np.float64]:
        """Return what flanks add to the presentation logit, zero without them."""
        if n_flanks is None and c_flanks is None:
            return np.zeros(len(peptides))
        if n_flanks is None or c_flanks is None or not len(n_flanks) == len(c_flanks) == len(peptides):
            got = ["none" if flanks is None else str(len(flanks)) for flanks in (n_flanks, c_flanks)]
            raise InputError(
                f"n_flanks and c_flanks must be one each for {len(peptides)} peptides; "
                f"got {' and '.join(got)}; pass both, an empty text at a protein's end, or neither"
            )
        return self.weights.flanks.add(n_flanks, c_flanks)
