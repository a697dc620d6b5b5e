"""Monte Carlo transport of photons: dose, and what escapes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.physics.transport._kernels.photon_data import (
    ALL_BROUGHT,
    ALL_CUT,
    ALL_DEPOSITED,
    ALL_ESCAPED,
    ALL_HANDED_ON,
    ALL_MISSED,
    LARGEST_ERROR,
    STUCK,
)
from tumorboard.physics.transport._kernels.photon_data import Tallies as KernelTallies
from tumorboard.physics.transport.batches import BatchPlan, Progress, Tallies, run_batches
from tumorboard.physics.transport.energy_balance import EnergyBalance
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.particles import ParticleKind, Particles, ParticleSource
from tumorboard.physics.transport.photon_arguments import PhotonSteps, new_tallies, photon_arguments
from tumorboard.provenance import Record

__all__ = ["PhotonTransportResult", "transport_photons"]

REFERENCES: Final = (
    "woodcock1965",
    "klein1929",
    "hubbell1975",
    "hubbell1979",
    "elam2002",
    "cullen1997epdl",
)

#: Photons that a source hands out at a time.
_AT_A_TIME: Final = 65536


@dataclass(frozen=True, slots=True, eq=False)
class PhotonTransportResult:
    """What photons did, per history.

    Parameters
    ----------
    dose
        Dose to the medium, DOSE [Gy per history].
    energy_mev
        Energy left in each voxel, shape of the grid [MeV per history].
    relative_uncertainty
        Relative standard uncertainty of ``dose``, FRACTION; 1 where there is none.
    escaped_edges_mev, escaped
        Edges of energy, shape ``(n + 1,)`` [MeV], and photons that leave the grid, ``(n,)`` [1 per history].
    balance
        Energy per history, as collisions leave it whatever is scored.
    histories
        That were followed.
    mean_uncertainty
        Mean relative uncertainty above half of the largest energy in a voxel.
    provenance
        How it was made.
    """

    dose: Image
    energy_mev: NDArray[np.float64]
    relative_uncertainty: Image
    escaped_edges_mev: NDArray[np.float64]
    escaped: NDArray[np.float64]
    balance: EnergyBalance
    histories: int
    mean_uncertainty: float
    provenance: Record

    def __post_init__(self) -> None:
        for name in ("energy_mev", "escaped_edges_mev", "escaped"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))


def transport_photons(
    medium: TransportMedium,
    source: ParticleSource,
    plan: BatchPlan,
    *,
    steps: PhotonSteps | None = None,
    escaped_edges_mev: tuple[float, ...] = (),
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> PhotonTransportResult:
    """Follow photons through matter; electrons stay where they are set free.

    Delta tracking [1]_ between collisions. Compton scattering by Klein and Nishina [2]_ with the binding of
    the material's atoms as incoherent scattering functions [3]_, without Doppler broadening of its energy.
    Rayleigh scattering with form factors [4]_; photoelectric absorption without fluorescence: all stays.
    Pair production, whose positron annihilates at once into two photons that are followed. Cross sections are
    XCOM's [5]_ [6]_, of free atoms. Outside the grid there is vacuum.

    Parameters
    ----------
    medium
        Density and materials.
    source
        Photons of 0 to 20 MeV.
    plan
        How many histories, and with how many threads.
    steps
        How they are followed; ``None``: :class:`PhotonSteps` as documented.
    escaped_edges_mev
        Edges of the energies by which photons are counted that leave the grid, ascending [MeV]; empty: none.
    progress, checkpoint
        As in :func:`~tumorboard.physics.transport.batches.run_batches`.

    Returns
    -------
    PhotonTransportResult
        On the medium's grid.

    Raises
    ------
    InputError
        When electrons are to be handed on, or the source has other particles than photons, or none of them
        meets the medium.

    References
    ----------
    .. [1] woodcock1965
    .. [2] klein1929
    .. [3] hubbell1975
    .. [4] hubbell1979
    .. [5] elam2002
    .. [6] cullen1997epdl

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.physics.materials import material
    >>> from tumorboard.physics.transport.photon_source import PhotonSource
    >>> grid = Grid((21, 21, 21), (9.0, 9.0, 9.0), (-90.0, -90.0, -90.0), AXIAL, frame_of_reference="1.2.3")
    >>> water = TransportMedium.homogeneous(grid, material("water, liquid"))
    >>> source = PhotonSource((0.511,), position_mm=(0.0, 0.0, 0.0))
    >>> found = transport_photons(water, source, BatchPlan(20000, 1, 1))
    >>> round(found.balance.deposited_fraction, 2)
    0.34
    """
    chosen = steps if steps is not None else PhotonSteps()
    if chosen.electron_cut_mev is not None:
        raise InputError(
            "electron_cut_mev must be None here, where no electrons are followed; "
            f"got {chosen.electron_cut_mev!r}"
        )
    if (np.diff(escaped_edges_mev) <= 0).any() or len(escaped_edges_mev) == 1:
        raise InputError(f"escaped_edges_mev must ascend, two at least [MeV]; got {escaped_edges_mev!r}")
    arguments = photon_arguments(medium, chosen, seed=plan.seed)
    record = _record(medium, source, plan, chosen, escaped_edges_mev)
    edges = np.asarray(escaped_edges_mev, dtype=np.float64)

    def make() -> Tallies:
        new = new_tallies(medium.density_g_cm3.size, escaped_edges_mev)
        return {"energy": new.deposit, "account": new.account, "escaped": new.escaped}

    def simulate(first: int, count: int, tallies: Tallies) -> None:
        own = KernelTallies(tallies["energy"], tallies["account"], tallies["escaped"], edges)
        for begin in range(first, first + count, _AT_A_TIME):
            some = source.particles(begin, min(_AT_A_TIME, first + count - begin), seed=plan.seed)
            _require_photons(some)
            points, directions = medium.to_grid_axes(some.position_mm, some.direction)
            arguments.follow((points, directions, some.energy_mev, some.history), own)

    sums = run_batches(
        simulate,
        make,
        lambda tallies: tallies["energy"],
        plan,
        what="following photons",
        progress=progress,
        checkpoint=checkpoint,
        record=record,
    )
    account = sums.tallies["account"]
    if account[ALL_BROUGHT] <= 0 < account[ALL_MISSED]:
        raise InputError(
            "source must meet the medium; got photons that all pass it by; check position, direction and "
            "frame of reference"
        )
    energy = sums.tallies["energy"].reshape(medium.grid.shape) / sums.histories

    return PhotonTransportResult(
        dose=medium.image(medium.dose_gy(energy), Quantity.DOSE, record),
        energy_mev=energy,
        relative_uncertainty=medium.image(sums.relative_uncertainty, Quantity.FRACTION, record),
        escaped_edges_mev=edges,
        escaped=sums.tallies["escaped"] / sums.histories,
        balance=balance_of(account, sums.histories),
        histories=sums.histories,
        mean_uncertainty=sums.mean_uncertainty,
        provenance=record,
    )


def balance_of(account: NDArray[np.float64], histories: int) -> EnergyBalance:
    """Return the account of a run."""
    per = account / histories
    return EnergyBalance(
        brought_mev=float(per[ALL_BROUGHT]),
        deposited_mev=float(per[ALL_DEPOSITED]),
        cut_mev=float(per[ALL_CUT]),
        escaped_mev=float(per[ALL_ESCAPED]),
        handed_on_mev=float(per[ALL_HANDED_ON]),
        missed_mev=float(per[ALL_MISSED]),
        largest_error_mev=float(account[LARGEST_ERROR]),
        stuck=int(account[STUCK]),
    )


def _record(
    medium: TransportMedium,
    source: ParticleSource,
    plan: BatchPlan,
    steps: PhotonSteps,
    escaped_edges_mev: tuple[float, ...],
) -> Record:
    settings = asdict(steps) | {"scoring": steps.scoring.value}
    return Record(
        "physics.transport.transport_photons",
        {
            **plan.settings,
            "medium": medium.digest,
            "source": repr(source),
            "steps": settings,
            "escaped_edges_mev": list(escaped_edges_mev),
        },
        references=REFERENCES,
    )


def _require_photons(particles: Particles) -> None:
    others = particles.kind[particles.kind != ParticleKind.PHOTON]
    if others.size:
        raise InputError(
            f"source of transport_photons must hand out photons; got {ParticleKind(int(others[0])).name}; "
            "follow electrons with transport_electrons"
        )
