"""How the energy of electrons spreads about a point in a medium without end."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.material import Material
from tumorboard.errors import InputError
from tumorboard.physics.transport._kernels.electron_data import Cells
from tumorboard.physics.transport._kernels.electron_decay import Places, run_decays
from tumorboard.physics.transport._kernels.electron_history import ACCOUNT_SIZE
from tumorboard.physics.transport.batches import BatchPlan, Progress, Tallies, run_batches
from tumorboard.physics.transport.decay_source import DecayEmissions
from tumorboard.physics.transport.electron import REFERENCES, balance_of, photon_rows
from tumorboard.physics.transport.electron_tables import ElectronSteps, electron_tables
from tumorboard.physics.transport.energy_balance import EnergyBalance
from tumorboard.provenance import Record

__all__ = ["PointKernel", "electron_point_kernel"]

_PHOTON_ROWS: Final = 16384


@dataclass(frozen=True, slots=True, eq=False)
class PointKernel:
    """Energy that electrons leave in shells about a point.

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
        Energy per decay; photons are handed on.
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


def electron_point_kernel(
    material: Material,
    emissions: DecayEmissions,
    plan: BatchPlan,
    *,
    shell_mm: float,
    shells: int,
    steps: ElectronSteps | None = None,
    progress: Progress | None = None,
) -> PointKernel:
    """Return how electrons and positrons from a point spread their energy in a medium without end.

    The physics of :func:`~tumorboard.physics.transport.electron.transport_electrons` [1]_. Photons, of the
    decay and radiated, are handed on, not followed.

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

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> from tumorboard.physics.transport.decay_source import EmissionLines
    >>> from tumorboard.physics.transport.particles import ParticleKind
    >>> line = EmissionLines(ParticleKind.ELECTRON, np.array([1.0]), np.array([1.0]))
    >>> kernel = electron_point_kernel(
    ...     material("water, liquid"),
    ...     DecayEmissions("1 MeV", lines=(line,)),
    ...     BatchPlan(2000, 1, 1),
    ...     shell_mm=0.1,
    ...     shells=50,
    ... )
    >>> round(kernel.radius_mm(0.9), 1)
    3.5
    """
    if not (np.isfinite(shell_mm) and shell_mm > 0):
        raise InputError(f"shell_mm must be > 0 [mm]; got {shell_mm!r}")
    if int(shells) != shells or shells < 1:
        raise InputError(f"shells must be a whole number >= 1; got {shells!r}")
    chosen = steps if steps is not None else ElectronSteps(transfer_mev=0.01, share_of_range=0.1)
    tables = electron_tables((material,), chosen)
    settings = chosen.settings(plan.seed)
    density = np.full(1, material.density_g_cm3, np.float32)
    cells = Cells(density, np.zeros(1, np.uint16), 0, 0, 0, shell_mm, shell_mm, shell_mm)
    one = np.ones(1)
    point = Places(np.zeros((1, 3)), one, np.zeros(1, np.int64), np.zeros(3), np.zeros((3, 3)), True)
    emitted = emissions.for_kernel(chosen.cut_mev)
    record = Record(
        "physics.transport.electron_point_kernel",
        {
            "material": repr(material),
            "emissions": emissions.digest,
            "histories": plan.histories,
            "seed": plan.seed,
            "batches": plan.batches,
            "target_uncertainty": plan.target_uncertainty,
            "shell_mm": shell_mm,
            "shells": shells,
            "steps": asdict(chosen),
        },
        references=REFERENCES,
    )

    def make() -> Tallies:
        return {"energy": np.zeros(shells + 1), "account": np.zeros(ACCOUNT_SIZE)}

    def simulate(first: int, count: int, tallies: Tallies) -> None:
        photons = photon_rows(_PHOTON_ROWS)
        done = first
        while done < first + count:
            photons.count[0] = 0
            done = run_decays(
                done, first + count, emitted, point, cells, tables, settings,
                tallies["energy"], photons, tallies["account"],
            )  # fmt: skip

    sums = run_batches(
        simulate,
        make,
        lambda tallies: tallies["energy"],
        plan,
        what="spreading electrons",
        progress=progress,
    )
    energy = sums.tallies["energy"] / sums.histories
    return PointKernel(
        edges_mm=shell_mm * np.arange(shells + 1.0),
        energy_mev=energy[:-1],
        relative_uncertainty=sums.relative_uncertainty[:-1],
        beyond_mev=float(energy[-1]),
        balance=balance_of(sums.tallies["account"], sums.histories),
        histories=sums.histories,
        provenance=record,
    )
