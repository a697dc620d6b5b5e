"""What a user can choose about a nuclide's data."""

from __future__ import annotations

from dataclasses import dataclass

from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError

__all__ = ["LIBRARIES", "NuclideConfig"]

#: Names of the libraries, as :class:`tumorboard.physics.decay.DecayLibrary` has them.
LIBRARIES = ("ENDF/B-VIII.1", "JEFF-4.0")


@dataclass(frozen=True, slots=True)
class NuclideConfig:
    """A nuclide and whose data of it.

    Parameters
    ----------
    nuclide
        Name in any usual spelling; kept as ``"Tc-99m"``.
    library
        One of :data:`LIBRARIES`, upper or lower case.

    Raises
    ------
    InputError
        When a name is none.
    """

    nuclide: str
    library: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "nuclide", Nuclide.named(self.nuclide).name)
        known = {name.lower(): name for name in LIBRARIES}
        if self.library.lower() not in known:
            raise InputError(f"library must be one of {', '.join(LIBRARIES)}; got {self.library!r}")
        object.__setattr__(self, "library", known[self.library.lower()])
