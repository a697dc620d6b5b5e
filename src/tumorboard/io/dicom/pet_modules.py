"""The modules of DICOM PS3.3 that only PET images have: PET Series, PET Isotope, PET Image."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetSlice, PetUnits, SuvType
from tumorboard.core.grid import Grid
from tumorboard.core.image import Quantity
from tumorboard.errors import GeometryError, InputError, MissingAttribute
from tumorboard.io.dicom.identity import StudyIdentity, require_text
from tumorboard.io.dicom.modules import as_date, as_datetime, as_decimals, as_time, coded
from tumorboard.units import S_PER_MS

__all__ = ["PET_QUANTITIES", "PetPlanes"]

#: Units (0054,1001) and SUV Type (0054,1006) of each quantity that a PT series can hold.
PET_QUANTITIES: Final[dict[Quantity, tuple[PetUnits, SuvType | None]]] = {
    Quantity.ACTIVITY_CONCENTRATION: (PetUnits.BQML, None),
    Quantity.COUNTS: (PetUnits.CNTS, None),
    Quantity.SUV_BODY_WEIGHT: (PetUnits.GML, SuvType.BODY_WEIGHT),
    # James's own 128; LBM, with the misprint's 120, is written only where the acquisition says so.
    Quantity.SUV_LEAN_BODY_MASS_JAMES: (PetUnits.GML, SuvType.LEAN_BODY_MASS_JAMES_128),
    Quantity.SUV_LEAN_BODY_MASS_JANMAHASATIAN: (PetUnits.GML, SuvType.LEAN_BODY_MASS_JANMAHASATIAN),
    Quantity.SUV_BODY_SURFACE_AREA: (PetUnits.CM2ML, SuvType.BODY_SURFACE_AREA),
    Quantity.SUV_IDEAL_BODY_WEIGHT: (PetUnits.GML, SuvType.IDEAL_BODY_WEIGHT),
}


@dataclass(frozen=True, slots=True, eq=False)
class PetPlanes:
    """A PET acquisition, checked to be complete enough for a file, and laid out on the planes of a grid.

    Parameters
    ----------
    acquisition
        Its ``slices`` are none, one for all planes, or one per plane: those that say their position are
        matched by it, otherwise they stand in array order.
    quantity
        What the values measure.
    grid
        Right-handed grid of the series.
    study
        Whose clock and sex the series must agree with.

    Raises
    ------
    InputError
        When acquisition, quantity and study contradict each other.
    MissingAttribute
        When a fact that the file must have is absent.
    """

    acquisition: PetAcquisition
    quantity: Quantity
    grid: Grid
    study: StudyIdentity

    def __post_init__(self) -> None:
        facts = self.acquisition
        units, suv_type = PET_QUANTITIES[self.quantity][0], self._suv_type
        for name, stated, implied in (("units", facts.units, units), ("suv_type", facts.suv_type, suv_type)):
            if stated is not None and stated is not implied:
                raise InputError(
                    f"{name} of the acquisition must be that of {self.quantity.name}, "
                    f"{implied.name if implied else None}; got {stated.name}; state the right one or none"
                )
        if facts.sex is not self.study.patient.sex and None not in (facts.sex, self.study.patient.sex):
            raise InputError(
                f"sex of the acquisition and of the patient must agree; got {facts.sex} and "
                f"{self.study.patient.sex}; correct one of them"
            )
        for name, value in (("series_start", facts.series_start), ("decay_reference", facts.decay_reference)):
            if value is None:
                raise MissingAttribute(
                    f"{name} of the acquisition must be stated in a PT file; got None; set it"
                )
        decays = facts.decay_reference is not DecayReference.NONE
        if decays != ("DECY" in facts.corrected_image):
            raise InputError(
                f"corrected_image must contain 'DECY' exactly when the values are decay-corrected; got "
                f"{facts.corrected_image} with decay_reference {facts.decay_reference}; correct one of them"
            )
        if decays and facts.half_life_s is None:
            raise MissingAttribute(
                "half_life_s must be stated for decay-corrected values; got None; set it [s]"
            )
        if facts.decay_reference is DecayReference.ADMIN and facts.injection is None:
            raise MissingAttribute("injection must be stated for values corrected to it; got None; set it")
        if facts.radionuclide is not None:
            _radionuclide(facts.radionuclide)
        if facts.radiopharmaceutical is not None:
            require_text("radiopharmaceutical", facts.radiopharmaceutical, longest=64)
        if len(facts.slices) not in (0, 1, self.grid.shape[0]):
            raise InputError(
                f"slices of the acquisition must be none, one, or one per plane ({self.grid.shape[0]}); "
                f"got {len(facts.slices)}"
            )

    @property
    def series_start(self) -> datetime:
        """Start of the series; the constructor made sure that it is there."""
        if self.acquisition.series_start is None:
            raise MissingAttribute(
                "series_start of the acquisition must be stated in a PT file; got None; set it"
            )
        return self.acquisition.series_start

    @property
    def _suv_type(self) -> SuvType | None:
        """SUV Type (0054,1006) of the quantity; of the two after James, the one that is stated."""
        implied, stated = PET_QUANTITIES[self.quantity][1], self.acquisition.suv_type
        is_misprint = implied is SuvType.LEAN_BODY_MASS_JAMES_128 and stated is SuvType.LEAN_BODY_MASS
        return stated if is_misprint else implied

    def add_series_level(self, dataset: Dataset) -> None:
        """Add what all files share: PET Series, PET Isotope and Patient Study modules."""
        facts = self.acquisition
        units, suv_type = PET_QUANTITIES[self.quantity][0], self._suv_type
        dataset.Units = units.value
        if suv_type is not None:
            dataset.SUVType = suv_type.value
        dataset.CountsSource = "EMISSION"
        dataset.SeriesType = ["STATIC", "IMAGE"]
        dataset.NumberOfSlices = self.grid.shape[0]
        dataset.CorrectedImage = list(facts.corrected_image)
        dataset.DecayCorrection = facts.decay_reference.value if facts.decay_reference else ""
        dataset.CollimatorType = "NONE"
        if facts.sex:
            dataset.PatientSex = facts.sex.value
        if facts.age:
            dataset.PatientAge = facts.age
        if facts.weight_kg is not None:
            dataset.PatientWeight = as_decimals([facts.weight_kg])[0]
        if facts.height_m is not None:
            dataset.PatientSize = as_decimals([facts.height_m])[0]
        dataset.RadiopharmaceuticalInformationSequence = [self._radiopharmaceutical()]
        # Required where the patient stands upright or is imaged aslant: not stated by our nouns.
        dataset.PatientOrientationCodeSequence = []
        dataset.PatientGantryRelationshipCodeSequence = []

    def add_plane_level(self, dataset: Dataset, plane: int) -> None:
        """Add what belongs to one plane: the PET Image module without its pixels."""
        part = self._slice_of(plane)
        start = self.study.local(part.acquisition_start or self.series_start, what="acquisition_start")
        reference_s = self._frame_reference_time_s(part)
        dataset.AcquisitionDate, dataset.AcquisitionTime = as_date(start), as_time(start)
        dataset.FrameReferenceTime = as_decimals([reference_s / S_PER_MS])[0]
        if part.frame_duration_s is None:
            dataset.ActualFrameDuration = None
        else:
            dataset.ActualFrameDuration = round(part.frame_duration_s / S_PER_MS)
        if self.acquisition.decay_reference is not DecayReference.NONE:
            dataset.DecayFactor = as_decimals([self._decay_factor(part, reference_s)])[0]
        dataset.ImageIndex = plane + 1

    def _radiopharmaceutical(self) -> Dataset:
        facts = self.acquisition
        item = Dataset()
        item.RadionuclideCodeSequence = [_radionuclide(facts.radionuclide)] if facts.radionuclide else []
        if facts.radiopharmaceutical is not None:
            item.Radiopharmaceutical = facts.radiopharmaceutical
        if facts.injection is not None:
            injection = self.study.local(facts.injection, what="injection")
            item.RadiopharmaceuticalStartTime = as_time(injection)
            item.RadiopharmaceuticalStartDateTime = as_datetime(injection)
        if facts.injected_bq is not None:
            item.RadionuclideTotalDose = as_decimals([facts.injected_bq])[0]
        if facts.half_life_s is not None:
            item.RadionuclideHalfLife = as_decimals([facts.half_life_s])[0]
        return item

    def _slice_of(self, plane: int) -> PetSlice:
        parts = self.acquisition.slices
        if len(parts) <= 1:
            return parts[0] if parts else PetSlice()
        if all(part.position_mm is None for part in parts):
            return parts[plane]
        here = [p for p in parts if p.position_mm and round(self._depth(p)) == plane]
        if len(here) != 1:
            raise GeometryError(
                f"slices of the acquisition must lie one on each plane; plane {plane} has {len(here)}; "
                "state positions of the image's own planes, or none at all"
            )
        return here[0]

    def _depth(self, part: PetSlice) -> float:
        return float(self.grid.patient_to_index(part.position_mm or (0.0, 0.0, 0.0))[0])

    def _frame_reference_time_s(self, part: PetSlice) -> float:
        """Time from the series' start to the moment of the frame's average count rate [s]."""
        if part.frame_reference_time_s is not None:
            return part.frame_reference_time_s
        since_start_s = 0.0
        if part.acquisition_start is not None:
            since_start_s = (part.acquisition_start - self.series_start).total_seconds()
        duration_s, half_life_s = part.frame_duration_s or 0.0, self.acquisition.half_life_s
        if duration_s == 0.0 or half_life_s is None:
            return since_start_s + 0.5 * duration_s
        # Mean of exp(-x) over the frame equals exp(-x) at this moment.
        decays = math.log(2) * duration_s / half_life_s
        return since_start_s - half_life_s / math.log(2) * math.log(-math.expm1(-decays) / decays)

    def _decay_factor(self, part: PetSlice, reference_s: float) -> float:
        if part.decay_factor is not None:
            return part.decay_factor
        half_life_s = self.acquisition.half_life_s or math.inf
        elapsed_s = reference_s
        if self.acquisition.decay_reference is DecayReference.ADMIN and self.acquisition.injection:
            elapsed_s += (self.series_start - self.acquisition.injection).total_seconds()
        return float(2.0 ** (elapsed_s / half_life_s))


def _radionuclide(name: str) -> Dataset:
    """Return the code of ``"F-18"``, ``"18F"``, ``"^18^Fluorine"`` and the like.

    CID 4020 holds the codes of PET; SPECT in Bq/mL stored as PT takes those of radiopharmaceuticals, CID 18.
    """
    match = re.fullmatch(r"\^?(\d+m?)\^?-?([A-Za-z]+)|([A-Za-z]+)-?(\d+m?)", name.strip())
    if match:
        mass, symbol = (match[1], match[2]) if match[1] else (match[4], match[3])
        element = _ELEMENTS.get(symbol.capitalize(), symbol.capitalize())
        keyword = f"_{mass}{element}"
        for group in (codes.cid4020, codes.cid18):
            if keyword in group.dir():
                code = getattr(group, keyword)
                return coded(code.value, code.scheme_designator, code.meaning)
    raise InputError(
        f"radionuclide must be one of DICOM's lists CID 4020 and CID 18, e.g. 'F-18' or '^18^Fluorine'; "
        f"got {name!r}"
    )


_ELEMENTS: Final = {
    "C": "Carbon",
    "Lu": "Lutetium",
    "I": "Iodine",
    "N": "Nitrogen",
    "O": "Oxygen",
    "Tb": "Terbium",
    "F": "Fluorine",
    "Na": "Sodium",
    "K": "Potassium",
    "Sc": "Scandium",
    "Ti": "Titanium",
    "Mn": "Manganese",
    "Fe": "Iron",
    "Cu": "Copper",
    "Zn": "Zinc",
    "Ga": "Gallium",
    "Ge": "Germanium",
    "As": "Arsenic",
    "Se": "Selenium",
    "Br": "Bromine",
    "Rb": "Rubidium",
    "Y": "Yttrium",
    "Zr": "Zirconium",
    "Nb": "Niobium",
    "Tc": "Technetium",
}
