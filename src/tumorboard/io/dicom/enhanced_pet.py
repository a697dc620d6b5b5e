"""The facts of a series from enhanced multi-frame PET, said in the attributes of classic PET."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tumorboard.core.acquisition import PetUnits, SuvType
from tumorboard.errors import InputError
from tumorboard.io.dicom.multiframe import functional_group
from tumorboard.io.dicom.series_values import text_of

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["is_enhanced_pet", "series_level"]

_ENHANCED: Final = "1.2.840.10008.5.1.4.1.1.130"
_CONVERTED: Final = "1.2.840.10008.5.1.4.1.1.128.1"
_CORRECTIONS: Final = {
    "DecayCorrected": "DECY",
    "AttenuationCorrected": "ATTN",
    "ScatterCorrected": "SCAT",
    "DeadTimeCorrected": "DTIM",
    "RandomsCorrected": "RAN",
}
#: CID 84 "PET Units", UCUM codes in lower case.
_UNITS: Final[dict[str, tuple[PetUnits, SuvType | None]]] = {
    "bq/ml": (PetUnits.BQML, None),
    "{counts}": (PetUnits.CNTS, None),
    "g/ml{suvbw}": (PetUnits.GML, SuvType.BODY_WEIGHT),
    "g/ml{suvlbm}": (PetUnits.GML, SuvType.LEAN_BODY_MASS),
    "g/ml{suvlbm(james128)}": (PetUnits.GML, SuvType.LEAN_BODY_MASS_JAMES_128),
    "g/ml{suvlbm(janma)}": (PetUnits.GML, SuvType.LEAN_BODY_MASS_JANMAHASATIAN),
    "g/ml{suvibw}": (PetUnits.GML, SuvType.IDEAL_BODY_WEIGHT),
    "cm2/ml{suvbsa}": (PetUnits.CM2ML, SuvType.BODY_SURFACE_AREA),
}


def is_enhanced_pet(dataset: Dataset) -> bool:
    """Whether the data set is Enhanced PET or Legacy Converted Enhanced PET."""
    return text_of(dataset, "SOPClassUID") in (_ENHANCED, _CONVERTED)


def series_level(dataset: Dataset) -> Dataset:
    """Return the series-level facts of an enhanced file under classic PET's keywords [1]_.

    Enhanced PET says Decay Corrected (0018,9758) and to which moment, Decay Correction DateTime (0018,9701),
    where classic PET says Decay Correction (0054,1102); it states units by real-world value mappings and
    corrections one by one. A converted file keeps the classic attributes in a sequence of its own.

    Raises
    ------
    InputError
        When the frames are in different units.

    References
    ----------
    .. [1] dicomPS33
    """
    from pydicom import Dataset

    top = Dataset()
    if text_of(dataset, "SOPClassUID") == _CONVERTED:
        top.update(functional_group(dataset, 0, "UnassignedSharedConvertedAttributesSequence"))
        top.update(dataset)
        return top
    top.update(dataset)
    for keyword, value in (_units(dataset) | _corrections(dataset)).items():
        setattr(top, keyword, value)
    return top


def _corrections(dataset: Dataset) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    applied = [name for keyword, name in _CORRECTIONS.items() if text_of(dataset, keyword) == "YES"]
    if applied:
        facts["CorrectedImage"] = applied
    match text_of(dataset, "DecayCorrected"):
        case "NO":
            facts["DecayCorrection"] = "NONE"
        case "YES" if text_of(dataset, "DecayCorrectionDateTime"):
            facts["DecayCorrection"] = "START"
    return facts


def _units(dataset: Dataset) -> dict[str, str]:
    codes = set()
    for index in range(len(dataset.get("PerFrameFunctionalGroupsSequence") or ())):
        mapping = functional_group(dataset, index, "RealWorldValueMappingSequence")
        items = mapping.get("MeasurementUnitsCodeSequence") or ()
        # Codes of more than 16 characters, e.g. for James's lean body mass, have an attribute of their own.
        code = text_of(items[0], "CodeValue") or text_of(items[0], "LongCodeValue") if items else ""
        codes.add(code.lower())
    if len(codes) > 1:
        raise InputError(
            "Measurement Units Code Sequence (0040,08EA) must be the same for every frame; got "
            f"{', '.join(sorted(codes))}; split the file by unit"
        )
    stated = codes.pop() if codes else ""
    if stated not in _UNITS:
        return {}
    units, kind = _UNITS[stated]
    return {"Units": units.value} | ({"SUVType": kind.value} if kind else {})
