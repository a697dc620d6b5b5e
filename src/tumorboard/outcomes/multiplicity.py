"""P values of several tests at once."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError

__all__ = ["Multiplicity", "corrected_p"]


class Multiplicity(Enum):
    """How p values of several regions are corrected."""

    NONE = "none"
    """Each test stands alone: for one region that was named beforehand."""

    HOLM = "Holm"
    """Chance of any false finding [holm1979procedure]."""

    BENJAMINI_HOCHBERG = "Benjamini-Hochberg"
    """Expected part of false findings among all, of independent or positively dependent tests
    [benjamini1995fdr]."""


def corrected_p(p: ArrayLike, method: Multiplicity) -> NDArray[np.float64]:
    """Return p values corrected for their number.

    Parameters
    ----------
    p
        0 to 1, shape ``(n,)``.
    method
        Which.

    Returns
    -------
    numpy.ndarray
        In the same order, shape ``(n,)``, at most 1.

    Raises
    ------
    InputError
        When a p value is not from 0 to 1.

    References
    ----------
    .. [1] holm1979procedure
    .. [2] benjamini1995fdr

    Examples
    --------
    >>> corrected_p([0.01, 0.04, 0.03], Multiplicity.HOLM).round(3).tolist()
    [0.03, 0.06, 0.06]
    >>> corrected_p([0.01, 0.04, 0.03], Multiplicity.BENJAMINI_HOCHBERG).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    values = np.asarray(p, np.float64)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise InputError(f"p must be 1-D and 0 to 1; got {values.tolist()}")
    if method is Multiplicity.NONE:
        return values.copy()
    n = len(values)
    order = np.argsort(values, kind="stable")
    rank = np.arange(1, n + 1)
    if method is Multiplicity.HOLM:
        adjusted = np.maximum.accumulate((n - rank + 1) * values[order])
    else:
        adjusted = np.minimum.accumulate((n / rank * values[order])[::-1])[::-1]
    corrected = np.empty(n)
    corrected[order] = np.minimum(adjusted, 1.0)
    return corrected
