"""Dose of proton pencil beams in a patient: the influence of each spot on each voxel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.beam import ProtonMachine
from tumorboard.core.grid import Grid, require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.plan import IonBeam
from tumorboard.errors import GridMismatch, InputError
from tumorboard.proton._beam_setup import ReadyBeam, in_pool, make_ready
from tumorboard.proton._influence_arrays import allocate, finish
from tumorboard.proton._range_shifter_slab import slabs_of
from tumorboard.proton.influence import DoseInfluence, influence_bytes
from tumorboard.proton.pencil_beam_model import PencilBeamModel
from tumorboard.provenance import Record

__all__ = ["dose_influence", "estimate_dose_influence"]

#: Where the algorithm comes from.
REFERENCES: Final = ("hong1996pencil", "siddon1985path")


def dose_influence(
    beams: Sequence[IonBeam],
    rsp: Image,
    machine: ProtonMachine,
    *,
    dose_grid: Grid,
    model: PencilBeamModel,
    with_let: bool,
    memory_limit_gb: float,
    mask: Image | None = None,
    folder: Path | None = None,
) -> DoseInfluence:
    r"""Calculate the dose that one million protons of each spot give to each voxel.

    A spot is a sum of Gaussians about its axis, which runs from the machine's virtual sources through the
    spot's position on the isocentre plane; their variance is that of the spot in air, drifted along the
    axis, plus that of scattering in as much water as lies before the point [1]_. Depth is the exact integral
    of relative stopping power along the ray [2]_, on the image's own grid; air counts as much as its
    stopping power there says, and nothing counts outside the image. Dose is that to water at voxel centres.

    Parameters
    ----------
    beams
        Their spots, in order of beam, layer and position, are the columns; monitor units are not used.
    rsp
        RELATIVE_STOPPING_POWER, finite and >= 0; any grid.
    machine
        With a kernel for every energy of the beams.
    dose_grid
        Any grid in the frame of reference of ``rsp``.
    model
        What is assumed and left out.
    with_let
        Whether dose times LETd is calculated too.
    memory_limit_gb
        The influence takes no more memory than this, > 0 [GB]; see :func:`estimate_dose_influence`.
    mask
        Boolean LABEL image on the dose grid; voxels outside it get no entries. ``None``: all voxels do.
    folder
        Where a larger influence goes, as files that are mapped into memory.

    Returns
    -------
    DoseInfluence
        Its provenance says which fraction of the dose the cut-offs left out.

    Raises
    ------
    InputError
        When an energy is not the machine's, values are not stopping powers, LET is wanted of kernels without
        it, or the influence does not fit into memory and no folder is given.
    GridMismatch
        When frames of reference or the mask's grid differ.

    References
    ----------
    .. [1] hong1996pencil
    .. [2] siddon1985path

    Examples
    --------
    See the gallery, where one spot in water and bone is drawn.
    """
    ready = prepare(beams, rsp, machine, dose_grid=dose_grid, model=model, with_let=with_let, mask=mask)
    counts = in_plan_order(ready, [r.counts for r in ready])
    starts = np.concatenate([[0], np.cumsum(counts)])
    arrays = allocate(int(starts[-1]), len(counts), with_let, memory_limit_gb, folder)
    kept, dropped = [], []
    first = 0
    for beam in ready:
        mine = starts[first + beam.rays.order]
        beam_kept, beam_dropped = fill(beam, (0, beam.rays.n), mine, arrays.as_tuple, model)
        kept.append(beam_kept)
        dropped.append(beam_dropped)
        first += len(mine)
    columns = in_plan_order(ready, kept)
    column_starts = finish(arrays, starts, columns)
    lost = np.concatenate(dropped) if dropped else np.zeros(1)
    record = Record(
        "proton.dose_influence",
        {
            **model.to_dict(),
            "with_let": with_let,
            "lateral_lost_fraction": model.lateral_cutoff,
            "threshold_lost_fraction_mean": float(lost.mean()) if lost.size else 0.0,
            "threshold_lost_fraction_largest": float(lost.max()) if lost.size else 0.0,
            "n_entries": int(column_starts[-1]),
        },
        (rsp.provenance, machine.beam_model.provenance),
        REFERENCES,
    )
    beam_of_spot = np.repeat(np.arange(len(ready), dtype=np.int32), [b.counts.size for b in ready])
    return DoseInfluence(
        dose_grid, column_starts, arrays.voxels, arrays.dose, arrays.dose_let, beam_of_spot, record
    )


def estimate_dose_influence(
    beams: Sequence[IonBeam],
    rsp: Image,
    machine: ProtonMachine,
    *,
    dose_grid: Grid,
    model: PencilBeamModel,
    with_let: bool,
    mask: Image | None = None,
) -> int:
    """Return how many bytes :func:`dose_influence` would take, by counting its entries without making them.

    With sub-beams or a dose threshold it is an upper bound.

    Parameters
    ----------
    beams, rsp, machine, dose_grid, model, with_let, mask
        As in :func:`dose_influence`.

    Returns
    -------
    int
        Bytes.

    Examples
    --------
    See :func:`dose_influence`, which refuses when the estimate exceeds its memory limit.
    """
    ready = prepare(beams, rsp, machine, dose_grid=dose_grid, model=model, with_let=with_let, mask=mask)
    counts = [int(r.counts.sum()) for r in ready]
    return influence_bytes(sum(counts), sum(r.counts.size for r in ready), with_let=with_let)


def prepare(
    beams: Sequence[IonBeam],
    rsp: Image,
    machine: ProtonMachine,
    *,
    dose_grid: Grid,
    model: PencilBeamModel,
    with_let: bool,
    mask: Image | None,
) -> list[ReadyBeam]:
    """Check the input and make every beam ready for the kernels."""
    _check(rsp, machine, dose_grid, with_let)
    allowed = np.ones(int(np.prod(dose_grid.shape)), np.bool_)
    if mask is not None:
        require_same_grid(mask.grid, dose_grid, what="mask and dose grid")
        allowed = np.ascontiguousarray(mask.values, np.bool_).reshape(-1)
    return [
        make_ready(beam, machine, rsp, dose_grid, allowed, model, slabs_of(beam, machine, model))
        for beam in beams
    ]


def fill(
    beam: ReadyBeam,
    rays: tuple[int, int],
    starts: NDArray[np.int64],
    arrays: tuple[Any, ...],
    model: PencilBeamModel,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Fill the entries of a range of rays; return how many are kept and the share dropped of each spot.

    Both and ``starts`` are by ray.
    """
    kept, dropped = np.zeros(beam.counts.size, np.int64), np.zeros(beam.counts.size)
    what = (*beam.arguments, model.dose_threshold)
    where = (starts, *arrays, kept, dropped)
    first, last = rays

    def work(a: int, b: int) -> None:
        beam.kernel(*what, first + a, first + b, *where)

    in_pool(last - first, work)
    return kept, dropped


def in_plan_order(ready: list[ReadyBeam], by_ray: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return numbers that are given by ray, in the order of the plan's spots."""
    out = [np.empty_like(values) for values in by_ray]
    for beam, values, mine in zip(ready, by_ray, out, strict=True):
        mine[beam.rays.order] = values
    return np.concatenate(out) if out else np.empty(0, np.int64)


def _check(rsp: Image, machine: ProtonMachine, dose_grid: Grid, with_let: bool) -> None:
    if rsp.quantity is not Quantity.RELATIVE_STOPPING_POWER:
        raise InputError(
            f"rsp must be an image of RELATIVE_STOPPING_POWER [1]; got {rsp.quantity.name}; "
            "make one from a CT with its calibration: tumorboard.physics.hounsfield"
        )
    least, largest = float(rsp.values.min()), float(rsp.values.max())
    if not (0 <= least and largest < 30):
        raise InputError(
            f"values of rsp must be finite, >= 0 and below 30 [1]; got {least:g} to {largest:g}; "
            "are they CT numbers? apply a calibration curve first"
        )
    if rsp.grid.frame_of_reference != dose_grid.frame_of_reference:
        raise GridMismatch(
            "rsp and dose_grid must have one frame of reference; got "
            f"{rsp.grid.frame_of_reference} and {dose_grid.frame_of_reference}; make the dose grid from the "
            "CT's: ct.grid.with_spacing(...)"
        )
    if with_let and any(k.let_kev_um is None for k in machine.kernels):
        raise InputError(
            f"kernels of {machine.beam_model.name!r} must have let_kev_um [keV/um] for with_let=True; "
            "they have none: pass with_let=False or choose a machine with LET"
        )
