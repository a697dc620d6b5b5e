"""Dose of each spot to each voxel: a sparse matrix in compressed columns, one column per spot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.grid import Grid
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["DoseInfluence", "influence_bytes"]

_BYTES_PER_VALUE: Final = 4
_BYTES_PER_START: Final = 8


def influence_bytes(n_entries: int, n_spots: int, *, with_let: bool) -> int:
    """Return the memory that a dose influence takes.

    Parameters
    ----------
    n_entries
        Voxels that spots reach, summed over the spots.
    n_spots
        Number of spots.
    with_let
        Whether it holds dose times LETd.

    Returns
    -------
    int
        Bytes.

    Examples
    --------
    >>> influence_bytes(20_000_000, 5_000, with_let=False) / 1e9
    0.160060008
    """
    per_entry = _BYTES_PER_VALUE * (3 if with_let else 2)
    return n_entries * per_entry + (n_spots + 1) * _BYTES_PER_START + n_spots * _BYTES_PER_VALUE


@dataclass(frozen=True, slots=True, eq=False)
class DoseInfluence:
    """Dose and, when asked for, dose times LETd of one million protons of each spot.

    Parameters
    ----------
    grid
        Dose grid.
    column_starts
        Where each spot's entries begin, shape ``(n_spots + 1,)``, int64.
    voxels
        Flat index ``(z, y, x)`` into the grid of each entry, shape ``(n_entries,)``, int32.
    dose_gy
        Dose of 1e6 protons, shape ``(n_entries,)``, float32 [Gy].
    dose_let_gy_kev_um
        Dose times LETd of 1e6 protons, shape ``(n_entries,)``, float32 [Gy keV/um]; or ``None``.
    beam_of_spot
        Index of each spot's beam, shape ``(n_spots,)``.
    provenance
        How it was made.
    """

    grid: Grid
    column_starts: NDArray[np.int64]
    voxels: NDArray[np.int32]
    dose_gy: NDArray[np.float32]
    dose_let_gy_kev_um: NDArray[np.float32] | None
    beam_of_spot: NDArray[np.int32]
    provenance: Record

    def __post_init__(self) -> None:
        object.__setattr__(self, "column_starts", read_only(self.column_starts, np.int64))
        object.__setattr__(self, "beam_of_spot", read_only(self.beam_of_spot, np.int32))
        if self.column_starts[0] != 0 or (np.diff(self.column_starts) < 0).any():
            raise InputError("column_starts must begin at 0 and not descend")
        if self.beam_of_spot.shape != (self.n_spots,):
            raise InputError(f"beam_of_spot must have shape ({self.n_spots},); got {self.beam_of_spot.shape}")
        n_entries = int(self.column_starts[-1])
        for name in ("voxels", "dose_gy", "dose_let_gy_kev_um"):
            values = getattr(self, name)
            if values is not None and values.shape != (n_entries,):
                raise InputError(f"{name} must have shape ({n_entries},); got {values.shape}")

    @property
    def n_spots(self) -> int:
        """Number of spots."""
        return len(self.column_starts) - 1
