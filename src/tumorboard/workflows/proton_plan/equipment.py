"""The machine and the CT calibration that a prescription names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tumorboard.core.beam import BeamModel, ProtonMachine
from tumorboard.core.hu_curve import HuCurve
from tumorboard.errors import InputError
from tumorboard.io.hu_curves import read_hu_curve
from tumorboard.io.machines import read_dcpt_beam_model, read_matrad_machine, read_mcsquare_bdl
from tumorboard.physics.hounsfield import HounsfieldTable, schneider2000
from tumorboard.proton.generic_machine import generic_machine
from tumorboard.proton.machine import build_machine
from tumorboard.workflows.proton_plan.config import ProtonPlanConfig
from tumorboard.workflows.proton_plan.prescription import GENERIC, SCHNEIDER

__all__ = ["chosen_calibration", "chosen_machine"]


def chosen_machine(config: ProtonPlanConfig) -> ProtonMachine:
    """Return the machine of a prescription.

    Parameters
    ----------
    config
        ``machine`` is the generic one or a file, whose kind its ending tells.

    Raises
    ------
    InputError
        When the file is of no known kind, or lacks virtual sources or protons per monitor unit and the
        prescription does not give them.
    """
    if config.machine == GENERIC:
        return _with_monitor_units(generic_machine(), config)
    path = Path(config.machine)
    kind = path.suffix.lower()
    if kind == ".mat":
        return _with_monitor_units(read_matrad_machine(path), config)
    model: BeamModel
    if kind in (".txt", ".bdl"):
        model = read_mcsquare_bdl(path)
    elif kind == ".csv":
        if config.source_distance_mm is None:
            raise InputError(
                f"source_distance_mm must be given in the prescription [mm]; {path.name} does not hold the "
                "virtual sources; write source_distance_mm = [x, y]"
            )
        model = read_dcpt_beam_model(path, source_distance_mm=config.source_distance_mm)
    else:
        raise InputError(
            f'machine must be "{GENERIC}" or a file that ends in .txt (MCsquare), .mat (matRad) or .csv '
            f"(DCPT); got {path.name}"
        )
    return _with_monitor_units(build_machine(model), config)


def chosen_calibration(config: ProtonPlanConfig) -> HounsfieldTable | HuCurve:
    """Return the calibration of a prescription.

    Parameters
    ----------
    config
        ``hu_curve`` is Schneider's or a file.
    """
    return schneider2000() if config.hu_curve == SCHNEIDER else read_hu_curve(Path(config.hu_curve))


def _with_monitor_units(machine: ProtonMachine, config: ProtonPlanConfig) -> ProtonMachine:
    """Return the machine with the prescription's protons per monitor unit where its own file has none."""
    model = machine.beam_model
    if all(spot.protons_per_mu is not None for spot in model.spots):
        return machine
    if config.protons_per_mu is None:
        raise InputError(
            f"protons_per_mu must be given in the prescription; {model.name!r} does not say how many protons "
            "a monitor unit has; write protons_per_mu = ..."
        )
    spots = tuple(
        replace(spot, protons_per_mu=spot.protons_per_mu or config.protons_per_mu) for spot in model.spots
    )
    return ProtonMachine(replace(model, spots=spots), machine.kernels)
