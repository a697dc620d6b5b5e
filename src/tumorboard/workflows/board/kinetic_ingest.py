"""From files of a dynamic scan, its curves and its blood to items of a case."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tumorboard.core.acquisition import PetAcquisition
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import Structure, StructureSet
from tumorboard.errors import TumorboardError
from tumorboard.io.acquisition_encoding import acquisition_to_json
from tumorboard.io.bids_pet import BidsPetFacts
from tumorboard.io.case_encoding import text_digest
from tumorboard.io.case_store import CaseStore
from tumorboard.numerics.trim import trimmed
from tumorboard.provenance import Record
from tumorboard.workflows.board.cache import code_digest
from tumorboard.workflows.board.kinetic_tables import blood_to_json, curves_to_json
from tumorboard.workflows.board.series_record import empty_series
from tumorboard.workflows.kinetics.folder import KineticFiles
from tumorboard.workflows.kinetics.scan import (
    frame_of_reference,
    read_dynamic,
    read_labels,
    read_scan_blood,
    read_scan_curves,
)
from tumorboard.workflows.printable import printable

__all__ = ["KINETIC_MODALITY", "ingest_kinetics", "kinetic_item"]

#: Stands for the modality of tables, which DICOM has none for.
KINETIC_MODALITY: Final = "Curves"
_PREFIX: Final = "curves"


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
        **empty_series(
            "",
            KINETIC_MODALITY,
            printable(f"of sub-{files.subject}"),
            len(files.curves) + len(files.blood),
            [f"{path.name} was left out: one table will do." for path in files.left_out],
        ),
        "curves": None,
        "blood": None,
        "image_item": None,
        "subject": files.subject,
    }
    facts: BidsPetFacts | None = None
    try:
        dynamic = None
        if files.image is not None:
            dynamic, facts = _put_image(files.image, frame_of_reference(digest), store, names, made_from)
            record["image_item"] = f"{names['image']}-0"
        labels, label_names = None, dict[int, str]()
        if files.labels is not None and dynamic is not None:
            labels, label_names = read_labels(files.labels, files.label_names, dynamic)
            _put_labels(files.labels, labels, label_names, store, names["labels"], made_from)
        curves, said = read_scan_curves(files, dynamic, facts, labels, label_names)
        record["notes"] += [said] * bool(said)
        record["curves"] = None if curves is None else curves_to_json(curves)
        blood = read_scan_blood(files, facts)
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


def _put_image(
    path: Path, frame: str, store: CaseStore, names: Mapping[str, str], made_from: str
) -> tuple[DynamicImage, BidsPetFacts]:
    dynamic, facts = read_dynamic(path, frame)
    name = names["image"]
    body = empty_series(frame, "PT", printable(f"{facts.tracer or ''} {path.name}".strip()), 1)
    item = store.put_image(
        f"{name}-0", dynamic, {"series_item": name, "series_uid": frame, "modality": "PT", "label": path.name}
    )
    body["volumes"] = [{"item": item.name, "label": path.name, "notes": []}]
    acquisition = PetAcquisition(radionuclide=facts.radionuclide, radiopharmaceutical=facts.tracer)
    body["acquisition"] = acquisition_to_json(acquisition)
    store.put_result(
        name, body, Record("workflows.board.ingest_kinetics"), {"series_item": name}, made_from=made_from
    )
    return dynamic, facts


def _put_labels(
    path: Path, labels: Image, label_names: Mapping[int, str], store: CaseStore, item: str, made_from: str
) -> None:
    structures = []
    for number, name in label_names.items():
        mask = Image(labels.values == number, labels.grid, Quantity.LABEL, labels.provenance)
        structures.append(Structure(name, mask=trimmed(mask)))
    record = Record("workflows.board.ingest_kinetics", {}, (labels.provenance,))
    frame = labels.grid.frame_of_reference
    found = StructureSet(tuple(structures), frame, record, label=path.name, referenced_series=frame)
    body = empty_series("", "SEG", printable(path.name), 1)
    body["structures"] = store.put_structures(f"{item}-set", found, {"series_item": item}).name
    store.put_result(item, body, record, {"series_item": item}, made_from=made_from)
