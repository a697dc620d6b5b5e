"""Dose of a whole plan, calculated forward without keeping the influence of its spots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.beam import ProtonMachine
from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.plan import EnergyLayer, IonBeam, IonPlan
from tumorboard.errors import InputError
from tumorboard.proton._beam_setup import ReadyBeam
from tumorboard.proton._kernels.gaussians import add_columns
from tumorboard.proton._rays import spots_of
from tumorboard.proton._spot_tables import PROTONS
from tumorboard.proton.pencil_beam import REFERENCES, fill, prepare
from tumorboard.proton.pencil_beam_model import PencilBeamModel
from tumorboard.provenance import Record

__all__ = ["PlanDose", "plan_dose", "spot_weights"]

#: Entries that are held at a time, unless one ray has more.
_BLOCK: Final = 8_000_000


@dataclass(frozen=True, slots=True, eq=False)
class PlanDose:
    """Dose of a plan and of each of its beams, of all fractions.

    Parameters
    ----------
    dose
        Of all beams, DOSE [Gy].
    let
        Dose-averaged LET, LET [keV/um], zero where there is no dose; ``None`` when it was not asked for.
    beam_doses
        Of each beam, in the plan's order, DOSE [Gy].
    """

    dose: Image
    let: Image | None
    beam_doses: tuple[Image, ...]


def spot_weights(plan: IonPlan, machine: ProtonMachine) -> NDArray[np.float64]:
    """Return the weight of each spot of a plan, as a dose influence takes it.

    Parameters
    ----------
    plan
        Its monitor units count.
    machine
        Says how many protons one monitor unit has.

    Returns
    -------
    numpy.ndarray
        In 1e6 protons per fraction, in order of beam, layer and position, shape ``(n_spots,)``.

    Raises
    ------
    InputError
        When an energy is not the machine's, or the machine does not say how many protons a monitor unit has.

    Examples
    --------
    See :func:`plan_dose`.
    """
    return np.concatenate([_weights(beam, machine) for beam in plan.beams])


def plan_dose(
    plan: IonPlan,
    machine: ProtonMachine,
    rsp: Image,
    *,
    dose_grid: Grid,
    model: PencilBeamModel,
    with_let: bool,
    mask: Image | None = None,
) -> PlanDose:
    """Calculate the dose of a plan's monitor units, of all fractions.

    The physics is that of :func:`tumorboard.proton.pencil_beam.dose_influence`; the result is its product
    with :func:`spot_weights` and the number of fractions, up to rounding.

    Parameters
    ----------
    plan
        Spots without monitor units are left out.
    machine
        Must have the plan's energies, range shifters and protons per monitor unit.
    rsp
        RELATIVE_STOPPING_POWER, finite and >= 0; any grid.
    dose_grid
        Any grid in the frame of reference of ``rsp``.
    model
        What is assumed and left out.
    with_let
        Whether LETd is calculated too.
    mask
        Boolean LABEL image on the dose grid; there is no dose outside it. ``None``: everywhere.

    Returns
    -------
    PlanDose
        Images on the dose grid, float32.

    Raises
    ------
    InputError
        As :func:`spot_weights` and :func:`tumorboard.proton.pencil_beam.dose_influence` do.

    Examples
    --------
    See the gallery.
    """
    if plan.frame_of_reference not in (None, dose_grid.frame_of_reference):
        raise InputError(
            "plan and dose_grid must have one frame of reference; got "
            f"{plan.frame_of_reference} and {dose_grid.frame_of_reference}; "
            "take the CT that the plan was made on"
        )
    record = Record(
        "proton.plan_dose",
        {**model.to_dict(), "n_fractions": plan.n_fractions},
        (plan.provenance, machine.beam_model.provenance, rsp.provenance),
        REFERENCES,
    )
    total = np.zeros((2 if with_let else 1, int(np.prod(dose_grid.shape))))
    images = []
    for beam in plan.beams:
        own = np.zeros_like(total)
        used = _with_dose(beam)
        weights = plan.n_fractions * _weights(used, machine)
        if weights.size:
            ready = prepare(
                [used], rsp, machine, dose_grid=dose_grid, model=model, with_let=with_let, mask=mask
            )
            _add_beam(ready[0], weights, model, own)
        total += own
        images.append(_image(own[0], dose_grid, Quantity.DOSE, record))
    let = None
    if with_let:
        mean = np.divide(total[1], total[0], out=np.zeros_like(total[1]), where=total[0] > 0)
        let = _image(mean, dose_grid, Quantity.LET, record)
    return PlanDose(_image(total[0], dose_grid, Quantity.DOSE, record), let, tuple(images))


def _image(values: NDArray[np.float64], grid: Grid, quantity: Quantity, record: Record) -> Image:
    return Image(values.astype(np.float32).reshape(grid.shape), grid, quantity, record)


def _with_dose(beam: IonBeam) -> IonBeam:
    """Return the beam without the spots that have no monitor units."""
    layers = []
    for layer in beam.layers:
        on = layer.monitor_units > 0
        if on.any():
            layers.append(
                EnergyLayer(layer.nominal_energy_mev, layer.positions_mm[on], layer.monitor_units[on])
            )
    return IonBeam(
        beam.name, beam.geometry, tuple(layers), beam.range_shifter, beam.range_shifter_distance_mm
    )


def _weights(beam: IonBeam, machine: ProtonMachine) -> NDArray[np.float64]:
    _, energies = spots_of(beam, machine)
    spots = machine.beam_model.spots
    unknown = [spots[e].nominal_energy_mev for e in np.unique(energies) if spots[e].protons_per_mu is None]
    if unknown:
        raise InputError(
            f"protons_per_mu of {machine.beam_model.name!r} must be known for a dose in Gy; it is not at "
            f"{', '.join(f'{e:g}' for e in unknown[:5])} MeV; set it in the beam model's SpotModel"
        )
    protons = np.array([spot.protons_per_mu or 0.0 for spot in spots])
    units = np.concatenate([np.empty(0), *(layer.monitor_units for layer in beam.layers)])
    weights: NDArray[np.float64] = units * protons[energies] / PROTONS
    return weights


def _add_beam(
    beam: ReadyBeam, weights: NDArray[np.float64], model: PencilBeamModel, out: NDArray[np.float64]
) -> None:
    """Add dose, and dose times LET when ``out`` has a second row, block by block of rays, in their order."""
    by_ray = weights[beam.rays.order]
    ends = np.concatenate([[0], np.cumsum(beam.counts)])[beam.rays.first_spot]
    first = 0
    while first < beam.rays.n:
        last = max(first + 1, int(np.searchsorted(ends, ends[first] + _BLOCK, side="right")) - 1)
        spots = slice(beam.rays.first_spot[first], beam.rays.first_spot[last])
        starts = np.zeros(len(by_ray) + 1, np.int64)
        starts[spots.start + 1 : spots.stop + 1] = np.cumsum(beam.counts[spots])
        n = int(ends[last] - ends[first])
        values = [np.empty(n, np.float32) for _ in out]
        arrays: tuple[Any, ...] = (
            np.empty(n, np.int32),
            *values,
            *[np.empty(0, np.float32)] * (2 - len(values)),
        )
        kept, _ = fill(beam, (first, last), starts, arrays, model)
        for row, column in zip(out, values, strict=True):
            add_columns(starts[spots], kept[spots], arrays[0], column, by_ray[spots], row)
        first = last
