"""How much better a mutant peptide binds than its counterpart, relative to what could be seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.immunotherapy.ranking._pairs import same_shape

__all__ = ["PSEUDOCOUNT_PER_NM", "amplitude"]

#: Keeps counterparts that do not bind at all, whose affinities are guesses, from making any amplitude.
PSEUDOCOUNT_PER_NM = 0.0003


def amplitude(wild_type_nm: ArrayLike, mutant_nm: ArrayLike) -> NDArray[np.float64]:
    """Return the amplitude, (W / M) / (1 + 0.0003 W), of dissociation constants W and M.

    Parameters
    ----------
    wild_type_nm, mutant_nm
        Affinities of the counterpart and of the mutant peptide in nM, of one shape; NaN where there is no
        counterpart.

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
    .. [1] luksza2017fitness

    Examples
    --------
    >>> amplitude([283.2], [178.8]).round(4).tolist()
    [1.4599]
    """
    wild_type, mutant = same_shape(wild_type_nm=wild_type_nm, mutant_nm=mutant_nm)
    return wild_type / mutant / (1.0 + PSEUDOCOUNT_PER_NM * wild_type)
