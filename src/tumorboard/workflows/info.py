"""Say in a few lines what a file or folder holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tumorboard.errors import InputError, TumorboardError, UnreadableFile
from tumorboard.io.case_store import CaseStore
from tumorboard.io.dicom.headers import read_headers
from tumorboard.io.dicom.read_ion_plan import read_ion_plan
from tumorboard.io.dicom.read_rtdose import read_rtdose
from tumorboard.io.dicom.sandbox import Limits
from tumorboard.io.dicom.scan import scan
from tumorboard.io.dicom.study import Study

__all__ = ["describe"]

#: SOP class of RT Ion Plans.
_ION_PLAN = "1.2.840.10008.5.1.4.1.1.481.8"


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
    lines = [f"{path}: DICOM"] + [f"  {name}: {value}" for name, value in facts.items() if value]
    if header.sop_class_uid == _ION_PLAN:
        return lines + _of_plan(path)
    return lines + _of_dose(path) if header.modality == "RTDOSE" else lines


def _of_plan(path: Path) -> list[str]:
    try:
        plan = read_ion_plan(path)
    except TumorboardError as reason:
        return [f"  plan that is not read: {reason}"]
    lines = [f"  plan {plan.label or '(no label)'} for {plan.machine}, {plan.n_fractions} fraction(s)"]
    for beam in plan.beams:
        units = sum(float(layer.monitor_units.sum()) for layer in beam.layers)
        energies = [layer.nominal_energy_mev for layer in beam.layers]
        lines.append(
            f"  beam {beam.name}: gantry {beam.geometry.gantry_angle_deg:g} deg, couch "
            f"{beam.geometry.couch_angle_deg:g} deg, range shifter {beam.range_shifter or 'none'}, "
            f"{len(energies)} layers of {min(energies):g} to {max(energies):g} MeV, {beam.n_spots} spots, "
            f"{units:.6g} MU per fraction"
        )
    return lines


def _of_dose(path: Path) -> list[str]:
    try:
        dose = read_rtdose(path)
    except TumorboardError as reason:
        return [f"  dose that is not read: {reason}"]
    shape = " x ".join(str(n) for n in dose.grid.shape)
    spacing = " x ".join(f"{mm:.4g}" for mm in dose.grid.spacing_mm)
    notes = dose.provenance.parameters.get("notes") or ()
    return [
        f"  dose, voxels (z, y, x) {shape}, spacing {spacing} mm, highest {float(dose.values.max()):.4g} Gy",
        *(f"  {note}" for note in notes),
    ]


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
