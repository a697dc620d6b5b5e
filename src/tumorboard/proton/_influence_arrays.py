"""Arrays for the entries of a dose influence: in memory, or in files that are mapped into it."""

from __future__ import annotations

import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.proton.influence import influence_bytes


@dataclass(slots=True)
class EntryArrays:
    """Voxels, dose and dose times LETd of the entries; the last has no size when it is not wanted."""

    voxels: NDArray[np.int32]
    dose: NDArray[np.float32]
    dose_let: NDArray[np.float32] | None
    folder: Path | None

    @property
    def as_tuple(self) -> tuple[Any, ...]:
        """As the kernels take them."""
        return self.voxels, self.dose, np.empty(0, np.float32) if self.dose_let is None else self.dose_let


def allocate(
    n_entries: int, n_spots: int, with_let: bool, memory_limit_gb: float, folder: Path | None
) -> EntryArrays:
    """Make room for the entries where there is some, or say what would be needed."""
    if not (math.isfinite(memory_limit_gb) and memory_limit_gb > 0):
        raise InputError(f"memory_limit_gb must be finite and > 0 [GB]; got {memory_limit_gb!r}")
    needed = influence_bytes(n_entries, n_spots, with_let=with_let)
    types: list[tuple[str, Any]] = [("voxels", np.int32), ("dose", np.float32)] + (
        [("dose_let", np.float32)] if with_let else []
    )
    if needed <= memory_limit_gb * 1e9:
        made: list[NDArray[Any]] = [np.empty(n_entries, t) for _, t in types]
        return EntryArrays(made[0], made[1], made[2] if with_let else None, None)
    if folder is None:
        raise InputError(
            f"the dose influence must fit into memory_limit_gb={memory_limit_gb:g} GB; it has {n_entries} "
            f"entries of {n_spots} spots and takes {needed / 1e9:.2f} GB; raise the limit, give a folder for "
            "it, a mask of the patient, a coarser dose grid, or larger cut-offs"
        )
    folder.mkdir(parents=True, exist_ok=True)
    room = Path(tempfile.mkdtemp(prefix=".influence-", dir=folder))
    made = [np.memmap(room / f"{n}.bin", t, "w+", shape=(max(n_entries, 1),))[:n_entries] for n, t in types]
    return EntryArrays(made[0], made[1], made[2] if with_let else None, room)


def finish(arrays: EntryArrays, starts: NDArray[np.int64], kept: NDArray[np.int64]) -> NDArray[np.int64]:
    """Close the gaps behind the kept entries of each column; return where the columns then start."""
    ends = np.concatenate([[0], np.cumsum(kept)])
    values: list[NDArray[Any]] = [arrays.voxels, arrays.dose] + (
        [] if arrays.dose_let is None else [arrays.dose_let]
    )
    if ends[-1] != starts[-1]:
        for n, length in enumerate(kept):
            if starts[n] != ends[n]:
                for array in values:
                    array[ends[n] : ends[n + 1]] = array[starts[n] : starts[n] + length]
        values = [_shortened(array, int(ends[-1])) for array in values]
        arrays.voxels, arrays.dose = values[0], values[1]
        arrays.dose_let = values[2] if len(values) > 2 else None
    if arrays.folder is not None:
        arrays.folder = _published(arrays.folder, values)
    for array in values:
        array.flags.writeable = False
    return ends


def _shortened(array: NDArray[Any], n: int) -> NDArray[Any]:
    if isinstance(array, np.memmap):
        return array[:n]
    # In place: a copy would need the memory twice.
    array.resize((n,), refcheck=False)
    return array


def _published(room: Path, values: list[NDArray[Any]]) -> Path:
    """Give the finished files their place, so that a folder with its name is always whole."""
    for array in values:
        if isinstance(array, np.memmap):
            array.flush()
    final = room.with_name(room.name.removeprefix("."))
    os.replace(room, final)
    return final
