import numpy as np
import pytest
import scipy.optimize

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.proton.optimisation import (
    OptimisationState,
    OptimisationStatus,
    PlanConstraint,
    PlanObjective,
    RobustMethod,
    Robustness,
    optimise,
)
from tumorboard.proton.optimisation.objectives import (
    MeanDose,
    SmoothMaximum,
    SquaredDeviation,
    SquaredOverdose,
    Tail,
    TailMean,
)
from tumorboard.proton.rbe import RbeModel

pytestmark = pytest.mark.slow

GOALS = [
    PlanObjective("target", SquaredDeviation(60.0), 100.0, False),
    PlanObjective("organ", SquaredOverdose(20.0), 10.0, False),
    PlanObjective("body", SquaredOverdose(30.0), 5.0, False),
]
ROBUST = [PlanObjective(g.structure, g.objective, g.importance, True) for g in GOALS]
SHIFTS = [(0, 0, 0), (3, 0, 0), (-3, 0, 0), (0, 3, 0), (0, -3, 0)]


def test_optimise__finds_the_least_squares_solution(small):
    # A target alone, without weights below 0, is a problem that scipy solves exactly.
    problem = small.problem(GOALS[:1], n_fractions=1)
    target = small.structures[0]
    matrix = small.dense(small.influence())[target.voxels]
    exact = scipy.optimize.nnls(matrix, np.full(len(matrix), 60.0))
    least = 100.0 * exact[1] ** 2 / len(matrix)
    found = optimise(problem, max_iterations=3000, tolerance=1e-7)
    assert found.objective == pytest.approx(least, rel=1e-4)
    assert found.status is OptimisationStatus.CONVERGED
    assert found.residual <= 1e-6
    assert (found.weights >= 0).all()


def test_optimise__meets_the_optimality_conditions(small):
    problem = small.problem(GOALS)
    found = optimise(problem, max_iterations=2000, tolerance=1e-7)
    value = problem.value(found.weights)
    scale = found.weights.max()
    assert (value.gradient * scale > -1e-4 * found.objective).all()
    free = found.weights > 1e-6 * scale
    assert np.abs(value.gradient[free] * scale).max() < 1e-3 * found.objective
    assert found.terms[GOALS[0].label][0] == pytest.approx(value.terms[0, 0])
    assert sum(t[0] for t in found.terms.values()) == pytest.approx(found.objective)
    assert found.history[-1, 1] == pytest.approx(found.objective)
    assert [*found.provenance.citations()] == ["byrd1995limited"]


def test_optimise__does_not_depend_on_where_it_starts(small):
    problem = small.problem(GOALS)
    from_uniform = optimise(problem, max_iterations=2000, tolerance=1e-7)
    from_far = optimise(
        problem, max_iterations=2000, tolerance=1e-7, start=small.weights(problem.n_spots) * 50
    )
    assert from_far.objective == pytest.approx(from_uniform.objective, rel=1e-5)


@pytest.mark.parametrize("method", RobustMethod)
def test_optimise__robust_plans_are_better_where_they_are_meant_to_be(small, method):
    influences = [small.influence(s) for s in SHIFTS]
    robustness = Robustness(method, tail=0.4 if method is RobustMethod.CVAR else None)
    problem = small.problem(ROBUST, influences=influences, robustness=robustness)
    robust = optimise(problem, max_iterations=600, tolerance=1e-6)
    nominal = optimise(small.problem(GOALS), max_iterations=600, tolerance=1e-6)
    assert robust.objective < 0.95 * problem.value(nominal.weights).objective
    # What it costs is paid where nothing goes wrong.
    by_scenario, of_nominal = (np.nansum(problem.value(r.weights).terms, axis=0) for r in (robust, nominal))
    assert by_scenario[0] >= of_nominal[0] * (1 - 1e-6)


def test_optimise__the_worst_scenario_is_best_by_the_worst_case(small):
    influences = [small.influence(s) for s in SHIFTS]
    worst = {}
    for method in (RobustMethod.EXPECTED, RobustMethod.COMPOSITE_WORST):
        problem = small.problem(ROBUST, influences=influences, robustness=Robustness(method))
        found = optimise(problem, max_iterations=800, tolerance=1e-6)
        sums = np.nansum(problem.value(found.weights).terms, axis=0)
        worst[method] = sums.max(), sums.mean()
    assert worst[RobustMethod.COMPOSITE_WORST][0] < worst[RobustMethod.EXPECTED][0]
    assert worst[RobustMethod.COMPOSITE_WORST][1] > worst[RobustMethod.EXPECTED][1]


@pytest.mark.parametrize(
    ("structure", "measure"),
    [
        ("organ", MeanDose(upper_gy=10.0)),
        ("organ", TailMean(Tail.HOTTEST, 5.0, upper_gy=25.0)),
        ("target", TailMean(Tail.COLDEST, 2.0, lower_gy=57.0)),
        ("target", SmoothMaximum(0.5, upper_gy=59.5)),
    ],
)
def test_optimise__holds_bounds_and_pays_little_for_them(small, structure, measure):
    free = optimise(small.problem(GOALS), max_iterations=1000, tolerance=1e-6)
    problem = small.problem(GOALS, [PlanConstraint(structure, measure, False)])
    before = problem.value(free.weights).violations
    assert before[0] > 0.02 * problem.bound_values[0]  # or the bound would show nothing
    found = optimise(problem, max_iterations=3000, tolerance=1e-6)
    (violation,) = found.violations.values()
    assert violation <= 1e-3 * problem.bound_values[0]
    assert violation >= -0.02 * problem.bound_values[0]
    assert found.objective > free.objective
    assert found.status is OptimisationStatus.CONVERGED


def test_optimise__leaves_a_bound_alone_that_holds_anyway(small):
    bounds = [PlanConstraint("body", MeanDose(upper_gy=60.0), False)]
    found = optimise(small.problem(GOALS, bounds), max_iterations=800, tolerance=1e-6)
    free = optimise(small.problem(GOALS), max_iterations=800, tolerance=1e-6)
    np.testing.assert_array_equal(found.weights, free.weights)


def test_optimise__stops_keeps_and_goes_on(small, tmp_path):
    problem, path = small.problem(GOALS), tmp_path / "state.npz"
    told = []

    def stop_at_20(iteration, value, seconds):
        told.append((iteration, value, seconds))
        return iteration >= 20

    first = optimise(problem, max_iterations=500, tolerance=1e-6, callback=stop_at_20, checkpoint=path)
    assert first.status is OptimisationStatus.STOPPED
    assert [t[0] for t in told] == list(range(1, 21))
    assert sorted(t[2] for t in told) == [t[2] for t in told]
    state = OptimisationState.load(path)
    np.testing.assert_array_equal(state.weights, first.weights)
    assert state.iteration == first.iterations == 20
    assert [p.name for p in tmp_path.iterdir()] == ["state.npz"]
    second = optimise(problem, max_iterations=500, tolerance=1e-6, start=state)
    assert second.iterations > 20
    np.testing.assert_array_equal(second.history[:20], state.history)
    whole = optimise(problem, max_iterations=500, tolerance=1e-6)
    assert second.objective == pytest.approx(whole.objective, rel=1e-4)


def test_optimise__an_interrupt_returns_the_best_so_far(small):
    problem, values = small.problem(GOALS), []

    def interrupt(iteration, value, seconds):
        values.append(value)
        if iteration == 15:
            raise KeyboardInterrupt

    found = optimise(problem, max_iterations=500, tolerance=1e-6, callback=interrupt)
    assert found.status is OptimisationStatus.INTERRUPTED
    assert found.objective < 0.5 * values[0]
    assert found.iterations == 15
    assert optimise(problem, max_iterations=50, tolerance=1e-6, start=found.state).objective < found.objective


def test_optimise__says_when_iterations_do_not_suffice(small):
    found = optimise(small.problem(GOALS), max_iterations=5, tolerance=1e-9)
    assert found.status is OptimisationStatus.MAXIMUM_ITERATIONS
    assert found.iterations == 5


def test_optimise__weighs_dose_by_the_rbe(small):
    plain = optimise(small.problem(GOALS), max_iterations=800, tolerance=1e-6)
    constant = optimise(small.problem(GOALS, rbe_model=RbeModel.CONSTANT), max_iterations=800, tolerance=1e-6)
    np.testing.assert_allclose(1.1 * constant.weights.sum(), plain.weights.sum(), rtol=1e-2)
    assert constant.objective == pytest.approx(plain.objective, rel=1e-3)


def test_optimise__keeps_weights_between_their_limits(small):
    problem = small.problem(GOALS)
    lower, upper = np.full(problem.n_spots, 0.02), np.full(problem.n_spots, 0.3)
    found = optimise(problem, max_iterations=100, tolerance=1e-6, lower=lower, upper=upper)
    assert (found.weights >= lower).all()
    assert (found.weights <= upper).all()


def test_optimise__says_what_is_wrong(small, tmp_path):
    problem = small.problem(GOALS)
    ones = np.ones(problem.n_spots)
    with pytest.raises(InputError, match=r"max_iterations must be >= 1 and tolerance > 0; got 0"):
        optimise(problem, max_iterations=0, tolerance=1e-3)
    with pytest.raises(InputError, match=r"start must be finite weights >= 0, one per spot"):
        optimise(problem, max_iterations=1, tolerance=1e-3, start=[1.0])
    with pytest.raises(InputError, match=r"lower must be >= 0 and upper >= lower"):
        optimise(
            problem,
            max_iterations=1,
            tolerance=1e-3,
            lower=2 * ones,
            upper=ones,
        )
    other = optimise(small.problem(GOALS[:2]), max_iterations=2, tolerance=1e-3)
    with pytest.raises(InputError, match=r"the state to go on from must be of the same problem"):
        optimise(problem, max_iterations=1, tolerance=1e-3, start=other.state)
    (tmp_path / "bad.npz").write_bytes(b"PK no")
    with pytest.raises(UnreadableFile, match=r"must be a checkpoint of an optimisation"):
        OptimisationState.load(tmp_path / "bad.npz")
