"""What the model of immunogenicity looks at: binding, and the residues of the peptide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError
from tumorboard.immunotherapy.ranking.exposed_residues import (
    exposed_hydrophobicity,
    exposed_residues,
    mean_hydropathy,
)
from tumorboard.immunotherapy.ranking.immunogenicity_calis import calis_immunogenicity, calis_mask

__all__ = ["IMMUNOGENICITY_FEATURES", "PRESENTATION_FEATURES", "immunogenicity_features"]

#: Columns in their order.
IMMUNOGENICITY_FEATURES = (
    "binding",
    "rank",
    "hydropathy",
    "exposed_hydropathy",
    "aromatic",
    "calis",
    "exposed_proline",
)
#: Those in which a better presented peptide never scores worse.
PRESENTATION_FEATURES = ("binding", "rank")
#: Percentiles below are not told apart.
_BEST_PERCENTILE = 1e-3
_AROMATIC = "FHWY"


def immunogenicity_features(
    peptides: Sequence[str], alleles: Sequence[str], affinity_nm: ArrayLike, percentile: ArrayLike
) -> NDArray[np.float64]:
    """Return the features of peptides with their molecules, of class I.

    ``binding`` is -log10 of the affinity, ``rank`` -log10 of the percentile, ``hydropathy`` the mean of Kyte
    and Doolittle's over the whole peptide, ``aromatic`` the share of F, H, W and Y, ``exposed_proline`` the
    number of prolines that face the receptor. No counterpart is needed.

    Parameters
    ----------
    peptides
        8 residues or more.
    alleles
        Molecule of each, as ``"HLA-A*02:01"``.
    affinity_nm
        Predicted affinity of each, shape ``(n,)`` [nM].
    percentile
        Predicted percentile of each, 0 best, shape ``(n,)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(n, 7)``, columns as ``IMMUNOGENICITY_FEATURES``.

    Raises
    ------
    InputError
        When the inputs are not as many as the peptides, a peptide is too short, or a residue not standard.

    References
    ----------
    .. [1] borch2024improve
    .. [2] calis2013immunogenicity

    Examples
    --------
    >>> immunogenicity_features(["HIQDLYTVL"], ["HLA-C*03:03"], [178.8], [0.5]).round(2).tolist()
    [[-2.25, 0.3, 0.46, 0.5, 0.22, 0.03, 0.0]]
    """
    affinity, rank = np.asarray(affinity_nm, np.float64), np.asarray(percentile, np.float64)
    if not len(peptides) == len(alleles) == affinity.size == rank.size:
        raise InputError(
            f"alleles, affinity_nm and percentile must be as many as peptides, {len(peptides)}; got "
            f"{len(alleles)}, {affinity.size}, {rank.size}"
        )
    columns = (
        -np.log10(affinity),
        -np.log10(np.maximum(rank, _BEST_PERCENTILE)),
        mean_hydropathy(peptides),
        exposed_hydrophobicity(peptides),
        np.array([sum(residue in _AROMATIC for residue in p) / len(p) for p in peptides]),
        calis_immunogenicity(peptides, [calis_mask(allele) for allele in alleles]),
        np.array([exposed_residues(peptide).count("P") for peptide in peptides], np.float64),
    )
    return np.stack(columns, axis=1)
