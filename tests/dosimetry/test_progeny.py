import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tumorboard.dosimetry.progeny import progeny_decays
from tumorboard.dosimetry.progeny_fate import ProgenyAssumption, ProgenyFate
from tumorboard.errors import InputError
from tumorboard.physics.decay import DecayLibrary, EmissionKind, decay_data
from tumorboard.physics.decay_chain import chain_decays, decay_chain
from tumorboard.physics.transport.particles import ParticleKind

ENDF, JEFF = DecayLibrary.ENDF_B_VIII_1, DecayLibrary.JEFF_4_0
STAYS = ProgenyFate(ProgenyAssumption.WITH_PARENT)
EXCLUDED = ProgenyFate(ProgenyAssumption.EXCLUDED)
DAY = 86400.0
#: Alphas per decay of the parent with all progeny, but for what is rarer than one in 1e4.
ALPHAS = {"Ra-223": 4.0, "Ac-225": 4.0, "Pb-212": 1.0, "Bi-213": 1.0, "Th-227": 5.0}


def of(found, name):
    return [m.name for m in found.members].index(name)


@pytest.mark.parametrize("library", DecayLibrary)
@pytest.mark.parametrize("name", ALPHAS)
def test_progeny_decays__that_stay_bring_the_energy_of_the_whole_chain(name, library):
    found = progeny_decays(name, STAYS, library=library, until_s=math.inf)
    emissions = found.emissions()
    parts = [(decay_data(m, library=library), n) for m, n in zip(found.members, found.in_place, strict=True)]
    # Libraries do not share out exactly: JEFF-4.0, as DDEP, has 1.008 alphas of Ra-223.
    alphas = sum(n * d.yield_per_decay(EmissionKind.ALPHA) for d, n in parts)
    assert alphas == pytest.approx(ALPHAS[name], rel=4e-3)
    heavy = sum(n * (d.energy_mev(EmissionKind.ALPHA) + d.recoil_mev) for d, n in parts)
    soft = 0.02  # photons below 1 keV at most
    assert heavy - 1e-6 <= emissions.local_mev <= heavy + soft
    assert not found.elsewhere.any()


@pytest.mark.parametrize("name", ALPHAS)
def test_progeny_decays__excluded_are_all_elsewhere(name):
    alone, whole = (progeny_decays(name, f, library=ENDF, until_s=math.inf) for f in (EXCLUDED, STAYS))
    assert alone.in_place[0] == 1.0
    assert not alone.in_place[1:].any()
    np.testing.assert_allclose(alone.elsewhere[1:], whole.in_place[1:], rtol=1e-12)
    # What is here and elsewhere together is all.
    every = alone.emissions(), alone.emissions_elsewhere()
    for kind in (ParticleKind.PHOTON, ParticleKind.ELECTRON):
        assert sum(e.energy_mev(kind) for e in every) == pytest.approx(
            whole.emissions().energy_mev(kind), rel=1e-12
        )


def test_progeny_decays__of_physical_decay_are_those_of_the_chain():
    chain = decay_chain("Th-227", library=ENDF)
    rate = chain.decay_constant_per_s[0]
    found = progeny_decays(
        "Th-227", STAYS, library=ENDF, until_s=80 * DAY, amplitudes_bq=[1e6], rates_per_s=[rate]
    )
    np.testing.assert_allclose(
        found.in_place, 1e6 / rate * chain_decays(chain, "Th-227", 80 * DAY), rtol=1e-9
    )


def test_progeny_decays__until_long_after_are_those_for_ever():
    fate = ProgenyFate(ProgenyAssumption.MOVES, {"Fr-221": 0.3}, {"Bi-213": 1800.0})
    ever = progeny_decays("Ac-225", fate, library=JEFF, until_s=math.inf)
    long = progeny_decays(
        "Ac-225",
        fate,
        library=JEFF,
        until_s=400 * DAY,
        amplitudes_bq=[2e6, -5e5],
        rates_per_s=[1 / (5 * DAY), 1 / (0.1 * DAY)],
    )
    assert long.parent_decays == pytest.approx(2e6 * 5 * DAY - 5e5 * 0.1 * DAY, rel=1e-9)
    np.testing.assert_allclose(long.in_place / long.parent_decays, ever.in_place, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(long.elsewhere / long.parent_decays, ever.elsewhere, rtol=1e-7, atol=1e-9)


def test_progeny_decays__that_leave_compete_with_decay():
    half = 3600.0
    fate = ProgenyFate(ProgenyAssumption.MOVES, {"Fr-221": 0.25}, {"Bi-213": half})
    found = progeny_decays("Ac-225", fate, library=ENDF, until_s=math.inf)
    fr, bi = of(found, "Fr-221"), of(found, "Bi-213")
    assert found.in_place[fr] == pytest.approx(0.75, rel=1e-12)
    own = decay_data("Bi-213", library=ENDF).half_life_s
    whole = progeny_decays("Ac-225", STAYS, library=ENDF, until_s=math.inf).in_place[bi]
    assert found.in_place[bi] == pytest.approx(0.75 * whole * half / (half + own), rel=1e-9)
    np.testing.assert_allclose(
        found.in_place + found.elsewhere,
        progeny_decays("Ac-225", STAYS, library=ENDF, until_s=math.inf).in_place,
        atol=1e-12,
    )


def test_progeny_decays__equal_equations_solved_by_steps():
    # Pb-212 with uptake and clearance, Bi-212 that leaves; by a solver of differential equations.
    amplitudes, rates, half = [3e6, -3e6], [1 / 30000.0, 1 / 5000.0], 2000.0
    fate = ProgenyFate(ProgenyAssumption.MOVES, {"Bi-212": 0.36}, {"Bi-212": half})
    end = 1e5
    found = progeny_decays(
        "Pb-212", fate, library=ENDF, until_s=end, amplitudes_bq=amplitudes, rates_per_s=rates
    )
    decay = decay_data("Bi-212", library=ENDF).decay_constant_per_s

    def slope(t, state):
        made = 0.64 * sum(a * math.exp(-r * t) for a, r in zip(amplitudes, rates, strict=True))
        return [made - (decay + math.log(2) / half) * state[0], decay * state[0]]

    solved = solve_ivp(slope, (0, end), [0.0, 0.0], rtol=1e-10, atol=1e-3, method="LSODA")
    assert found.in_place[of(found, "Bi-212")] == pytest.approx(solved.y[1, -1], rel=1e-6)


def test_progeny_decays__for_ever_keep_what_outlives_people():
    found = progeny_decays("Tc-99m", STAYS, library=ENDF, until_s=math.inf)
    assert found.in_place.tolist()[0] == 1.0
    assert not found.in_place[1:].any()
    assert found.emissions().name == "Tc-99m and progeny here"
    bismuth = progeny_decays("Ac-225", STAYS, library=ENDF, until_s=math.inf)
    assert bismuth.in_place[of(bismuth, "Bi-209")] == 0


def test_progeny_fate__says_what_it_assumes():
    assert STAYS.statement == "All progeny decays where its parent did."
    assert "not counted" in EXCLUDED.statement
    assert (
        "half-life of 0.5 h"
        in ProgenyFate(ProgenyAssumption.MOVES, biological_half_life_s={"Bi-213": 1800.0}).statement
    )


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: ProgenyFate("with_parent"), "ProgenyAssumption.WITH_PARENT"),
        (lambda: ProgenyFate(ProgenyAssumption.MOVES), "leaving_share"),
        (lambda: ProgenyFate(ProgenyAssumption.EXCLUDED, {"Fr-221": 0.1}), "only then"),
        (lambda: ProgenyFate(ProgenyAssumption.MOVES, {"Fr-221": 1.1}), "0 to 1"),
        (lambda: ProgenyFate(ProgenyAssumption.MOVES, {}, {"Fr-221": 0.0}), "> 0"),
    ],
)
def test_progeny_fate__refuses_what_says_nothing(made, message):
    with pytest.raises(InputError, match=message):
        made()


@pytest.mark.parametrize(
    ("fate", "more", "message"),
    [
        (STAYS, {"until_s": DAY}, "until_s=inf"),
        (STAYS, {"until_s": 0.0}, "until_s"),
        (STAYS, {"until_s": DAY, "amplitudes_bq": [1.0], "rates_per_s": [0.0]}, "rates_per_s"),
        (STAYS, {"until_s": DAY, "amplitudes_bq": [1.0, 2.0], "rates_per_s": [1.0]}, "one length"),
        (ProgenyFate(ProgenyAssumption.MOVES, {"Po-216": 0.5}), {"until_s": math.inf}, "member of the chain"),
        (ProgenyFate(ProgenyAssumption.MOVES, {"Ac-225": 0.5}), {"until_s": math.inf}, "the parent"),
    ],
)
def test_progeny_decays__refuses_what_does_not_fit(fate, more, message):
    with pytest.raises(InputError, match=message):
        progeny_decays("Ac-225", fate, library=ENDF, **more)


def test_progeny_decays__has_nothing_elsewhere_of_what_stays():
    found = progeny_decays("Ra-223", STAYS, library=ENDF, until_s=math.inf)
    with pytest.raises(InputError, match="carry energy"):
        found.emissions_elsewhere()
