"""How well a patient's molecules together can show a mutation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError

__all__ = ["harmonic_best_rank"]


def harmonic_best_rank(best_percentile: ArrayLike) -> NDArray[np.float64]:
    """Return the harmonic mean, over a patient's molecules, of the best percentile of any peptide (PHBR).

    Parameters
    ----------
    best_percentile
        Of any peptide with the mutation, by molecule, shape ``(..., n_molecules)``, 0 best. A molecule of
        which the patient has two copies stands twice: six of class I, twelve of class II.

    Returns
    -------
    numpy.ndarray
        Shape ``(...,)``; 0 where one is 0, NaN where one is.

    Raises
    ------
    InputError
        When a percentile is negative, or there is no molecule.

    References
    ----------
    .. [1] marty2017mhc

    Examples
    --------
    >>> harmonic_best_rank([0.5, 0.5, 20.0, 40.0, 30.0, 12.0]).round(3).item()
    1.431
    """
    best = np.asarray(best_percentile, np.float64)
    if best.ndim == 0 or best.shape[-1] == 0 or (best < 0).any():
        raise InputError(
            f"best_percentile must be 0 to 100 of one molecule or more; got shape {best.shape}"
            + (f" with {best.min():g}" if best.size else "")
        )
    with np.errstate(divide="ignore"):
        return np.asarray(best.shape[-1] / (1.0 / best).sum(axis=-1))
