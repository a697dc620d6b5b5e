"""Curves and blood of a scan as JSON of a case."""

from __future__ import annotations

from typing import Any

import numpy as np

from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.provenance import Record

__all__ = ["blood_from_json", "blood_to_json", "curves_from_json", "curves_to_json"]

_QUANTITIES = ("whole_blood", "plasma", "parent_fraction")


def curves_to_json(curves: TissueCurves) -> dict[str, Any]:
    """Return curves as what JSON can hold.

    Parameters
    ----------
    curves
        Of any number of regions.
    """
    return {
        "regions": list(curves.regions),
        "frame_start_s": curves.frame_start_s.tolist(),
        "frame_duration_s": curves.frame_duration_s.tolist(),
        "concentration_bq_ml": curves.concentration_bq_ml.tolist(),
        "weights": None if curves.weights is None else curves.weights.tolist(),
        "provenance": curves.provenance.to_dict(),
    }


def curves_from_json(body: dict[str, Any]) -> TissueCurves:
    """Return what :func:`curves_to_json` was given.

    Parameters
    ----------
    body
        Of JSON.
    """
    weights = body["weights"]
    return TissueCurves(
        tuple(body["regions"]),
        np.array(body["frame_start_s"]),
        np.array(body["frame_duration_s"]),
        np.array(body["concentration_bq_ml"]),
        None if weights is None else np.array(weights),
        Record.from_dict(body["provenance"]),
    )


def blood_to_json(blood: BloodSamples) -> dict[str, Any]:
    """Return samples as what JSON can hold.

    Parameters
    ----------
    blood
        Samples.
    """
    body: dict[str, Any] = {"provenance": blood.provenance.to_dict()}
    for name in _QUANTITIES:
        curve: BloodCurve | None = getattr(blood, name)
        body[name] = (
            None if curve is None else {"times_s": curve.times_s.tolist(), "values": curve.values.tolist()}
        )
    return body


def blood_from_json(body: dict[str, Any]) -> BloodSamples:
    """Return what :func:`blood_to_json` was given.

    Parameters
    ----------
    body
        Of JSON.
    """
    curves = {
        name: None
        if body[name] is None
        else BloodCurve(np.array(body[name]["times_s"]), np.array(body[name]["values"]))
        for name in _QUANTITIES
    }
    return BloodSamples(**curves, provenance=Record.from_dict(body["provenance"]))
