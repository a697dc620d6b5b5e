import numpy as np
import pytest
from proton_runs import column, pencil

from tumorboard.errors import InputError
from tumorboard.physics.materials import material
from tumorboard.physics.transport.proton_arguments import ProtonSteps, arguments_of, emission_tables
from tumorboard.physics.transport.proton_tables import TABULATED_NUCLEI

WATER = material("water, liquid")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"longest_g_cm2": 6.0}, r"longest_g_cm2 at least that and at most 5 \[g/cm2\]"),
        ({"longest_g_cm2": 0.01}, "longest_g_cm2 at least that"),
        ({"shortest_g_cm2": 0.0}, "shortest_g_cm2 must be > 0"),
        ({"share_of_range": 0.6}, "share_of_range must be > 0 and at most 0.5; got 0.6"),
        ({"share_of_range": np.nan}, "share_of_range must be > 0"),
        ({"cut_mev": 0.01}, r"cut_mev must be 0.05 to 5 \[MeV per nucleon\]"),
    ],
)
def test_proton_steps__say_what_is_wrong(given, said):
    with pytest.raises(InputError, match=said):
        ProtonSteps(**given)


def test_arguments_of__energies_stay_within_the_tables():
    medium = column(WATER, 10.0, 1.0)
    arguments_of(medium, pencil(300.0), ProtonSteps())
    for energy, sigma in ((300.1, 0.0), (295.0, 1.0)):
        with pytest.raises(InputError, match=r"energy_mev of beamlets must stay within 300 MeV"):
            arguments_of(medium, pencil(energy, energy_sigma_mev=sigma), ProtonSteps())


def test_emission_tables__have_a_channel_for_each_thing_asked_for():
    none = emission_tables((), False)
    assert none.values.shape[2] == 0
    gammas = emission_tables((3.0, 4.5, 6.0), False)
    every = emission_tables((3.0, 4.5, 6.0), True)
    nuclei = emission_tables((), True)
    assert (gammas.values.shape[2], every.values.shape[2], nuclei.values.shape[2]) == (2, 5, 3)
    assert (every.values[:, :, :2] == gammas.values).all()
    assert (every.values[:, :, 2:] == nuclei.values).all()
    assert every.values.shape[0] == len(TABULATED_NUCLEI)
    # Energies reach beyond all that a beam may have.
    assert every.values.shape[1] / every.per_mev > 300.0
    whole = emission_tables((3.0, 6.0), False)
    assert gammas.values.sum(axis=2) == pytest.approx(whole.values[:, :, 0])
