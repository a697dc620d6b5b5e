"""Proton plan: made of a prescription, on the CT that the target was drawn on."""

from __future__ import annotations

import numpy as np

from tumorboard.core.image import Image
from tumorboard.core.structures import StructureSet
from tumorboard.errors import InputError
from tumorboard.io.plan_encoding import plan_to_json
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
from tumorboard.plotting.spot_map import SpotMap, spot_maps
from tumorboard.proton.optimisation import OptimisationStatus
from tumorboard.workflows.board.context import Context
from tumorboard.workflows.board.planned_patient import ct_and_structures
from tumorboard.workflows.board.proton_data import plan_data
from tumorboard.workflows.board.proton_items import DOSE_ITEM, LET_ITEM, PLAN_ITEM
from tumorboard.workflows.board.proton_pictures import dose_pictures, dvh_picture, weighting
from tumorboard.workflows.board.result import SectionResult
from tumorboard.workflows.proton_plan.config import PHYSICAL_DOSE
from tumorboard.workflows.proton_plan.result import ProtonPlanResult

__all__ = ["run"]


def run(context: Context) -> SectionResult:
    """Make the plan, keep it in the case, and show it."""
    config = context.config.prescription
    if config is None:
        needs = ("A prescription: tumorboard board FOLDER --prescription plan.toml.",)
        return SectionResult(SectionStatus.NOT_POSSIBLE, needs)
    found = ct_and_structures(context, [t.structure for t in config.targets])
    if isinstance(found, str):
        return SectionResult(SectionStatus.NOT_POSSIBLE, (found,))
    ct, drawn = found
    # Imported here: whoever asks for no plan need not wait for the planner to load.
    from tumorboard.workflows.proton_plan.run import run as make_plan

    photon_dose = _photon_dose(context, ct) if config.photons else None
    result = make_plan(config, ct, drawn, photon_dose=photon_dose, progress=context.progress)
    _keep(context, result, drawn)
    isocentre = tuple(result.plan.beams[0].geometry.isocentre_mm.tolist())
    return SectionResult(
        SectionStatus.DONE,
        data=plan_data(result),
        blocks=(
            *(Note(text) for text in result.notes),
            _facts(result),
            *_goal_tables(result),
            _dose_table(result),
            *dose_pictures(result, ct, isocentre),
            dvh_picture(result),
            _details(result),
        ),
        points=(PointLink("isocentre", isocentre, ct.grid.frame_of_reference),),
        provenance=result.provenance,
        is_final=result.optimisation.status is not OptimisationStatus.INTERRUPTED,
    )


def _photon_dose(context: Context, ct: Image) -> Image | None:
    """Return the one RTDOSE in the CT's frame of reference, or the one of the series that is named."""
    photons = context.config.prescription.photons if context.config.prescription else None
    wanted = photons.series_description if photons else ""
    found = [
        (series, volume)
        for series, volume in context.volumes("RTDOSE")
        if volume.frame_of_reference == ct.grid.frame_of_reference
        and (not wanted or series.description == wanted)
    ]
    if len(found) > 1:
        raise InputError(
            "photons.series_description must name one RTDOSE series; got several: "
            f"{', '.join(series.title for series, _ in found)}; write its description"
        )
    return context.image(found[0][1].item) if found else None


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


def _facts(result: ProtonPlanResult) -> Facts:
    config, plan, found = result.config, result.plan, result.optimisation
    targets = ", ".join(f"{t.structure} {t.dose_gy:g} Gy" for t in config.targets)
    errors = f"{config.robustness.setup_mm:g} mm, {config.robustness.range_percent:g} %"
    x, y, z = plan.beams[0].geometry.isocentre_mm.tolist()
    return Facts(
        (
            (
                "Prescription",
                f"{plan.label}: {targets} in {plan.n_fractions} fractions, {weighting(result.config)}",
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
    if result.control:
        heads4 = ("Tumour", "TCP [%]", "Lowest [%]", "Highest [%]", "Source of the parameters")
        rows4 = tuple(
            (c.structure, c.probability_percent, c.lowest_percent, c.highest_percent, c.source)
            for c in result.control
        )
        blocks.append(Table("Tumour control, Poisson linear-quadratic", heads4, rows4))
    if result.selection is not None:
        heads5 = (
            "Structure",
            "Model",
            "Photons [%]",
            "Protons [%]",
            "Difference [%]",
            "Threshold [%]",
            "Speaks for",
        )
        rows5 = tuple(
            (
                d.structure,
                d.model,
                d.photon_percent,
                d.proton_percent,
                d.difference_percent,
                d.threshold_percent,
                "protons" if d.is_reached else "photons",
            )
            for d in result.selection.differences
        )
        blocks.append(Table("Photons or protons, by models and stated thresholds", heads5, rows5))
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
    return Table(f"Dose to structures: {weighting(result.config)}", columns, rows)


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
