"""The fields of a plan: their spots, and how patient and isocentre differ in a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.beam import ProtonMachine
from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.patient_position import PatientPosition
from tumorboard.core.plan import IonBeam
from tumorboard.errors import InputError
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.proton.pencil_beam_model import DepthModel, PencilBeamModel, SubBeams
from tumorboard.proton.robust_scenarios import Scenario
from tumorboard.proton.spots import SpotLattice, place_spots
from tumorboard.provenance import Record
from tumorboard.workflows.proton_plan.config import ProtonPlanConfig
from tumorboard.workflows.proton_plan.structures import PlanStructures, grown

__all__ = ["around_body", "dose_model", "place_fields", "scaled", "shifted", "with_clear_air"]

#: The dose grid reaches beyond the body by this [mm], so that no rim of it is cut off.
_BODY_MARGIN_MM: Final = 10.0
_SUB_BEAMS: Final = SubBeams(7, 0.6)
#: Relative stopping power of air, and the most that noise makes of it: some 100 HU.
_AIR_RSP: Final = 0.00106
_AIR_NOISE_RSP: Final = 0.1


def with_clear_air(rsp: Image, body: Image) -> Image:
    """Return the stopping powers with those of air wherever there is no more than noise around the body.

    Noise makes some voxels of air denser and none lighter than nothing; over the way from the nozzle that
    adds up to millimetres of water. A couch or a mask is denser than that noise and counts.

    Parameters
    ----------
    rsp
        RELATIVE_STOPPING_POWER of the whole CT.
    body
        Boolean LABEL image, on any grid.
    """
    inside = resample(body, rsp.grid, method=Interpolation.NEAREST, outside=0.0).values
    values = np.where(inside | (rsp.values > _AIR_NOISE_RSP), rsp.values, np.float32(_AIR_RSP))
    record = Record(
        "workflows.proton_plan.clear_air",
        {"air_noise_rsp": _AIR_NOISE_RSP, "air_rsp": _AIR_RSP},
        (rsp.provenance, body.provenance),
    )
    return Image(values.astype(np.float32), rsp.grid, rsp.quantity, record)


def around_body(structures: PlanStructures) -> PlanStructures:
    """Return the structures on the part of the dose grid that holds the body.

    Parameters
    ----------
    structures
        On the whole dose grid.
    """
    body = structures.body
    inside = [np.flatnonzero(body.values.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    rim = np.ceil(_BODY_MARGIN_MM / body.grid.spacing_mm).astype(int)
    start = [max(0, int(i[0]) - int(r)) for i, r in zip(inside, rim, strict=True)]
    stop = [min(n, int(i[-1]) + 1 + int(r)) for i, r, n in zip(inside, rim, body.grid.shape, strict=True)]
    if start == [0, 0, 0] and stop == list(body.grid.shape):
        return structures
    corners = ((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    return PlanStructures(
        {name: image.crop(*corners) for name, image in structures.fractions.items()},
        structures.whole_volume_ml,
    )


def place_fields(
    config: ProtonPlanConfig, structures: PlanStructures, rsp: Image, machine: ProtonMachine
) -> tuple[IonBeam, ...]:
    """Return the fields of a prescription with spots that cover its targets.

    Parameters
    ----------
    config
        The prescription.
    structures
        On the dose grid.
    rsp
        RELATIVE_STOPPING_POWER.
    machine
        That delivers.
    """
    grid = structures.body.grid
    wanted = np.zeros(grid.shape, np.bool_)
    core = np.zeros(grid.shape, np.float32)
    for target in config.targets:
        fraction = structures.of(target.structure)
        _require_inside(target.structure, fraction, target.margin_mm, rsp.grid)
        wanted |= grown(fraction, target.margin_mm)
        np.maximum(core, fraction.values, out=core)
    record = Record(
        "workflows.proton_plan.target", {"targets": [[t.structure, t.margin_mm] for t in config.targets]}
    )
    target_image = Image(wanted, grid, Quantity.LABEL, record)
    isocentre = config.isocentre_mm if config.isocentre_mm is not None else _centre(core, grid)
    spots = config.spots
    return tuple(
        place_spots(
            target_image,
            rsp,
            machine,
            BeamGeometry(
                beam.gantry_deg,
                beam.couch_deg,
                np.array(isocentre),
                patient_position=PatientPosition.HEAD_FIRST_SUPINE,
            ),
            name=beam.name,
            spacing_mm=spots.spacing_mm,
            lattice=SpotLattice(spots.lattice),
            target_margin_mm=0.0,
            lateral_margin_mm=spots.lateral_margin_mm,
            proximal_margin_mm=spots.proximal_margin_mm,
            distal_margin_mm=spots.distal_margin_mm,
            layer_spacing_mm=spots.layer_spacing_mm,
            range_shifter=beam.range_shifter or None,
            range_shifter_distance_mm=beam.range_shifter_distance_mm,
        )
        for beam in config.beams
    )


def _require_inside(name: str, fraction: Image, margin_mm: float, ct_grid: Grid) -> None:
    """Raise when a target with its margin reaches beyond the CT, where no depth is known."""
    points = fraction.grid.index_to_patient(np.argwhere(fraction.values >= 0.5))
    index = ct_grid.patient_to_index(points)
    reach = margin_mm / ct_grid.spacing_mm
    low, high = index.min(axis=0) - reach + 0.5, index.max(axis=0) + reach + 0.5
    if (low < 0).any() or (high > np.array(ct_grid.shape)).any():
        raise InputError(
            f"target {name!r} with its margin of {margin_mm:g} mm must lie inside the CT; it reaches beyond "
            "its edge; take a CT that holds it or a smaller margin"
        )


def _centre(fraction: NDArray[np.float32], grid: Grid) -> tuple[float, float, float]:
    marginals = [fraction.sum(axis=axes, dtype=np.float64) for axes in ((1, 2), (0, 2), (0, 1))]
    index = [float(np.arange(len(m)) @ m / m.sum()) for m in marginals]
    x, y, z = grid.index_to_patient(index).tolist()
    return x, y, z


def dose_model(config: ProtonPlanConfig) -> PencilBeamModel:
    """Return how dose is calculated.

    Parameters
    ----------
    config
        The prescription.
    """
    depth = DepthModel(config.dose.depth_model)
    return PencilBeamModel(
        depth,
        lateral_cutoff=config.dose.lateral_cutoff,
        sub_beams=_SUB_BEAMS if depth is DepthModel.SUB_BEAMS else None,
    )


def shifted(beams: Sequence[IonBeam], scenario: Scenario) -> tuple[IonBeam, ...]:
    """Return the beams as the patient of a scenario meets them.

    Parameters
    ----------
    beams
        As planned.
    scenario
        Its setup error counts.
    """
    return tuple(
        replace(
            beam,
            geometry=replace(
                beam.geometry,
                isocentre_mm=np.array(scenario.isocentre_mm(beam.geometry.isocentre_mm.tolist())),
            ),
        )
        for beam in beams
    )


def scaled(rsp: Image, scenario: Scenario) -> Image:
    """Return the stopping powers of a scenario.

    Parameters
    ----------
    rsp
        RELATIVE_STOPPING_POWER as planned.
    scenario
        Its range error counts.
    """
    if scenario.range_scale == 1.0:
        return rsp
    record = Record(
        "workflows.proton_plan.range_error", {"range_scale": scenario.range_scale}, (rsp.provenance,)
    )
    return Image(rsp.values * np.float32(scenario.range_scale), rsp.grid, rsp.quantity, record)
