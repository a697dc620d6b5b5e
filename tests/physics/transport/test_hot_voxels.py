"""A voxel full of activity in lung, water or bone: its own dose and its neighbours', against penRed."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.material import Material
from tumorboard.physics.decay import DecayLibrary
from tumorboard.physics.decay_emissions import decay_emissions
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.decay_source import ActivityImage
from tumorboard.physics.transport.decay_transport import transport_decays
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.provenance import Record

VALIDATION = Path(__file__).resolve().parents[3] / "validation" / "electrons"
#: Density [g/cm3], mean excitation energy [eV] by penRed, and composition of the regions.
REGIONS = {
    "lung": (0.26, 69.13, {1: 0.1040404, 6: 0.10606061, 7: 0.03131313, 8: 0.75656566, 15: 0.0020202}),
    "water": (1.0, 69.0, {1: 0.111894, 8: 0.888106}),
    "bone": (
        1.85,
        102.51,
        {1: 0.03420523, 6: 0.15593561, 7: 0.04225352, 8: 0.43762575, 15: 0.10362173, 20: 0.22635815},
    ),
}


def cases():
    with (VALIDATION / "penred_hot_voxels.csv").open(encoding="utf-8") as file:
        return [*csv.DictReader(file)]


def phantom():
    """Lung, water and bone along x, 14 voxels of 2 mm each."""
    grid = Grid((41, 41, 42), (2.0,) * 3, (1.0,) * 3, AXIAL, frame_of_reference="1.2.3")
    index = np.broadcast_to(np.arange(42) // 14, grid.shape).astype(np.uint16)
    materials = tuple(Material(name, d, tuple(parts.items()), i) for name, (d, i, parts) in REGIONS.items())
    density = np.array([m.density_g_cm3 for m in materials], np.float32)[index]
    return TransportMedium(grid, density, index, materials)


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case['nuclide']}-{case['region']}")
def test_transport_decays__in_a_hot_voxel_equals_penred(case):
    medium = phantom()
    column = int(case["column"])
    activity = np.zeros(medium.grid.shape, np.float32)
    activity[20, 20, column] = 1.0
    image = Image(activity, medium.grid, Quantity.UNCALIBRATED, Record("test", {}))
    found = transport_decays(
        medium,
        ActivityImage(image),
        # DDEP's decays, as penRed's are: ENDF/B-VIII.1's betas of Lu-177 have 0.6 % more energy.
        decay_emissions(case["nuclide"], library=DecayLibrary.JEFF_4_0),
        BatchPlan(40_000, 1, 1),
        follow_photons=True,
    )
    energy = found.dose.values.astype(float) * medium.mass_g / 1.602176634e-10
    assert energy[20, 20, column] == pytest.approx(float(case["self_mev"]), rel=0.02)
    around = (20, 20, column - 1), (20, 20, column + 1), (20, 19, column), (20, 21, column)
    around += (19, 20, column), (21, 20, column)
    total, expected = sum(energy[n] for n in around), float(case["neighbours_mev"])
    spread = float(case["neighbours_uncertainty_mev"]) / expected
    assert total == pytest.approx(expected, rel=0.02 + 2 * spread)
