"""A small problem: Gaussian spots in a box, with a target, an organ beside it and the body."""

from types import SimpleNamespace

import numpy as np
import pytest

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.proton.influence import DoseInfluence
from tumorboard.proton.optimisation import PlanProblem, StructureVoxels
from tumorboard.provenance import Record

SHAPE = (8, 12, 14)


def gaussian_influence(shift_mm=(0.0, 0.0, 0.0), *, with_let=True, step=1):
    """Dose of spots on a lattice: Gaussians of sigma 1.3 voxels, cut at 1 %, LETd rising with z."""
    grid = Grid(SHAPE, (3.0, 3.0, 3.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    z, y, x = np.indices(SHAPE)
    dx, dy, dz = np.asarray(shift_mm) / 3.0
    starts, voxels, dose, dose_let = [0], [], [], []
    for k in range(1, 8, 2):
        for j in range(2, 11, step + 1):
            for i in range(2, 13, step + 1):
                r2 = (z - k - dz) ** 2 + (y - j - dy) ** 2 + (x - i - dx) ** 2
                values = np.exp(-r2 / (2 * 1.3**2)).ravel().astype(np.float32)
                inside = np.flatnonzero(values > 0.01)
                voxels.append(inside)
                dose.append(values[inside])
                dose_let.append(values[inside] * (1.0 + 0.4 * z.ravel()[inside]))
                starts.append(starts[-1] + len(inside))
    return DoseInfluence(
        grid,
        np.array(starts, dtype=np.int64),
        np.concatenate(voxels).astype(np.int32),
        np.concatenate(dose),
        np.concatenate(dose_let).astype(np.float32) if with_let else None,
        np.zeros(len(starts) - 1, dtype=np.int32),
        Record("test.influence", {"shift_mm": list(shift_mm)}),
    )


def boxes():
    """Target, organ with voxels in part, and the body with voxels that no spot reaches."""
    z, y, x = np.indices(SHAPE)
    target = ((z - 4) ** 2 + (y - 6) ** 2 + (x - 6) ** 2 <= 8).ravel()
    organ = ((z - 4) ** 2 + (y - 6) ** 2 + (x - 10) ** 2 <= 5).ravel() & ~target
    fractions = np.where(np.arange(organ.sum()) % 3 == 0, 0.5, 1.0)
    body = ~target & ~organ
    return (
        StructureVoxels("target", np.flatnonzero(target), np.ones(target.sum()), 10.0),
        StructureVoxels("organ", np.flatnonzero(organ), fractions, 2.0),
        StructureVoxels("body", np.flatnonzero(body), np.ones(body.sum()), 3.0),
    )


@pytest.fixture
def small():
    """What tests make problems of."""
    return SimpleNamespace(
        influence=gaussian_influence, structures=boxes(), problem=_problem, weights=_weights, dense=_dense
    )


def _problem(objectives, constraints=(), **more):
    given = {"n_fractions": 30, "rbe_model": None} | more
    influences = given.pop("influences", None) or [gaussian_influence()]
    return PlanProblem(influences, boxes(), objectives, constraints, **given)


def _weights(n, seed=0):
    return 0.1 + np.random.default_rng(seed).random(n) * 0.3


def _dense(influence):
    matrix = np.zeros((int(np.prod(influence.grid.shape)), influence.n_spots))
    for spot in range(influence.n_spots):
        entries = slice(influence.column_starts[spot], influence.column_starts[spot + 1])
        matrix[influence.voxels[entries], spot] = influence.dose_gy[entries]
    return matrix
