import pytest

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.errors import InputError
from tumorboard.physics.decay import DecayLibrary, EmissionKind, decay_data, known_nuclides
from tumorboard.physics.decay_emissions import decay_emissions, emissions_together
from tumorboard.physics.materials import material
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.decay_source import ActivityBall
from tumorboard.physics.transport.decay_transport import transport_decays
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.particles import ParticleKind

ENDF, JEFF = DecayLibrary.ENDF_B_VIII_1, DecayLibrary.JEFF_4_0
MEDICAL = (
    "F-18 Ga-68 Cu-64 Zr-89 I-124 Tc-99m In-111 Lu-177 I-131 Y-90 Tb-161 Sm-153 Ho-166 Re-188 Ra-223 Ac-225 "
    "Pb-212 Bi-213 Th-227"
).split()


@pytest.mark.parametrize("library", DecayLibrary)
@pytest.mark.parametrize("name", MEDICAL)
def test_decay_emissions__carry_all_energy_but_that_of_annihilation(name, library):
    data, found = decay_data(name, library=library), decay_emissions(name, library=library)
    photons = found.energy_mev(ParticleKind.PHOTON)
    electrons = found.energy_mev(ParticleKind.ELECTRON)
    expected = sum(
        data.energy_mev(kind)
        for kind in (EmissionKind.BETA_MINUS, EmissionKind.CONVERSION_ELECTRON, EmissionKind.AUGER_ELECTRON)
    )
    assert electrons == pytest.approx(expected, rel=1e-4, abs=1e-9)
    positrons = data.energy_mev(EmissionKind.BETA_PLUS)
    assert found.energy_mev(ParticleKind.POSITRON) == pytest.approx(positrons, rel=1e-4, abs=1e-12)
    all_photons = data.energy_mev(EmissionKind.GAMMA) + data.energy_mev(EmissionKind.X_RAY)
    heavy = data.energy_mev(EmissionKind.ALPHA) + data.recoil_mev
    assert photons + found.local_mev == pytest.approx(all_photons + heavy, rel=1e-9)


def test_decay_emissions__of_branches_have_their_number():
    found = decay_emissions("Bi-213", library=JEFF)
    (betas,) = found.spectra
    share = decay_data("Bi-213", library=JEFF).yield_per_decay(EmissionKind.BETA_MINUS)
    assert betas.per_decay.sum() == pytest.approx(share)
    assert share == pytest.approx(0.979, abs=2e-3)


@pytest.mark.parametrize("library", DecayLibrary)
def test_decay_emissions__are_made_of_every_kind_of_nuclide(library):
    for nuclide in known_nuclides(library=library)[::61]:
        data = decay_data(nuclide, library=library)
        if data.emissions or data.spectra:
            found = decay_emissions(nuclide, library=library, bins=32)
            assert found.for_kernel(0.01).number.sum() + found.local_mev > 0


def test_decay_emissions__are_taken_by_the_transport():
    grid = Grid((5, 5, 5), (4.0, 4.0, 4.0), (-8.0, -8.0, -8.0), AXIAL, frame_of_reference="1.2.3")
    medium = TransportMedium.homogeneous(grid, material("water, liquid"))
    emissions = decay_emissions("F-18", library=ENDF)
    found = transport_decays(
        medium, ActivityBall((0.0, 0.0, 0.0)), emissions, BatchPlan(2000, 1, 1), follow_photons=True
    )
    brought = decay_data("F-18", library=ENDF)
    energy = brought.energy_mev(EmissionKind.BETA_PLUS) + brought.energy_mev(EmissionKind.ANNIHILATION)
    assert found.balance.brought_mev == pytest.approx(energy, rel=0.03)


def test_emissions_together__add_up():
    parts = [
        (decay_emissions(name, library=JEFF), number) for name, number in (("Pb-212", 1.0), ("Tl-208", 0.36))
    ]
    both = emissions_together("Pb-212 and Tl-208", parts)
    for kind in (ParticleKind.PHOTON, ParticleKind.ELECTRON):
        assert both.energy_mev(kind) == pytest.approx(sum(n * one.energy_mev(kind) for one, n in parts))
    assert emissions_together("two", [(parts[0][0], 2.0)]).local_mev == 2 * parts[0][0].local_mev
    with pytest.raises(InputError):
        emissions_together("less", [(parts[0][0], -1.0)])


@pytest.mark.parametrize("name", ["Hf-177", "Lu-99"])
def test_decay_emissions__refuses_what_emits_nothing(name):
    with pytest.raises(InputError):
        decay_emissions(name, library=ENDF)
    with pytest.raises(InputError):
        decay_emissions("F-18", library=ENDF, bins=1e9 if name == "Hf-177" else 2)
