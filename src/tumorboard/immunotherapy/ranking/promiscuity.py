"""How many of a patient's molecules show one peptide."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError

__all__ = ["promiscuity"]


def promiscuity(percentile: ArrayLike, *, below: float) -> NDArray[np.int64]:
    """Return the number of molecules with which a peptide's percentile is below a limit.

    Parameters
    ----------
    percentile
        Of peptides and different molecules, shape ``(..., n_molecules)``, 0 best.
    below
        Limit in percentiles; 2 is usual for weak binders of class I, 0.5 for strong ones.

    Returns
    -------
    numpy.ndarray
        Shape ``(...,)``; a percentile that is NaN does not count.

    Raises
    ------
    InputError
        When the limit is not between 0 and 100.

    References
    ----------
    .. [1] lang2021neofox

    Examples
    --------
    >>> promiscuity([[0.1, 1.2, 30.0], [8.0, 9.0, 10.0]], below=2.0).tolist()
    [2, 0]
    """
    if not 0.0 < below <= 100.0:
        raise InputError(f"below must be a percentile above 0 and up to 100; got {below:g}")
    return np.asarray((np.asarray(percentile, np.float64) < below).sum(axis=-1), np.int64)
