"""What particles travel through: density and material of each voxel."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics.hounsfield import HounsfieldTable, density, material_index
from tumorboard.provenance import Record

__all__ = ["GY_G_PER_MEV", "TransportMedium"]

#: Dose of 1 MeV in 1 g [Gy].
GY_G_PER_MEV: Final = 1.602176634e-10

#: Heavier than any element: a unit was mistaken.
_DENSEST_G_CM3 = 25.0


@dataclass(frozen=True, slots=True, eq=False)
class TransportMedium:
    """Density and material of each voxel of a grid; outside it is vacuum.

    Kernels work on the grid's own axes: positions [mm] from the outer corner of voxel (0, 0, 0) along its
    x, y and z, so that a tilted grid costs nothing.

    Parameters
    ----------
    grid
        The voxels.
    density_g_cm3
        Shape of the grid, 0 (vacuum) to 25 [g/cm3].
    material_index
        Shape of the grid: which of ``materials`` a voxel is made of.
    materials
        At least one, at most 65535; their own densities do not matter but for the density effect.

    Raises
    ------
    InputError
        When shapes, densities or indices do not fit.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> from tumorboard.physics.materials import material
    >>> grid = Grid((10, 10, 10), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> medium = TransportMedium.homogeneous(grid, material("water, liquid"))
    >>> medium.corner_mm
    array([-1., -1., -1.])
    """

    grid: Grid
    density_g_cm3: NDArray[np.float32]
    material_index: NDArray[np.uint16]
    materials: tuple[Material, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "materials", tuple(self.materials))
        if not 1 <= len(self.materials) <= 65535:
            raise InputError(f"materials must be 1 to 65535; got {len(self.materials)}")
        values = np.asarray(self.density_g_cm3)
        index = np.asarray(self.material_index)
        for name, array in (("density_g_cm3", values), ("material_index", index)):
            if array.shape != self.grid.shape:
                raise InputError(f"{name} must have the grid's shape {self.grid.shape}; got {array.shape}")
        if not ((values >= 0) & (values <= _DENSEST_G_CM3)).all():
            raise InputError(
                f"density_g_cm3 must be 0 to {_DENSEST_G_CM3:g} [g/cm3]; got {values.min():g} to "
                f"{values.max():g}; was it kg/m3?"
            )
        if not (np.issubdtype(index.dtype, np.integer) and index.min() >= 0):
            raise InputError(f"material_index must be integers >= 0; got {index.dtype}, {index.min()}")
        if index.max() >= len(self.materials):
            raise InputError(
                f"material_index must be below the number of materials ({len(self.materials)}); "
                f"got {index.max()}"
            )
        object.__setattr__(self, "density_g_cm3", read_only(values, np.float32))
        object.__setattr__(self, "material_index", read_only(index, np.uint16))

    @classmethod
    def homogeneous(cls, grid: Grid, material: Material) -> TransportMedium:
        """Return a box of one material at its own density."""
        return cls(
            grid,
            np.full(grid.shape, material.density_g_cm3, np.float32),
            np.zeros(grid.shape, np.uint16),
            (material,),
        )

    @classmethod
    def of_ct(cls, ct: Image, table: HounsfieldTable) -> TransportMedium:
        """Return the medium that a CT shows, by a calibration of composition.

        Parameters
        ----------
        ct
            CT numbers [HU]; its grid becomes the medium's.
        table
            From CT numbers to density and tissue.

        Returns
        -------
        TransportMedium
        """
        index, tissues = material_index(ct, table)
        return cls(ct.grid, density(ct, table).values, index.values, tissues)

    @property
    def digest(self) -> str:
        """SHA-256 over the grid, the densities and the materials, for checkpoints and provenance."""
        found = hashlib.sha256(repr((self.grid.to_dict(), self.materials)).encode())
        found.update(self.density_g_cm3.tobytes())
        found.update(self.material_index.tobytes())
        return found.hexdigest()

    @property
    def corner_mm(self) -> NDArray[np.float64]:
        """Outer corner of voxel (0, 0, 0), a patient point (x, y, z) [mm]."""
        return self.grid.index_to_patient(np.array([-0.5, -0.5, -0.5]))

    @property
    def mass_g(self) -> NDArray[np.float64]:
        """Mass of each voxel, shape of the grid [g]."""
        return np.asarray(self.density_g_cm3 * self.grid.voxel_volume_ml, dtype=np.float64)

    @property
    def spacing_xyz_mm(self) -> NDArray[np.float64]:
        """Voxel size along the grid's own x, y and z, shape ``(3,)`` [mm]."""
        return np.ascontiguousarray(self.grid.spacing_mm[::-1])

    def to_grid_axes(
        self, points_mm: ArrayLike, directions: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return patient points [mm] and directions on the grid's own axes, shapes ``(n, 3)``."""
        # The grid's columns are its array axes: z, y, x.
        turn = self.grid.direction[:, ::-1]
        points = (np.asarray(points_mm, dtype=np.float64) - self.corner_mm) @ turn
        return points, np.asarray(directions, dtype=np.float64) @ turn

    def dose_gy(self, energy_mev: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the dose of energies left in the voxels [MeV], shape of the grid [Gy]; 0 in vacuum."""
        mass = self.mass_g
        return np.divide(energy_mev * GY_G_PER_MEV, mass, out=np.zeros_like(mass), where=mass > 0)

    def image(self, values: NDArray[Any], quantity: Quantity, provenance: Record) -> Image:
        """Return values of all voxels, in C order or of the grid's shape, as an image of single precision."""
        return Image(values.reshape(self.grid.shape).astype(np.float32), self.grid, quantity, provenance)
