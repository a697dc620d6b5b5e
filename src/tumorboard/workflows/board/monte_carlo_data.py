"""What ``report.json`` says of a plan that was calculated again by Monte Carlo."""

from __future__ import annotations

from typing import Any

from tumorboard.outcomes.dose_volume import DoseVolumeHistogram
from tumorboard.outcomes.gamma_index import GammaResult
from tumorboard.workflows.proton_plan.recalculation import GAMMA_BAND_MEV, FieldGammas, Recalculation

__all__ = ["leading_field", "recalculation_data", "yield_per_proton"]


def recalculation_data(result: Recalculation) -> dict[str, Any]:
    """Return the section of ``report.json``.

    Parameters
    ----------
    result
        Of the recalculation.
    """
    found, choice = result.transport, result.choice
    names = [f"gamma_{g.criteria.dose_percent:g}pct_{g.criteria.distance_mm:g}mm" for g in result.gammas]
    transport_s = result.stages_s["transport"]
    return {
        "histories": found.histories,
        "histories_at_most": choice.histories,
        "seed": choice.seed,
        "target_uncertainty_percent": choice.target_uncertainty_percent,
        "mean_uncertainty_percent": 100.0 * found.mean_uncertainty,
        "protons_per_fraction": found.protons / result.plan.n_fractions,
        "voxels": list(found.dose.grid.shape),
        "spacing_mm": found.dose.grid.spacing_mm.tolist(),
        **{f"{name}_percent": g.pass_rate_percent for name, g in zip(names, result.gammas, strict=True)},
        "gamma": {name: _gamma(g) for name, g in zip(names, result.gammas, strict=True)},
        "dvh": {name: _dvh(bands[1]) for name, bands in result.histograms.items()},
        "dvh_difference": {
            name: {key: value - _dvh(bands[0])[key] for key, value in _dvh(bands[1]).items()}
            for name, bands in result.histograms.items()
        },
        "prompt_gamma": _prompt_gamma(result),
        "positron_emitters": [
            {"nuclide": m.nuclide, "per_proton": m.total / protons, "per_fraction": m.total}
            for m in found.positron_emitters
            for protons in (found.protons / result.plan.n_fractions,)
        ],
        "energy_balance": {**found.balance.to_dict(), "deposited_fraction": found.balance.deposited_fraction},
        "histories_per_s": found.histories / transport_s if transport_s > 0 else None,
        "stages_s": dict(result.stages_s),
        "peak_memory_gb": result.peak_memory_gb,
        "notes": list(result.notes),
    }


def leading_field(result: Recalculation) -> FieldGammas:
    """Return the field that brings the most protons.

    Parameters
    ----------
    result
        Of the recalculation.
    """
    return max(result.fields, key=lambda f: f.protons)


def yield_per_proton(result: Recalculation) -> float:
    """Return the prompt gammas of 3 to 6 MeV that a proton of the plan makes.

    Parameters
    ----------
    result
        Of the recalculation.
    """
    gammas = result.transport.prompt_gammas
    per_fraction = result.transport.protons / result.plan.n_fractions
    return float(gammas.spectrum[gammas.bins(*GAMMA_BAND_MEV)].sum() / per_fraction)


def _gamma(result: GammaResult) -> dict[str, Any]:
    return {
        "pass_percent": result.pass_rate_percent,
        "mean": result.mean,
        "points": result.n_points,
        "threshold_percent": result.criteria.threshold_percent,
        "normalisation_dose_gy": result.normalisation_dose_gy,
    }


def _dvh(histogram: DoseVolumeHistogram) -> dict[str, float]:
    return {
        "mean_gy": histogram.mean_gy,
        "d95_gy": histogram.dose_at_volume_gy(percent=95),
        "d2_gy": histogram.dose_at_volume_gy(percent=2),
    }


def _prompt_gamma(result: Recalculation) -> dict[str, Any]:
    gammas, leading = result.transport.prompt_gammas, leading_field(result)
    per_fraction = result.transport.protons / result.plan.n_fractions
    edges = [] if gammas.energy_edges_mev is None else gammas.energy_edges_mev.tolist()
    return {
        "yield_per_proton": yield_per_proton(result),
        "falloff_50_mm": leading.falloff_50_mm,
        "falloff_field": leading.name,
        "energy_mev": list(GAMMA_BAND_MEV),
        "spectrum": {
            "edges_mev": edges,
            "per_proton": (gammas.spectrum / per_fraction).tolist(),
        },
        "fields": [
            {
                "name": f.name,
                "protons_per_fraction": f.protons,
                "layer_energy_mev": f.layer_energy_mev,
                "layer_range_mm": f.range_mm,
                "yield_per_proton": f.yield_per_proton,
                "falloff_50_mm": f.falloff_50_mm,
            }
            for f in result.fields
        ],
    }
