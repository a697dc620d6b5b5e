"""What a pencil-beam calculation assumes and leaves out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from tumorboard.errors import InputError

__all__ = ["DepthModel", "PencilBeamModel", "SpotWidth", "SubBeams"]


class DepthModel(Enum):
    """Which water-equivalent depth a point near a spot has."""

    #: That of the point itself, along its own ray from the virtual source.
    VOXELWISE = "voxelwise"
    #: That of the spot's axis where it passes the point.
    CENTRAL_RAY = "central ray"
    #: The spot is split into narrow sub-beams, each with the depth along its own axis.
    SUB_BEAMS = "sub-beams"


class SpotWidth(Enum):
    """Where the width of a spot in air is taken."""

    #: At each depth: the spot goes on widening in the patient as it would in vacuum.
    AT_DEPTH = "at depth"
    #: Where its axis enters the patient; what the spot's divergence adds deeper in is left out.
    AT_SURFACE = "at surface"


@dataclass(frozen=True, slots=True)
class SubBeams:
    r"""How a Gaussian is split into narrower ones.

    A square lattice of ``per_axis`` by ``per_axis`` Gaussians, each ``width`` times as wide as the whole; the
    weights and places are such that their sum has the whole's variance exactly.

    Parameters
    ----------
    per_axis
        Odd, 3 to 25.
    width
        Of a sub-beam, as a fraction of the spot's standard deviation, 0.2 to 0.95. The sum is smooth while
        neighbours are at most about 1.4 sub-widths apart: 5 and 0.7, 7 and 0.6, 9 and 0.5.

    Raises
    ------
    InputError
        When a value is out of range.

    Examples
    --------
    >>> SubBeams(7, 0.6).per_axis
    7
    """

    per_axis: int
    width: float

    def __post_init__(self) -> None:
        if not (3 <= self.per_axis <= 25 and self.per_axis % 2 == 1):
            raise InputError(f"per_axis must be odd, 3 to 25; got {self.per_axis!r}")
        if not 0.2 <= self.width <= 0.95:
            raise InputError(f"width must be 0.2 to 0.95 of the spot's; got {self.width!r}")


@dataclass(frozen=True, slots=True)
class PencilBeamModel:
    """How the dose of a spot is calculated.

    Parameters
    ----------
    depth
        Which water-equivalent depth counts.
    lateral_cutoff
        Fraction of a spot's dose at each depth that lies too far from its axis to be followed, > 0 to 0.1;
        the reach follows from it.
    dose_threshold
        Entries below this fraction of the spot's largest are dropped, 0 to 0.1; 0 keeps all.
    spot_width
        Where the width in air is taken.
    sub_beams
        How spots are split; needed with, and only with, ``SUB_BEAMS``.
    surface_rsp
        A patient begins at the first voxel above this relative stopping power, >= 0; needed with, and only
        with, ``AT_SURFACE``.

    Raises
    ------
    InputError
        When a value is out of range, missing or has no meaning beside the others.

    Examples
    --------
    >>> PencilBeamModel(DepthModel.VOXELWISE, lateral_cutoff=0.005).spot_width
    <SpotWidth.AT_DEPTH: 'at depth'>
    """

    depth: DepthModel
    lateral_cutoff: float
    dose_threshold: float = 0.0
    spot_width: SpotWidth = SpotWidth.AT_DEPTH
    sub_beams: SubBeams | None = None
    surface_rsp: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lateral_cutoff) and 0 < self.lateral_cutoff <= 0.1):
            raise InputError(
                f"lateral_cutoff must be > 0 and <= 0.1 of the dose; got {self.lateral_cutoff!r}"
            )
        if not (math.isfinite(self.dose_threshold) and 0 <= self.dose_threshold <= 0.1):
            raise InputError(f"dose_threshold must be 0 to 0.1 of the maximum; got {self.dose_threshold!r}")
        if (self.sub_beams is not None) != (self.depth is DepthModel.SUB_BEAMS):
            raise InputError(
                f"sub_beams must be given with depth SUB_BEAMS and only then; got {self.sub_beams} with "
                f"{self.depth.name}; for instance SubBeams(7, 0.6)"
            )
        if (self.surface_rsp is not None) != (self.spot_width is SpotWidth.AT_SURFACE):
            raise InputError(
                f"surface_rsp must be given with spot_width AT_SURFACE and only then; got "
                f"{self.surface_rsp!r} with {self.spot_width.name}; for instance 0.05"
            )
        if self.surface_rsp is not None and not 0 <= self.surface_rsp < math.inf:
            raise InputError(f"surface_rsp must be >= 0; got {self.surface_rsp!r}")

    def to_dict(self) -> dict[str, object]:
        """Return the settings as JSON-serialisable values."""
        sub_beams = self.sub_beams
        return {
            "depth": self.depth.value,
            "lateral_cutoff": self.lateral_cutoff,
            "dose_threshold": self.dose_threshold,
            "spot_width": self.spot_width.value,
            "sub_beams": None if sub_beams is None else [sub_beams.per_axis, sub_beams.width],
            "surface_rsp": self.surface_rsp,
        }
