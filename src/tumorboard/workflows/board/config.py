"""What a user can choose about a tumour-board report."""

from __future__ import annotations

from dataclasses import dataclass, field

from tumorboard.errors import InputError
from tumorboard.workflows.board.kinetic_choices import KineticsChoices
from tumorboard.workflows.board.radioligand_choices import RadioligandChoices
from tumorboard.workflows.immunotherapy.config import ImmunotherapyConfig
from tumorboard.workflows.proton_plan.config import ProtonPlanConfig

__all__ = ["CONTOURS", "SECTIONS", "SUV_VARIANTS", "BoardConfig"]

#: Sections in the order of the report; later ones may use what earlier ones stored. That on Monte Carlo is
#: made where the prescription asks for it, that on radioligands where there are scans of one, that on
#: kinetics where there are curves or a dynamic scan of BIDS, that on immunotherapy where there are variants.
SECTIONS = ("scans", "structures", "pet", "radioligand", "kinetics", "proton", "monte_carlo", "immunotherapy")

#: Names a user types for :class:`tumorboard.pet.SuvVariant`.
SUV_VARIANTS = (
    "body_weight",
    "lean_body_mass_james",
    "lean_body_mass_janmahasatian",
    "body_surface_area",
    "ideal_body_weight",
)


#: Names a user types for :class:`tumorboard.workflows.radioligand.config.ContourSource`.
CONTOURS = ("each_scan", "propagated_rigid", "propagated_deformable")

_BODY_WEIGHT_THRESHOLD = 4.0


@dataclass(frozen=True, slots=True)
class BoardConfig:
    """Choices of one report; each is printed in it.

    Parameters
    ----------
    sections
        Which sections to run, from :data:`SECTIONS`.
    suv_variant
        One of :data:`SUV_VARIANTS`.
    lesion_threshold_suv
        Voxels at or above this belong to a candidate lesion [g/mL], or [cm2/mL] for body surface area.
        4.0 for body weight when it is ``None``, the fixed threshold of the international FDG lymphoma
        benchmark [1]_; for other uptake values nobody has published one that this could be.
    lesion_min_volume_ml
        Smaller connected regions are left out [mL]; 3.0 is that benchmark's.
    jobs
        Processes and threads at most.
    patient_id
        Which patient, when the folder holds several.
    prescription
        Of a proton plan; ``None``: no plan is made.
    contours
        Which contours a radioligand's lesions are measured in, of :data:`CONTOURS`; ``None``: those drawn on
        each scan, or where they are on one scan only, these carried rigidly to the others.
    psf_fwhm_mm
        Full width at half maximum of the point spread of a radioligand's scans, 1 to 60; ``None``: not
        known, and nothing is said of partial volume's size [mm].
    radioligand
        Curve, one scan, progeny and decay data of a radioligand.
    kinetics
        Reference region, and delay and share of blood, of a dynamic scan.
    immunotherapy
        Peptides, thresholds and purity of a tumour's variants; its threads are ``jobs``.

    References
    ----------
    .. [1] boellaard2024benchmark
    """

    sections: tuple[str, ...] = SECTIONS
    suv_variant: str = "body_weight"
    lesion_threshold_suv: float | None = None
    lesion_min_volume_ml: float = 3.0
    jobs: int = 2
    patient_id: str | None = None
    prescription: ProtonPlanConfig | None = None
    psf_fwhm_mm: float | None = None
    contours: str | None = None
    radioligand: RadioligandChoices = field(default_factory=RadioligandChoices)
    kinetics: KineticsChoices = field(default_factory=KineticsChoices)
    immunotherapy: ImmunotherapyConfig = field(default_factory=ImmunotherapyConfig)

    def __post_init__(self) -> None:
        unknown = [name for name in self.sections if name not in (*SECTIONS, "truth")]
        if unknown or not self.sections:
            raise InputError(f"sections must be of {', '.join(SECTIONS)}; got {', '.join(unknown) or 'none'}")
        if self.suv_variant not in SUV_VARIANTS:
            raise InputError(
                f"suv_variant must be one of {', '.join(SUV_VARIANTS)}; got {self.suv_variant!r}"
            )
        if self.lesion_threshold_suv is None and self.suv_variant != "body_weight":
            raise InputError(
                f"lesion_threshold_suv must be stated for suv_variant {self.suv_variant}: the usual "
                f"{_BODY_WEIGHT_THRESHOLD:g} g/mL is for body weight, and about a quarter of that marks the "
                "same voxels by body surface area [cm2/mL]; pass --lesion-threshold-suv"
            )
        if not 0 < self.threshold_suv < 1e3:
            raise InputError(
                f"lesion_threshold_suv must be > 0 and < 1000 [g/mL]; got {self.lesion_threshold_suv!r}"
            )
        if not 0 <= self.lesion_min_volume_ml < 1e4:
            raise InputError(
                f"lesion_min_volume_ml must be >= 0 and < 10000 [mL]; got {self.lesion_min_volume_ml!r}"
            )
        if self.contours is not None and self.contours not in CONTOURS:
            raise InputError(f"contours must be one of {', '.join(CONTOURS)}; got {self.contours!r}")
        if self.psf_fwhm_mm is not None and not 1 <= self.psf_fwhm_mm <= 60:
            raise InputError(f"psf_fwhm_mm must be 1 to 60 [mm]; got {self.psf_fwhm_mm!r}")
        if self.jobs < 1:
            raise InputError(f"jobs must be >= 1; got {self.jobs!r}")

    @property
    def threshold_suv(self) -> float:
        """Uptake at or above which voxels belong to a candidate lesion, in the variant's unit."""
        return _BODY_WEIGHT_THRESHOLD if self.lesion_threshold_suv is None else self.lesion_threshold_suv
