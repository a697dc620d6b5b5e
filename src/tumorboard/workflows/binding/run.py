"""Predict how well HLA molecules present a list of peptides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.hla import HlaMolecule, MhcClass
from tumorboard.errors import InputError
from tumorboard.immunotherapy.binding import PresentationModel, load_model
from tumorboard.io.peptide_list import PeptideList
from tumorboard.provenance import Record
from tumorboard.workflows.binding.config import BindingConfig
from tumorboard.workflows.progress import Progress, silent

__all__ = ["BindingResult", "run"]


@dataclass(frozen=True, slots=True, eq=False)
class BindingResult:
    """Predictions of pairs.

    Parameters
    ----------
    peptides, molecules
        The pairs, ``n`` of each, peptide by peptide.
    affinity_nm, percentile, presentation, uncertainty
        As the model's table has them, shape ``(n,)``; affinity in nM, percentile 0 best to 100,
        presentation 0 to 1, uncertainty one standard deviation of log10 affinity.
    notes
        What to know of a molecule, by its name: extrapolated from which neighbour.
    predictors
        Version and digest of the training data of each class's model that was used.
    predicting_s
        Time of predicting, without reading files and loading the models [s].
    provenance
        How it was made.
    """

    peptides: tuple[str, ...]
    molecules: tuple[HlaMolecule, ...]
    affinity_nm: NDArray[np.float64]
    percentile: NDArray[np.float64]
    presentation: NDArray[np.float64]
    uncertainty: NDArray[np.float64]
    notes: dict[str, str]
    predictors: dict[str, dict[str, str]]
    predicting_s: float
    provenance: Record

    def to_dict(self) -> dict[str, Any]:
        """Return all as what JSON can hold."""
        names = {molecule: str(molecule) for molecule in set(self.molecules)}
        columns = zip(
            self.peptides,
            self.molecules,
            self.affinity_nm.tolist(),
            self.percentile.tolist(),
            self.presentation.tolist(),
            self.uncertainty.tolist(),
            strict=True,
        )
        return {
            "pairs": [
                {
                    "peptide": peptide,
                    "allele": names[molecule],
                    "affinity_nm": affinity,
                    "percentile": percentile,
                    "presentation": presentation,
                    "uncertainty": uncertainty,
                }
                for peptide, molecule, affinity, percentile, presentation, uncertainty in columns
            ],
            "pairs_per_s": len(self.peptides) / self.predicting_s,
            "notes": self.notes,
            "predictor": self.predictors,
        }


def run(config: BindingConfig, listed: PeptideList, *, progress: Progress = silent) -> BindingResult:
    """Predict each listed peptide with each allele, or with the allele that the list names for it.

    Parameters
    ----------
    config
        Alleles and threads.
    listed
        Peptides, flanks and alleles of a file.
    progress
        Told how many alleles are done.

    Raises
    ------
    InputError
        When no allele is named, an allele is unknown to the model, or a peptide does not fit.
    """
    pairs = _pairs(config, listed)
    models = {c: load_model(c) for c in dict.fromkeys(molecule.mhc_class for molecule in pairs)}
    _warm(models, pairs, listed)
    n = sum(len(rows) for rows in pairs.values())
    values, order = np.empty((4, n)), np.empty(n, np.int64)
    molecules: list[HlaMolecule] = []
    notes: dict[str, str] = {}
    began, done = perf_counter(), 0
    for k, (rows, together) in enumerate(_groups(pairs)):
        progress("predicting presentation", k, len(pairs))
        table = models[together[0].mhc_class].predict(
            [listed.peptides[row] for row in rows],
            together,
            n_flanks=_of(listed.n_flanks, rows),
            c_flanks=_of(listed.c_flanks, rows),
            threads=config.threads,
        )
        end = done + len(rows) * len(together)
        for column, found in enumerate(
            (table.affinity_nm, table.percentile, table.presentation, table.uncertainty)
        ):
            values[column, done:end] = found.ravel()
        order[done:end] = np.repeat(rows, len(together))
        molecules += list(together) * len(rows)
        notes |= {str(m): note for m, note in zip(together, table.allele_notes, strict=True) if note}
        done = end
    spent = perf_counter() - began
    progress("predicting presentation", len(pairs), len(pairs))
    sorted_rows = np.argsort(order, kind="stable")
    record = Record(
        "workflows.binding.run",
        {"alleles": [str(m) for m in pairs], "peptides": len(listed.peptides)},
    )
    return BindingResult(
        tuple(listed.peptides[row] for row in order[sorted_rows]),
        tuple(molecules[k] for k in sorted_rows),
        values[0, sorted_rows],
        values[1, sorted_rows],
        values[2, sorted_rows],
        values[3, sorted_rows],
        notes,
        {f"class {c.value}": _told(model) for c, model in models.items()},
        spent,
        record,
    )


def _pairs(config: BindingConfig, listed: PeptideList) -> dict[HlaMolecule, list[int]]:
    """Return the rows of the list that go with each molecule."""
    if config.molecules:
        return {molecule: list(range(len(listed.peptides))) for molecule in config.molecules}
    if listed.alleles is None:
        raise InputError(
            "alleles must be named; got none, and the list of peptides has no column allele; add --alleles"
        )
    known = {name: HlaMolecule.named(name) for name in dict.fromkeys(listed.alleles)}
    found: dict[HlaMolecule, list[int]] = {}
    for row, name in enumerate(listed.alleles):
        found.setdefault(known[name], []).append(row)
    return found


def _groups(pairs: dict[HlaMolecule, list[int]]) -> list[tuple[list[int], tuple[HlaMolecule, ...]]]:
    """Join molecules of one class with the same rows, whose peptides are then coded once for all."""
    found: dict[tuple[MhcClass, tuple[int, ...]], list[HlaMolecule]] = {}
    for molecule, rows in pairs.items():
        found.setdefault((molecule.mhc_class, tuple(rows)), []).append(molecule)
    return [(list(rows), tuple(together)) for (_, rows), together in found.items()]


def _warm(
    models: dict[MhcClass, PresentationModel], pairs: dict[HlaMolecule, list[int]], listed: PeptideList
) -> None:
    """Predict one pair of each class, so that loading compiled code is not counted as predicting."""
    for molecule, rows in pairs.items():
        models[molecule.mhc_class].predict([listed.peptides[rows[0]]], [molecule])


def _of(texts: tuple[str, ...] | None, rows: Sequence[int]) -> list[str] | None:
    return None if texts is None else [texts[row] for row in rows]


def _told(model: PresentationModel) -> dict[str, str]:
    return {"version": model.version, "training_digest": model.training_digest}
