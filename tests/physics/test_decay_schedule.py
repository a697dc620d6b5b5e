import numpy as np
import pytest

from tumorboard.errors import InputError
from tumorboard.physics.decay import DecayLibrary
from tumorboard.physics.decay_chain import chain_activities, chain_amounts, decay_chain
from tumorboard.physics.decay_schedule import ScheduleStep, scheduled_amounts

ENDF, JEFF = DecayLibrary.ENDF_B_VIII_1, DecayLibrary.JEFF_4_0
DAY = 86400.0


def test_scheduled_amounts__of_one_administration_are_the_chain():
    chain = decay_chain("Ac-225", library=ENDF)
    times = np.array([[-1.0, 0.0, 1e-3], [5.0, 3e4, 5e8]])
    found = scheduled_amounts(chain, [ScheduleStep(0.0, added={"Ac-225": 1e12})], times)
    assert found.atoms.shape == (2, 3, len(chain.members))
    assert (found.atoms[0, 0] == 0).all()
    later = chain_amounts(chain, "Ac-225", np.maximum(times, 0.0)) * 1e12
    assert found.atoms[times >= 0] == pytest.approx(later[times >= 0], rel=1e-10, abs=1e-3)
    assert found.activity_bq == pytest.approx(found.atoms * chain.decay_constant_per_s)


def test_scheduled_amounts__saturate_and_decay():
    chain = decay_chain("F-18", library=ENDF)
    constant = chain.decay_constant_per_s[0]
    steps = [ScheduleStep(100.0, production_per_s={"18F": 3e10}), ScheduleStep(7300.0)]
    times = np.array([100.0, 1000.0, 7300.0, 20000.0])
    made = 3e10 * -np.expm1(-constant * np.minimum(times - 100.0, 7200.0))
    expected = made * np.exp(-constant * np.maximum(times - 7300.0, 0.0))
    assert scheduled_amounts(chain, steps, times).activity_bq[:, 0] == pytest.approx(expected, rel=1e-13)


def test_scheduled_amounts__of_production_are_the_integral_of_what_it_makes():
    chain = decay_chain("Th-227", library=JEFF)
    end = 9 * DAY
    found = scheduled_amounts(chain, [ScheduleStep(0.0, production_per_s={"Th-227": 1e6})], end)
    nodes, weights = np.polynomial.legendre.leggauss(120)
    half = 0.5 * (nodes + 1)
    ages, steps = end * half**5, 0.5 * weights * 5 * end * half**4
    expected = 1e6 * steps @ chain_activities(chain, "Th-227", ages)
    assert found.activity_bq == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_scheduled_amounts__of_a_generator_grow_in_again():
    chain = decay_chain("Mo-99", library=ENDF)
    technetium = chain.index("Tc-99m")
    steps = [ScheduleStep(0.0, added={"Mo-99": 1e15})]
    steps += [ScheduleStep(day * DAY, kept={"Tc-99m": 0.1}) for day in (2, 1)]
    found = scheduled_amounts(chain, steps, [DAY, 2 * DAY])
    first = chain_amounts(chain, "Mo-99", DAY) * 1e15
    assert found.removed_atoms[1, technetium] == pytest.approx(0.9 * first[technetium])
    assert found.atoms[0, technetium] == pytest.approx(0.1 * first[technetium])
    assert found.atoms[0, 0] == pytest.approx(first[0])
    assert 0.5 < found.removed_atoms[2, technetium] / found.removed_atoms[1, technetium] < 1.0
    # No atom is lost: what is there and what was taken away is what came.
    assert found.atoms[1].sum() + found.removed_atoms.sum() == pytest.approx(1e15, rel=1e-12)


def test_scheduled_amounts__add_up():
    chain = decay_chain("Pb-212", library=ENDF)
    one = ScheduleStep(0.0, added={"Pb-212": 5.0}, production_per_s={"Bi-212": 1e-3})
    two = ScheduleStep(1000.0, added={"Pb-212": 2.0}, production_per_s={"Pb-212": 1e-4})
    both = [one, ScheduleStep(1000.0, added=two.added, production_per_s={"Bi-212": 1e-3, "Pb-212": 1e-4})]
    times = [500.0, 1000.0, 9e4]
    apart = [scheduled_amounts(chain, [step], times).atoms for step in (one, two)]
    assert scheduled_amounts(chain, both, times).atoms == pytest.approx(sum(apart), rel=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ScheduleStep(np.nan),
        lambda: ScheduleStep(0.0, kept={"F-18": 1.1}),
        lambda: ScheduleStep(0.0, added={"F-18": -1.0}),
        lambda: ScheduleStep(0.0, production_per_s={"F-18": np.inf}),
        lambda: scheduled_amounts(decay_chain("F-18", library=ENDF), [], 1.0),
        lambda: scheduled_amounts(decay_chain("F-18", library=ENDF), [ScheduleStep(0.0)] * 2, 1.0),
        lambda: scheduled_amounts(decay_chain("F-18", library=ENDF), [ScheduleStep(0.0)], np.nan),
        lambda: scheduled_amounts(
            decay_chain("F-18", library=ENDF), [ScheduleStep(0.0, added={"C-11": 1.0})], 1.0
        ),
    ],
)
def test_scheduled_amounts__refuses_what_cannot_be(make):
    with pytest.raises(InputError):
        make()
