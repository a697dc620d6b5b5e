"""What the dosimetry of a radioligand comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tumorboard.core.image import Image
from tumorboard.dosimetry.progeny import ProgenyDecays
from tumorboard.dosimetry.radiation_dose import RadiationDose
from tumorboard.dosimetry.voxel_dose import VoxelDose
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram
from tumorboard.provenance import Record
from tumorboard.workflows.radioligand.config import RadioligandConfig
from tumorboard.workflows.radioligand.contours import ContourReport
from tumorboard.workflows.radioligand.time_course import RegionCourse

__all__ = ["LesionDose", "RadioligandResult"]


@dataclass(frozen=True, slots=True, eq=False)
class LesionDose:
    """One lesion.

    Parameters
    ----------
    course
        Its activity over time.
    volumes_ml
        Of its contours on each scan [mL].
    mask
        FRACTION of the voxels of the dose grid that it covers.
    histograms
        Dose-volume histogram by method: ``"local"``, ``"kernel"``, ``"monte_carlo"``.
    statistical_uncertainty
        Relative standard uncertainty of its mean dose by Monte Carlo, voxels taken for independent.
    by_radiation
        Its mean dose by alphas, electrons and photons apart, by Monte Carlo; ``None`` but for alpha emitters.
    """

    course: RegionCourse
    volumes_ml: tuple[float, ...]
    mask: Image
    histograms: Mapping[str, DoseVolumeHistogram]
    statistical_uncertainty: float
    by_radiation: RadiationDose | None = None

    @property
    def relative_uncertainty(self) -> float:
        """Of the dose, by the activities and by Monte Carlo; no other cause is in it."""
        return float((self.course.decays_relative_uncertainty**2 + self.statistical_uncertainty**2) ** 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class RadioligandResult:
    """Activities, half-lives and doses of one administration.

    Parameters
    ----------
    config
        The choices.
    nuclide
        Its name.
    physical_half_life_s
        Of the nuclide [s].
    injected_bq
        Activity that was given, at administration [Bq]; ``None`` when not stated.
    total
        All that is in the scans.
    lesions
        In the order of their contours.
    doses
        By method, on the part of the last scan's grid around the lesions.
    scan
        The last scan on that part, as stored [Bq/mL].
    medium
        In words: what the voxels were taken to be made of.
    notes
        What a reader should know, one sentence each.
    stages_s
        Time of each stage [s].
    provenance
        Of the whole.
    contours
        What carrying lesions from one scan to the others comes to, for use or for comparison; ``None`` where
        that was not asked for.
    progeny
        Decays of the nuclide's progeny by what was assumed of it; ``None`` where it was not looked at.
    """

    config: RadioligandConfig
    nuclide: str
    physical_half_life_s: float
    injected_bq: float | None
    total: RegionCourse
    lesions: tuple[LesionDose, ...]
    doses: Mapping[str, VoxelDose]
    scan: Image
    medium: str
    notes: tuple[str, ...]
    stages_s: Mapping[str, float]
    provenance: Record
    contours: ContourReport | None = None
    progeny: ProgenyDecays | None = None
