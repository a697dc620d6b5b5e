"""What a case says of a series before anything of it is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tumorboard.workflows.printable import printable

__all__ = ["empty_series"]


def empty_series(
    uid: str, modality: str, description: str, n_files: int, notes: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the record of a series to be filled in, as :class:`.SeriesFacts` reads it.

    Parameters
    ----------
    uid
        Of the series; empty where it has none.
    modality, description
        As the files say, or what stands for it.
    n_files
        That it is read from.
    notes
        Of what was found before.
    """
    return {
        "uid": uid,
        "modality": modality,
        "description": description,
        "files": n_files,
        "notes": [printable(note) for note in notes],
        "volumes": [],
        "structures": None,
        "acquisition": None,
        "error": None,
    }
