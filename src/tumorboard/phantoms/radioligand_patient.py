"""The abdomen of the synthetic patient after Lu-177: scans on several days, and the decays behind them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetSlice, PetUnits, Sex
from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import Structure, StructureKind, StructureSet
from tumorboard.errors import InputError
from tumorboard.phantoms.anatomy import Organ, torso
from tumorboard.phantoms.scanner import simulate_ct, simulate_pet
from tumorboard.physics.decay import DecayLibrary, decay_data
from tumorboard.provenance import Record
from tumorboard.units import S_PER_MIN

__all__ = ["RadioligandPatient", "RadioligandPatientConfig", "RadioligandScan", "simulate_radioligand"]

_S_PER_H = 60.0 * S_PER_MIN
#: Of the field of view: lowest z, its height, width along x, depth along y [mm].
_BOTTOM_MM, _HEIGHT_MM, _WIDTH_MM, _DEPTH_MM = 240.0, 230.4, 384.0, 259.2
_LESION_NAME, _LESION_HU = "Liver metastasis", 45.0
_LESION_CENTRE_MM, _LESION_RADIUS_MM = (-84.0, -2.0, 390.0), 25.0
_KIDNEYS = {"Right kidney": -1, "Left kidney": 1}


@dataclass(frozen=True, slots=True)
class RadioligandPatientConfig:
    """What was given, where it goes, and how it is scanned.

    Activity concentrations fall from administration on as single exponentials: no uptake phase.

    Parameters
    ----------
    lesion_bq_ml, kidney_bq_ml, spleen_bq_ml, liver_bq_ml, elsewhere_bq_ml
        Activity concentration at administration, > 0 [Bq/mL].
    lesion_half_life_h, kidney_half_life_h, spleen_half_life_h, liver_half_life_h, elsewhere_half_life_h
        Effective half-lives, > 0, at most the physical one [h].
    injected_bq
        Of Lu-177 [Bq].
    times_h
        Starts of the scans after administration, rising [h].
    frame_s
        Duration of each scan [s].
    true_spacing_mm, scan_spacing_mm
        Cubic voxels of the truth and the CT, and of the scans [mm].
    intrinsic_fwhm_mm, filter_fwhm_mm
        Blur before and after counting [mm].
    counts_per_bq
        Noise level: counts per becquerel in a voxel [1/Bq].
    drawn_inside_mm
        Structures are drawn so far inside the edge of what they show, against partial volume [mm].
    seed
        Of the noise.
    administration
        Local date and time.

    Raises
    ------
    InputError
        When times do not rise or an activity or half-life is out of range.

    Examples
    --------
    >>> RadioligandPatientConfig().times_h
    (4.0, 24.0, 96.0)
    """

    lesion_bq_ml: float = 3.0e6
    kidney_bq_ml: float = 1.0e6
    spleen_bq_ml: float = 0.4e6
    liver_bq_ml: float = 0.1e6
    elsewhere_bq_ml: float = 0.02e6
    lesion_half_life_h: float = 90.0
    kidney_half_life_h: float = 52.0
    spleen_half_life_h: float = 55.0
    liver_half_life_h: float = 50.0
    elsewhere_half_life_h: float = 30.0
    injected_bq: float = 7.4e9
    times_h: tuple[float, ...] = (4.0, 24.0, 96.0)
    frame_s: float = 1200.0
    true_spacing_mm: float = 2.4
    scan_spacing_mm: float = 4.8
    intrinsic_fwhm_mm: float = 6.0
    filter_fwhm_mm: float = 4.0
    counts_per_bq: float = 0.002
    drawn_inside_mm: float = 6.0
    seed: int = 1
    administration: datetime = datetime(2026, 2, 2, 9, 0, 0)

    def __post_init__(self) -> None:
        if not (self.times_h and self.times_h[0] > 0 and (np.diff(self.times_h) > 0).all()):
            raise InputError(f"times_h must be > 0 and rise [h]; got {self.times_h!r}")
        physical_h = _half_life_s() / _S_PER_H
        for name in ("lesion", "kidney", "spleen", "liver", "elsewhere"):
            bq_ml, hours = getattr(self, f"{name}_bq_ml"), getattr(self, f"{name}_half_life_h")
            if not bq_ml > 0:
                raise InputError(f"{name}_bq_ml must be > 0 [Bq/mL]; got {bq_ml!r}")
            if not 0 < hours <= physical_h:
                raise InputError(f"{name}_half_life_h must be > 0 and <= {physical_h:.2f} [h]; got {hours!r}")


@dataclass(frozen=True, slots=True, eq=False)
class RadioligandScan:
    """One scan: Bq/mL decay-corrected to administration, and what a scanner would note."""

    image: Image
    acquisition: PetAcquisition


@dataclass(frozen=True, slots=True, eq=False)
class RadioligandPatient:
    """The scans, and what is true.

    Parameters
    ----------
    ct, true_ct
        As scanned, and without blur and noise; on one grid [HU].
    scans
        By time.
    structures
        Lesion and kidneys, drawn inside their edges, as masks on the grid of the CT.
    time_integrated_bq_s_ml
        Decays in a unit of volume from administration on, analytic, shape of the CT's grid
        [Bq s/mL].
    half_life_h
        True effective half-life by structure [h].
    """

    ct: Image
    true_ct: Image
    scans: tuple[RadioligandScan, ...]
    structures: StructureSet
    time_integrated_bq_s_ml: NDArray[np.float64]
    half_life_h: dict[str, float]


def simulate_radioligand(config: RadioligandPatientConfig, *, frame_of_reference: str) -> RadioligandPatient:
    """Lay Lu-177 over the synthetic patient's abdomen and scan it.

    Parameters
    ----------
    config
        The choices.
    frame_of_reference
        DICOM UID of CT and scans.

    Returns
    -------
    RadioligandPatient

    Examples
    --------
    >>> coarse = RadioligandPatientConfig(true_spacing_mm=9.6, scan_spacing_mm=9.6)
    >>> len(simulate_radioligand(coarse, frame_of_reference="1.2.3").scans)
    3
    """
    made = Record("phantoms.radioligand_patient", {"seed": config.seed, "times_h": list(config.times_h)})
    grid = _grid(config.true_spacing_mm, frame_of_reference)
    anatomy = torso(grid)
    lesion = _lesion(grid)
    hu = anatomy.lookup(lambda organ: organ.ct_number_hu)
    hu[lesion] = _LESION_HU
    bq_ml = _laid(anatomy.lookup(lambda organ: _of(config, organ, "bq_ml")), lesion, config.lesion_bq_ml)
    half_life_s = _S_PER_H * _laid(
        anatomy.lookup(lambda organ: _of(config, organ, "half_life_h")), lesion, config.lesion_half_life_h
    )
    kidneys = anatomy.mask(Organ.KIDNEY) & ~lesion
    x_mm = grid.origin_mm[0] + grid.spacing_mm[2] * np.arange(grid.shape[2])
    drawn = {_LESION_NAME: lesion} | {n: kidneys & (side * x_mm > 0) for n, side in _KIDNEYS.items()}
    true_ct = Image(hu, grid, Quantity.CT_NUMBER, made)
    scan_grid = _grid(config.scan_spacing_mm, frame_of_reference)
    return RadioligandPatient(
        ct=simulate_ct(true_ct, fwhm_mm=2.0, noise_hu=20.0, seed=config.seed),
        true_ct=true_ct,
        scans=tuple(
            _scan(config, k, bq_ml, half_life_s, grid, scan_grid, made) for k in range(len(config.times_h))
        ),
        structures=_structures(drawn, config.drawn_inside_mm, grid, made),
        time_integrated_bq_s_ml=bq_ml * half_life_s / math.log(2.0),
        half_life_h={
            name: config.lesion_half_life_h if name == _LESION_NAME else config.kidney_half_life_h
            for name in drawn
        },
    )


def _half_life_s() -> float:
    return decay_data("Lu-177", library=DecayLibrary.ENDF_B_VIII_1).half_life_s


def _of(config: RadioligandPatientConfig, organ: Organ, what: str) -> float:
    """Return a tissue's activity concentration or half-life; air, lung's included, holds none."""
    if organ in (Organ.AIR, Organ.GAS):
        return 0.0 if what == "bq_ml" else 1.0
    named = {Organ.KIDNEY: "kidney", Organ.SPLEEN: "spleen", Organ.LIVER: "liver"}
    return float(getattr(config, f"{named.get(organ, 'elsewhere')}_{what}"))


def _laid(values: NDArray[np.float32], lesion: NDArray[np.bool_], value: float) -> NDArray[np.float64]:
    laid = values.astype(np.float64)
    laid[lesion] = value
    return laid


def _grid(spacing_mm: float, frame_of_reference: str) -> Grid:
    shape = np.rint(np.array([_HEIGHT_MM, _DEPTH_MM, _WIDTH_MM]) / spacing_mm).astype(int)
    half = 0.5 * spacing_mm
    origin = (half - 0.5 * _WIDTH_MM, half - 0.5 * _DEPTH_MM, half + _BOTTOM_MM)
    return Grid(shape, (spacing_mm,) * 3, origin, AXIAL, frame_of_reference=frame_of_reference)


def _lesion(grid: Grid) -> NDArray[np.bool_]:
    z, y, x = (
        start + step * np.arange(n)
        for start, step, n in zip(grid.origin_mm[::-1], grid.spacing_mm, grid.shape, strict=True)
    )
    cx, cy, cz = _LESION_CENTRE_MM
    away = (z - cz)[:, None, None] ** 2 + (y - cy)[None, :, None] ** 2 + (x - cx)[None, None, :] ** 2
    return np.asarray(away <= _LESION_RADIUS_MM**2)


def _structures(
    drawn: dict[str, NDArray[np.bool_]], inside_mm: float, grid: Grid, made: Record
) -> StructureSet:
    structures = tuple(
        Structure(
            name,
            mask=Image(
                ndimage.distance_transform_edt(mask, grid.spacing_mm) > inside_mm, grid, Quantity.LABEL, made
            ),
            kind=StructureKind.LESION if name == _LESION_NAME else StructureKind.ORGAN,
        )
        for name, mask in drawn.items()
    )
    return StructureSet(structures, grid.frame_of_reference, made, label="Lu-177 dosimetry")


def _scan(
    config: RadioligandPatientConfig,
    number: int,
    bq_ml: NDArray[np.float64],
    half_life_s: NDArray[np.float64],
    grid: Grid,
    scan_grid: Grid,
    made: Record,
) -> RadioligandScan:
    """Count the mean activity over the frame, and correct it for decay as a scanner does."""
    start_s = config.times_h[number] * _S_PER_H
    mean = bq_ml * 2.0 ** (-start_s / half_life_s) * _mean_over(config.frame_s, half_life_s)
    counted = simulate_pet(
        Image(mean.astype(np.float32), grid, Quantity.ACTIVITY_CONCENTRATION, made),
        scan_grid,
        intrinsic_fwhm_mm=config.intrinsic_fwhm_mm,
        filter_fwhm_mm=config.filter_fwhm_mm,
        counts_per_bq=config.counts_per_bq,
        seed=config.seed + 1 + number,
    )
    physical_s = _half_life_s()
    factor = 2.0 ** (start_s / physical_s) / float(_mean_over(config.frame_s, np.array(physical_s)))
    stored = Image(
        counted.values * np.float32(factor),
        scan_grid,
        Quantity.ACTIVITY_CONCENTRATION,
        Record("phantoms.decay_corrected", {"factor": factor}, (counted.provenance,)),
    )
    return RadioligandScan(stored, _acquisition(config, start_s, factor, physical_s, scan_grid))


def _mean_over(frame_s: float, half_life_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean activity over a frame by that at its start."""
    decayed = math.log(2.0) * frame_s / half_life_s
    return np.asarray(-np.expm1(-decayed) / decayed)


def _acquisition(
    config: RadioligandPatientConfig, start_s: float, factor: float, physical_s: float, grid: Grid
) -> PetAcquisition:
    start = config.administration + timedelta(seconds=start_s)
    return PetAcquisition(
        units=PetUnits.BQML,
        decay_reference=DecayReference.ADMIN,
        corrected_image=("DECY", "ATTN", "SCAT"),
        radionuclide="^177^Lutetium",
        radiopharmaceutical="Lu-177 radioligand, synthetic",
        half_life_s=physical_s,
        injected_bq=config.injected_bq,
        injection=config.administration,
        series_start=start,
        slices=tuple(
            PetSlice(
                position_mm=tuple(grid.index_to_patient((k, 0, 0)).tolist()),
                acquisition_start=start,
                frame_duration_s=config.frame_s,
                decay_factor=factor,
            )
            for k in range(grid.shape[0])
        ),
        sex=Sex.MALE,
        manufacturer="tumorboard",
        provenance=Record("phantoms.radioligand_patient"),
    )
