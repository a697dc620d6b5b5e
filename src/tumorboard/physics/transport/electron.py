"""Monte Carlo transport of electrons and positrons: dose, and the photons they hand on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.physics.transport._decay_run import photon_rows
from tumorboard.physics.transport._kernels.electron_data import Cells
from tumorboard.physics.transport._kernels.electron_history import (
    ACCOUNT_SIZE,
    BROUGHT,
    CUT,
    DEPOSITED,
    ESCAPED,
    HANDED_ON,
    LARGEST_ERROR,
    MISSED,
    STUCK,
    follow,
)
from tumorboard.physics.transport.batches import BatchPlan, Progress, Tallies, run_batches
from tumorboard.physics.transport.electron_tables import ElectronSteps, electron_tables
from tumorboard.physics.transport.energy_balance import EnergyBalance
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.particles import ParticleSource
from tumorboard.provenance import Record

__all__ = ["ElectronTransportResult", "transport_electrons"]

REFERENCES: Final = (
    "icru1984report37",
    "sternheimer1982density",
    "seltzer1986bremsstrahlung",
    "sempau2000dpm",
    "salvat2019penelope",
    "goudsmit1940multiple",
    "waasmaier1995form",
)

#: Rows for photons, and particles that are made at a time.
_PHOTON_ROWS: Final = 16384
_AT_A_TIME: Final = 8192


@dataclass(frozen=True, slots=True, eq=False)
class ElectronTransportResult:
    """What electrons and positrons did, per history.

    Parameters
    ----------
    dose
        Dose to the medium, DOSE [Gy per history].
    relative_uncertainty
        Relative standard uncertainty of ``dose``, FRACTION; 1 where there is none.
    balance
        Energy per history; positrons bring and hand on the energy of their annihilation.
    histories
        That were followed.
    mean_uncertainty
        Mean relative uncertainty above half of the largest energy in a voxel.
    provenance
        How it was made.
    """

    dose: Image
    relative_uncertainty: Image
    balance: EnergyBalance
    histories: int
    mean_uncertainty: float
    provenance: Record


def cells_of(medium: TransportMedium) -> Cells:
    """Return a medium as the kernels see it."""
    nz, ny, nx = medium.grid.shape
    dx, dy, dz = (float(h) for h in medium.spacing_xyz_mm)
    return Cells(medium.density_g_cm3.ravel(), medium.material_index.ravel(), nx, ny, nz, dx, dy, dz)


def balance_of(account: NDArray[np.float64], histories: int) -> EnergyBalance:
    """Return the account of a run."""
    per = account / histories
    return EnergyBalance(
        brought_mev=float(per[BROUGHT]),
        deposited_mev=float(per[DEPOSITED]),
        cut_mev=float(per[CUT]),
        escaped_mev=float(per[ESCAPED]),
        handed_on_mev=float(per[HANDED_ON]),
        missed_mev=float(per[MISSED]),
        largest_error_mev=float(account[LARGEST_ERROR]),
        stuck=int(account[STUCK]),
    )


def transport_electrons(
    medium: TransportMedium,
    source: ParticleSource,
    plan: BatchPlan,
    *,
    steps: ElectronSteps | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> ElectronTransportResult:
    """Follow electrons and positrons through matter until they stop or leave it.

    Condensed histories of mixed kind with a random hinge [4]_. Collisions that transfer more than
    ``steps.transfer_mev``, by Moeller's and Bhabha's cross sections, and radiation of photons above
    ``steps.photon_cut_mev`` are followed one by one [5]_. Other losses are continuous, with stopping powers
    by Berger and Seltzer [1]_ with Sternheimer's density effect [2]_ and radiative ones by Seltzer and
    Berger [3]_; those of a step vary as Moeller's second moment has it. Angles are Goudsmit and
    Saunderson's [6]_ with transport cross sections of atoms with Waasmaier and Kirfel's form factors [7]_.
    Positrons annihilate at rest; annihilation in flight is neglected. Photons are handed on, which here
    means that they leave. Outside the grid there is vacuum.

    Parameters
    ----------
    medium
        Density and materials.
    source
        Electrons and positrons.
    plan
        How many histories, and with how many threads.
    steps
        How they are followed; ``None``: :class:`ElectronSteps` as documented.
    progress, checkpoint
        As in :func:`~tumorboard.physics.transport.batches.run_batches`.

    Returns
    -------
    ElectronTransportResult
        On the medium's grid.

    Raises
    ------
    InputError
        When no particle meets the medium.

    References
    ----------
    .. [1] icru1984report37
    .. [2] sternheimer1982density
    .. [3] seltzer1986bremsstrahlung
    .. [4] sempau2000dpm
    .. [5] salvat2019penelope
    .. [6] goudsmit1940multiple
    .. [7] waasmaier1995form

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.physics.materials import material
    >>> from tumorboard.physics.transport.electron_source import ElectronSource
    >>> grid = Grid((21, 21, 21), (1.0, 1.0, 1.0), (-10.0, -10.0, -10.0), AXIAL, frame_of_reference="1.2.3")
    >>> water = TransportMedium.homogeneous(grid, material("water, liquid"))
    >>> source = ElectronSource(energy_mev=1.0, position_mm=(0.0, 0.0, 0.0))
    >>> found = transport_electrons(water, source, BatchPlan(2000, 1, 1))
    >>> round(found.balance.deposited_fraction, 2)
    1.0
    """
    chosen = steps if steps is not None else ElectronSteps()
    tables = electron_tables(medium.materials, chosen)
    cells = cells_of(medium)
    settings = chosen.settings(plan.seed)
    record = Record(
        "physics.transport.transport_electrons",
        {
            **plan.settings,
            "medium": medium.digest,
            "source": repr(source),
            "steps": asdict(chosen),
        },
        references=REFERENCES,
    )

    def make() -> Tallies:
        return {"energy": np.zeros(cells.density.size), "account": np.zeros(ACCOUNT_SIZE)}

    def simulate(first: int, count: int, tallies: Tallies) -> None:
        photons = photon_rows(_PHOTON_ROWS)
        for begin in range(first, first + count, _AT_A_TIME):
            some = source.particles(begin, min(_AT_A_TIME, first + count - begin), seed=plan.seed)
            points, directions = medium.to_grid_axes(some.position_mm, some.direction)
            done = 0
            while done < some.energy_mev.size:
                photons.count[0] = 0
                done = follow(
                    done, some.kind, points, directions, some.energy_mev, some.history, cells, tables,
                    settings, tallies["energy"], photons, tallies["account"],
                )  # fmt: skip

    sums = run_batches(
        simulate,
        make,
        lambda tallies: tallies["energy"],
        plan,
        what="following electrons",
        progress=progress,
        checkpoint=checkpoint,
        record=record,
    )
    account = sums.tallies["account"]
    if account[BROUGHT] <= 0 < account[MISSED]:
        raise InputError(
            "source must meet the medium; got particles that all pass it by; check position, direction and "
            "frame of reference"
        )

    energy = sums.tallies["energy"].reshape(medium.grid.shape) / sums.histories
    return ElectronTransportResult(
        dose=medium.image(medium.dose_gy(energy), Quantity.DOSE, record),
        relative_uncertainty=medium.image(sums.relative_uncertainty, Quantity.FRACTION, record),
        balance=balance_of(account, sums.histories),
        histories=sums.histories,
        mean_uncertainty=sums.mean_uncertainty,
        provenance=record,
    )
