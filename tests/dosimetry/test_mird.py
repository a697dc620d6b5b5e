import numpy as np
import pytest
from nuclides import emissions_of

from tumorboard.dosimetry.mird import ALPHA_WEIGHT, organ_doses, saf_s_values
from tumorboard.dosimetry.saf import SafRadiation, SafTable
from tumorboard.dosimetry.voxel_dose import emitted_mev
from tumorboard.errors import InputError
from tumorboard.physics.decay_emissions import decay_emissions
from tumorboard.physics.decay_library import DecayLibrary
from tumorboard.physics.transport.decay_source import DecayEmissions, EmissionLines
from tumorboard.physics.transport.medium import GY_G_PER_MEV
from tumorboard.physics.transport.particles import ParticleKind
from tumorboard.provenance import Record

LUTETIUM = emissions_of("Lu-177")
REGIONS = ("Liver", "Kidneys")
MASSES_G = {"Liver": 1800.0, "Kidneys": 310.0}
ENERGIES = np.array([0.0, 0.01, 0.1, 1.0, 10.0])


def table(radiation, own=1.0, cross=0.0):
    """Fractions of energy that stay, and that reach the other region, at all energies."""
    share = np.array([[own, cross], [cross, own]])
    per_kg = share / np.array([[1.8], [0.31]])
    saf = np.broadcast_to(per_kg[..., None], (2, 2, ENERGIES.size))
    return SafTable(radiation, REGIONS, REGIONS, ENERGIES, saf, Record("test"))


def s_values(emissions=LUTETIUM, own=0.3, cross=0.02, alpha_mev=None):
    return saf_s_values(
        emissions,
        photons=table(SafRadiation.PHOTON, own, cross),
        electrons=table(SafRadiation.ELECTRON),
        alphas=None if alpha_mev is None else table(SafRadiation.ALPHA),
        alpha_mev=alpha_mev,
    )


def test_saf_s_values__of_a_body_that_keeps_all_conserve_energy():
    positrons = EmissionLines(ParticleKind.POSITRON, np.array([0.25]), np.array([0.97]))
    for emissions, alpha in ((LUTETIUM, None), (DecayEmissions("F", (positrons,), local_mev=0.01), 5.0)):
        s = s_values(emissions, own=1.0, cross=0.0, alpha_mev=alpha)
        energy = s.total_gy * np.array([[1800.0], [310.0]]) / GY_G_PER_MEV
        np.testing.assert_allclose(energy, emitted_mev(emissions) * np.eye(2), rtol=1e-12, atol=1e-15)


def test_saf_s_values__follow_the_energy_of_what_is_emitted():
    saf = table(SafRadiation.ELECTRON)
    falling = SafTable(
        SafRadiation.ELECTRON,
        REGIONS,
        REGIONS,
        [0.0, 1.0],
        saf.saf_per_kg[..., :2] * [1.0, 0.5],
        Record("test"),
    )
    line = EmissionLines(ParticleKind.ELECTRON, np.array([0.2, 0.6]), np.array([1.0, 2.0]))
    s = saf_s_values(DecayEmissions("two", (line,)), photons=table(SafRadiation.PHOTON), electrons=falling)
    expected = (0.2 * 0.9 + 1.2 * 0.7) * GY_G_PER_MEV / 1800
    assert s.electron_gy[0, 0] == pytest.approx(expected, rel=1e-12)


def test_organ_doses__are_linear_and_weigh_alphas():
    alpha = DecayEmissions("alpha", local_mev=5.0)
    s = s_values(alpha, alpha_mev=5.0)
    doses = organ_doses({"Liver": 1e12}, s)
    assert doses.absorbed_gy["Liver"] == pytest.approx(1e12 * 5 * GY_G_PER_MEV / 1800)
    assert doses.equivalent_sv["Liver"] == pytest.approx(ALPHA_WEIGHT * doses.absorbed_gy["Liver"])
    s = s_values()
    one, two, both = (
        np.array([*organ_doses(d, s).absorbed_gy.values()])
        for d in ({"Liver": 1e12}, {"Kidneys": 2e12}, {"Liver": 1e12, "Kidneys": 2e12})
    )
    np.testing.assert_allclose(one + two, both, rtol=1e-12)
    assert one[1] > 0


def test_s_values__scale_with_the_patients_masses():
    s = s_values()
    half = s.for_masses(MASSES_G, {"Kidneys": 155.0})
    assert half.electron_gy[1, 1] == pytest.approx(2 * s.electron_gy[1, 1])
    assert half.photon_gy[1, 1] == pytest.approx(2 ** (2 / 3) * s.photon_gy[1, 1])
    for name in ("photon_gy", "electron_gy", "alpha_gy"):
        before, after = getattr(s, name), getattr(half, name)
        assert (before[0] == after[0]).all()
        assert before[1, 0] == after[1, 0]
    with pytest.raises(InputError, match="Spleen"):
        s.for_masses(MASSES_G, {"Spleen": 100.0})
    with pytest.raises(InputError, match="Kidneys"):
        s.for_masses({}, {"Kidneys": 100.0})


def test_organ_doses__refuse_what_they_cannot():
    s = s_values()
    with pytest.raises(InputError, match="Spleen"):
        organ_doses({"Spleen": 1.0}, s)
    with pytest.raises(InputError, match="Liver"):
        organ_doses({"Liver": -1.0}, s)
    with pytest.raises(InputError, match="alpha_mev"):
        s_values(DecayEmissions("alpha", local_mev=5.0))
    with pytest.raises(InputError, match="electrons must be a table of them"):
        saf_s_values(LUTETIUM, photons=table(SafRadiation.PHOTON), electrons=table(SafRadiation.PHOTON))


@pytest.mark.parametrize("nuclide", ["F-18", "Cu-64"])
def test_saf_s_values__need_no_alphas_for_x_rays_below_1_kev(nuclide):
    library = DecayLibrary.ENDF_B_VIII_1
    emissions = decay_emissions(nuclide, library=library)
    assert emissions.local_mev > 0
    s = s_values(emissions, own=1.0, cross=0.0)
    assert not s.alpha_gy.any()
    expected = emitted_mev(emissions) * GY_G_PER_MEV / MASSES_G["Liver"]
    assert s.total_gy[0, 0] == pytest.approx(expected, rel=1e-12)
    with pytest.raises(InputError, match="alphas and alpha_mev must be given for Ra-223"):
        s_values(decay_emissions("Ra-223", library=library))
