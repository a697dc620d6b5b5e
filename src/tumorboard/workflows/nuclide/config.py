"""What a user can choose about a nuclide's data."""

from __future__ import annotations

from dataclasses import dataclass

from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError
from tumorboard.physics.decay_library import DecayLibrary

__all__ = ["LIBRARIES", "NuclideConfig", "library_name"]

#: Names of the libraries.
LIBRARIES = tuple(library.value for library in DecayLibrary)


def library_name(library: str) -> str:
    """Return the name of a library as :data:`LIBRARIES` has it.

    Parameters
    ----------
    library
        One of :data:`LIBRARIES`, upper or lower case.

    Raises
    ------
    InputError
        When there is no such library.

    Examples
    --------
    >>> library_name("jeff-4.0")
    'JEFF-4.0'
    """
    known = {name.lower(): name for name in LIBRARIES}
    if library.lower() not in known:
        raise InputError(f"library must be one of {', '.join(LIBRARIES)}; got {library!r}")
    return known[library.lower()]


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
        object.__setattr__(self, "library", library_name(self.library))
