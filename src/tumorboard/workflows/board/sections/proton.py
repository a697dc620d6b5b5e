"""Proton plan: made of a prescription, on the CT that the target was drawn on."""

from __future__ import annotations

from typing import Any

import numpy as np

from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import StructureSet
from tumorboard.errors import InputError
from tumorboard.io.plan_encoding import plan_to_json
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.plotting import pictures
from tumorboard.plotting.blocks import (
    Block,
    Facts,
    Fold,
    Gallery,
    Note,
    Picture,
    PointLink,
    SectionStatus,
    Table,
)
from tumorboard.plotting.convergence import convergence_plot
from tumorboard.plotting.dvh import DvhCurve, dvh_plot
from tumorboard.plotting.palette import structure_rgb
from tumorboard.plotting.spot_map import SpotMap, spot_maps
from tumorboard.workflows.board.context import Context
from tumorboard.workflows.board.display import first_window
from tumorboard.workflows.board.proton_items import DOSE_ITEM, LET_ITEM, PLAN_ITEM
from tumorboard.workflows.board.result import SectionResult
from tumorboard.workflows.proton_plan.config import PHYSICAL_DOSE
from tumorboard.workflows.proton_plan.result import ProtonPlanResult

__all__ = ["run"]

#: Doses at which histograms are drawn.
_DVH_POINTS = 240


def run(context: Context) -> SectionResult:
    """Make the plan, keep it in the case, and show it."""
    config = context.config.prescription
    if config is None:
        needs = ("A prescription: tumorboard board FOLDER --prescription plan.toml.",)
        return SectionResult(SectionStatus.NOT_POSSIBLE, needs)
    found = _ct_and_structures(context, [t.structure for t in config.targets])
    if isinstance(found, str):
        return SectionResult(SectionStatus.NOT_POSSIBLE, (found,))
    ct, drawn = found
    # Imported here: whoever asks for no plan need not wait for the planner to load.
    from tumorboard.workflows.proton_plan.run import run as make_plan

    result = make_plan(config, ct, drawn, progress=context.progress)
    _keep(context, result, drawn)
    isocentre = tuple(result.plan.beams[0].geometry.isocentre_mm.tolist())
    return SectionResult(
        SectionStatus.DONE,
        data=_data(result),
        blocks=(
            *(Note(text) for text in result.notes),
            _facts(result),
            *_goal_tables(result),
            _dose_table(result),
            *_dose_pictures(result, ct, isocentre),
            _dvh(result),
            _details(result),
        ),
        points=(PointLink("isocentre", isocentre),),
        provenance=result.provenance,
    )


def _ct_and_structures(context: Context, targets: list[str]) -> tuple[Image, StructureSet] | str:
    """Return the structure set that has the targets and its CT, or what is missing in words."""
    sets = context.structure_sets()
    if not sets:
        return "A structure set (RTSTRUCT) with the target."
    names: list[str] = []
    for _, structures in sets:
        names += structures.names
        if all(name in structures.names for name in targets):
            for _, volume in context.volumes("CT"):
                if volume.frame_of_reference == structures.frame_of_reference:
                    return context.image(volume.item), structures
            return "A CT in the frame of reference of the target's structure set."
    raise InputError(
        f"target of the prescription must be one of {', '.join(dict.fromkeys(names))}; "
        f"got {', '.join(t for t in targets if t not in names) or ', '.join(targets)}; "
        "spell it as the structure set does, all targets in one set"
    )


def _keep(context: Context, result: ProtonPlanResult, drawn: StructureSet) -> None:
    store = context.store
    physical = result.config.rbe_model == PHYSICAL_DOSE
    body = {
        "plan": plan_to_json(result.plan),
        "structure_set_uid": dict(drawn.provenance.parameters).get("sop_instance"),
        "physical_dose": physical,
        "prescribed_gy": max(t.dose_gy for t in result.config.targets),
        "targets": [t.structure for t in result.config.targets],
    }
    store.put_result(PLAN_ITEM, body, result.plan.provenance)
    store.put_image(DOSE_ITEM, result.rbe_dose, {"label": "proton dose"})
    if result.let is not None:
        store.put_image(LET_ITEM, result.let, {"label": "LETd"})


def _data(result: ProtonPlanResult) -> dict[str, Any]:
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
            "objective": result.optimisation.objective,
            "iterations": result.optimisation.iterations,
            "status": result.optimisation.status.value,
        },
        "dvh": dvh,
        "robust": {
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
        },
        "ntcp": {
            c.nominal.model: {
                "structure": c.nominal.structure,
                "endpoint": c.nominal.endpoint,
                "probability_percent": c.nominal.probability_percent,
                "lowest_percent": c.lowest_percent,
                "highest_percent": c.highest_percent,
                "cautions": list(c.nominal.cautions),
            }
            for c in result.complications
        },
        "stages_s": dict(result.stages_s),
        "peak_memory_gb": result.peak_memory_gb,
        "notes": list(result.notes),
    }


def _units(beam: Any) -> float:
    return float(sum(layer.monitor_units.sum() for layer in beam.layers))


def _span(values: list[float]) -> dict[str, float]:
    return {"lowest": min(values), "highest": max(values)}


def _weighting(result: ProtonPlanResult) -> str:
    model = result.config.rbe_model
    return "physical dose" if model == PHYSICAL_DOSE else f"RBE-weighted dose ({model})"


def _facts(result: ProtonPlanResult) -> Facts:
    config, plan, found = result.config, result.plan, result.optimisation
    targets = ", ".join(f"{t.structure} {t.dose_gy:g} Gy" for t in config.targets)
    errors = f"{config.robustness.setup_mm:g} mm, {config.robustness.range_percent:g} %"
    x, y, z = plan.beams[0].geometry.isocentre_mm.tolist()
    return Facts(
        (
            (
                "Prescription",
                f"{plan.label}: {targets} in {plan.n_fractions} fractions, {_weighting(result)}",
            ),
            ("Machine and CT curve", f"{plan.machine}; {config.hu_curve.rpartition('/')[2]}"),
            ("Isocentre", f"{x:.1f}, {y:.1f}, {z:.1f} mm"),
            ("Spots", f"{plan.n_spots} in {sum(len(b.layers) for b in plan.beams)} layers"),
            (
                "Optimisation",
                f"{found.iterations} iterations, objective {found.objective:.4g}, {found.status.value}",
            ),
            ("Errors considered", f"{config.robustness.method.replace('_', ' ')}; {errors}"),
            ("Time", ", ".join(f"{k.replace('_', ' ')} {v:.1f} s" for k, v in result.stages_s.items())),
            ("Peak memory", f"{result.peak_memory_gb:.2f} GB"),
        )
    )


def _goal_tables(result: ProtonPlanResult) -> list[Block]:
    blocks: list[Block] = []
    if result.goals:
        rows = tuple(
            (
                g.choice.structure,
                g.choice.text,
                "met" if g.passes else "not met",
                g.value,
                g.lowest,
                g.highest,
                g.pass_rate_percent,
            )
            for g in result.goals
        )
        columns = ("Structure", "Goal", "Nominal", "Value", "Lowest", "Highest", "Scenarios that meet it [%]")
        blocks.append(Table("Goals, nominal and over all scenarios", columns, rows))
    if result.complications:
        chances = tuple(
            (
                c.nominal.structure,
                c.nominal.endpoint,
                c.nominal.model,
                c.nominal.probability_percent,
                c.lowest_percent,
                c.highest_percent,
            )
            for c in result.complications
        )
        heads = ("Structure", "Complication", "Model", "NTCP [%]", "Lowest [%]", "Highest [%]")
        blocks.append(Table("Complications: models of photon treatments, for research", heads, chances))
        blocks += [Note(text) for c in result.complications for text in c.nominal.cautions]
    return blocks


def _dose_table(result: ProtonPlanResult) -> Table:
    rows = tuple(
        (
            name,
            bands[0].total_ml,
            bands[0].mean_gy,
            bands[0].dose_at_volume_gy(percent=95),
            bands[0].dose_at_volume_gy(percent=2),
            bands[0].volume_at_dose_percent(20.0),
            min(h.dose_at_volume_gy(percent=95) for h in bands),
            max(h.dose_at_volume_gy(percent=2) for h in bands),
        )
        for name, bands in result.histograms.items()
    )
    columns = (
        "Structure", "Volume [mL]", "Mean [Gy]", "D95 [Gy]", "D2 [Gy]", "V20Gy [%]", "Worst D95 [Gy]",
        "Worst D2 [Gy]",
    )  # fmt: skip
    return Table(f"Dose to structures: {_weighting(result)}", columns, rows)


def _dose_pictures(result: ProtonPlanResult, ct: Image, point_mm: tuple[float, float, float]) -> list[Block]:
    shown = resample(ct, result.rbe_dose.grid, method=Interpolation.LINEAR, outside=-1024.0)
    outlines = _outlines(result)
    top = float(result.rbe_dose.values.max())
    window = first_window(shown)
    planes = pictures.fused_slices(
        shown,
        result.rbe_dose,
        point_mm=point_mm,
        background_window=window,
        overlay_window=(0.05 * top, top),
        outlines=outlines,
    )
    targets = {t.structure for t in result.config.targets}
    slices = pictures.montage_slices(
        shown,
        window=window,
        outlines=tuple(o for o in outlines if o.name in targets),
        overlay=result.rbe_dose,
        overlay_window=(0.05 * top, top),
    )
    kind = _weighting(result)
    made = [
        Picture(planes, f"{kind} over the CT, through the isocentre", "Dose over CT in three planes"),
        Picture(slices, f"{kind} in slices through the target", "Axial slices with dose over CT"),
    ]
    if result.let is not None:
        # Where hardly any dose is, LET is of no consequence, and the eye would be drawn to it.
        relevant = np.where(result.dose.values > 0.05 * result.dose.values.max(), result.let.values, 0.0)
        let = Image(relevant.astype(np.float32), result.let.grid, result.let.quantity, result.let.provenance)
        high = float(np.percentile(relevant[relevant > 0], 99)) if (relevant > 0).any() else 1.0
        png = pictures.fused_slices(
            shown,
            let,
            point_mm=point_mm,
            background_window=window,
            overlay_window=(0.0, high),
            outlines=outlines,
        )
        made.append(
            Picture(png, "LETd where the dose is above 5 % of its maximum", "LETd over CT in three planes")
        )
    return list(made)


def _outlines(result: ProtonPlanResult) -> tuple[pictures.Outline, ...]:
    combined = {c.name for c in result.config.combined}
    found = []
    for k, (name, fraction) in enumerate(result.structures.fractions.items()):
        if name not in combined and name != "body":
            mask = Image(fraction.values >= 0.5, fraction.grid, Quantity.LABEL, fraction.provenance)
            found.append(pictures.Outline(name, mask, structure_rgb(k)))
    return tuple(found)


def _dvh(result: ProtonPlanResult) -> Picture:
    top = max(h.max_gy for bands in result.histograms.values() for h in bands)
    doses = np.linspace(0.0, 1.04 * top, _DVH_POINTS)
    curves = []
    for k, (name, bands) in enumerate(result.histograms.items()):
        volumes = np.clip(np.stack([h.cumulative_percent(doses) for h in bands]), 0.0, 100.0)
        curves.append(
            DvhCurve(name, doses, volumes[0], volumes.min(axis=0), volumes.max(axis=0), structure_rgb(k))
        )
    prescribed = max(t.dose_gy for t in result.config.targets)
    n = len(result.scenarios)
    return Picture(
        dvh_plot(curves, prescribed_gy=prescribed),
        f"Dose-volume histograms: nominal (lines) and all {n} scenarios (bands)",
        "Cumulative dose-volume histograms with bands",
    )


def _details(result: ProtonPlanResult) -> Fold:
    plan, found = result.plan, result.optimisation
    maps = []
    rows = []
    for beam in plan.beams:
        energies = np.concatenate(
            [np.full(len(layer.positions_mm), layer.nominal_energy_mev) for layer in beam.layers]
        )
        positions = np.concatenate([layer.positions_mm for layer in beam.layers])
        units = np.concatenate([layer.monitor_units for layer in beam.layers])
        title = f"{beam.name}: gantry {beam.geometry.gantry_angle_deg:g}°"
        maps.append(SpotMap(title, energies, positions, units))
        rows.append(
            (
                beam.name,
                beam.geometry.gantry_angle_deg,
                beam.geometry.couch_angle_deg,
                beam.range_shifter or "none",
                len(beam.layers),
                beam.n_spots,
                float(energies.min()),
                float(energies.max()),
                float(units.sum()),
                float(units[units > 0].min()),
            )
        )
    columns = (
        "Field", "Gantry [deg]", "Couch [deg]", "Range shifter", "Layers", "Spots", "Lowest energy [MeV]",
        "Highest [MeV]", "MU per fraction", "Smallest spot [MU]",
    )  # fmt: skip
    terms = tuple(
        (label, values[0], max(values) if len(values) > 1 else None) for label, values in found.terms.items()
    )
    history = found.history
    return Fold(
        "Fields, spots and optimisation",
        (
            Table("Fields", columns, tuple(rows)),
            Picture(spot_maps(maps), "Spots of each field, sized by monitor units", "Spot maps"),
            Table("Objectives at the end", ("Objective", "Nominal", "Worst scenario"), terms),
            Gallery(
                (
                    Picture(
                        convergence_plot(history[:, 0], history[:, 1], history[:, 2]),
                        "Objective against iterations",
                        "Convergence of the optimisation",
                    ),
                )
            ),
        ),
    )
