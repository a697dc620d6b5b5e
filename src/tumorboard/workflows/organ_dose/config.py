"""What a user can choose about organ doses from a radiopharmaceutical."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from tumorboard.errors import InputError
from tumorboard.workflows.nuclide.config import LIBRARIES, library_name

__all__ = ["OrganDoseConfig"]


@dataclass(frozen=True, slots=True)
class OrganDoseConfig:
    """A radiopharmaceutical, how much of it, and how its doses are calculated.

    Parameters
    ----------
    radiopharmaceutical
        Name of a biokinetic model that comes along, or path of one's own (TOML).
    administered_mbq
        Finite and > 0 [MBq].
    library
        Whose decay data, one of :data:`~tumorboard.workflows.nuclide.config.LIBRARIES`.
    histories
        Decays from each source that are followed, >= 40.
    spacing_mm
        Edge of the phantom's voxels, 1 to 10 [mm].
    seed
        Of the random streams.
    threads
        At a time, >= 1; results do not depend on them.
    cache
        Folder that S-values are kept in; ``None``: the user's.

    Raises
    ------
    InputError
        When a number is out of range or a library is none.
    """

    radiopharmaceutical: str
    administered_mbq: float
    library: str = LIBRARIES[0]
    histories: int = 1_000_000
    spacing_mm: float = 3.5
    seed: int = 1
    threads: int = 2
    cache: Path | None = None

    def __post_init__(self) -> None:
        if not self.radiopharmaceutical:
            raise InputError(
                "radiopharmaceutical must be the name of a model or a TOML file; got none; try fdg"
            )
        if not (math.isfinite(self.administered_mbq) and self.administered_mbq > 0):
            raise InputError(
                f"administered_mbq must be finite and > 0 [MBq]; got {self.administered_mbq!r}; is it Bq?"
            )
        object.__setattr__(self, "library", library_name(self.library))
