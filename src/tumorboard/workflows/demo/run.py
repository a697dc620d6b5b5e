"""Make a synthetic patient, write it as DICOM, and report on it as on any other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.patient_position import PatientPosition
from tumorboard.io.case_encoding import text_digest
from tumorboard.io.dicom import (
    ImageModality,
    PatientIdentity,
    StudyIdentity,
    make_uid,
    write_image_series,
    write_rtstruct,
)
from tumorboard.io.files import atomic_folder, write_text
from tumorboard.numerics.ray_trace import line_integrals
from tumorboard.phantoms import (
    DigitalPatient,
    DigitalPatientConfig,
    RadioligandPatientConfig,
    TumourGenomeConfig,
    simulate_patient,
    simulate_radioligand,
    simulate_tumour_genome,
)
from tumorboard.physics.hounsfield import relative_stopping_power
from tumorboard.workflows.board.cache import code_digest
from tumorboard.workflows.board.config import SECTIONS, BoardConfig
from tumorboard.workflows.board.result import BoardResult
from tumorboard.workflows.board.run import run as run_board
from tumorboard.workflows.demo.config import DemoConfig
from tumorboard.workflows.demo.radioligand_arm import radioligand_truth, write_radioligand
from tumorboard.workflows.demo.tumour_arm import write_tumour
from tumorboard.workflows.progress import Progress, silent
from tumorboard.workflows.proton_plan.depth import entry_to
from tumorboard.workflows.proton_plan.equipment import chosen_calibration
from tumorboard.workflows.proton_plan.prescription import read_prescription

__all__ = ["run"]

#: Shipped as it stands, so that a newcomer sees a whole prescription beside the demo's report.
_PRESCRIPTION = Path(__file__).with_name("lung_lesion.toml")


def run(config: DemoConfig, *, out: Path, progress: Progress = silent) -> BoardResult:
    """Make the demo's files and report.

    Parameters
    ----------
    config
        The choices.
    out
        Where ``dicom/``, ``truth.json`` and the report go; made when absent. A finished ``dicom/`` of
        the same seed and program version is used again.
    progress
        Told how far it is.

    Returns
    -------
    BoardResult
        Where the reports are.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = out / "dicom"
    stamp = text_digest(code_digest(), repr(config.seed))
    if not _is_made(files, stamp):
        _make(config, files, stamp, progress)
    prescription = out / "prescription.toml"
    if not prescription.exists():  # one that somebody has changed is theirs
        write_text(prescription, _PRESCRIPTION.read_text(encoding="utf-8"))
    sections = (*SECTIONS, "truth")
    return run_board(
        BoardConfig(sections=sections, jobs=config.jobs, prescription=read_prescription(prescription)),
        files,
        out=out,
        truth=files / "truth.json",
        progress=progress,
    )


def _is_made(files: Path, stamp: str) -> bool:
    made = files / "made_from.txt"
    return made.is_file() and made.read_text(encoding="utf-8") == stamp


def _make(config: DemoConfig, files: Path, stamp: str, progress: Progress) -> None:
    progress("building the synthetic patient", 0, 5)
    seed = f"tumorboard demo {config.seed}"
    patient = simulate_patient(
        DigitalPatientConfig(seed=config.seed), frame_of_reference=make_uid("frame", seed=seed)
    )
    progress("building the synthetic patient", 1, 5)
    with atomic_folder(files, replace=True) as folder:
        study = _study(patient, seed)
        _write_dicom(patient, folder, study, progress)
        progress("building the synthetic patient", 4, 5)
        treated = RadioligandPatientConfig(seed=config.seed)
        treatment = simulate_radioligand(treated, frame_of_reference=make_uid("frame Lu-177", seed=seed))
        write_radioligand(treatment, treated, folder, study)
        tumour = simulate_tumour_genome(TumourGenomeConfig(seed=config.seed))
        write_tumour(tumour, folder / "tumour")
        truth = {
            **patient.truth(),
            "proton": _proton_truth(patient),
            "radioligand": radioligand_truth(treatment, threads=config.jobs),
            "immunotherapy": tumour.truth(),
        }
        (folder / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")
        (folder / "made_from.txt").write_text(stamp, encoding="utf-8")
    progress("building the synthetic patient", 5, 5)


def _proton_truth(patient: DigitalPatient) -> dict[str, object]:
    """Return what the demo's plan should come to: known from the anatomy, not from the scan of it."""
    config = read_prescription(_PRESCRIPTION)
    lesion = patient.lesions[0]
    rsp = relative_stopping_power(patient.true_ct, chosen_calibration(config))
    beams = []
    for beam in config.beams:
        geometry = BeamGeometry(beam.gantry_deg, beam.couch_deg, np.array(lesion.centre_mm))
        depth = line_integrals(rsp, entry_to(geometry, rsp.grid)[None], np.array([lesion.centre_mm]))
        beams.append({"name": beam.name, "water_equivalent_depth_mm": float(depth[0])})
    return {
        "target": config.targets[0].structure,
        "isocentre_mm": list(lesion.centre_mm),
        "volume_ml": lesion.volume_ml,
        "prescribed_gy": config.targets[0].dose_gy,
        "beams": beams,
    }


def _study(patient: DigitalPatient, seed: str) -> StudyIdentity:
    return StudyIdentity(
        patient=PatientIdentity(
            patient_id="DEMO", patient_name="Phantom^Digital", sex=patient.acquisition.sex
        ),
        start=patient.acquisition.series_start,
        description="Synthetic FDG PET/CT",
        seed=seed,
    )


def _write_dicom(patient: DigitalPatient, folder: Path, study: StudyIdentity, progress: Progress) -> None:
    start = patient.acquisition.series_start
    ct = write_image_series(
        patient.ct,
        folder / "ct",
        study=study,
        modality=ImageModality.CT,
        description="whole body, synthetic",
        series_number=1,
        acquired=start,
        patient_position=PatientPosition.HEAD_FIRST_SUPINE,
    )
    progress("building the synthetic patient", 2, 5)
    write_image_series(
        patient.pet,
        folder / "pet",
        study=study,
        modality=ImageModality.PT,
        description="FDG whole body, synthetic",
        series_number=2,
        acquisition=patient.acquisition,
        patient_position=PatientPosition.HEAD_FIRST_SUPINE,
    )
    progress("building the synthetic patient", 3, 5)
    write_rtstruct(
        patient.structures,
        folder / "organs.dcm",
        study=study,
        reference=ct.reference,
        description="Organs, synthetic",
        series_number=3,
        created=start,
    )
