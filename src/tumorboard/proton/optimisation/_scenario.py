"""One scenario of a problem: its matrix, and the dose of each structure in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tumorboard.proton._kernels.blocked_matrix import mark_reached
from tumorboard.proton.influence import DoseInfluence
from tumorboard.proton.optimisation.dose_matrix import DoseMatrix, MatrixStorage
from tumorboard.proton.optimisation.objectives.objective import ObjectiveQuantity
from tumorboard.proton.optimisation.structure_voxels import StructureVoxels
from tumorboard.proton.rbe import RbeModel, rbe_dose_and_gradient

__all__ = ["Scenario", "StructureDose", "make_scenario"]


@dataclass(frozen=True, slots=True, eq=False)
class StructureRows:
    """Where a structure's voxels are among the rows.

    Voxels that no spot reaches have no dose whatever the weights are, so they stand as one last voxel with
    the weight of all of them; most of a body is of this kind.
    """

    structure: StructureVoxels
    rows: NDArray[np.int64]
    weights: NDArray[np.float64]
    has_rest: bool


@dataclass(frozen=True, slots=True, eq=False)
class StructureDose:
    """Dose of a structure's voxels over the whole treatment, and what its gradients need."""

    where: StructureRows
    physical: NDArray[np.float64]
    dose_let: NDArray[np.float64] | None
    weighted: NDArray[np.float64]
    by_dose: NDArray[np.float64] | None
    by_dose_let: NDArray[np.float64] | None

    def seen_by(self, quantity: ObjectiveQuantity) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Return what an objective of this quantity is a function of."""
        if quantity is ObjectiveQuantity.DOSE:
            return self.weighted, None
        return self.physical, self.dose_let

    def to_physical(
        self,
        quantity: ObjectiveQuantity,
        by_seen: NDArray[np.float64],
        by_dose_let: NDArray[np.float64] | None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Return derivatives by physical dose and dose times LETd from those by what an objective sees."""
        if quantity is ObjectiveQuantity.LET or self.by_dose is None:
            return by_seen, by_dose_let
        return by_seen * self.by_dose, None if self.by_dose_let is None else by_seen * self.by_dose_let


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """Matrix and rows of one scenario."""

    matrix: DoseMatrix
    voxels: NDArray[np.int64]
    structures: dict[str, StructureRows]
    with_let: bool
    n_fractions: int
    rbe_model: RbeModel | None

    def doses(self, weights: NDArray[np.float64]) -> dict[str, StructureDose]:
        """Return the dose of each structure for spot weights of shape ``(n_spots,)``."""
        dose = self.matrix.dose(weights)
        dose_let = self.matrix.dose_let(weights) if self.with_let else None
        return {name: self._dose_of(where, dose, dose_let) for name, where in self.structures.items()}

    def _dose_of(
        self, where: StructureRows, dose: NDArray[np.float64], dose_let: NDArray[np.float64] | None
    ) -> StructureDose:
        n = self.n_fractions
        fraction = _gathered(dose, where)
        fraction_let = None if dose_let is None else _gathered(dose_let, where)
        let = None if fraction_let is None else n * fraction_let
        if self.rbe_model is None:
            return StructureDose(where, n * fraction, let, n * fraction, None, None)
        # The model is for one fraction; the sum of n equal ones has the same derivatives by the sums.
        weighted, by_dose, by_let = rbe_dose_and_gradient(
            self.rbe_model, fraction, fraction_let, where.structure.alpha_beta_gy
        )
        return StructureDose(where, n * fraction, let, n * weighted, by_dose, by_let)

    def gradient(
        self, by_dose: NDArray[np.float64], by_dose_let: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Return the gradient by spot weights of one by the rows' dose over the whole treatment."""
        found = self.matrix.dose_transposed(by_dose)
        if by_dose_let is not None:
            found += self.matrix.dose_let_transposed(by_dose_let)
        return self.n_fractions * found

    def thinned(self, most_voxels: float) -> Scenario:
        """Return the scenario with at most about so many voxels a structure, each for several.

        Which ones depends on the voxel alone, so scenarios keep the same ones.
        """
        # Multiples of the golden ratio fall evenly into [0, 1), along rows of voxels and across them.
        place = (self.voxels * 0.6180339887498949) % 1.0
        chosen = np.zeros(len(self.voxels), dtype=bool)
        kept = {}
        for name, where in self.structures.items():
            share = most_voxels / max(len(where.rows), 1)
            kept[name] = place[where.rows] < share if share < 1.0 else np.ones(len(where.rows), dtype=bool)
            chosen[where.rows[kept[name]]] = True
        new_row = np.cumsum(chosen) - 1
        found = {}
        for name, where in self.structures.items():
            of_rows, n = kept[name], len(where.rows)
            weights = where.weights.copy()
            if of_rows.any():
                weights[:n] *= where.weights[:n].sum() / where.weights[:n][of_rows].sum()
            keep = np.append(of_rows, True) if where.has_rest else of_rows
            found[name] = replace(where, rows=new_row[where.rows[of_rows]], weights=weights[keep])
        return replace(self, matrix=self.matrix.of_rows(chosen), voxels=self.voxels[chosen], structures=found)


def _gathered(rows: NDArray[np.float64], where: StructureRows) -> NDArray[np.float64]:
    values = np.zeros(len(where.rows) + where.has_rest)
    np.take(rows, where.rows, out=values[: len(where.rows)])
    return values


def make_scenario(
    influence: DoseInfluence,
    structures: Sequence[StructureVoxels],
    *,
    n_fractions: int,
    rbe_model: RbeModel | None,
    with_let: bool,
    storage: MatrixStorage,
    keep_unreached: bool,
    threads: int | None,
) -> Scenario:
    """Return the scenario of a dose influence.

    ``keep_unreached`` keeps a row for each voxel, reached or not, so that scenarios have the same rows.
    """
    needed = np.zeros(int(np.prod(influence.grid.shape)), dtype=bool)
    for s in structures:
        needed[s.voxels] = True
    if not keep_unreached:
        reached = np.zeros_like(needed)
        mark_reached(influence.voxels, influence.dose_gy, reached)
        needed &= reached
    voxels = np.flatnonzero(needed)
    matrix = DoseMatrix(influence, voxels, storage=storage, with_let=with_let, threads=threads)
    found = {}
    for s in structures:
        kept = needed[s.voxels]
        weights, rest = s.volume_weights, not kept.all()
        of_rows = weights[kept]
        if rest:
            of_rows = np.append(of_rows, weights[~kept].sum())
        found[s.name] = StructureRows(s, np.searchsorted(voxels, s.voxels[kept]), of_rows, rest)
    return Scenario(matrix, voxels, found, with_let, n_fractions, rbe_model)
