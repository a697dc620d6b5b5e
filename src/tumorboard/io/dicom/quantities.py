"""What the values of an image measure, by what its headers say, and by nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tumorboard.core.image import Quantity
from tumorboard.errors import InputError
from tumorboard.io.dicom.frames import Frame, name_some
from tumorboard.io.dicom.study import FileHeader

__all__ = ["Meaning", "is_diffusion_map", "meaning_of"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What values are once they are rescaled.

    Parameters
    ----------
    quantity
        What they measure.
    factor
        Multiply rescaled values by this to reach the unit of ``quantity``.
    use_real_world
        Whether the frames' real-world mapping takes the place of the rescale.
    notes
        What was assumed, one sentence each.
    """

    quantity: Quantity
    factor: float = 1.0
    use_real_world: bool = False
    notes: tuple[str, ...] = ()


#: UCUM code of a real-world value mapping, lower case -> quantity and factor to its unit.
_BY_UCUM: Final = {
    "[hnsf'u]": (Quantity.CT_NUMBER, 1.0),
    "hu": (Quantity.CT_NUMBER, 1.0),
    "bq/ml": (Quantity.ACTIVITY_CONCENTRATION, 1.0),
    "kbq/ml": (Quantity.ACTIVITY_CONCENTRATION, 1e3),
    "mbq/ml": (Quantity.ACTIVITY_CONCENTRATION, 1e6),
    "{counts}": (Quantity.COUNTS, 1.0),
    "g/ml{suvbw}": (Quantity.SUV_BODY_WEIGHT, 1.0),
    "g/ml{suvlbm}": (Quantity.SUV_LEAN_BODY_MASS_JAMES, 1.0),
    "g/ml{suvlbm(janma)}": (Quantity.SUV_LEAN_BODY_MASS_JANMAHASATIAN, 1.0),
    "g/ml{suvlbm(james128)}": (Quantity.SUV_LEAN_BODY_MASS_JAMES, 1.0),
    "g/ml{suvibw}": (Quantity.SUV_IDEAL_BODY_WEIGHT, 1.0),
    "cm2/ml{suvbsa}": (Quantity.SUV_BODY_SURFACE_AREA, 1.0),
    "mm2/s": (Quantity.APPARENT_DIFFUSION, 1.0),
    "um2/s": (Quantity.APPARENT_DIFFUSION, 1e-6),
    "10-3.mm2/s": (Quantity.APPARENT_DIFFUSION, 1e-3),
    "10*-3.mm2/s": (Quantity.APPARENT_DIFFUSION, 1e-3),
    "10-6.mm2/s": (Quantity.APPARENT_DIFFUSION, 1e-6),
    "10*-6.mm2/s": (Quantity.APPARENT_DIFFUSION, 1e-6),
    "gy": (Quantity.DOSE, 1.0),
    "cgy": (Quantity.DOSE, 1e-2),
    "kev/um": (Quantity.LET, 1.0),
    "1/mm2": (Quantity.FLUENCE, 1.0),
    "g/cm3": (Quantity.DENSITY, 1.0),
}

_BY_SUV_TYPE: Final = {
    "": Quantity.SUV_BODY_WEIGHT,
    "BW": Quantity.SUV_BODY_WEIGHT,
    "LBM": Quantity.SUV_LEAN_BODY_MASS_JAMES,
    "LBMJAMES128": Quantity.SUV_LEAN_BODY_MASS_JAMES,
    "LBMJANMA": Quantity.SUV_LEAN_BODY_MASS_JANMAHASATIAN,
    "IBW": Quantity.SUV_IDEAL_BODY_WEIGHT,
}

_BY_OWN_NAME: Final = {quantity.value: quantity for quantity in Quantity}

#: Rescale Types that are still CT numbers, perhaps of an unusual making.
_HOUNSFIELD: Final = ("", "HU", "US", "HU_MOD")

#: How a Rescale Type (0028,1054) may spell the unit of an apparent diffusion coefficient.
_DIFFUSION_RESCALE_TYPES: Final = {
    "mm2/s": 1.0,
    "mm^2/s": 1.0,
    "um2/s": 1e-6,
    "um^2/s": 1e-6,
    "10-6mm2/s": 1e-6,
    "10^-6mm^2/s": 1e-6,
    "10-3mm2/s": 1e-3,
    "10^-3mm^2/s": 1e-3,
}


def meaning_of(frames: Sequence[Frame]) -> Meaning:
    """Say what the values of one volume measure.

    CT: Hounsfield units, unless Rescale Type says otherwise. PET: by Units (0054,1001) and SUV Type
    (0054,1006) [1]_. MR: signal, or an apparent diffusion coefficient where the file states its unit. Nuclear
    medicine: activity concentration where the file says so, else counts. Anything else is uncalibrated.

    Raises
    ------
    InputError
        When the modality holds no images of the patient, or one volume's frames disagree.

    References
    ----------
    .. [1] dicomPS33
    """
    header = frames[0].header
    stated = {(h.modality, h.units, h.suv_type, h.rescale_type) for h in (f.header for f in frames)}
    for name in ("modality", "units", "suv_type", "rescale_type") if len(stated) > 1 else ():
        if len({getattr(f.header, name) for f in frames}) > 1:
            raise InputError(
                f"{name} must be the same for all slices of a volume; got "
                f"{sorted({getattr(f.header, name) for f in frames})} in {name_some(frames)}; "
                "read them apart (dataclasses.replace(series, headers=...))"
            )
    if header.modality == "PT" and header.units:
        return _pet(header)
    mapped = _real_world(frames)
    if mapped is not None:
        return mapped
    match header.modality:
        case "CT":
            return _ct(header)
        case "MR":
            return _mr(header)
        case "NM":
            return _nm(header)
        case "PT":
            return Meaning(
                Quantity.UNCALIBRATED, notes=("Units (0054,1001) are not given: values uncalibrated",)
            )
    note = f"modality {header.modality or 'not given'} states no unit we know: values uncalibrated"
    return Meaning(Quantity.UNCALIBRATED, notes=(note,))


def is_diffusion_map(header: FileHeader) -> bool:
    """Whether Image Type says that this is a map of the apparent diffusion coefficient."""
    return header.modality == "MR" and any(word in ("ADC", "ADC_UNSPECIFIED") for word in header.image_type)


def _real_world(frames: Sequence[Frame]) -> Meaning | None:
    """Return the meaning that a real-world mapping gives, when all frames have the same and we know it."""
    stated = {(f.real_world.unit_code, f.real_world.explanation) if f.real_world else None for f in frames}
    first = stated.pop()
    if stated or first is None:
        return None
    code, explanation = first
    note = f"values by the file's real-world value mapping, in {code}"
    if explanation in _BY_OWN_NAME:
        # Written by write_parametric_map, always in the quantity's own unit.
        return Meaning(_BY_OWN_NAME[explanation], use_real_world=True, notes=(note,))
    if code.lower() not in _BY_UCUM:
        return None
    quantity, factor = _BY_UCUM[code.lower()]
    return Meaning(quantity, factor, use_real_world=True, notes=(note,))


def _ct(header: FileHeader) -> Meaning:
    kind = header.rescale_type.upper()
    if kind in ("", "HU"):
        return Meaning(Quantity.CT_NUMBER)
    note = f"RescaleType (0028,1054) is {header.rescale_type!r}, not HU"
    if kind in _HOUNSFIELD:
        return Meaning(Quantity.CT_NUMBER, notes=(f"{note}: taken as CT numbers",))
    return Meaning(Quantity.UNCALIBRATED, notes=(f"{note}: values uncalibrated",))


def _pet(header: FileHeader) -> Meaning:
    units, suv_type = header.units.upper(), header.suv_type.upper()
    if units == "BQML":
        return Meaning(Quantity.ACTIVITY_CONCENTRATION)
    if units == "CNTS":
        return Meaning(Quantity.COUNTS)
    if units == "CM2ML" and suv_type in ("", "BSA"):
        return Meaning(Quantity.SUV_BODY_SURFACE_AREA)
    if units == "GML" and suv_type in _BY_SUV_TYPE:
        notes: tuple[str, ...] = ()
        if not suv_type:
            notes = ("Units are GML without a SUV Type: body weight, as the standard says",)
        elif suv_type.startswith("LBM") and suv_type != "LBMJANMA":
            multiplier = 128 if suv_type == "LBMJAMES128" else 120
            notes = (
                f"SUV Type {suv_type}: James's lean body mass with {multiplier} (weight/height)^2 for men",
            )
        return Meaning(_BY_SUV_TYPE[suv_type], notes=notes)
    suv_text = header.suv_type or "not given"
    note = f"Units (0054,1001) are {header.units}, SUV Type {suv_text}: values uncalibrated"
    return Meaning(Quantity.UNCALIBRATED, notes=(note,))


def _mr(header: FileHeader) -> Meaning:
    if not is_diffusion_map(header):
        return Meaning(Quantity.MR_SIGNAL)
    spelt = header.rescale_type.lower().replace(" ", "").replace("µ", "u").replace("*", "")
    factor = _DIFFUSION_RESCALE_TYPES.get(spelt)
    if factor is not None:
        note = f"diffusion map in {header.rescale_type} by RescaleType (0028,1054): times {factor:g} is mm2/s"
        return Meaning(Quantity.APPARENT_DIFFUSION, factor, notes=(note,))
    note = (
        "a map of the apparent diffusion coefficient whose unit the file does not state: read as MR signal; "
        "many scanners store 1e-6 mm2/s"
    )
    return Meaning(Quantity.MR_SIGNAL, notes=(note,))


def _nm(header: FileHeader) -> Meaning:
    if header.units.upper() == "BQML":
        return Meaning(Quantity.ACTIVITY_CONCENTRATION)
    return Meaning(Quantity.COUNTS)
