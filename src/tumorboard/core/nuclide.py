"""A nuclide, by any of the names that people and files give it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tumorboard.errors import InputError

__all__ = ["ELEMENT_NAMES", "Nuclide"]

#: Symbol and English name of the elements 1 to 118, in order of their numbers.
ELEMENT_NAMES: Final = tuple(
    tuple(pair.split(":"))
    for pair in (
        "H:hydrogen He:helium Li:lithium Be:beryllium B:boron C:carbon N:nitrogen O:oxygen F:fluorine "
        "Ne:neon Na:sodium Mg:magnesium Al:aluminium Si:silicon P:phosphorus S:sulfur Cl:chlorine Ar:argon "
        "K:potassium Ca:calcium Sc:scandium Ti:titanium V:vanadium Cr:chromium Mn:manganese Fe:iron "
        "Co:cobalt Ni:nickel Cu:copper Zn:zinc Ga:gallium Ge:germanium As:arsenic Se:selenium Br:bromine "
        "Kr:krypton Rb:rubidium Sr:strontium Y:yttrium Zr:zirconium Nb:niobium Mo:molybdenum Tc:technetium "
        "Ru:ruthenium Rh:rhodium Pd:palladium Ag:silver Cd:cadmium In:indium Sn:tin Sb:antimony Te:tellurium "
        "I:iodine Xe:xenon Cs:caesium Ba:barium La:lanthanum Ce:cerium Pr:praseodymium Nd:neodymium "
        "Pm:promethium Sm:samarium Eu:europium Gd:gadolinium Tb:terbium Dy:dysprosium Ho:holmium Er:erbium "
        "Tm:thulium Yb:ytterbium Lu:lutetium Hf:hafnium Ta:tantalum W:tungsten Re:rhenium Os:osmium "
        "Ir:iridium Pt:platinum Au:gold Hg:mercury Tl:thallium Pb:lead Bi:bismuth Po:polonium At:astatine "
        "Rn:radon Fr:francium Ra:radium Ac:actinium Th:thorium Pa:protactinium U:uranium Np:neptunium "
        "Pu:plutonium Am:americium Cm:curium Bk:berkelium Cf:californium Es:einsteinium Fm:fermium "
        "Md:mendelevium No:nobelium Lr:lawrencium Rf:rutherfordium Db:dubnium Sg:seaborgium Bh:bohrium "
        "Hs:hassium Mt:meitnerium Ds:darmstadtium Rg:roentgenium Cn:copernicium Nh:nihonium Fl:flerovium "
        "Mc:moscovium Lv:livermorium Ts:tennessine Og:oganesson"
    ).split()
)

_NUMBERS: Final = {
    name: z for z, pair in enumerate(ELEMENT_NAMES, start=1) for name in (pair[0].lower(), pair[1])
} | {"cesium": 55, "aluminum": 13, "sulphur": 16, "fluor": 9}
_ISOMERS: Final = {"": 0, "g": 0, "m": 1, "m1": 1, "m2": 2, "m3": 3, "n": 2}
_MASS_LAST = re.compile(r"([a-z]+)[-_ ]?(\d{1,3})(m[123]?|n|g)?")
_MASS_FIRST = re.compile(r"(\d{1,3})[-_ ]?(m[123]?|n|g)?[-_ ]?([a-z]+)")


@dataclass(frozen=True, slots=True, order=True)
class Nuclide:
    """An element's isotope, in its ground state or an isomeric one.

    Parameters
    ----------
    atomic_number
        Z, 1 to 118.
    mass_number
        A, from Z to 300.
    isomer
        0 for the ground state, 1 for the first state with a half-life of its own (m), and so on.

    Raises
    ------
    InputError
        When a number is out of range.

    Examples
    --------
    >>> Nuclide.named("177Lu"), Nuclide.named("Tc99m").name
    (Nuclide(atomic_number=71, mass_number=177, isomer=0), 'Tc-99m')
    """

    atomic_number: int
    mass_number: int
    isomer: int = 0

    def __post_init__(self) -> None:
        limits = {"atomic_number": (1, 118), "mass_number": (self.atomic_number, 300), "isomer": (0, 9)}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if value != int(value) or not low <= value <= high:
                raise InputError(f"{name} of a nuclide must be a whole number {low} to {high}; got {value!r}")
            object.__setattr__(self, name, int(value))

    @classmethod
    def named(cls, name: str) -> Nuclide:
        """Return the nuclide that a name in any usual spelling means.

        Parameters
        ----------
        name
            ``"Lu-177"``, ``"177Lu"``, ``"lu177"``, ``"Lutetium-177"``, ``"^177^Lutetium"``; ``"Tc-99m"``,
            ``"99mTc"``.

        Raises
        ------
        InputError
            When it is no name of a nuclide.

        Examples
        --------
        >>> [Nuclide.named(n).name for n in ("^177^Lutetium", "99mTc", "99Mo", "I 131")]
        ['Lu-177', 'Tc-99m', 'Mo-99', 'I-131']
        """
        text = name.replace("^", "").strip().lower() if isinstance(name, str) else ""
        first = _MASS_FIRST.fullmatch(text)
        last = _MASS_LAST.fullmatch(text)
        if last is not None and last[1] in _NUMBERS:
            return cls(_NUMBERS[last[1]], int(last[2]), _ISOMERS[last[3] or ""])
        if first is not None:
            # The m of 99mo is molybdenum's own, that of 99mtc is not technetium's.
            whole = (first[2] or "") + first[3]
            if whole in _NUMBERS:
                return cls(_NUMBERS[whole], int(first[1]))
            if first[3] in _NUMBERS:
                return cls(_NUMBERS[first[3]], int(first[1]), _ISOMERS[first[2] or ""])
        raise InputError(f"name must be one of a nuclide, such as Lu-177, 177Lu or Tc-99m; got {name!r}")

    @property
    def symbol(self) -> str:
        """Of the element, e.g. ``"Lu"``."""
        return ELEMENT_NAMES[self.atomic_number - 1][0]

    @property
    def name(self) -> str:
        """Symbol and mass number, with m for the first isomer, m2 for the second, e.g. ``"Tc-99m"``."""
        isomer = "" if self.isomer == 0 else "m" if self.isomer == 1 else f"m{self.isomer}"
        return f"{self.symbol}-{self.mass_number}{isomer}"

    def __str__(self) -> str:
        return self.name
