"""The proton plan calculated again by Monte Carlo, beside the dose that it was planned with."""

from __future__ import annotations

import json
from pathlib import Path

from tumorboard.core.image import Image
from tumorboard.io.case_encoding import text_digest
from tumorboard.io.plan_encoding import plan_from_json
from tumorboard.plotting.blocks import Block, Facts, Fold, Note, SectionStatus, Table, Text
from tumorboard.workflows.board.cache import code_digest, encode
from tumorboard.workflows.board.context import Context
from tumorboard.workflows.board.monte_carlo_data import (
    leading_field,
    recalculation_data,
    yield_per_proton,
)
from tumorboard.workflows.board.monte_carlo_pictures import (
    emission_pictures,
    map_pictures,
    recalculated_dvh_picture,
)
from tumorboard.workflows.board.planned_patient import ct_and_structures
from tumorboard.workflows.board.proton_items import (
    DOSE_ITEM,
    MONTE_CARLO_DOSE_ITEM,
    MONTE_CARLO_UNCERTAINTY_ITEM,
    PLAN_ITEM,
    POSITRON_EMITTER_ITEM,
    PROMPT_GAMMA_ITEM,
)
from tumorboard.workflows.board.proton_pictures import weighting
from tumorboard.workflows.board.result import SectionResult
from tumorboard.workflows.proton_plan.recalculation import GAMMA_BAND_MEV, Recalculation, recalculate

__all__ = ["run"]

_ASKS = (
    "A prescription with [monte_carlo]: histories, target_uncertainty_percent and seed say how the plan is "
    "calculated again."
)


def run(context: Context) -> SectionResult:
    """Follow the plan's protons, compare the doses, and show what the patient emits."""
    config = context.config.prescription
    if config is None or config.monte_carlo is None:
        return SectionResult(SectionStatus.NOT_POSSIBLE, (_ASKS,))
    planned = context.earlier.get("proton")
    if planned is None or planned.status is not SectionStatus.DONE or not planned.is_final:
        return SectionResult(SectionStatus.NOT_POSSIBLE, ("A proton plan whose optimisation has ended.",))
    found = ct_and_structures(context, [t.structure for t in config.targets])
    if isinstance(found, str):
        return SectionResult(SectionStatus.NOT_POSSIBLE, (found,))
    ct, drawn = found
    plan = plan_from_json(context.store.result(PLAN_ITEM)["plan"])
    dose = context.store.image(DOSE_ITEM)
    if not isinstance(dose, Image):
        raise TypeError("the dose of a plan is one volume")
    result = recalculate(
        config,
        plan,
        dose,
        ct,
        drawn,
        threads=context.config.jobs,
        checkpoint=_checkpoint(context),
        progress=context.progress,
    )
    _keep(context, result)
    x, y, z = plan.beams[0].geometry.isocentre_mm.tolist()
    return SectionResult(
        SectionStatus.DONE,
        data=recalculation_data(result),
        blocks=(
            *(Note(text) for text in result.notes),
            _facts(result),
            _gamma_table(result),
            _dvh_table(result),
            recalculated_dvh_picture(result),
            *map_pictures(result, ct, (x, y, z)),
            *emission_pictures(result, ct, (x, y, z)),
            _details(result),
        ),
        provenance=result.provenance,
    )


def _checkpoint(context: Context) -> Path:
    """Return the file of an interrupted calculation; those of other plans and other programs go."""
    case = context.store.case()
    inputs = [f"{i.name}:{i.digest}" for i in case.items if i.name in (PLAN_ITEM, DOSE_ITEM)]
    choices = json.dumps(encode(context.config.prescription))
    name = f"monte_carlo-{text_digest(code_digest(), choices, *sorted(inputs))[:16]}.npz"
    folder = context.store.folder / "unfinished"
    folder.mkdir(exist_ok=True)
    for other in folder.glob("monte_carlo-*.npz"):
        if other.name != name:
            other.unlink()
    return folder / name


def _keep(context: Context, result: Recalculation) -> None:
    store, found = context.store, result.transport
    store.put_image(MONTE_CARLO_DOSE_ITEM, result.dose, {"label": "proton dose, Monte Carlo"})
    store.put_image(
        MONTE_CARLO_UNCERTAINTY_ITEM, result.uncertainty, {"label": "uncertainty of the dose, Monte Carlo"}
    )
    gammas = found.prompt_gammas.image(energy_mev=GAMMA_BAND_MEV)
    store.put_image(PROMPT_GAMMA_ITEM, gammas, {"label": "prompt gammas of 3 to 6 MeV, one fraction"})
    for made in found.positron_emitters:
        label = {"label": f"{made.nuclide}, one fraction"}
        store.put_image(f"{POSITRON_EMITTER_ITEM}{str(made.nuclide).lower()}", made.image(), label)


def _facts(result: Recalculation) -> Facts:
    found, leading = result.transport, leading_field(result)
    balance = found.balance
    falloff = "none" if leading.falloff_50_mm is None else f"{leading.falloff_50_mm:.1f} mm"
    return Facts(
        (
            (
                "Protons followed",
                f"{found.histories:.4g}; mean uncertainty {100 * found.mean_uncertainty:.2g} % where the "
                "dose exceeds half of the highest "
                f"({result.choice.target_uncertainty_percent:g} % asked for)",
            ),
            ("Dose", f"to water, {weighting(result.config)}"),
            (
                "Energy per proton",
                f"{balance.brought_mev:.4g} MeV brought, {100 * balance.deposited_fraction:.1f} % left here, "
                f"{100 * balance.escaped_mev / balance.brought_mev:.2g} % carried out, "
                f"{100 * balance.handed_on_mev / balance.brought_mev:.2g} % to neutrons, gammas and nuclei; "
                f"{balance.stuck} histories stuck",
            ),
            ("Prompt gammas of 3 to 6 MeV per proton", f"{yield_per_proton(result):.4f}"),
            (
                "Prompt gammas fall to half",
                f"{falloff} deep (water-equivalent), {leading.layer_energy_mev:.1f} MeV layer of field "
                f"{leading.name}, whose range is {leading.range_mm:.1f} mm",
            ),
            ("Time", ", ".join(f"{k.replace('_', ' ')} {v:.1f} s" for k, v in result.stages_s.items())),
            ("Peak memory", f"{result.peak_memory_gb:.2f} GB"),
        )
    )


def _gamma_table(result: Recalculation) -> Table:
    rows = tuple(
        (
            f"{g.criteria.dose_percent:g} % of {g.normalisation_dose_gy:g} Gy, {g.criteria.distance_mm:g} mm",
            g.pass_rate_percent,
            g.mean,
            g.n_points,
        )
        for g in result.gammas
    )
    columns = ("Criterion", "Passes [%]", "Mean gamma", "Voxels")
    above = result.gammas[0].criteria.threshold_percent
    caption = f"Gamma index of the planned dose, Monte Carlo as reference, above {above:g} %"
    return Table(caption, columns, rows)


def _dvh_table(result: Recalculation) -> Table:
    rows = []
    for name, (planned, again) in result.histograms.items():
        both = [
            (h.mean_gy, h.dose_at_volume_gy(percent=95), h.dose_at_volume_gy(percent=2))
            for h in (again, planned)
        ]
        numbers = [n for now, then in zip(*both, strict=True) for n in (now, now - then)]
        rows.append((name, *numbers))
    columns = (
        "Structure", "Mean [Gy]", "Difference [Gy]", "D95 [Gy]", "Difference [Gy]", "D2 [Gy]",
        "Difference [Gy]",
    )  # fmt: skip
    return Table("Dose to structures by Monte Carlo, and minus that of the plan", columns, tuple(rows))


def _details(result: Recalculation) -> Fold:
    found = result.transport
    blocks: list[Block] = []
    fields = tuple(
        (f.name, f.protons, f.layer_energy_mev, f.range_mm, f.yield_per_proton, f.falloff_50_mm)
        for f in result.fields
    )
    columns = (
        "Field", "Protons per fraction", "Layer [MeV]", "Its range [mm]", "Prompt gammas per proton",
        "Half of them at [mm]",
    )  # fmt: skip
    caption = "Prompt gammas of 3 to 6 MeV of each field's strongest layer, water-equivalent depths"
    blocks.append(Table(caption, columns, fields))
    per_fraction = found.protons / result.plan.n_fractions
    made = tuple((str(m.nuclide), m.total, m.total / per_fraction) for m in found.positron_emitters)
    blocks.append(Table("Positron emitters of one fraction", ("Nuclide", "Number", "Per proton"), made))
    balance = tuple((k.removesuffix("_mev").replace("_", " "), v) for k, v in found.balance.to_dict().items())
    blocks.append(Table("Energy account per proton", ("What", "[MeV], but stuck"), balance))
    blocks.append(Text(_HOW))
    return Fold("Emission and energy account", tuple(blocks))


_HOW = (
    "Protons, and the protons, deuterons and alphas of their reactions, were followed through the plan's "
    "dose grid. Each voxel has the tissue of its mean CT number and the density that gives it the stopping "
    "power the plan was made with. Neutrons, gammas and delta rays were not followed."
)
