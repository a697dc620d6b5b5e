"""The elements: atomic weights, mean excitation energies, density effect."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from tumorboard.errors import InputError
from tumorboard.physics._tables import rows

__all__ = ["DensityEffect", "Element", "element", "element_of"]


@dataclass(frozen=True, slots=True)
class DensityEffect:
    """Parameters of Sternheimer's parametrisation of the density effect correction [1]_.

    Parameters
    ----------
    c, a, m, x0, x1, delta0
        Without unit; ``c`` is positive here.

    References
    ----------
    .. [1] sternheimer1984density
    """

    c: float
    a: float
    m: float
    x0: float
    x1: float
    delta0: float


@dataclass(frozen=True, slots=True)
class Element:
    """An element in its natural isotopic composition.

    Parameters
    ----------
    atomic_number
        Z.
    symbol
        E.g. ``"Ca"``.
    atomic_weight_g_mol
        Standard atomic weight [g/mol].
    density_g_cm3
        Of the element itself, gases at 20 degrees C and 1 atm [g/cm3].
    mean_excitation_energy_ev
        I of the element itself [eV].
    in_condensed_compound_ev, in_gaseous_compound_ev
        I of its atoms in compounds, for Bragg's rule [eV].
    density_effect
        Of the element itself.
    """

    atomic_number: int
    symbol: str
    atomic_weight_g_mol: float
    density_g_cm3: float
    mean_excitation_energy_ev: float
    in_condensed_compound_ev: float
    in_gaseous_compound_ev: float
    density_effect: DensityEffect


@lru_cache(maxsize=1)
def _elements() -> dict[int, Element]:
    found = {}
    for row in rows("elements/elements.csv"):
        numbers = {k: float(v) for k, v in row.items() if k not in ("atomic_number", "symbol")}
        effect = DensityEffect(**{k: numbers.pop(k) for k in ("c", "a", "m", "x0", "x1", "delta0")})
        z = int(row["atomic_number"])
        found[z] = Element(z, row["symbol"], density_effect=effect, **numbers)
    return found


def element(atomic_number: int) -> Element:
    """Return an element by its atomic number.

    Parameters
    ----------
    atomic_number
        1 (hydrogen) to 92 (uranium).

    Returns
    -------
    Element
        With the numbers of ``tables/elements`` [1]_ [2]_.

    Raises
    ------
    InputError
        When there is none in the table.

    References
    ----------
    .. [1] icru1984report37
    .. [2] icru1993report49

    Examples
    --------
    >>> element(8).in_condensed_compound_ev
    106.0
    """
    try:
        return _elements()[atomic_number]
    except KeyError:
        raise InputError(
            f"atomic_number must be 1 to 92; got {atomic_number!r}; tables/elements/elements.csv has no other"
        ) from None


def element_of(symbol: str) -> Element:
    """Return an element by its symbol.

    Parameters
    ----------
    symbol
        E.g. ``"Ca"``.

    Returns
    -------
    Element
        As :func:`element` does.

    Raises
    ------
    InputError
        When no element of the table has it.

    Examples
    --------
    >>> element_of("Ca").atomic_number
    20
    """
    for found in _elements().values():
        if found.symbol == symbol:
            return found
    raise InputError(f"symbol must be an element's, hydrogen to uranium, like 'Ca'; got {symbol!r}")
