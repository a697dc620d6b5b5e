"""What a user can choose about immunotherapy targets."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

from tumorboard.errors import InputError

__all__ = ["CLASSES", "ImmunotherapyConfig"]

#: Of HLA molecules.
CLASSES: Final = ("I", "II")
_RANGE: Final = {"I": (8, 15), "II": (9, 30)}


@dataclass(frozen=True, slots=True)
class ImmunotherapyConfig:
    """Choices on the way from variants to targets; :meth:`choices` tells all of them with the result.

    Thresholds of the tiers are those of pVACseq 7 where nothing is chosen, percentiles those that are usual
    for strong and weak binders.

    Parameters
    ----------
    classes
        Of molecules, of :data:`CLASSES`.
    lengths_class1, lengths_class2
        Residues of the peptides that are looked at.
    affinity_nm
        A binder lies below it [nM].
    percentiles_class1, percentiles_class2
        Strong and weak presentation lie below these.
    expression_tpm, rna_vaf
        The mutant allele counts as expressed above their product [TPM].
    rna_depth
        RNA reads that show expression where the gene's count does not.
    cancer_cell_fraction
        A variant of the founding clone lies above it, 0 to 1.
    purity
        Part of the sample's cells that are tumour, above 0 to 1; ``None``: estimated from the fractions of
        reads.
    sex
        Of the patient, ``"female"`` or ``"male"``: how many copies of X normal cells have; ``None`` if not
        known, then variants on X and Y have no cancer-cell fraction.
    support_level
        Worst transcript support level that is trusted by itself.
    passing_only
        Whether variants that failed a filter of their caller are left out.
    least_tumour_vaf
        Fraction of the tumour's reads below which a variant is left out; ``None`` leaves none out.
    least_tpm
        Expression below which a transcript is left out [TPM]; ``None`` leaves none out.
    anchor_share
        Part of all changes of binding by exchanges that a molecule's anchors make together. With 0.5 our
        predictor gives the known ones (2 and 9 for most; the fifth for B*08:01); pVACview's 0.8, made for
        others' scores, would take five to seven of nine residues.
    phase_mapping_quality, phase_base_quality
        Least Phred qualities of reads, and of bases in them, that tell whether two variants share a copy.
    phase_error_rate, phase_confidence
        Chance that a fragment is read wrong at a site, and least probability of an answer.
    tumour_sample
        Name of the tumour's sample in the file of variants; ``None``: found by its name or genotype.
    threads
        At most.

    Raises
    ------
    InputError
        When a value is out of its range.
    """

    classes: tuple[str, ...] = CLASSES
    lengths_class1: tuple[int, ...] = (8, 9, 10, 11)
    lengths_class2: tuple[int, ...] = (15,)
    affinity_nm: float = 500.0
    percentiles_class1: tuple[float, float] = (0.5, 2.0)
    percentiles_class2: tuple[float, float] = (2.0, 10.0)
    expression_tpm: float = 1.0
    rna_vaf: float = 0.25
    rna_depth: int = 10
    cancer_cell_fraction: float = 0.5
    purity: float | None = None
    sex: str | None = None
    support_level: int = 1
    passing_only: bool = False
    least_tumour_vaf: float | None = None
    least_tpm: float | None = None
    anchor_share: float = 0.5
    phase_mapping_quality: int = 20
    phase_base_quality: int = 20
    phase_error_rate: float = 0.01
    phase_confidence: float = 0.99
    tumour_sample: str | None = None
    threads: int = 2

    def __post_init__(self) -> None:
        if not self.classes or not set(self.classes) <= set(CLASSES):
            raise InputError(f"classes must be of {', '.join(CLASSES)}; got {self.classes!r}")
        for name, mhc_class in (("lengths_class1", "I"), ("lengths_class2", "II")):
            low, high = _RANGE[mhc_class]
            lengths = getattr(self, name)
            if not lengths or any(not low <= length <= high for length in lengths):
                raise InputError(f"{name} must be of {low} to {high} residues; got {lengths!r}")
            object.__setattr__(self, name, tuple(sorted(set(lengths))))
        for name in ("percentiles_class1", "percentiles_class2"):
            strong, weak = getattr(self, name)
            if not 0 < strong <= weak <= 100:
                raise InputError(f"{name} must be strong then weak, above 0 to 100; got {strong:g}, {weak:g}")
        self._require("affinity_nm", 1.0, 50_000.0, "nM")
        self._require("expression_tpm", 0.0, 1e6, "TPM")
        for name in ("rna_vaf", "cancer_cell_fraction", "least_tumour_vaf"):
            self._require(name, 0.0, 1.0, "a part")
        self._require("phase_mapping_quality", 0, 255, "Phred")
        self._require("phase_base_quality", 0, 93, "Phred")
        self._require("phase_error_rate", 1e-6, 0.499, "a part")
        self._require("phase_confidence", 0.5, 0.999999, "a part")
        if not 0 < self.anchor_share <= 1:
            raise InputError(f"anchor_share must be above 0 to 1; got {self.anchor_share!r}")
        self._require("rna_depth", 0, 10**9, "reads")
        self._require("support_level", 1, 5, "a level")
        self._require("least_tpm", 0.0, 1e6, "TPM")
        if self.purity is not None and not 0 < self.purity <= 1:
            raise InputError(f"purity must be above 0 to 1; got {self.purity!r}; divide percent by 100")
        if self.sex not in (None, "female", "male"):
            raise InputError(f"sex must be female or male, or not given; got {self.sex!r}")
        if self.threads < 1:
            raise InputError(f"threads must be >= 1; got {self.threads!r}")

    def _require(self, name: str, low: float, high: float, unit: str) -> None:
        value = getattr(self, name)
        if value is not None and not low <= value <= high:
            raise InputError(f"{name} must be {low:g} to {high:g} [{unit}]; got {value!r}")

    def lengths(self, mhc_class: str) -> tuple[int, ...]:
        """Return the residues of the peptides that are looked at for a class, of :data:`CLASSES`."""
        return self.lengths_class1 if mhc_class == "I" else self.lengths_class2

    def percentiles(self, mhc_class: str) -> tuple[float, float]:
        """Return the percentiles of strong and of weak presentation by a class, of :data:`CLASSES`."""
        return self.percentiles_class1 if mhc_class == "I" else self.percentiles_class2

    def choices(self) -> dict[str, Any]:
        """Return all choices by name, as what JSON can hold; how many threads worked is none of them."""
        told = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "threads"}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}

    def by_default(self) -> tuple[str, ...]:
        """Return the names of the choices that nobody made."""
        return tuple(
            one.name
            for one in fields(self)
            if one.name != "threads" and getattr(self, one.name) == one.default
        )
