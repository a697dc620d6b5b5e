"""Decay chains: how much of each member there is, how active it is, and how often it has decayed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError
from tumorboard.physics._kernels.decay_chain import (
    BITS,
    DIGITS_OF_A_TIME,
    STEPS,
    amounts_of_pairs,
    fill_steps,
)
from tumorboard.physics.decay import DecayLibrary, decay_data, known_nuclides

__all__ = ["DecayChain", "chain_activities", "chain_amounts", "chain_decays", "decay_chain"]

_Terms: TypeAlias = tuple[NDArray[np.int64], ...]
#: Shares of daughters may add up to this much more than 1, as rounding in libraries makes them.
_ROUNDING: Final = 1e-3
#: Sums of exponentials are used where their factors, without sign, add up to no more: their rounding stays
#: below 1e-14.
_LARGEST_SUM: Final = 20.0
_DIGITS: Final = 120
#: Longest time [s], as a power of 2, and largest chain for which steps are kept: it takes 7 MB.
_LONGEST: Final = 60
_LARGEST_CHAIN: Final = 24


@dataclass(frozen=True, slots=True, eq=False)
class DecayChain:
    """Nuclides that decay into each other.

    Parameters
    ----------
    members
        Parents before their daughters.
    half_life_s
        Of each, > 0, infinite when stable, shape ``(n,)`` [s].
    branching
        ``branching[k, i]``: how many of member k a decay of member i leaves, >= 0, only below the diagonal,
        shape ``(n, n)``. Columns need not add up to 1: what is missing leaves the chain.

    Raises
    ------
    InputError
        When shapes or numbers do not fit.

    Examples
    --------
    >>> names = [Nuclide.named(n) for n in ("Ge-68", "Ga-68", "Zn-68")]
    >>> chain = DecayChain(names, [2.34e7, 4063.0, np.inf], np.eye(3, k=-1))
    >>> chain_activities(chain, "Ge-68", 86400.0)[:2] / chain.decay_constant_per_s[0]
    array([0.9974..., 0.9976...])
    """

    members: tuple[Nuclide, ...]
    half_life_s: NDArray[np.float64]
    branching: NDArray[np.float64]
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", tuple(self.members))
        object.__setattr__(self, "half_life_s", read_only(self.half_life_s, np.float64))
        object.__setattr__(self, "branching", read_only(self.branching, np.float64))
        n = len(self.members)
        if n == 0 or len(set(self.members)) != n:
            raise InputError(f"members must be different nuclides, at least one; got {self.members!r}")
        if self.half_life_s.shape != (n,) or self.branching.shape != (n, n):
            raise InputError(
                f"half_life_s and branching must be of shape ({n},) and ({n}, {n}); got "
                f"{self.half_life_s.shape} and {self.branching.shape}"
            )
        if not (self.half_life_s > 0).all():
            raise InputError("half_life_s must be > 0, infinite when stable [s]; got others")
        if not (np.isfinite(self.branching).all() and (self.branching >= 0).all()):
            raise InputError("branching must be finite and >= 0; got others")
        if np.triu(self.branching).any():
            raise InputError("branching must lie below its diagonal; got others; name parents first")
        if (self.branching.sum(axis=0) > 1 + _ROUNDING).any():
            raise InputError("branching of a member must add up to no more than 1; got more")
        found = hashlib.sha256(" ".join(m.name for m in self.members).encode())
        found.update(self.half_life_s.tobytes() + self.branching.tobytes())
        object.__setattr__(self, "digest", found.hexdigest())

    @property
    def decay_constant_per_s(self) -> NDArray[np.float64]:
        """Share of each member that decays in a second, shape ``(n,)`` [1/s]."""
        return math.log(2.0) / self.half_life_s

    @property
    def rates_per_s(self) -> NDArray[np.float64]:
        """How much of member k one of member i makes in a second, shape ``(n, n)`` [1/s]."""
        return self.branching * self.decay_constant_per_s

    def index(self, nuclide: Nuclide | str) -> int:
        """Return which member a nuclide is.

        Raises
        ------
        InputError
            When it is none.
        """
        own = nuclide if isinstance(nuclide, Nuclide) else Nuclide.named(nuclide)
        if own not in self.members:
            names = ", ".join(m.name for m in self.members)
            raise InputError(f"nuclide must be a member of the chain ({names}); got {own}")
        return self.members.index(own)


def decay_chain(nuclide: Nuclide | str, *, library: DecayLibrary, least_branching: float = 0.0) -> DecayChain:
    """Return a nuclide and all that it decays into, down to what is stable.

    Fragments of fission are not followed. A daughter that the library does not have stays as it is. Where a
    library's modes of a nuclide add up to more than 1, they are scaled to 1.

    Parameters
    ----------
    nuclide
        Itself or its name.
    library
        Whose half-lives and branching.
    least_branching
        Rarer modes than this are left out; 0 keeps all.

    Returns
    -------
    DecayChain
        The nuclide is its first member.

    Raises
    ------
    InputError
        When the library does not have it.

    Examples
    --------
    >>> chain = decay_chain("Ra-223", library=DecayLibrary.JEFF_4_0, least_branching=0.01)
    >>> [m.name for m in chain.members]
    ['Ra-223', 'Rn-219', 'Po-215', 'Pb-211', 'Bi-211', 'Tl-207', 'Pb-207']
    """
    if not 0 <= least_branching < 1:
        raise InputError(f"least_branching must be from 0 to below 1; got {least_branching!r}")
    first = decay_data(nuclide, library=library).nuclide
    known = frozenset(known_nuclides(library=library))
    daughters: dict[Nuclide, list[tuple[Nuclide, float]]] = {}
    waiting = [first]
    while waiting:
        parent = waiting.pop()
        if parent in daughters:
            continue
        modes = decay_data(parent, library=library).modes if parent in known else ()
        whole = max(1.0, sum(m.branching for m in modes))
        daughters[parent] = [
            (m.daughter, m.branching / whole)
            for m in modes
            if m.daughter is not None and m.branching > 0 and m.branching >= least_branching
        ]
        waiting += [daughter for daughter, _ in daughters[parent]]
    members = _parents_first(first, daughters)
    place = {member: n for n, member in enumerate(members)}
    branching = np.zeros((len(members), len(members)))
    for parent, made in daughters.items():
        for daughter, share in made:
            branching[place[daughter], place[parent]] += share
    half_lives = [
        decay_data(member, library=library).half_life_s if member in known else math.inf for member in members
    ]
    return DecayChain(tuple(members), np.array(half_lives), branching)


def _parents_first(first: Nuclide, daughters: dict[Nuclide, list[tuple[Nuclide, float]]]) -> list[Nuclide]:
    """Return all members in an order in which nothing stands before what makes it."""
    parents = dict.fromkeys(daughters, 0)
    for made in daughters.values():
        for daughter in {d for d, _ in made}:
            parents[daughter] += 1
    ready, found = [first], []
    while ready:
        one = ready.pop(0)
        found.append(one)
        for daughter in dict.fromkeys(d for d, _ in daughters[one]):
            parents[daughter] -= 1
            if parents[daughter] == 0:
                ready.append(daughter)
    if len(found) != len(daughters):
        raise InputError(f"decays of {first} must not come back to where they began; this library's do")
    return found


def chain_amounts(
    chain: DecayChain, start: Nuclide | str | Sequence[Nuclide | str] | NDArray[np.integer], time_s: ArrayLike
) -> NDArray[np.float64]:
    """Return how many atoms of each member one atom has become after a time.

    Bateman's equations [1]_, for chains that branch and join. Where the exponentials do not cancel, their
    sum, with factors that are made with 120 digits; else the exponential of the matrix, by sums of positive
    terms and products of them, so that nothing cancels however near or far half-lives are. Absolute error
    below 1e-14, nothing below 0.

    Parameters
    ----------
    chain
        Members, half-lives, branching.
    start
        Of which member the atom is, or of several, by name or by index, shape ``(...)``.
    time_s
        Times >= 0, of a shape that goes with that of ``start`` [s].

    Returns
    -------
    numpy.ndarray
        Of the common shape, and members last: shape ``(..., n)``.

    Raises
    ------
    InputError
        When a time is negative or not finite, or a start is no member.

    References
    ----------
    .. [1] bateman1910

    Examples
    --------
    >>> chain = decay_chain("Mo-99", library=DecayLibrary.ENDF_B_VIII_1)
    >>> chain_amounts(chain, "Mo-99", [0.0, 86400.0]).round(4)[:, :2]
    array([[1.    , 0.    ],
           [0.7771, 0.0629]])
    """
    return _amounts(chain, start, time_s, _bateman(chain.rates_per_s, chain.decay_constant_per_s))


def chain_activities(
    chain: DecayChain, start: Nuclide | str | Sequence[Nuclide | str] | NDArray[np.integer], time_s: ArrayLike
) -> NDArray[np.float64]:
    """Return how often each member decays in a second, a time after there was one atom.

    Parameters
    ----------
    chain
        Members, half-lives, branching.
    start
        Of which member the atom is, or of several, by name or by index, shape ``(...)``.
    time_s
        Times >= 0, of a shape that goes with that of ``start`` [s].

    Returns
    -------
    numpy.ndarray
        Shape ``(..., n)`` [1/s]. Divided by the decay constant of the start it is the activity over the
        activity that there was at first.

    Raises
    ------
    InputError
        When a time is negative or not finite, or a start is no member.

    Examples
    --------
    >>> chain = decay_chain("Sr-90", library=DecayLibrary.ENDF_B_VIII_1)
    >>> strontium, yttrium = chain_activities(chain, "Sr-90", 30 * 86400.0)[:2]
    >>> round(float(yttrium / strontium), 4)
    0.9998
    """
    return np.asarray(chain_amounts(chain, start, time_s) * chain.decay_constant_per_s)


def chain_decays(
    chain: DecayChain, start: Nuclide | str | Sequence[Nuclide | str] | NDArray[np.integer], time_s: ArrayLike
) -> NDArray[np.float64]:
    """Return how often each member has decayed a time after there was one atom.

    Parameters
    ----------
    chain
        Members, half-lives, branching.
    start
        Of which member the atom is, or of several, by name or by index, shape ``(...)``.
    time_s
        Times >= 0, of a shape that goes with that of ``start`` [s].

    Returns
    -------
    numpy.ndarray
        Decays for one atom, shape ``(..., n)``; 0 of stable members.

    Raises
    ------
    InputError
        When a time is negative or not finite, or a start is no member.

    Examples
    --------
    >>> chain = decay_chain("Bi-213", library=DecayLibrary.ENDF_B_VIII_1)
    >>> dict(zip([m.name for m in chain.members], chain_decays(chain, "Bi-213", 1e6).round(3).tolist()))
    {'Bi-213': 1.0, 'Tl-209': 0.022, 'Po-213': 0.978, 'Pb-209': 1.0, 'Bi-209': 0.0, 'Tl-205': 0.0}
    """
    n = len(chain.members)
    # A counter for each member that every decay of it adds 1 to is a stable member of a longer chain.
    rates, constants = np.zeros((2 * n, 2 * n)), np.zeros(2 * n)
    rates[:n, :n], constants[:n] = chain.rates_per_s, chain.decay_constant_per_s
    rates[n + np.arange(n), np.arange(n)] = constants[:n]
    return _amounts(chain, start, time_s, _bateman(rates, constants))[..., n:]


def _amounts(chain: DecayChain, start: Any, time_s: ArrayLike, bateman: _Bateman) -> NDArray[np.float64]:
    times = np.asarray(time_s, dtype=np.float64)
    if not (np.isfinite(times) & (times >= 0)).all():
        raise InputError("time_s must be finite and >= 0 [s]; got others")
    if isinstance(start, Nuclide | str):
        indices = np.array(chain.index(start))
    elif isinstance(start, np.ndarray) and np.issubdtype(start.dtype, np.integer):
        indices = start
    else:
        indices = np.array([chain.index(one) for one in start], dtype=np.int64)
    if not ((indices >= 0) & (indices < len(chain.members))).all():
        raise InputError(f"start must be from 0 to below {len(chain.members)}; got others")
    try:
        indices, times = np.broadcast_arrays(indices, times)
    except ValueError as reason:
        raise InputError(
            f"start and time_s must have shapes that go together; got {indices.shape} and {times.shape}"
        ) from reason
    out = np.zeros((times.size, bateman.constants.size))
    amounts_of_pairs(
        np.ascontiguousarray(indices.ravel(), dtype=np.int64),
        np.ascontiguousarray(times.ravel()),
        bateman.rates,
        bateman.constants,
        bateman.plain,
        bateman.terms,
        bateman.lowest,
        bateman.steps,
        out,
    )
    return out.reshape(*times.shape, -1)


@dataclass(frozen=True, slots=True, eq=False)
class _Bateman:
    """What the kernel is given of a chain."""

    rates: NDArray[np.float64]
    constants: NDArray[np.float64]
    plain: NDArray[np.bool_]
    terms: _Terms
    lowest: int
    steps: NDArray[np.float64]


def _bateman(rates: NDArray[np.float64], constants: NDArray[np.float64]) -> _Bateman:
    return _bateman_of(rates.tobytes(), constants.tobytes())


@lru_cache(maxsize=16)
def _bateman_of(rates_bytes: bytes, constants_bytes: bytes) -> _Bateman:
    constants = np.frombuffer(constants_bytes)
    n = constants.size
    rates = np.frombuffer(rates_bytes).reshape(n, n)
    plain = np.ones(n, np.bool_)
    row_first, row_member, term_first = [0], [], [0]
    term_index: list[int] = []
    term_factor: list[float] = []
    with localcontext() as context:
        context.prec = _DIGITS
        right, left, defective = _eigenvectors(rates, constants)
        for i in range(n):
            for k in range(i + 1, n):
                factors = {j: right[k][j] * left[j][i] for j in range(i, k + 1) if right[k][j] and left[j][i]}
                if not factors and not defective[k][i]:
                    continue
                row_member.append(k)
                term_index += factors
                term_factor += [float(f) for f in factors.values()]
                term_first.append(len(term_index))
                plain[i] &= not defective[k][i] and sum(map(abs, factors.values())) <= _LARGEST_SUM
            row_first.append(len(row_member))
    terms = tuple(np.array(one, np.int64) for one in (row_first, row_member, term_first, term_index))
    # The lowest digit of a time in which the fastest member hardly decays; shorter times need few squares.
    lowest = -DIGITS_OF_A_TIME - max(0, math.ceil(math.log2(constants.max() or 1.0)))
    levels = (_LONGEST - DIGITS_OF_A_TIME - lowest) // BITS + 10 if n <= _LARGEST_CHAIN else 0
    steps = np.zeros((levels, STEPS, n, n))
    fill_steps(rates, constants, lowest, steps)
    return _Bateman(rates, constants, plain, (*terms, np.array(term_factor)), lowest, steps)


def _eigenvectors(
    rates: NDArray[np.float64], constants: NDArray[np.float64]
) -> tuple[list[list[Decimal]], list[list[Decimal]], list[list[bool]]]:
    """Return right and left eigenvectors of the matrix of rates, and which pairs none hold for.

    Members with equal half-lives, one of which makes the other, have no two eigenvectors.
    """
    n = constants.size
    exact = [Decimal(float(c)) for c in constants]
    makes = [{m: Decimal(float(rates[k, m])) for m in np.flatnonzero(rates[k])} for k in range(n)]
    zero = Decimal(0)
    right = [[Decimal(int(k == j)) for j in range(n)] for k in range(n)]
    left = [[Decimal(int(k == j)) for j in range(n)] for k in range(n)]
    # Through any pair of equals that are connected nothing after it can be trusted.
    defective = [[False] * n for _ in range(n)]
    for j in range(n):
        for k in range(j + 1, n):
            value = sum((rate * right[m][j] for m, rate in makes[k].items() if m >= j), zero)
            if value and exact[k] == exact[j]:
                defective[k][j] = True
            elif value:
                right[k][j] = value / (exact[k] - exact[j])
    for i in range(n):
        for j in range(i + 1, n):
            left[j][i] = -sum((right[j][m] * left[m][i] for m in range(i, j) if right[j][m]), zero)
    reach = (rates > 0) | np.eye(n, dtype=bool)
    for _ in range(max(1, n.bit_length())):
        reach = (reach.astype(np.int64) @ reach.astype(np.int64)) > 0
    for made, maker in np.argwhere(defective):
        for below in np.flatnonzero(reach[:, made]):
            for above in np.flatnonzero(reach[maker]):
                defective[below][above] = True
    return right, left, defective
