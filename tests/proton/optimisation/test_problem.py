import numpy as np
import pytest

from tumorboard.errors import InputError
from tumorboard.proton.optimisation import (
    MatrixStorage,
    PlanConstraint,
    PlanObjective,
    PlanProblem,
    RobustMethod,
    Robustness,
    StructureVoxels,
    without_overlap,
)
from tumorboard.proton.optimisation.objectives import (
    DoseTimesLetMaximum,
    GeneralisedEud,
    LetMaximum,
    MeanDose,
    SquaredDeviation,
    SquaredOverdose,
    Tail,
    TailMean,
)
from tumorboard.proton.optimisation.problem import Multipliers
from tumorboard.proton.rbe import RbeModel

SHIFTS = [(0, 0, 0), (3, 0, 0), (-3, 0, 0), (0, 4, 0), (0, -4, 0)]
DOSES = [
    PlanObjective("target", SquaredDeviation(60.0), 100.0, True),
    PlanObjective("organ", GeneralisedEud(4.0), 3.0, True),
    PlanObjective("body", SquaredOverdose(20.0), 10.0, True),
]
LET = [
    PlanObjective("organ", LetMaximum(2.0, 1.0), 5.0, True),
    PlanObjective("body", DoseTimesLetMaximum(30.0), 0.1, False),
]
METHODS = [
    Robustness(RobustMethod.EXPECTED),
    Robustness(RobustMethod.CVAR, tail=0.4),
    Robustness(RobustMethod.COMPOSITE_WORST),
    Robustness(RobustMethod.OBJECTIVE_WORST),
    Robustness(RobustMethod.VOXEL_WORST),
]


def slope_error(problem, weights, multipliers=None, step=1e-6):
    """Relative difference of the gradient from a central difference along a random direction."""
    along = np.random.default_rng(5).standard_normal(len(weights)) * weights
    ends = [problem.value(weights + s * along, multipliers).penalised for s in (-step, step)]
    slope = problem.value(weights, multipliers).gradient @ along
    return abs((ends[1] - ends[0]) / (2 * step) - slope) / abs(slope)


@pytest.mark.parametrize("model", [None, *RbeModel])
def test_value__gradient_agrees_with_finite_differences(small, model):
    problem = small.problem([*DOSES, *LET], rbe_model=model)
    assert slope_error(problem, small.weights(problem.n_spots)) < 1e-6


@pytest.mark.parametrize("robustness", METHODS, ids=lambda r: r.method.value)
@pytest.mark.parametrize("model", [None, RbeModel.MCNAMARA])
def test_value__gradient_of_each_robust_method_agrees_with_finite_differences(small, robustness, model):
    influences = [small.influence(s) for s in SHIFTS]
    goals = DOSES if robustness.method is RobustMethod.VOXEL_WORST else [*DOSES, *LET]
    problem = small.problem(goals, influences=influences, robustness=robustness, rbe_model=model)
    assert slope_error(problem, small.weights(problem.n_spots), step=1e-7) < 1e-6


def test_value__gradient_with_bounds_agrees_with_finite_differences(small):
    bounds = [
        PlanConstraint("organ", MeanDose(upper_gy=10.0), True),
        PlanConstraint("target", TailMean(Tail.COLDEST, 5.0, lower_gy=57.0), False),
    ]
    problem = small.problem(
        DOSES,
        bounds,
        influences=[small.influence(s) for s in SHIFTS],
        robustness=Robustness(RobustMethod.EXPECTED),
    )
    n = len(SHIFTS) + 1
    assert [s for _, s in problem.bounds] == [0, 1, 2, 3, 4, 0]
    assert problem.bound_values == (10.0,) * 5 + (57.0,)
    multipliers = Multipliers(np.full(n, 2.0), np.full(n, 3.0))
    weights = small.weights(problem.n_spots)
    assert slope_error(problem, weights, multipliers) < 1e-6
    # The rows of derivatives are those of the violations.
    along = np.random.default_rng(1).standard_normal(len(weights))
    ends = [problem.value(weights + s * along).violations for s in (-1e-6, 1e-6)]
    np.testing.assert_allclose(
        problem.bound_gradients(weights) @ along, (ends[1] - ends[0]) / 2e-6, rtol=1e-6
    )


def test_value__is_that_of_the_dense_matrix(small):
    problem = small.problem(DOSES, n_fractions=3)
    weights = small.weights(problem.n_spots)
    dose = 3 * small.dense(small.influence()) @ weights
    expected = [
        g.importance * g.objective.value_and_gradient(dose[s.voxels], s.volume_weights)[0]
        for g, s in zip(DOSES, small.structures, strict=True)
    ]
    found = problem.value(weights)
    np.testing.assert_allclose(found.terms[:, 0], expected, rtol=1e-9)
    assert found.objective == pytest.approx(sum(expected))


def test_value__does_not_depend_on_threads(small):
    weights = small.weights(small.influence().n_spots)
    found = [small.problem([*DOSES, *LET], threads=t).value(weights) for t in (1, 2, 3, 7)]
    for other in found[1:]:
        assert other.objective == found[0].objective
        np.testing.assert_array_equal(other.gradient, found[0].gradient)


def test_value__in_16_bits_is_near(small):
    weights = small.weights(small.influence().n_spots)
    exact, near = (small.problem(DOSES, storage=s) for s in MatrixStorage)
    assert near.memory_bytes < 0.75 * exact.memory_bytes
    # Half a step of each spot's largest dose, which is 1 here or next to it.
    doses = [p.structure_doses(weights)["target"].physical / 30 for p in (exact, near)]
    assert np.abs(doses[0] - doses[1]).max() <= weights.sum() / 131070
    a, b = exact.value(weights), near.value(weights)
    assert b.objective == pytest.approx(a.objective, rel=1e-4)
    np.testing.assert_allclose(b.gradient, a.gradient, rtol=1e-4, atol=1e-4 * np.abs(a.gradient).max())
    assert slope_error(near, weights) < 1e-6


def test_thinned__is_near_the_whole_and_keeps_its_gradient_exact(small):
    influences = [small.influence(s) for s in SHIFTS]
    problem = small.problem(DOSES, influences=influences, robustness=METHODS[4])
    weights = small.weights(problem.n_spots)
    part = problem.thinned(60)
    assert part.n_entries < 0.6 * problem.n_entries
    assert part.value(weights).objective == pytest.approx(problem.value(weights).objective, rel=0.2)
    assert slope_error(part, weights, step=1e-7) < 1e-6
    same = problem.thinned(1e9).value(weights)
    assert same.objective == problem.value(weights).objective
    np.testing.assert_array_equal(same.gradient, problem.value(weights).gradient)


def test_without_overlap__shares_each_voxel_out_once(small):
    first = StructureVoxels("first", [1, 2, 3], [1.0, 0.4, 1.0])
    second = StructureVoxels("second", [2, 3, 4], [1.0, 1.0, 1.0])
    gone = StructureVoxels("gone", [1], [0.7])
    kept = without_overlap([first, second, gone])
    assert [s.name for s in kept] == ["first", "second"]
    np.testing.assert_array_equal(kept[1].voxels, [2, 4])
    np.testing.assert_allclose(kept[1].fractions, [0.6, 1.0])


def test_plan_problem__says_what_is_wrong(small):
    make = small.problem
    two = [small.influence(s) for s in SHIFTS[:2]]
    with pytest.raises(InputError, match=r"goal must be one of target, organ, body; got 'lung'"):
        make([PlanObjective("lung", MeanDose(), 1.0, False)])
    with pytest.raises(InputError, match=r"importance of the objective of 'organ' must be > 0"):
        PlanObjective("organ", MeanDose(), 0.0, False)
    with pytest.raises(InputError, match=r"objectives must be at least one"):
        make([])
    with pytest.raises(InputError, match=r"robustness must be named with 2 scenarios"):
        make(DOSES, influences=two)
    with pytest.raises(InputError, match=r"robustness must be None with one scenario"):
        make(DOSES, robustness=METHODS[0])
    with pytest.raises(InputError, match=r"dose_let_gy_kev_um must be in the dose influence"):
        make(DOSES, influences=[small.influence(with_let=False)], rbe_model=RbeModel.WEDENBERG)
    with pytest.raises(InputError, match=r"must not be robust with voxel_worst"):
        make([*DOSES, *LET], influences=two, robustness=METHODS[4])
    with pytest.raises(InputError, match=r"influences must have the same spots"):
        make(DOSES, influences=[two[0], small.influence(step=2)], robustness=METHODS[0])
    with pytest.raises(InputError, match=r"probabilities must be >= 0 with sum 1"):
        make(DOSES, influences=two, robustness=METHODS[0], probabilities=[0.5, 0.6])
    with pytest.raises(InputError, match=r"must be one that has bounds; got SquaredOverdose"):
        PlanConstraint("organ", SquaredOverdose(3.0), False)
    with pytest.raises(InputError, match=r"must have a bound"):
        PlanConstraint("organ", MeanDose(), False)
    with pytest.raises(InputError, match=r"voxels of 'x' must be at least one"):
        StructureVoxels("x", [], [])
    plain = StructureVoxels("target", small.structures[0].voxels, small.structures[0].fractions)
    with pytest.raises(InputError, match=r"alpha_beta_gy of 'target' must be given for RBE model wedenberg"):
        PlanProblem(two[:1], [plain], DOSES[:1], n_fractions=1, rbe_model=RbeModel.WEDENBERG)
