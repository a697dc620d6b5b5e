"""Predict class II: features of every core, one vector a molecule, a soft maximum over cores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.hla import HlaMolecule, MhcClass
from tumorboard.errors import InputError
from tumorboard.immunotherapy.binding._kernels.core_scores import CORE, core_scores
from tumorboard.immunotherapy.binding.class2_molecules import MoleculeParts
from tumorboard.immunotherapy.binding.class2_weights import Class2Weights
from tumorboard.immunotherapy.binding.core_windows import best_cores
from tumorboard.immunotherapy.binding.peptide_code import peptide_rows
from tumorboard.immunotherapy.binding.percentile import percentiles
from tumorboard.immunotherapy.binding.table import PresentationTable
from tumorboard.immunotherapy.binding.weights import read_arrays
from tumorboard.numerics._slabs import run_slabs
from tumorboard.provenance import Record

__all__ = ["Class2Model"]

SHORTEST, LONGEST = 9, 30
WEAKEST_NM = 50_000.0
_DECADES = math.log10(WEAKEST_NM)
#: Peptides taken through one network before the next one's weights are fetched.
_CHUNK = 128


@dataclass(frozen=True, slots=True, eq=False)
class Class2Model:
    """An ensemble that predicts peptides of 9 to 30 residues with HLA-DR, -DQ and -DP.

    Any nine residues in a row may lie in the open groove: each network gives every such core features from
    its residues, three residues on either side and where it lies, weighs them by the molecule's vector and
    takes a soft maximum over cores, as aligning networks do [nielsen2009nnalign]. A molecule's vector is the
    sum of its chains' vectors and of its own correction. The affinity is the mean of the networks on the
    scale 1 - log(IC50) / log(50 000) [nielsen2003reliable]. No class II ligands were at hand: the
    presentation score is the share of measured peptides of that predicted strength that bind at 500 nM or
    better, so it rises with affinity alone. The two networks that are installed are students of twenty
    (`docs/reference/binding-model-card.md`).

    Parameters
    ----------
    weights
        The networks, what is stored about molecules, and the calibrations.
    core_weights
        Networks that tell cores; ``None`` for those of ``weights``.

    Examples
    --------
    >>> model = Class2Model.installed()
    >>> molecule = HlaMolecule.named("DRB1*01:01")
    >>> table = model.predict(["PKYVKQNTLKLAT", "PKDVKQNTLKDAT"], [molecule])
    >>> bool(table.affinity_nm[0, 0] < 500 < table.affinity_nm[1, 0])
    True
    >>> int(model.core_offsets(["PKYVKQNTLKLAT"], [molecule])[0, 0])
    2
    """

    weights: Class2Weights
    core_weights: Class2Weights | None = None

    @classmethod
    def installed(cls) -> Class2Model:
        """Return the model that comes with the package.

        Raises
        ------
        MissingData
            When its weights are not installed.
        """
        stored = read_arrays("class2")
        return cls(Class2Weights.from_arrays(stored), Class2Weights.from_arrays(stored, prefix="cores_"))

    @property
    def mhc_class(self) -> MhcClass:
        """Class II."""
        return MhcClass.II

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
        """Molecules of known chains; others of known groups are taken as well, see `knows`."""
        single = ("/".join(name.split("-")) for name in self.weights.quantiles.names)
        return tuple(f"HLA-{name}" for name in single if all(":" in part for part in name.split("/")))

    @property
    def lengths(self) -> range:
        """Residues that a peptide may have."""
        return range(SHORTEST, LONGEST + 1)

    def knows(self, molecule: HlaMolecule) -> bool:
        """Return whether a molecule is taken, as an extrapolation if need be.

        Parameters
        ----------
        molecule
            Of any class.
        """
        return molecule.mhc_class is MhcClass.II and self.weights.molecules.knows(molecule)

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
            9 to 30 of the twenty residues, capitals.
        molecules
            HLA-DR by the beta chain, HLA-DQ and -DP by both.
        n_flanks, c_flanks
            The residues of the protein before and after each peptide, both or neither. They change nothing:
            without class II ligands nothing could be learned of them.
        threads
            To compute with; the result is the same for any number.

        Raises
        ------
        InputError
            When a peptide has another letter or length, a molecule is not known, or flanks do not match.
        """
        codes, lengths = peptide_rows(peptides, shortest=SHORTEST, longest=LONGEST, mhc_class="II")
        for name, flanks in (("n_flanks", n_flanks), ("c_flanks", c_flanks)):
            if flanks is not None and len(flanks) != len(peptides):
                raise InputError(
                    f"{name} must be one for each of {len(peptides)} peptides; got {len(flanks)}; "
                    "an empty text stands at a protein's end"
                )
        parts = self._parts(molecules)
        strength, spread, _ = self.scores(codes, lengths, parts, threads=threads)
        logit = np.log(strength / (1.0 - strength))
        offset, factor = self.weights.presentation
        sigma = self.weights.calibration.sigma(_DECADES * spread, np.zeros(len(parts), np.int64))
        extra = self.weights.extrapolation[[part.knowledge for part in parts]]
        record = Record(
            "immunotherapy.binding.predict",
            parameters={
                "mhc_class": "II",
                "version": self.version,
                "training_digest": self.training_digest,
                "molecules": [str(molecule) for molecule in molecules],
                "peptides": len(peptides),
            },
            references=("nielsen2009nnalign", "nielsen2003reliable", "stern1994crystal"),
        )
        return PresentationTable(
            peptides=tuple(peptides),
            molecules=tuple(molecules),
            affinity_nm=WEAKEST_NM ** (1.0 - strength),
            percentile=self._percentiles(logit, lengths, parts),
            presentation=1.0 / (1.0 + np.exp(-(offset + factor * logit))),
            uncertainty=np.sqrt(sigma**2 + extra**2),
            allele_notes=tuple(part.note for part in parts),
            provenance=record,
        )

    def core_offsets(
        self, peptides: Sequence[str], molecules: Sequence[HlaMolecule], *, threads: int = 1
    ) -> NDArray[np.int16]:
        """Return where the core begins that each peptide most likely binds each molecule by.

        Told by ten networks that were kept in register by the first residue of the core; others may have
        learned a motif some places off. They are slower than those that predict.

        Parameters
        ----------
        peptides, molecules, threads
            As `predict` takes them.

        Returns
        -------
        numpy.ndarray
            Offset of the first of nine residues, from 0, shape ``(n, m)``.

        Raises
        ------
        InputError
            As `predict` raises it.
        """
        codes, lengths = peptide_rows(peptides, shortest=SHORTEST, longest=LONGEST, mhc_class="II")
        teller = self if self.core_weights is None else Class2Model(self.core_weights)
        return teller.scores(codes, lengths, self._parts(molecules), threads=threads)[2]

    def scores(
        self,
        codes: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        parts: Sequence[MoleculeParts],
        *,
        threads: int,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int16]]:
        """Return strength, its spread over the networks, and the offset of the best core.

        Parameters
        ----------
        codes, lengths
            Of n peptides, as `peptide_rows` gives them, shapes ``(n, 30)`` and ``(n,)``.
        parts
            Of m molecules.
        threads
            To compute with.

        Returns
        -------
        tuple of numpy.ndarray
            Each of shape ``(n, m)``.
        """
        weights = self.weights
        vectors, offsets = self.molecule_vectors(parts)
        networks = len(weights.table)
        none = np.empty((0, 0, 0), np.float32)
        shape = (len(codes), len(parts))
        strength, spread = np.empty(shape), np.empty(shape)
        cores = np.empty(shape, np.int16)

        def slab(start: int, stop: int) -> None:
            for begin in range(start, stop, _CHUNK):
                part = slice(begin, min(stop, begin + _CHUNK))
                longest = int(lengths[part].max())
                block = np.ascontiguousarray(codes[part, :longest])
                total, squares = np.zeros((2, len(block), shape[1]))
                by_core = np.zeros((len(block), shape[1], longest - CORE + 1), np.float32)
                for k in range(networks):
                    layers = (weights.table[k], weights.base[k], weights.place[k], weights.deep[k])
                    anchored = bool(weights.anchor[k].any())
                    core_scores(
                        block, lengths[part], *layers, weights.deep_bias[k], weights.anchor[k],
                        vectors[k], offsets[k], total, squares, by_core if anchored else none,
                    )  # fmt: skip
                mean = total / networks
                scatter = np.maximum(squares / networks - mean**2, 0.0) * networks / max(networks - 1, 1)
                strength[part], spread[part] = mean, np.sqrt(scatter)
                cores[part] = best_cores(by_core, lengths[part])

        if shape[0] and shape[1]:
            run_slabs(shape[0], slab, threads=threads)
        return strength, spread, cores

    def molecule_vectors(
        self, parts: Sequence[MoleculeParts]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return vectors and offsets of molecules.

        Parameters
        ----------
        parts
            Of m molecules.

        Returns
        -------
        tuple of numpy.ndarray
            Shapes ``(K, m, F)`` and ``(K, m)``.
        """
        weights = self.weights
        networks, _, features = weights.chain_vectors.shape
        vectors = np.zeros((networks, len(parts), features), np.float32)
        offsets = np.full((networks, len(parts)), -1.0, np.float32)
        for column, part in enumerate(parts):
            for row in part.chains:
                vectors[:, column] += weights.chain_vectors[:, row]
                offsets[:, column] += weights.chain_offsets[:, row]
            if part.own >= 0:
                vectors[:, column] += weights.own_vectors[:, part.own]
                offsets[:, column] += weights.own_offsets[:, part.own]
        return vectors, offsets

    def _name(self, part: MoleculeParts) -> str:
        """Return a molecule's name among the stored ones."""
        return "-".join(self.weights.molecules.chains[row] for row in part.chains)

    def _parts(self, molecules: Sequence[HlaMolecule]) -> list[MoleculeParts]:
        """Return what molecules are put together from; class I is refused."""
        for molecule in molecules:
            if molecule.mhc_class is not MhcClass.II:
                raise InputError(
                    f"molecules for class II must be HLA-DR, -DQ or -DP; got {molecule}; "
                    "pass it to the model of class I"
                )
        return [self.weights.molecules.parts(molecule) for molecule in molecules]

    def _percentiles(
        self, logit: NDArray[np.float64], lengths: NDArray[np.int64], parts: Sequence[MoleculeParts]
    ) -> NDArray[np.float64]:
        """Return each score's place among random peptides of the molecule and the peptide's own length."""
        quantiles = self.weights.quantiles
        percent = np.empty_like(logit)
        for column, part in enumerate(parts):
            name = self._name(part)
            for length in np.unique(lengths):
                rows = lengths == length
                percent[rows, column] = percentiles(
                    logit[rows, column], quantiles.of(name, int(length)), quantiles.percents
                )
        return percent
