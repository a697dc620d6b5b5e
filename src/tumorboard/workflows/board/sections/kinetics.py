"""Kinetics: models through the curves of regions, and in every voxel of a dynamic scan."""

from __future__ import annotations

import time
from typing import Any

from tumorboard.core.dynamic import DynamicImage
from tumorboard.errors import TumorboardError
from tumorboard.plotting.blocks import Block, Caution, Gallery, Note, SectionStatus
from tumorboard.workflows.board.context import Context
from tumorboard.workflows.board.kinetic_ingest import kinetic_item
from tumorboard.workflows.board.kinetic_tables import blood_from_json, curves_from_json
from tumorboard.workflows.board.result import SectionResult

__all__ = ["run"]

_NEEDS_CURVES = (
    "Curves of regions (a table with frame_start, frame_end and a column for each region, units in its "
    "sidecar), or a dynamic scan (BIDS-PET)."
)
_NEEDS_DRIVE = (
    "Arterial blood (BIDS-PET's *_blood.tsv with its sidecar), or a region without specific binding: "
    "--reference-region NAME."
)


def run(context: Context) -> SectionResult:
    """Fit compartments, Logan and MA1, or SRTM and MRTM1, to the regions, and map the voxels."""
    item = kinetic_item(context.store)
    body: dict[str, Any] = {} if item is None else context.store.result(item)
    if body.get("error"):
        return SectionResult(
            SectionStatus.FAILED,
            blocks=(Caution(body["error"]),),
            data={"error": body["error"], "fits": []},
        )
    if not body.get("curves"):
        return SectionResult(SectionStatus.NOT_POSSIBLE, (_NEEDS_CURVES,), {"fits": []})
    choices = context.config.kinetics
    if not body["blood"] and choices.reference is None:
        return SectionResult(SectionStatus.NOT_POSSIBLE, (_NEEDS_DRIVE,), {"fits": []})
    # Imported here: whoever has no such scan need not wait for the models to load.
    from tumorboard.workflows.board.kinetic_blocks import fit_facts, fit_pictures, fit_tables
    from tumorboard.workflows.board.kinetic_models import fit_models
    from tumorboard.workflows.kinetics.result import fits_data

    began = time.perf_counter()
    curves = curves_from_json(body["curves"])
    blood = blood_from_json(body["blood"]) if body["blood"] else None
    models = fit_models(curves, blood, choices)
    stages = {"regions": time.perf_counter() - began}
    began = time.perf_counter()
    maps, map_blocks = _maps(context, body, models)
    stages["maps"] = time.perf_counter() - began
    began = time.perf_counter()
    blocks: list[Block] = [
        *(Caution(text) for text in models.cautions),
        *(Note(text) for text in (*body["notes"], *models.notes)),
        fit_facts(models),
        *fit_tables(models),
        *fit_pictures(models, blood),
        *map_blocks,
    ]
    stages["pictures"] = time.perf_counter() - began
    blocks.append(Note("Time: " + ", ".join(f"{name} {s:.1f} s" for name, s in stages.items()) + "."))
    return SectionResult(
        SectionStatus.DONE,
        data={
            "fits": fits_data(models.fits),
            "choices": {name: result.choices() for name, result in models.results.items()},
            "delay": models.delay,
            "maps": maps,
            "cautions": list(models.cautions),
            "notes": [*body["notes"], *models.notes],
            "stages_s": {name: round(s, 3) for name, s in stages.items()},
        },
        blocks=tuple(blocks),
        provenance=models.provenance,
    )


def _maps(context: Context, body: dict[str, Any], models: Any) -> tuple[list[dict[str, Any]], list[Block]]:
    """Map the scan's voxels where there is a scan and blood; what fails here costs the regions nothing."""
    from tumorboard.workflows.board.kinetic_maps import map_picture, plasma_maps

    item, logan = body.get("image_item"), models.results.get("logan")
    if item is None or logan is None or logan.blood is None:
        return [], []
    dynamic = context.store.image(item)
    if not isinstance(dynamic, DynamicImage):
        return [], [Note("The scan has one frame: nothing is mapped.")]
    try:
        maps = plasma_maps(
            dynamic,
            logan.blood,
            logan,
            blood_volume=context.config.kinetics.blood_volume,
            threads=context.config.jobs,
            progress=context.progress,
        )
    except TumorboardError as reason:
        return [], [Caution(f"Voxels were not mapped: {reason}")]
    background = dynamic.mean()
    for one in maps:
        label = f"{one.parameter} by {one.model}"
        context.store.put_image(one.item, one.image, {"label": label})
    return [one.to_dict() for one in maps], [Gallery(tuple(map_picture(one, background) for one in maps))]
