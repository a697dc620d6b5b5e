"""From a stored emission volume to what is measured in it: uptake, candidate lesions, structures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from tumorboard.core.acquisition import PetAcquisition
from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import Structure, StructureKind
from tumorboard.errors import TumorboardError
from tumorboard.io.acquisition_encoding import acquisition_from_json
from tumorboard.numerics.voxelise import structure_mask
from tumorboard.pet import (
    Exclusion,
    FixedThreshold,
    LesionQuantities,
    PatientSummary,
    SuvFactor,
    SuvVariant,
    delineate_lesions,
    quantify,
    summarise_patient,
    suv_factor,
    to_suv,
)
from tumorboard.workflows.board.context import Context, SeriesFacts, VolumeFacts

__all__ = ["SPILL_MM", "EmissionScan", "is_fdg", "is_physiological", "measure_scan", "suv_entry", "uptake"]

#: Structures with these words in their name take up FDG in health, and are no candidates for lesions.
#: Adrenals and the gallbladder are none of them: what glows there is looked at.
_PHYSIOLOGICAL = re.compile(
    r"brain|cerebr|heart|myocard|cardiac|(?<!gall)(?<!gall[ _-])bladder|kidney|(?<!ad)(?<!supra)renal|ureter",
    flags=re.IGNORECASE,
)
#: Whatever the organ, a structure of these words is drawn around disease.
_DISEASE = re.compile(
    r"[gcpib]tv|tumou?r|lesion|metast|(?<![a-z])mets?(?![a-z])|cancer|carcinoma|lymphoma|recurr",
    flags=re.IGNORECASE,
)
_DISEASE_KINDS = (StructureKind.GTV, StructureKind.CTV, StructureKind.PTV, StructureKind.LESION)
#: Organs with uptake in health are known here for this tracer only: in the brain, say, FET shows disease.
_FDG = re.compile(r"fdg|flu(oro)?-?deoxy-?glucose", flags=re.IGNORECASE)
#: A hot organ spills over its contour by about the scanner's resolution [mm].
SPILL_MM = 8.0


@dataclass(frozen=True, slots=True)
class EmissionScan:
    """What was measured in one emission volume.

    ``factor`` is ``None`` and ``refusal`` says why when there is no uptake value; then the structures
    are measured in the volume's own unit and no lesions are sought.
    """

    series: SeriesFacts
    volume: VolumeFacts
    image: Image
    factor: SuvFactor | None
    refusal: str | None
    lesions: tuple[LesionQuantities, ...]
    structures: tuple[LesionQuantities, ...]
    summary: PatientSummary | None
    excluded: tuple[str, ...]
    skipped: tuple[str, ...]
    radionuclide: str | None
    tracer: str | None

    @property
    def is_fdg(self) -> bool:
        """Whether the files say that the tracer is fluorodeoxyglucose."""
        return is_fdg(self.tracer)


def is_fdg(tracer: str | None) -> bool:
    """Whether a tracer's name is one of fluorodeoxyglucose; no name is none."""
    return bool(_FDG.search(tracer or ""))


def is_physiological(structure: Structure) -> bool:
    """Whether a structure is, by name and kind, an organ that takes up FDG in health."""
    if structure.kind in _DISEASE_KINDS or _DISEASE.search(structure.name):
        return False
    return bool(_PHYSIOLOGICAL.search(structure.name))


def measure_scan(context: Context, series: SeriesFacts, volume: VolumeFacts) -> EmissionScan:
    """Convert to uptake values where the files allow it, and measure lesions and structures."""
    image, factor, refusal, acquisition = uptake(context, series, volume)
    tracer = acquisition.radiopharmaceutical if acquisition else None
    measured, excluded, skipped = [], [], []
    to_exclude = []
    structures = _structures_of(context, volume)
    for done, structure in enumerate(structures):
        context.progress(f"measuring {series.title}", done, len(structures) + 1)
        try:
            mask = structure_mask(structure, image.grid)
            if not mask.values.any():
                skipped.append(f"{structure.name} covers no voxel of {series.title}.")
                continue
            measured.append(quantify(image, mask, name=structure.name))
        except TumorboardError as reason:
            skipped.append(f"{structure.name}: {reason}")
            continue
        if is_fdg(tracer) and is_physiological(structure):
            excluded.append(structure.name)
            to_exclude.append(mask)
    lesions: tuple[LesionQuantities, ...] = ()
    if image.quantity.is_suv:
        found = delineate_lesions(
            image,
            FixedThreshold(context.config.threshold_suv),
            minimum_volume_ml=context.config.lesion_min_volume_ml,
            exclude=to_exclude,
            exclusion=Exclusion.DROP_BY_MAXIMUM,
            exclude_margin_mm=SPILL_MM,
        )
        lesions = tuple(quantify(image, lesion) for lesion in found)
    context.progress(f"measuring {series.title}", len(structures) + 1, len(structures) + 1)
    return EmissionScan(
        series=series,
        volume=volume,
        image=image,
        factor=factor,
        refusal=refusal,
        lesions=lesions,
        structures=tuple(measured),
        summary=summarise_patient(lesions, quantity=image.quantity) if image.quantity.is_suv else None,
        excluded=tuple(excluded),
        skipped=tuple(skipped),
        radionuclide=acquisition.radionuclide if acquisition else None,
        tracer=tracer,
    )


def uptake(
    context: Context, series: SeriesFacts, volume: VolumeFacts
) -> tuple[Image, SuvFactor | None, str | None, PetAcquisition | None]:
    """Return the volume as uptake value, its factor, or why there is none, and the acquisition."""
    stored = context.image(volume.item)
    if series.acquisition is None:
        return stored, None, series.acquisition_error or "The files say nothing of the acquisition.", None
    acquisition = acquisition_from_json(series.acquisition)
    variant = SuvVariant(context.config.suv_variant)
    try:
        factor = suv_factor(acquisition, variant=variant)
        return to_suv(stored, acquisition, variant=variant), factor, None, acquisition
    except TumorboardError as reason:
        return stored, None, str(reason), acquisition


def _structures_of(context: Context, volume: VolumeFacts) -> list[Structure]:
    """Structures in the volume's frame; of a name that comes in several sets, the one drawn on it."""
    chosen: dict[str, tuple[bool, Structure]] = {}
    series_uid = {v.item: s.uid for s, v in context.volumes()}[volume.item]
    for _, structures in context.structure_sets():
        if structures.frame_of_reference != volume.frame_of_reference:
            continue
        is_own = structures.referenced_series == series_uid
        for structure in structures.structures:
            if structure.name not in chosen or (is_own and not chosen[structure.name][0]):
                chosen[structure.name] = (is_own, structure)
    return [structure for _, structure in chosen.values()]


def suv_entry(scan: EmissionScan) -> dict[str, Any]:
    """Return the ``suv`` part of ``report.json`` for one scan."""
    if scan.factor is None:
        return {"variant": None, "factor_per_bq_ml": None, "refused": scan.refusal}
    factor = scan.factor
    per_slice = isinstance(factor.factor, np.ndarray)
    return {
        "variant": factor.variant.value,
        "factor_per_bq_ml": factor.factor_per_bq_ml,
        "factor": factor.factor.tolist() if per_slice else factor.factor,
        "factor_per_unit": factor.per_unit,
        "decay_reference": factor.decay_reference.value if factor.decay_reference else None,
        "rule": factor.rule,
        "notes": list(factor.notes),
        "unit": Quantity(scan.image.quantity).unit,
    }
