"""How much of a mutated protein there is, and in how much of the tumour."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError
from tumorboard.immunotherapy.ranking._pairs import same_shape

__all__ = ["clonal_expression", "mutant_expression"]


def mutant_expression(expression_tpm: ArrayLike, variant_fraction: ArrayLike) -> NDArray[np.float64]:
    """Return the expression of a transcript by the fraction of reads that carry the variant.

    Parameters
    ----------
    expression_tpm
        Of the transcript or gene in the tumour, of any shape [TPM].
    variant_fraction
        0 to 1, of RNA reads where there are enough, else of DNA reads, of the same shape.

    Returns
    -------
    numpy.ndarray
        Of the shape given [TPM]; NaN where either is not known.

    Raises
    ------
    InputError
        When the shapes differ, an expression is negative or a fraction not 0 to 1.

    References
    ----------
    .. [1] lang2021neofox

    Examples
    --------
    >>> mutant_expression([20.0], [0.4]).tolist()
    [8.0]
    """
    return _product("expression_tpm", expression_tpm, "variant_fraction", variant_fraction)


def clonal_expression(mutant_tpm: ArrayLike, cell_fraction: ArrayLike) -> NDArray[np.float64]:
    """Return the expression of a mutant transcript by the fraction of cancer cells that have the mutation.

    A target that few cells have lets the others grow, however much these few make of it.

    Parameters
    ----------
    mutant_tpm
        Expression that carries the variant, of any shape [TPM].
    cell_fraction
        Cancer-cell fraction, 0 to 1, of the same shape.

    Returns
    -------
    numpy.ndarray
        Of the shape given [TPM]; NaN where either is not known.

    Raises
    ------
    InputError
        When the shapes differ, an expression is negative or a fraction not 0 to 1.

    References
    ----------
    .. [1] mcgranahan2016clonal

    Examples
    --------
    >>> clonal_expression([8.0], [0.5]).tolist()
    [4.0]
    """
    return _product("mutant_tpm", mutant_tpm, "cell_fraction", cell_fraction)


def _product(tpm_name: str, tpm: ArrayLike, share_name: str, share: ArrayLike) -> NDArray[np.float64]:
    amount, part = same_shape(**{tpm_name: tpm, share_name: share})
    if (amount < 0).any():
        raise InputError(f"{tpm_name} must be >= 0 [TPM]; got {np.nanmin(amount):g}")
    if ((part < 0) | (part > 1)).any():
        worst = part[(part < 0) | (part > 1)][0]
        raise InputError(f"{share_name} must be 0 to 1; got {worst:g}; divide per cent by 100")
    return amount * part
