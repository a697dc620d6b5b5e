"""Monte Carlo transport of protons: dose, LET, fluence and what the tissue emits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.emission import Emission, EmissionMap
from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.physics.positron_emitter_production import EMITTERS
from tumorboard.physics.transport._kernels.proton_data import (
    COLUMNS,
    CUT,
    DEPOSITED,
    ENERGY,
    ENERGY_LET,
    ESCAPED,
    HANDED_ON,
    IN_WATER,
    LENGTH,
    LENGTH_LET,
    OF_PROTONS,
    REACTIONS,
)
from tumorboard.physics.transport._kernels.proton_histories import (
    BROUGHT,
    ERROR,
    MISSED,
    STUCK,
    TOTALS,
    run_protons,
)
from tumorboard.physics.transport.batches import BatchPlan, BatchSums, Progress, Tallies, run_batches
from tumorboard.physics.transport.energy_balance import EnergyBalance
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.proton_arguments import ProtonSteps, arguments_of, emission_tables
from tumorboard.physics.transport.proton_source import ProtonBeamlets
from tumorboard.provenance import Record

__all__ = ["ProtonScores", "ProtonTransportResult", "transport_protons"]

REFERENCES: Final = (
    "icru1993report49",
    "icru2000report63",
    "fippel2004monte",
    "gottschalk2010scattering",
    "vavilov1957ionization",
    "sempau2000dpm",
)


@dataclass(frozen=True, slots=True)
class ProtonScores:
    """What is scored besides the dose to the medium.

    Parameters
    ----------
    let
        LETd and LETt.
    dose_to_water
        Dose to water in the medium, by the ratio of stopping powers.
    fluence
        Of protons, as track length per volume.
    gamma_edges_mev
        Edges of the energies of prompt gammas [MeV]; empty: none.
    positron_emitters
        C-11, N-13 and O-15 as they are made.
    """

    let: bool = False
    dose_to_water: bool = False
    fluence: bool = False
    gamma_edges_mev: tuple[float, ...] = ()
    positron_emitters: bool = False

    @property
    def _full(self) -> bool:
        return self.let or self.dose_to_water or self.fluence


@dataclass(frozen=True, slots=True, eq=False)
class ProtonTransportResult:
    """What protons did, per proton of the source.

    Parameters
    ----------
    dose
        Dose to the medium, DOSE [Gy per proton].
    dose_to_water
        Dose to water in the medium, DOSE [Gy per proton]; ``None`` when it was not asked for.
    relative_uncertainty
        Relative standard uncertainty of ``dose``, FRACTION; 1 where there is none.
    dose_averaged_let, track_averaged_let
        LET of protons, primary and secondary, averaged over the energy they leave, and over their path:
        unrestricted electronic stopping power in water of 1 g/cm3, LET [keV/um]; 0 where none went.
    fluence
        Track length of protons per volume, FLUENCE [1/mm2 per proton].
    prompt_gammas
        Gammas that inelastic reactions emit, per proton.
    positron_emitters
        Nuclei made, per proton.
    balance
        Energy per history.
    histories
        That were followed.
    mean_uncertainty
        Mean relative uncertainty above half of the largest energy in a voxel.
    reactions
        Inelastic reactions per proton.
    provenance
        How it was made.
    """

    dose: Image
    dose_to_water: Image | None
    relative_uncertainty: Image
    dose_averaged_let: Image | None
    track_averaged_let: Image | None
    fluence: Image | None
    prompt_gammas: EmissionMap | None
    positron_emitters: tuple[EmissionMap, ...]
    balance: EnergyBalance
    histories: int
    mean_uncertainty: float
    reactions: float
    provenance: Record


def transport_protons(
    medium: TransportMedium,
    source: ProtonBeamlets,
    plan: BatchPlan,
    *,
    scores: ProtonScores,
    steps: ProtonSteps | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> ProtonTransportResult:
    """Follow protons through matter until they stop or leave it.

    Condensed histories with a random hinge [6]_: steps of residual range, straggling by Vavilov [5]_,
    multiple scattering by Gottschalk's differential Moliere formula [4]_, stopping powers by Bethe's formula
    as in ICRU 49 [1]_. Nuclear reactions follow ICRU 63 [2]_ and, off hydrogen, a fit to its cross section
    [3]_: secondary protons, deuterons and alphas are followed, recoils stay where they are made, neutrons and
    gammas leave. Delta rays are not followed. Between source, slabs and grid there is vacuum.

    Parameters
    ----------
    medium
        Density and materials.
    source
        Beamlets, up to 300 MeV.
    plan
        How many histories, and with how many threads.
    scores
        What to score.
    steps
        How far a proton goes at once; ``None``: :class:`ProtonSteps` as documented.
    progress, checkpoint
        As in :func:`~tumorboard.physics.transport.batches.run_batches`.

    Returns
    -------
    ProtonTransportResult
        On the medium's grid.

    Raises
    ------
    InputError
        When an energy is beyond the tables, or no proton meets the medium.

    References
    ----------
    .. [1] icru1993report49
    .. [2] icru2000report63
    .. [3] fippel2004monte
    .. [4] gottschalk2010scattering
    .. [5] vavilov1957ionization
    .. [6] sempau2000dpm

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> from tumorboard.physics.materials import material
    >>> grid = Grid((30, 60, 30), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> water = TransportMedium.homogeneous(grid, material("water, liquid"))
    >>> beam = ProtonBeamlets.pencil(
    ...     energy_mev=100.0, position_mm=(30.0, -100.0, 30.0), direction=(0.0, 1.0, 0.0), sigma_mm=3.0
    ... )
    >>> found = transport_protons(water, beam, BatchPlan(2000, 1, 1), scores=ProtonScores())
    >>> round(found.balance.deposited_mev)  # of 100 MeV; neutrons and gammas have the rest
    98
    """
    chosen = steps if steps is not None else ProtonSteps()
    of_source, of_medium = arguments_of(medium, source, chosen)
    yields = emission_tables(scores.gamma_edges_mev, scores.positron_emitters)
    record = _record(medium, source, plan, scores, chosen)
    columns = COLUMNS if scores._full else 1
    n_voxels = int(np.prod(medium.grid.shape))

    def make() -> Tallies:
        return {
            "energy": np.zeros((n_voxels, columns)),
            "emission": np.zeros((n_voxels, yields.values.shape[2])),
            "totals": np.zeros(TOTALS),
        }

    beamlets, cumulative, slab_of_beamlet, slabs = of_source

    def simulate(first: int, count: int, tallies: Tallies) -> None:
        run_protons(
            first, count, plan.seed, beamlets, cumulative, -1, slab_of_beamlet, slabs, *of_medium,
            tallies["energy"], tallies["emission"], yields, tallies["totals"],
        )  # fmt: skip

    sums = run_batches(
        simulate,
        make,
        lambda tallies: tallies["energy"][:, 0],
        plan,
        what="following protons",
        progress=progress,
        checkpoint=checkpoint,
        record=record,
    )
    if sums.tallies["totals"][BROUGHT] <= 0:
        raise InputError(
            "source must bring energy into the medium; got beamlets that all pass it by, or of 0 MeV; check "
            "the isocentre, the frame of reference, the directions and the energies"
        )
    return _result(medium, scores, sums, record)


def _record(
    medium: TransportMedium,
    source: ProtonBeamlets,
    plan: BatchPlan,
    scores: ProtonScores,
    steps: ProtonSteps,
) -> Record:
    """Return how it was made; arrays are told by their digests."""
    return Record(
        "physics.transport.transport_protons",
        {
            **plan.settings,
            "medium": medium.digest,
            "source": source.digest,
            "scores": asdict(scores),
            "steps": asdict(steps),
        },
        references=REFERENCES,
    )


def _balance(totals: NDArray[np.float64], histories: int) -> EnergyBalance:
    per = totals / histories
    return EnergyBalance(
        brought_mev=float(per[BROUGHT]),
        deposited_mev=float(per[DEPOSITED]),
        cut_mev=float(per[CUT]),
        escaped_mev=float(per[ESCAPED]),
        handed_on_mev=float(per[HANDED_ON]),
        missed_mev=float(per[MISSED]),
        largest_error_mev=float(totals[ERROR]),
        stuck=int(totals[STUCK]),
    )


def _ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def _result(
    medium: TransportMedium, scores: ProtonScores, sums: BatchSums, record: Record
) -> ProtonTransportResult:
    grid, n = medium.grid, sums.histories
    energy = sums.tallies["energy"]

    def column(which: int) -> NDArray[np.float64]:
        return np.asarray(energy[:, which].reshape(grid.shape))

    in_water = dose_averaged_let = track_averaged_let = fluence = None
    if scores.dose_to_water:
        in_water = medium.image(medium.dose_gy(column(IN_WATER) / n), Quantity.DOSE, record)
    if scores.let:
        dose_averaged_let = medium.image(_ratio(column(ENERGY_LET), column(OF_PROTONS)), Quantity.LET, record)
        track_averaged_let = medium.image(_ratio(column(LENGTH_LET), column(LENGTH)), Quantity.LET, record)
    if scores.fluence:
        per_mm2 = column(LENGTH) / (n * 1000.0 * grid.voxel_volume_ml)
        fluence = medium.image(per_mm2, Quantity.FLUENCE, record)
    totals = sums.tallies["totals"]
    gammas, nuclei = _emission(sums, grid, scores, record)
    return ProtonTransportResult(
        dose=medium.image(medium.dose_gy(column(ENERGY) / n), Quantity.DOSE, record),
        dose_to_water=in_water,
        relative_uncertainty=medium.image(sums.relative_uncertainty, Quantity.FRACTION, record),
        dose_averaged_let=dose_averaged_let,
        track_averaged_let=track_averaged_let,
        fluence=fluence,
        prompt_gammas=gammas,
        positron_emitters=nuclei,
        balance=_balance(totals, n),
        histories=n,
        mean_uncertainty=sums.mean_uncertainty,
        reactions=float(totals[REACTIONS]) / n,
        provenance=record,
    )


def _emission(
    sums: BatchSums, grid: Grid, scores: ProtonScores, record: Record
) -> tuple[EmissionMap | None, tuple[EmissionMap, ...]]:
    """Return prompt gammas and positron emitters per proton."""
    every = (sums.tallies["emission"].T / sums.histories).astype(np.float32)
    every = every.reshape(-1, *grid.shape)
    n_gammas = max(len(scores.gamma_edges_mev) - 1, 0)
    gammas = None
    if n_gammas:
        gammas = EmissionMap(
            every[:n_gammas],
            grid,
            Emission.PROMPT_GAMMA,
            record,
            energy_edges_mev=np.array(scores.gamma_edges_mev),
        )
    nuclei = [
        EmissionMap(values[None], grid, Emission.POSITRON_EMITTER, record, nuclide=nuclide)
        for nuclide, values in zip(EMITTERS, every[n_gammas:], strict=False)
    ]
    return gammas, tuple(nuclei)
