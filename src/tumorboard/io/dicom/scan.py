"""From a folder of files that nobody vouches for to the series in it."""

from __future__ import annotations

import gc
import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.dicom.folder_walk import walk
from tumorboard.io.dicom.headers import read_headers
from tumorboard.io.dicom.opening import open_regular
from tumorboard.io.dicom.sandbox import Limits, default_jobs
from tumorboard.io.dicom.study import FileHeader, Quarantined, Series, Study

__all__ = ["scan"]

_BLOCK_BYTES = 1 << 20


def scan(
    folder: str | os.PathLike[str],
    *,
    limits: Limits | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Study:
    """Find the DICOM series below a folder.

    Any depth and any file names. Every file is treated as hostile: nothing in it becomes part of a path, a
    broken one is set aside with its reason and the rest is read, and only headers are read.

    Files make a series when they share patient, study, Series Instance UID and kind of object. Files with
    one SOP Instance UID and the same bytes are one file, and the series notes it; with different bytes all
    of them are set aside, because nothing says which is right.

    Parameters
    ----------
    folder
        Where to look. Links out of it are not followed; each file is visited once.
    limits
        What parsing one unusual file may cost; ``Limits()`` when None: 512 MB and 10 s.
    jobs
        Threads and processes at a time; the number of processors when None.
    progress
        Called now and then with the number of files read and of all.

    Returns
    -------
    Study
        Series by patient, study, series number and UID.

    Raises
    ------
    InputError
        When ``folder`` is not a folder, or ``jobs`` is less than one.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     scan(empty).series
    ()
    """
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs must be >= 1; got {jobs!r}")
    root = Path(folder)
    with _only_new_objects_collected():
        found = walk(root)
        headers, quarantined, ignored = read_headers(
            found.files, jobs=jobs or default_jobs(), limits=limits or Limits(), progress=progress
        )
        kept, conflicts, notes = _settle_duplicates(headers)
        return Study(
            folder=root,
            series=_group(kept, notes),
            quarantined=tuple(sorted([*found.quarantined, *quarantined, *conflicts], key=attrgetter("path"))),
            ignored=tuple(sorted([*found.ignored, *ignored])),
        )


@contextmanager
def _only_new_objects_collected() -> Iterator[None]:
    """Keep the garbage collector from everything that was there before.

    The many headers of a scan set it off, and one look through all that Python has imported takes a third of
    the time of scanning 7,000 files. What is garbage already is found after the scan.
    """
    if gc.get_freeze_count():  # by the program, or by a scan in another thread: theirs to undo
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _settle_duplicates(
    headers: Iterable[FileHeader],
) -> tuple[list[FileHeader], list[Quarantined], dict[str, list[str]]]:
    """Return the headers to keep, files that contradict each other, and notes by SOP Instance UID."""
    by_uid: dict[str, list[FileHeader]] = defaultdict(list)
    for header in headers:
        by_uid[header.sop_instance_uid].append(header)
    kept: list[FileHeader] = []
    quarantined: list[Quarantined] = []
    notes: dict[str, list[str]] = {}
    for uid, same in by_uid.items():
        if len(same) > 1 and not _are_identical(same):
            names = ", ".join(str(header.path) for header in same)
            reason = f"files with one SOPInstanceUID must be the same; these differ: {names}"
            quarantined += [Quarantined(header.path, reason) for header in same]
            continue
        kept.append(same[0])
        if len(same) > 1:
            notes[uid] = [
                f"{header.path} is a copy of {same[0].path} and was left out" for header in same[1:]
            ]
    return kept, quarantined, notes


def _are_identical(headers: list[FileHeader]) -> bool:
    if len({header.file_size for header in headers}) > 1:
        return False
    try:
        return len({_digest(header.path) for header in headers}) == 1
    except UnreadableFile:  # gone since its header was read
        return False


def _digest(path: Path) -> bytes:
    digest = hashlib.sha256()
    with os.fdopen(open_regular(path), "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.digest()


def _group(headers: Iterable[FileHeader], notes: dict[str, list[str]]) -> tuple[Series, ...]:
    groups: dict[tuple[str, str, str, str], list[FileHeader]] = defaultdict(list)
    for header in headers:
        key = header.patient_id, header.study_instance_uid, header.series_instance_uid, header.sop_class_uid
        groups[key].append(header)
    by_series_uid: dict[str, list[tuple[str, str, str, str]]] = defaultdict(list)
    for key in groups:
        by_series_uid[key[2]].append(key)
    series = []
    for key, members in groups.items():
        first = members[0]
        remarks = _remarks_on_shared_uid(key, by_series_uid[key[2]])
        remarks += [note for header in members for note in notes.get(header.sop_instance_uid, ())]
        series.append(
            Series(
                uid=first.series_instance_uid,
                study_uid=first.study_instance_uid,
                modality=first.modality,
                sop_class_uid=first.sop_class_uid,
                description=first.series_description,
                headers=tuple(members),
                notes=tuple(remarks),
            )
        )
    return tuple(sorted(series, key=_place))


def _remarks_on_shared_uid(
    key: tuple[str, str, str, str], keys: list[tuple[str, str, str, str]]
) -> list[str]:
    if len(keys) == 1:
        return []
    names = ("patient", "study", "", "kind of object")
    differing = [name for k, name in enumerate(names) if name and len({other[k] for other in keys}) > 1]
    return [
        f"files of another {' and '.join(differing)} have this SeriesInstanceUID too; they were kept apart"
    ]


def _place(series: Series) -> tuple[str, str, bool, int, str, str]:
    first = series.headers[0]
    number = first.series_number
    return (
        first.patient_id,
        series.study_uid,
        number is None,
        number or 0,
        series.uid,
        series.sop_class_uid,
    )
