"""Voxel dose kernels: how decays in one voxel spread their energy over the voxels around it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.material import Material
from tumorboard.dosimetry._kernels.dose_kernel_splat import splat_shells
from tumorboard.dosimetry.dose_kernel_cache import load_arrays, save_arrays
from tumorboard.dosimetry.dose_kernel_parts import parts_by_energy
from tumorboard.dosimetry.voxel_dose import annihilation_mev, emitted_mev
from tumorboard.errors import InputError
from tumorboard.physics.transport.batches import BatchPlan, Progress
from tumorboard.physics.transport.decay_source import DecayEmissions
from tumorboard.physics.transport.electron_tables import ElectronSteps
from tumorboard.physics.transport.medium import GY_G_PER_MEV
from tumorboard.physics.transport.particles import ParticleKind
from tumorboard.physics.transport.point_kernel import PointKernel, point_kernel
from tumorboard.provenance import Record

__all__ = ["DoseKernel", "dose_kernel", "scaled_point_kernels"]

#: A kernel may hold this much more than is emitted, by rounding.
_ROUNDING: Final = 1e-6
#: Shells in the shortest side of a voxel.
_SHELLS_PER_VOXEL: Final = 50
#: Points in a shell: at least, and for each square of a voxel's side in r^2.
_POINTS: Final = 1000
_POINTS_PER_AREA: Final = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class DoseKernel:
    """Energy that a decay in the middle voxel, anywhere in it, leaves in it and in the voxels around.

    Parameters
    ----------
    energy_mev
        Per decay, finite and >= 0, shape ``(z, y, x)`` of odd numbers [MeV].
    spacing_mm
        Size of voxels along (z, y, x), shape ``(3,)`` [mm].
    density_g_cm3
        Of the medium, which is the same everywhere [g/cm3].
    nuclide
        Whose decays.
    emitted_mev
        All that a decay brings, annihilation included [MeV].
    photons_mev
        The part of it that photons carry [MeV].
    relative_uncertainty
        Relative standard uncertainty of ``energy_mev``, of its shape; 0 where not known.
    provenance
        How it was made.

    Raises
    ------
    InputError
        When shapes do not fit, a number is negative, or the kernel holds more energy than is emitted.

    Examples
    --------
    >>> kernel = DoseKernel(
    ...     energy_mev=np.full((1, 1, 1), 0.14),
    ...     spacing_mm=(4.0, 4.0, 4.0),
    ...     density_g_cm3=1.0,
    ...     nuclide="Lu-177",
    ...     emitted_mev=0.182,
    ...     photons_mev=0.035,
    ...     relative_uncertainty=np.zeros((1, 1, 1)),
    ...     provenance=Record("example"),
    ... )
    >>> round(kernel.missing_share, 3)
    0.231
    """

    energy_mev: NDArray[np.float64]
    spacing_mm: NDArray[np.float64]
    density_g_cm3: float
    nuclide: str
    emitted_mev: float
    photons_mev: float
    relative_uncertainty: NDArray[np.float64]
    provenance: Record

    def __post_init__(self) -> None:
        for name in ("energy_mev", "spacing_mm", "relative_uncertainty"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))
        energy, emitted = self.energy_mev, self.emitted_mev
        if energy.ndim != 3 or not all(n % 2 for n in energy.shape):
            raise InputError(
                f"energy_mev of a kernel must have an odd number of voxels along z, y and x, its source in "
                f"the middle; got {energy.shape}"
            )
        if not (np.isfinite(energy).all() and (energy >= 0).all()):
            raise InputError("energy_mev of a kernel must be finite and >= 0 [MeV]; got others")
        if self.spacing_mm.shape != (3,) or not (np.isfinite(self.spacing_mm) & (self.spacing_mm > 0)).all():
            raise InputError(f"spacing_mm must be three numbers > 0 [mm]; got {self.spacing_mm.tolist()}")
        if self.relative_uncertainty.shape != energy.shape:
            raise InputError(
                f"relative_uncertainty must have the kernel's shape {energy.shape}; "
                f"got {self.relative_uncertainty.shape}"
            )
        if not (0 < self.density_g_cm3 < 25 and np.isfinite(emitted) and 0 <= self.photons_mev <= emitted):
            raise InputError(
                f"density_g_cm3 must be > 0 and below 25 [g/cm3], photons_mev 0 to emitted_mev [MeV]; got "
                f"{self.density_g_cm3!r}, {self.photons_mev!r}, {emitted!r}"
            )
        if energy.sum() > emitted * (1.0 + _ROUNDING):
            raise InputError(
                f"energy_mev of a kernel must sum to at most the {emitted:.6g} MeV that a decay of "
                f"{self.nuclide} emits; got {energy.sum():.6g}, {100 * (energy.sum() / emitted - 1):.2g} % "
                "more; check its unit, voxel size, density and nuclide"
            )

    @property
    def mass_g(self) -> float:
        """Mass of a voxel [g]."""
        return float(self.spacing_mm.prod() * 1e-3 * self.density_g_cm3)

    @property
    def dose_gy(self) -> NDArray[np.float64]:
        """Dose per decay, shape ``(z, y, x)`` [Gy]."""
        return self.energy_mev * (GY_G_PER_MEV / self.mass_g)

    @property
    def missing_mev(self) -> float:
        """What leaves the kernel, per decay [MeV]."""
        return max(0.0, self.emitted_mev - float(self.energy_mev.sum()))

    @property
    def missing_share(self) -> float:
        """What leaves the kernel over what is emitted."""
        return self.missing_mev / self.emitted_mev

    @property
    def explanation(self) -> str:
        """Why the kernel holds less than is emitted, in a sentence."""
        lacks = f"{100 * self.missing_share:.2g} % of the {self.emitted_mev:.4g} MeV leaves the kernel"
        reach = "x".join(f"{n * s:.4g}" for n, s in zip(self.energy_mev.shape, self.spacing_mm, strict=True))
        if self.missing_mev <= self.photons_mev:
            return (
                f"{lacks}, which photons carry beyond its {reach} mm: they have {self.photons_mev:.4g} MeV."
            )
        return (
            f"{lacks}, more than the {self.photons_mev:.4g} MeV of photons: electrons leave its {reach} mm, "
            "bremsstrahlung does, or the kernel is cut off, of another density or unit, or of other decay "
            "data, without conversion electrons say."
        )


def dose_kernel(
    emissions: DecayEmissions,
    material: Material,
    plan: BatchPlan,
    *,
    spacing_mm: ArrayLike,
    shape: tuple[int, int, int],
    steps: ElectronSteps | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> DoseKernel:
    """Calculate a voxel dose kernel by Monte Carlo, in a medium without end.

    Charged particles and photons are spread about a point, each with all that they set free, and scaled to
    the mean energy that they are emitted with, so that energy closes to rounding. The point kernels are then
    integrated over all pairs of points in two voxels [1]_. ``relative_uncertainty`` takes shells for
    independent, which is too much for the middle voxel: there one shell's gain is another's loss.

    Parameters
    ----------
    emissions
        Of a decay.
    material
        The medium, of its own density.
    plan
        How many histories, of charged particles and of photons, and with how many threads.
    spacing_mm
        Size of voxels along (z, y, x), shape ``(3,)`` [mm].
    shape
        Odd numbers of voxels along (z, y, x).
    steps
        How electrons are followed; ``None``: as in
        :func:`~tumorboard.physics.transport.point_kernel.point_kernel`.
    cache
        Folder of kernels that were calculated before, under a digest of all that they depend on; a new one is
        written there whole or not at all. ``None``: none.
    progress
        Told how many decays are followed.

    Returns
    -------
    DoseKernel

    Raises
    ------
    InputError
        When a number is out of range.
    UnreadableFile
        When a kept kernel is damaged.

    References
    ----------
    .. [1] bolch1999mird17

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> from tumorboard.physics.transport.decay_source import EmissionLines
    >>> line = EmissionLines(ParticleKind.ELECTRON, np.array([0.147]), np.array([1.0]))
    >>> kernel = dose_kernel(
    ...     DecayEmissions("like Lu-177", lines=(line,)),
    ...     material("water, liquid"),
    ...     BatchPlan(2000, 1, 1),
    ...     spacing_mm=(4.0, 4.0, 4.0),
    ...     shape=(3, 3, 3),
    ... )
    >>> bool(0.94 < kernel.energy_mev[1, 1, 1] / 0.147 < 0.96)
    True
    """
    spacing = np.array(spacing_mm, np.float64)
    if spacing.shape != (3,) or not (np.isfinite(spacing) & (spacing > 0)).all():
        raise InputError(f"spacing_mm must be three numbers > 0 along (z, y, x) [mm]; got {spacing_mm!r}")
    size = np.array(shape)
    if (
        size.shape != (3,)
        or not (size == size.astype(int)).all()
        or not ((size >= 1) & (size % 2 == 1)).all()
    ):
        raise InputError(f"shape must be three odd numbers >= 1 along (z, y, x); got {shape!r}")
    record = Record(
        "dosimetry.dose_kernel",
        {
            "nuclide": emissions.name,
            "emissions": emissions.digest,
            "material": repr(material),
            "histories": plan.histories,
            "seed": plan.seed,
            "batches": plan.batches,
            "target_uncertainty": plan.target_uncertainty,
            "spacing_mm": spacing.tolist(),
            "shape": size.tolist(),
            "steps": None if steps is None else asdict(steps),
            "points": [_SHELLS_PER_VOXEL, _POINTS, _POINTS_PER_AREA],
            "local_in_source_voxel": True,
        },
        references=("sempau2000dpm", "woodcock1965", "bolch1999mird17"),
    )
    kept = load_arrays(cache, record) if cache is not None else None
    if kept is None:
        kept = _in_voxels(emissions, material, plan, spacing, size, steps, progress)
        if cache is not None:
            save_arrays(cache, record, kept)
    return DoseKernel(
        energy_mev=kept["energy_mev"],
        spacing_mm=spacing,
        density_g_cm3=material.density_g_cm3,
        nuclide=emissions.name,
        emitted_mev=emitted_mev(emissions),
        photons_mev=emissions.energy_mev(ParticleKind.PHOTON) + annihilation_mev(emissions),
        relative_uncertainty=kept["relative_uncertainty"],
        provenance=record,
    )


def scaled_point_kernels(
    emissions: DecayEmissions,
    material: Material,
    plan: BatchPlan,
    *,
    shell_mm: float,
    shells: int,
    ball_mm: float | None = None,
    steps: ElectronSteps | None = None,
    progress: Progress | None = None,
) -> tuple[PointKernel, ...]:
    """Return point kernels of parts of what is emitted and travels; their sum is that of a decay.

    What does not travel, ``local_mev``, is in none of them: it stays at the very point, not somewhere in the
    first shell. Charged particles and photons are divided by energy into parts of about the same energy in
    all, each is followed by itself, one particle per history, and scaled to the energy that it is emitted
    with: nothing is left to chance about how much of it there is.

    Parameters
    ----------
    emissions, material, shell_mm, shells, ball_mm, steps, progress
        As in :func:`~tumorboard.physics.transport.point_kernel.point_kernel` [mm].
    plan
        So many histories for charged particles, and for photons, shared by their parts.

    Returns
    -------
    tuple
        Kernels per decay, photons that charged particles radiate with them; none where nothing travels.

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> from tumorboard.physics.transport.decay_source import EmissionLines
    >>> auger = EmissionLines(ParticleKind.ELECTRON, np.array([0.006]), np.array([0.2]))
    >>> (kernel,) = scaled_point_kernels(
    ...     DecayEmissions("Auger electrons", lines=(auger,), local_mev=5.5),
    ...     material("water, liquid"),
    ...     BatchPlan(100, 1, 1),
    ...     shell_mm=0.1,
    ...     shells=3,
    ... )
    >>> round(float(kernel.energy_mev[0]), 4)
    0.0012
    """
    found = []
    for number, (part, share) in enumerate(parts_by_energy(emissions)):
        if part.local_mev > 0:
            continue
        brings = emitted_mev(part)
        each = sum(float(one.per_decay.sum()) for one in part.lines)
        each = each + sum(float(one.per_decay.sum()) for one in part.spectra) or 1.0
        one_each = replace(
            part,
            lines=tuple(replace(line, per_decay=line.per_decay / each) for line in part.lines),
            spectra=tuple(replace(one, per_decay=one.per_decay / each) for one in part.spectra),
        )
        kernel = point_kernel(
            material,
            one_each,
            replace(
                plan,
                histories=max(plan.batches, plan.histories // share),
                seed=int(np.random.SeedSequence((plan.seed, number)).generate_state(1)[0]),
            ),
            shell_mm=shell_mm,
            shells=shells,
            follow_photons=True,
            ball_mm=ball_mm,
            steps=steps,
            progress=progress,
        )
        factor = brings / kernel.balance.brought_mev
        found.append(
            replace(kernel, energy_mev=kernel.energy_mev * factor, beyond_mev=kernel.beyond_mev * factor)
        )
    return tuple(found)


def _in_voxels(
    emissions: DecayEmissions,
    material: Material,
    plan: BatchPlan,
    spacing: NDArray[np.float64],
    size: NDArray[np.int64],
    steps: ElectronSteps | None,
    progress: Progress | None,
) -> dict[str, NDArray[np.float64]]:
    """Return energy and relative uncertainty in voxels, by name."""
    half = size // 2
    shell = float(spacing.min()) / _SHELLS_PER_VOXEL
    # Two points in voxels apart by n sides are apart by n + 1 at most.
    shells = int(np.ceil(np.linalg.norm((half + 1) * spacing) / shell))
    energy, variance = np.zeros((2, *(half + 1)))
    n_points = max(_POINTS, int(_POINTS_PER_AREA * (shells / _SHELLS_PER_VOXEL) ** 2) + 1)
    room = np.zeros(energy.size), np.zeros(min(energy.size, 8 * n_points), np.int64)
    for kernel in scaled_point_kernels(
        emissions, material, plan, shell_mm=shell, shells=shells, steps=steps, progress=progress
    ):
        spread = kernel.energy_mev * kernel.relative_uncertainty
        splat_shells(
            kernel.edges_mm,
            kernel.energy_mev,
            spread,
            spacing,
            _POINTS,
            _POINTS_PER_AREA,
            *room,
            energy,
            variance,
        )
    energy[0, 0, 0] += emissions.local_mev
    energy, variance = (_alike(array, spacing) for array in (energy, variance))
    relative = np.divide(np.sqrt(variance), energy, out=np.ones_like(energy), where=energy > 0)
    mirror = np.ix_(*(np.abs(np.arange(-h, h + 1)) for h in half))
    return {"energy_mev": energy[mirror], "relative_uncertainty": relative[mirror]}


def _alike(octant: NDArray[np.float64], spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over all exchanges of axes along which voxels are alike."""
    alike = [
        order
        for order in permutations(range(3))
        if (spacing[[*order]] == spacing).all() and tuple(octant.shape[n] for n in order) == octant.shape
    ]
    return np.asarray(sum(octant.transpose(order) for order in alike) / len(alike))
