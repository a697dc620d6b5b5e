"""Logistic regression of T-cell answers on a few features, shrunk and with signs that make sense."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit

from tumorboard.errors import InputError, MissingData, NotConverged
from tumorboard.immunotherapy.ranking.immunogenicity_features import (
    IMMUNOGENICITY_FEATURES,
    PRESENTATION_FEATURES,
)

__all__ = ["ImmunogenicityFit", "ImmunogenicityModel", "installed_immunogenicity"]


@dataclass(frozen=True, slots=True)
class ImmunogenicityModel:
    """How to fit.

    Parameters
    ----------
    penalty
        Half of it times the squares of the weights of standardised features is added to the negative log
        likelihood.
    features
        Names of the columns.
    never_negative
        Features whose weights stay at 0 or above.

    Raises
    ------
    InputError
        When the penalty is negative or a name is not a feature.
    """

    penalty: float
    features: tuple[str, ...] = IMMUNOGENICITY_FEATURES
    never_negative: tuple[str, ...] = PRESENTATION_FEATURES

    def __post_init__(self) -> None:
        if not self.penalty >= 0:
            raise InputError(f"penalty must be 0 or more; got {self.penalty!r}")
        unknown = set(self.never_negative) - set(self.features)
        if unknown:
            raise InputError(f"never_negative must be of the features {self.features}; got {sorted(unknown)}")

    def fit(self, values: ArrayLike, labels: ArrayLike) -> ImmunogenicityFit:
        """Fit to measured answers.

        Parameters
        ----------
        values
            Features, shape ``(n, n_features)``.
        labels
            True or 1 where T cells answered, shape ``(n,)``.

        Returns
        -------
        ImmunogenicityFit
            Weights of the standardised features.

        Raises
        ------
        InputError
            When shapes do not fit, a value is not finite, or only one kind of label is there.
        NotConverged
            When the optimiser stops early.

        Examples
        --------
        >>> model = ImmunogenicityModel(penalty=1.0, features=("x",), never_negative=())
        >>> model.fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1]).weights.round(2).tolist()
        [0.45]
        """
        x, y = np.asarray(values, np.float64), np.asarray(labels).astype(np.float64)
        if x.ndim != 2 or x.shape != (y.size, len(self.features)):
            raise InputError(
                f"values must have shape ({y.size}, {len(self.features)}), a row a label; got {x.shape}"
            )
        if not np.isfinite(x).all():
            raise InputError(f"values must be finite; got {(~np.isfinite(x)).sum()} that are not")
        if not 0 < y.sum() < y.size:
            raise InputError(f"labels must be of both kinds; got {int(y.sum())} positives of {y.size}")
        mean, scale = x.mean(axis=0), x.std(axis=0)
        # A feature that is the same everywhere says nothing and gets weight 0.
        z = (x - mean) / np.where(scale > 0, scale, 1.0)

        def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            logit = z @ w[1:] + w[0]
            error = expit(logit) - y
            value = np.logaddexp(0.0, logit).sum() - y @ logit + 0.5 * self.penalty * (w[1:] @ w[1:])
            return float(value), np.r_[error.sum(), z.T @ error + self.penalty * w[1:]]

        bounds = [(None, None), *((0.0 if f in self.never_negative else None, None) for f in self.features)]
        start = np.r_[np.log(y.mean() / (1.0 - y.mean())), np.zeros(x.shape[1])]
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
        if not found.success:
            raise NotConverged(f"the fit of immunogenicity stopped early; {found.message}; raise the penalty")
        return ImmunogenicityFit(
            self,
            mean,
            np.where(scale > 0, scale, 1.0),
            found.x[1:],
            float(found.x[0]),
            y.size,
            int(y.sum()),
            {},
        )


@dataclass(frozen=True, slots=True, eq=False)
class ImmunogenicityFit:
    """A fitted model.

    Parameters
    ----------
    model
        How it was fitted.
    mean, scale
        Of the features in the data of the fit, shape ``(n_features,)`` each.
    weights
        Of the standardised features, shape ``(n_features,)``.
    intercept
        Log odds of a peptide with mean features.
    n_tested, n_answered
        Peptides and positives of the fit.
    about
        What to know of the fit: data, predictor, expected quality.
    """

    model: ImmunogenicityModel
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    intercept: float
    n_tested: int
    n_answered: int
    about: Mapping[str, Any]

    def log_odds(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the log odds that T cells answer, as in the tested set.

        Parameters
        ----------
        values
            Features, shape ``(n, n_features)``; NaN makes the row NaN.

        Returns
        -------
        numpy.ndarray
            Shape ``(n,)``. Their order ranks; how often T cells answer elsewhere is another matter.

        Raises
        ------
        InputError
            When the shape does not fit.
        """
        return np.asarray(self.intercept + self.contributions(values).sum(axis=1))

    def contributions(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return what each feature adds to the log odds: the reasons of a rank.

        Parameters
        ----------
        values
            Features, shape ``(n, n_features)``.

        Returns
        -------
        numpy.ndarray
            Shape ``(n, n_features)``; 0 for a feature at the mean of the tested set.

        Raises
        ------
        InputError
            When the shape does not fit.
        """
        x = np.asarray(values, np.float64)
        if x.ndim != 2 or x.shape[1] != self.weights.size:
            raise InputError(
                f"values must have {self.weights.size} columns, {self.model.features}; got {x.shape}"
            )
        return np.asarray((x - self.mean) / self.scale * self.weights)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-serialisable dictionaries."""
        columns: Sequence[tuple[float, ...]] = list(
            zip(self.mean.tolist(), self.scale.tolist(), self.weights.tolist(), strict=True)
        )
        return {
            "penalty": self.model.penalty,
            "never_negative": list(self.model.never_negative),
            "features": {
                name: {"mean": column[0], "scale": column[1], "weight": column[2]}
                for name, column in zip(self.model.features, columns, strict=True)
            },
            "intercept": self.intercept,
            "n_tested": self.n_tested,
            "n_answered": self.n_answered,
            "about": dict(self.about),
        }

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> ImmunogenicityFit:
        """Read what :meth:`to_dict` wrote."""
        columns = {
            key: np.array([entry[key] for entry in tree["features"].values()], np.float64)
            for key in ("mean", "scale", "weight")
        }
        model = ImmunogenicityModel(tree["penalty"], tuple(tree["features"]), tuple(tree["never_negative"]))
        for array in columns.values():
            array.flags.writeable = False
        return cls(
            model,
            columns["mean"],
            columns["scale"],
            columns["weight"],
            tree["intercept"],
            tree["n_tested"],
            tree["n_answered"],
            tree["about"],
        )


@cache
def installed_immunogenicity() -> ImmunogenicityFit:
    """Return the fit that comes with the package, of class I on the IMPROVE set.

    Its expected quality stands in ``about``: it orders presented peptides a little better than chance.

    Returns
    -------
    ImmunogenicityFit
        Read once.

    Raises
    ------
    MissingData
        When it is not installed.

    References
    ----------
    .. [1] borch2024improve

    Examples
    --------
    >>> fit = installed_immunogenicity()
    >>> fit.n_answered, dict(zip(fit.model.features, fit.weights > 0))["hydropathy"].item()
    (467, True)
    """
    path = files(__package__) / "tables" / "immunogenicity" / "class1.json"
    if not path.is_file():
        raise MissingData(
            "the fit of immunogenicity must be installed with the package; it is not; install the wheel again"
        )
    return ImmunogenicityFit.from_dict(json.loads(path.read_text(encoding="utf-8")))
