"""Dose of each beamlet by itself, by Monte Carlo: the columns of an influence matrix."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.physics.transport._kernels.proton_data import (
    COLUMNS,
    ENERGY,
    ENERGY_LET,
    OF_PROTONS,
)
from tumorboard.physics.transport._kernels.proton_histories import BROUGHT, TOTALS, harvest, run_protons
from tumorboard.physics.transport.batches import Progress
from tumorboard.physics.transport.medium import GY_G_PER_MEV, TransportMedium
from tumorboard.physics.transport.proton import REFERENCES
from tumorboard.physics.transport.proton_arguments import ProtonSteps, arguments_of, emission_tables
from tumorboard.physics.transport.proton_source import ProtonBeamlets
from tumorboard.provenance import Record

__all__ = ["ProtonInfluence", "proton_influence"]

#: Beamlets that a thread works on at a time.
_PER_CALL: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class ProtonInfluence:
    """A sparse matrix by columns: one per beamlet, rows are the medium's voxels in C order.

    Parameters
    ----------
    starts
        Where each column's entries begin, and the last ends, shape ``(n_beamlets + 1,)``.
    voxels
        Row of each entry, ascending in each column, shape ``(n_entries,)``.
    dose_gy
        Dose of one proton of the beamlet, shape ``(n_entries,)`` [Gy].
    let_kev_um
        Dose-averaged LET of its protons there, shape ``(n_entries,)`` [keV/um]; ``None`` when not asked for.
    provenance
        How it was made.
    """

    starts: NDArray[np.int64]
    voxels: NDArray[np.int64]
    dose_gy: NDArray[np.float32]
    let_kev_um: NDArray[np.float32] | None
    provenance: Record

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", read_only(self.starts, np.int64))
        object.__setattr__(self, "voxels", read_only(self.voxels, np.int64))
        object.__setattr__(self, "dose_gy", read_only(self.dose_gy, np.float32))
        if self.let_kev_um is not None:
            object.__setattr__(self, "let_kev_um", read_only(self.let_kev_um, np.float32))


def proton_influence(
    medium: TransportMedium,
    source: ProtonBeamlets,
    *,
    histories_per_beamlet: int,
    seed: int,
    threads: int,
    least_share: float,
    with_let: bool,
    steps: ProtonSteps | None = None,
    progress: Progress | None = None,
) -> ProtonInfluence:
    """Follow equally many protons of each beamlet, and keep what each does apart.

    Parameters
    ----------
    medium, source, steps
        As in :func:`~tumorboard.physics.transport.proton.transport_protons`; weights do not count.
    histories_per_beamlet
        Protons followed for each, >= 1.
    seed
        Of the random streams, >= 0.
    threads
        Beamlets are shared out among so many; the result does not depend on it.
    least_share
        Voxels with less than this share of the beamlet's largest energy are left out, 0 to 1; 0 keeps all.
    with_let
        Whether LET is kept too.
    progress
        Called with the beamlets done.

    Returns
    -------
    ProtonInfluence

    Raises
    ------
    InputError
        When a number is out of range or no proton meets the medium.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.physics.materials import material
    >>> grid = Grid((20, 50, 20), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> water = TransportMedium.homogeneous(grid, material("water, liquid"))
    >>> beam = ProtonBeamlets.pencil(
    ...     energy_mev=80.0, position_mm=(20.0, -50.0, 20.0), direction=(0.0, 1.0, 0.0), sigma_mm=3.0
    ... )
    >>> made = proton_influence(
    ...     water, beam, histories_per_beamlet=500, seed=1, threads=1, least_share=1e-3, with_let=False
    ... )
    >>> int(made.starts[-1]) == made.dose_gy.size
    True
    """
    for name, value, least in (
        ("histories_per_beamlet", histories_per_beamlet, 1),
        ("seed", seed, 0),
        ("threads", threads, 1),
    ):
        if value < least:
            raise InputError(f"{name} must be >= {least}; got {value!r}")
    if not 0 <= least_share < 1:
        raise InputError(f"least_share must be 0 to less than 1; got {least_share!r}")
    chosen = steps if steps is not None else ProtonSteps()
    (beamlets, cumulative, slab_of_beamlet, slabs), of_medium = arguments_of(medium, source, chosen)
    yields = emission_tables((), False)
    n_voxels = int(np.prod(medium.grid.shape))
    n_beamlets = len(beamlets)
    columns = COLUMNS if with_let else 1
    totals = np.zeros((n_beamlets, TOTALS))

    def some(first: int) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        tally, nothing = np.zeros((n_voxels, columns)), np.zeros((n_voxels, 0))
        voxels, values = np.empty(n_voxels, np.int64), np.empty((n_voxels, columns))
        found = []
        for b in range(first, min(first + _PER_CALL, n_beamlets)):
            run_protons(
                b * histories_per_beamlet, histories_per_beamlet, seed, beamlets, cumulative, b,
                slab_of_beamlet, slabs, *of_medium, tally, nothing, yields, totals[b],
            )  # fmt: skip
            n = harvest(tally, least_share, voxels, values)
            found.append((voxels[:n].copy(), values[:n].copy()))
        return found

    every: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    with ThreadPoolExecutor(threads) as pool:
        for found in pool.map(some, range(0, n_beamlets, _PER_CALL)):
            every.extend(found)
            if progress is not None:
                progress("following beamlets", len(every), n_beamlets)
    if totals[:, BROUGHT].sum() <= 0:
        raise InputError("source must meet the medium; got beamlets that all pass it by; check the isocentre")
    record = Record(
        "physics.transport.proton_influence",
        {
            "histories_per_beamlet": histories_per_beamlet,
            "seed": seed,
            "least_share": least_share,
            "with_let": with_let,
            "steps": asdict(chosen),
            "medium": medium.digest,
            "source": source.digest,
        },
        references=REFERENCES,
    )
    return _joined(every, medium, histories_per_beamlet, with_let, record)


def _joined(
    every: list[tuple[NDArray[np.int64], NDArray[np.float64]]],
    medium: TransportMedium,
    histories: int,
    with_let: bool,
    record: Record,
) -> ProtonInfluence:
    starts = np.concatenate(([0], np.cumsum([voxels.size for voxels, _ in every])))
    voxels = np.concatenate([v for v, _ in every])
    values: NDArray[Any] = np.concatenate([v for _, v in every])
    mass = medium.mass_g.reshape(-1)[voxels]
    dose = values[:, ENERGY] * (GY_G_PER_MEV / histories)
    dose = np.divide(dose, mass, out=np.zeros_like(dose), where=mass > 0)
    let = None
    if with_let:
        own = values[:, OF_PROTONS]
        let = np.divide(values[:, ENERGY_LET], own, out=np.zeros_like(own), where=own > 0).astype(np.float32)
    return ProtonInfluence(starts, voxels, dose.astype(np.float32), let, record)
