"""What a beam's range shifter does to depth and width of its spots."""

from __future__ import annotations

from collections.abc import Callable

from tumorboard.core.beam import ProtonMachine
from tumorboard.core.plan import IonBeam
from tumorboard.proton._spot_tables import Broadening
from tumorboard.proton.machine import range_shifter_effect
from tumorboard.proton.pencil_beam_model import PencilBeamModel, SpotWidth


def slabs_of(beam: IonBeam, machine: ProtonMachine, model: PencilBeamModel) -> Callable[[int], Broadening]:
    """Return the slab in the beam as a function of the machine's index of energy.

    Behind the range shifter its scattering widens the spot over the true distance, air gap included; the
    kernel's share of it, which goes on over water only, is taken out.
    """
    if beam.range_shifter is None or beam.range_shifter_distance_mm is None:
        return lambda _: Broadening()
    shifter = machine.beam_model.range_shifter(beam.range_shifter)
    gap = float(beam.range_shifter_distance_mm)

    def slab(energy: int) -> Broadening:
        mean_mev = machine.beam_model.spots[energy].spectrum.total_mean_mev
        e = range_shifter_effect(shifter, mean_mev)
        along = (
            e.position_mm2 + gap * (2 * e.covariance_mm_rad + gap * e.angle_rad2),
            2 * (e.covariance_mm_rad + gap * e.angle_rad2),
            e.angle_rad2,
        )
        # Where widths are taken at the surface, what the kernel adds behind it is all that there is.
        deeper = (0.0, 0.0)
        if model.spot_width is SpotWidth.AT_DEPTH:
            deeper = (2 * e.water_covariance_mm_rad, e.water_angle_rad2)
        return Broadening(e.water_equivalent_mm, along, (e.water_position_mm2, *deeper))

    return slab
