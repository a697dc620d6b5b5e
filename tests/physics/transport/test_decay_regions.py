"""Energies of regions: those of their voxels, whatever interrupts the run."""

import numpy as np
import pytest

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.errors import InputError
from tumorboard.physics.materials import material
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.decay_regions import region_energies
from tumorboard.physics.transport.decay_source import ActivityBall, DecayEmissions, EmissionLines
from tumorboard.physics.transport.decay_transport import transport_decays
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.particles import ParticleKind

GRID = Grid((8, 8, 8), (5.0,) * 3, (-17.5,) * 3, AXIAL, frame_of_reference="1.2.3")
WATER = TransportMedium.homogeneous(GRID, material("water, liquid"))
CENTRE = ActivityBall((0.0, 0.0, 0.0), radius_mm=8.0)
MIXED = DecayEmissions(
    "mixed",
    lines=(
        EmissionLines(ParticleKind.PHOTON, np.array([0.2]), np.array([1.0])),
        EmissionLines(ParticleKind.ELECTRON, np.array([0.5]), np.array([1.0])),
    ),
    local_mev=0.25,
)
LABELS = np.indices(GRID.shape).sum(axis=0) % 3
PLAN = BatchPlan(800, 1, 1, batches=10)


def scored(**more):
    return region_energies(WATER, CENTRE, MIXED, LABELS, PLAN, follow_photons=True, **more)


def test_region_energies__are_those_of_the_voxels():
    found = scored()
    voxels = transport_decays(WATER, CENTRE, MIXED, PLAN, follow_photons=True)
    energy = voxels.dose.values.astype(float) / WATER.dose_gy(np.ones(GRID.shape))
    expected = np.bincount(LABELS.ravel(), weights=energy.ravel())
    assert found.energy_mev == pytest.approx(expected, rel=1e-5)
    assert found.energy_mev.sum() == pytest.approx(found.balance.deposited_mev, rel=1e-9)
    assert (found.relative_uncertainty < 0.2).all()


def test_region_energies__of_an_interrupted_run_are_those_of_a_whole_one(tmp_path):
    kept = tmp_path / "run.npz"
    calls = []

    def interrupt(what, done, total):
        calls.append(done)
        if len(calls) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scored(checkpoint=kept, progress=interrupt)
    assert kept.exists()
    calls.clear()
    again = scored(checkpoint=kept, progress=lambda what, done, total: calls.append(done))
    assert min(calls) > 0.4 * PLAN.histories
    assert not kept.exists()
    whole = scored()
    assert np.array_equal(again.energy_mev, whole.energy_mev)
    assert np.array_equal(again.relative_uncertainty, whole.relative_uncertainty)


def test_region_energies__records_tell_regions_apart():
    other = region_energies(WATER, CENTRE, MIXED, (LABELS + 1) % 3, PLAN, follow_photons=True)
    assert other.provenance.digest != scored().provenance.digest


@pytest.mark.parametrize("labels", [LABELS[1:], LABELS - 1, LABELS * 0.5, LABELS + 65536])
def test_region_energies__refuses_labels_that_do_not_fit(labels):
    with pytest.raises(InputError, match="labels must be"):
        region_energies(WATER, CENTRE, MIXED, labels, PLAN, follow_photons=False)


def test_region_energies__outside_the_medium_are_refused():
    far = ActivityBall((1000.0, 0.0, 0.0))
    with pytest.raises(InputError, match="meet the medium"):
        region_energies(
            WATER, far, DecayEmissions("alpha", local_mev=5.0), LABELS, PLAN, follow_photons=False
        )
