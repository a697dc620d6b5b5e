"""What is assumed of the places where progeny decays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError

__all__ = ["ProgenyAssumption", "ProgenyFate"]


class ProgenyAssumption(Enum):
    """What is assumed of the places where progeny decays."""

    EXCLUDED = "excluded"
    """Decays of the parent alone count."""

    WITH_PARENT = "with_parent"
    """Progeny decays where its parent did."""

    MOVES = "moves"
    """Some of it leaves: a share at once, by recoil say, or all slowly, with biological half-lives."""


@dataclass(frozen=True, slots=True)
class ProgenyFate:
    """What becomes of progeny, which must be assumed: no bond outlives an alpha's recoil [1]_.

    Parameters
    ----------
    assumption
        What is assumed.
    leaving_share
        Of MOVES: which share of the atoms of a member leaves when it is made, 0 to 1, with all that they
        become.
    biological_half_life_s
        Of MOVES: half-life with which a member leaves where it was made, > 0 [s]. Members not named stay.

    Raises
    ------
    InputError
        When MOVES says nothing of how, another assumption does, or a number is out of range.

    References
    ----------
    .. [1] sgouros2010mird22

    Examples
    --------
    >>> fate = ProgenyFate(ProgenyAssumption.MOVES, leaving_share={"Fr-221": 0.3})
    >>> print(fate.statement)
    Progeny decays where it is made, but 30 % of Fr-221 leaves at once.
    """

    assumption: ProgenyAssumption
    leaving_share: Mapping[Nuclide | str, float] = field(default_factory=dict)
    biological_half_life_s: Mapping[Nuclide | str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.assumption, ProgenyAssumption):
            names = ", ".join(f"ProgenyAssumption.{one.name}" for one in ProgenyAssumption)
            raise InputError(f"assumption must be one of {names}; got {self.assumption!r}")
        for name, most in (("leaving_share", 1.0), ("biological_half_life_s", math.inf)):
            given = getattr(self, name)
            own = {k if isinstance(k, Nuclide) else Nuclide.named(k): float(v) for k, v in given.items()}
            for nuclide, value in own.items():
                if not (0 <= value <= most and (name == "leaving_share" or value > 0)):
                    rule = "0 to 1" if name == "leaving_share" else "> 0 [s]"
                    raise InputError(f"{name} of {nuclide} must be {rule}; got {value!r}")
            object.__setattr__(self, name, own)
        moves = self.assumption is ProgenyAssumption.MOVES
        if moves != bool(self.leaving_share or self.biological_half_life_s):
            raise InputError(
                "leaving_share or biological_half_life_s must be given with ProgenyAssumption.MOVES, only "
                f"then; got {self.assumption} with {dict(self.leaving_share)} and "
                f"{dict(self.biological_half_life_s)}"
            )

    @property
    def statement(self) -> str:
        """The assumption in a sentence, for reports."""
        if self.assumption is ProgenyAssumption.EXCLUDED:
            return "Decays of progeny are not counted."
        if self.assumption is ProgenyAssumption.WITH_PARENT:
            return "All progeny decays where its parent did."
        parts = [f"{100 * share:g} % of {n} leaves at once" for n, share in self.leaving_share.items()]
        parts += [
            f"{n} leaves with a half-life of {half / 3600:.4g} h"
            for n, half in self.biological_half_life_s.items()
        ]
        return f"Progeny decays where it is made, but {', '.join(parts)}."
