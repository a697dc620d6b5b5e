"""From an RT Ion Plan to the noun."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from pydicom import Dataset
from pydicom.uid import RTIonPlanStorage

from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.patient_position import PatientPosition
from tumorboard.core.plan import IonBeam, IonPlan
from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.dicom.ion_beam_limits import require_supported
from tumorboard.io.dicom.ion_control_points import (
    constant_numbers,
    layers_of,
    numbers_of,
    range_shifter_of,
)
from tumorboard.io.dicom.parsed_values import taking_values
from tumorboard.io.dicom.sandbox import Limits, read_datasets
from tumorboard.io.dicom.study import Quarantined
from tumorboard.io.dicom.unique_names import unique_names
from tumorboard.provenance import Record

__all__ = ["read_ion_plan"]

_POSITIONS: Final = {position.value: position for position in PatientPosition}


def read_ion_plan(path: Path | str, *, limits: Limits | None = None) -> IonPlan:
    """Read a plan of scanned protons from an RT Ion Plan [1]_.

    Each control point with weight becomes an energy layer. Angles, isocentre and range shifter are those of
    the first control point; where later ones repeat them they must agree. Beams that do not treat (setup,
    port films) are left out, and the provenance's ``notes`` say so.

    Parameters
    ----------
    path
        The file.
    limits
        What parsing the file may cost; default ``Limits()``.

    Returns
    -------
    IonPlan
        Monitor units per fraction. The provenance's parameters hold what the noun does not: ``sop_instance``
        and ``referenced_structure_set`` (UIDs, or ``None``), ``beam_meterset_mu`` and ``beam_dose_gy`` by
        beam, ``dose_references`` (description, type and prescribed dose [Gy]).

    Raises
    ------
    UnreadableFile
        When the file cannot be parsed.
    MissingAttribute
        When something without which the plan would be a guess is absent: metersets, angles, the isocentre,
        the patient's position, the number of fractions.
    InputError
        When the file is no RT Ion Plan, or holds what is not supported; the message names it. Not supported
        are uniform scanning and scattered beams, particles other than protons, wedges, boluses,
        compensators, apertures, range modulators, range shifters that are stacked, move or vary, gantries
        and tables that move during a beam or pitch or roll, several isocentres in a beam, and plans with
        several fraction groups or machines.

    Notes
    -----
    A spot's position is where it crosses the isocentre plane in the IEC gantry system, as in the noun.

    References
    ----------
    .. [1] dicomPS33
    """
    path = Path(path)
    dataset = read_datasets([path], limits=limits or Limits(), jobs=1)[0]
    if isinstance(dataset, Quarantined):
        raise UnreadableFile(f"{path.name} must be readable; {dataset.reason}; fetch the file again")
    with taking_values(path):
        kind = str(dataset.get("SOPClassUID") or "")
        if kind != RTIonPlanStorage:
            raise InputError(
                f"SOP class of {path.name} must be RT Ion Plan Storage; got {kind or 'none'}; photon plans "
                "(RT Plan) are not read"
            )
        return _plan(dataset, path)


def _plan(dataset: Dataset, path: Path) -> IonPlan:
    group = _fraction_group(dataset, path)
    n_fractions = numbers_of(group, "NumberOfFractionsPlanned")
    if n_fractions.size != 1 or n_fractions[0] < 1:
        raise MissingAttribute(
            f"NumberOfFractionsPlanned (300A,0078) of {path.name} must be >= 1; it is absent or 0; export "
            "the plan with its fractions"
        )
    metersets, doses = _metersets(group, path)
    notes: list[str] = []
    read: list[tuple[str, Dataset]] = []
    for item in dataset.get("IonBeamSequence") or ():
        name = str(item.get("BeamName") or item.get("BeamNumber") or "").strip() or "beam"
        delivery = str(item.get("TreatmentDeliveryType") or "TREATMENT").strip()
        if delivery == "CONTINUATION":
            raise InputError(
                f"TreatmentDeliveryType of beam {name!r} in {path.name} must be TREATMENT; got CONTINUATION: "
                "part of an interrupted fraction; read the plan that it continues"
            )
        if delivery == "TREATMENT":
            read.append((name, item))
        else:
            notes.append(f"beam {name!r} does not treat ({delivery}) and was left out")
    if not read:
        raise MissingAttribute(
            f"IonBeamSequence (300A,03A2) of {path.name} must hold a treatment beam; none is"
        )
    machine = _one_machine([item for _, item in read], path)
    positions = _setups(dataset)
    names = unique_names(name for name, _ in read)
    beams, used = [], {}
    for name, (_, item) in zip(names, read, strict=True):
        number = int(item.BeamNumber)
        where = f"beam {name!r} in {path.name}"
        if number not in metersets:
            raise MissingAttribute(
                f"BeamMeterset (300A,0086) of {where} must be given [MU]; it is absent; without it the spots "
                "have no monitor units: export the plan after its dose was calculated"
            )
        beams.append(_beam(item, name, metersets[number], positions, where, notes))
        used[name] = number
    record = Record(
        "io.dicom.read_ion_plan",
        {
            "sop_instance": str(dataset.get("SOPInstanceUID") or ""),
            "referenced_structure_set": _structure_set(dataset),
            "beam_meterset_mu": {name: metersets[number] for name, number in used.items()},
            "beam_dose_gy": {name: doses[n] for name, n in used.items() if n in doses},
            "dose_references": _dose_references(dataset),
            "notes": notes,
        },
        references=("dicomPS33",),
    )
    label = str(dataset.get("RTPlanLabel") or "").strip() or path.stem
    frame = str(dataset.get("FrameOfReferenceUID") or "").strip() or None
    return IonPlan(label, machine, tuple(beams), int(n_fractions[0]), record, frame)


def _fraction_group(dataset: Dataset, path: Path) -> Dataset:
    groups = list(dataset.get("FractionGroupSequence") or ())
    if len(groups) != 1:
        raise InputError(
            f"FractionGroupSequence (300A,0070) of {path.name} must have one group; got {len(groups)}; "
            "export each group as a plan of its own"
        )
    group: Dataset = groups[0]
    return group


def _metersets(group: Dataset, path: Path) -> tuple[dict[int, float], dict[int, float]]:
    """Return Beam Meterset [MU] and Beam Dose [Gy] by beam number, where given."""
    metersets, doses = {}, {}
    for item in group.get("ReferencedBeamSequence") or ():
        number = int(item.get("ReferencedBeamNumber", -1))
        meterset, dose = numbers_of(item, "BeamMeterset"), numbers_of(item, "BeamDose")
        if meterset.size:
            if not meterset[0] > 0:
                raise InputError(
                    f"BeamMeterset (300A,0086) of beam {number} in {path.name} must be > 0 [MU]; got "
                    f"{meterset[0]:g}; export the plan after its dose was calculated"
                )
            metersets[number] = float(meterset[0])
        if dose.size:
            doses[number] = float(dose[0])
    return metersets, doses


def _one_machine(beams: Sequence[Dataset], path: Path) -> str:
    machines = sorted({str(b.get("TreatmentMachineName") or "").strip() for b in beams})
    if len(machines) != 1:
        raise InputError(
            f"TreatmentMachineName (300A,00B2) of {path.name} must be one; got {', '.join(machines)}; export "
            "the beams of each machine as a plan of their own"
        )
    return machines[0]


def _setups(dataset: Dataset) -> dict[int, str]:
    """Return Patient Position by setup number."""
    return {
        int(item.get("PatientSetupNumber", 0)): str(item.get("PatientPosition") or "").strip()
        for item in dataset.get("PatientSetupSequence") or ()
    }


def _beam(
    item: Dataset, name: str, meterset: float, positions: dict[int, str], where: str, notes: list[str]
) -> IonBeam:
    require_supported(item, where=where)
    points = list(item.get("IonControlPointSequence") or ())
    if len(points) < 2:
        raise MissingAttribute(
            f"IonControlPointSequence (300A,03A8) of {where} must have 2 control points or more; got "
            f"{len(points)}"
        )
    shifter = range_shifter_of(item, points, where=where)
    if shifter is not None and shifter.distance_mm is None:
        raise MissingAttribute(
            f"IsocenterToRangeShifterDistance (300A,0364) of {where} must be given [mm]; it is absent; "
            "without it the broadening in the air gap would be a guess: export the plan with its "
            "devices"
        )
    snout = constant_numbers(
        points, "SnoutPosition", unit="mm", where=where, way_out="moving snouts are not supported"
    )
    sources = numbers_of(item, "VirtualSourceAxisDistances")
    if sources.size != 2:
        notes.append(f"beam {name!r} names no virtual source distances")
    return IonBeam(
        name,
        _geometry(item, points, positions, where),
        layers_of(item, points, meterset=meterset, where=where),
        shifter.identifier if shifter else None,
        shifter.distance_mm if shifter else None,
        snout[0] if snout else None,
        shifter.water_equivalent_thickness_mm if shifter else None,
        (float(sources[0]), float(sources[1])) if sources.size == 2 else None,
    )


def _geometry(
    item: Dataset, points: Sequence[Dataset], positions: dict[int, str], where: str
) -> BeamGeometry:
    angles = {}
    for keyword in ("GantryAngle", "PatientSupportAngle", "BeamLimitingDeviceAngle"):
        found = constant_numbers(
            points, keyword, unit="deg", where=where, way_out="arcs are not supported: make static beams"
        )
        # Ion plans without apertures often leave out the angle of the device that holds them.
        if found is None and keyword != "BeamLimitingDeviceAngle":
            raise MissingAttribute(
                f"{keyword} of {where} must be given [deg]; it is absent; export the plan again"
            )
        angles[keyword] = found[0] if found else 0.0
    way_out = "give each isocentre a beam of its own"
    isocentre = constant_numbers(points, "IsocenterPosition", unit="mm", where=where, way_out=way_out)
    if isocentre is None or len(isocentre) != 3:
        raise MissingAttribute(
            f"IsocenterPosition (300A,012C) of {where} must be a point [mm]; it is absent; export the plan "
            "in the geometry of the patient"
        )
    return BeamGeometry(
        angles["GantryAngle"],
        angles["PatientSupportAngle"],
        np.array(isocentre),
        angles["BeamLimitingDeviceAngle"],
        _position(item, positions, where),
    )


def _position(item: Dataset, positions: dict[int, str], where: str) -> PatientPosition:
    stated = numbers_of(item, "ReferencedPatientSetupNumber")
    if stated.size:
        text = positions.get(int(stated[0]), "")
    else:
        text = next(iter(positions.values())) if len(set(positions.values())) == 1 else ""
    if text not in _POSITIONS:
        raise MissingAttribute(
            f"PatientPosition (0018,5100) of {where} must be one of {', '.join(_POSITIONS)}; got "
            f"{text or 'none'}; without it nobody knows from which side the beam comes"
        )
    return _POSITIONS[text]


def _structure_set(dataset: Dataset) -> str | None:
    for item in dataset.get("ReferencedStructureSetSequence") or ():
        return str(item.get("ReferencedSOPInstanceUID") or "") or None
    return None


def _dose_references(dataset: Dataset) -> list[dict[str, str | float | None]]:
    found: list[dict[str, str | float | None]] = []
    for item in dataset.get("DoseReferenceSequence") or ():
        dose = numbers_of(item, "TargetPrescriptionDose")
        found.append(
            {
                "description": str(item.get("DoseReferenceDescription") or ""),
                "type": str(item.get("DoseReferenceType") or ""),
                "target_prescription_dose_gy": float(dose[0]) if dose.size else None,
            }
        )
    return found
