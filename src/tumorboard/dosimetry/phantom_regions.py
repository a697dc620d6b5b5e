"""Sources and targets of the stylised adult: what regions, and mixtures of regions, they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.dosimetry.biokinetics import OTHER_TISSUES
from tumorboard.errors import InputError
from tumorboard.phantoms.stylised_adult import StylisedAdult
from tumorboard.phantoms.stylised_adult_regions import BODY_CONTENTS, MARROW_SHARES, SKELETON, BodyRegion

__all__ = ["PHANTOM_TARGETS", "WALL_OF_CONTENTS", "SourceRegion", "source_regions", "target_weights"]

_RED_MARROW: Final = "red marrow"
_BONE_SURFACES: Final = "bone surfaces"
_TOTAL_BODY: Final = "total body"
_OWN: Final = tuple(region for region in BodyRegion if region not in SKELETON)

#: Names of targets: regions but for parts of the skeleton, red marrow, bone surfaces, and the whole.
PHANTOM_TARGETS: Final = (*(region.region for region in _OWN), _RED_MARROW, _BONE_SURFACES, _TOTAL_BODY)

#: Walls whose dose by electrons from their contents is that at a surface.
WALL_OF_CONTENTS: Final = {
    BodyRegion.GALL_BLADDER_CONTENTS: BodyRegion.GALL_BLADDER_WALL,
    BodyRegion.STOMACH_CONTENTS: BodyRegion.STOMACH_WALL,
    BodyRegion.UPPER_COLON_CONTENTS: BodyRegion.UPPER_COLON_WALL,
    BodyRegion.LOWER_COLON_CONTENTS: BodyRegion.LOWER_COLON_WALL,
    BodyRegion.BLADDER_CONTENTS: BodyRegion.BLADDER_WALL,
}


@dataclass(frozen=True, slots=True)
class SourceRegion:
    """Where activity is, even by mass.

    Parameters
    ----------
    name
        Of the source.
    regions
        That it consists of, one or more.

    Raises
    ------
    InputError
        When there are no regions.
    """

    name: str
    regions: tuple[BodyRegion, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "regions", tuple(self.regions))
        if not self.regions:
            raise InputError(f"regions of the source {self.name!r} must be one or more; got none")


def source_regions(names: Sequence[str]) -> tuple[SourceRegion, ...]:
    """Return the sources of names, as a biokinetic model has them.

    ``"other organs and tissues"`` is all of the body but the organs that are named, and but for what is in
    gall bladder, stomach, bowel and urinary bladder; ``"skeleton"`` is all of its parts.

    Parameters
    ----------
    names
        Each once.

    Returns
    -------
    tuple of SourceRegion

    Raises
    ------
    InputError
        When the stylised adult has no region of a name.

    Examples
    --------
    >>> brain, other = source_regions(["brain", "other organs and tissues"])
    >>> len(brain.regions), len(other.regions)
    (1, 35)
    """
    known = {region.region: (region,) for region in BodyRegion} | {"skeleton": SKELETON}
    unknown = [name for name in names if name not in known and name != OTHER_TISSUES]
    if unknown:
        raise InputError(
            f"names of sources must be regions of the stylised adult, {', '.join(known)} or {OTHER_TISSUES}; "
            f"got {unknown[0]!r}"
        )
    named = {region for name in names if name != OTHER_TISSUES for region in known[name]}
    others = tuple(r for r in BodyRegion if r not in named and r not in BODY_CONTENTS)
    return tuple(SourceRegion(name, others if name == OTHER_TISSUES else known[name]) for name in names)


def target_weights(phantom: StylisedAdult) -> NDArray[np.float64]:
    """Return how a target's dose is made of those of regions.

    Red marrow by where it is in the skeleton [1]_, bone surfaces by the mass of its parts; muscle is all soft
    tissue that is no organ.

    Parameters
    ----------
    phantom
        Whose masses.

    Returns
    -------
    ndarray
        Of :data:`PHANTOM_TARGETS` by the regions' numbers, rows sum to 1, shape ``(n_targets, 256)``.

    References
    ----------
    .. [1] cristy1981marrow

    Examples
    --------
    >>> from tumorboard.phantoms.stylised_adult import stylised_adult
    >>> target_weights(stylised_adult(spacing_mm=10.0)).shape
    (32, 256)
    """
    masses = phantom.masses_g
    found = np.zeros((len(PHANTOM_TARGETS), 256))
    for row, region in enumerate(_OWN):
        found[row, region.number] = 1.0
    rows = {name: found[PHANTOM_TARGETS.index(name)] for name in (_RED_MARROW, _BONE_SURFACES, _TOTAL_BODY)}
    for region, share in MARROW_SHARES.items():
        rows[_RED_MARROW][region.number] = share
    for name, regions in ((_BONE_SURFACES, SKELETON), (_TOTAL_BODY, tuple(BodyRegion))):
        for region in regions:
            rows[name][region.number] = masses[region]
        rows[name] /= rows[name].sum()
    rows[_RED_MARROW] /= rows[_RED_MARROW].sum()
    # Muscle is all soft tissue that is no organ; the head's is a target of its own, too.
    muscle = found[_OWN.index(BodyRegion.MUSCLE)]
    for region in (BodyRegion.MUSCLE, BodyRegion.HEAD_SOFT_TISSUE):
        muscle[region.number] = masses[region]
    muscle /= muscle.sum()
    return found
