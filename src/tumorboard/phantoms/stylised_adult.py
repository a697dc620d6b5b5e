"""A stylised adult of both sexes: the mathematical phantom of internal dosimetry, in voxels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.grid import AXIAL, Grid
from tumorboard.errors import InputError
from tumorboard.phantoms._stylised_adult_shapes import BOUNDS_CM, solids
from tumorboard.phantoms.stylised_adult_regions import BodyRegion, BodyTissue
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.provenance import Record

__all__ = ["StylisedAdult", "stylised_adult"]

#: Coarsest voxels in which the smaller organs still are, and the finest that fit into memory [mm].
_COARSEST_MM: Final = 10.0
_FINEST_MM: Final = 1.0
_FRAME: Final = "2.25.263917405160918427"
_TISSUES: Final = tuple(BodyTissue)


@dataclass(frozen=True, slots=True, eq=False)
class StylisedAdult:
    """Which region each voxel of the stylised adult is.

    Parameters
    ----------
    labels
        Numbers of :class:`~tumorboard.phantoms.stylised_adult_regions.BodyRegion`, 0 outside, shape of the
        grid.
    grid
        Where the voxels are.
    provenance
        How it was made.
    """

    labels: NDArray[np.uint8]
    grid: Grid
    provenance: Record
    _voxels: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", read_only(self.labels, np.uint8))
        object.__setattr__(self, "_voxels", np.bincount(self.labels.ravel(), minlength=256))
        if self.labels.shape != self.grid.shape:
            raise InputError(f"labels must have the grid's shape {self.grid.shape}; got {self.labels.shape}")

    @property
    def digest(self) -> str:
        """SHA-256 over the grid and the labels."""
        found = hashlib.sha256(repr(self.grid.to_dict()).encode())
        found.update(self.labels.tobytes())
        return found.hexdigest()

    @property
    def masses_g(self) -> dict[BodyRegion, float]:
        """Mass of each region's voxels [g]."""
        volume = self.grid.voxel_volume_ml
        return {r: float(self._voxels[r.number]) * volume * float(r.tissue.value) for r in BodyRegion}

    def mask(self, regions: Iterable[BodyRegion]) -> NDArray[np.bool_]:
        """Return where any of the regions is, shape of the grid."""
        table = np.zeros(256, bool)
        table[[r.number for r in regions]] = True
        return table[self.labels]

    def medium(self) -> TransportMedium:
        """Return density and materials; vacuum outside."""
        density, index = np.zeros(256, np.float32), np.zeros(256, np.uint16)
        for region in BodyRegion:
            density[region.number] = region.tissue.value
            index[region.number] = _TISSUES.index(region.tissue)
        materials = tuple(tissue.material for tissue in _TISSUES)
        return TransportMedium(self.grid, density[self.labels], index[self.labels], materials)


def stylised_adult(*, spacing_mm: float) -> StylisedAdult:
    """Build the stylised adult in cubic voxels.

    A hermaphrodite of 174 cm and 73 kg: male, with breasts, ovaries and uterus. Solids and dimensions are
    those of the Oak Ridge phantoms [1]_ [2]_; three tissues; no fat, no neck, arms in the trunk. A voxel is
    of the region that its centre is in.

    Parameters
    ----------
    spacing_mm
        Edge of the voxels, 1 to 10; 4 keeps organs' masses within some per cent [mm].

    Returns
    -------
    StylisedAdult

    Raises
    ------
    InputError
        When the edge is out of range.

    References
    ----------
    .. [1] snyder1978mird5
    .. [2] cristy1987saf

    Examples
    --------
    >>> adult = stylised_adult(spacing_mm=8.0)
    >>> round(adult.masses_g[BodyRegion.LIVER], -2)
    1900.0
    """
    if not _FINEST_MM <= spacing_mm <= _COARSEST_MM:
        raise InputError(
            f"spacing_mm must be {_FINEST_MM:g} to {_COARSEST_MM:g} [mm]; got {spacing_mm!r}; 3.5 is usual"
        )
    shape = [int(np.ceil(10 * (high - low) / spacing_mm - 1e-9)) for low, high in BOUNDS_CM]
    # The box is as wide as whole voxels: what is over is shared by both sides.
    start = [
        5 * (low + high) - 0.5 * (n - 1) * spacing_mm for (low, high), n in zip(BOUNDS_CM, shape, strict=True)
    ]
    grid = Grid(tuple(shape[::-1]), (spacing_mm,) * 3, start, AXIAL, frame_of_reference=_FRAME)
    x, y, z = (0.1 * (s + spacing_mm * np.arange(n)) for s, n in zip(start, shape, strict=True))
    labels = np.zeros(grid.shape, np.uint8)
    for region, low, high, inside in solids():
        here = slice(*np.searchsorted(z, [low, high]))
        slab = labels[here]
        found = inside(x[None, None, :], y[None, :, None], z[here, None, None])
        np.copyto(slab, np.uint8(region.number), where=found)
    record = Record(
        "phantoms.stylised_adult",
        {"spacing_mm": float(spacing_mm)},
        references=("snyder1978mird5", "cristy1987saf"),
    )
    return StylisedAdult(labels, grid, record)
