"""What a beam's range shifter does to depth and width of its spots."""

from __future__ import annotations

from collections.abc import Callable

from tumorboard.core.beam import ProtonMachine
from tumorboard.core.plan import IonBeam
from tumorboard.proton._spot_tables import Broadening


def slabs_of(beam: IonBeam, machine: ProtonMachine) -> Callable[[int], Broadening]:
    """Return the slab in the beam as a function of the machine's index of energy."""
    if beam.range_shifter is None:
        return lambda _: Broadening()
    shifter = machine.beam_model.range_shifter(beam.range_shifter)
    return lambda _: Broadening(shifter.water_equivalent_thickness_mm)
