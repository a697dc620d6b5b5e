"""Mutant peptides beside their normal counterparts, where they have one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.errors import InputError

__all__ = ["as_pairs", "same_shape"]


def as_pairs(
    mutants: Sequence[str], wild_types: Sequence[str | None]
) -> tuple[NDArray[np.intp], list[str], list[str]]:
    """Return which have a counterpart, and these mutants and counterparts."""
    if len(mutants) != len(wild_types):
        raise InputError(
            f"wild_types must be as many as mutants, {len(mutants)}; got {len(wild_types)}; "
            "give None where there is none"
        )
    kept = [k for k, wild_type in enumerate(wild_types) if wild_type]
    return np.array(kept, np.intp), [mutants[k] for k in kept], [str(wild_types[k]) for k in kept]


def same_shape(**arrays: ArrayLike) -> list[NDArray[np.float64]]:
    """Return named arrays as numbers, of one shape or refused."""
    values = {name: np.asarray(array, np.float64) for name, array in arrays.items()}
    first, *others = values
    for name in others:
        if values[name].shape != values[first].shape:
            raise InputError(
                f"{name} must have the shape of {first}, {values[first].shape}; got {values[name].shape}"
            )
    return list(values.values())
