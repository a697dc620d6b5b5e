"""A synthetic patient: CT, FDG PET, organs, and lesions of known volume and uptake."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetSlice, PetUnits, Sex
from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import Structure, StructureKind, StructureSet
from tumorboard.errors import InputError
from tumorboard.phantoms.anatomy import HEIGHT_MM, torso
from tumorboard.phantoms.scanner import simulate_ct, simulate_pet
from tumorboard.provenance import Record
from tumorboard.units import ML_PER_MM3, S_PER_MIN

__all__ = ["DigitalPatient", "DigitalPatientConfig", "TrueLesion", "simulate_patient"]

#: F-18 half-life: 109.77(5) min in the decay sublibrary of ENDF/B-VIII.1 [s].
_F18_HALF_LIFE_S = 109.77 * S_PER_MIN


@dataclass(frozen=True, slots=True)
class TrueLesion:
    """A spherical lesion.

    Parameters
    ----------
    name
        E.g. ``"lung lesion"``.
    centre_mm
        Patient (x, y, z) [mm].
    radius_mm
        > 0 [mm].
    suv
        Uniform uptake at scan start [g/mL].
    ct_number_hu
        CT number [HU].
    """

    name: str
    centre_mm: tuple[float, float, float]
    radius_mm: float
    suv: float
    ct_number_hu: float

    def __post_init__(self) -> None:
        if not (self.radius_mm > 0 and self.suv > 0):
            raise InputError(f"radius_mm [mm] and suv [g/mL] of {self.name!r} must be > 0; got {self}")

    @property
    def volume_ml(self) -> float:
        """Volume of the sphere [mL]."""
        return 4.0 / 3.0 * math.pi * self.radius_mm**3 * ML_PER_MM3


@dataclass(frozen=True, slots=True)
class DigitalPatientConfig:
    """What to build.

    Parameters
    ----------
    lesions
        Spheres laid over the anatomy.
    ct_spacing_mm, pet_spacing_mm
        Voxels along (z, y, x) [mm].
    weight_kg, height_m
        Of the whole patient [kg], [m].
    injected_bq
        Of F-18 FDG [Bq].
    uptake_time_s
        From injection to scan start [s].
    pet_intrinsic_fwhm_mm, pet_filter_fwhm_mm
        Blur before and after counting [mm].
    counts_per_bq
        Noise level: counts per becquerel in a voxel [1/Bq].
    seed
        Of the noise.
    scan_start
        Local date and time of the PET scan.
    """

    lesions: tuple[TrueLesion, ...] = (
        TrueLesion("lung lesion", (-92.0, 6.0, 536.0), 13.0, 9.0, 30.0),
        TrueLesion("liver lesion", (-96.0, 10.0, 386.0), 15.0, 8.0, 42.0),
    )
    ct_spacing_mm: tuple[float, float, float] = (3.0, 1.953125, 1.953125)
    pet_spacing_mm: tuple[float, float, float] = (3.0, 4.07283, 4.07283)
    weight_kg: float = 68.0
    height_m: float = 1.74
    injected_bq: float = 300e6
    uptake_time_s: float = 60 * S_PER_MIN
    pet_intrinsic_fwhm_mm: float = 4.5
    pet_filter_fwhm_mm: float = 4.0
    counts_per_bq: float = 0.05
    seed: int = 1
    scan_start: datetime = datetime(2026, 1, 15, 10, 30, 0)


@dataclass(frozen=True, slots=True, eq=False)
class DigitalPatient:
    """A synthetic patient and the truth about it.

    Parameters
    ----------
    ct
        CT numbers [HU].
    pet
        Activity concentration, decay-corrected to scan start [Bq/mL].
    structures
        Organs, and a GTV for each lesion, as masks on the CT grid.
    acquisition
        What a scanner would note.
    lesions
        The true lesions.
    organ_suv
        True uptake of each structure: mean over its voxels [g/mL].
    organ_volume_ml
        True volume of each structure [mL].
    true_ct
        CT numbers without blur and noise [HU].
    """

    ct: Image
    pet: Image
    structures: StructureSet
    acquisition: PetAcquisition
    lesions: tuple[TrueLesion, ...]
    organ_suv: dict[str, float]
    organ_volume_ml: dict[str, float]
    true_ct: Image

    def truth(self) -> dict[str, Any]:
        """Return the truth as JSON-serialisable values."""
        return {
            "lesions": [
                {
                    "name": lesion.name,
                    "centroid_mm": list(lesion.centre_mm),
                    "volume_ml": lesion.volume_ml,
                    "suv": lesion.suv,
                }
                for lesion in self.lesions
            ],
            "organs": [
                {"name": name, "suv": suv, "volume_ml": self.organ_volume_ml[name]}
                for name, suv in self.organ_suv.items()
            ],
        }


def simulate_patient(config: DigitalPatientConfig, *, frame_of_reference: str) -> DigitalPatient:
    """Build the patient and scan it.

    Uptake values are the tissues' own: arms and lower legs, which the scan leaves out, hold the rest of
    the injected activity.

    Parameters
    ----------
    config
        What to build.
    frame_of_reference
        DICOM UID shared by CT and PET.

    Returns
    -------
    DigitalPatient
        Images, structures and truth.
    """
    ct_grid = _grid(config.ct_spacing_mm, 500.0, frame_of_reference)
    pet_grid = _grid(config.pet_spacing_mm, 684.0, frame_of_reference)
    anatomy = torso(ct_grid)
    made = Record("phantoms.digital_patient", {"lesions": [lesion.name for lesion in config.lesions]})
    hu = anatomy.lookup(lambda organ: organ.ct_number_hu)
    suv = anatomy.lookup(lambda organ: organ.suv)
    for lesion in config.lesions:
        _lay(hu, ct_grid, lesion, lesion.ct_number_hu)
        _lay(suv, ct_grid, lesion, lesion.suv)
    decay = math.exp(-math.log(2) / _F18_HALF_LIFE_S * config.uptake_time_s)
    bq_ml_per_suv = config.injected_bq * decay / (config.weight_kg * 1e3)
    organs = {name: anatomy.mask(*parts) for name, parts in anatomy.structures.items()}
    return DigitalPatient(
        ct=simulate_ct(
            Image(hu, ct_grid, Quantity.CT_NUMBER, made), fwhm_mm=1.6, noise_hu=14.0, seed=config.seed
        ),
        pet=simulate_pet(
            Image(suv * np.float32(bq_ml_per_suv), ct_grid, Quantity.ACTIVITY_CONCENTRATION, made),
            pet_grid,
            intrinsic_fwhm_mm=config.pet_intrinsic_fwhm_mm,
            filter_fwhm_mm=config.pet_filter_fwhm_mm,
            counts_per_bq=config.counts_per_bq,
            seed=config.seed + 1,
        ),
        structures=_structures(organs, config.lesions, ct_grid, made),
        acquisition=_acquisition(config, pet_grid),
        lesions=config.lesions,
        organ_suv={name: float(suv[mask].mean()) for name, mask in organs.items()},
        organ_volume_ml={
            name: float(np.count_nonzero(mask) * ct_grid.voxel_volume_ml) for name, mask in organs.items()
        },
        true_ct=Image(hu, ct_grid, Quantity.CT_NUMBER, made),
    )


def _grid(spacing_mm: tuple[float, float, float], width_mm: float, frame_of_reference: str) -> Grid:
    spacing = np.array(spacing_mm)
    shape = np.rint([HEIGHT_MM, width_mm, width_mm] / spacing).astype(int)
    corner = -0.5 * (shape[1:] - 1) * spacing[1:]
    return Grid(
        shape, spacing, (corner[1], corner[0], 0.5 * spacing[0]), AXIAL, frame_of_reference=frame_of_reference
    )


def _lay(values: NDArray[np.float32], grid: Grid, lesion: TrueLesion, value: float) -> None:
    """Blend a sphere into ``values``, each voxel by the fraction of 5^3 points that lie inside."""
    centre = grid.patient_to_index(lesion.centre_mm)
    reach = lesion.radius_mm / grid.spacing_mm + 1
    start = np.maximum(np.floor(centre - reach).astype(int), 0)
    stop = np.minimum(np.ceil(centre + reach).astype(int) + 1, grid.shape)
    if (start >= stop).any():
        raise InputError(
            f"lesion {lesion.name!r} must lie inside the phantom; got centre {lesion.centre_mm} [mm]"
        )
    offsets = (np.arange(5) - 2) / 5
    axes = [(np.arange(a, b)[:, None] + offsets).ravel() for a, b in zip(start, stop, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij", sparse=True)
    (cz, cy, cx), (dz, dy, dx) = centre, grid.spacing_mm
    inside = ((z - cz) * dz) ** 2 + ((y - cy) * dy) ** 2 + ((x - cx) * dx) ** 2 <= lesion.radius_mm**2
    n = stop - start
    fraction = inside.reshape(n[0], 5, n[1], 5, n[2], 5).mean(axis=(1, 3, 5), dtype=np.float32)
    window = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    values[window] += fraction * (value - values[window])


def _structures(
    organs: dict[str, NDArray[np.bool_]], lesions: tuple[TrueLesion, ...], grid: Grid, made: Record
) -> StructureSet:
    drawn = {name: (mask, StructureKind.ORGAN) for name, mask in organs.items()}
    for lesion in lesions:
        fraction = np.zeros(grid.shape, np.float32)
        _lay(fraction, grid, lesion, 1.0)
        drawn[f"GTV {lesion.name}"] = (fraction >= 0.5, StructureKind.GTV)
    structures = tuple(
        Structure(name, mask=Image(mask, grid, Quantity.LABEL, made), kind=kind)
        for name, (mask, kind) in drawn.items()
    )
    return StructureSet(structures, grid.frame_of_reference, made, label="Organs and targets")


def _acquisition(config: DigitalPatientConfig, grid: Grid) -> PetAcquisition:
    return PetAcquisition(
        units=PetUnits.BQML,
        decay_reference=DecayReference.START,
        corrected_image=("DECY", "ATTN", "SCAT", "RAN", "NORM"),
        radionuclide="^18^Fluorine",
        radionuclide_code="C-111A1",
        radiopharmaceutical="Fluorodeoxyglucose F^18^",
        half_life_s=_F18_HALF_LIFE_S,
        injected_bq=config.injected_bq,
        injection=config.scan_start - timedelta(seconds=config.uptake_time_s),
        series_start=config.scan_start,
        # One frame that covers the whole body at once, as a scanner with a long field of view takes it.
        slices=tuple(
            PetSlice(
                position_mm=tuple(grid.index_to_patient((k, 0, 0)).tolist()),
                acquisition_start=config.scan_start,
            )
            for k in range(grid.shape[0])
        ),
        weight_kg=config.weight_kg,
        height_m=config.height_m,
        sex=Sex.MALE,
        manufacturer="tumorboard",
        provenance=Record("phantoms.digital_patient"),
    )
