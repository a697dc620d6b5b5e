"""What planning and every recalculation start from: machine, structures and stopping powers."""

from __future__ import annotations

from dataclasses import dataclass

from tumorboard.core.beam import ProtonMachine
from tumorboard.core.grid import Grid
from tumorboard.core.image import Image
from tumorboard.core.structures import StructureSet
from tumorboard.errors import InputError
from tumorboard.physics.hounsfield import relative_stopping_power
from tumorboard.workflows.proton_plan.config import ProtonPlanConfig
from tumorboard.workflows.proton_plan.equipment import chosen_calibration, chosen_machine
from tumorboard.workflows.proton_plan.fields import around_body, with_clear_air
from tumorboard.workflows.proton_plan.structures import PlanStructures, plan_structures

__all__ = ["Preparation", "prepare"]


@dataclass(frozen=True, slots=True, eq=False)
class Preparation:
    """A patient and a machine, made ready.

    Parameters
    ----------
    machine
        That delivers.
    structures
        On the part of the dose grid that holds the body.
    rsp
        RELATIVE_STOPPING_POWER on the CT's grid, without the noise of the air around the body.
    whole_grid
        Dose grid over the whole CT.
    """

    machine: ProtonMachine
    structures: PlanStructures
    rsp: Image
    whole_grid: Grid


def prepare(config: ProtonPlanConfig, ct: Image, drawn: StructureSet) -> Preparation:
    """Return what a prescription needs of a patient.

    Parameters
    ----------
    config
        The prescription.
    ct
        CT_NUMBER [HU].
    drawn
        Structures in its frame of reference.

    Returns
    -------
    Preparation
        Machine, structures and stopping powers.

    Raises
    ------
    InputError
        When the structures are of another frame of reference, or one is unknown or lies outside the CT.
    """
    if drawn.frame_of_reference != ct.grid.frame_of_reference:
        raise InputError(
            "structures must be in the CT's frame of reference "
            f"{ct.grid.frame_of_reference}; got {drawn.frame_of_reference}; take the set drawn on this CT"
        )
    machine = chosen_machine(config)
    whole_grid = ct.grid.with_spacing(config.dose.spacing_mm)
    structures = around_body(plan_structures(config, ct, drawn, whole_grid))
    rsp = with_clear_air(relative_stopping_power(ct, chosen_calibration(config)), structures.body)
    return Preparation(machine, structures, rsp, whole_grid)
