"""How the mutation changes binding: as a ratio and as a difference."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.immunotherapy.ranking._pairs import same_shape

__all__ = ["BINDER_BELOW_NM", "agretopicity", "differential_agretopicity"]

#: What counts as a binder since the first predictors.
BINDER_BELOW_NM = 500.0


def agretopicity(wild_type_nm: ArrayLike, mutant_nm: ArrayLike) -> NDArray[np.float64]:
    """Return the ratio of affinities, mutant to wild type: below 1 the mutant binds better.

    Parameters
    ----------
    wild_type_nm, mutant_nm
        Affinities in nM, of one shape; NaN where there is no counterpart.

    Returns
    -------
    numpy.ndarray
        Of the shape given. Its inverse is what pVACseq lists as fold change.

    Raises
    ------
    InputError
        When the shapes differ.

    References
    ----------
    .. [1] wells2020tesla

    Examples
    --------
    >>> agretopicity([500.0], [50.0]).tolist()
    [0.1]
    """
    wild_type, mutant = same_shape(wild_type_nm=wild_type_nm, mutant_nm=mutant_nm)
    return mutant / wild_type


def differential_agretopicity(
    wild_type_nm: ArrayLike, mutant_nm: ArrayLike, *, binder_below_nm: float | None = None
) -> NDArray[np.float64]:
    """Return the differential agretopic index W - M [nM].

    The paper takes the difference of a predictor's scores; on affinities it is dominated by how badly the
    counterpart binds.

    Parameters
    ----------
    wild_type_nm, mutant_nm
        Affinities in nM, of one shape; NaN where there is no counterpart.
    binder_below_nm
        Mutants that bind no better than this have no index (NaN); ``None`` keeps all. NeoFox takes 500.

    Returns
    -------
    numpy.ndarray
        Of the shape given [nM].

    Raises
    ------
    InputError
        When the shapes differ.

    References
    ----------
    .. [1] duan2014agretopicity

    Examples
    --------
    >>> differential_agretopicity([283.2, 9635.1], [178.8, 1109.1], binder_below_nm=500.0).round(1).tolist()
    [104.4, nan]
    """
    wild_type, mutant = same_shape(wild_type_nm=wild_type_nm, mutant_nm=mutant_nm)
    difference = wild_type - mutant
    return difference if binder_below_nm is None else np.where(mutant < binder_below_nm, difference, np.nan)
