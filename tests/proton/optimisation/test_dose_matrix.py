import numpy as np
import pytest

from tumorboard.errors import InputError
from tumorboard.proton._kernels import blocked_matrix
from tumorboard.proton.optimisation import DoseMatrix, MatrixStorage


@pytest.fixture
def rows(small):
    return np.sort(np.random.default_rng(2).permutation(int(np.prod(small.influence().grid.shape)))[:700])


def test_dose_matrix__is_the_influence(small, rows):
    influence, rng = small.influence(), np.random.default_rng(1)
    matrix = DoseMatrix(influence, rows, storage=MatrixStorage.FLOAT32, with_let=True)
    dense = small.dense(influence)[rows]
    weights, vector = rng.random(influence.n_spots), rng.standard_normal(len(rows))
    np.testing.assert_allclose(matrix.dose(weights), dense @ weights, rtol=1e-12)
    np.testing.assert_allclose(matrix.dose_transposed(vector), dense.T @ vector, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(matrix.squares_transposed(vector), (dense**2).T @ vector, rtol=1e-6, atol=1e-9)
    assert matrix.n_entries == np.count_nonzero(dense)


@pytest.mark.parametrize("storage", MatrixStorage)
@pytest.mark.parametrize("threads", [1, 3])
def test_dose_matrix__products_are_adjoint(small, rows, storage, threads):
    matrix = DoseMatrix(small.influence(), rows, storage=storage, with_let=True, threads=threads)
    rng = np.random.default_rng(4)
    weights, vector = rng.random(matrix.n_spots), rng.standard_normal(matrix.n_rows)
    pairs = [(matrix.dose, matrix.dose_transposed), (matrix.dose_let, matrix.dose_let_transposed)]
    for forward, back in pairs:
        assert forward(weights) @ vector == pytest.approx(weights @ back(vector), rel=1e-12)


@pytest.mark.parametrize("storage", MatrixStorage)
def test_of_rows__are_rows_of_the_products(small, rows, storage):
    matrix = DoseMatrix(small.influence(), rows, storage=storage, with_let=True)
    chosen = np.random.default_rng(3).random(len(rows)) < 0.4
    part = matrix.of_rows(chosen)
    weights, vector = np.linspace(0, 1, matrix.n_spots), np.linspace(-1, 1, chosen.sum())
    np.testing.assert_array_equal(part.dose(weights), matrix.dose(weights)[chosen])
    np.testing.assert_array_equal(part.dose_let(weights), matrix.dose_let(weights)[chosen])
    whole = np.zeros(len(rows))
    whole[chosen] = vector
    np.testing.assert_allclose(part.dose_transposed(vector), matrix.dose_transposed(whole), atol=1e-12)
    assert matrix.of_rows(np.ones(len(rows), dtype=bool)).n_entries == matrix.n_entries


def test_dose_matrix__without_let_says_so(small, rows):
    matrix = DoseMatrix(small.influence(), rows, storage=MatrixStorage.FLOAT32, with_let=False)
    with pytest.raises(InputError, match=r"with_let=True"):
        matrix.dose_let(np.ones(matrix.n_spots))


def test_dose_matrix__no_rows_give_no_dose(small):
    empty = np.empty(0, dtype=np.int64)
    matrix = DoseMatrix(small.influence(), empty, storage=MatrixStorage.FLOAT32, with_let=False)
    assert matrix.dose(np.ones(matrix.n_spots)).shape == (0,)
    np.testing.assert_array_equal(matrix.dose_transposed(empty.astype(float)), np.zeros(matrix.n_spots))


@pytest.mark.parametrize("storage", MatrixStorage)
def test_kernels__compiled_equals_python(small, monkeypatch, storage):
    influence = small.influence(step=3)
    rows = np.arange(300, 700)
    chosen = np.arange(len(rows)) % 3 == 0

    def all_of_it():
        matrix = DoseMatrix(influence, rows, storage=storage, with_let=True, threads=1)
        weights, vector = np.linspace(0, 1, matrix.n_spots), np.linspace(-1, 1, len(rows))
        part = matrix.of_rows(chosen)
        return [
            matrix.dose(weights),
            matrix.dose_let_transposed(vector),
            matrix.squares_transposed(vector),
            part.dose(weights),
        ]

    compiled = all_of_it()
    for name, kernel in vars(blocked_matrix).items():
        if hasattr(kernel, "py_func"):
            monkeypatch.setattr(
                f"tumorboard.proton.optimisation.dose_matrix.{name}", kernel.py_func, raising=False
            )
    for a, b in zip(compiled, all_of_it(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)
