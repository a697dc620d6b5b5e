"""The class II networks' weights as they are stored: one file, half precision, one vector per chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.immunotherapy.binding.class2_molecules import Class2Molecules
from tumorboard.immunotherapy.binding.uncertainty import SpreadCalibration

__all__ = ["Class2Weights", "LengthQuantiles"]


@dataclass(frozen=True, slots=True, eq=False)
class LengthQuantiles:
    """Scores of random human peptides for each molecule and some lengths.

    Parameters
    ----------
    names
        Of the a molecules, ascending, as ``"DQA1*05:01-DQB1*02:01"``; groups are among them.
    lengths
        Of the peptides, ascending, shape ``(l,)``.
    scores
        Logits of the strength that shares of random peptides reach, shape ``(a, l, q)``.
    percents
        These shares [%], ascending, shape ``(q,)``.
    """

    names: tuple[str, ...]
    lengths: NDArray[np.int64]
    scores: NDArray[np.float64]
    percents: NDArray[np.float64]

    def of(self, name: str, length: int) -> NDArray[np.float64]:
        """Return a molecule's scores for peptides of a length, between two stored lengths straight.

        Parameters
        ----------
        name
            One of ``names``.
        length
            Of peptides; beyond the stored lengths the nearest counts.

        Returns
        -------
        numpy.ndarray
            Descending, shape ``(q,)``.
        """
        rows = self.scores[self.names.index(name)]
        upper = int(np.clip(np.searchsorted(self.lengths, length), 1, len(self.lengths) - 1))
        low, high = (float(self.lengths[upper - 1]), float(self.lengths[upper]))
        share = min(1.0, max(0.0, (length - low) / (high - low)))
        return np.asarray((1.0 - share) * rows[upper - 1] + share * rows[upper], float)


@dataclass(frozen=True, slots=True, eq=False)
class Class2Weights:
    """K networks, the chains they know and their calibrations.

    Parameters
    ----------
    version, training_digest
        What the model card names them by.
    table
        Rows by place around the core (three before, nine, three after) and residue, the last symbol for
        places outside the peptide, shape ``(K, 15, 21, H)``.
    base, place
        Offset, and what the distances from both ends and the length add, shapes ``(K, H)``, ``(K, 3, H)``.
    deep, deep_bias
        Second layer, shapes ``(K, H, F)``, ``(K, F)``.
    chain_vectors, chain_offsets
        Of each chain and group, shapes ``(K, c, F)``, ``(K, c)``.
    own_vectors, own_offsets
        What each measured molecule adds to its chains, shapes ``(K, o, F)``, ``(K, o)``.
    anchor
        What the first residue of a core adds in anchored networks, nothing in the others, shape ``(K, 20)``.
    molecules
        Their names.
    quantiles
        Scores of random peptides.
    presentation
        Offset and factor from the logit of the strength to that of presentation, shape ``(2,)``.
    calibration
        From spread to uncertainty.
    extrapolation
        What each `Knowledge` adds to the uncertainty, in quadrature [decades of IC50], shape ``(4,)``.
    """

    version: str
    training_digest: str
    table: NDArray[np.float32]
    base: NDArray[np.float32]
    place: NDArray[np.float32]
    deep: NDArray[np.float32]
    deep_bias: NDArray[np.float32]
    chain_vectors: NDArray[np.float32]
    chain_offsets: NDArray[np.float32]
    own_vectors: NDArray[np.float32]
    own_offsets: NDArray[np.float32]
    anchor: NDArray[np.float32]
    molecules: Class2Molecules
    quantiles: LengthQuantiles
    presentation: NDArray[np.float64]
    calibration: SpreadCalibration
    extrapolation: NDArray[np.float64]

    @classmethod
    def from_arrays(cls, stored: dict[str, NDArray[Any]], *, prefix: str = "") -> Class2Weights:
        """Return the weights of stored arrays.

        Parameters
        ----------
        stored
            As written by ``scripts/train_binding/finish_class2.py``, name to array, each of its own shape.
        prefix
            Of the networks' names: empty for those that predict, ``"cores_"`` for those that tell cores.
        """
        floor, factor = stored["calibration"].tolist()
        networks = (
            "table", "base", "place", "deep", "deep_bias",
            "anchor", "chain_vectors", "chain_offsets", "own_vectors", "own_offsets",
        )  # fmt: skip
        return cls(
            version=str(stored["version"]),
            training_digest=str(stored["training_digest"]),
            molecules=Class2Molecules(
                chains=tuple(stored["chains"].tolist()),
                chain_pairs=stored["chain_pairs"].astype(np.int64),
                own=tuple(stored["own"].tolist()),
                own_pairs=stored["own_pairs"].astype(np.int64),
            ),
            quantiles=LengthQuantiles(
                names=tuple(stored["molecules"].tolist()),
                lengths=stored["lengths"].astype(np.int64),
                scores=stored["quantiles"].astype(np.float64),
                percents=stored["percents"].astype(np.float64),
            ),
            presentation=stored["presentation"].astype(np.float64),
            calibration=SpreadCalibration(floor, factor, 0.0),
            extrapolation=stored["extrapolation"].astype(np.float64),
            **{name: np.ascontiguousarray(stored[prefix + name], np.float32) for name in networks},
        )
