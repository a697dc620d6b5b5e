"""Scores of peptides by models that have seen neither them nor their like."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError
from tumorboard.immunotherapy.ranking.immunogenicity_model import ImmunogenicityModel

__all__ = ["CrossValidation", "cross_validate", "grouped_folds"]


def grouped_folds(groups: ArrayLike, n_folds: int, *, salt: str) -> NDArray[np.int64]:
    """Deal groups to folds by a hash of their name: the same on every machine, whatever else is there.

    Parameters
    ----------
    groups
        Of each row, patients or what else must stay together, shape ``(n,)``.
    n_folds
        Two or more.
    salt
        Another one deals anew.

    Returns
    -------
    numpy.ndarray
        Fold of each row, 0 to ``n_folds - 1``, shape ``(n,)``; sizes differ as chance has it.

    Raises
    ------
    InputError
        When there are fewer than two folds.

    Examples
    --------
    >>> folds = grouped_folds(["patient 1", "patient 1", "patient 2"], 5, salt="a")
    >>> bool(folds[0] == folds[1])
    True
    """
    if n_folds < 2:
        raise InputError(f"n_folds must be 2 or more; got {n_folds}")
    names, which = np.unique(np.asarray(groups), return_inverse=True)
    dealt = [int(hashlib.sha256(f"{salt}:{name}".encode()).hexdigest()[:8], 16) % n_folds for name in names]
    return np.array(dealt, np.int64)[which]


@dataclass(frozen=True, slots=True, eq=False)
class CrossValidation:
    """Held-out scores.

    Parameters
    ----------
    log_odds
        Of each row by the model of the other folds, shape ``(n,)``.
    folds
        Of each row, shape ``(n,)``.
    weights
        Of the standardised features in each fold's model, shape ``(n_folds, n_features)``.
    """

    log_odds: NDArray[np.float64]
    folds: NDArray[np.int64]
    weights: NDArray[np.float64]


def cross_validate(
    model: ImmunogenicityModel,
    values: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike,
    *,
    n_folds: int,
    salt: str = "",
) -> CrossValidation:
    """Score each fold by a model fitted to the others; a group is never in both.

    Parameters
    ----------
    model
        How to fit.
    values
        Features, shape ``(n, n_features)``.
    labels
        True or 1 where T cells answered, shape ``(n,)``.
    groups
        Of each row, shape ``(n,)``: patients where they are known, else
        :func:`~tumorboard.immunotherapy.ranking.peptide_groups.groups_by_shared_words`.
    n_folds
        Two or more.
    salt
        Another one deals anew.

    Returns
    -------
    CrossValidation
        Scores to be judged, for instance by
        :func:`~tumorboard.immunotherapy.ranking.ranking_quality.area_under_curve`.

    Raises
    ------
    InputError
        When lengths differ, or a fold leaves labels of one kind.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, groups = rng.standard_normal((200, 1)), np.arange(200)
    >>> model = ImmunogenicityModel(penalty=1.0, features=("x",), never_negative=())
    >>> found = cross_validate(model, x, x[:, 0] > 0, groups, n_folds=5)
    >>> bool(np.corrcoef(found.log_odds, x[:, 0])[0, 1] > 0.9)
    True
    """
    x, y = np.asarray(values, np.float64), np.asarray(labels)
    folds = grouped_folds(groups, n_folds, salt=salt)
    if not x.shape[0] == y.size == folds.size:
        raise InputError(
            f"labels and groups must be as many as rows, {x.shape[0]}; got {y.size} and {folds.size}"
        )
    log_odds = np.full(y.size, np.nan)
    weights = np.zeros((n_folds, len(model.features)))
    for fold in range(n_folds):
        held_out = folds == fold
        if held_out.any():
            fit = model.fit(x[~held_out], y[~held_out])
            log_odds[held_out] = fit.log_odds(x[held_out])
            weights[fold] = fit.weights
    return CrossValidation(log_odds, folds, weights)
