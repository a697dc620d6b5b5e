"""Say in a few lines what a file or folder holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.case_store import CaseStore
from tumorboard.io.dicom.headers import read_headers
from tumorboard.io.dicom.sandbox import Limits
from tumorboard.io.dicom.scan import scan
from tumorboard.io.dicom.study import Study

__all__ = ["describe"]


def describe(path: Path) -> list[str]:
    """Return lines that describe a DICOM file, a folder, a case, a NIfTI file or a report.

    Raises
    ------
    InputError
        When the path does not exist or is of a kind this package does not read.
    """
    if not path.exists():
        raise InputError(f"file must exist; got {path}; name a file or folder that does")
    if path.is_dir():
        return _of_case(path) if (path / "index.sqlite").is_file() else _of_study(scan(path), path)
    if path.suffix == ".json":
        return _of_report(path)
    if path.name.endswith((".nii", ".nii.gz")):
        return _of_nifti(path)
    return _of_dicom(path)


def _of_dicom(path: Path) -> list[str]:
    headers, quarantined, _ = read_headers([path], jobs=1, limits=Limits())
    if not headers:
        reason = quarantined[0].reason if quarantined else "it is no DICOM file"
        raise UnreadableFile(f"file must be DICOM, NIfTI, a report or a folder; {path}: {reason}")
    header = headers[0]
    facts = {
        "modality": header.modality,
        "description": header.series_description,
        "patient": header.patient_id,
        "series": header.series_instance_uid,
        "frame of reference": header.frame_of_reference_uid,
        "rows x columns x frames": f"{header.rows} x {header.columns} x {header.number_of_frames}"
        if header.rows
        else "no pixels",
        "units": header.units,
        "transfer syntax": header.transfer_syntax_uid,
    }
    return [f"{path}: DICOM"] + [f"  {name}: {value}" for name, value in facts.items() if value]


def _of_study(study: Study, path: Path) -> list[str]:
    lines = [f"{path}: {len(study.series)} series"]
    for series in study.series:
        header = series.headers[0]
        size = f"{header.rows} x {header.columns}" if header.rows else "no pixels"
        lines.append(
            f"  {series.modality:8s} {series.description or '(no description)'}: "
            f"{len(series.headers)} file(s), {size}, patient {header.patient_id or '(none)'}"
        )
    lines += [f"  set aside: {q.path.name}: {q.reason}" for q in study.quarantined]
    if study.ignored:
        lines.append(f"  {len(study.ignored)} file(s) are not DICOM")
    return lines


def _of_case(path: Path) -> list[str]:
    with CaseStore(path) as store:
        case = store.case()
    lines = [f"{path}: case {case.identifier}, {len(case.items)} items"]
    return lines + [f"  {item.kind.value:10s} {item.name} ({item.digest[:12]})" for item in case.items]


def _of_report(path: Path) -> list[str]:
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        statuses = [f"  {name}: {section['status']}" for name, section in report["sections"].items()]
        identifier = report["case"]["identifier"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as reason:
        raise UnreadableFile(
            f"file must be a report of tumorboard; {path} is not ({reason!r}); name a report.json"
        ) from reason
    return [f"{path}: report of {identifier}", *statuses]


def _of_nifti(path: Path) -> list[str]:
    import nibabel

    try:
        header: Any = nibabel.load(path).header
    except (nibabel.filebasedimages.ImageFileError, OSError, EOFError) as reason:
        raise UnreadableFile(f"file must be NIfTI; {path}: {reason}") from reason
    shape = " x ".join(str(n) for n in header.get_data_shape()[::-1])
    spacing = " x ".join(f"{mm:.4g}" for mm in header.get_zooms()[:3][::-1])
    return [f"{path}: NIfTI, voxels (z, y, x) {shape}, spacing {spacing}, {header.get_data_dtype()}"]
