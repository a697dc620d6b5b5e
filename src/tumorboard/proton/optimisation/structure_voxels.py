"""Structures as voxels of the dose grid with the share of each that lies inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError

__all__ = ["StructureVoxels", "without_overlap"]


@dataclass(frozen=True, slots=True, eq=False)
class StructureVoxels:
    """One structure on the dose grid.

    Structures of one problem may overlap: each counts all voxels of its own, unless
    :func:`without_overlap` shared them out before.

    Parameters
    ----------
    name
        Unique in a problem.
    voxels
        Ascending flat indices into the dose grid ``(z, y, x)``, at least one, shape ``(n_voxels,)``.
    fractions
        Share of each voxel inside the structure, > 0 to 1, shape ``(n_voxels,)``.
    alpha_beta_gy
        Ratio of the tissue's linear-quadratic parameters for photons, > 0; needed by variable RBE
        models [Gy].
    """

    name: str
    voxels: NDArray[np.int64]
    fractions: NDArray[np.float64]
    alpha_beta_gy: float | None = None

    def __post_init__(self) -> None:
        voxels = read_only(self.voxels, np.int64)
        fractions = read_only(self.fractions, np.float64)
        if voxels.ndim != 1 or len(voxels) == 0:
            raise InputError(
                f"voxels of {self.name!r} must be at least one; got {voxels.shape}; "
                "the structure lies outside the dose grid or between its voxels"
            )
        if voxels[0] < 0 or (np.diff(voxels) <= 0).any():
            raise InputError(f"voxels of {self.name!r} must be >= 0 and ascending without repeats")
        if fractions.shape != voxels.shape or not ((fractions > 0) & (fractions <= 1)).all():
            raise InputError(
                f"fractions of {self.name!r} must be > 0 and <= 1, one per voxel ({len(voxels)})"
            )
        if self.alpha_beta_gy is not None and not 0 < self.alpha_beta_gy < np.inf:
            raise InputError(f"alpha_beta_gy of {self.name!r} must be > 0 [Gy]; got {self.alpha_beta_gy!r}")
        object.__setattr__(self, "voxels", voxels)
        object.__setattr__(self, "fractions", fractions)

    @classmethod
    def from_image(cls, name: str, image: Image, *, alpha_beta_gy: float | None = None) -> StructureVoxels:
        """Return the structure of a mask or an image of fractions on the dose grid.

        Parameters
        ----------
        name
            Unique in a problem.
        image
            ``LABEL`` or ``FRACTION``, on the dose grid.
        alpha_beta_gy
            Ratio of the tissue's linear-quadratic parameters for photons, where known [Gy].
        """
        if image.quantity not in (Quantity.LABEL, Quantity.FRACTION):
            raise InputError(f"image of {name!r} must be a LABEL or FRACTION; got {image.quantity}")
        flat = image.values.ravel()
        voxels = np.flatnonzero(flat)
        return cls(name, voxels, flat[voxels].astype(np.float64), alpha_beta_gy)

    @property
    def volume_weights(self) -> NDArray[np.float64]:
        """Share of each voxel in the structure's volume, sum 1, shape ``(n_voxels,)``."""
        weights: NDArray[np.float64] = self.fractions / self.fractions.sum()
        return weights


def without_overlap(structures: Sequence[StructureVoxels]) -> tuple[StructureVoxels, ...]:
    """Share voxels out in the order of the structures: what one has, the later ones have not.

    Parameters
    ----------
    structures
        The first has the highest priority. One that loses all its voxels is left out.
    """
    size = 1 + max((int(s.voxels[-1]) for s in structures), default=0)
    left, kept = np.ones(size), []
    for s in structures:
        fractions = np.minimum(s.fractions, left[s.voxels])
        left[s.voxels] -= fractions
        # What rounding leaves of a whole voxel is nothing.
        some = fractions > 1e-9
        if some.any():
            kept.append(StructureVoxels(s.name, s.voxels[some], fractions[some], s.alpha_beta_gy))
    return tuple(kept)
