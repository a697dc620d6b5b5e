"""Where protons come from: beamlets with a phase space, through range shifters."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.material import Material
from tumorboard.errors import InputError

__all__ = ["ProtonBeamlets", "Slab"]

_UNIT_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Slab:
    """A plate across the beam, such as a range shifter, without end sideways.

    Parameters
    ----------
    material
        At its own density.
    thickness_mm
        Along the axis, > 0 [mm].
    entrance_mm
        A patient point on the face that the beam meets first, shape ``(3,)`` [mm].
    axis
        Unit vector along the beam, across the faces, shape ``(3,)``.

    Raises
    ------
    InputError
        When the thickness is not positive or the axis no unit vector.
    """

    material: Material
    thickness_mm: float
    entrance_mm: NDArray[np.float64]
    axis: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("entrance_mm", "axis"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))
        if not 0 < self.thickness_mm < np.inf:
            raise InputError(f"thickness_mm of a slab must be > 0 [mm]; got {self.thickness_mm!r}")
        if abs(float(np.linalg.norm(self.axis)) - 1) > _UNIT_TOLERANCE:
            raise InputError(f"axis of a slab must be a unit vector; got {self.axis.tolist()}")


@dataclass(frozen=True, slots=True, eq=False)
class ProtonBeamlets:
    """Thin beams of protons, each with Gaussian widths; a spot of two Gaussians is two of them.

    Positions and directions are patient coordinates. In the plane where the phase space is given,
    ``x = sigma_x a`` and the slope ``x' = divergence_x (c a + sqrt(1 - c^2) b)`` with independent standard
    normal a, b and the correlation c; the same along y.

    Parameters
    ----------
    position_mm
        Middle of each beamlet in its plane, shape ``(n, 3)`` [mm].
    direction, lateral_x, lateral_y
        Unit vectors: along the beamlet, and across it, shapes ``(n, 3)``.
    sigma_mm, divergence_rad, correlation
        Along lateral x and y, shapes ``(n, 2)`` [mm], [rad], 1.
    energy_mev, energy_sigma_mev
        Mean and standard deviation of the kinetic energy, shapes ``(n,)`` [MeV].
    weight
        Relative number of protons, >= 0, not all 0, shape ``(n,)``.
    slab_index
        Which of ``slabs`` is in the way, -1 for none, shape ``(n,)``.
    slabs
        Range shifters.

    Raises
    ------
    InputError
        When shapes do not fit or a number is out of range.
    """

    position_mm: NDArray[np.float64]
    direction: NDArray[np.float64]
    lateral_x: NDArray[np.float64]
    lateral_y: NDArray[np.float64]
    sigma_mm: NDArray[np.float64]
    divergence_rad: NDArray[np.float64]
    correlation: NDArray[np.float64]
    energy_mev: NDArray[np.float64]
    energy_sigma_mev: NDArray[np.float64]
    weight: NDArray[np.float64]
    slab_index: NDArray[np.int64]
    slabs: tuple[Slab, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "slabs", tuple(self.slabs))
        n = np.asarray(self.energy_mev).size
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(
            ("position_mm", "direction", "lateral_x", "lateral_y"), (n, 3)
        )
        shapes |= dict.fromkeys(("sigma_mm", "divergence_rad", "correlation"), (n, 2))
        shapes |= dict.fromkeys(("energy_mev", "energy_sigma_mev", "weight", "slab_index"), (n,))
        for name, shape in shapes.items():
            array = read_only(getattr(self, name), np.int64 if name == "slab_index" else np.float64)
            if array.shape != shape:
                raise InputError(f"{name} must have one row per beamlet, {shape}; got {array.shape}")
            if not np.isfinite(array).all():
                raise InputError(f"{name} of beamlets must be finite; got others")
            object.__setattr__(self, name, array)
        for name in ("direction", "lateral_x", "lateral_y"):
            off = np.abs(np.linalg.norm(getattr(self, name), axis=1) - 1).max(initial=0.0)
            if off > _UNIT_TOLERANCE:
                raise InputError(f"{name} of beamlets must be unit vectors; off by {off:.3g}")
        for name in ("sigma_mm", "divergence_rad", "energy_mev", "energy_sigma_mev", "weight"):
            if (getattr(self, name) < 0).any():
                raise InputError(f"{name} of beamlets must be >= 0; got {getattr(self, name).min():g}")
        if (np.abs(self.correlation) > 1).any():
            raise InputError(
                f"correlation of beamlets must be -1 to 1; got {np.abs(self.correlation).max():g}"
            )
        if not self.weight.sum() > 0:
            raise InputError("weight of beamlets must be > 0 for at least one; got none")
        if not ((self.slab_index >= -1) & (self.slab_index < len(self.slabs))).all():
            raise InputError(
                f"slab_index must be -1 or below the number of slabs ({len(self.slabs)}); got "
                f"{self.slab_index.min()} to {self.slab_index.max()}"
            )

    @property
    def digest(self) -> str:
        """SHA-256 over all numbers, for checkpoints and provenance."""
        found = hashlib.sha256()
        for field in fields(self):
            if field.name != "slabs":
                found.update(getattr(self, field.name).tobytes())
        for slab in self.slabs:
            where = (slab.entrance_mm.tolist(), slab.axis.tolist())
            found.update(repr((slab.material, slab.thickness_mm, where)).encode())
        return found.hexdigest()

    @classmethod
    def pencil(
        cls,
        *,
        energy_mev: float,
        position_mm: tuple[float, float, float],
        direction: tuple[float, float, float],
        sigma_mm: float,
        energy_sigma_mev: float = 0.0,
    ) -> ProtonBeamlets:
        """Return one round parallel beam.

        Parameters
        ----------
        energy_mev, energy_sigma_mev
            Mean and standard deviation of the energy [MeV].
        position_mm, direction
            A patient point on its axis [mm], and where it goes, of any length.
        sigma_mm
            Its width, 0 for a line [mm].

        Returns
        -------
        ProtonBeamlets

        Raises
        ------
        InputError
            When the direction is no direction or a number is out of range.

        Examples
        --------
        >>> beam = ProtonBeamlets.pencil(
        ...     energy_mev=150.0, position_mm=(0.0, -200.0, 0.0), direction=(0.0, 1.0, 0.0), sigma_mm=3.0
        ... )
        >>> beam.weight
        array([1.])
        """
        along = np.asarray(direction, dtype=np.float64)
        length = float(np.linalg.norm(along))
        if not 0 < length < np.inf:
            raise InputError(f"direction of a beam must point somewhere; got {direction}")
        along = along / length
        # Any vector that is not along it gives the first lateral one.
        other = np.eye(3)[int(np.argmin(np.abs(along)))]
        x = np.cross(other, along)
        x /= np.linalg.norm(x)
        return cls(
            position_mm=np.array([position_mm], dtype=np.float64),
            direction=along[None],
            lateral_x=x[None],
            lateral_y=np.cross(along, x)[None],
            sigma_mm=np.full((1, 2), sigma_mm),
            divergence_rad=np.zeros((1, 2)),
            correlation=np.zeros((1, 2)),
            energy_mev=np.array([energy_mev]),
            energy_sigma_mev=np.array([energy_sigma_mev]),
            weight=np.ones(1),
            slab_index=np.full(1, -1),
        )
