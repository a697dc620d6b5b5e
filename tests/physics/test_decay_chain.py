import json
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest

from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError
from tumorboard.physics._kernels.decay_chain import by_steps, fill_steps, transition
from tumorboard.physics.decay import DecayLibrary, decay_data
from tumorboard.physics.decay_chain import (
    DecayChain,
    chain_activities,
    chain_amounts,
    chain_decays,
    decay_chain,
)

ENDF, JEFF = DecayLibrary.ENDF_B_VIII_1, DecayLibrary.JEFF_4_0
FOLDER = Path(__file__).resolve().parents[2] / "validation" / "decay"
PEER = {
    name: one
    for file in ("radioactivedecay.json", "radioactivedecay_more.json")
    for name, one in json.loads((FOLDER / file).read_text(encoding="utf-8")).items()
}
MEDICAL = (
    "F-18 Ga-68 Cu-64 Zr-89 I-124 Tc-99m In-111 Lu-177 I-131 Y-90 Tb-161 Sm-153 Ho-166 Re-188 Ra-223 Ac-225 "
    "Pb-212 Bi-213 Th-227"
).split()


def some_chain(half_lives, branching=None):
    members = [Nuclide(50, 100 + n) for n in range(len(half_lives))]
    return DecayChain(members, half_lives, np.eye(len(half_lives), k=-1) if branching is None else branching)


def with_many_digits(chain, time_s):
    """Return the first column of the exponential of the matrix, by its series and squares, in 60 digits."""
    constants, rates = chain.decay_constant_per_s, chain.rates_per_s
    n = constants.size
    with localcontext() as context:
        context.prec = 60
        step = [[Decimal(float(rates[k, i])) for i in range(n)] for k in range(n)]
        for i in range(n):
            step[i][i] = -Decimal(float(constants[i]))
        largest = max(constants.max() * time_s, 1e-9)
        squarings = max(0, int(np.ceil(np.log2(largest))) + 6)
        small = Decimal(float(time_s)) / 2**squarings

        def product(a, b):
            return [
                [
                    sum((a[k][m] * b[m][i] for m in range(i, k + 1)), Decimal(0)) if i <= k else Decimal(0)
                    for i in range(n)
                ]
                for k in range(n)
            ]

        found = [[Decimal(int(k == i)) for i in range(n)] for k in range(n)]
        term = found
        for order in range(1, 30 + n):
            term = [[v * small / order for v in row] for row in product(step, term)]
            found = [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(found, term, strict=True)]
        for _ in range(squarings):
            found = product(found, found)
        return np.array([float(row[0]) for row in found])


@pytest.mark.parametrize("name", PEER)
def test_chain_amounts__are_those_of_radioactivedecay_in_high_precision(name):
    peer = PEER[name]
    members = [Nuclide.named(m) for m in peer["members"]]
    chain = DecayChain(members, peer["half_life_s"], np.array(peer["branching"]))
    times, amounts = zip(*peer["rows"], strict=True)
    found = chain_amounts(chain, name, times)
    assert abs(found - np.array(amounts)).max() < 1e-15
    assert (found >= 0).all()


@pytest.mark.parametrize(
    "half_lives",
    [
        [1.0, 1.0, np.inf],
        [1.0, 1.0 + 1e-9, 1.0 - 1e-9, 2.0, np.inf],
        [10.0, 10.0, 10.0, 10.0, 10.0, 10.0],
        [1e-6, 3e16, 2e-6, 1.0, 1.05, 1.1, 1e9, np.inf],
        [3e16, 1e-6, 1e-6, 5e3, 5.001e3, 4.99e3],
        [1.3, 1.2, 1.1, 1.05, 1.02, 1.01, 1.0],
    ],
)
@pytest.mark.parametrize("time_s", [1e-7, 0.7, 40.0, 3e4, 1e9])
def test_chain_amounts__are_right_for_near_and_far_half_lives(half_lives, time_s):
    chain = some_chain(half_lives)
    found = chain_amounts(chain, chain.members[0], time_s)
    assert found == pytest.approx(with_many_digits(chain, time_s), rel=1e-9, abs=2e-15)
    assert (found >= 0).all()


def test_chain_amounts__branch_and_join():
    branching = np.zeros((5, 5))
    branching[1:3, 0] = 0.3, 0.7
    branching[3, 1:3] = 1.0, 0.9
    branching[4, 2:4] = 0.1, 1.0
    chain = some_chain([100.0, 5.0, 5.0, 1e-3, np.inf], branching)
    for time_s in (1e-4, 1.0, 50.0, 1e4):
        found = chain_amounts(chain, chain.members[0], time_s)
        assert found == pytest.approx(with_many_digits(chain, time_s), rel=1e-9, abs=2e-15)
        assert found.sum() == pytest.approx(1.0, abs=1e-14)


@pytest.mark.parametrize("library", DecayLibrary)
@pytest.mark.parametrize("name", [*MEDICAL, "Th-232", "U-238", "U-235", "Np-237", "Cf-252"])
def test_chain_amounts__keep_all_atoms_of_any_chain(name, library):
    chain = decay_chain(name, library=library)
    times = np.geomspace(1e-6, 3e16, 12)
    found = chain_amounts(chain, name, times)
    assert (found >= 0).all()
    lost = 1.0 - chain.branching.sum(axis=0)[np.isfinite(chain.half_life_s)]
    # Fission, and modes whose shares the library rounds, take atoms away or bring some.
    assert found.sum(axis=1) == pytest.approx(1.0, abs=1e-13 + np.abs(lost).sum())
    assert chain_amounts(chain, name, 0.0).tolist() == [1.0] + [0.0] * (len(chain.members) - 1)


@pytest.mark.parametrize("name", MEDICAL)
def test_chain_amounts__do_not_depend_on_how_time_is_cut(name):
    chain = decay_chain(name, library=JEFF)
    n, total = len(chain.members), 2.5 * chain.half_life_s[0]
    once = chain_amounts(chain, name, total)
    first = chain_amounts(chain, name, 0.3 * total)
    then = chain_amounts(chain, np.arange(n), np.full(n, 0.7 * total))
    assert first @ then == pytest.approx(once, rel=1e-12, abs=1e-15)


def test_chain_amounts__of_pairs_are_those_one_by_one():
    chain = decay_chain("Ac-225", library=ENDF)
    rng = np.random.default_rng(3)
    starts = rng.integers(0, len(chain.members), 40)
    times = 10 ** rng.uniform(-6, 10, 40)
    found = chain_amounts(chain, starts, times)
    for start, time, amounts in zip(starts, times, found, strict=True):
        assert chain_amounts(chain, chain.members[start], time).tolist() == amounts.tolist()
    names = [chain.members[s].name for s in starts[:3]]
    assert chain_amounts(chain, names, times[:3]).tolist() == found[:3].tolist()


def test_transition__compiled_is_as_written():
    chain = decay_chain("Pb-212", library=ENDF)
    n = len(chain.members)
    found = []
    for function in (transition, transition.py_func):
        work = np.empty((3, n, n))
        function(chain.rates_per_s, chain.decay_constant_per_s, 4000.0, 0, *work)
        found.append(np.tril(work[0]))
    assert found[0] == pytest.approx(found[1], rel=1e-13)
    amounts = chain_amounts(chain, np.arange(n), np.full(n, 4000.0)).T
    assert found[0] == pytest.approx(amounts, rel=1e-11, abs=1e-16)


@pytest.mark.parametrize("time_s", [0.013, 1.0, 4321.0, 1e7, 1e15])
def test_by_steps__is_the_transition(time_s):
    chain = decay_chain("Ac-225", library=JEFF)
    rates, constants, n = chain.rates_per_s, chain.decay_constant_per_s, len(chain.members)
    lowest, steps = -72, np.zeros((24, 63, n, n))
    fill_steps(rates, constants, lowest, steps)
    work, amounts, before = np.empty((3, n, n)), np.zeros(n), np.empty(n)
    for start in range(n):
        transition(rates, constants, time_s, start, *work)
        assert by_steps(start, time_s, lowest, steps, amounts, before)
        assert amounts[start:] == pytest.approx(work[0][start:, start], rel=5e-14, abs=1e-300)
    assert not by_steps(0, 1e-9, lowest, steps, amounts, before)
    assert not by_steps(0, 1e30, lowest, steps, amounts, before)


def test_chain_activities__reach_equilibrium():
    chain = decay_chain("Ra-223", library=JEFF)
    day = chain_activities(chain, "Ra-223", 5 * 86400.0)
    by_name = dict(zip([m.name for m in chain.members], day / day[0], strict=True))
    assert by_name["Rn-219"] == pytest.approx(1.0, abs=1e-4)
    lead = chain.decay_constant_per_s[chain.index("Pb-211")]
    assert by_name["Pb-211"] == pytest.approx(lead / (lead - chain.decay_constant_per_s[0]), rel=1e-4)


def test_chain_decays__are_the_integral_of_activities():
    chain = decay_chain("Ac-225", library=JEFF)
    end = 6e5
    nodes, weights = np.polynomial.legendre.leggauss(200)
    # Fifth powers of even steps: as fine at the start as the short half-lives need.
    times = end * (0.5 * (nodes + 1)) ** 5
    steps = 0.5 * weights * 5 * end * (0.5 * (nodes + 1)) ** 4
    integral = steps @ chain_activities(chain, "Ac-225", times)
    found = chain_decays(chain, "Ac-225", end)
    assert found == pytest.approx(integral, rel=1e-6, abs=1e-15)


@pytest.mark.parametrize("name", MEDICAL)
def test_chain_decays__of_all_time_are_one_for_each_atom(name):
    chain = decay_chain(name, library=ENDF)
    found = chain_decays(chain, name, 1e4 * chain.half_life_s[0])
    assert found[0] == pytest.approx(1.0, abs=1e-14)
    assert (found[np.isinf(chain.half_life_s)] == 0).all()


def test_decay_chain__begins_with_the_parent_and_ends_stable():
    chain = decay_chain("Ac-225", library=ENDF, least_branching=1e-3)
    names = [m.name for m in chain.members]
    assert names[0] == "Ac-225"
    assert set(names) == {
        "Ac-225",
        "Fr-221",
        "At-217",
        "Bi-213",
        "Po-213",
        "Tl-209",
        "Pb-209",
        "Bi-209",
        "Tl-205",
    }
    assert chain.half_life_s[0] == decay_data("Ac-225", library=ENDF).half_life_s
    assert len(decay_chain("Ac-225", library=ENDF).members) == 10


def test_decay_chain__scales_modes_that_are_more_than_all():
    modes = decay_data("Pa-228", library=JEFF).modes
    assert sum(m.branching for m in modes) > 1.001
    chain = decay_chain("Pa-228", library=JEFF)
    assert chain.branching.sum(axis=0).max() == pytest.approx(1.0, abs=1e-12)


def test_decay_chain__refuses_what_cannot_be():
    with pytest.raises(InputError):
        decay_chain("Lu-99", library=ENDF)
    with pytest.raises(InputError):
        decay_chain("Lu-177", library=ENDF, least_branching=1.0)
    for half_lives, branching in (
        ([1.0, -1.0], None),
        ([1.0], np.ones((1, 1))),
        ([1.0, 2.0], np.array([[0, 0], [1.1, 0]])),
        ([1.0, 2.0], np.array([[0, 0.5], [0.0, 0]])),
        ([1.0, 2.0], np.array([[0, 0], [np.nan, 0]])),
        ([1.0, 2.0], np.zeros((3, 3))),
    ):
        with pytest.raises(InputError):
            some_chain(half_lives, branching)
    with pytest.raises(InputError):
        DecayChain((Nuclide(1, 3), Nuclide(1, 3)), [1.0, 1.0], np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("start", "time"),
    [
        ("Lu-177", 1.0),
        ("Ac-225", -1.0),
        ("Ac-225", np.nan),
        (np.array([99]), 1.0),
        (np.array([0, 0, 0]), [1.0, 2.0]),
    ],
)
def test_chain_amounts__refuses_what_cannot_be(start, time):
    with pytest.raises(InputError):
        chain_amounts(decay_chain("Ac-225", library=ENDF), start, time)
