"""A proton plan as JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.patient_position import PatientPosition
from tumorboard.core.plan import EnergyLayer, IonBeam, IonPlan
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["plan_from_json", "plan_to_json"]

#: Of this layout; a later layout gets a higher number, so that an old program refuses it by name.
_VERSION: Final = 1


def plan_to_json(plan: IonPlan) -> dict[str, Any]:
    """Return the plan as JSON-serialisable values; every number comes back exactly.

    Examples
    --------
    >>> layer = EnergyLayer(150.0, [[0.0, 0.1]], [1.5])
    >>> beam = IonBeam("left", BeamGeometry(90.0, 0.0, (0.0, 0.0, 0.0)), (layer,))
    >>> plan = IonPlan("example", "generic", (beam,), 30, Record("example"))
    >>> plan_from_json(plan_to_json(plan)).beams[0].layers[0].positions_mm
    array([[0. , 0.1]])
    """
    return {
        "version": _VERSION,
        "label": plan.label,
        "machine": plan.machine,
        "n_fractions": plan.n_fractions,
        "frame_of_reference": plan.frame_of_reference,
        "provenance": plan.provenance.to_dict(),
        "beams": [_beam_to_json(beam) for beam in plan.beams],
    }


def plan_from_json(body: Mapping[str, Any]) -> IonPlan:
    """Read what :func:`plan_to_json` wrote.

    Raises
    ------
    InputError
        When the layout is of a later version, or a value is not valid.
    """
    version = body.get("version")
    if version != _VERSION:
        raise InputError(
            f"version of a stored plan must be {_VERSION}; got {version!r}; read it with the program that "
            "wrote it"
        )
    return IonPlan(
        body["label"],
        body["machine"],
        tuple(_beam_from_json(beam) for beam in body["beams"]),
        body["n_fractions"],
        Record.from_dict(body["provenance"]),
        body["frame_of_reference"],
    )


def _beam_to_json(beam: IonBeam) -> dict[str, Any]:
    geometry = beam.geometry
    return {
        "name": beam.name,
        "geometry": {
            "gantry_angle_deg": geometry.gantry_angle_deg,
            "couch_angle_deg": geometry.couch_angle_deg,
            "isocentre_mm": geometry.isocentre_mm.tolist(),
            "collimator_angle_deg": geometry.collimator_angle_deg,
            "patient_position": geometry.patient_position.value,
        },
        "range_shifter": beam.range_shifter,
        "range_shifter_distance_mm": beam.range_shifter_distance_mm,
        "snout_position_mm": beam.snout_position_mm,
        "range_shifter_water_equivalent_thickness_mm": beam.range_shifter_water_equivalent_thickness_mm,
        "source_distance_mm": _listed(beam.source_distance_mm),
        "layers": [
            {
                "nominal_energy_mev": layer.nominal_energy_mev,
                "positions_mm": layer.positions_mm.tolist(),
                "monitor_units": layer.monitor_units.tolist(),
                "spot_fwhm_mm": _listed(layer.spot_fwhm_mm),
            }
            for layer in beam.layers
        ],
    }


def _beam_from_json(body: Mapping[str, Any]) -> IonBeam:
    geometry = dict(body["geometry"])
    geometry["isocentre_mm"] = np.array(geometry["isocentre_mm"], dtype=np.float64)
    geometry["patient_position"] = PatientPosition(geometry["patient_position"])
    return IonBeam(
        body["name"],
        BeamGeometry(**geometry),
        tuple(
            EnergyLayer(
                layer["nominal_energy_mev"],
                # A layer without spots has no second axis to be seen in a list.
                np.array(layer["positions_mm"], dtype=np.float64).reshape(-1, 2),
                np.array(layer["monitor_units"], dtype=np.float64),
                _pair(layer["spot_fwhm_mm"]),
            )
            for layer in body["layers"]
        ),
        body["range_shifter"],
        body["range_shifter_distance_mm"],
        body["snout_position_mm"],
        body["range_shifter_water_equivalent_thickness_mm"],
        _pair(body["source_distance_mm"]),
    )


def _listed(pair: tuple[float, float] | None) -> list[float] | None:
    return None if pair is None else [float(value) for value in pair]


def _pair(values: list[float] | None) -> tuple[float, float] | None:
    return None if values is None else (values[0], values[1])
