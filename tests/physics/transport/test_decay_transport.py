import numpy as np
import pytest

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.physics.materials import material
from tumorboard.physics.transport import _decay_run
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.decay_source import (
    ActivityBall,
    ActivityImage,
    DecayEmissions,
    EmissionLines,
    EmissionSpectrum,
)
from tumorboard.physics.transport.decay_transport import transport_decays
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.particles import ParticleKind
from tumorboard.physics.transport.photon_arguments import PhotonScoring, PhotonSteps
from tumorboard.provenance import Record

WATER = material("water, liquid")
CENTRE = ActivityBall((0.0, 0.0, 0.0))


def lines(kind, *pairs):
    energy, number = np.array(pairs, dtype=float).T
    return EmissionLines(kind, energy, number)


#: Betas and the two strong gammas of Lu-177, conversion electrons, and an Auger line that stays.
LUTETIUM = DecayEmissions(
    "like Lu-177",
    lines=(
        lines(ParticleKind.PHOTON, (0.113, 0.0617), (0.208, 0.1036), (0.055, 0.05)),
        lines(ParticleKind.ELECTRON, (0.006, 0.9), (0.048, 0.05), (0.102, 0.07)),
    ),
    spectra=(
        EmissionSpectrum(
            ParticleKind.ELECTRON, np.linspace(0.0, 0.498, 6), np.array([0.46, 0.3, 0.16, 0.07, 0.01])
        ),
    ),
)
POSITRONS = DecayEmissions("like F-18", lines=(lines(ParticleKind.POSITRON, (0.25, 0.967)),))


def box(n=16, spacing=2.0, of=WATER):
    start = -0.5 * (n - 1) * spacing
    grid = Grid((n, n, n), (spacing,) * 3, (start,) * 3, AXIAL, frame_of_reference="1.2.3")
    return TransportMedium.homogeneous(grid, of)


@pytest.mark.parametrize("n", [9, 16])
@pytest.mark.parametrize("emissions", [LUTETIUM, POSITRONS, DecayEmissions("alpha", local_mev=5.5)])
def test_transport_decays__closes_every_account(emissions, n):
    medium = box(n)
    found = transport_decays(medium, CENTRE, emissions, BatchPlan(2000, 1, 1), follow_photons=True)
    balance = found.balance
    expected = emissions.local_mev + emissions.energy_mev(ParticleKind.PHOTON)
    expected += emissions.energy_mev(ParticleKind.ELECTRON) + emissions.energy_mev(ParticleKind.POSITRON)
    expected += 1.0219979 * 0.967 if emissions is POSITRONS else 0.0
    assert balance.brought_mev == pytest.approx(expected, rel=0.03)
    assert balance.deposited_mev + balance.escaped_mev == pytest.approx(balance.brought_mev, abs=1e-9)
    assert abs(balance.handed_on_mev) < 1e-9
    assert balance.largest_error_mev < 1e-9
    assert balance.stuck == 0
    inside = (found.dose.values.astype(float) * medium.mass_g).sum() / 1.602176634e-10
    assert inside == pytest.approx(balance.deposited_mev, rel=1e-5)


def test_transport_decays__without_photons_hands_them_on():
    found = transport_decays(box(5), CENTRE, LUTETIUM, BatchPlan(2000, 1, 1), follow_photons=False)
    assert found.balance.handed_on_mev == pytest.approx(LUTETIUM.energy_mev(ParticleKind.PHOTON), rel=0.1)
    assert found.balance.escaped_mev == 0.0


def test_transport_decays__is_the_same_for_any_number_of_threads():
    medium = box(16)
    one, two = (
        transport_decays(medium, CENTRE, LUTETIUM, BatchPlan(4000, 9, n), follow_photons=True) for n in (1, 2)
    )
    assert (one.dose.values == two.dose.values).all()


def test_transport_decays__of_another_seed_agree_within_their_uncertainty():
    medium = box(16)
    one, two = (
        transport_decays(
            medium, ActivityBall((0, 0, 0), 6.0), LUTETIUM, BatchPlan(20000, n, 1), follow_photons=True
        )
        for n in (1, 2)
    )
    high = one.dose.values > 0.5 * one.dose.values.max()
    spread = np.hypot(one.relative_uncertainty.values[high], two.relative_uncertainty.values[high])
    pulls = (two.dose.values[high] / one.dose.values[high] - 1) / spread
    assert 0.6 < np.sqrt((pulls**2).mean()) < 1.5


def test_transport_decays__in_an_image_follows_its_values():
    medium = box(5, 10.0)
    values = np.zeros((5, 5, 5), np.float32)
    values[1, 2, 3], values[3, 2, 1] = 1.0, 3.0
    image = Image(values, medium.grid, Quantity.UNCALIBRATED, Record("test", {}))
    found = transport_decays(
        medium, ActivityImage(image), LUTETIUM, BatchPlan(20000, 1, 1), follow_photons=False
    )
    first, second = found.dose.values[1, 2, 3], found.dose.values[3, 2, 1]
    assert second / first == pytest.approx(3.0, rel=0.05)
    others = found.dose.values.sum() - first - second
    assert 0 < others < 0.06 * (first + second)


def test_transport_decays__track_lengths_and_collisions_agree():
    gammas = DecayEmissions("gammas", lines=(lines(ParticleKind.PHOTON, (0.364, 1.0)),))
    medium = box(16, 5.5)
    every = [
        transport_decays(
            medium, CENTRE, gammas, BatchPlan(20000, 1, 1), follow_photons=True, photon_steps=steps
        )
        for steps in (None, PhotonSteps(), PhotonSteps(scoring=PhotonScoring.TRACK_LENGTH))
    ]
    totals = [(f.dose.values.astype(float) * medium.mass_g).sum() for f in every]
    assert totals[1] == pytest.approx(totals[0], rel=0.03)
    assert totals[2] == pytest.approx(totals[0], rel=0.03)


def test_transport_decays__of_positrons_hand_annihilation_photons_over():
    found = transport_decays(box(16, 25.0), CENTRE, POSITRONS, BatchPlan(5000, 1, 1), follow_photons=True)
    # In 42 cm of water some four fifths of 511 keV photons' energy stays.
    assert 0.6 < found.balance.deposited_fraction < 0.95


def test_transport_decays__outside_the_medium_are_refused():
    far = ActivityBall((1000.0, 0.0, 0.0))
    with pytest.raises(InputError, match="meet the medium"):
        transport_decays(
            box(3), far, DecayEmissions("alpha", local_mev=5.0), BatchPlan(100, 1, 1), follow_photons=True
        )


@pytest.mark.slow
def test_transport_decays__makes_room_when_photons_set_many_electrons_free(monkeypatch):
    hard = DecayEmissions("hard", lines=(lines(ParticleKind.PHOTON, (19.0, 50.0)),))
    monkeypatch.setattr(_decay_run, "_ROWS", 6500)
    found = transport_decays(
        box(8, 20.0, material("lead")),
        CENTRE,
        hard,
        BatchPlan(1000, 1, 1),
        follow_photons=True,
    )
    assert found.balance.largest_error_mev < 1e-9
    out = found.balance.deposited_mev + found.balance.escaped_mev
    assert out == pytest.approx(found.balance.brought_mev, abs=1e-9)
