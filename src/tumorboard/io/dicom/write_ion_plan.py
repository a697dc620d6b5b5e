"""Plans of scanned protons out: RT Ion Plans."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian, RTIonPlanStorage, RTStructureSetStorage

from tumorboard.core.plan import EnergyLayer, IonBeam, IonPlan
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.dicom.identity import StudyIdentity, require_text, require_uid
from tumorboard.io.dicom.modules import (
    PURPOSE,
    add_equipment,
    add_frame_of_reference,
    add_patient_and_study,
    add_series,
    as_date,
    as_decimals,
    as_time,
    content_digest,
    new_dataset,
    save,
)
from tumorboard.io.dicom.written import WrittenObject
from tumorboard.io.plan_encoding import plan_to_json

__all__ = ["Prescription", "write_ion_plan"]

#: Systems name the spot size that the accelerator is tuned to; ours know only one.
_TUNE: Final = "1"


@dataclass(frozen=True, slots=True)
class Prescription:
    """What a plan is meant to give.

    Parameters
    ----------
    description
        Of the target, at most 64 characters.
    dose_gy
        Of all fractions together, > 0 [Gy]; RBE-weighted where the description says so.
    """

    description: str
    dose_gy: float

    def __post_init__(self) -> None:
        require_text("description of a prescription", self.description, longest=64, empty=False)
        if not 0 < self.dose_gy < float("inf"):
            raise InputError(f"dose_gy of a prescription must be finite and > 0 [Gy]; got {self.dose_gy!r}")


def write_ion_plan(
    plan: IonPlan,
    path: Path | str,
    *,
    study: StudyIdentity,
    structure_set_uid: str | None,
    prescription: Prescription | None = None,
    beam_dose_gy: Mapping[str, float] | None = None,
    description: str,
    series_number: int,
    created: datetime,
) -> WrittenObject:
    """Write a plan as one RT Ion Plan [1]_.

    Each energy layer becomes a pair of control points. Weights of spots are their monitor units, so that
    the beam's meterset and its final cumulative weight are one number. Positions and weights are 32-bit
    numbers in the file; what is written is exactly what those hold. The plan is marked ``UNAPPROVED``.

    Parameters
    ----------
    plan
        With a frame of reference; every beam with ``source_distance_mm`` and a spot > 0.
    path
        The file to make or replace, as one.
    study
        Patient and study.
    structure_set_uid
        SOP Instance UID of the RT Structure Set that the plan was made on. ``None`` for a plan without
        patient, such as one for a water tank: the file then says ``TREATMENT_DEVICE`` instead of
        ``PATIENT``.
    prescription
        Written as a dose reference; ``None`` for none.
    beam_dose_gy
        Dose that each beam gives to the target in a fraction, by its name [Gy]; ``None`` for none.
    description
        Series Description (0008,103E), at most 64 characters.
    series_number
        Series Number (0020,0011).
    created
        When the plan was made, on the study's clock.

    Returns
    -------
    WrittenObject
        Path and UIDs; its ``sop_instance_uid`` is what
        :func:`~tumorboard.io.dicom.write_rtdose` takes as ``plan_sop_instance_uid``.

    Raises
    ------
    MissingAttribute
        When the frame of reference or a virtual source distance is absent.
    InputError
        When a beam has no spot > 0, or a text does not fit.

    Notes
    -----
    In implicit little endian: explicit encodings cannot hold layers of more than 8191 spots.

    References
    ----------
    .. [1] dicomPS33
    """
    path = Path(path)
    if plan.frame_of_reference is None:
        raise MissingAttribute(
            f"frame_of_reference of plan {plan.label!r} must be the UID of its CT; it is None; use "
            "dataclasses.replace(plan, frame_of_reference=ct.grid.frame_of_reference)"
        )
    created = study.local(created, what="created")
    beams = [_beam(number, beam, plan) for number, beam in enumerate(plan.beams, start=1)]
    doses = beam_dose_gy or {}
    content = _content(plan, structure_set_uid, prescription, sorted(doses.items()))
    digest = content_digest("ion plan", description, content)
    uid, series_uid = study.uid("rtplan", digest), study.uid("series", digest)
    dataset = new_dataset(RTIonPlanStorage, uid, transfer_syntax=ImplicitVRLittleEndian)
    add_patient_and_study(dataset, study)
    add_series(
        dataset,
        modality="RTPLAN",
        series_instance_uid=series_uid,
        number=series_number,
        description=description,
        start=created,
    )
    dataset.OperatorsName = ""
    add_equipment(dataset)
    add_frame_of_reference(dataset, plan.frame_of_reference)
    dataset.InstanceNumber = 1
    dataset.RTPlanLabel = plan.label[:16]
    dataset.RTPlanName = plan.label[:64]
    dataset.RTPlanDescription = PURPOSE
    dataset.RTPlanDate, dataset.RTPlanTime = as_date(created), as_time(created)
    dataset.PlanIntent = "RESEARCH"
    dataset.RTPlanGeometry = "TREATMENT_DEVICE" if structure_set_uid is None else "PATIENT"
    if structure_set_uid is not None:
        require_uid("structure_set_uid", structure_set_uid)
        reference = Dataset()
        reference.ReferencedSOPClassUID = RTStructureSetStorage
        reference.ReferencedSOPInstanceUID = structure_set_uid
        dataset.ReferencedStructureSetSequence = [reference]
    if prescription is not None:
        dataset.DoseReferenceSequence = [_dose_reference(prescription)]
    dataset.FractionGroupSequence = [_fraction_group(plan, beams, doses)]
    dataset.PatientSetupSequence = _setups(plan)
    dataset.IonBeamSequence = beams
    dataset.ApprovalStatus = "UNAPPROVED"
    save(dataset, path)
    return WrittenObject(path, series_uid, RTIonPlanStorage, uid)


def _content(plan: IonPlan, *more: object) -> str:
    """Return all that the file says apart from whose it is: other content needs another UID."""
    body = {name: part for name, part in plan_to_json(plan).items() if name != "provenance"}
    return json.dumps(body) + repr(more)


def _dose_reference(prescription: Prescription) -> Dataset:
    item = Dataset()
    item.DoseReferenceNumber = 1
    item.DoseReferenceStructureType = "SITE"
    item.DoseReferenceDescription = prescription.description
    item.DoseReferenceType = "TARGET"
    item.TargetPrescriptionDose = as_decimals([prescription.dose_gy])[0]
    return item


def _fraction_group(plan: IonPlan, beams: list[Dataset], beam_dose_gy: Mapping[str, float]) -> Dataset:
    unknown = set(beam_dose_gy) - {beam.name for beam in plan.beams}
    if unknown:
        raise InputError(
            f"beam_dose_gy must name beams of the plan, {', '.join(b.name for b in plan.beams)}; got "
            f"{', '.join(sorted(unknown))}"
        )
    group = Dataset()
    group.FractionGroupNumber = 1
    group.NumberOfFractionsPlanned = plan.n_fractions
    group.NumberOfBeams = len(beams)
    group.NumberOfBrachyApplicationSetups = 0
    group.ReferencedBeamSequence = []
    for beam, item in zip(plan.beams, beams, strict=True):
        reference = Dataset()
        reference.ReferencedBeamNumber = item.BeamNumber
        reference.BeamMeterset = item.FinalCumulativeMetersetWeight
        if beam.name in beam_dose_gy:
            reference.BeamDose = as_decimals([beam_dose_gy[beam.name]])[0]
        group.ReferencedBeamSequence.append(reference)
    return group


def _positions(plan: IonPlan) -> list[str]:
    return list(dict.fromkeys(beam.geometry.patient_position.value for beam in plan.beams))


def _setups(plan: IonPlan) -> list[Dataset]:
    setups = []
    for number, position in enumerate(_positions(plan), start=1):
        setup = Dataset()
        setup.PatientPosition = position
        setup.PatientSetupNumber = number
        setups.append(setup)
    return setups


def _beam(number: int, beam: IonBeam, plan: IonPlan) -> Dataset:
    require_text("name of a beam", beam.name, longest=64, empty=False)
    if beam.source_distance_mm is None:
        raise MissingAttribute(
            f"source_distance_mm of beam {beam.name!r} must be given [mm]; it is None; use "
            "dataclasses.replace(beam, source_distance_mm=beam_model.source_distance_mm)"
        )
    layers = [layer for layer in beam.layers if (layer.monitor_units > 0).any()]
    if not layers:
        raise InputError(f"beam {beam.name!r} must have a spot > 0 [MU]; it has none; leave the beam out")
    item = Dataset()
    item.Manufacturer = ""
    item.TreatmentMachineName = plan.machine[:16]
    item.PrimaryDosimeterUnit = "MU"
    item.BeamNumber = number
    item.BeamName = beam.name
    item.BeamType = "STATIC"
    item.RadiationType = "PROTON"
    item.TreatmentDeliveryType = "TREATMENT"
    item.NumberOfWedges = item.NumberOfCompensators = item.NumberOfBoli = item.NumberOfBlocks = 0
    item.ScanMode = "MODULATED"
    # The standard asks for the type with MODULATED_SPEC, which fewer systems read; checkers of older tables
    # ask for it with MODULATED. Both hear that the beam is off between spots.
    item.ModulatedScanModeType = "STATIONARY"
    item.VirtualSourceAxisDistances = list(beam.source_distance_mm)
    item.NumberOfRangeShifters = 0 if beam.range_shifter is None else 1
    if beam.range_shifter is not None:
        require_text("range shifter", beam.range_shifter, longest=16, empty=False)
        shifter = Dataset()
        shifter.RangeShifterNumber = 1
        shifter.RangeShifterID = beam.range_shifter
        shifter.RangeShifterType = "BINARY"
        item.RangeShifterSequence = [shifter]
    item.NumberOfLateralSpreadingDevices = item.NumberOfRangeModulators = 0
    item.PatientSupportType = "TABLE"
    item.PatientSupportID = ""
    item.ReferencedPatientSetupNumber = 1 + _positions(plan).index(beam.geometry.patient_position.value)
    points: list[Dataset] = []
    cumulative = 0.0
    for layer in layers:
        weights = layer.monitor_units.astype(np.float32)
        points.append(_control_point(len(points), cumulative, layer, weights))
        cumulative += float(weights.sum(dtype=np.float64))
        points.append(_control_point(len(points), cumulative, layer, np.zeros_like(weights)))
    _add_first_point(points[0], beam)
    item.NumberOfControlPoints = len(points)
    item.FinalCumulativeMetersetWeight = as_decimals([cumulative])[0]
    item.IonControlPointSequence = points
    return item


def _control_point(
    index: int, cumulative: float, layer: EnergyLayer, weights: NDArray[np.float32]
) -> Dataset:
    point = Dataset()
    point.ControlPointIndex = index
    point.CumulativeMetersetWeight = as_decimals([cumulative])[0]
    point.NominalBeamEnergy = as_decimals([layer.nominal_energy_mev])[0]
    point.ScanSpotTuneID = _TUNE
    point.NumberOfScanSpotPositions = len(weights)
    point.ScanSpotPositionMap = layer.positions_mm.astype(np.float32).ravel().tolist()
    point.ScanSpotMetersetWeights = weights.tolist()
    if layer.spot_fwhm_mm is not None:
        point.ScanningSpotSize = list(layer.spot_fwhm_mm)
    point.NumberOfPaintings = 1
    return point


def _add_first_point(point: Dataset, beam: IonBeam) -> None:
    """Add what the first control point states for the whole beam."""
    geometry = beam.geometry
    for keyword, angle_deg in (
        ("GantryAngle", geometry.gantry_angle_deg),
        ("BeamLimitingDeviceAngle", geometry.collimator_angle_deg),
        ("PatientSupportAngle", geometry.couch_angle_deg),
    ):
        setattr(point, keyword, as_decimals([angle_deg % 360.0])[0])
        setattr(point, keyword.replace("Angle", "RotationDirection"), "NONE")
    point.GantryPitchAngle = point.TableTopPitchAngle = point.TableTopRollAngle = 0.0
    point.GantryPitchRotationDirection = "NONE"
    point.TableTopPitchRotationDirection = point.TableTopRollRotationDirection = "NONE"
    point.TableTopVerticalPosition = point.TableTopLongitudinalPosition = ""
    point.TableTopLateralPosition = ""
    point.IsocenterPosition = as_decimals(geometry.isocentre_mm)
    point.SnoutPosition = beam.snout_position_mm
    if beam.range_shifter is not None:
        setting = Dataset()
        setting.RangeShifterSetting = "IN"
        setting.IsocenterToRangeShifterDistance = beam.range_shifter_distance_mm
        if beam.range_shifter_water_equivalent_thickness_mm is not None:
            setting.RangeShifterWaterEquivalentThickness = beam.range_shifter_water_equivalent_thickness_mm
        setting.ReferencedRangeShifterNumber = 1
        point.RangeShifterSettingsSequence = [setting]
