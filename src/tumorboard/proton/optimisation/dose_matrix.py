"""The rows of a dose influence that a problem needs, for fast products both ways."""

from __future__ import annotations

import copy
from collections.abc import Callable
from enum import Enum
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.numerics._slabs import run_slabs
from tumorboard.proton._kernels.blocked_matrix import (
    copy_chosen,
    count_chosen,
    count_entries,
    count_rows,
    fill_rounded,
    fill_rows,
    fill_values,
    multiply,
    multiply_transposed,
    square_transposed,
)
from tumorboard.proton.influence import DoseInfluence

__all__ = ["DoseMatrix", "MatrixStorage"]

#: Rows of a block: their part of a float64 vector is 256 kB, which a core's cache holds. 16 bits would do
#: for 65536.
_BLOCK_ROWS: Final = 32768
#: At least so many blocks where there are rows enough, so that a few threads share them evenly.
_BLOCKS: Final = 16
_WORTH_THREADS: Final = 300_000


class MatrixStorage(Enum):
    """How an entry is kept."""

    FLOAT32 = "float32"
    SCALED_UINT16 = "scaled 16-bit integers"


class DoseMatrix:
    """Dose (and dose times LETd) of 1e6 protons of each spot to chosen voxels.

    One copy of the entries serves both products: rows are in blocks, and columns are compressed in each. An
    entry takes 6 bytes, or 4 with ``SCALED_UINT16``: whole multiples of 1/65535 of the spot's largest dose,
    which rounds a dose by less than 1e-5 of that. Sums are in float64 and do not depend on the number of
    threads.

    Parameters
    ----------
    influence
        All entries; not kept.
    voxels
        Ascending flat indices into the dose grid of the rows, shape ``(n_rows,)``.
    storage
        How an entry is kept.
    with_let
        Whether dose times LETd is kept, too.
    threads
        How many; ``None`` means as many as numba would use.
    """

    def __init__(
        self,
        influence: DoseInfluence,
        voxels: NDArray[np.int64],
        *,
        storage: MatrixStorage,
        with_let: bool,
        threads: int | None = None,
    ) -> None:
        if with_let and influence.dose_let_gy_kev_um is None:
            raise InputError(
                "dose_let_gy_kev_um must be in the dose influence for an RBE model or an objective of LET "
                "[Gy keV/um]; got None; calculate the influence with LET"
            )
        self.n_rows, self.n_spots = len(voxels), influence.n_spots
        self._threads = threads
        row_of_voxel = np.full(int(np.prod(influence.grid.shape)), -1, dtype=np.int32)
        row_of_voxel[voxels] = np.arange(self.n_rows, dtype=np.int32)
        self._block_rows = self._blocks(influence, row_of_voxel)
        n_blocks = len(self._block_rows) - 1
        block_of_row = np.repeat(np.arange(n_blocks, dtype=np.int32), np.diff(self._block_rows))
        where = (influence.column_starts, influence.voxels, row_of_voxel, block_of_row)
        counts = np.zeros((n_blocks, self.n_spots), dtype=np.int64)
        self._over_columns(lambda a, b: count_entries(*where, a, b, counts))
        self._set_starts(counts)

        def place() -> NDArray[np.int64]:
            return np.empty(n_blocks, dtype=np.int64)

        self._over_columns(
            lambda a, b: fill_rows(*where, self._block_rows, self._starts, a, b, place(), self._rows)
        )

        def kept(given: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[np.float64]]:
            if storage is MatrixStorage.FLOAT32:
                factors, values = np.ones(self.n_spots), np.empty(self.n_entries, dtype=np.float32)
                fill: Callable[..., None] = fill_values
            else:
                factors = _largest(influence.column_starts, given) / 65535.0
                values, fill = np.empty(self.n_entries, dtype=np.uint16), fill_rounded
            self._over_columns(lambda a, b: fill(*where, given, factors, self._starts, a, b, place(), values))
            return values, factors

        self._dose = kept(influence.dose_gy)
        self._dose_let = kept(influence.dose_let_gy_kev_um) if with_let else None  # type: ignore[arg-type]

    @property
    def memory_bytes(self) -> int:
        """What the arrays take."""
        arrays = [self._starts, self._rows, *self._dose, *(self._dose_let or ())]
        return sum(a.nbytes for a in arrays)

    def dose(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the dose of the rows, shape ``(n_rows,)``, of weights of shape ``(n_spots,)``."""
        return self._multiply(self._dose, weights)

    def dose_let(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return dose times LETd of the rows, shape ``(n_rows,)``, of weights of shape ``(n_spots,)``."""
        return self._multiply(self._needed_let(), weights)

    def dose_transposed(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the gradient by weights, shape ``(n_spots,)``, of one by dose, shape ``(n_rows,)``."""
        return self._transposed(multiply_transposed, self._dose, vector)

    def dose_let_transposed(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the gradient by weights, shape ``(n_spots,)``, of one by dose times LETd, ``(n_rows,)``."""
        return self._transposed(multiply_transposed, self._needed_let(), vector)

    def squares_transposed(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum over rows of squared dose times a vector of ``(n_rows,)``, shape ``(n_spots,)``."""
        return self._transposed(square_transposed, self._dose, vector)

    def of_rows(self, chosen: NDArray[np.bool_]) -> DoseMatrix:
        """Return the matrix of the rows where ``chosen``, shape ``(n_rows,)``, is true."""
        found = copy.copy(self)
        found.n_rows = int(chosen.sum())
        place_of_row = np.where(chosen, np.cumsum(chosen) - 1, -1)
        found._block_rows = np.concatenate([[0], np.cumsum(chosen)])[self._block_rows]
        counts = np.zeros((len(self._block_rows) - 1, self.n_spots), dtype=np.int64)
        where = (self._starts, self._rows, self._block_rows, place_of_row)
        self._over_blocks(lambda a, b: count_chosen(*where, a, b, counts))
        found._set_starts(counts)

        def kept(
            entries: tuple[NDArray[Any], NDArray[np.float64]],
        ) -> tuple[NDArray[Any], NDArray[np.float64]]:
            values = np.empty(found.n_entries, dtype=entries[0].dtype)
            self._over_blocks(
                lambda a, b: copy_chosen(
                    self._starts,
                    self._rows,
                    entries[0],
                    self._block_rows,
                    place_of_row,
                    found._starts,
                    found._block_rows,
                    a,
                    b,
                    found._rows,
                    values,
                )
            )
            return values, entries[1]

        found._dose = kept(self._dose)
        found._dose_let = None if self._dose_let is None else kept(self._dose_let)
        return found

    def _set_starts(self, counts: NDArray[np.int64]) -> None:
        # One run of entries in order of block and column: each row of starts ends where the next one begins.
        ends = np.cumsum(counts.ravel())
        self.n_entries = int(ends[-1]) if len(ends) else 0
        self._starts = np.zeros((len(counts), self.n_spots + 1), dtype=np.int64)
        self._starts[:, 1:] = ends.reshape(counts.shape)
        self._starts[1:, 0] = self._starts[:-1, -1]
        self._rows = np.empty(self.n_entries, dtype=np.uint16)

    def _needed_let(self) -> tuple[NDArray[Any], NDArray[np.float64]]:
        if self._dose_let is None:
            raise InputError("the dose matrix must be made with_let=True for dose times LETd; got False")
        return self._dose_let

    def _multiply(
        self, entries: tuple[NDArray[Any], NDArray[np.float64]], weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        product = np.empty(self.n_rows)
        weights = np.ascontiguousarray(weights, dtype=np.float64)
        matrix = (self._starts, self._rows, *entries, self._block_rows)
        self._over_blocks(lambda a, b: multiply(*matrix, weights, a, b, product))
        return product

    def _transposed(
        self,
        kernel: Callable[..., None],
        entries: tuple[NDArray[Any], NDArray[np.float64]],
        vector: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        products = np.empty((len(self._block_rows) - 1, self.n_spots))
        vector = np.ascontiguousarray(vector, dtype=np.float64)
        matrix = (self._starts, self._rows, *entries, self._block_rows)
        self._over_blocks(lambda a, b: kernel(*matrix, vector, a, b, products))
        total: NDArray[np.float64] = products.sum(axis=0)
        return total

    def _blocks(self, influence: DoseInfluence, row_of_voxel: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return where blocks begin, so that they hold about as many entries each."""
        counts = np.zeros(self.n_rows, dtype=np.int64)
        count_rows(influence.voxels, row_of_voxel, counts)
        done = np.cumsum(counts)
        shares = np.linspace(0, done[-1] if self.n_rows else 0, _BLOCKS + 1)[1:-1]
        cuts = np.unique([0, *np.searchsorted(done, shares), self.n_rows])
        pieces = [
            np.linspace(a, b, -(-(b - a) // _BLOCK_ROWS) + 1).astype(np.int64)[:-1] for a, b in pairwise(cuts)
        ]
        return np.concatenate([*pieces, [self.n_rows]]).astype(np.int64)

    def _over_columns(self, kernel: Callable[[int, int], None]) -> None:
        run_slabs(self.n_spots, kernel, threads=self._threads)

    def _over_blocks(self, kernel: Callable[[int, int], None]) -> None:
        # Starting threads takes as long as some hundred thousand entries.
        threads = 1 if self.n_entries < _WORTH_THREADS else self._threads
        run_slabs(len(self._block_rows) - 1, kernel, threads=threads)


def _largest(column_starts: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[np.float64]:
    filled = column_starts[:-1] < column_starts[1:]
    largest = np.zeros(len(filled))
    if filled.any():
        largest[filled] = np.maximum.reduceat(values, column_starts[:-1][filled])
    return largest
