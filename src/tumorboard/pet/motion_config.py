"""What has to be chosen to correct a dynamic scan for motion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tumorboard.errors import InputError
from tumorboard.numerics.registration_config import RigidRegistrationConfig

__all__ = ["Feature", "MeanReference", "MotionConfig", "OneFrameReference"]


class Feature(Enum):
    """What of the images is registered.

    ``VALUES``: the concentrations. Where uptake turns over, from flow to binding, blurred edges draw the
    registration off. ``EDGES``: the length of their gradient. Edges stay where they are whichever side is
    brighter: in a brain phantom errors were a tenth to two thirds of those of values.
    """

    VALUES = "values"
    EDGES = "edges"


@dataclass(frozen=True, slots=True)
class OneFrameReference:
    """One frame, which the others are brought to.

    Parameters
    ----------
    index
        From 0.
    """

    index: int

    @property
    def frames(self) -> tuple[int, ...]:
        """Indices of the frames that make the reference."""
        return (self.index,)


@dataclass(frozen=True, slots=True)
class MeanReference:
    """The mean of several frames, weighted by their durations: those frames are registered to it as well.

    Parameters
    ----------
    first, last
        Indices from 0, both included. Motion among them blurs what the others are brought to.
    """

    first: int
    last: int

    def __post_init__(self) -> None:
        if not self.last >= self.first:
            raise InputError(f"last must be >= first; got {self.first!r} to {self.last!r}")

    @property
    def frames(self) -> tuple[int, ...]:
        """Indices of the frames that make the reference."""
        return tuple(range(self.first, self.last + 1))


@dataclass(frozen=True, slots=True)
class MotionConfig:
    """How frames are registered, which of them, and when they stay as they are.

    Parameters
    ----------
    registration
        Of each frame to the reference. Contrast changes with time, so that mutual information suits as a
        rule.
    reference
        What frames are brought to.
    feature
        What is registered.
    smoothing_fwhm_mm
        Blur of reference and frames before they are registered, before edges are taken; the corrected frames
        are not blurred. 0: none [mm].
    least_count_share
        Frames with fewer counts than this part of the richest frame's are not registered, and take the
        transform of the frame nearest in time that is; 0 to 1.
    register_from_s
        Frames that begin before are not registered either: while the tracer comes with the blood, contrast is
        another one than later, and a registration is drawn off by it. 0: all may be [s].
    half_life_s
        Of the nuclide, when values are decay-corrected, so that counts follow from them; ``None`` when they
        are not [s].
    unresampled_below_mm
        Frames stay as they are where no point moves by more: resampling would blur them for nothing [mm].
    radius_mm
        Of the sphere, around the centre of the reference's activity, whose points displacements are stated
        for [mm].
    measure_residual
        Whether each corrected frame is registered once more, to see what is left: it doubles the time.

    Raises
    ------
    InputError
        When a number is out of range.

    Examples
    --------
    >>> from tumorboard.numerics import Similarity, Start
    >>> config = MotionConfig(
    ...     RigidRegistrationConfig(Similarity.MUTUAL_INFORMATION, Start.SAME_COORDINATES, (8.0, 4.0)),
    ...     MeanReference(20, 25),
    ...     feature=Feature.EDGES,
    ...     smoothing_fwhm_mm=5.0,
    ...     least_count_share=0.05,
    ...     register_from_s=300.0,
    ...     half_life_s=6586.0,
    ...     unresampled_below_mm=0.3,
    ...     radius_mm=80.0,
    ...     measure_residual=False,
    ... )
    >>> config.reference.frames
    (20, 21, 22, 23, 24, 25)
    """

    registration: RigidRegistrationConfig
    reference: OneFrameReference | MeanReference
    feature: Feature
    smoothing_fwhm_mm: float
    least_count_share: float
    register_from_s: float
    half_life_s: float | None
    unresampled_below_mm: float
    radius_mm: float
    measure_residual: bool

    def __post_init__(self) -> None:
        if not isinstance(self.feature, Feature):
            raise InputError(f"feature must be a Feature; got {self.feature!r}; try Feature.EDGES")
        for name in ("smoothing_fwhm_mm", "unresampled_below_mm"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"{name} must be >= 0 [mm]; got {value!r}")
        if not (math.isfinite(self.radius_mm) and self.radius_mm > 0):
            raise InputError(f"radius_mm must be > 0 [mm]; got {self.radius_mm!r}; a head has some 80 mm")
        if not 0.0 <= self.least_count_share <= 1.0:
            raise InputError(f"least_count_share must be 0 to 1; got {self.least_count_share!r}")
        if not (math.isfinite(self.register_from_s) and self.register_from_s >= 0):
            raise InputError(f"register_from_s must be >= 0 [s]; got {self.register_from_s!r}")
        if self.half_life_s is not None and not (math.isfinite(self.half_life_s) and self.half_life_s > 0):
            raise InputError(f"half_life_s must be > 0, or None [s]; got {self.half_life_s!r}")

    def to_dict(self) -> dict[str, Any]:
        """Return the choices as JSON-serialisable values."""
        return {
            "registration": self.registration.to_dict(),
            "reference_frames": list(self.reference.frames),
            "feature": self.feature.value,
            "smoothing_fwhm_mm": self.smoothing_fwhm_mm,
            "least_count_share": self.least_count_share,
            "register_from_s": self.register_from_s,
            "half_life_s": self.half_life_s,
            "unresampled_below_mm": self.unresampled_below_mm,
            "radius_mm": self.radius_mm,
            "measure_residual": self.measure_residual,
        }
