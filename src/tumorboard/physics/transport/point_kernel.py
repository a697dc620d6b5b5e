"""How decays spread their energy about a point in a medium without end."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics.transport._decay_run import DecayRun, seeds_of
from tumorboard.physics.transport._decay_setup import balance_of_decays
from tumorboard.physics.transport._kernels.electron_data import Cells
from tumorboard.physics.transport._kernels.electron_decay import Places
from tumorboard.physics.transport._kernels.electron_history import ACCOUNT_SIZE
from tumorboard.physics.transport._kernels.photon_data import ACCOUNTS
from tumorboard.physics.transport.batches import BatchPlan, Progress, Tallies, run_batches
from tumorboard.physics.transport.decay_source import DecayEmissions
from tumorboard.physics.transport.electron import REFERENCES as ELECTRON_REFERENCES
from tumorboard.physics.transport.electron_tables import ElectronSteps, electron_tables
from tumorboard.physics.transport.energy_balance import EnergyBalance
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.photon import REFERENCES as PHOTON_REFERENCES
from tumorboard.physics.transport.photon_arguments import PhotonArguments, PhotonSteps, photon_arguments
from tumorboard.provenance import Record

__all__ = ["PointKernel", "point_kernel"]

#: Photons are followed as far beyond the last shell, whence few come back [mm].
_MARGIN_MM: Final = 300.0
#: Voxels along each side of the photons' box.
_SIDE: Final = 48
#: Points along each side of a voxel by which the part of it in a ball is found.
_FINE: Final = 4
#: Electrons above this are followed, so that nearly all that photons leave is known where [MeV].
_LEAST_MEV: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class PointKernel:
    """Energy that decays leave in shells about a point.

    Parameters
    ----------
    edges_mm
        Radii of the shells, from 0, shape ``(n + 1,)`` [mm].
    energy_mev
        Left in each shell per decay, shape ``(n,)`` [MeV].
    relative_uncertainty
        Relative standard uncertainty of that, shape ``(n,)``; 1 where nothing was left.
    beyond_mev
        Left beyond the last shell, per decay [MeV].
    balance
        Energy per decay; photons are handed on where they are not followed.
    histories
        Decays that were followed.
    provenance
        How it was made.
    """

    edges_mm: NDArray[np.float64]
    energy_mev: NDArray[np.float64]
    relative_uncertainty: NDArray[np.float64]
    beyond_mev: float
    balance: EnergyBalance
    histories: int
    provenance: Record

    def __post_init__(self) -> None:
        for name in ("edges_mm", "energy_mev", "relative_uncertainty"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    def radius_mm(self, fraction: float) -> float:
        """Return the radius within which a fraction of the energy left is [mm], linear within shells."""
        if not 0 <= fraction <= 1:
            raise InputError(f"fraction must be 0 to 1; got {fraction!r}")
        within = np.concatenate(([0.0], np.cumsum(self.energy_mev)))
        wanted = fraction * (within[-1] + self.beyond_mev)
        if wanted > within[-1]:
            raise InputError(
                f"fraction must be at most {within[-1] / (within[-1] + self.beyond_mev):.4g}, what is within "
                f"{self.edges_mm[-1]:g} mm; got {fraction!r}; ask for a kernel with more shells"
            )
        return float(np.interp(wanted, within, self.edges_mm))

    def self_energy_mev(self, radius_mm: float) -> float:
        """Return the energy that decays evenly in a ball leave in it, in the medium without end [MeV].

        By the distribution of the distances of two points in a ball [1]_: of those a shell holds the energy
        of distance r, the part 1 - 3r/4R + r^3/16R^3 is in the ball of radius R [mm].

        References
        ----------
        .. [1] berger1970beta
        """
        if not (np.isfinite(radius_mm) and radius_mm > 0):
            raise InputError(f"radius_mm must be > 0 [mm]; got {radius_mm!r}")
        if self.beyond_mev > 0 and 2 * radius_mm > self.edges_mm[-1]:
            raise InputError(
                f"radius_mm must be at most half of the kernel's {self.edges_mm[-1]:g} [mm]; "
                f"got {radius_mm!r}; ask for a kernel with more shells"
            )
        low, high = (np.minimum(e / radius_mm, 2.0) for e in (self.edges_mm[:-1], self.edges_mm[1:]))
        # The mean over the shell; beyond twice the radius nothing counts.
        width = np.diff(self.edges_mm) / radius_mm
        integral = [x - 3.0 * x**2 / 8.0 + x**4 / 64.0 for x in (low, high)]
        return float(self.energy_mev @ ((integral[1] - integral[0]) / width))


def point_kernel(
    material: Material,
    emissions: DecayEmissions,
    plan: BatchPlan,
    *,
    shell_mm: float,
    shells: int,
    follow_photons: bool,
    ball_mm: float | None = None,
    steps: ElectronSteps | None = None,
    progress: Progress | None = None,
) -> PointKernel:
    """Return how decays at a point spread their energy in a medium without end.

    The physics of :func:`~tumorboard.physics.transport.decay_transport.transport_decays` [1]_ [2]_. The
    energy that photons leave on the spot, binding energies and photons below their cut, about 1 % of theirs,
    is spread as that of the electrons that they set free is.

    Parameters
    ----------
    material
        Of its own density.
    emissions
        Of a decay; directions are isotropic.
    plan
        How many decays, and with how many threads.
    shell_mm
        Thickness of the shells, > 0 [mm].
    shells
        Their number, >= 1.
    follow_photons
        Whether photons are followed; else they leave.
    ball_mm
        Radius of the medium about the point, beyond which photons find vacuum, at least that of all shells
        [mm]; ``None``: without end.
    steps
        How electrons are followed; ``None``: ``ElectronSteps(transfer_mev=0.01, share_of_range=0.1)``.
    progress
        As in :func:`~tumorboard.physics.transport.batches.run_batches`.

    Returns
    -------
    PointKernel

    Raises
    ------
    InputError
        When a number is out of range.

    References
    ----------
    .. [1] sempau2000dpm
    .. [2] woodcock1965

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> from tumorboard.physics.transport.decay_source import EmissionLines
    >>> from tumorboard.physics.transport.particles import ParticleKind
    >>> line = EmissionLines(ParticleKind.ELECTRON, np.array([1.0]), np.array([1.0]))
    >>> kernel = point_kernel(
    ...     material("water, liquid"),
    ...     DecayEmissions("1 MeV", lines=(line,)),
    ...     BatchPlan(2000, 1, 1),
    ...     shell_mm=0.1,
    ...     shells=50,
    ...     follow_photons=False,
    ... )
    >>> round(kernel.radius_mm(0.9), 1)
    3.5
    """
    if not (np.isfinite(shell_mm) and shell_mm > 0):
        raise InputError(f"shell_mm must be > 0 [mm]; got {shell_mm!r}")
    if int(shells) != shells or shells < 1:
        raise InputError(f"shells must be a whole number >= 1; got {shells!r}")
    chosen = steps if steps is not None else ElectronSteps(transfer_mev=0.01, share_of_range=0.1)
    if ball_mm is not None and not shell_mm * shells * (1.0 - 1e-9) <= ball_mm < np.inf:
        raise InputError(
            f"ball_mm must be at least the radius of all shells, {shell_mm * shells:g} [mm], or None; "
            f"got {ball_mm!r}"
        )
    reach = shell_mm * shells + _MARGIN_MM if ball_mm is None else ball_mm
    density = np.full(1, material.density_g_cm3, np.float32)
    one = np.ones(1)
    run = DecayRun(
        emissions.for_kernel(chosen.cut_mev),
        Places(np.zeros((1, 3)), one, np.zeros(1, np.int64), np.zeros(3), np.zeros((3, 3)), True),
        Cells(density, np.zeros(1, np.uint16), 0, 0, 0, shell_mm, shell_mm, shell_mm),
        electron_tables((material,), chosen),
        chosen.settings(plan.seed),
        _box(material, reach, ball_mm is not None, plan.seed) if follow_photons else None,
        seeds_of(plan.seed),
        by_secondaries="by_secondaries",
        by_photons="on_the_spot",
        offset_mm=np.full(3, reach),
    )
    record = Record(
        "physics.transport.point_kernel",
        {
            "material": repr(material),
            "emissions": emissions.digest,
            **plan.settings,
            "shell_mm": shell_mm,
            "shells": shells,
            "follow_photons": follow_photons,
            "ball_mm": ball_mm,
            "steps": asdict(chosen),
        },
        references=tuple(dict.fromkeys((*ELECTRON_REFERENCES, *PHOTON_REFERENCES))),
    )

    def make() -> Tallies:
        return {
            "energy": np.zeros(shells + 1),
            "by_secondaries": np.zeros(shells + 1),
            "on_the_spot": np.zeros(_SIDE**3),
            "electrons": np.zeros(ACCOUNT_SIZE),
            "secondaries": np.zeros(ACCOUNT_SIZE),
            "photons": np.zeros(ACCOUNTS),
        }

    sums = run_batches(
        lambda first, count, tallies: run.decays(first, first + count, tallies),
        make,
        _in_shells,
        plan,
        what="spreading decays",
        progress=progress,
    )
    energy = _in_shells(dict(sums.tallies)) / sums.histories
    accounts = {k: sums.tallies[k] for k in ("electrons", "secondaries", "photons")}
    return PointKernel(
        edges_mm=shell_mm * np.arange(shells + 1.0),
        energy_mev=energy[:-1],
        relative_uncertainty=sums.relative_uncertainty[:-1],
        beyond_mev=float(energy[-1]),
        balance=balance_of_decays(accounts, sums.histories),
        histories=sums.histories,
        provenance=record,
    )


def _in_shells(tallies: Tallies) -> NDArray[np.float64]:
    """Return energies in shells; what photons left on the spot goes with their electrons'."""
    by_photons = tallies["by_secondaries"]
    total = by_photons.sum()
    factor = 1.0 + tallies["on_the_spot"].sum() / total if total > 0 else 1.0
    return np.asarray(tallies["energy"] + factor * by_photons)


def _box(material: Material, reach_mm: float, ball: bool, seed: int) -> PhotonArguments:
    """Return a box of the material about the point, or the ball that fits in, for photons."""
    size = 2.0 * reach_mm / _SIDE
    grid = Grid((_SIDE,) * 3, (size,) * 3, (0.0,) * 3, AXIAL, frame_of_reference="2.25.0")
    density = np.full(grid.shape, material.density_g_cm3)
    if ball:
        # Voxels that the surface cuts have the density of their part inside.
        fine = (np.arange(_SIDE * _FINE) + 0.5) / (0.5 * _SIDE * _FINE) - 1.0
        inside = (fine[:, None, None] ** 2 + fine[:, None] ** 2 + fine**2 <= 1.0).astype(np.float64)
        density *= inside.reshape(_SIDE, _FINE, _SIDE, _FINE, _SIDE, _FINE).mean(axis=(1, 3, 5))
    index = np.zeros(grid.shape, np.uint16)
    medium = TransportMedium(grid, density.astype(np.float32), index, (material,))
    steps = PhotonSteps(cut_mev=0.001, electron_cut_mev=_LEAST_MEV)
    return photon_arguments(medium, steps, seed=seed)
