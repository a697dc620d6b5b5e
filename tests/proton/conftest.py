"""A plain machine with analytic kernels, and grids, for tests of the dose engine."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.core.beam import (
    BeamModel,
    EnergySpectrum,
    PhaseSpace,
    ProtonMachine,
    RangeShifter,
    SpotModel,
)
from tumorboard.core.pencil_kernel import PencilKernel
from tumorboard.provenance import Record

RECORD = Record("test")
FRAME = "1.2.3"


_SPOT = (PhaseSpace(1.0, 4.0, 4.0, 0.003, 0.003, 0.1, 0.1),)


def _range_mm(energy_mev):
    return 0.022 * energy_mev**1.77


def _kernel(energy_mev):
    """A curve with a plateau, a peak and an end; a narrow and a broad component; LET that rises."""
    reach = _range_mm(energy_mev)
    depth = np.arange(0.0, reach + 12.0, 0.25)
    rise = 0.3 + 0.3 / np.sqrt(np.maximum(reach - depth, 0.0) / reach + 0.01)
    dose = 6e-10 * rise * 0.5 * (1 - np.tanh((depth - reach) / 2))
    sigma = np.stack([0.02 * reach * (depth / reach) ** 1.5, 5 + 0.06 * depth], axis=1)
    weights = np.broadcast_to([0.94, 0.06], sigma.shape)
    return PencilKernel(energy_mev, depth, dose, sigma, weights, RECORD, 1 + 6 * depth / reach)


@pytest.fixture(scope="session")
def plain_machine():
    """Return a maker of machines."""

    def make(
        energies=(100.0, 120.0, 150.0),
        phase_space=_SPOT,
        plane_mm=400.0,
        source_mm=(1900.0, 2300.0),
        protons_per_mu=1.2e8,
    ):
        spots = tuple(
            SpotModel(e, EnergySpectrum([e], [0.5], [1.0]), phase_space, protons_per_mu) for e in energies
        )
        shifters = (RangeShifter("RS", "lexan", 40.0, 46.0),)
        model = BeamModel("plain", spots, plane_mm, source_mm, RECORD, shifters)
        return ProtonMachine(model, tuple(_kernel(e) for e in energies))

    return make


@pytest.fixture(scope="session")
def grid_around():
    """Return a maker of grids around a centre, oblique when a seed is given."""

    def make(shape, spacing_mm, centre_mm=(0.0, 0.0, 0.0), seed=None):
        direction = np.array(AXIAL)
        if seed is not None:
            direction = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
        at_zero = Grid(shape, spacing_mm, (0.0, 0.0, 0.0), direction, frame_of_reference=FRAME)
        origin_mm = np.array(centre_mm) - at_zero.index_to_patient((np.array(shape) - 1) / 2)
        return Grid(shape, spacing_mm, origin_mm, direction, frame_of_reference=FRAME)

    return make


@pytest.fixture(scope="session")
def stopping_powers():
    """Return a maker of images of relative stopping power from values or a function of patient points."""

    def make(grid, values=1.0):
        if callable(values):
            index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
            values = values(grid.index_to_patient(index))
        filled = np.broadcast_to(np.asarray(values, dtype=np.float32), grid.shape)
        return Image(filled, grid, Quantity.RELATIVE_STOPPING_POWER, RECORD)

    return make
