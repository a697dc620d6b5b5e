"""What leaves the nozzle: spectra with a phase space, and the machine that makes them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.pencil_kernel import PencilKernel
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["BeamModel", "EnergySpectrum", "PhaseSpace", "ProtonMachine", "RangeShifter", "SpotModel"]


@dataclass(frozen=True, slots=True, eq=False)
class EnergySpectrum:
    """Kinetic energies of a spot's protons: a sum of Gaussians; one for a conventional accelerator.

    Parameters
    ----------
    mean_mev
        Mean of each Gaussian, shape ``(n,)`` [MeV].
    sigma_mev
        Standard deviation of each, >= 0, shape ``(n,)`` [MeV].
    weights
        Fraction of the protons in each, shape ``(n,)``; scaled to sum to 1.

    Examples
    --------
    >>> round(EnergySpectrum([150.6], [0.6], [1.0]).total_mean_mev, 3)
    150.6
    """

    mean_mev: NDArray[np.float64]
    sigma_mev: NDArray[np.float64]
    weights: NDArray[np.float64]

    def __post_init__(self) -> None:
        mean, sigma, weights = (
            read_only(a, np.float64) for a in (self.mean_mev, self.sigma_mev, self.weights)
        )
        if mean.ndim != 1 or mean.size < 1 or not mean.shape == sigma.shape == weights.shape:
            raise InputError(
                "mean_mev, sigma_mev [MeV] and weights must have one shape (n >= 1,); "
                f"got {mean.shape}, {sigma.shape}, {weights.shape}"
            )
        good = np.isfinite(mean) & (mean > 0) & np.isfinite(sigma) & (sigma >= 0) & (weights >= 0)
        if not good.all() or not 0 < weights.sum() < math.inf:
            raise InputError(
                "mean_mev must be > 0, sigma_mev >= 0 [MeV] and weights >= 0 with a sum > 0; "
                f"got {mean.tolist()}, {sigma.tolist()}, {weights.tolist()}"
            )
        object.__setattr__(self, "mean_mev", mean)
        object.__setattr__(self, "sigma_mev", sigma)
        object.__setattr__(self, "weights", read_only(weights / weights.sum()))

    @property
    def total_mean_mev(self) -> float:
        """Mean energy of all protons [MeV]."""
        return float(self.weights @ self.mean_mev)

    @property
    def total_sigma_mev(self) -> float:
        """Standard deviation of the energy of all protons [MeV]."""
        second = float(self.weights @ (self.sigma_mev**2 + self.mean_mev**2))
        return math.sqrt(max(0.0, second - self.total_mean_mev**2))


@dataclass(frozen=True, slots=True)
class PhaseSpace:
    r"""One Gaussian of a spot: widths, divergences and their correlation at the beam model's plane.

    At a distance ``d`` downstream of the plane, in vacuum,
    :math:`\sigma^2(d) = \sigma^2 + 2 \rho \sigma \theta d + \theta^2 d^2`; a positive correlation widens.

    Parameters
    ----------
    weight
        Fraction of the spot's protons in this Gaussian, 0 to 1.
    sigma_x_mm, sigma_y_mm
        Standard deviations of position along the gantry's x and y, > 0 [mm].
    divergence_x_rad, divergence_y_rad
        Standard deviations of direction, >= 0 [rad].
    correlation_x, correlation_y
        Between position and direction, -1 to 1.
    """

    weight: float
    sigma_x_mm: float
    sigma_y_mm: float
    divergence_x_rad: float = 0.0
    divergence_y_rad: float = 0.0
    correlation_x: float = 0.0
    correlation_y: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.weight <= 1 and self.sigma_x_mm > 0 and self.sigma_y_mm > 0):
            raise InputError(f"weight must be 0 to 1 and sigma_x_mm, sigma_y_mm > 0 [mm]; got {self}")
        if not (0 <= self.divergence_x_rad < 1 and 0 <= self.divergence_y_rad < 1):
            raise InputError(f"divergence_x_rad, divergence_y_rad must be 0 to 1 [rad]; got {self}")
        if not (abs(self.correlation_x) <= 1 and abs(self.correlation_y) <= 1):
            raise InputError(f"correlation_x, correlation_y must be -1 to 1; got {self}")

    def sigma_mm(self, downstream_mm: float) -> tuple[float, float]:
        """Return the widths (x, y) in vacuum [mm] at ``downstream_mm`` from the plane [mm]."""
        d = downstream_mm
        x2 = self.sigma_x_mm**2 + (self.divergence_x_rad * d) ** 2
        y2 = self.sigma_y_mm**2 + (self.divergence_y_rad * d) ** 2
        x2 += 2 * self.correlation_x * self.sigma_x_mm * self.divergence_x_rad * d
        y2 += 2 * self.correlation_y * self.sigma_y_mm * self.divergence_y_rad * d
        return math.sqrt(max(x2, 0.0)), math.sqrt(max(y2, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class SpotModel:
    """One energy that a machine offers.

    Parameters
    ----------
    nominal_energy_mev
        As plans name it, > 0 [MeV].
    spectrum
        Energies of the protons where the phase space is given.
    phase_space
        Gaussians whose weights sum to 1.
    protons_per_mu
        Protons of one monitor unit; ``None`` where the source does not say.
    """

    nominal_energy_mev: float
    spectrum: EnergySpectrum
    phase_space: tuple[PhaseSpace, ...]
    protons_per_mu: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "phase_space", tuple(self.phase_space))
        if not (math.isfinite(self.nominal_energy_mev) and self.nominal_energy_mev > 0):
            raise InputError(
                f"nominal_energy_mev must be finite and > 0 [MeV]; got {self.nominal_energy_mev!r}"
            )
        total = sum(p.weight for p in self.phase_space)
        if abs(total - 1) > 1e-6:
            raise InputError(
                f"weights of the phase space at {self.nominal_energy_mev} MeV must sum to 1; got {total:.6g}"
            )
        if self.protons_per_mu is not None and not self.protons_per_mu > 0:
            raise InputError(f"protons_per_mu must be > 0; got {self.protons_per_mu!r}")


@dataclass(frozen=True, slots=True)
class RangeShifter:
    """A slab that can be moved into the beam.

    Parameters
    ----------
    identifier
        As plans name it.
    material
        Name of its material, e.g. ``"lexan"``, as in :mod:`tumorboard.physics.materials`.
    thickness_mm
        Along the beam, > 0 [mm].
    water_equivalent_thickness_mm
        > 0 [mm].
    """

    identifier: str
    material: str
    thickness_mm: float
    water_equivalent_thickness_mm: float

    def __post_init__(self) -> None:
        if not (self.thickness_mm > 0 and self.water_equivalent_thickness_mm > 0):
            raise InputError(f"thicknesses of range shifter {self.identifier!r} must be > 0 [mm]; got {self}")


@dataclass(frozen=True, slots=True, eq=False)
class BeamModel:
    """What a machine can deliver: its energies, and where they are described.

    Parameters
    ----------
    name
        Of the machine.
    spots
        At least one, by ascending nominal energy.
    plane_mm
        Distance of the plane of the phase spaces upstream of the isocentre, >= 0 [mm].
    source_distance_mm
        Virtual sources, where the scanning magnets bend along x and y, upstream of the isocentre [mm].
    range_shifters
        That can be moved in.
    provenance
        Where the numbers come from.
    """

    name: str
    spots: tuple[SpotModel, ...]
    plane_mm: float
    source_distance_mm: tuple[float, float]
    provenance: Record
    range_shifters: tuple[RangeShifter, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "spots", tuple(self.spots))
        object.__setattr__(self, "range_shifters", tuple(self.range_shifters))
        energies = self.nominal_energies_mev
        if energies.size < 1 or (np.diff(energies) <= 0).any():
            raise InputError(f"spots of {self.name!r} must ascend in energy [MeV]; got {energies.tolist()}")
        if not 0 <= self.plane_mm < math.inf:
            raise InputError(f"plane_mm of {self.name!r} must be >= 0 [mm]; got {self.plane_mm!r}")
        if not all(self.plane_mm < d for d in self.source_distance_mm):
            raise InputError(
                f"source_distance_mm of {self.name!r} must lie upstream of the plane at {self.plane_mm} mm "
                f"[mm]; got {self.source_distance_mm}"
            )

    @property
    def nominal_energies_mev(self) -> NDArray[np.float64]:
        """Nominal energies, shape ``(n_energies,)`` [MeV]."""
        return np.array([s.nominal_energy_mev for s in self.spots])

    def range_shifter(self, identifier: str) -> RangeShifter:
        """Return a range shifter by its identifier."""
        for shifter in self.range_shifters:
            if shifter.identifier == identifier:
                return shifter
        known = ", ".join(s.identifier for s in self.range_shifters) or "none"
        raise InputError(f"range shifter of {self.name!r} must be one of {known}; got {identifier!r}")


@dataclass(frozen=True, slots=True, eq=False)
class ProtonMachine:
    """A beam model with a pencil beam in water for each of its energies.

    Parameters
    ----------
    beam_model
        What the machine delivers.
    kernels
        One per energy of the beam model, in its order.
    """

    beam_model: BeamModel
    kernels: tuple[PencilKernel, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernels", tuple(self.kernels))
        nominal = [k.nominal_energy_mev for k in self.kernels]
        if nominal != self.beam_model.nominal_energies_mev.tolist():
            raise InputError(
                f"kernels of {self.beam_model.name!r} must be one per energy of the beam model [MeV]; "
                f"got {nominal}"
            )
