"""From a folder of files to a stored case, taking up again what is already there."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tumorboard.core.acquisition import PetAcquisition
from tumorboard.core.structures import StructureSet
from tumorboard.errors import InputError, TumorboardError
from tumorboard.io.acquisition_encoding import acquisition_to_json
from tumorboard.io.case_encoding import text_digest
from tumorboard.io.case_store import CaseStore
from tumorboard.io.dicom.read_acquisition import read_pet_acquisition
from tumorboard.io.dicom.read_image import read_images
from tumorboard.io.dicom.read_structures import read_structures
from tumorboard.io.dicom.study import Series, Study
from tumorboard.provenance import Record
from tumorboard.workflows.board.cache import code_digest
from tumorboard.workflows.board.immunotherapy_ingest import (
    TumourFiles,
    ingest_immunotherapy,
    small_files,
    tumour_digest,
)
from tumorboard.workflows.board.kinetic_ingest import ingest_kinetics
from tumorboard.workflows.board.series_record import empty_series
from tumorboard.workflows.kinetics.folder import KineticFiles
from tumorboard.workflows.printable import printable
from tumorboard.workflows.progress import Progress

__all__ = ["STUDY_ITEM", "ingest", "one_patient", "patients"]

#: Item of the case that says what the folder held.
STUDY_ITEM = "study"

_STRUCTURES = ("RTSTRUCT", "SEG")
_EMISSION = ("PT", "NM")


def patients(study: Study) -> list[str]:
    """Return the Patient IDs of a study, each once, in order; an absent ID is ``""``."""
    return sorted({header.patient_id for series in study.series for header in series.headers})


def one_patient(study: Study, patient_id: str | None) -> str:
    """Return the one Patient ID to report on, or refuse to choose among several."""
    found = patients(study)
    if not found:
        reasons = Counter(q.reason for q in study.quarantined).most_common(1)
        why = f"; {len(study.quarantined)} set aside, e.g. {reasons[0][0]}" if reasons else ""
        raise InputError(
            f"folder must hold DICOM of a patient; {study.folder} has no readable series{why}; "
            "name another folder"
        )
    if patient_id is not None:
        if patient_id not in found:
            raise InputError(f"patient must be one of {', '.join(found)}; got {patient_id!r}")
        return patient_id
    if len(found) > 1:
        raise InputError(
            f"folder must hold one patient; {study.folder} has {len(found)}: {', '.join(found[:5])}; "
            "choose with --patient"
        )
    return found[0]


def ingest(
    study: Study,
    patient_id: str,
    store: CaseStore,
    *,
    jobs: int,
    progress: Progress,
    kinetics: KineticFiles | None = None,
    tumour: TumourFiles | None = None,
) -> None:
    """Store every series of one patient; series whose files are unchanged are left as they are."""
    chosen = [s for s in study.series if s.headers[0].patient_id == patient_id]
    # Structures last: a set is checked against the frames of reference of the images that are there.
    chosen.sort(key=lambda s: s.modality in _STRUCTURES)
    frames = {h.frame_of_reference_uid for s in chosen for h in s.headers if s.modality not in _STRUCTURES}
    held: dict[str, list[str]] = defaultdict(list)
    for item in store.case().items:
        held[str(item.attributes.get("series_item"))].append(item.name)
    names = []
    for done, series in enumerate(chosen):
        progress("reading series", done, len(chosen))
        names.append(_ingest_series(series, store, held, frames - {""}, jobs))
    if kinetics is not None:
        names += ingest_kinetics(kinetics, store, files_digest(kinetics.used, jobs=jobs))
    if tumour is not None:
        digest = tumour_digest(tumour.files, files_digest(small_files(tumour.files), jobs=jobs))
        names += ingest_immunotherapy(tumour, store, digest, progress)
    progress("reading series", len(chosen), len(chosen))
    _forget_others(store, names)
    used = set(() if kinetics is None else kinetics.used) | set(() if tumour is None else tumour.files.used)
    _store_study(study, chosen, names, store, used)


def _ingest_series(
    series: Series, store: CaseStore, held: Mapping[str, list[str]], frames: set[str], jobs: int
) -> str:
    """Store one series and return the name of its item; ``held`` are the items of each from earlier runs."""
    name = _series_name(series)
    digest = text_digest(code_digest(), files_digest(series.paths, jobs=jobs), *sorted(frames))
    if store.is_fresh(name, digest):
        return name
    for item in held.get(name, ()):
        store.remove(item)
    record = empty_series(series.uid, series.modality, series.description, len(series.headers), series.notes)
    try:
        _read_contents(series, name, store, frames, jobs, record)
    except TumorboardError as reason:
        record["error"] = printable(str(reason))
    # The series' own item goes in last: an interrupted series is not fresh and is read again.
    provenance = Record("workflows.board.ingest", {"series": series.uid, "files_sha256": digest})
    store.put_result(name, record, provenance, {"series_item": name}, made_from=digest)
    return name


def _read_contents(
    series: Series, name: str, store: CaseStore, frames: set[str], jobs: int, record: dict[str, Any]
) -> None:
    facts = {"series_item": name, "series_uid": series.uid, "modality": series.modality}
    if series.modality in _STRUCTURES:
        structures: StructureSet = read_structures(series, frames_of_reference=frames or None)
        record["structures"] = store.put_structures(f"{name}-set", structures, facts).name
        return
    if not any(header.rows for header in series.headers):
        record["notes"].append("Holds no image; no section of this report reads it.")
        return
    for k, volume in enumerate(read_images(series, jobs=jobs)):
        item = store.put_image(f"{name}-{k}", volume.image, {**facts, "label": volume.label})
        notes = [printable(note) for note in volume.notes]
        record["volumes"].append({"item": item.name, "label": volume.label, "notes": notes})
    if series.modality in _EMISSION:
        try:
            acquisition: PetAcquisition = read_pet_acquisition(series)
            record["acquisition"] = acquisition_to_json(acquisition)
        except TumorboardError as reason:
            record["acquisition_error"] = printable(str(reason))


def files_digest(paths: Sequence[Path], *, jobs: int) -> str:
    """SHA-256 over the contents of files, whatever their names and order."""

    def one(path: Path) -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    with ThreadPoolExecutor(jobs) as pool:
        return text_digest(*sorted(pool.map(one, paths)))


def _series_name(series: Series) -> str:
    # A digest of the UID, never the UID: no file name is built from what a file says.
    kind = "".join(c for c in series.modality.lower() if c.isascii() and c.isalnum())[:8] or "other"
    # All that :func:`~tumorboard.io.dicom.scan` keeps series of one patient apart by: a UID that two studies
    # share must not make one item of both.
    return f"{kind}-{text_digest(series.uid, series.study_uid, series.sop_class_uid)[:12]}"


def _forget_others(store: CaseStore, names: list[str]) -> None:
    for item in store.case().items:
        if item.attributes.get("series_item", names[0]) not in names:
            store.remove(item.name)


def _store_study(
    study: Study, chosen: list[Series], names: list[str], store: CaseStore, used: set[Path]
) -> None:
    """Store what the folder held; ``used`` are files that are no DICOM and were read all the same."""
    root = study.folder

    def relative(path: Path) -> str:
        return printable(str(path.relative_to(root)) if path.is_relative_to(root) else path.name)

    body = {
        "series_items": names,
        "quarantined": [
            {"file": relative(q.path), "reason": printable(q.reason)}
            for q in study.quarantined
            if q.path not in used
        ],
        "ignored_files": len(set(study.ignored) - used),
        "study_uids": sorted({s.study_uid for s in chosen}),
    }
    store.put_result(STUDY_ITEM, body, Record("workflows.board.ingest", {"series": [s.uid for s in chosen]}))
