"""What comes of kinetic models through curves of regions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics.delay import DelayFit
from tumorboard.pet.kinetics.fit import KineticFit
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.provenance import Record
from tumorboard.units import S_PER_MIN
from tumorboard.workflows.kinetics.config import KineticsConfig

__all__ = ["KineticsResult", "fits_data"]


@dataclass(frozen=True, slots=True, eq=False)
class KineticsResult:
    """One model through the regions of one scan.

    Parameters
    ----------
    config
        What was asked for.
    weighting
        That was used.
    fits
        In the order of the regions.
    curves
        That were fitted, the reference left out.
    blood
        The input, delay taken out; ``None`` for models of a reference.
    delay
        Where it was fitted.
    notes
        What a reader must know of the data, one sentence each.
    """

    config: KineticsConfig
    weighting: str
    fits: tuple[KineticFit, ...]
    curves: TissueCurves
    blood: InputFunction | None
    delay: DelayFit | None
    notes: tuple[str, ...]

    @property
    def provenance(self) -> Record:
        """How the fits came about."""
        return Record("workflows.kinetics.run", {}, tuple(fit.provenance for fit in self.fits))

    def choices(self) -> dict[str, Any]:
        """Return every choice that played a part: the configuration's, with what the data decided."""
        choices = self.config.choices()
        if "weighting" in choices:
            choices["weighting"] = self.weighting
        if self.delay is not None:
            choices["delay_s"] = self.delay.delay.value
        return choices

    def to_dict(self) -> dict[str, Any]:
        """Return all as what JSON can hold; a number that is not determined is ``None``."""
        choices = self.choices()
        return {
            "fits": fits_data(self.fits),
            "choices": choices,
            "chosen_by_default": list(self.config.by_default()),
            "t_star_min": self.t_star_min() if "t_star" in choices else None,
            "delay": None if self.delay is None else _delay(self.delay),
            "notes": list(self.notes),
            "citations": list(dict.fromkeys(self.provenance.citations())),
        }

    def t_star_min(self) -> dict[str, float]:
        """Return the middle of the first frame that each region's fit goes through, by region [min]."""
        return {region: mid_s / S_PER_MIN for region, mid_s in self.t_star_s().items()}

    def t_star_s(self) -> dict[str, float]:
        """Return the same in seconds [s]."""
        return {fit.region: float(fit.mid_s[fit.weights > 0][0]) for fit in self.fits}


def fits_data(fits: Sequence[KineticFit]) -> list[dict[str, Any]]:
    """Return fits as what JSON can hold; a number that is not determined is ``None``.

    Parameters
    ----------
    fits
        Of any models.

    Returns
    -------
    list of dict
        ``{region, model, parameters: {NAME: {value, standard_error, unit}}, aicc, flags}``.
    """
    return [
        {
            "region": fit.region,
            "model": fit.model,
            "parameters": {
                name: {
                    "value": _finite(one.value),
                    "standard_error": _finite(one.standard_error),
                    "unit": one.unit,
                }
                for name, one in fit.parameters.items()
            },
            "aicc": _finite(fit.aicc),
            "flags": [flag.name.lower() for flag in fit.flags],
        }
        for fit in fits
    ]


def _delay(found: DelayFit) -> dict[str, Any]:
    return {
        "region": found.fit.region,
        "value_s": _finite(found.delay.value),
        "standard_error_s": _finite(found.delay.standard_error),
        "flags": [flag.name.lower() for flag in found.flags],
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
