"""Numbers beside the tier: how a peptide differs from its wild type and self, how it looks to T cells."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.hla import MhcClass
from tumorboard.errors import MissingData
from tumorboard.immunotherapy.peptides import ProteomeIndex
from tumorboard.immunotherapy.ranking.agretopicity import agretopicity, differential_agretopicity
from tumorboard.immunotherapy.ranking.amplitude import amplitude
from tumorboard.immunotherapy.ranking.classical_neopeptide import (
    alternatively_defined,
    classically_defined,
)
from tumorboard.immunotherapy.ranking.dissimilarity import dissimilarity
from tumorboard.immunotherapy.ranking.exposed_residues import exposed_hydrophobicity
from tumorboard.immunotherapy.ranking.immunogenicity_calis import calis_immunogenicity, calis_mask
from tumorboard.immunotherapy.ranking.immunogenicity_features import immunogenicity_features
from tumorboard.immunotherapy.ranking.immunogenicity_model import installed_immunogenicity
from tumorboard.immunotherapy.ranking.promiscuity import promiscuity
from tumorboard.immunotherapy.ranking.self_similarity import exposed_similarity, self_similarity
from tumorboard.workflows.immunotherapy.candidates import Candidate

__all__ = ["FEATURE_REFERENCES", "dissimilarities", "features_of", "response_sentence"]

#: Of the numbers that are given for every case.
FEATURE_REFERENCES = (
    "wells2020tesla",
    "luksza2017fitness",
    "duan2014agretopicity",
    "rech2018neopeptides",
    "shen2012kernel",
    "calis2013immunogenicity",
    "borch2024improve",
)
#: Dissimilarity is told of the first targets of so many residues: longer ones take a tenth of a second.
_ALIGNED = range(8, 11)
_FIRST = 50


def features_of(
    candidates: Sequence[Candidate], *, weak_percentile: dict[MhcClass, float]
) -> list[dict[str, float | None]]:
    """Return features of candidates, each by its name; ``None`` where one does not apply.

    Parameters
    ----------
    candidates
        The chosen ones.
    weak_percentile
        Of presentation, by class.

    Returns
    -------
    list of dict
        One for each candidate.
    """
    if not candidates:
        return []
    mutants = [c.peptide.sequence for c in candidates]
    wild = [c.peptide.wild_type for c in candidates]
    own = np.array([c.value("affinity_nm") for c in candidates])
    other = np.array([_nan(c.wild_type_value("affinity_nm")) for c in candidates])
    columns: dict[str, NDArray[np.float64]] = {
        "agretopicity": agretopicity(other, own),
        "differential_agretopicity_nm": differential_agretopicity(other, own),
        "amplitude": amplitude(other, own),
        "classically_defined": classically_defined(own),
        "alternatively_defined": alternatively_defined(other, own),
        "self_similarity": self_similarity(mutants, wild),
        "promiscuity": np.array([_promiscuity(c, weak_percentile[c.mhc_class]) for c in candidates], float),
    }
    first = [k for k, c in enumerate(candidates) if c.mhc_class is MhcClass.I]
    some = [mutants[k] for k in first]
    if first:
        masks = [calis_mask(str(candidates[k].molecule)) for k in first]
        placed = {
            "exposed_similarity": exposed_similarity(some, [wild[k] for k in first]),
            "exposed_hydrophobicity": exposed_hydrophobicity(some),
            "calis_immunogenicity": calis_immunogenicity(some, masks),
            "response_log_odds": _log_odds([candidates[k] for k in first]),
        }
        for name, values in placed.items():
            columns[name] = _placed(values, first, len(candidates))
    return [
        {name: float(v[k]) if math.isfinite(v[k]) else None for name, v in columns.items()}
        for k in range(len(candidates))
    ]


def dissimilarities(peptides: Sequence[str], proteome: ProteomeIndex) -> list[float | None]:
    """Return the dissimilarity to self of the first 50 peptides of 8 to 10 residues, ``None`` of others.

    Parameters
    ----------
    peptides
        Of targets, best first.
    proteome
        All normal proteins: some only would make peptides look foreign.
    """
    places = [k for k, peptide in enumerate(peptides) if len(peptide) in _ALIGNED][:_FIRST]
    found = dict(zip(places, dissimilarity([peptides[k] for k in places], proteome).tolist(), strict=True))
    return [found.get(k) for k in range(len(peptides))]


def _log_odds(candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """Return what a small model of measured answers says; NaN where it is not installed."""
    try:
        fit = installed_immunogenicity()
    except MissingData:
        return np.full(len(candidates), np.nan)
    values = immunogenicity_features(
        [c.peptide.sequence for c in candidates],
        [str(c.molecule) for c in candidates],
        [c.value("affinity_nm") for c in candidates],
        [c.value("percentile") for c in candidates],
    )
    return fit.log_odds(values)


def response_sentence() -> str:
    """Return what to know of ``response_log_odds``, for people."""
    try:
        fit = installed_immunogenicity()
    except MissingData:
        return "No model of T cells' answers is installed."
    auc, low, high = fit.about["cross_validated_auc"]
    return (
        f"Log odds that T cells answer, of class I: a small model of {fit.n_tested} tested peptides, "
        f"{fit.n_answered} answered; area under the curve {auc:.2f} ({low:.2f} to {high:.2f}) in "
        "cross-validation, 0.5 is chance. They order nothing here."
    )


def _promiscuity(candidate: Candidate, weak: float) -> int:
    return int(promiscuity(candidate.predictions.table.percentile[candidate.row], below=weak))


def _placed(values: NDArray[np.float64], places: Sequence[int], count: int) -> NDArray[np.float64]:
    column = np.full(count, np.nan)
    column[list(places)] = values
    return column


def _nan(value: float | None) -> float:
    return math.nan if value is None else value
