"""Find spot weights: objectives, constraints, solvers."""
