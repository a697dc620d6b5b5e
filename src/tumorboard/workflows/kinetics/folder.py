"""Which files of a folder are a dynamic scan of BIDS-PET, its curves and its blood."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tumorboard.errors import InputError
from tumorboard.io.curve_units import split_unit
from tumorboard.io.dicom.folder_walk import walk
from tumorboard.io.dicom.opening import open_regular
from tumorboard.io.sidecar import sidecar_of

__all__ = ["KineticFiles", "find_kinetic_files"]

_NIFTI: Final = (".nii", ".nii.gz")
_STARTS: Final = frozenset({"frame_start", "framestart", "frametimesstart", "frametimestart", "start"})
_ENDS: Final = frozenset({"frame_end", "frameend", "frametimesend", "end", "frame_duration", "duration"})
_BLOOD: Final = frozenset({"whole_blood_radioactivity", "plasma_radioactivity"})
_ON_CHROMOSOMES: Final = frozenset({"chrom", "chromosome", "chr", "#chrom", "contig", "seqnames"})
#: Only the line of headers is looked at here.
_HEADER_BYTES: Final = 1 << 16
_NO_SUBJECT: Final = "unnamed"


@dataclass(frozen=True, slots=True)
class KineticFiles:
    """The files of one scan.

    Parameters
    ----------
    subject
        Label after ``sub-``, or ``"unnamed"``.
    image
        Dynamic scan with its sidecar; ``None`` where there is none.
    curves, blood
        Tables.
    labels
        Regions as numbers on the scan's voxels; ``None`` where there are none.
    label_names
        Table that names them.
    left_out
        Further files of these kinds, that one scan has no use for.
    """

    subject: str
    image: Path | None
    curves: tuple[Path, ...]
    blood: tuple[Path, ...]
    labels: Path | None
    label_names: Path | None
    left_out: tuple[Path, ...]

    @property
    def used(self) -> tuple[Path, ...]:
        """All that are read, sidecars included, in order."""
        named = [*([self.image] if self.image else []), *self.curves, *self.blood]
        more = [path for path in (self.labels, self.label_names) if path is not None]
        sidecars = [sidecar_of(path) for path in (*named, *more)]
        return tuple(dict.fromkeys([*named, *more, *(path for path in sidecars if path.is_file())]))


def find_kinetic_files(folder: Path, subject: str | None) -> KineticFiles | None:
    """Find a dynamic scan, its curves and its blood below a folder.

    Images go by BIDS's names, tables by their headers.

    Parameters
    ----------
    folder
        Walked to any depth.
    subject
        Which one, with or without ``sub-``, where there are several.

    Returns
    -------
    KineticFiles or None
        ``None`` where the folder has neither a dynamic scan nor a table of curves.

    Raises
    ------
    InputError
        When there are several subjects or several scans and none is chosen.
    """
    files = walk(folder).files
    images = [p for p in files if p.name.endswith(tuple(f"_pet{end}" for end in _NIFTI))]
    images = [p for p in images if sidecar_of(p).is_file()]
    tables = {path: _headers(path) for path in files if path.name.endswith((".tsv", ".tac", ".bld"))}
    curves = [path for path, headers in tables.items() if _is_curves(path, headers)]
    blood = [path for path, headers in tables.items() if _is_blood(path, headers)]
    if not images and not curves:
        return None
    labels = [p for p in files if p.name.endswith(tuple(f"_dseg{end}" for end in _NIFTI))]
    chosen = _one_subject([*images, *curves], folder, subject)

    def own(paths: Sequence[Path]) -> list[Path]:
        return [path for path in paths if _subject(path, folder) in (chosen, _NO_SUBJECT)]

    images, curves, blood, labels = own(images), own(curves), own(blood), own(labels)
    if len(images) > 1:
        raise InputError(
            f"folder must hold one dynamic scan; {folder} has {len(images)}: "
            f"{', '.join(p.name for p in images[:3])}; name the folder of one session"
        )
    names = None
    if labels:
        table = labels[0].with_name(sidecar_of(labels[0]).stem + ".tsv")
        names = table if table.is_file() else None
    return KineticFiles(
        chosen,
        images[0] if images else None,
        tuple(curves[:1]),
        tuple(blood),
        labels[0] if labels and images else None,
        names,
        (*curves[1:], *labels[1:]),
    )


def _is_curves(path: Path, headers: frozenset[str]) -> bool:
    if headers & _ON_CHROMOSOMES:  # starts and ends of introns or segments, not of frames
        return False
    return bool(headers & _STARTS and headers & _ENDS) or path.name.endswith(".tac")


def _is_blood(path: Path, headers: frozenset[str]) -> bool:
    return ("time" in headers and bool(headers & _BLOOD)) or path.name.endswith(".bld")


def _headers(path: Path) -> frozenset[str]:
    """Return the names in the first line, lower case, without their units; none of what is no text."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            line = file.readline(_HEADER_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, InputError):
        # Whatever cannot be read here is no table of curves: the report lists it among the files not used.
        return frozenset()
    row = next(csv.reader([line.rstrip("\r\n")], delimiter="\t"), [])
    return frozenset(split_unit(cell)[0].lower().replace(" ", "_") for cell in row)


def _subject(path: Path, folder: Path) -> str:
    """Return the label after ``sub-`` in the name, or in that of a folder above."""
    parts = path.relative_to(folder).parts if path.is_relative_to(folder) else (path.name,)
    for part in (parts[-1], *parts[:-1], folder.resolve().name):
        if part.startswith("sub-"):
            return part.removeprefix("sub-").split("_")[0].split(".")[0]
    return _NO_SUBJECT


def _one_subject(paths: Sequence[Path], folder: Path, wanted: str | None) -> str:
    found = sorted({_subject(path, folder) for path in paths})
    named = [name for name in found if name != _NO_SUBJECT] or found
    if wanted is not None:
        name = wanted.removeprefix("sub-")
        if name not in named:
            raise InputError(f"patient must be one of {', '.join(named)}; got {wanted!r}")
        return name
    if len(named) > 1:
        raise InputError(
            f"folder must hold one patient; {folder} has {len(named)}: {', '.join(named[:5])}; choose with "
            "--patient"
        )
    return named[0]
