"""The plan as it is kept in the case, and its DICOM files beside the report."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from tumorboard.core.image import Image
from tumorboard.core.plan import IonPlan
from tumorboard.io.case_store import CaseStore
from tumorboard.io.dicom.identity import PatientIdentity, StudyIdentity
from tumorboard.io.dicom.read_ion_plan import read_ion_plan
from tumorboard.io.dicom.write_dose import DoseType, PlanKind, write_rtdose
from tumorboard.io.dicom.write_ion_plan import Prescription, write_ion_plan
from tumorboard.io.plan_encoding import plan_from_json

__all__ = [
    "DOSE_ITEM",
    "LET_ITEM",
    "MONTE_CARLO_DOSE_ITEM",
    "MONTE_CARLO_UNCERTAINTY_ITEM",
    "PLAN_ITEM",
    "POSITRON_EMITTER_ITEM",
    "PROMPT_GAMMA_ITEM",
    "export_plan",
    "plans_apart",
]

# Named like their section, so that no other section counts them among what it is made from.
PLAN_ITEM: Final = "section-proton-plan"
DOSE_ITEM: Final = "section-proton-dose"
LET_ITEM: Final = "section-proton-let"
MONTE_CARLO_DOSE_ITEM: Final = "section-monte_carlo-dose"
MONTE_CARLO_UNCERTAINTY_ITEM: Final = "section-monte_carlo-uncertainty"
PROMPT_GAMMA_ITEM: Final = "section-monte_carlo-prompt_gammas"
#: One item for each nuclide, whose name follows in small letters.
POSITRON_EMITTER_ITEM: Final = "section-monte_carlo-emitter-"


def export_plan(store: CaseStore, study_uid: str, out: Path) -> tuple[Path, ...]:
    """Write the stored plan and its dose as DICOM, ``plan.dcm`` and ``dose.dcm``.

    Parameters
    ----------
    store
        Holds the items of a finished plan.
    study_uid
        Study Instance UID of the patient's images.
    out
        Folder of the report.

    Returns
    -------
    tuple of Path
        The files.
    """
    body = store.result(PLAN_ITEM)
    plan = plan_from_json(body["plan"])
    dose = store.image(DOSE_ITEM)
    if not isinstance(dose, Image):
        raise TypeError("the dose of a plan is one volume")
    # The seed makes the UIDs those of the content: exporting the same plan again makes the same objects.
    created = datetime(2000, 1, 1)
    study = StudyIdentity(
        patient=PatientIdentity(patient_id=store.identifier[:64], patient_name=""),
        start=created,
        description="Proton plan",
        study_instance_uid=study_uid,
        seed=plan.provenance.digest,
    )
    kind = "physical dose" if body["physical_dose"] else "RBE-weighted dose"
    targets = ", ".join(body["targets"])
    written = write_ion_plan(
        plan,
        out / "plan.dcm",
        study=study,
        structure_set_uid=body["structure_set_uid"],
        prescription=Prescription(f"{targets}: {kind}"[:64], body["prescribed_gy"]),
        description="Proton plan, research only",
        series_number=9001,
        created=created,
    )
    write_rtdose(
        dose,
        out / "dose.dcm",
        study=study,
        dose_type=DoseType.PHYSICAL if body["physical_dose"] else DoseType.EFFECTIVE,
        plan_kind=PlanKind.RT_ION_PLAN,
        plan_sop_instance_uid=written.sop_instance_uid,
        description=f"Proton plan, {kind}",
        series_number=9002,
        created=created,
    )
    return out / "plan.dcm", out / "dose.dcm"


def plans_apart(store: CaseStore, path: Path) -> dict[str, Any]:
    """Return how far a written plan, read back, is from the stored one.

    Parameters
    ----------
    store
        Holds the plan.
    path
        Of the RT Ion Plan.
    """
    kept, read = plan_from_json(store.result(PLAN_ITEM)["plan"]), read_ion_plan(path)
    a, b = _spots(kept), _spots(read)
    same = a.shape == b.shape
    return {
        "spots": len(b),
        "same_number_of_spots": same,
        "largest_position_mm": float(np.abs(a[:, 1:3] - b[:, 1:3]).max()) if same else None,
        "largest_monitor_units_relative": float((np.abs(a[:, 3] - b[:, 3]) / a[:, 3]).max())
        if same
        else None,
        "largest_energy_mev": float(np.abs(a[:, 0] - b[:, 0]).max()) if same else None,
    }


def _spots(plan: IonPlan) -> np.ndarray[Any, Any]:
    rows = [
        np.column_stack(
            [
                np.full(len(layer.positions_mm), layer.nominal_energy_mev),
                layer.positions_mm,
                layer.monitor_units,
            ]
        )
        for beam in plan.beams
        for layer in beam.layers
    ]
    return np.concatenate(rows)
