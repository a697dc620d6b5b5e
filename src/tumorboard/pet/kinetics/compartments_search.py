"""Where the best sums of one or two exponentials lie, over a whole table of rates at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["best_pairs", "best_singles"]

_TINY: Final = 1e-300


def best_singles(
    basis: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each row's best amplitude >= 0 for the target, and the sum of squares it leaves.

    Parameters
    ----------
    basis
        Shape ``(n_rates, n_frames)``.
    target, weights
        Shape ``(n_frames,)``.

    Returns
    -------
    tuple of numpy.ndarray
        Amplitudes and weighted residual sums, each of shape ``(n_rates,)``.

    Examples
    --------
    >>> amplitudes, left = best_singles(np.eye(2), np.array([3.0, 4.0]), np.ones(2))
    >>> amplitudes.tolist(), left.tolist()
    ([3.0, 4.0], [16.0, 9.0])
    """
    weighted = basis * weights
    project = weighted @ target
    amplitudes = np.maximum(project, 0.0) / np.maximum(np.einsum("rf,rf->r", weighted, basis), _TINY)
    return amplitudes, float(weights @ target**2) - amplitudes * project


def best_pairs(
    basis: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the best amplitudes >= 0 of each two rows, and the sum of squares they leave.

    The amplitudes are linear, so that only the two rates have to be searched (variable projection [1]_).

    Parameters
    ----------
    basis
        Shape ``(n_rates, n_frames)``, slowest first.
    target, weights
        Shape ``(n_frames,)``.

    Returns
    -------
    tuple of numpy.ndarray
        Amplitudes, shape ``(n_rates, n_rates, 2)``: of row i and row j at ``[i, j]``; and weighted residual
        sums, shape ``(n_rates, n_rates)``, infinite unless i > j, the faster first.

    References
    ----------
    .. [1] golub1973varpro

    Examples
    --------
    >>> amplitudes, left = best_pairs(np.eye(2), np.array([3.0, 4.0]), np.ones(2))
    >>> amplitudes[1, 0].tolist(), float(left[1, 0])
    ([4.0, 3.0], 0.0)
    """
    weighted = basis * weights
    gram, project = weighted @ basis.T, weighted @ target
    own = np.maximum(np.diag(gram), _TINY)
    determinant = np.maximum(own[:, None] * own[None, :] - gram**2, _TINY)
    first = (project[:, None] * own[None, :] - project[None, :] * gram) / determinant
    both = (first >= 0) & (first.T >= 0)
    alone = np.maximum(project, 0.0) / own
    only_first = alone * project
    first_alone = only_first[:, None] >= only_first[None, :]
    amplitudes = np.empty((*gram.shape, 2))
    amplitudes[..., 0] = np.where(both, first, np.where(first_alone, alone[:, None], 0.0))
    amplitudes[..., 1] = np.where(both, first.T, np.where(first_alone, 0.0, alone[None, :]))
    explained = amplitudes[..., 0] * project[:, None] + amplitudes[..., 1] * project[None, :]
    left = float(weights @ target**2) - explained
    left[np.triu_indices_from(left)] = np.inf
    return amplitudes, left
