"""The radioligand's part of ``report.json``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from tumorboard.workflows.board.radioligand_radiation import progeny_data, radiation_data
from tumorboard.workflows.radioligand.curve import Curve
from tumorboard.workflows.radioligand.result import LesionDose, RadioligandResult
from tumorboard.workflows.radioligand.time_course import RegionCourse

__all__ = ["RADIOLIGAND_DOSE_ITEM", "WHAT_IF_H", "radioligand_data", "what_if_gy"]

# Named like its section, so that no other section counts it among what it is made from.
RADIOLIGAND_DOSE_ITEM: Final = "section-radioligand-dose"
#: Effective half-lives after the last scan, for which an upper limit is said again [h].
WHAT_IF_H: Final = (40.0, 80.0, 120.0)


def radioligand_data(
    result: RadioligandResult, lesions: Sequence[LesionDose], organs: Sequence[LesionDose]
) -> dict[str, Any]:
    """Return the result as JSON-serialisable values.

    Parameters
    ----------
    result
        Of the dosimetry.
    lesions, organs
        Its regions, apart.
    """
    total = result.total
    return {
        "nuclide": result.nuclide,
        "physical_half_life_h": result.physical_half_life_s / 3600.0,
        "injected_mbq": result.injected_bq / 1e6 if result.injected_bq is not None else None,
        "times_h": (total.samples.times_s / 3600.0).tolist(),
        "total_activity_mbq": (total.samples.activity_bq / 1e6).tolist(),
        "total": _course(total),
        "lesions": [_lesion(one, result.config.alpha_rbe) for one in lesions],
        "organs": [_lesion(one, result.config.alpha_rbe) for one in organs],
        "assumed_relative_uncertainty": {
            "lesion_activity": result.config.lesion_relative_uncertainty,
            "total_activity": result.config.total_relative_uncertainty,
        },
        "medium": result.medium,
        "voxels": list(result.scan.grid.shape),
        "spacing_mm": result.scan.grid.spacing_mm.tolist(),
        "histories": result.config.histories,
        "library": result.config.library.value,
        "curve": result.config.curve.value,
        "single_scan": None if result.config.single_scan is None else result.config.single_scan.value,
        "progeny": progeny_data(result),
        "stages_s": {name: round(value, 3) for name, value in result.stages_s.items()},
    }


def what_if_gy(lesion: LesionDose) -> dict[str, float]:
    """Return the kernel's dose, were the effective half-life after the last scan another [Gy].

    Parameters
    ----------
    lesion
        Whose dose is an upper limit; of others there is nothing to say.
    """
    if not lesion.course.is_upper_limit:
        return {}
    dose = lesion.histograms["kernel"].mean_gy
    return {
        f"{hours:g}": dose * lesion.course.decays_relative_to_limit(hours * 3600.0)
        for hours in WHAT_IF_H
        if hours * 3600.0 < lesion.course.half_life_s
    }


def _course(course: RegionCourse) -> dict[str, Any]:
    spread = course.half_life_uncertainty_s
    return {
        "effective_half_life_h": course.half_life_s / 3600.0,
        "effective_half_life_uncertainty_h": spread / 3600.0 if spread is not None else None,
        "effective_half_life_is_upper_limit": course.is_upper_limit,
        "decays": course.decays,
        "share_after_last_scan": course.tail_share,
        "curve": _curve(course.curve),
    }


def _curve(curve: Curve) -> dict[str, Any]:
    """Return which curve, and among which; what is not determined is ``None``."""
    return {
        "shape": curve.shape,
        "decays_relative_uncertainty": curve.decays_relative_uncertainty,
        "amplitudes_mbq": (curve.amplitudes_bq / 1e6).tolist(),
        "half_lives_h": (math.log(2.0) / 3600.0 / curve.rates_per_s).tolist(),
        "criterion": curve.criterion or None,
        "candidates": [
            {
                "shape": one.shape,
                "criterion": one.criterion if math.isfinite(one.criterion) else None,
                "weight": one.weight,
                "decays": one.decays,
            }
            for one in curve.candidates
        ],
        "misfit_probability": curve.misfit_probability,
        "truth_by_estimate_5_95": None if curve.truth_by_estimate is None else list(curve.truth_by_estimate),
    }


def _lesion(lesion: LesionDose, alpha_rbe: float | None) -> dict[str, Any]:
    return {
        "name": lesion.course.name,
        "volume_ml": lesion.volumes_ml[-1],
        "volumes_ml": list(lesion.volumes_ml),
        "activity_mbq": (lesion.course.samples.activity_bq / 1e6).tolist(),
        **_course(lesion.course),
        "dose_gy": {name: h.mean_gy for name, h in lesion.histograms.items()},
        "d98_gy": {name: h.dose_at_volume_gy(percent=98) for name, h in lesion.histograms.items()},
        "d2_gy": {name: h.dose_at_volume_gy(percent=2) for name, h in lesion.histograms.items()},
        "dose_relative_uncertainty": lesion.relative_uncertainty,
        "dose_statistical_uncertainty": lesion.statistical_uncertainty,
        "dose_is_upper_limit": lesion.course.is_upper_limit,
        "dose_if_effective_half_life_h": what_if_gy(lesion),
        "dose_by_radiation_gy": radiation_data(lesion, alpha_rbe),
    }
