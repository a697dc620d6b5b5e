"""Dose of decays in voxels by convolution with a voxel dose kernel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from tumorboard.core.grid import Grid, require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.dosimetry.dose_kernel import DoseKernel
from tumorboard.dosimetry.voxel_dose import DecayMap, VoxelDose, emitted_mev
from tumorboard.errors import InputError
from tumorboard.physics.transport.batches import Progress
from tumorboard.physics.transport.decay_source import DecayEmissions
from tumorboard.physics.transport.energy_balance import EnergyBalance
from tumorboard.physics.transport.medium import GY_G_PER_MEV, TransportMedium
from tumorboard.provenance import Record

__all__ = ["DensityCorrection", "KernelConvolution"]

#: Voxel sizes and emitted energies of kernel and problem may differ by this much of themselves.
_SAME: Final = 1e-3


class DensityCorrection(Enum):
    """What becomes of the energy that a kernel gives to a voxel of another density than its own."""

    #: The dose of the kernel's medium, whatever the density: that of photons from afar, whose energy per mass
    #: is about the same in all tissues; energy is then not that of the voxels' masses.
    NONE = "none"
    #: The energy over the voxel's own mass, thus the kernel's dose by its density over the voxel's: right
    #: where electrons stop in tissue like their own, which is most of the dose; energy is conserved. Where
    #: tissues meet, electrons go farther in the lighter one than the kernel knows.
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class KernelConvolution:
    """Each decay spreads its energy as the kernel says, as if the kernel's medium were everywhere [1]_.

    Parameters
    ----------
    kernel
        Of the decays' nuclide and the grid's voxel size.
    density_correction
        See :class:`DensityCorrection`.
    least_density_g_cm3
        Voxels lighter than this get no dose, as in
        :class:`~tumorboard.dosimetry.local_deposition.LocalDeposition`; their energy is counted as escaped
        [g/cm3].
    uncertainty
        Whether to carry the kernel's uncertainty to the dose, by a second convolution.
    threads
        To transform with, >= 1.

    Raises
    ------
    InputError
        When a number is out of range.

    References
    ----------
    .. [1] bolch1999mird17

    Examples
    --------
    >>> DensityCorrection("local")
    <DensityCorrection.LOCAL: 'local'>
    """

    kernel: DoseKernel
    density_correction: DensityCorrection
    least_density_g_cm3: float
    uncertainty: bool = True
    threads: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "density_correction", DensityCorrection(self.density_correction))
        if not (np.isfinite(self.least_density_g_cm3) and self.least_density_g_cm3 >= 0):
            raise InputError(
                f"least_density_g_cm3 must be finite and >= 0 [g/cm3]; got {self.least_density_g_cm3!r}"
            )
        if int(self.threads) != self.threads or self.threads < 1:
            raise InputError(f"threads must be a whole number >= 1; got {self.threads!r}")

    def dose(
        self,
        decays: DecayMap,
        medium: TransportMedium,
        emissions: DecayEmissions,
        *,
        progress: Progress | None = None,
    ) -> VoxelDose:
        """Return the dose; parameters as of :func:`~tumorboard.dosimetry.voxel_dose.voxel_dose`."""
        require_same_grid(decays.grid, medium.grid, what="decays and medium")
        self._require_fit(decays.grid, emissions)
        kernel = self.kernel
        energy = _convolved(decays.decays, kernel, squares=False, threads=self.threads)
        heavy = (medium.density_g_cm3 >= self.least_density_g_cm3) & (medium.density_g_cm3 > 0)
        deposited = float(energy.sum(where=heavy)) / decays.total
        local = self.density_correction is DensityCorrection.LOCAL
        density = medium.density_g_cm3 if local else np.float32(kernel.density_g_cm3)
        per_mass = np.divide(
            GY_G_PER_MEV / medium.grid.voxel_volume_ml, density, out=np.zeros(energy.shape), where=heavy
        )
        record = Record(
            "dosimetry.KernelConvolution.dose",
            {
                "density_correction": self.density_correction.value,
                "least_density_g_cm3": self.least_density_g_cm3,
                "medium": medium.digest,
                "nuclide": emissions.name,
                "emissions": emissions.digest,
            },
            (decays.provenance, kernel.provenance),
            references=("bolch1999mird17",),
        )

        def image(values: NDArray[Any], quantity: Quantity) -> Image:
            return Image(values.astype(np.float32), medium.grid, quantity, record)

        spread = None
        if self.uncertainty:
            variance = _convolved(decays.decays**2, kernel, squares=True, threads=self.threads)
            share = np.divide(np.sqrt(variance), energy, out=np.ones_like(energy), where=energy > 0)
            spread = image(np.minimum(np.where(heavy, share, 1.0), 1.0), Quantity.FRACTION)
        inside = float(kernel.energy_mev.sum())
        return VoxelDose(
            dose=image(energy * per_mass, Quantity.DOSE),
            relative_uncertainty=spread,
            balance=EnergyBalance(
                brought_mev=kernel.emitted_mev,
                deposited_mev=deposited,
                cut_mev=0.0,
                escaped_mev=inside - deposited,
                handed_on_mev=kernel.emitted_mev - inside,
                missed_mev=0.0,
                largest_error_mev=0.0,
                stuck=0,
            ),
            decays=decays.total,
            method="kernel",
            provenance=record,
        )

    def _require_fit(self, grid: Grid, emissions: DecayEmissions) -> None:
        kernel = self.kernel
        if (np.abs(grid.spacing_mm / kernel.spacing_mm - 1.0) > _SAME).any():
            raise InputError(
                f"kernel must be of the grid's voxels, {grid.spacing_mm.tolist()} mm; got one of "
                f"{kernel.spacing_mm.tolist()}; make one: dosimetry.dose_kernel.dose_kernel(spacing_mm=...)"
            )
        emitted = emitted_mev(emissions)
        if abs(kernel.emitted_mev / emitted - 1.0) > _SAME or kernel.nuclide != emissions.name:
            raise InputError(
                f"kernel must be of the decays' emissions, {emissions.name} with {emitted:.6g} MeV; got one "
                f"of {kernel.nuclide} with {kernel.emitted_mev:.6g}"
            )


def _convolved(
    decays: NDArray[np.float64], kernel: DoseKernel, *, squares: bool, threads: int
) -> NDArray[np.float64]:
    """Return the energy in voxels, zeros beyond them [MeV]; or the variance that the kernel gives it."""
    # What wraps around the far side stays in the padding, which nobody reads: half a kernel is enough.
    half = [n // 2 for n in kernel.energy_mev.shape]
    shape = tuple(
        fft.next_fast_len(n + min(h, n - 1), real=True) for n, h in zip(decays.shape, half, strict=True)
    )
    there = fft.rfftn(decays, shape, workers=threads)
    there *= _transform(kernel, shape, decays.shape, squares, threads)
    back = fft.irfftn(there, shape, workers=threads, overwrite_x=True)
    # Rounding leaves 1e-16 of the highest energy where there is none.
    found: NDArray[np.float64] = np.maximum(back[tuple(slice(0, n) for n in decays.shape)], 0.0)
    return found


@lru_cache(maxsize=4)
def _transform(
    kernel: DoseKernel, shape: tuple[int, ...], grid: tuple[int, ...], squares: bool, threads: int
) -> NDArray[np.complex128]:
    """Return the kernel's transform, its source at the origin; no farther than the grid is wide."""
    reach = [min(n // 2, size - 1) for n, size in zip(kernel.energy_mev.shape, grid, strict=True)]
    part = tuple(
        slice(n // 2 - h, n // 2 + h + 1) for n, h in zip(kernel.energy_mev.shape, reach, strict=True)
    )
    values = kernel.energy_mev[part]
    if squares:
        values = (values * kernel.relative_uncertainty[part]) ** 2
    at = np.ix_(*(np.arange(-h, h + 1) % n for h, n in zip(reach, shape, strict=True)))
    room = np.zeros(shape)
    np.add.at(room, at, values)
    found: NDArray[np.complex128] = fft.rfftn(room, workers=threads)
    return found
