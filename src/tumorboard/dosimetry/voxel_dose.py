"""Absorbed dose of decays in voxels: what every method is given and what it returns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.grid import Grid, require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.physics.transport.batches import Progress
from tumorboard.physics.transport.decay_source import DecayEmissions, EmissionLines, EmissionSpectrum
from tumorboard.physics.transport.energy_balance import EnergyBalance
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.particles import ParticleKind
from tumorboard.provenance import Record

__all__ = ["DecayMap", "VoxelDose", "VoxelDoseMethod", "annihilation_mev", "emitted_mev", "voxel_dose"]

#: Twice the rest energy of an electron, which a positron's annihilation frees [MeV].
_ANNIHILATION_MEV: Final = 1.02199790


@dataclass(frozen=True, slots=True, eq=False)
class DecayMap:
    """How many decays happen in each voxel, all in all: activity integrated over time.

    Parameters
    ----------
    decays
        Number in each voxel, finite and >= 0, not all 0, shape of the grid.
    grid
        Where the voxels are.
    provenance
        How the map was made.

    Raises
    ------
    InputError
        When a number is negative or not finite, all are 0, or the shape does not fit.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> grid = Grid((2, 2, 2), (4.0, 5.0, 5.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> DecayMap.of_concentration(np.full(grid.shape, 1e9), grid, Record("example")).total
    800000000.0
    """

    decays: NDArray[np.float64]
    grid: Grid
    provenance: Record

    def __post_init__(self) -> None:
        object.__setattr__(self, "decays", read_only(self.decays, np.float64))
        if self.decays.shape != self.grid.shape:
            raise InputError(f"decays must have the grid's shape {self.grid.shape}; got {self.decays.shape}")
        low, high = float(self.decays.min()), float(self.decays.max())
        if not (np.isfinite([low, high]).all() and low >= 0 and high > 0):
            raise InputError(
                f"decays must be finite, >= 0 and not all 0; got {low!r} to {high!r}; set what noise made "
                "negative to 0 knowingly"
            )

    @classmethod
    def of_concentration(cls, bq_s_ml: ArrayLike, grid: Grid, provenance: Record) -> DecayMap:
        """Return the map of a time-integrated concentration.

        Parameters
        ----------
        bq_s_ml
            Activity concentration integrated over time, shape of the grid [Bq s/mL].
        grid
            Where the voxels are.
        provenance
            Of the concentration.

        Returns
        -------
        DecayMap
        """
        record = Record("dosimetry.DecayMap.of_concentration", {}, (provenance,))
        return cls(np.asarray(bq_s_ml, np.float64) * grid.voxel_volume_ml, grid, record)

    @property
    def total(self) -> float:
        """Decays in the whole grid."""
        return float(self.decays.sum())


@dataclass(frozen=True, slots=True, eq=False)
class VoxelDose:
    """Absorbed dose in voxels.

    Parameters
    ----------
    dose
        To the medium of each voxel, DOSE [Gy].
    relative_uncertainty
        Relative standard uncertainty that the method's own statistics leave, FRACTION; 1 where nothing was
        scored, 0 for a method without statistics. That of the activity is not in it. ``None``: not asked for.
    balance
        Energy per decay.
    decays
        In the whole grid.
    method
        Name of the method: ``"local"``, ``"kernel"`` or ``"monte_carlo"``.
    provenance
        How it was made.
    """

    dose: Image
    relative_uncertainty: Image | None
    balance: EnergyBalance
    decays: float
    method: str
    provenance: Record

    def __add__(self, other: VoxelDose) -> VoxelDose:
        """Return the dose of both, e.g. of a parent's and a daughter's decays; balances are per decay of all.

        Raises
        ------
        GridMismatch
            When grids differ.
        InputError
            When methods differ: that would be a mixture to name.
        """
        require_same_grid(self.dose.grid, other.dose.grid, what="doses to add")
        if self.method != other.method:
            raise InputError(
                f"doses to add must be of one method; got {self.method} and {other.method}; "
                "add their arrays, and say so"
            )
        record = Record("dosimetry.VoxelDose.add", {}, (self.provenance, other.provenance))
        values = [np.asarray(d.dose.values, np.float64) for d in (self, other)]
        both = values[0] + values[1]
        uncertainty = None
        if self.relative_uncertainty is not None and other.relative_uncertainty is not None:
            relative = [d.relative_uncertainty.values for d in (self, other) if d.relative_uncertainty]
            spread = np.hypot(values[0] * relative[0], values[1] * relative[1])
            share = np.divide(spread, both, out=np.ones_like(both), where=both > 0)
            uncertainty = Image(share.astype(np.float32), self.dose.grid, Quantity.FRACTION, record)
        return replace(
            self,
            dose=Image(both.astype(np.float32), self.dose.grid, Quantity.DOSE, record),
            relative_uncertainty=uncertainty,
            balance=_mean_balance(self, other),
            decays=self.decays + other.decays,
            provenance=record,
        )


class VoxelDoseMethod(Protocol):
    """A way to calculate dose in voxels from decays in voxels."""

    def dose(
        self,
        decays: DecayMap,
        medium: TransportMedium,
        emissions: DecayEmissions,
        *,
        progress: Progress | None = None,
    ) -> VoxelDose:
        """Return the dose; see :func:`voxel_dose`."""


def voxel_dose(
    decays: DecayMap,
    medium: TransportMedium,
    emissions: DecayEmissions,
    method: VoxelDoseMethod,
    *,
    progress: Progress | None = None,
) -> VoxelDose:
    """Calculate absorbed dose in voxels from decays in voxels.

    Parameters
    ----------
    decays
        Number in each voxel.
    medium
        Density and materials, on the grid of the decays.
    emissions
        What one decay emits.
    method
        :class:`~tumorboard.dosimetry.local_deposition.LocalDeposition`,
        :class:`~tumorboard.dosimetry.dose_kernel_convolution.KernelConvolution` or
        :class:`~tumorboard.dosimetry.voxel_dose_monte_carlo.MonteCarlo`.
    progress
        Told how far a long calculation is.

    Returns
    -------
    VoxelDose

    Raises
    ------
    GridMismatch
        When decays and medium do not share a grid.
    InputError
        What the method says.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> from tumorboard.dosimetry.local_deposition import LocalDeposition
    >>> from tumorboard.physics.materials import material
    >>> grid = Grid((3, 3, 3), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> water = TransportMedium.homogeneous(grid, material("water, liquid"))
    >>> decays = DecayMap.of_concentration(np.full(grid.shape, 1e9), grid, Record("example"))
    >>> alpha = DecayEmissions("alpha", local_mev=5.5)
    >>> method = LocalDeposition(photons_stay_below_mev=0.0, least_density_g_cm3=0.1)
    >>> round(float(voxel_dose(decays, water, alpha, method).dose.values.max()), 3)
    0.881
    """
    require_same_grid(decays.grid, medium.grid, what="decays and medium")
    return method.dose(decays, medium, emissions, progress=progress)


def emitted_mev(emissions: DecayEmissions) -> float:
    """Return all energy that a decay brings, that of positrons' annihilation included [MeV].

    Examples
    --------
    >>> emitted_mev(DecayEmissions("alpha", local_mev=5.5))
    5.5
    """
    kinds = (ParticleKind.PHOTON, ParticleKind.ELECTRON, ParticleKind.POSITRON)
    kinetic = sum(emissions.energy_mev(kind) for kind in kinds)
    return float(emissions.local_mev + kinetic + annihilation_mev(emissions))


def annihilation_mev(emissions: DecayEmissions) -> float:
    """Return the energy of annihilation photons per decay [MeV].

    Examples
    --------
    >>> from tumorboard.physics.transport.decay_source import EmissionLines
    >>> line = EmissionLines(ParticleKind.POSITRON, np.array([0.25]), np.array([0.967]))
    >>> round(annihilation_mev(DecayEmissions("like F-18", lines=(line,))), 4)
    0.9883
    """
    every: list[EmissionLines | EmissionSpectrum] = [*emissions.lines, *emissions.spectra]
    positrons = sum(float(e.per_decay.sum()) for e in every if e.kind is ParticleKind.POSITRON)
    return positrons * _ANNIHILATION_MEV


def _mean_balance(one: VoxelDose, two: VoxelDose) -> EnergyBalance:
    """Return the balance per decay of both."""
    total = one.decays + two.decays
    first, second = one.balance.to_dict(), two.balance.to_dict()
    mean = {k: (first[k] * one.decays + second[k] * two.decays) / total for k in first}
    largest = max(one.balance.largest_error_mev, two.balance.largest_error_mev)
    stuck = one.balance.stuck + two.balance.stuck
    return EnergyBalance(**(mean | {"largest_error_mev": largest, "stuck": stuck}))  # type: ignore[arg-type]
