"""The class I networks' weights as stored: bytes and half precision, one latent for each groove."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import MissingData
from tumorboard.immunotherapy.binding.processing import FlankTable
from tumorboard.immunotherapy.binding.uncertainty import SpreadCalibration

__all__ = ["AlleleTable", "Class1Weights", "arrays_digest", "read_arrays"]

Arrays = dict[str, NDArray[Any]]
#: Below so many measured peptides an allele without ligands is said to be known little.
FEW_PAIRS = 50


def read_arrays(name: str) -> Arrays:
    """Return the arrays of a stored model.

    Parameters
    ----------
    name
        Of the file, without ending, e.g. ``"class1"``.

    Returns
    -------
    dict
        Name to array, each of its own shape.

    Raises
    ------
    MissingData
        When the file is not installed.

    Examples
    --------
    >>> str(read_arrays("class1")["version"])[:2]
    'I-'
    """
    path = files("tumorboard.immunotherapy.binding") / "weights" / f"{name}.npz"
    if not path.is_file():
        raise MissingData(
            f"weights of the presentation model {name!r} must be installed with the package; {path} is "
            "absent; install the wheel again, or train them with scripts/train_binding"
        )
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}


def arrays_digest(arrays: Arrays) -> str:
    """Return the SHA-256 over the names, types, shapes and values of arrays, in alphabetical order.

    Parameters
    ----------
    arrays
        Name to array, each of its own shape; one called ``training_digest`` is left out.

    Examples
    --------
    >>> arrays_digest({"a": np.zeros(2)})[:8]
    'ff8a4d3f'
    """
    total = hashlib.sha256()
    for name in sorted(set(arrays) - {"training_digest"}):
        values = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {values.dtype.str} {values.shape}\n".encode())
        total.update(values.tobytes())
    return total.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class AlleleTable:
    """What is stored about alleles.

    Parameters
    ----------
    names
        Of the a alleles, ascending.
    groove
        Row of each in the tables of grooves, shape ``(a,)``: alleles of one set of contact residues share it,
        unless training gave one a correction of its own.
    affinity_pairs, ligand_samples
        How many measured pairs and how many samples each was trained on, shape ``(a,)``.
    nearest
        The nearest well trained allele (``FEW_PAIRS`` or ligands), its number, shape ``(a,)``.
    differing
        Contact residues in which that one differs, shape ``(a,)``.
    quantiles
        Presentation scores (logits) that shares of random peptides reach, shape ``(grooves, q)``.
    percents
        These shares [%], ascending, shape ``(q,)``.
    """

    names: tuple[str, ...]
    groove: NDArray[np.int64]
    affinity_pairs: NDArray[np.int64]
    ligand_samples: NDArray[np.int64]
    nearest: NDArray[np.int64]
    differing: NDArray[np.int64]
    quantiles: NDArray[np.float64]
    percents: NDArray[np.float64]

    def note(self, number: int) -> str:
        """Return why predictions for an allele are an extrapolation, or nothing."""
        pairs = int(self.affinity_pairs[number])
        if pairs >= FEW_PAIRS or self.ligand_samples[number]:
            return ""
        other = self.names[int(self.nearest[number])]
        count = int(self.differing[number])
        where = f"which differs in {count} of the residues that touch the peptide"
        known = f"trained on {pairs} measured peptides only" if pairs else "not trained on"
        return f"{known}; nearest well trained allele {other}, {where}"


@dataclass(frozen=True, slots=True, eq=False)
class Class1Weights:
    """K networks, the alleles they know and their calibrations.

    Parameters
    ----------
    version, training_digest
        What the model card names them by.
    table
        Rows of the peptide part by distance from either end, shape ``(K, 2, 15, 20, H)``.
    pads
        What a peptide of each length has from places it leaves empty, shape ``(K, 16, H)``.
    latent
        Of each groove, shape ``(K, grooves, Z)``.
    modulation
        From a latent and one to gain and shift, shape ``(K, Z + 1, 2 H)``.
    first, first_bias
        Layer of a pair, its last two rows straight to the heads, shapes ``(K, F + 2, H)``, ``(K, F + 2)``.
    second, second_bias
        Heads of affinity and ligand, shapes ``(K, 2, F)``, ``(K, 2)``.
    presentation
        Offset, weight of the ligand logit, weight of the affinity logit, shape ``(3,)``.
    alleles
        What is stored about alleles.
    calibration
        From spread to uncertainty.
    flanks
        What residues around a peptide add.
    """

    version: str
    training_digest: str
    table: NDArray[np.float32]
    pads: NDArray[np.float32]
    latent: NDArray[np.float32]
    modulation: NDArray[np.float32]
    first: NDArray[np.float32]
    first_bias: NDArray[np.float32]
    second: NDArray[np.float32]
    second_bias: NDArray[np.float32]
    presentation: NDArray[np.float64]
    alleles: AlleleTable
    calibration: SpreadCalibration
    flanks: FlankTable

    @classmethod
    def from_arrays(cls, stored: Arrays) -> Class1Weights:
        """Return the weights of stored arrays.

        Parameters
        ----------
        stored
            As written by ``scripts/train_binding/export_class1.py``, name to array, each of its own shape.
        """
        rows = _scaled(stored, "table")  # (K, 2, 15, 21, H); the last symbol is the empty place
        networks, _, longest, _, hidden = rows.shape
        pads = np.zeros((networks, longest + 1, hidden), np.float32)
        for length in range(longest + 1):
            pads[:, length] = rows[:, :, length:, -1].sum(axis=(1, 2))
        alleles = AlleleTable(
            names=tuple(stored["alleles"].tolist()),
            groove=stored["groove"].astype(np.int64),
            affinity_pairs=stored["affinity_pairs"].astype(np.int64),
            ligand_samples=stored["ligand_samples"].astype(np.int64),
            nearest=stored["nearest"].astype(np.int64),
            differing=stored["differing"].astype(np.int64),
            quantiles=stored["quantiles"].astype(np.float64),
            percents=stored["percents"].astype(np.float64),
        )
        floor, factor, distance = stored["calibration"].tolist()
        return cls(
            version=str(stored["version"]),
            training_digest=str(stored["training_digest"]),
            table=np.ascontiguousarray(rows[:, :, :, :-1]),
            pads=pads,
            alleles=alleles,
            calibration=SpreadCalibration(floor, factor, distance),
            flanks=FlankTable(stored["flanks"].astype(np.float64)),
            presentation=stored["presentation"].astype(np.float64),
            latent=_scaled(stored, "latent"),
            **{
                name: np.ascontiguousarray(stored[name], np.float32)
                for name in ("modulation", "first", "first_bias", "second", "second_bias")
            },
        )


def _scaled(stored: Arrays, name: str) -> NDArray[np.float32]:
    """Return numbers that are stored as bytes and scales."""
    return stored[name].astype(np.float32) * stored[f"{name}_scale"].astype(np.float32)
