"""From scans of a radioligand with lesions drawn on each to absorbed doses by three methods."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.image import Image, Quantity
from tumorboard.core.nuclide import Nuclide
from tumorboard.dosimetry.dose_kernel import dose_kernel
from tumorboard.dosimetry.dose_kernel_convolution import DensityCorrection, KernelConvolution
from tumorboard.dosimetry.local_deposition import LocalDeposition
from tumorboard.dosimetry.progeny import ProgenyDecays, progeny_decays
from tumorboard.dosimetry.radiation_dose import RadiationDose, radiation_dose
from tumorboard.dosimetry.voxel_dose import DecayMap, VoxelDose, VoxelDoseMethod, voxel_dose
from tumorboard.dosimetry.voxel_dose_monte_carlo import MonteCarlo
from tumorboard.errors import InputError
from tumorboard.numerics.voxelise import voxelise
from tumorboard.outcomes.dose_volume import dose_volume_histogram
from tumorboard.pet.decay_reference import half_life_of
from tumorboard.physics.decay import decay_data
from tumorboard.physics.decay_emissions import decay_emissions
from tumorboard.physics.materials import material
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.decay_source import DecayEmissions
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.provenance import Record
from tumorboard.workflows.progress import Progress, silent
from tumorboard.workflows.radioligand.config import ALPHA_NUCLIDES, NUCLIDES, ContourSource, RadioligandConfig
from tumorboard.workflows.radioligand.contours import ContourReport, carried_scans, compared_contours
from tumorboard.workflows.radioligand.result import LesionDose, RadioligandResult
from tumorboard.workflows.radioligand.surroundings import decay_map, medium_around, window_around
from tumorboard.workflows.radioligand.time_course import (
    ActivityScan,
    RegionCourse,
    common_lesions,
    region_course,
    rest_course,
    scan_time_s,
)
from tumorboard.workflows.radioligand.words import contour_notes, notes_on, overlap_notes, progeny_notes

__all__ = ["run"]

_KERNEL_REACH_MM: Final = 40.0


def run(
    config: RadioligandConfig,
    scans: Sequence[ActivityScan],
    *,
    ct: Image | None,
    kernel_cache: Path | None = None,
    progress: Progress = silent,
) -> RadioligandResult:
    """Follow activity over the scans and calculate doses to the lesions.

    Parameters
    ----------
    config
        The choices.
    scans
        Of one administration, in any order: two or more, or one where the choices say what follows from it.
    ct
        CT_NUMBER in the frame of reference of the last scan, or ``None``: then the body is water.
    kernel_cache
        Folder of voxel dose kernels that were made before; ``None``: none.
    progress
        Told how far it is.

    Returns
    -------
    RadioligandResult

    Raises
    ------
    InputError
        When there is one scan and no choice for it, scans are not of one administration, no lesion is drawn
        where the choice of contours needs it, the nuclide needs an assumption on its progeny, or the files
        lack what is needed.
    """
    clock = _Clock()
    nuclide = _one_administration(config, scans)
    ordered = sorted(scans, key=scan_time_s)
    ordered, added, contours = _contours(config, ordered, progress)
    names = common_lesions(ordered)
    clock.lap("contours")
    physical_s = decay_data(nuclide, library=config.library).half_life_s
    progress("following activity over time", 0, 4)
    total = region_course(
        ordered,
        None,
        config,
        physical_half_life_s=physical_s,
        relative_uncertainty=config.total_relative_uncertainty,
    )
    courses = [
        region_course(
            ordered,
            name,
            config,
            physical_half_life_s=physical_s,
            relative_uncertainty=np.hypot(config.lesion_relative_uncertainty, added[name]),
        )
        for name in names
    ]
    clock.lap("time_course")
    last = ordered[-1]
    masks = [voxelise(last.lesions[name], last.image.grid) for name in names]
    start, stop = window_around(masks, config.margin_mm)
    part = last.image.crop(start, stop)
    medium, words = medium_around(last.image, ct, start, stop)
    cut = [mask.crop(start, stop) for mask in masks]
    rest = rest_course(ordered, total, names, config, physical_half_life_s=physical_s)
    decays = _decays(last, part, cut, total, courses, rest)
    clock.lap("medium")
    progeny, emissions = _emitted(config, nuclide)
    doses = _doses(config, decays, medium, emissions, kernel_cache, progress, clock)
    apart = _apart(config, decays, medium, emissions) if nuclide.name in ALPHA_NUCLIDES else None
    clock.lap("dose_by_radiation")
    lesions = tuple(
        _lesion(course, mask, ordered, doses, apart) for course, mask in zip(courses, cut, strict=True)
    )
    clock.lap("histograms")
    record = Record(
        "workflows.radioligand.run",
        config.parameters(),
        (
            total.provenance,
            *(() if progeny is None else (progeny.provenance,)),
            *(d.provenance for d in doses.values()),
        ),
    )
    progress("following activity over time", 4, 4)
    return RadioligandResult(
        config=config,
        nuclide=nuclide.name,
        physical_half_life_s=physical_s,
        injected_bq=last.acquisition.injected_bq,
        total=total,
        lesions=lesions,
        doses=doses,
        scan=part,
        medium=words,
        notes=(
            *notes_on(config, ordered, total, courses, words),
            *progeny_notes(config, progeny),
            *contour_notes(contours),
            *overlap_notes(names, masks),
        ),
        stages_s=clock.stages_s,
        provenance=record,
        contours=contours,
        progeny=progeny,
    )


def _contours(
    config: RadioligandConfig, scans: list[ActivityScan], progress: Progress
) -> tuple[list[ActivityScan], dict[str, NDArray[np.float64]], ContourReport | None]:
    """Return scans with the contours to measure in, what carrying adds to uncertainties, and the report."""
    if config.contours is not ContourSource.EACH_SCAN and len(scans) > 1:
        carried, added, report = carried_scans(config, scans, progress)
        if not common_lesions(carried):
            raise InputError("lesions must have activity in them on every scan; none that is drawn does")
        return carried, added, report
    names = common_lesions(scans)
    if not names:
        raise InputError(
            "lesions must be drawn, by the same name and with activity in them, on every scan; got none; "
            "with contours=ContourSource.PROPAGATED_RIGID those of one scan are carried to the others"
        )
    compare = config.compare_contours and len(scans) > 1
    compared = compared_contours(config, scans, names, progress) if compare else None
    return scans, {name: np.zeros(len(scans)) for name in names}, compared


class _Clock:
    """Times stages, one after the other."""

    def __init__(self) -> None:
        self.stages_s: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.stages_s[name] = now - self._since
        self._since = now


def _one_administration(config: RadioligandConfig, scans: Sequence[ActivityScan]) -> Nuclide:
    if not scans or (len(scans) == 1 and config.single_scan is None):
        raise InputError(
            f"scans must be two or more of one administration; got {len(scans)}; for one choose how decays "
            "follow from it, e.g. single_scan=SingleScan.HAENSCHEID with half_lives"
        )
    for scan in scans:
        if not scan.acquisition.radionuclide:
            raise InputError(
                f"Radionuclide Code Sequence (0054,0300) of {scan.title} must name the radionuclide, by Code "
                "Value (0008,0100) of DICOM's CID 18 or 4020 or by Code Meaning (0008,0104); the files do "
                "not; correct radionuclide"
            )
    found = {Nuclide.named(s.acquisition.radionuclide or "").name for s in scans}
    if len(found) > 1 or not found <= set(NUCLIDES):
        raise InputError(
            f"scans must be of one nuclide of {', '.join(NUCLIDES)}; got {', '.join(sorted(found))}"
        )
    (name,) = found
    if name in ALPHA_NUCLIDES and config.progeny is None:
        raise InputError(
            f"progeny must be given for {name}, whose progeny emits most of the energy; got None; say e.g. "
            "ProgenyFate(ProgenyAssumption.WITH_PARENT)"
        )
    given = {s.acquisition.injection for s in scans}
    if len(given) > 1:
        moments = ", ".join(sorted(str(moment) for moment in given))
        raise InputError(
            f"scans must follow one administration; got {moments}; report each administration by itself"
        )
    for scan in scans:
        if scan.image.quantity is not Quantity.ACTIVITY_CONCENTRATION:
            raise InputError(
                f"{scan.title} must be an activity concentration [Bq/mL]; got {scan.image.quantity.value}"
            )
    return Nuclide.named(name)


def _emitted(config: RadioligandConfig, nuclide: Nuclide) -> tuple[ProgenyDecays | None, DecayEmissions]:
    """Return what is assumed of progeny, and what one decay emits in its place, progeny included."""
    if config.progeny is None:
        return None, decay_emissions(nuclide, library=config.library)
    found = progeny_decays(nuclide, config.progeny, library=config.library, until_s=math.inf)
    return found, found.emissions()


def _apart(
    config: RadioligandConfig, decays: DecayMap, medium: TransportMedium, emissions: DecayEmissions
) -> RadiationDose:
    """Return the dose of alphas, electrons and photons apart, by Monte Carlo."""
    plan = BatchPlan(config.histories, config.seed, config.threads)
    return radiation_dose(decays, medium, emissions, MonteCarlo(plan, follow_photons=True))


def _decays(
    last: ActivityScan,
    part: Image,
    masks: Sequence[Image],
    total: RegionCourse,
    courses: Sequence[RegionCourse],
    rest: RegionCourse,
) -> DecayMap:
    """Return decays in voxels of the part, from the last scan as stored."""
    stored_bq = float(last.image.values.sum(dtype=np.float64)) * last.image.grid.voxel_volume_ml
    as_scanned = float(total.samples.activity_bq[-1]) / stored_bq
    record = Record(
        "workflows.radioligand.as_scanned",
        {"factor": as_scanned, "half_life_s": half_life_of(last.acquisition)},
        (part.provenance,),
    )
    now = Image((part.values * as_scanned).astype(np.float32), part.grid, part.quantity, record)
    return decay_map(now, [m.values for m in masks], courses, rest)


def _doses(
    config: RadioligandConfig,
    decays: DecayMap,
    medium: TransportMedium,
    emissions: DecayEmissions,
    kernel_cache: Path | None,
    progress: Progress,
    clock: _Clock,
) -> dict[str, VoxelDose]:
    size = tuple(2 * int(np.ceil(_KERNEL_REACH_MM / mm)) + 1 for mm in decays.grid.spacing_mm)
    progress("making a dose kernel", 1, 4)
    kernel = dose_kernel(
        emissions,
        material("water, liquid"),
        BatchPlan(config.kernel_histories, config.seed, config.threads),
        spacing_mm=decays.grid.spacing_mm,
        shape=(size[0], size[1], size[2]),
        cache=kernel_cache,
    )
    clock.lap("kernel")
    least = config.least_density_g_cm3
    methods: dict[str, VoxelDoseMethod] = {
        "local": LocalDeposition(config.photons_stay_below_mev, least),
        "kernel": KernelConvolution(
            kernel, DensityCorrection.LOCAL, least, uncertainty=False, threads=config.threads
        ),
        "monte_carlo": MonteCarlo(
            BatchPlan(config.histories, config.seed, config.threads), follow_photons=True
        ),
    }
    found = {}
    for name, method in methods.items():
        progress("calculating dose", 2 + (name == "monte_carlo"), 4)
        found[name] = voxel_dose(decays, medium, emissions, method)
        clock.lap(f"dose_{name}")
    return found


def _lesion(
    course: RegionCourse,
    mask: Image,
    scans: Sequence[ActivityScan],
    doses: dict[str, VoxelDose],
    apart: RadiationDose | None,
) -> LesionDose:
    volumes = []
    for scan in scans:
        covered = voxelise(scan.lesions[course.name], scan.image.grid).values
        volumes.append(float(covered.sum(dtype=np.float64)) * scan.image.grid.voxel_volume_ml)
    followed = doses["monte_carlo"]
    weighted = np.asarray(followed.dose.values, np.float64) * mask.values
    spread = 0.0
    if followed.relative_uncertainty is not None and weighted.sum() > 0:
        spread = float(np.linalg.norm(weighted * followed.relative_uncertainty.values) / weighted.sum())
    return LesionDose(
        course=course,
        volumes_ml=tuple(volumes),
        mask=mask,
        histograms={
            name: dose_volume_histogram(one.dose, mask, name=course.name) for name, one in doses.items()
        },
        statistical_uncertainty=spread,
        by_radiation=None if apart is None else _mean(apart, np.asarray(mask.values, np.float64)),
    )


def _mean(apart: RadiationDose, weights: NDArray[np.float64]) -> RadiationDose:
    """Return the means in a region, each without shape."""
    alpha, electron, photon = (
        np.asarray(np.average(part, weights=weights))
        for part in (apart.alpha_gy, apart.electron_gy, apart.photon_gy)
    )
    return RadiationDose(alpha, electron, photon, apart.provenance)
