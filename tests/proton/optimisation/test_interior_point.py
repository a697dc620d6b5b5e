import numpy as np
import pytest

from tumorboard.errors import MissingData
from tumorboard.proton.optimisation import (
    OptimisationStatus,
    PlanConstraint,
    PlanObjective,
    optimise,
    optimise_interior_point,
)
from tumorboard.proton.optimisation.objectives import MeanDose, SquaredDeviation, SquaredOverdose

GOALS = [
    PlanObjective("target", SquaredDeviation(60.0), 100.0, False),
    PlanObjective("organ", SquaredOverdose(20.0), 10.0, False),
    PlanObjective("body", SquaredOverdose(30.0), 5.0, False),
]


def test_optimise_interior_point__agrees_with_the_other_solver(small):
    pytest.importorskip("cyipopt", reason="the extra tumorboard[ipopt] is not installed")
    for bounds in ([], [PlanConstraint("organ", MeanDose(upper_gy=10.0), False)]):
        problem = small.problem(GOALS, bounds)
        found = optimise_interior_point(problem, max_iterations=500, tolerance=1e-6)
        other = optimise(problem, max_iterations=3000, tolerance=1e-7)
        assert found.status is OptimisationStatus.CONVERGED
        assert found.objective == pytest.approx(other.objective, rel=5e-3)
        assert all(v <= 1e-3 for v in found.violations.values())
        assert (found.weights >= 0).all()


def test_optimise_interior_point__stops_when_told_to(small):
    pytest.importorskip("cyipopt", reason="the extra tumorboard[ipopt] is not installed")
    found = optimise_interior_point(
        small.problem(GOALS), max_iterations=100, tolerance=1e-6, callback=lambda i, v, s: i >= 5
    )
    assert found.status is OptimisationStatus.STOPPED
    assert found.iterations == 5


def test_optimise_interior_point__says_what_to_install(small, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cyipopt", None)
    with pytest.raises(MissingData, match=r"cyipopt must be installed .*pip install 'tumorboard\[ipopt\]'"):
        optimise_interior_point(small.problem(GOALS), max_iterations=1, tolerance=1e-3, start=np.ones(3))
