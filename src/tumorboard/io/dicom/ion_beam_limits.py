"""What of an RT Ion Plan's beam this package would get wrong, and so refuses by name."""

from __future__ import annotations

from typing import Final

from pydicom import Dataset

from tumorboard.errors import InputError

__all__ = ["require_supported"]

#: Devices in the beam that change the dose and that no noun of ours holds.
_DEVICES: Final = (
    ("NumberOfWedges", "wedges"),
    ("NumberOfCompensators", "compensators"),
    ("NumberOfBoli", "boluses"),
    ("NumberOfBlocks", "blocks (apertures)"),
    ("NumberOfRangeModulators", "range modulators"),
)
#: Angles that turn the couch or gantry about an axis that :class:`BeamGeometry` does not have.
_ANGLES: Final = (
    ("TableTopPitchAngle", "table top pitch"),
    ("TableTopRollAngle", "table top roll"),
    ("GantryPitchAngle", "gantry pitch"),
    ("HeadFixationAngle", "head fixation"),
    ("ChairHeadFramePosition", "chair head frame"),
)
_ANGLE_TOLERANCE_DEG: Final = 1e-3


def require_supported(beam: Dataset, *, where: str) -> None:
    """Raise an InputError that names what in the beam is not supported.

    Parameters
    ----------
    beam
        Item of Ion Beam Sequence (300A,03A2).
    where
        Names the beam and its file.

    Raises
    ------
    InputError
        For particles other than protons, beams that are not scanned in spots, meters other than monitor
        units, devices in the beam, and chairs or tables that pitch or roll.
    """
    _require_one_of(beam, "RadiationType", ("PROTON",), where, "plans of other particles cannot be read")
    mode = _require_one_of(
        beam,
        "ScanMode",
        ("MODULATED", "MODULATED_SPEC"),
        where,
        "uniform scanning and passive scattering have no spots to read",
    )
    if mode == "MODULATED_SPEC" or beam.get("ModulatedScanModeType"):
        _require_one_of(
            beam, "ModulatedScanModeType", ("STATIONARY",), where, "protons along lines are no spots"
        )
    _require_one_of(
        beam, "PrimaryDosimeterUnit", ("MU",), where, "export the plan with its weights in monitor units"
    )
    support = str(beam.get("PatientSupportType") or "TABLE")
    if support != "TABLE":
        raise InputError(f"PatientSupportType of {where} must be TABLE; got {support}; chairs are not known")
    for keyword, name in _DEVICES:
        count = int(beam.get(keyword) or 0)
        if count:
            raise InputError(
                f"{keyword} of {where} must be 0; got {count}; {name} are not supported: their effect on the "
                "dose would be lost"
            )
    for device in beam.get("LateralSpreadingDeviceSequence") or ():
        kind = str(device.get("LateralSpreadingDeviceType") or "")
        if kind != "MAGNET":
            raise InputError(
                f"LateralSpreadingDeviceType of {where} must be MAGNET; got {kind or 'none'}; scattered "
                "beams are not supported"
            )
    _require_level(beam, where)


def _require_one_of(beam: Dataset, keyword: str, allowed: tuple[str, ...], where: str, way_out: str) -> str:
    value = str(beam.get(keyword) or "").strip()
    if value not in allowed:
        raise InputError(
            f"{keyword} of {where} must be {' or '.join(allowed)}; got {value or 'none'}; {way_out}"
        )
    return value


def _require_level(beam: Dataset, where: str) -> None:
    for point in beam.get("IonControlPointSequence") or ():
        for keyword, name in _ANGLES:
            angle_deg = float(point.get(keyword) or 0.0)
            if abs(angle_deg) > _ANGLE_TOLERANCE_DEG:
                raise InputError(
                    f"{keyword} of {where} must be 0 [deg]; got {angle_deg:g}; {name} is not supported: "
                    "plan with a level table"
                )
