"""A phantom's truth beside what was measured; only for synthetic patients."""

from __future__ import annotations

from typing import Any

import numpy as np

from tumorboard.plotting.blocks import Note, SectionStatus, Table
from tumorboard.provenance import Record
from tumorboard.workflows.board.context import Context
from tumorboard.workflows.board.planted_targets import planted_targets, target_table
from tumorboard.workflows.board.radioligand_pictures import METHOD_NAMES
from tumorboard.workflows.board.result import SectionResult

__all__ = ["run"]


def run(context: Context) -> SectionResult:
    """Match each true lesion with the nearest measured one, and each organ by its name."""
    case = context.store.case()
    names = {item.name for item in case.items}
    missing = [name for name in ("truth", "section-pet", "section-structures") if name not in names]
    if missing:
        needs = tuple(f"The item {name!r} of the case." for name in missing)
        return SectionResult(SectionStatus.NOT_POSSIBLE, needs)
    truth = context.store.result("truth")
    pet = _data(context, "section-pet")
    structures = {s["name"]: s for s in _data(context, "section-structures")["structures"]}
    lesions = [_matched(lesion, pet["lesions"]) for lesion in truth["lesions"]]
    uptake = {s["name"]: s for s in pet["structures"]}
    organs = [
        _organ(organ, uptake.get(organ["name"]), structures.get(organ["name"])) for organ in truth["organs"]
    ]
    proton = _proton(context, truth, names)
    radioligand = _radioligand(context, truth, names)
    targets = planted_targets(
        truth, _data(context, "section-immunotherapy") if "section-immunotherapy" in names else None
    )
    return SectionResult(
        SectionStatus.DONE,
        data={
            "lesions": lesions,
            "organs": organs,
            "proton": proton,
            "radioligand": radioligand,
            "targets": targets,
        },
        blocks=(
            _lesion_table(lesions),
            Note(_WHY),
            _organ_table(organs),
            *_proton_table(proton),
            *_radioligand_table(radioligand),
            *target_table(targets),
        ),
        provenance=Record(
            "workflows.board.truth", inputs=tuple(case[n].provenance for n in ("section-pet", "truth"))
        ),
    )


_WHY = (
    "The simulated scanner blurs, so a threshold sees a lesion larger or smaller than it is and its mean "
    "below the truth: this is partial-volume effect as on any PET, shown here instead of hidden."
)

_TRUE_DOSE = (
    "True dose of the radioligand: the decays of a single exponential from administration on, known in "
    "closed form, followed by Monte Carlo through the anatomy without blur, noise or a fit. The activity "
    "fades as the report assumes, and contours lie inside the edges: this tests the way from scan to dose, "
    "neither the choice of the curve nor the partial volume of small lesions."
)


def _data(context: Context, item: str) -> dict[str, Any]:
    # Sections are stored encoded; what is needed here is plain data one level down.
    from tumorboard.workflows.board.cache import decode

    data: dict[str, Any] = decode(context.store.result(item)["result"]).data
    return data


def _matched(lesion: dict[str, Any], measured: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    found = None
    if measured:
        apart = [
            float(np.linalg.norm(np.subtract(m["centroid_mm"], lesion["centroid_mm"]))) for m in measured
        ]
        k = int(np.argmin(apart))
        # A match must touch the sphere it is matched with.
        if apart[k] <= (0.75 / np.pi * lesion["volume_ml"] * 1e3) ** (1 / 3):
            found = {**measured[k], "distance_mm": apart[k]}
    return {
        "name": lesion["name"],
        "true_volume_ml": lesion["volume_ml"],
        "true_suv": lesion["suv"],
        "measured": None if found is None else found["name"],
        "measured_volume_ml": None if found is None else found["volume_ml"],
        "measured_suv_max": None if found is None else found["suv_max"],
        "measured_suv_peak": None if found is None else found["suv_peak"],
        "measured_suv_mean": None if found is None else found["suv_mean"],
        "centroid_distance_mm": None if found is None else found["distance_mm"],
    }


def _organ(
    organ: dict[str, Any], uptake: dict[str, Any] | None, structure: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "name": organ["name"],
        "true_volume_ml": organ["volume_ml"],
        "measured_volume_ml": structure["volume_ml"] if structure else None,
        "true_suv": organ["suv"],
        "measured_suv_mean": uptake["suv_mean"] if uptake else None,
    }


def _proton(context: Context, truth: dict[str, Any], names: set[str]) -> list[dict[str, Any]]:
    """Lay what a plan should come to beside what it came to."""
    if "proton" not in truth or "section-proton" not in names:
        return []
    true, found = truth["proton"], _data(context, "section-proton")
    target = found["dvh"][true["target"]]
    apart = float(np.linalg.norm(np.subtract(found["plan"]["isocentre_mm"], true["isocentre_mm"])))
    rows: list[dict[str, Any]] = [
        {"what": "Isocentre, distance from the lesion's centre [mm]", "true": 0.0, "measured": apart},
        {"what": "Target volume [mL]", "true": true["volume_ml"], "measured": target["volume_ml"]},
        {"what": "Target D95 [Gy]", "true": true["prescribed_gy"], "measured": target["d95_gy"]},
        {"what": "Target mean dose [Gy]", "true": true["prescribed_gy"], "measured": target["mean_gy"]},
    ]
    brought, left = (found["plan"][name] for name in ("brought_energy_j", "deposited_energy_j"))
    rows.append(
        {"what": "Energy that protons bring, and that the dose holds [J]", "true": brought, "measured": left}
    )
    depths = {b["name"]: b["isocentre_water_equivalent_depth_mm"] for b in found["plan"]["beams"]}
    for beam in true["beams"]:
        what = f"Water-equivalent depth of the isocentre, {beam['name']} [mm]"
        true_mm = beam["water_equivalent_depth_mm"]
        rows.append({"what": what, "true": true_mm, "measured": depths.get(beam["name"])})
    return rows


def _proton_table(rows: list[dict[str, Any]]) -> tuple[Table, ...]:
    if not rows:
        return ()
    cells = tuple((row["what"], row["true"], row["measured"]) for row in rows)
    return (Table("Proton plan", ("What", "True or prescribed", "Plan"), cells),)


def _radioligand(context: Context, truth: dict[str, Any], names: set[str]) -> list[dict[str, Any]]:
    """Lay known half-lives and doses beside those from the scans."""
    if "radioligand" not in truth or "section-radioligand" not in names:
        return []
    measured = _data(context, "section-radioligand")
    found = {one["name"]: one for one in (*measured["lesions"], *measured["organs"])}
    return [
        {
            "name": true["name"],
            "true_effective_half_life_h": true["effective_half_life_h"],
            "measured_effective_half_life_h": found[true["name"]]["effective_half_life_h"],
            "true_dose_gy": true["dose_gy"],
            "true_dose_statistical_uncertainty": true["dose_statistical_uncertainty"],
            "measured_dose_gy": found[true["name"]]["dose_gy"],
        }
        for true in truth["radioligand"]["regions"]
        if true["name"] in found
    ]


def _radioligand_table(rows: list[dict[str, Any]]) -> tuple[Table | Note, ...]:
    if not rows:
        return ()
    columns = (
        "Region",
        "True effective half-life [h]",
        "Measured [h]",
        "True mean dose [Gy]",
        *(f"{name} [Gy]" for name in METHOD_NAMES.values()),
        "Monte Carlo, off by [%]",
    )
    cells = tuple(
        (
            row["name"],
            row["true_effective_half_life_h"],
            row["measured_effective_half_life_h"],
            row["true_dose_gy"],
            *(row["measured_dose_gy"][name] for name in METHOD_NAMES),
            100.0 * (row["measured_dose_gy"]["monte_carlo"] / row["true_dose_gy"] - 1.0),
        )
        for row in rows
    )
    return Table("Dose of the radioligand", columns, cells), Note(_TRUE_DOSE)


def _lesion_table(lesions: list[dict[str, Any]]) -> Table:
    columns = (
        "True lesion",
        "Measured as",
        "True volume [mL]",
        "Measured [mL]",
        "True SUV [g/mL]",
        "SUV max [g/mL]",
        "SUV peak [g/mL]",
        "SUV mean [g/mL]",
        "Centroids apart [mm]",
    )
    keys = (
        "name",
        "measured",
        "true_volume_ml",
        "measured_volume_ml",
        "true_suv",
        "measured_suv_max",
        "measured_suv_peak",
        "measured_suv_mean",
        "centroid_distance_mm",
    )
    return Table("Lesions", columns, tuple(tuple(lesion[key] for key in keys) for lesion in lesions))


def _organ_table(organs: list[dict[str, Any]]) -> Table:
    columns = ("Organ", "True volume [mL]", "Measured [mL]", "True SUV mean [g/mL]", "Measured [g/mL]")
    keys = ("name", "true_volume_ml", "measured_volume_ml", "true_suv", "measured_suv_mean")
    return Table("Organs", columns, tuple(tuple(organ[key] for key in keys) for organ in organs))
