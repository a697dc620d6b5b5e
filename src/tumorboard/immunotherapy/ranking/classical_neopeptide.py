"""Neopeptides that bind well, and those that bind much better than what they come from."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.immunotherapy.ranking.amplitude import amplitude

__all__ = ["alternatively_defined", "classically_defined", "generator_rate"]

#: Limits of the paper: affinity of a classically defined one; amplitude and affinity of an alternative one.
CLASSICAL_BELOW_NM, ALTERNATIVE_ABOVE, ALTERNATIVE_BELOW_NM = 50.0, 10.0, 5000.0


def classically_defined(mutant_nm: ArrayLike) -> NDArray[np.float64]:
    """Return 1 where a peptide binds below 50 nM (CDN), else 0.

    Parameters
    ----------
    mutant_nm
        Affinities in nM, of any shape; NaN where not known.

    Returns
    -------
    numpy.ndarray
        Of the shape given; NaN where the affinity is.

    References
    ----------
    .. [1] rech2018neopeptides

    Examples
    --------
    >>> classically_defined([12.0, 178.8]).tolist()
    [1.0, 0.0]
    """
    mutant = np.asarray(mutant_nm, np.float64)
    return np.where(np.isnan(mutant), np.nan, mutant < CLASSICAL_BELOW_NM)


def alternatively_defined(wild_type_nm: ArrayLike, mutant_nm: ArrayLike) -> NDArray[np.float64]:
    """Return 1 where a peptide's amplitude is above 10 and it binds below 5000 nM (ADN), else 0.

    Parameters
    ----------
    wild_type_nm, mutant_nm
        Affinities in nM, of one shape; NaN where there is no counterpart.

    Returns
    -------
    numpy.ndarray
        Of the shape given; NaN without a counterpart.

    Raises
    ------
    InputError
        When the shapes differ.

    References
    ----------
    .. [1] rech2018neopeptides

    Examples
    --------
    >>> alternatively_defined([5000.0, 283.2], [100.0, 178.8]).tolist()
    [1.0, 0.0]
    """
    gain = amplitude(wild_type_nm, mutant_nm)
    found = (gain > ALTERNATIVE_ABOVE) & (np.asarray(mutant_nm, np.float64) < ALTERNATIVE_BELOW_NM)
    return np.where(np.isnan(gain), np.nan, found)


def generator_rate(mutant_nm: ArrayLike) -> NDArray[np.float64]:
    """Return how many pairs of a peptide and a molecule of one change are classically defined.

    Parameters
    ----------
    mutant_nm
        Affinities in nM of all peptides of each change with all molecules, shape ``(n, n_pairs)``; NaN where
        a change has fewer pairs.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``.

    References
    ----------
    .. [1] rech2018neopeptides

    Examples
    --------
    >>> generator_rate([[12.0, 700.0, 41.0], [90.0, 800.0, float("nan")]]).tolist()
    [2.0, 0.0]
    """
    return np.asarray(np.nansum(classically_defined(mutant_nm), axis=-1))
