"""A case on disk: plain files plus an SQLite index.

Images are NIfTI, structures and results are JSON, so other programs open them too. A file's name
carries the first digits of its content's digest: a new version is written beside the old one, the
index is switched in one transaction, and only then does the old file go. Whatever interrupts the
program, the index never names a file that is not whole. The folder can be copied, zipped and diffed.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from tumorboard.core.case import Case, CaseItem, ItemKind
from tumorboard.core.curves import TimeActivityCurves
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import StructureSet
from tumorboard.errors import InputError, TumorboardError, UnreadableFile
from tumorboard.io import nifti
from tumorboard.io.case_encoding import (
    array_digest,
    structures_from_json,
    structures_to_json,
    text_digest,
)
from tumorboard.io.files import atomic_write
from tumorboard.provenance import Record

__all__ = ["CaseStore"]

_INDEX = "index.sqlite"
#: What :meth:`CaseStore._new_file` makes. A case may come from anywhere: an index that names anything else
#: could have the program read or delete files outside of its folder.
_FILE = re.compile(r"items/[a-z0-9][a-z0-9_\-]*\.(nii|json)", flags=re.ASCII)
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    files TEXT NOT NULL,        -- JSON list, relative to the folder
    provenance TEXT NOT NULL,   -- JSON of a Record
    attributes TEXT NOT NULL,   -- JSON
    made_from TEXT NOT NULL     -- digest of what the item was made from; '' when not stated
);
"""


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: ItemKind
    digest: str
    files: tuple[str, ...]
    provenance: Record
    attributes: Mapping[str, Any]


class CaseStore:
    """The stored contents of one case.

    Parameters
    ----------
    folder
        Made when absent. An existing folder must hold a case or be empty.
    identifier
        The patient's pseudonym; required to make a case, checked when one is there.

    Raises
    ------
    InputError
        When the folder holds something else, another patient's case, or none and no identifier is given.

    Examples
    --------
    >>> import tempfile
    >>> from tumorboard.provenance import Record
    >>> with tempfile.TemporaryDirectory() as folder, CaseStore(folder, identifier="P01") as store:
    ...     _ = store.put_result("suv", {"factor_per_bq_ml": 1e-4}, Record("example"))
    ...     store.result("suv")
    {'factor_per_bq_ml': 0.0001}
    """

    def __init__(self, folder: Path | str, *, identifier: str | None = None) -> None:
        self.folder = Path(folder)
        index = self.folder / _INDEX
        if not index.exists():
            if identifier is None:
                raise InputError(
                    f"folder of a case must hold {_INDEX}; {self.folder} does not; name a case folder"
                )
            if self.folder.exists() and any(self.folder.iterdir()):
                raise InputError(f"folder of a new case must be empty; {self.folder} is not; choose another")
        self.folder.mkdir(parents=True, exist_ok=True)
        # The index first: killed between the two, the folder is still one that the next run takes up.
        self._index = _open_index(index)
        try:
            (self.folder / "items").mkdir(exist_ok=True)
            self.identifier = self._check_identifier(identifier)
        except BaseException:
            self._index.close()
            raise

    def __enter__(self) -> CaseStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the index; the store cannot be used afterwards."""
        self._index.close()

    def case(self) -> Case:
        """Return the index of what is stored, in the order it was first put."""
        rows = self._rows("SELECT name, kind, digest, provenance, attributes FROM items ORDER BY rowid")
        items = tuple(
            CaseItem(name, ItemKind(kind), digest, Record.from_dict(json.loads(made)), json.loads(facts))
            for name, kind, digest, made, facts in rows
        )
        return Case(self.identifier, items)

    def is_fresh(self, name: str, made_from: str) -> bool:
        """Whether ``name`` is stored and was made from exactly the inputs whose digest is ``made_from``."""
        rows = self._rows("SELECT made_from FROM items WHERE name = ?", name)
        return (
            rows != []
            and rows[0][0] == made_from != ""
            and all((self.folder / file).is_file() for file in self._files(name))
        )

    def put_image(
        self,
        name: str,
        image: Image | DynamicImage,
        attributes: Mapping[str, Any] | None = None,
        *,
        made_from: str = "",
    ) -> CaseItem:
        """Store an image under ``name``; ``attributes`` are JSON-serialisable facts for display."""
        facts: dict[str, Any] = {
            "quantity": image.quantity.value,
            "unit": image.quantity.unit,
            "dtype": image.values.dtype.str,
            "grid": image.grid.to_dict(),
        }
        if isinstance(image, DynamicImage):
            facts["frames"] = {
                "start_s": image.frame_start_s.tolist(),
                "duration_s": image.frame_duration_s.tolist(),
                "time_zero": image.time_zero,
            }
        digest = array_digest(image.values, facts)
        file = self._new_file(name, digest, "nii")
        with atomic_write(self.folder / file) as temporary:
            nifti.write(image, temporary, times_elsewhere=isinstance(image, DynamicImage))
        entry = _Entry(ItemKind.IMAGE, digest, (file,), image.provenance, {**(attributes or {}), **facts})
        return self._put(name, entry, made_from)

    def image(self, name: str) -> Image | DynamicImage:
        """Read the image stored under ``name``: grid, quantity and provenance as they were put."""
        entry = self._entry(name, ItemKind.IMAGE)
        facts = entry.attributes
        frames = facts.get("frames", {})
        # NIfTI keeps its affine in 32-bit floats and only equal frames: the index holds grid and times.
        stored = nifti.read(
            self.folder / entry.files[0],
            quantity=Quantity(facts["quantity"]),
            frame_of_reference=facts["grid"]["frame_of_reference"],
            frame_start_s=frames.get("start_s"),
            frame_duration_s=frames.get("duration_s"),
            time_zero=frames.get("time_zero"),
        )
        values = stored.values.astype(np.dtype(facts["dtype"]), copy=False)
        grid = Grid.from_dict(facts["grid"])
        if not frames:
            return Image(values, grid, stored.quantity, entry.provenance)
        return DynamicImage(
            values,
            grid,
            stored.quantity,
            frames["start_s"],
            frames["duration_s"],
            frames["time_zero"],
            entry.provenance,
        )

    def put_structures(
        self,
        name: str,
        structures: StructureSet,
        attributes: Mapping[str, Any] | None = None,
        *,
        made_from: str = "",
    ) -> CaseItem:
        """Store a structure set: contours as JSON, masks as NIfTI beside it."""
        masks = [(i, s.mask) for i, s in enumerate(structures.structures) if s.mask is not None]
        text = structures_to_json(structures)
        digest = text_digest(text, *(array_digest(mask.values, mask.grid.to_dict()) for _, mask in masks))
        file = self._new_file(name, digest, "json")
        files = [file]
        for i, mask in masks:
            files.append(self._new_file(f"{name}-mask{i}", digest, "nii"))
            with atomic_write(self.folder / files[-1]) as temporary:
                nifti.write(mask, temporary)
        with atomic_write(self.folder / file) as temporary:
            temporary.write_text(text, encoding="utf-8")
        facts = {**(attributes or {}), "structures": list(structures.names)}
        entry = _Entry(ItemKind.STRUCTURES, digest, tuple(files), structures.provenance, facts)
        return self._put(name, entry, made_from)

    def structures(self, name: str) -> StructureSet:
        """Read the structure set stored under ``name``."""
        entry = self._entry(name, ItemKind.STRUCTURES)

        def read_mask(position: int, grid: Grid, quantity: Quantity, dtype: str) -> Image:
            stored = nifti.read(
                self.folder / entry.files[1 + position],
                quantity=quantity,
                frame_of_reference=grid.frame_of_reference,
            )
            return Image(stored.values.astype(dtype), grid, quantity, entry.provenance)

        with self._text(entry) as text:
            return structures_from_json(text, entry.provenance, read_mask)

    def put_curves(self, name: str, curves: TimeActivityCurves, *, made_from: str = "") -> CaseItem:
        """Store time-activity curves [s, Bq] as JSON."""
        body = {"times_s": curves.times_s.tolist(), "activity_bq": curves.activity_bq.tolist()}
        return self._put_json(name, ItemKind.CURVES, body, curves.provenance, {}, made_from)

    def curves(self, name: str) -> TimeActivityCurves:
        """Read the time-activity curves stored under ``name``."""
        entry = self._entry(name, ItemKind.CURVES)
        with self._text(entry) as text:
            body = json.loads(text)
            return TimeActivityCurves(body["times_s"], body["activity_bq"], entry.provenance)

    def put_result(
        self,
        name: str,
        result: Mapping[str, Any],
        provenance: Record,
        attributes: Mapping[str, Any] | None = None,
        *,
        made_from: str = "",
    ) -> CaseItem:
        """Store a JSON-serialisable result; NaN and infinity are refused."""
        return self._put_json(name, ItemKind.RESULT, dict(result), provenance, attributes or {}, made_from)

    def result(self, name: str) -> dict[str, Any]:
        """Read the result stored under ``name``."""
        entry = self._entry(name, ItemKind.RESULT)
        with self._text(entry) as text:
            body: dict[str, Any] = json.loads(text)
        return body

    def remove(self, name: str) -> None:
        """Remove an item; one that is not there is not an error."""
        files = self._files(name)
        with self._transaction():
            self._index.execute("DELETE FROM items WHERE name = ?", (name,))
        self._delete(files)

    def _check_identifier(self, identifier: str | None) -> str:
        rows = self._rows("SELECT value FROM facts WHERE key = 'identifier'")
        if not rows:
            if identifier is None:
                raise InputError(
                    f"case in {self.folder} must have an identifier; its index has none; remove it"
                )
            with self._transaction():
                self._index.execute("INSERT INTO facts VALUES ('identifier', ?)", (identifier,))
            return identifier
        stored = str(rows[0][0])
        if identifier is not None and identifier != stored:
            raise InputError(
                f"case in {self.folder} must be of patient {identifier!r}; it is of {stored!r}; "
                "choose another folder"
            )
        return stored

    def _put_json(
        self,
        name: str,
        kind: ItemKind,
        body: Mapping[str, Any],
        provenance: Record,
        attributes: Mapping[str, Any],
        made_from: str,
    ) -> CaseItem:
        try:
            text = json.dumps(body, indent=1, allow_nan=False)
        except (TypeError, ValueError) as reason:
            raise InputError(
                f"contents of {name!r} must be JSON-serialisable and finite; {reason}"
            ) from reason
        digest = text_digest(text)
        file = self._new_file(name, digest, "json")
        with atomic_write(self.folder / file) as temporary:
            temporary.write_text(text, encoding="utf-8")
        return self._put(name, _Entry(kind, digest, (file,), provenance, attributes), made_from)

    def _new_file(self, name: str, digest: str, suffix: str) -> str:
        CaseItem(name, ItemKind.RESULT, digest, Record("io.case_store"))  # refuses an unsafe name
        return f"items/{name}-{digest[:12]}.{suffix}"

    def _put(self, name: str, entry: _Entry, made_from: str) -> CaseItem:
        item = CaseItem(name, entry.kind, entry.digest, entry.provenance, entry.attributes)
        old = self._files(name)
        with self._transaction():
            self._index.execute(
                "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
                "kind = excluded.kind, digest = excluded.digest, files = excluded.files, "
                "provenance = excluded.provenance, attributes = excluded.attributes, "
                "made_from = excluded.made_from",
                (
                    name,
                    entry.kind.value,
                    entry.digest,
                    json.dumps(entry.files),
                    json.dumps(entry.provenance.to_dict()),
                    json.dumps(dict(entry.attributes), allow_nan=False),
                    made_from,
                ),
            )
        self._delete(old.difference(entry.files))
        return item

    def _delete(self, files: Iterable[str]) -> None:
        for file in files:
            (self.folder / file).unlink(missing_ok=True)

    def _entry(self, name: str, kind: ItemKind) -> _Entry:
        rows = self._rows(
            "SELECT kind, digest, files, provenance, attributes FROM items WHERE name = ?", name
        )
        if not rows or rows[0][0] != kind.value:
            have = ", ".join(item.name for item in self.case().of_kind(kind)) or "none"
            raise InputError(f"{kind.value} of the case must be one of: {have}; got {name!r}")
        _, digest, files, made, facts = rows[0]
        return _Entry(
            kind, digest, self._checked(files), Record.from_dict(json.loads(made)), json.loads(facts)
        )

    def _files(self, name: str) -> frozenset[str]:
        """Return the files of an item; none when there is no such item."""
        rows = self._rows("SELECT files FROM items WHERE name = ?", name)
        return frozenset(self._checked(rows[0][0]) if rows else ())

    def _checked(self, files: str) -> tuple[str, ...]:
        named = tuple(map(str, json.loads(files)))
        for file in named:
            if not _FILE.fullmatch(file):
                raise UnreadableFile(
                    f"index {self.folder / _INDEX} must name files below items/; got {file!r}; "
                    "it was not written by this program: do not use this case"
                )
        return named

    @contextmanager
    def _text(self, entry: _Entry) -> Iterator[str]:
        """Give an item's JSON text; what is wrong with it is said with the name of the file."""
        path = self.folder / entry.files[0]
        try:
            yield path.read_text(encoding="utf-8")
        except TumorboardError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as reason:
            raise UnreadableFile(
                f"item {path} must be as this program wrote it; {reason!r}; remove the case and make it again"
            ) from reason

    def _rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        try:
            return self._index.execute(query, values).fetchall()
        except sqlite3.DatabaseError as reason:
            raise UnreadableFile(
                f"index {self.folder / _INDEX} must be a readable SQLite file; {reason}; "
                "close the program that holds it, or take another copy of the case"
            ) from reason

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._index:
                yield
        except sqlite3.OperationalError as reason:
            raise InputError(
                f"index {self.folder / _INDEX} must be writable; {reason}; close the program that holds it"
            ) from reason


def _open_index(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, timeout=30.0)
        try:
            _require_schema(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.OperationalError as reason:
        raise InputError(
            f"index {path} must be open to reading and writing; {reason}; free space or permission, or close "
            "the program that holds it"
        ) from reason
    except sqlite3.DatabaseError as reason:
        raise UnreadableFile(
            f"index {path} must be an SQLite file; {reason}; remove it to start anew"
        ) from reason
    return connection


def _require_schema(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == _SCHEMA_VERSION:
        return  # and write nothing: a case may stand on a read-only disk
    if version != 0:
        raise UnreadableFile(
            f"index {path} must have schema version {_SCHEMA_VERSION}; got {version}; "
            "it was written by another version of tumorboard"
        )
    connection.executescript(_SCHEMA)
    connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    connection.commit()
