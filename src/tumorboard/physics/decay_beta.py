"""The continuous spectra of betas, from the energy and the kind of a transition."""

from __future__ import annotations

from enum import IntEnum
from math import factorial
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import loggamma

from tumorboard.errors import InputError

__all__ = ["BetaTransition", "beta_density", "beta_mean_mev", "beta_yield"]

_ELECTRON_MEV: Final = 0.51099895
_FINE_STRUCTURE: Final = 7.2973525693e-3
#: Reduced Compton wavelength of the electron [fm].
_COMPTON_FM: Final = 386.15926796
#: Rose's potential of the electrons at the nucleus, over the fine structure constant squared.
_SCREENING: Final = 1.13
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
#: Energies, as shares of the endpoint, are squares of these: the spectrum of electrons begins as a root.
_ROOTS: Final = 0.5 * (_NODES + 1.0)


class BetaTransition(IntEnum):
    """How forbidden a transition is: the order of its shape factor."""

    ALLOWED = 0
    FIRST_UNIQUE = 1
    SECOND_UNIQUE = 2
    THIRD_UNIQUE = 3
    FOURTH_UNIQUE = 4


def beta_density(
    energy_mev: ArrayLike,
    *,
    endpoint_mev: float,
    daughter_z: int,
    mass_number: int,
    positron: bool,
    transition: BetaTransition,
) -> NDArray[np.float64]:
    """Return the spectrum of one beta branch, of no particular height.

    Phase space times Fermi's function of the charge, with the nucleus' size [1]_ [2]_ and Rose's screening
    [3]_, times the shape factor of an allowed or a unique forbidden transition [1]_. Transitions that are
    forbidden but not unique have shapes of their own, which the libraries do not say: they go as allowed.

    Parameters
    ----------
    energy_mev
        Kinetic energies, any shape ``(...)`` [MeV].
    endpoint_mev
        Largest kinetic energy, > 0 [MeV].
    daughter_z, mass_number
        Of the nucleus that is left.
    positron
        Whether positrons come out; else electrons.
    transition
        Of the branch.

    Returns
    -------
    numpy.ndarray
        Of the shape of ``energy_mev``; 0 outside of 0 to the endpoint.

    Raises
    ------
    InputError
        When the endpoint is not > 0.

    References
    ----------
    .. [1] behrens1982
    .. [2] wilkinson1990
    .. [3] rose1936screening

    Examples
    --------
    >>> like_y90 = dict(endpoint_mev=2.2785, daughter_z=40, mass_number=90, positron=False)
    >>> unique = beta_density([0.5, 1.0], transition=BetaTransition.FIRST_UNIQUE, **like_y90)
    >>> allowed = beta_density([0.5, 1.0], transition=BetaTransition.ALLOWED, **like_y90)
    >>> bool(unique[0] / unique[1] > allowed[0] / allowed[1])
    True
    """
    if not endpoint_mev > 0:
        raise InputError(f"endpoint_mev must be > 0 [MeV]; got {endpoint_mev!r}")
    kinetic = np.asarray(energy_mev, dtype=np.float64)
    inside = (kinetic > 0) & (kinetic < endpoint_mev)
    total = 1.0 + np.where(inside, kinetic, 0.5 * endpoint_mev) / _ELECTRON_MEV
    neutrino = 1.0 + endpoint_mev / _ELECTRON_MEV - total
    sign = -1.0 if positron else 1.0
    parent_z = daughter_z - sign
    potential = _SCREENING * _FINE_STRUCTURE**2 * max(parent_z, 0.0) ** (4.0 / 3.0)
    # Slower electrons than the screening lets pass have the finite density of those that just leave.
    screened = np.maximum(total - sign * potential, 1.0 + 1e-9)
    charge = sign * _FINE_STRUCTURE * daughter_z
    cube = mass_number ** (1.0 / 3.0)
    radius = (1.121 * cube + 2.426 / cube - 6.614 / mass_number) / _COMPTON_FM
    shape = _shape(screened, neutrino, charge, radius, int(transition))
    phase = _momentum(screened) * screened * neutrino**2
    found = phase * _fermi(screened, charge, radius, 1) * _finite_size(screened, charge, radius) * shape
    return np.where(inside, found, 0.0)


def _momentum(total: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(total**2 - 1.0))


def _fermi(total: NDArray[Any], charge: float, radius: float, k: int) -> NDArray[np.float64]:
    """Return the electron's density at the nucleus in the partial wave ``k``, over that of a free one's."""
    gamma = np.sqrt(k**2 - charge**2)
    momentum = _momentum(total)
    eta = charge * total / momentum
    log = 2.0 * (gamma - k) * np.log(2.0 * momentum * radius) + np.pi * eta
    log += 2.0 * (loggamma(gamma + 1j * eta).real - loggamma(1.0 + 2.0 * gamma).real)
    odd = float(np.prod(np.arange(1, 2 * k, 2)))
    return np.asarray((k * odd) ** 2 * 4.0**k * (k + gamma) / (2.0 * k) * np.exp(log))


def _finite_size(total: NDArray[Any], charge: float, radius: float) -> NDArray[np.float64]:
    """Return how much less of the electron a nucleus of some size meets than a point does."""
    gamma = np.sqrt(1.0 - charge**2)
    correction = 13.0 / 60.0 * charge**2
    correction -= total * radius * charge * (41.0 - 26.0 * gamma) / (15.0 * (2.0 * gamma - 1.0))
    correction -= charge * radius * gamma * (17.0 - 2.0 * gamma) / (30.0 * total * (2.0 * gamma - 1.0))
    return np.asarray(1.0 + correction)


def _shape(
    total: NDArray[Any], neutrino: NDArray[Any], charge: float, radius: float, order: int
) -> NDArray[np.float64]:
    """Return the shape factor of a unique transition."""
    if order == 0:
        return np.ones_like(total)
    momentum, s = _momentum(total), _fermi(total, charge, radius, 1)
    found = np.zeros_like(total)
    for k in range(1, order + 2):
        wave = _fermi(total, charge, radius, k) / s
        share = wave / (factorial(2 * k - 1) * factorial(2 * (order + 1 - k) + 1))
        found = found + share * momentum ** (2 * (k - 1)) * neutrino ** (2 * (order + 1 - k))
    return found


def beta_mean_mev(
    *, endpoint_mev: float, daughter_z: int, mass_number: int, positron: bool, transition: BetaTransition
) -> float:
    """Return the mean kinetic energy of one beta branch [MeV].

    Parameters
    ----------
    endpoint_mev
        Largest kinetic energy, > 0 [MeV].
    daughter_z, mass_number, positron, transition
        As for :func:`beta_density`.

    Examples
    --------
    >>> of_f18 = dict(endpoint_mev=0.6339, daughter_z=8, mass_number=18, positron=True)
    >>> round(beta_mean_mev(transition=BetaTransition.ALLOWED, **of_f18), 3)
    0.25
    """
    energy = endpoint_mev * _ROOTS**2
    density = (
        _WEIGHTS
        * _ROOTS
        * beta_density(
            energy,
            endpoint_mev=endpoint_mev,
            daughter_z=daughter_z,
            mass_number=mass_number,
            positron=positron,
            transition=transition,
        )
    )
    return float((energy @ density) / density.sum())


def beta_yield(
    edges_mev: ArrayLike,
    *,
    endpoint_mev: float,
    daughter_z: int,
    mass_number: int,
    positron: bool,
    transition: BetaTransition,
) -> NDArray[np.float64]:
    """Return the share of one beta branch in each bin of energy.

    Parameters
    ----------
    edges_mev
        Ascending from 0 to at least the endpoint, shape ``(n + 1,)`` [MeV].
    endpoint_mev
        Largest kinetic energy, > 0 [MeV].
    daughter_z, mass_number, positron, transition
        As for :func:`beta_density`.

    Returns
    -------
    numpy.ndarray
        Sums to 1, shape ``(n,)``.

    Examples
    --------
    >>> of_f18 = dict(endpoint_mev=0.6339, daughter_z=8, mass_number=18, positron=True)
    >>> beta_yield([0.0, 0.2, 0.64], transition=BetaTransition.ALLOWED, **of_f18).round(2)
    array([0.39, 0.61])
    """
    edges = np.minimum(np.asarray(edges_mev, dtype=np.float64), endpoint_mev)
    roots = np.sqrt(edges)
    # Five points of Gauss in each bin, and the root as the variable.
    nodes, weights = np.polynomial.legendre.leggauss(5)
    half = 0.5 * np.diff(roots)[:, None]
    at = roots[:-1, None] + half * (nodes + 1.0)
    density = beta_density(
        at**2,
        endpoint_mev=endpoint_mev,
        daughter_z=daughter_z,
        mass_number=mass_number,
        positron=positron,
        transition=transition,
    )
    found: NDArray[np.float64] = (half * weights * at * density).sum(axis=1)
    return np.asarray(found / found.sum())
