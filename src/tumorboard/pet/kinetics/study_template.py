"""What is known of a tracer before a study begins, and what speaks against a model of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.compartments import Binding, TwoTissue
from tumorboard.pet.kinetics.fit import PlasmaModel, ReferenceModel
from tumorboard.pet.kinetics.mrtm1 import MRTM1
from tumorboard.pet.kinetics.mrtm2 import MRTM2
from tumorboard.pet.kinetics.patlak import Patlak
from tumorboard.pet.kinetics.reference_logan import ReferenceLogan
from tumorboard.pet.kinetics.reference_patlak import ReferencePatlak
from tumorboard.pet.kinetics.srtm import SRTM
from tumorboard.pet.kinetics.srtm2 import SRTM2
from tumorboard.pet.kinetics.suvr import SUVR
from tumorboard.pet.kinetics.t_star import TStar

__all__ = ["ModelAdvice", "PublishedVolume", "ReferenceCaveat", "StudyTemplate", "StudyWarning"]

_AGAINST_A_REFERENCE: Final = (SRTM, SRTM2, MRTM1, MRTM2, ReferenceLogan, ReferencePatlak, SUVR)


@dataclass(frozen=True, slots=True)
class PublishedVolume:
    """A group's mean volume of distribution in a region.

    Parameters
    ----------
    region
        Its name.
    vt_ml_cm3
        > 0 [mL/cm3].
    n_subjects
        Of the group.
    source
        Citation key.
    """

    region: str
    vt_ml_cm3: float
    n_subjects: int
    source: str

    def __post_init__(self) -> None:
        if not (self.vt_ml_cm3 > 0 and self.n_subjects > 0):
            raise InputError(
                f"vt_ml_cm3 [mL/cm3] and n_subjects of {self.region!r} must be > 0; got {self.vt_ml_cm3} and "
                f"{self.n_subjects}"
            )


@dataclass(frozen=True, slots=True)
class ModelAdvice:
    """A model that suits the tracer.

    Parameters
    ----------
    model
        Its name.
    reason
        Why, with what is known and what is not.
    """

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReferenceCaveat:
    """Why a region is no safe reference.

    Parameters
    ----------
    region
        Its name.
    finding
        What was found, as a sentence.
    source
        Citation key.
    """

    region: str
    finding: str
    source: str


@dataclass(frozen=True, slots=True)
class StudyWarning:
    """What speaks against a model.

    Parameters
    ----------
    text
        A sentence to show.
    source
        Citation key; empty where it follows from the tracer's binding alone.
    """

    text: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyTemplate:
    """A tracer's facts for planning and checking a study.

    Parameters
    ----------
    tracer
        Its name.
    nuclide
        Its label.
    target
        What it binds to.
    reversible
        Whether it leaves its target within a scan.
    scan_s
        Length of a dynamic scan after a bolus that this template is for [s].
    models
        That suit it.
    t_star
        Rule for graphical analyses.
    t_star_note
        What the rule rests on.
    volumes
        Published regional VT.
    reference_caveats
        Against reference regions; with none, a reference region raises no warning.

    Examples
    --------
    >>> from tumorboard.pet.kinetics.flubatine import FLUBATINE
    >>> FLUBATINE.volume_of("thalamus").vt_ml_cm3
    20.4
    """

    tracer: str
    nuclide: Nuclide
    target: str
    reversible: bool
    scan_s: float
    models: tuple[ModelAdvice, ...]
    t_star: TStar
    t_star_note: str
    volumes: tuple[PublishedVolume, ...]
    reference_caveats: tuple[ReferenceCaveat, ...]

    def volume_of(self, region: str) -> PublishedVolume:
        """Return what is published for a region; one that is not there is an InputError."""
        for volume in self.volumes:
            if volume.region == region:
                return volume
        known = ", ".join(volume.region for volume in self.volumes)
        raise InputError(f"region must be one with a published VT of {self.tracer}: {known}; got {region!r}")

    def check(self, model: PlasmaModel | ReferenceModel | SUVR) -> tuple[StudyWarning, ...]:
        """Return what speaks against a model with this tracer, nothing when all is well.

        Parameters
        ----------
        model
            A configuration.

        Returns
        -------
        tuple of StudyWarning
            One for each reason.

        Examples
        --------
        >>> from tumorboard.pet.kinetics import FLUBATINE, SRTM, FrameModel, ReferenceInterpolation, Weighting
        >>> model = SRTM(
        ...     frame_model=FrameModel.FRAME_AVERAGE, weighting=Weighting.DURATION,
        ...     interpolation=ReferenceInterpolation.LINEAR, k2a_range_per_min=(0.002, 1.0),
        ... )
        >>> [warning.source for warning in FLUBATINE.check(model)]
        ['bhatt2018flubatine']
        """
        warnings = []
        if isinstance(model, _AGAINST_A_REFERENCE):
            warnings += [StudyWarning(caveat.finding, caveat.source) for caveat in self.reference_caveats]
        trapped = isinstance(model, Patlak | ReferencePatlak) or (
            isinstance(model, TwoTissue) and model.binding is Binding.IRREVERSIBLE
        )
        if self.reversible and trapped:
            name = type(model).__name__
            text = f"{self.tracer} leaves its target within the scan; {name} supposes that it stays"
            warnings.append(StudyWarning(text, ""))
        return tuple(warnings)
