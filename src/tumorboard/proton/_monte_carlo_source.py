"""The spots of a plan as beamlets of protons, upstream of all that they are to cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.beam import PhaseSpace, ProtonMachine, RangeShifter, SpotModel
from tumorboard.core.grid import Grid
from tumorboard.core.plan import IonBeam
from tumorboard.errors import InputError
from tumorboard.physics.transport.proton_source import ProtonBeamlets, Slab
from tumorboard.proton._rays import spots_of
from tumorboard.proton.machine import range_shifter_material

#: Protons start this far upstream of grid and range shifter at least [mm].
_CLEAR_MM: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class SpotBeamlets:
    """Beamlets, each of one spot: several where a spot is a sum of Gaussians.

    Parameters
    ----------
    beamlets
        Their weights are the share of their spot's protons.
    spot_of_beamlet
        Number of each beamlet's spot, in order of beam, layer and position, shape ``(n_beamlets,)``.
    n_spots
        Number of spots, those without a beamlet too.
    """

    beamlets: ProtonBeamlets
    spot_of_beamlet: NDArray[np.int64]
    n_spots: int


def spot_beamlets(beams: Sequence[IonBeam], machine: ProtonMachine, grid: Grid) -> SpotBeamlets:
    """Return the beamlets of all spots, whatever their monitor units, starting upstream of a grid."""
    parts: list[dict[str, NDArray[np.float64]]] = []
    spots: list[NDArray[np.int64]] = []
    slabs: list[Slab] = []
    slab_of: list[NDArray[np.int64]] = []
    first = 0
    for beam in beams:
        positions, energies = spots_of(beam, machine)
        slab = _slab(beam, machine)
        number = -1
        if slab is not None:
            number = len(slabs)
            slabs.append(slab)
        start_mm = _start_mm(beam, machine, grid)
        for energy in np.unique(energies):
            mine = np.flatnonzero(energies == energy)
            model = machine.beam_model.spots[energy]
            for made in _gaussians(beam, machine, model, positions[mine], start_mm):
                parts.append(made)
                spots.append(first + mine)
                slab_of.append(np.full(len(mine), number))
        first += len(positions)
    if not parts:
        raise InputError("beams must have at least one spot; got none")
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    spot = np.concatenate(spots)
    # In the plan's order, so that histories go from spot to spot as the machine does.
    order = np.argsort(spot, kind="stable")
    beamlets = ProtonBeamlets(
        **{name: values[order] for name, values in joined.items()},
        slab_index=np.concatenate(slab_of)[order],
        slabs=tuple(slabs),
    )
    return SpotBeamlets(beamlets, spot[order], first)


def _slab(beam: IonBeam, machine: ProtonMachine) -> Slab | None:
    if beam.range_shifter is None or beam.range_shifter_distance_mm is None:
        return None
    shifter = machine.beam_model.range_shifter(beam.range_shifter)
    face = (0.0, 0.0, beam.range_shifter_distance_mm + shifter.thickness_mm)
    return Slab(
        range_shifter_material(shifter),
        shifter.thickness_mm,
        beam.geometry.to_patient(face),
        beam.geometry.travel_direction,
    )


def _start_mm(beam: IonBeam, machine: ProtonMachine, grid: Grid) -> float:
    """Return the height above the isocentre plane at which protons start [mm].

    The plane of the phase spaces, unless part of the grid or the range shifter reaches beyond it: from one
    plane to another there is vacuum, which moves Gaussians and leaves them Gaussians.
    """
    heights = [machine.beam_model.plane_mm, float(beam.geometry.to_gantry(grid.corners_mm)[:, 2].max())]
    shifter: RangeShifter | None = None
    if beam.range_shifter is not None and beam.range_shifter_distance_mm is not None:
        shifter = machine.beam_model.range_shifter(beam.range_shifter)
        heights.append(beam.range_shifter_distance_mm + shifter.thickness_mm)
    start = max(heights) + _CLEAR_MM
    nearest = min(machine.beam_model.source_distance_mm)
    if start >= nearest:
        raise InputError(
            f"all that beam {beam.name!r} crosses must lie below its virtual source at {nearest:g} mm from "
            f"the isocentre; the CT or the range shifter reaches to {start:.0f} mm; crop the CT"
        )
    return start


def _gaussians(
    beam: IonBeam,
    machine: ProtonMachine,
    model: SpotModel,
    positions_mm: NDArray[np.float64],
    start_mm: float,
) -> list[dict[str, NDArray[np.float64]]]:
    """Return the rows of one energy's spots, a set for each Gaussian in space and in energy."""
    n = len(positions_mm)
    sources = np.array(machine.beam_model.source_distance_mm)
    along = np.column_stack([positions_mm / sources, np.full(n, -1.0)])
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = np.array([1.0, 0.0, 0.0]) - along[:, :1] * along
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    origins = np.column_stack([positions_mm * (1.0 - start_mm / sources), np.full(n, start_mm)])
    turn = beam.geometry.gantry_to_patient.T
    # Along a slanted axis it is farther from plane to plane.
    drift = (machine.beam_model.plane_mm - start_mm) / -along[:, 2]
    shared = {
        "position_mm": beam.geometry.to_patient(origins),
        "direction": along @ turn,
        "lateral_x": across @ turn,
        "lateral_y": np.cross(across, along) @ turn,
    }
    rows = []
    for space in model.phase_space:
        optics = _carried(space, drift)
        spectrum = model.spectrum
        for mean, sigma, share in zip(
            spectrum.mean_mev, spectrum.sigma_mev, spectrum.weights * space.weight, strict=True
        ):
            if share > 0:
                energy = {
                    "energy_mev": np.full(n, mean),
                    "energy_sigma_mev": np.full(n, sigma),
                    "weight": np.full(n, share),
                }
                rows.append(shared | optics | energy)
    return rows


def _carried(space: PhaseSpace, downstream_mm: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return a Gaussian's width, divergence and correlation after a drift in vacuum, < 0 against the beam."""
    sigma = np.array([space.sigma_x_mm, space.sigma_y_mm])
    divergence = np.array([space.divergence_x_rad, space.divergence_y_rad])
    covariance = np.array([space.correlation_x, space.correlation_y]) * sigma * divergence
    d = downstream_mm[:, None]
    variance = sigma**2 + d * (2.0 * covariance + d * divergence**2)
    # A fully correlated beam has a point as its waist; beside it rounding could leave less than nothing.
    width = np.sqrt(np.maximum(variance, 1e-12))
    spread = np.broadcast_to(divergence, width.shape)
    moved = covariance + d * divergence**2
    between = np.divide(moved, width * spread, out=np.zeros_like(width), where=spread > 0)
    return {
        "sigma_mm": width,
        "divergence_rad": np.array(spread),
        "correlation": np.clip(between, -1.0, 1.0),
    }
