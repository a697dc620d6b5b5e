"""From files of a dynamic scan, its curves and its blood to items of a case."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from tumorboard.core.acquisition import PetAcquisition
from tumorboard.core.blood import BloodSamples
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.grid import require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.nuclide import Nuclide
from tumorboard.core.structures import Structure, StructureSet
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError, MissingAttribute, TumorboardError
from tumorboard.io import nifti
from tumorboard.io.acquisition_encoding import acquisition_to_json
from tumorboard.io.bids_pet import BidsPetFacts, read_bids_pet
from tumorboard.io.blood_table import JoinRule, read_bids_blood
from tumorboard.io.case_encoding import text_digest
from tumorboard.io.case_store import CaseStore
from tumorboard.io.curve_table import read_curve_table
from tumorboard.io.pmod import read_pmod_blood, read_pmod_tissue
from tumorboard.io.tissue_table import read_tissue_table
from tumorboard.numerics.trim import trimmed
from tumorboard.pet.kinetics.decay_correction import blood_corrected_to_injection, corrected_to_injection
from tumorboard.physics.decay import DecayLibrary, decay_data
from tumorboard.provenance import Record
from tumorboard.workflows.board.cache import code_digest
from tumorboard.workflows.board.kinetic_files import KineticFiles
from tumorboard.workflows.board.kinetic_tables import blood_to_json, curves_to_json
from tumorboard.workflows.kinetics.region_curves import bright_voxels, region_curves
from tumorboard.workflows.printable import printable

__all__ = ["KINETIC_MODALITY", "ingest_kinetics", "kinetic_item"]

#: Stands for the modality of tables, which DICOM has none for.
KINETIC_MODALITY: Final = "Curves"
_PREFIX: Final = "curves"
#: Values may be corrected to a moment this far from the injection and be taken for corrected to it [s].
_SAME_MOMENT_S: Final = 0.5
_ALL: Final = "bright voxels"


def kinetic_item(store: CaseStore) -> str | None:
    """Return the item that holds curves and blood, ``None`` where the case has none.

    Parameters
    ----------
    store
        The case.
    """
    names = [item.name for item in store.case().items if item.name.startswith(f"{_PREFIX}-")]
    return names[0] if names else None


def ingest_kinetics(files: KineticFiles, store: CaseStore, digest: str) -> list[str]:
    """Store a scan, its regions, curves and blood; return the items that are listed as series.

    Parameters
    ----------
    files
        Of one scan.
    store
        The case.
    digest
        Of the files' contents; what is there already and was made from it is left.
    """
    made_from = text_digest(code_digest(), digest)
    label = text_digest(files.subject, *(path.name for path in files.used))[:12]
    names = {"tables": f"{_PREFIX}-{label}", "image": f"pt-{label}", "labels": f"seg-{label}"}
    listed = [names["tables"]]
    if files.image is not None:
        listed.insert(0, names["image"])
    if files.labels is not None:
        listed.append(names["labels"])
    if all(store.is_fresh(name, made_from) for name in listed):
        return listed
    record: dict[str, Any] = {
        **_empty_series(KINETIC_MODALITY, f"of sub-{files.subject}", len(files.curves) + len(files.blood)),
        "curves": None,
        "blood": None,
        "image_item": None,
        "subject": files.subject,
    }
    record["notes"] += [printable(f"{path.name} was left out: one table will do.") for path in files.left_out]
    facts: BidsPetFacts | None = None
    try:
        dynamic = None
        if files.image is not None:
            dynamic, facts = _put_image(files, store, names, made_from)
            record["image_item"] = f"{names['image']}-0"
        curves = _curves(files, dynamic, facts, store, names, made_from, record)
        record["curves"] = None if curves is None else curves_to_json(curves)
        blood = _blood(files, facts)
        record["blood"] = None if blood is None else blood_to_json(blood)
    except TumorboardError as reason:
        record["error"] = printable(str(reason))
        listed = [name for name in listed if store.is_fresh(name, made_from)]
        listed = [*dict.fromkeys([*listed, names["tables"]])]
    provenance = Record("workflows.board.ingest_kinetics", {"files_sha256": digest})
    store.put_result(
        names["tables"], record, provenance, {"series_item": names["tables"]}, made_from=made_from
    )
    return listed


def _empty_series(modality: str, description: str, files: int) -> dict[str, Any]:
    return {
        "uid": "",
        "modality": modality,
        "description": printable(description),
        "files": files,
        "notes": [],
        "volumes": [],
        "structures": None,
        "acquisition": None,
        "error": None,
    }


def _put_image(
    files: KineticFiles, store: CaseStore, names: Mapping[str, str], made_from: str
) -> tuple[DynamicImage, BidsPetFacts]:
    path = files.image
    if path is None:
        raise InputError("image must be there")
    frame = _frame_of_reference(made_from)
    read = read_bids_pet(path, frame_of_reference=frame)
    dynamic, facts = read.image, read.facts
    moment = facts.corrected_to_after_injection_s
    if moment is None or abs(moment) > _SAME_MOMENT_S:
        dynamic = corrected_to_injection(dynamic, half_life_s=_half_life_s(facts), corrected_to_s=moment)
    name = names["image"]
    body = _empty_series("PT", f"{facts.tracer or ''} {path.name}".strip(), 1)
    item = store.put_image(
        f"{name}-0", dynamic, {"series_item": name, "series_uid": frame, "modality": "PT", "label": path.name}
    )
    body["uid"] = frame
    body["volumes"] = [{"item": item.name, "label": path.name, "notes": []}]
    acquisition = PetAcquisition(radionuclide=facts.radionuclide, radiopharmaceutical=facts.tracer)
    body["acquisition"] = acquisition_to_json(acquisition)
    store.put_result(
        name, body, Record("workflows.board.ingest_kinetics"), {"series_item": name}, made_from=made_from
    )
    return dynamic, facts


def _curves(
    files: KineticFiles,
    dynamic: DynamicImage | None,
    facts: BidsPetFacts | None,
    store: CaseStore,
    names: Mapping[str, str],
    made_from: str,
    record: dict[str, Any],
) -> TissueCurves | None:
    """Return the curves of the table, else those of the regions, else that of all bright voxels."""
    labels = None
    if files.labels is not None and dynamic is not None:
        labels, label_names = _put_labels(files, dynamic, store, names, made_from)
    if files.curves:
        path = files.curves[0]
        curves = read_pmod_tissue(path) if path.name.endswith(".tac") else read_tissue_table(path)
        _check_moment(path, facts)
        return curves
    if dynamic is None:
        return None
    if labels is not None:
        record["notes"].append("Curves are means over the voxels of each region.")
        return region_curves(dynamic, labels, label_names)
    record["notes"].append(
        "There are no regions: the curve is the mean over all voxels above a fifth of the 99th percentile of "
        "the mean image."
    )
    mask = bright_voxels(dynamic)
    numbers = Image(mask.values.astype(np.uint8), mask.grid, Quantity.LABEL, mask.provenance)
    return region_curves(dynamic, numbers, {1: _ALL})


def _put_labels(
    files: KineticFiles, dynamic: DynamicImage, store: CaseStore, names: Mapping[str, str], made_from: str
) -> tuple[Image, dict[int, str]]:
    path = files.labels
    if path is None:
        raise InputError("labels must be there")
    frame = dynamic.grid.frame_of_reference
    read = nifti.read(path, quantity=Quantity.UNCALIBRATED, frame_of_reference=frame)
    if isinstance(read, DynamicImage):
        raise InputError(f"{path.name} must hold one volume of regions; it holds {read.n_frames}")
    require_same_grid(dynamic.grid, read.grid, what=f"the scan and {path.name}")
    labels = Image(np.rint(read.values).astype(np.int32), read.grid, Quantity.LABEL, read.provenance)
    label_names = _label_names(files.label_names)
    structures = []
    for number in np.unique(labels.values):
        if number > 0:
            name = label_names.setdefault(int(number), f"region {int(number)}")
            mask = Image(labels.values == number, labels.grid, Quantity.LABEL, labels.provenance)
            structures.append(Structure(name, mask=trimmed(mask)))
    record = Record("workflows.board.ingest_kinetics", {}, (labels.provenance,))
    found = StructureSet(tuple(structures), frame, record, label=path.name, referenced_series=frame)
    item = names["labels"]
    body = _empty_series("SEG", path.name, 1)
    body["structures"] = store.put_structures(f"{item}-set", found, {"series_item": item}).name
    store.put_result(item, body, record, {"series_item": item}, made_from=made_from)
    return labels, label_names


def _label_names(path: Path | None) -> dict[int, str]:
    if path is None:
        return {}
    table = read_curve_table(path, delimiter="\t", what="table of regions")
    found: dict[int, str] = {}
    for number, name in zip(table.complete("index"), table.texts("name"), strict=True):
        found[int(number)] = name if name not in found.values() else f"{name} ({int(number)})"
    return found


def _check_moment(path: Path, facts: BidsPetFacts | None) -> None:
    """Refuse a table of curves where the scan says that its times or its decay do not begin at injection."""
    if facts is None:
        return
    moment = facts.corrected_to_after_injection_s
    if abs(facts.injection_start_s) > _SAME_MOMENT_S or moment is None or abs(moment) > _SAME_MOMENT_S:
        raise InputError(
            f"curves of {path.name} must count from the injection and be decay-corrected to it; the scan's "
            f"sidecar has InjectionStart {facts.injection_start_s:g} s and decay corrected to "
            f"{'nothing' if moment is None else f'{moment:g} s after it'}; leave the table out, so that "
            "curves are made from the scan"
        )


def _blood(files: KineticFiles, facts: BidsPetFacts | None) -> BloodSamples | None:
    tables = [path for path in files.blood if not path.name.endswith(".bld")]
    if not files.blood:
        return None
    if not tables:
        return read_pmod_blood(files.blood)
    start = 0.0 if facts is None else facts.injection_start_s
    # An autosampler's table goes on with manual samples; which is which its name says.
    tables.sort(key=lambda path: "autosampler" not in path.name)
    samples = read_bids_blood(tables, injection_start_s=start, join=JoinRule.LATER_SAMPLES)
    if facts is None or abs(start) <= _SAME_MOMENT_S:
        return samples
    half_life = _half_life_s(facts)
    moved = {
        name: None
        if curve is None
        else blood_corrected_to_injection(curve, half_life_s=half_life, corrected_to_s=-start)
        for name, curve in (("whole_blood", samples.whole_blood), ("plasma", samples.plasma))
    }
    return BloodSamples(**moved, parent_fraction=samples.parent_fraction, provenance=samples.provenance)


def _half_life_s(facts: BidsPetFacts) -> float:
    if facts.radionuclide is None:
        raise MissingAttribute(
            "sidecar of the scan must state TracerRadionuclide where values are not decay-corrected to the "
            'injection; it does not; add "TracerRadionuclide": "C11"'
        )
    data = decay_data(Nuclide.named(facts.radionuclide).name, library=DecayLibrary.ENDF_B_VIII_1)
    if not math.isfinite(data.half_life_s):
        raise InputError(f"TracerRadionuclide must decay; got {facts.radionuclide!r}")
    return data.half_life_s


def _frame_of_reference(digest: str) -> str:
    """Return a UID for a space that no file names: of the contents, so that it stays when read again."""
    return f"2.25.{int(digest[:30], 16)}"
