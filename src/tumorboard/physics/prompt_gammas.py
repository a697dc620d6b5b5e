"""Prompt gammas of protons' inelastic reactions: how many, of which energy, and where they end in depth."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError
from tumorboard.physics.nuclear import NucleusTables, nucleus_tables

__all__ = ["distal_falloff_mm", "prompt_gamma_yields"]


def prompt_gamma_yields(
    atomic_number: int, energy_mev: ArrayLike, gamma_edges_mev: ArrayLike
) -> NDArray[np.float64]:
    """Return the mean number of prompt gammas of an inelastic reaction, by their energy [1]_.

    The tables' spectra, spread evenly in each of their bins (0.25 MeV for slow protons, 2 MeV from 160 MeV
    on) and scaled to the tables' multiplicity, of which their own sums above 100 MeV fall short by up to 17 %
    (carbon, nitrogen, oxygen) or a third (phosphorus, calcium). Linear in the proton's energy, none below the
    tables' first (3 to 7 MeV), those of 250 MeV above it. An element without tables has those of its
    neighbour.

    Parameters
    ----------
    atomic_number
        2 to 92.
    energy_mev
        Kinetic energies of the protons, >= 0, shape ``(n,)`` [MeV].
    gamma_edges_mev
        Ascending edges of the gammas' energies, >= 0, shape ``(m + 1,)`` [MeV].

    Returns
    -------
    ndarray
        Shape ``(n, m)`` [1/reaction].

    Raises
    ------
    InputError
        When energies are negative or not finite, edges do not ascend, or for hydrogen.

    References
    ----------
    .. [1] icru2000report63

    Examples
    --------
    >>> prompt_gamma_yields(8, [20.0, 150.0], [3.0, 6.0]).round(3)
    array([[0.213],
           [0.238]])
    """
    energies = np.atleast_1d(np.asarray(energy_mev, dtype=np.float64))
    if energies.ndim != 1 or not (np.isfinite(energies) & (energies >= 0)).all():
        raise InputError(f"energy_mev must be finite and >= 0, shape (n,) [MeV]; got {energy_mev!r}")
    edges = np.asarray(gamma_edges_mev, dtype=np.float64)
    ascend = edges.ndim == 1 and edges.size >= 2 and bool((np.diff(edges) > 0).all())
    if not (ascend and edges[0] >= 0 and np.isfinite(edges).all()):
        raise InputError(
            f"gamma_edges_mev must be two or more ascending energies >= 0 [MeV]; got {gamma_edges_mev!r}"
        )
    tables = nucleus_tables(atomic_number)
    rows = _rebinned(tables.atomic_number, tuple(edges.tolist()))
    columns = [np.interp(energies, tables.gamma_incident_mev, row, left=0.0) for row in rows.T]
    return np.stack(columns, axis=1)


@lru_cache(maxsize=32)
def _rebinned(atomic_number: int, edges_mev: tuple[float, ...]) -> NDArray[np.float64]:
    """Return gammas of a reaction between edges at the tables' own proton energies, shape ``(g, m)``."""
    tables = nucleus_tables(atomic_number)
    rows = np.stack(
        [_below(tables, row, np.array(edges_mev)) for row in range(tables.gamma_incident_mev.size)]
    )
    return read_only(np.diff(rows, axis=1))


def _below(tables: NucleusTables, row: int, energy_mev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many gammas of a reaction have less than each energy."""
    spectrum = tables.gamma_b_mev[row]
    summed = np.append(0.0, np.cumsum(spectrum))
    at = np.arange(summed.size) * tables.gamma_bin_mev[row]
    return np.asarray(tables.gamma_multiplicity[row] * np.interp(energy_mev, at, summed) / summed[-1])


def distal_falloff_mm(depth_mm: ArrayLike, profile: ArrayLike, *, fraction: float = 0.5) -> float:
    """Return the depth beyond which a profile stays below a fraction of its largest value.

    Linear between the points; no smoothing, so that the largest of noisy values is a little too large: in
    2 mm bins, 1 % too much moves the 50 % fall-off of 150 MeV protons in water by 0.03 mm.

    Parameters
    ----------
    depth_mm
        Ascending depths, centres of the bins of a histogram, shape ``(n,)`` [mm].
    profile
        Values there, >= 0, shape ``(n,)``.
    fraction
        Of the largest value, between 0 and 1.

    Returns
    -------
    float
        [mm].

    Raises
    ------
    InputError
        When the profile does not fall below the fraction within the depths, or is out of range.

    Examples
    --------
    >>> distal_falloff_mm([1.0, 3.0, 5.0, 7.0], [1.0, 1.5, 2.0, 0.0])
    6.0
    """
    depth, values = (np.asarray(v, dtype=np.float64) for v in (depth_mm, profile))
    if depth.ndim != 1 or depth.shape != values.shape or depth.size < 2 or not (np.diff(depth) > 0).all():
        raise InputError(
            f"depth_mm must ascend and profile have its shape; got shapes {depth.shape} and {values.shape}"
        )
    if not (np.isfinite(values).all() and (values >= 0).all() and values.max() > 0):
        raise InputError(f"profile must be finite, >= 0, not all 0; got {values.min()!r} to {values.max()!r}")
    if not 0 < fraction < 1:
        raise InputError(f"fraction must be between 0 and 1; got {fraction!r}")
    level = fraction * values.max()
    last = int(np.flatnonzero(values >= level)[-1])
    if last + 1 == depth.size:
        raise InputError(
            f"profile must fall below {fraction:g} of its largest value before {depth[-1]:g} mm; "
            f"got {values[-1] / values.max():.3g} there; take a longer profile"
        )
    share = (values[last] - level) / (values[last] - values[last + 1])
    return float(depth[last] + share * (depth[last + 1] - depth[last]))
