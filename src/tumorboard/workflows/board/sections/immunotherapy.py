"""Immunotherapy: ranked targets of a tumour's variants, with reasons."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

from tumorboard.plotting.blocks import Caution, Note, SectionStatus
from tumorboard.workflows.board.context import Context
from tumorboard.workflows.board.immunotherapy_ingest import peptide_choices, targets_item
from tumorboard.workflows.board.result import SectionResult

__all__ = ["run"]

_NEEDS_VARIANTS = (
    "Somatic variants: a VCF or BCF that VEP annotated, with the plugins Wildtype and Frameshift; or without "
    "annotation, a MAF too, beside the annotation (GTF) and the genome (FASTA). Or a table of fusions."
)
_NEEDS_HLA = "HLA types of two fields: a file hla*.txt, .tsv, .csv or .json with names like A*02:01."


def run(context: Context) -> SectionResult:
    """Predict which new peptides are presented, put them into tiers and rank them."""
    item = targets_item(context.store)
    body: dict[str, Any] = {} if item is None else context.store.result(item)
    if body.get("error"):
        return _failed(body["error"])
    if item is None:
        return SectionResult(SectionStatus.NOT_POSSIBLE, (_NEEDS_VARIANTS, _NEEDS_HLA), {"targets": []})
    if not body["has_hla"]:
        return SectionResult(SectionStatus.NOT_POSSIBLE, (_NEEDS_HLA,), {"targets": []})
    config = replace(context.config.immunotherapy, threads=context.config.jobs)
    if body["choices"] != peptide_choices(config):
        return _failed(
            "choices of peptides must be those that the case was made with, where its files are gone; they "
            "are not; name the folder of the files"
        )
    # Imported here: whoever has no variants need not wait for the predictors to load.
    from tumorboard.workflows.board.immunotherapy_blocks import target_blocks
    from tumorboard.workflows.board.immunotherapy_tables import inputs_from_json
    from tumorboard.workflows.immunotherapy.run import run as find_targets

    inputs = inputs_from_json(json.loads(context.store.result(body["data"])["inputs"]))
    found = find_targets(config, inputs, progress=context.progress)
    began = time.perf_counter()
    blocks = target_blocks(found, body["notes"])
    found = replace(found, stages_s={**found.stages_s, "pictures": time.perf_counter() - began})
    said = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in found.stages_s.items())
    blocks.append(Note(f"Time: {said}. Most memory: {found.peak_memory_gb:.2f} GB."))
    return SectionResult(
        SectionStatus.DONE,
        data=found.to_dict(),
        blocks=tuple(blocks),
        provenance=found.provenance,
    )


def _failed(text: str) -> SectionResult:
    return SectionResult(SectionStatus.FAILED, blocks=(Caution(text),), data={"error": text, "targets": []})
