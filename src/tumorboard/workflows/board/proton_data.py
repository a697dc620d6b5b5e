"""What ``report.json`` says of a proton plan."""

from __future__ import annotations

from typing import Any

from tumorboard.core.plan import IonBeam
from tumorboard.workflows.proton_plan.result import ProtonPlanResult

__all__ = ["plan_data"]


def plan_data(result: ProtonPlanResult) -> dict[str, Any]:
    """Return the section of ``report.json``.

    Parameters
    ----------
    result
        Of planning.
    """
    config, plan = result.config, result.plan
    dvh = {
        name: {
            "mean_gy": bands[0].mean_gy,
            "d95_gy": bands[0].dose_at_volume_gy(percent=95),
            "d2_gy": bands[0].dose_at_volume_gy(percent=2),
            "v20gy_percent": bands[0].volume_at_dose_percent(20.0),
            "volume_ml": bands[0].total_ml,
        }
        for name, bands in result.histograms.items()
    }
    return {
        "plan": {
            "label": plan.label,
            "machine": plan.machine,
            "rbe_model": config.rbe_model,
            "n_fractions": plan.n_fractions,
            "isocentre_mm": plan.beams[0].geometry.isocentre_mm.tolist(),
            "beams": [
                {
                    "name": beam.name,
                    "gantry_deg": beam.geometry.gantry_angle_deg,
                    "couch_deg": beam.geometry.couch_angle_deg,
                    "range_shifter": beam.range_shifter,
                    "layers": len(beam.layers),
                    "spots": beam.n_spots,
                    "monitor_units": _units(beam),
                    "isocentre_water_equivalent_depth_mm": depth,
                }
                for beam, depth in zip(plan.beams, result.isocentre_depth_mm, strict=True)
            ],
            "spots": plan.n_spots,
            "brought_energy_j": result.brought_energy_j,
            "deposited_energy_j": result.deposited_energy_j,
            "objective": result.optimisation.objective,
            "iterations": result.optimisation.iterations,
            "status": result.optimisation.status.value,
        },
        "dvh": dvh,
        "robust": _robust(result),
        "ntcp": {
            key: {
                "structure": c.nominal.structure,
                "endpoint": c.nominal.endpoint,
                "probability_percent": c.nominal.probability_percent,
                "lowest_percent": c.lowest_percent,
                "highest_percent": c.highest_percent,
                "cautions": list(c.nominal.cautions),
            }
            for key, c in zip(_complication_keys(result), result.complications, strict=True)
        },
        "control": [
            {
                "structure": c.structure,
                "probability_percent": c.probability_percent,
                "lowest_percent": c.lowest_percent,
                "highest_percent": c.highest_percent,
                "source": c.source,
            }
            for c in result.control
        ],
        "photon_comparison": _comparison(result),
        "stages_s": dict(result.stages_s),
        "peak_memory_gb": result.peak_memory_gb,
        "notes": list(result.notes),
    }


def _complication_keys(result: ProtonPlanResult) -> list[str]:
    """Return the model's name, with the structure's where one model is asked for several structures."""
    models = [c.nominal.model for c in result.complications]
    return [
        model if models.count(model) == 1 else f"{model} {c.nominal.structure}"
        for model, c in zip(models, result.complications, strict=True)
    ]


def _robust(result: ProtonPlanResult) -> dict[str, Any]:
    config = result.config
    return {
        "method": config.robustness.method,
        "scenarios": [s.name for s in result.scenarios],
        "dvh": {
            name: {
                "d95_gy": _span([h.dose_at_volume_gy(percent=95) for h in bands]),
                "d2_gy": _span([h.dose_at_volume_gy(percent=2) for h in bands]),
                "mean_gy": _span([h.mean_gy for h in bands]),
            }
            for name, bands in result.histograms.items()
        },
        "goals": [
            {
                "structure": g.choice.structure,
                "goal": g.choice.text,
                "value": g.value,
                "lowest": g.lowest,
                "highest": g.highest,
                "passes": g.passes,
                "pass_rate_percent": g.pass_rate_percent,
            }
            for g in result.goals
        ],
    }


def _comparison(result: ProtonPlanResult) -> dict[str, Any] | None:
    if result.selection is None:
        return None
    return {
        "prefers_protons": result.selection.prefers_protons,
        "models": [
            {
                "structure": d.structure,
                "model": d.model,
                "photon_percent": d.photon_percent,
                "proton_percent": d.proton_percent,
                "difference_percent": d.difference_percent,
                "threshold_percent": d.threshold_percent,
            }
            for d in result.selection.differences
        ],
    }


def _units(beam: IonBeam) -> float:
    return float(sum(layer.monitor_units.sum() for layer in beam.layers))


def _span(values: list[float]) -> dict[str, float]:
    return {"lowest": min(values), "highest": max(values)}
