"""Where the progeny of a nuclide decays: with its parent, elsewhere, or not counted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.nuclide import Nuclide
from tumorboard.dosimetry.progeny_fate import ProgenyAssumption, ProgenyFate
from tumorboard.errors import InputError
from tumorboard.physics.decay import DecayLibrary, decay_data
from tumorboard.physics.decay_chain import DecayChain, chain_decays, decay_chain
from tumorboard.physics.decay_emissions import decay_emissions, emissions_together
from tumorboard.physics.transport.decay_source import DecayEmissions
from tumorboard.provenance import Record

__all__ = ["LIFE_S", "ProgenyDecays", "made_by_first", "progeny_decays"]

#: Where counting never ends, members with longer half-lives than a life's 100 years count as stable: Bi-209
#: after Ac-225, or Tc-99 after Tc-99m, would decay in some 1e19 years [s].
LIFE_S: Final = 100 * 365.25 * 86400.0
#: Members that decay less often than this for a decay of the parent may be without emissions in a library, as
#: Ra-221 is in JEFF-4.0: 4e-5 of Ac-225's.
_RARE: Final = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class ProgenyDecays:
    """How often each member of a chain decays for the parent's decays in a place.

    Parameters
    ----------
    members
        The parent first.
    in_place
        Decays of each where the parent's are, shape ``(n,)``.
    elsewhere
        Decays of each of what has left, in the body or out of it, shape ``(n,)``. Of progeny that is
        excluded, all of its decays.
    library
        Whose half-lives and branching.
    fate
        What was assumed.
    provenance
        How it was made.
    """

    members: tuple[Nuclide, ...]
    in_place: NDArray[np.float64]
    elsewhere: NDArray[np.float64]
    library: DecayLibrary
    fate: ProgenyFate
    provenance: Record

    def __post_init__(self) -> None:
        for name in ("in_place", "elsewhere"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    @property
    def parent_decays(self) -> float:
        """Decays of the parent in the place."""
        return float(self.in_place[0])

    def emissions(self) -> DecayEmissions:
        """Return what one decay of the parent emits in its place, that of progeny there included.

        With the map of the parent's decays it is what every method of dose takes. A member of which the
        library has no emissions is left out where it is rarer than 1e-4, and refused else.
        """
        return self._together(self.in_place, "here")

    def emissions_elsewhere(self) -> DecayEmissions:
        """Return what progeny that has left emits elsewhere for one decay of the parent.

        Raises
        ------
        InputError
            When nothing decays elsewhere.
        """
        return self._together(self.elsewhere, "elsewhere")

    def _together(self, decays: NDArray[np.float64], where: str) -> DecayEmissions:
        shares = zip(self.members, (decays / self.parent_decays).tolist(), strict=True)
        parts = [
            (decay_emissions(member, library=self.library), share)
            for member, share in shares
            if share > 0 and (share > _RARE or _has_emissions(member, self.library))
        ]
        name = self.members[0].name
        if self.fate.assumption is not ProgenyAssumption.EXCLUDED or where == "elsewhere":
            name = f"{name} and progeny {where}"
        return emissions_together(name, parts)


def _has_emissions(member: Nuclide, library: DecayLibrary) -> bool:
    data = decay_data(member, library=library)
    return bool(data.emissions or data.spectra)


def progeny_decays(
    parent: Nuclide | str,
    fate: ProgenyFate,
    *,
    library: DecayLibrary,
    until_s: float,
    amplitudes_bq: ArrayLike | None = None,
    rates_per_s: ArrayLike | None = None,
) -> ProgenyDecays:
    """Return decays of a parent and its progeny where the parent is, and elsewhere.

    What each atom becomes depends on the time at which its parent decays only if counting ends; so for
    ``until_s`` of infinity no curve is needed, and the numbers are for one decay of the parent. Else the
    parent's activity is a sum of exponentials: each feeds the chain [1]_ like a member with that rate.

    Parameters
    ----------
    parent
        What was administered.
    fate
        What is assumed of its progeny.
    library
        Whose half-lives and branching.
    until_s
        When counting ends after administration, > 0; ``inf``: never, but what has a half-life of more than
        100 years then counts as stable [s].
    amplitudes_bq, rates_per_s
        Of the parent's activity in the place, physical decay included, shape ``(m,)`` [Bq, 1/s]; those of an
        uptake are negative. Of a fit: ``ExponentialFit.exponentials``. Needed when counting ends.

    Returns
    -------
    ProgenyDecays
        Per decay of the parent without a curve; else all of them.

    Raises
    ------
    InputError
        When the curve is missing or is none, or the fate names what is no progeny of the parent.

    References
    ----------
    .. [1] bateman1910

    Examples
    --------
    >>> stays = ProgenyFate(ProgenyAssumption.WITH_PARENT)
    >>> found = progeny_decays("Ra-223", stays, library=DecayLibrary.ENDF_B_VIII_1, until_s=math.inf)
    >>> round(found.emissions().local_mev, 1)
    26.9
    """
    chain = decay_chain(parent, library=library)
    if not until_s > 0:
        raise InputError(f"until_s must be > 0 [s]; got {until_s!r}")
    for nuclide in [*fate.leaving_share, *fate.biological_half_life_s]:
        if chain.index(nuclide) == 0:
            raise InputError(
                f"fate must be of progeny; got {nuclide}, the parent, whose own curve says what leaves"
            )
    amplitudes, rates = _curve(until_s, amplitudes_bq, rates_per_s)
    everywhere = _fed(chain, amplitudes, rates, until_s)
    if fate.assumption is ProgenyAssumption.EXCLUDED:
        here = np.where(np.arange(everywhere.size) == 0, everywhere, 0.0)
    elif fate.assumption is ProgenyAssumption.WITH_PARENT:
        here = everywhere
    else:
        moving, decaying = _moving(chain, fate)
        here = _fed(moving, amplitudes, rates, until_s) * decaying
    record = Record(
        "dosimetry.progeny_decays",
        {
            "parent": chain.members[0].name,
            "library": library.value,
            "assumption": fate.assumption.value,
            "leaving_share": {str(n): v for n, v in fate.leaving_share.items()},
            "biological_half_life_s": {str(n): v for n, v in fate.biological_half_life_s.items()},
            "until_s": until_s if math.isfinite(until_s) else "inf",
            "amplitudes_bq": amplitudes.tolist(),
            "rates_per_s": rates.tolist(),
        },
        references=("bateman1910", "sgouros2010mird22"),
    )
    # Rounding must not leave negative decays of what never left.
    elsewhere = np.maximum(everywhere - here, 0.0)
    elsewhere[elsewhere <= 1e-12 * everywhere] = 0.0
    return ProgenyDecays(chain.members, here, elsewhere, library, fate, record)


def made_by_first(chain: DecayChain, *, longest_s: float) -> NDArray[np.float64]:
    """Return how many of each member of a chain one of the first makes in the end, itself counted as 1.

    Parameters
    ----------
    chain
        Branching and half-lives.
    longest_s
        Progeny that lives longer counts as 0, and with it what it becomes; ``inf``: all counts [s].

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``.

    Examples
    --------
    >>> chain = decay_chain("Mo-99", library=DecayLibrary.ENDF_B_VIII_1)
    >>> found = made_by_first(chain, longest_s=LIFE_S)
    >>> {m.name: round(n, 2) for m, n in zip(chain.members, found.tolist()) if n > 0}
    {'Mo-99': 1.0, 'Tc-99m': 0.88}
    """
    found = np.zeros(len(chain.members))
    found[0] = 1.0
    for k in range(1, found.size):
        if chain.half_life_s[k] <= longest_s:
            found[k] = chain.branching[k, :k] @ found[:k]
    return found


def _curve(
    until_s: float, amplitudes_bq: ArrayLike | None, rates_per_s: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the exponentials; without any, one whose integral is 1."""
    if amplitudes_bq is None and rates_per_s is None:
        if math.isfinite(until_s):
            raise InputError(
                "amplitudes_bq and rates_per_s must be given where counting ends [Bq, 1/s]; got none; "
                "until_s=inf needs no curve"
            )
        return np.ones(1), np.ones(1)
    amplitudes = np.atleast_1d(np.asarray(amplitudes_bq, np.float64))
    rates = np.atleast_1d(np.asarray(rates_per_s, np.float64))
    if amplitudes.ndim != 1 or amplitudes.shape != rates.shape or not np.isfinite(amplitudes).all():
        raise InputError(
            "amplitudes_bq and rates_per_s must be lists of one length, finite [Bq, 1/s]; got "
            f"{amplitudes_bq!r} and {rates_per_s!r}"
        )
    # An uptake that is over at once has an infinite rate and holds no decays.
    amplitudes, rates = amplitudes[rates < math.inf], rates[rates < math.inf]
    if not (rates > 0).all() or not float(amplitudes @ (1.0 / rates)) > 0:
        raise InputError(
            "rates_per_s must be > 0 and the activity's integral too [1/s, Bq s]; got "
            f"{rates_per_s!r} with {amplitudes_bq!r}"
        )
    return amplitudes, rates


def _moving(chain: DecayChain, fate: ProgenyFate) -> tuple[DecayChain, NDArray[np.float64]]:
    """Return the chain in place, whose members also leave, and the share of each that decays there."""
    constants = chain.decay_constant_per_s
    removal = np.zeros(constants.size)
    branching = np.array(chain.branching)
    for nuclide, half in fate.biological_half_life_s.items():
        removal[chain.index(nuclide)] = math.log(2.0) / half
    for nuclide, share in fate.leaving_share.items():
        branching[chain.index(nuclide)] *= 1.0 - share
    total = constants + removal
    decaying = np.divide(constants, total, out=np.ones_like(total), where=total > 0)
    half_lives = np.divide(math.log(2.0), total, out=np.full_like(total, math.inf), where=total > 0)
    return DecayChain(chain.members, half_lives, branching * decaying), decaying


def _fed(
    chain: DecayChain, amplitudes: NDArray[np.float64], rates: NDArray[np.float64], until_s: float
) -> NDArray[np.float64]:
    """Return how often members come to an end when the first is active as the exponentials say."""
    total = np.zeros(len(chain.members))
    ends = made_by_first(chain, longest_s=LIFE_S)
    for amplitude, rate in zip(amplitudes, rates, strict=True):
        if math.isfinite(until_s):
            half_lives = np.array(chain.half_life_s)
            half_lives[0] = math.log(2.0) / rate
            fed = DecayChain(chain.members, half_lives, chain.branching)
            ends = chain_decays(fed, fed.members[0], until_s)
        total += (amplitude / rate) * ends
    return total
