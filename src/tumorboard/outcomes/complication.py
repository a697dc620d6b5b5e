"""Probability that treatment harms an organ, by published models that name their source."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from tumorboard.errors import InputError
from tumorboard.outcomes.dose_response import (
    DoseResponse,
    Logistic,
    LogLogistic,
    LymanKutcherBurman,
    RelativeSeriality,
)
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram
from tumorboard.outcomes.fractionation import eqd2_histogram
from tumorboard.provenance import Record

__all__ = ["Complication", "ComplicationModel", "complication_model", "complication_models"]


@dataclass(frozen=True, slots=True, eq=False)
class Complication:
    """A complication's probability for one dose distribution.

    Parameters
    ----------
    model
        Name of the model.
    structure
        Name of the structure that was given to it.
    endpoint
        What the probability is of.
    probability_percent
        NTCP, 0 to 100 [%].
    dose_gy
        The single dose that the model saw (mean, gEUD, maximum), in 2 Gy fractions when it converts [Gy].
    cautions
        Sentences on where this use leaves what the model was made for.
    provenance
        How it came about, with the model's references.
    """

    model: str
    structure: str
    endpoint: str
    probability_percent: float
    dose_gy: float
    cautions: tuple[str, ...]
    provenance: Record


@dataclass(frozen=True, slots=True, eq=False)
class ComplicationModel:
    """A published model: organ, endpoint, shape and parameters.

    Parameters
    ----------
    name
        As in the table of models.
    organ
        What the histogram must be of.
    endpoint
        The complication.
    grade
        Lowest toxicity grade of the endpoint, 1 to 5, where the source grades it.
    response
        Shape and parameters.
    alpha_beta_gy
        When given, dose is turned into 2 Gy fractions with it; else taken as it is [Gy].
    fraction_dose_gy
        Lowest and highest dose per fraction, to the hottest part, for which the model is meant [Gy].
    references
        Citation keys.
    """

    name: str
    organ: str
    endpoint: str
    grade: int | None
    response: DoseResponse
    alpha_beta_gy: float | None
    fraction_dose_gy: tuple[float, float]
    references: tuple[str, ...]

    def evaluate(
        self, histogram: DoseVolumeHistogram, *, n_fractions: int, risk_factors: Iterable[str] = ()
    ) -> Complication:
        """Return the probability for a histogram of the whole course's dose.

        Parameters
        ----------
        histogram
            Of :attr:`organ`; physical dose for photons, RBE-weighted dose for protons.
        n_fractions
            Number of equal fractions, >= 1.
        risk_factors
            Names of the patient's factors, among those that the model knows.

        Raises
        ------
        InputError
            When the number of fractions is not positive or a risk factor is unknown.
        """
        if n_fractions < 1 or n_fractions != int(n_fractions):
            raise InputError(f"n_fractions must be a whole number >= 1; got {n_fractions!r}")
        factors = frozenset(risk_factors)
        seen = histogram
        if self.alpha_beta_gy is not None:
            seen = eqd2_histogram(histogram, n_fractions=n_fractions, alpha_beta_gy=self.alpha_beta_gy)
        record = Record(
            "outcomes.complication",
            {"model": self.name, "n_fractions": n_fractions, "risk_factors": sorted(factors)},
            (histogram.provenance,),
            self.references,
        )
        return Complication(
            self.name,
            histogram.name,
            self.endpoint,
            100.0 * self.response.probability(seen, factors),
            self.response.dose_gy(seen),
            self._cautions(histogram, n_fractions),
            record,
        )

    def _cautions(self, histogram: DoseVolumeHistogram, n_fractions: int) -> tuple[str, ...]:
        low, high = self.fraction_dose_gy
        hottest = histogram.max_gy / n_fractions
        if hottest <= high:
            return ()
        way = (
            "the linear-quadratic conversion is far from what was fitted"
            if self.alpha_beta_gy is not None
            else "dose is taken as it is, which underestimates the effect"
        )
        return (
            f"{self.name} is meant for {low:g} to {high:g} Gy per fraction; {histogram.name} has up to "
            f"{hottest:.3g} Gy: {way}",
        )


def complication_models() -> tuple[str, ...]:
    """Return the names of all models.

    Examples
    --------
    >>> "lung_pneumonitis_quantec_logistic" in complication_models()
    True
    """
    return tuple(_table())


def complication_model(name: str) -> ComplicationModel:
    """Return the model of this name.

    Parameters
    ----------
    name
        One of :func:`complication_models`.

    Raises
    ------
    InputError
        When there is none of this name; the message lists them.

    Examples
    --------
    >>> from tumorboard.provenance import Record
    >>> lungs = DoseVolumeHistogram("Lungs", [0.0, 40.0], [1.0, 1.0], Record("example"))
    >>> model = complication_model("lung_pneumonitis_quantec_logistic")
    >>> round(model.evaluate(lungs, n_fractions=30).probability_percent, 1)
    20.6
    """
    models = _table()
    if name not in models:
        raise InputError(f"complication model must be one of {', '.join(models)}; got {name!r}")
    return models[name]


@cache
def _table() -> dict[str, ComplicationModel]:
    text = (files("tumorboard.outcomes") / "tables" / "ntcp" / "models.toml").read_text(encoding="utf-8")
    return {name: _model(name, row) for name, row in tomllib.loads(text).items()}


def _model(name: str, row: dict[str, Any]) -> ComplicationModel:
    low, high = row["fraction_dose_gy"]
    return ComplicationModel(
        name,
        row["organ"],
        row["endpoint"],
        row.get("grade"),
        _response(row),
        row.get("alpha_beta_gy"),
        (low, high),
        tuple(row["references"]),
    )


def _response(row: dict[str, Any]) -> DoseResponse:
    match row["kind"]:
        case "lyman_kutcher_burman":
            return LymanKutcherBurman(row["td50_gy"], row["slope"], row["volume_exponent"])
        case "relative_seriality":
            return RelativeSeriality(row["d50_gy"], row["gamma"], row["seriality"])
        case "log_logistic":
            return LogLogistic(row["d50_gy"], row["gamma50"], row["exponent"])
        case "logistic":
            odds = {factor: math.log(ratio) for factor, ratio in row.get("odds_ratios", {}).items()}
            return Logistic(row["intercept"], row["coefficient_per_gy"], row["exponent"], odds)
        case kind:
            raise InputError(f"kind of a complication model is not known; got {kind!r}")
