"""From files of a tumour's changes and an HLA type to items of a case."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tumorboard.errors import TumorboardError
from tumorboard.io.case_encoding import text_digest
from tumorboard.io.case_store import CaseStore
from tumorboard.provenance import Record
from tumorboard.workflows.board.cache import code_digest
from tumorboard.workflows.board.series_record import empty_series
from tumorboard.workflows.immunotherapy.config import ImmunotherapyConfig
from tumorboard.workflows.immunotherapy.folder import ImmunotherapyFiles
from tumorboard.workflows.printable import printable
from tumorboard.workflows.progress import Progress

__all__ = [
    "VARIANTS_MODALITY",
    "TumourFiles",
    "ingest_immunotherapy",
    "peptide_choices",
    "small_files",
    "targets_item",
    "tumour_digest",
]

#: Stands for the modality of variants, which DICOM has none for.
VARIANTS_MODALITY: Final = "Variants"
_PREFIX: Final = "variants"
_DATA: Final = "-data"
#: Larger files are told apart by size and time: reading a genome for a digest takes longer than its use.
_LARGE_BYTES: Final = 200_000_000


@dataclass(frozen=True, slots=True)
class TumourFiles:
    """A tumour's files and the choices that its peptides depend on.

    Parameters
    ----------
    files
        As found.
    config
        The choices.
    is_alone
        Whether the folder holds nothing else: then what is wrong with them stops the report.
    """

    files: ImmunotherapyFiles
    config: ImmunotherapyConfig
    is_alone: bool


def targets_item(store: CaseStore) -> str | None:
    """Return the item that tells of a tumour's changes, ``None`` where the case has none.

    Parameters
    ----------
    store
        The case.
    """
    names = [item.name for item in store.case().items if item.name.startswith(f"{_PREFIX}-")]
    listed = [name for name in names if not name.endswith(_DATA)]
    return listed[0] if listed else None


def peptide_choices(config: ImmunotherapyConfig) -> dict[str, Any]:
    """Return the choices that new peptides depend on, as what JSON can hold.

    Parameters
    ----------
    config
        All choices.
    """
    names = (
        "classes", "lengths_class1", "lengths_class2", "passing_only", "least_tumour_vaf", "least_tpm",
        "tumour_sample", "phase_mapping_quality", "phase_base_quality", "phase_error_rate",
        "phase_confidence",
    )  # fmt: skip
    told = config.choices()
    return {name: told[name] for name in names}


def tumour_digest(files: ImmunotherapyFiles, hashed: str) -> str:
    """Return a digest over a tumour's files.

    Parameters
    ----------
    files
        As found.
    hashed
        Digest of the contents of :func:`small_files`.
    """
    stamps = [f"{p.name}:{p.stat().st_size}:{p.stat().st_mtime_ns}" for p in files.used if is_large(p)]
    return text_digest(hashed, *sorted(path.name for path in files.used), *stamps)


def is_large(path: Path) -> bool:
    """Return whether a file's size and time stand for its contents."""
    return path.stat().st_size > _LARGE_BYTES


def small_files(files: ImmunotherapyFiles) -> Sequence[Path]:
    """Return the files whose contents are hashed."""
    return [path for path in files.used if not is_large(path)]


def ingest_immunotherapy(tumour: TumourFiles, store: CaseStore, digest: str, progress: Progress) -> list[str]:
    """Store a tumour's new peptides and what is known of their origins; return the item listed as a series.

    Parameters
    ----------
    tumour
        Its files.
    store
        The case.
    digest
        Of the files; what is there already and was made from it is left.
    progress
        Told how far it is.

    Raises
    ------
    InputError
        When a file cannot be used and there is nothing else to report on.
    """
    files, config = tumour.files, tumour.config
    name = f"{_PREFIX}-{text_digest(*(path.name for path in files.used))[:12]}"
    made_from = text_digest(code_digest(), digest, repr(sorted(peptide_choices(config).items())))
    if store.is_fresh(name, made_from):
        return [name]
    main = files.variants or files.used[0]
    left = [f"{path.name} was left out: one will do." for path in files.left_out]
    body: dict[str, Any] = {
        **empty_series("", VARIANTS_MODALITY, printable(main.name), len(files.used), left),
        "data": None,
        "choices": peptide_choices(config),
        "has_hla": files.hla is not None,
    }
    record = Record("workflows.board.ingest_immunotherapy", {"files_sha256": digest})
    if files.hla is not None:
        try:
            data = _data(config, files, progress)
            store.put_result(f"{name}{_DATA}", data, record, {"series_item": name}, made_from=made_from)
            body["data"] = f"{name}{_DATA}"
        except TumorboardError as reason:
            if tumour.is_alone:
                raise
            body["error"] = printable(str(reason))
    store.put_result(name, body, record, {"series_item": name}, made_from=made_from)
    return [name]


def _data(config: ImmunotherapyConfig, files: ImmunotherapyFiles, progress: Progress) -> dict[str, Any]:
    # Imported here: whoever has no such files need not wait for the readers to load.
    from tumorboard.workflows.board.immunotherapy_tables import inputs_to_json
    from tumorboard.workflows.immunotherapy.read import read_inputs
    from tumorboard.workflows.immunotherapy.run import require_molecules

    inputs = read_inputs(config, files, progress=progress)
    require_molecules(config, inputs.hla)
    # As one text: a case lays out its JSON for people, which for tens of thousands of peptides takes seconds.
    return {"inputs": json.dumps(inputs_to_json(inputs), allow_nan=False)}
