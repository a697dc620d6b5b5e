"""Self-doses of spheres, the usual model of a tumour."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from tumorboard.core._arrays import read_only
from tumorboard.core.material import Material
from tumorboard.dosimetry.dose_kernel import scaled_point_kernels
from tumorboard.dosimetry.voxel_dose import emitted_mev
from tumorboard.errors import InputError
from tumorboard.physics.transport.batches import BatchPlan, Progress
from tumorboard.physics.transport.decay_source import DecayEmissions
from tumorboard.physics.transport.electron_tables import ElectronSteps
from tumorboard.physics.transport.medium import GY_G_PER_MEV
from tumorboard.provenance import Record

__all__ = ["SphereModel", "SphereTable", "sphere_model"]

#: Thickness of shells, at unit density [mm]: the smallest sphere, of 0.1 g, has a radius of 2.9 mm.
_SHELL_MM: Final = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class SphereModel:
    """Spheres of any mass and density, full of activity, in an endless medium of their own.

    The same composition at another density has the same point kernel in mass per area [1]_; so one kernel
    serves all of them.

    Parameters
    ----------
    edges_g_cm2
        Radii of shells about a point times density, from 0, shape ``(n + 1,)`` [g/cm2].
    energy_mev
        Left in each per decay, shape ``(n,)`` [MeV].
    spread_mev
        Its standard uncertainty, shape ``(n,)`` [MeV].
    nuclide
        Whose decays.
    emitted_mev
        All that a decay brings [MeV].
    provenance
        How it was made.
    local_mev
        Left at the very point, beside that in the shells: of alphas and recoils [MeV].

    References
    ----------
    .. [1] berger1970beta
    """

    edges_g_cm2: NDArray[np.float64]
    energy_mev: NDArray[np.float64]
    spread_mev: NDArray[np.float64]
    nuclide: str
    emitted_mev: float
    provenance: Record
    local_mev: float = 0.0

    def __post_init__(self) -> None:
        for name in ("edges_g_cm2", "energy_mev", "spread_mev"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    def absorbed_fraction(self, mass_g: float, *, density_g_cm3: float) -> float:
        """Return the share of all emitted energy, that of photons included, that stays in a sphere.

        Parameters
        ----------
        mass_g
            Of the sphere, > 0 [g].
        density_g_cm3
            Of the sphere and all around it, > 0 [g/cm3].

        Returns
        -------
        float
        """
        return self._absorbed_mev(self._shares(mass_g, density_g_cm3)) / self.emitted_mev

    def s_value_gy(self, mass_g: float, *, density_g_cm3: float) -> float:
        """Return the dose of one decay in a sphere to the sphere, its S-value in Gy/(Bq s) [Gy].

        Parameters
        ----------
        mass_g
            Of the sphere, > 0 [g].
        density_g_cm3
            Of the sphere and all around it, > 0 [g/cm3].

        Returns
        -------
        float
            [Gy]

        Raises
        ------
        InputError
            When the sphere is too large for the kernel.
        """
        return self._absorbed_mev(self._shares(mass_g, density_g_cm3)) * GY_G_PER_MEV / mass_g

    def relative_uncertainty(self, mass_g: float, *, density_g_cm3: float) -> float:
        """Return the relative standard uncertainty of :meth:`s_value_gy`, shells taken for independent.

        Parameters
        ----------
        mass_g
            Of the sphere, > 0 [g].
        density_g_cm3
            Of the sphere and all around it, > 0 [g/cm3].

        Returns
        -------
        float
        """
        shares = self._shares(mass_g, density_g_cm3)
        return float(np.linalg.norm(self.spread_mev * shares)) / self._absorbed_mev(shares)

    def _absorbed_mev(self, shares: NDArray[np.float64]) -> float:
        """Return the energy that stays in a sphere that holds these shares of the shells."""
        return self.local_mev + float(self.energy_mev @ shares)

    def _shares(self, mass_g: float, density_g_cm3: float) -> NDArray[np.float64]:
        """Return the part of each shell's energy that is in the sphere, whatever point of it decays.

        Of the distances of two points in a ball: 1 - 3x/4 + x^3/16 of a distance x in radii is inside.
        """
        for name, value in (("mass_g", mass_g), ("density_g_cm3", density_g_cm3)):
            if not (np.isfinite(value) and value > 0):
                raise InputError(f"{name} must be finite and > 0; got {value!r}")
        radius = density_g_cm3 * (3.0 * mass_g / (4.0 * np.pi * density_g_cm3)) ** (1.0 / 3.0)
        if 2.0 * radius > self.edges_g_cm2[-1] * (1.0 + 1e-9):
            raise InputError(
                f"mass_g and density_g_cm3 must be of a sphere up to {0.5 * self.edges_g_cm2[-1]:.3g} g/cm2 "
                f"in radius; got {radius:.3g}; make a model for a larger mass: dosimetry.sphere.sphere_model"
            )
        x = np.minimum(self.edges_g_cm2 / radius, 2.0)
        integral = x - 3.0 * x**2 / 8.0 + x**4 / 64.0
        return np.asarray(np.diff(integral) / (np.diff(self.edges_g_cm2) / radius))


def sphere_model(
    emissions: DecayEmissions,
    material: Material,
    plan: BatchPlan,
    *,
    largest_mass_g: float,
    highest_density_g_cm3: float,
    steps: ElectronSteps | None = None,
    progress: Progress | None = None,
) -> SphereModel:
    """Calculate the self-doses of spheres by Monte Carlo.

    Point kernels of what is emitted [1]_ [2]_, folded with the distances of two points in a ball [3]_:
    photons that come back from outside count.

    Parameters
    ----------
    emissions
        Of a decay.
    material
        Composition of spheres and surroundings.
    plan
        How many histories, of charged particles and of photons, and with how many threads.
    largest_mass_g
        Largest sphere that will be asked for, > 0 [g].
    highest_density_g_cm3
        Highest density that will be asked for, > 0 [g/cm3].
    steps
        How electrons are followed; ``None``: as in
        :func:`~tumorboard.physics.transport.point_kernel.point_kernel`.
    progress
        Told how many histories are followed.

    Returns
    -------
    SphereModel

    Raises
    ------
    InputError
        When a number is out of range.

    References
    ----------
    .. [1] sempau2000dpm
    .. [2] woodcock1965
    .. [3] berger1970beta

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> alpha = DecayEmissions("alpha", local_mev=5.0)
    >>> spheres = sphere_model(
    ...     alpha,
    ...     material("water, liquid"),
    ...     BatchPlan(100, 1, 1),
    ...     largest_mass_g=10.0,
    ...     highest_density_g_cm3=1.0,
    ... )
    >>> print(f"{spheres.s_value_gy(1.0, density_g_cm3=1.0):.2e}")
    8.01e-10
    """
    for name, value in (("largest_mass_g", largest_mass_g), ("highest_density_g_cm3", highest_density_g_cm3)):
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{name} must be finite and > 0; got {value!r}")
    size = (3.0 * largest_mass_g / (4.0 * np.pi)) ** (1.0 / 3.0) * highest_density_g_cm3 ** (2.0 / 3.0)
    shell = _SHELL_MM / material.density_g_cm3
    shells = int(np.ceil(20.0 * size / _SHELL_MM))
    kernels = scaled_point_kernels(
        emissions, material, plan, shell_mm=shell, shells=shells, steps=steps, progress=progress
    )
    edges = np.asarray(np.arange(shells + 1) * shell, np.float64)
    record = Record(
        "dosimetry.sphere_model",
        {
            "nuclide": emissions.name,
            "emissions": emissions.digest,
            "material": repr(material),
            "histories": plan.histories,
            "seed": plan.seed,
            "batches": plan.batches,
            "target_uncertainty": plan.target_uncertainty,
            "shell_mm": shell,
            "shells": shells,
            "steps": None if steps is None else asdict(steps),
        },
        references=("sempau2000dpm", "woodcock1965", "berger1970beta"),
    )
    spreads = np.array([np.zeros(shells), *(k.energy_mev * k.relative_uncertainty for k in kernels)])
    return SphereModel(
        edges_g_cm2=edges * (0.1 * material.density_g_cm3),
        energy_mev=np.sum([np.zeros(shells), *(k.energy_mev for k in kernels)], axis=0),
        spread_mev=np.sqrt((spreads**2).sum(axis=0)),
        nuclide=emissions.name,
        emitted_mev=emitted_mev(emissions),
        provenance=record,
        local_mev=emissions.local_mev,
    )


@dataclass(frozen=True, slots=True, eq=False)
class SphereTable:
    """S-values of spheres of some masses, of unit density say, that someone published.

    Parameters
    ----------
    mass_g
        Ascending, > 0, at least two, shape ``(n,)`` [g].
    s_values_gy
        Dose of one decay to each sphere, > 0, shape ``(n,)`` [Gy].
    nuclide
        Whose decays.
    provenance
        Where they come from.

    Raises
    ------
    InputError
        When shapes or numbers do not fit.

    Examples
    --------
    >>> table = SphereTable([1.0, 10.0], [2.3e-11, 2.3e-12], "Lu-177", Record("example"))
    >>> print(f"{table.s_value_gy(2.0):.3g}")
    1.15e-11
    """

    mass_g: NDArray[np.float64]
    s_values_gy: NDArray[np.float64]
    nuclide: str
    provenance: Record

    def __post_init__(self) -> None:
        for name in ("mass_g", "s_values_gy"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))
        mass, value = self.mass_g, self.s_values_gy
        if mass.ndim != 1 or mass.size < 2 or mass.shape != value.shape:
            raise InputError(
                f"mass_g and s_values_gy must be lists of one length, at least 2; got {mass.shape} and "
                f"{value.shape}"
            )
        if not (np.isfinite(mass).all() and mass[0] > 0 and (np.diff(mass) > 0).all()):
            raise InputError(f"mass_g must ascend from > 0 [g]; got {mass.tolist()}")
        if not (np.isfinite(value) & (value > 0)).all():
            raise InputError("s_values_gy must be finite and > 0 [Gy]; got others")

    def s_value_gy(self, mass_g: float) -> float:
        """Return the S-value of a mass between those of the table, along a smooth curve of logarithms [Gy].

        Parameters
        ----------
        mass_g
            From the smallest to the largest of the table [g].

        Returns
        -------
        float
            [Gy]

        Raises
        ------
        InputError
            When the mass is outside: nothing is extrapolated.
        """
        if not self.mass_g[0] <= mass_g <= self.mass_g[-1]:
            raise InputError(
                f"mass_g must be {self.mass_g[0]:g} to {self.mass_g[-1]:g}, the table's [g]; got {mass_g!r}; "
                "calculate it: dosimetry.sphere.sphere_model"
            )
        # Energy absorbed changes little with mass, so that the curve through it is the smoother one.
        energy = PchipInterpolator(np.log(self.mass_g), np.log(self.s_values_gy * self.mass_g))
        return float(np.exp(energy(np.log(mass_g)))) / mass_g
