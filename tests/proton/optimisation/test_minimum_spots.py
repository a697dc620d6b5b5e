import numpy as np
import pytest

from tumorboard.errors import InputError
from tumorboard.proton.optimisation import (
    OptimisationStatus,
    PlanObjective,
    optimise,
    with_minimum_weight,
)
from tumorboard.proton.optimisation.objectives import SquaredDeviation, SquaredOverdose

pytestmark = pytest.mark.slow

GOALS = [
    PlanObjective("target", SquaredDeviation(60.0), 100.0, False),
    PlanObjective("organ", SquaredOverdose(20.0), 10.0, False),
    PlanObjective("body", SquaredOverdose(30.0), 5.0, False),
]
ONCE = {"max_iterations": 300, "tolerance": 1e-6}


@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_with_minimum_weight__leaves_no_spot_between_0_and_the_minimum(small, share):
    problem = small.problem(GOALS)
    free = optimise(problem, **ONCE)
    minimum = share * free.weights.max() * (1 + 0.2 * np.sin(np.arange(problem.n_spots)))
    assert ((free.weights > 0) & (free.weights < minimum)).any()
    found = with_minimum_weight(problem, free.weights, minimum=minimum, **ONCE)
    weights = found.result.weights
    assert ((weights == 0) | (weights >= minimum)).all()
    assert (weights > 0).any()
    assert found.objective_before == pytest.approx(free.objective)
    assert found.increase >= -1e-6
    rounded = np.where(free.weights < 0.5 * minimum, 0.0, np.maximum(free.weights, minimum))
    assert found.result.objective < problem.value(np.where(free.weights > 0, rounded, 0.0)).objective
    assert found.n_left_out == ((free.weights > 0) & (weights == 0)).sum()


def test_with_minimum_weight__costs_more_the_larger_it_is(small):
    problem = small.problem(GOALS)
    free = optimise(problem, **ONCE)
    costs = [
        with_minimum_weight(problem, free.weights, minimum=s * free.weights.max(), **ONCE).increase
        for s in (0.0, 0.1, 0.8)
    ]
    assert abs(costs[0]) < 1e-3
    assert costs[0] <= costs[1] + 1e-3
    assert costs[1] < costs[2]


def test_with_minimum_weight__when_stopped_can_be_delivered_all_the_same(small):
    problem = small.problem(GOALS)
    free = optimise(problem, **ONCE)
    minimum = 0.3 * free.weights.max()
    found = with_minimum_weight(
        problem, free.weights, minimum=minimum, callback=lambda i, v, s: i >= 3, **ONCE
    )
    assert found.result.status is OptimisationStatus.STOPPED
    assert ((found.result.weights == 0) | (found.result.weights >= minimum)).all()


def test_with_minimum_weight__says_what_is_wrong(small):
    problem = small.problem(GOALS)
    with pytest.raises(InputError, match=r"weights and minimum must be one per spot"):
        with_minimum_weight(problem, np.ones(problem.n_spots), minimum=-1.0, **ONCE)
