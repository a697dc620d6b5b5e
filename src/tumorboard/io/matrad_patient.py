"""Phantoms and patients that matRad saved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import Structure, StructureKind, StructureSet
from tumorboard.errors import GeometryError, InputError, UnreadableFile
from tumorboard.io.case_encoding import array_digest
from tumorboard.io.dicom.identity import make_uid
from tumorboard.io.dicom.unique_names import unique_names
from tumorboard.io.matlab_file import matlab_field, matlab_numbers, read_matlab
from tumorboard.provenance import Record

__all__ = ["MatradPatient", "read_matrad_patient"]

#: Coordinate vectors must be as regular as the resolution says, to this [mm].
_REGULAR_MM: Final = 1e-3
_MOST_VOXELS: Final = 1 << 30


class MatradPatient(NamedTuple):
    """What a matRad patient file holds.

    Parameters
    ----------
    ct
        CT numbers [HU].
    structures
        Masks on the grid of ``ct``.
    objectives
        One dictionary per objective, in file order: ``structure``, ``structure_type`` (``"TARGET"``,
        ``"OAR"``), ``priority`` and whatever the file says of the objective (``className``,
        ``parameters``, ``penalty``). Doses in them are those of matRad [Gy].
    """

    ct: Image
    structures: StructureSet
    objectives: list[dict[str, Any]]


def read_matrad_patient(path: Path | str) -> MatradPatient:
    """Read CT, structures and objectives of a matRad patient [1]_.

    matRad's arrays run [y, x, z] with y fastest, and its voxel lists count from 1; here they become
    [z, y, x] and masks. Centres of voxels are the file's vectors x, y, z, which are patient coordinates
    (LPS). A file without them (``BOXPHANTOM.mat``) gets matRad's own rule: voxel k of n lies at
    (k - n/2) times the resolution, k from 0; the provenance says so.

    Parameters
    ----------
    path
        ``.mat`` file of version 5 to 7 with ``ct`` and ``cst``.

    Returns
    -------
    MatradPatient
        ``ct, structures, objectives``. matRad does not say which kind of target a ``TARGET`` is, so
        targets have no kind. The frame of reference is the file's where it states one; otherwise a UID
        that depends on the CT and its grid alone.

    Raises
    ------
    UnreadableFile, MissingAttribute
        When the file is broken or lacks what is needed.
    GeometryError
        When the coordinates do not make one regular grid.
    InputError
        When the CT has several scenarios, or a structure lies outside it.

    References
    ----------
    .. [1] wieser2017matrad
    """
    path = Path(path)
    variables = read_matlab(path, ("ct", "cst"))
    cube = _cube(variables["ct"])
    spacing, origin, notes = _placement(variables["ct"], cube.shape)
    values = np.ascontiguousarray(cube.transpose(2, 0, 1)).astype(np.float32)
    frame = _frame_of_reference(variables["ct"])
    if frame is None:
        facts = {"spacing_mm": spacing, "origin_mm": origin}
        frame = make_uid("matrad patient", seed=array_digest(values, facts))
        notes.append("the file names no frame of reference: one was made up from its content")
    grid = Grid(values.shape, spacing, origin, AXIAL, frame_of_reference=frame)
    rows = _rows(variables["cst"])
    objectives, unreadable = _objectives(rows)
    notes += [f"objectives of {name} are objects that only MATLAB reads: left out" for name in unreadable]
    record = Record(
        "io.read_matrad_patient", {"file": path.name, "notes": notes}, references=("wieser2017matrad",)
    )
    ct = Image(values, grid, Quantity.CT_NUMBER, record)
    structures, empty = _structures(rows, cube.shape, grid, record)
    named = StructureSet(structures, frame, record, label=path.stem[:16], empty_names=empty)
    return MatradPatient(ct, named, objectives)


def _cube(ct: Any) -> NDArray[Any]:
    """Return CT numbers, shape ``(n_y, n_x, n_z)`` [HU]."""
    cube = np.asarray(matlab_field(ct, "cubeHU", where="variable ct"))
    if cube.dtype == object:
        raise InputError(
            f"ct.cubeHU must have one scenario; got {cube.size}; in MATLAB: ct.cubeHU = ct.cubeHU{{1}}"
        )
    if cube.ndim != 3 or not 0 < cube.size <= _MOST_VOXELS or cube.dtype.kind not in "iuf":
        raise UnreadableFile(f"ct.cubeHU must be a volume of numbers [HU]; got shape {cube.shape}")
    if not np.isfinite(cube).all():
        raise UnreadableFile("ct.cubeHU must be finite [HU]; got NaN or infinity; export the CT again")
    return cube


def _placement(ct: Any, shape: tuple[int, ...]) -> tuple[list[float], list[float], list[str]]:
    """Return spacing along (z, y, x) [mm], the first voxel's centre (x, y, z) [mm] and notes."""
    resolution = matlab_field(ct, "resolution", where="variable ct")
    step = {
        a: float(
            matlab_numbers(matlab_field(resolution, a, where="ct.resolution"), where=f"resolution.{a}")[0]
        )
        for a in "xyz"
    }
    if min(step.values()) <= 0:
        raise GeometryError(f"ct.resolution must be > 0 [mm]; got {step}; correct the file")
    size = {"y": shape[0], "x": shape[1], "z": shape[2]}
    first, notes = {}, []
    for axis in "xyz":
        if axis not in ct._fieldnames:
            first[axis] = -size[axis] / 2 * step[axis]
            notes.append(f"the file has no coordinates along {axis}: centred by matRad's rule")
            continue
        vector = matlab_numbers(getattr(ct, axis), where=f"ct.{axis}")
        expected = vector[0] + step[axis] * np.arange(size[axis])
        if vector.shape != expected.shape or np.abs(vector - expected).max() > _REGULAR_MM:
            raise GeometryError(
                f"ct.{axis} must be {size[axis]} positions {step[axis]:g} mm apart, ascending [mm]; they are "
                "not; resample the CT"
            )
        first[axis] = float(vector[0])
    return [step[a] for a in "zyx"], [first[a] for a in "xyz"], notes


def _frame_of_reference(ct: Any) -> str | None:
    for name in ("dicomMeta", "dicomInfo"):
        uid = str(getattr(getattr(ct, name, None), "FrameOfReferenceUID", "") or "").strip()
        if uid and set(uid) <= set("0123456789.") and len(uid) <= 64:
            return uid
    return None


def _rows(cst: Any) -> dict[str, NDArray[Any]]:
    """Return the rows of matRad's table of structures by name."""
    table = np.asarray(cst, dtype=object)
    table = table[None] if table.ndim == 1 else table
    if table.ndim != 2 or table.shape[1] < 4:
        raise UnreadableFile(f"cst must be a cell array of 4 or more columns; got shape {table.shape}")
    return dict(zip(unique_names(str(row[1]) for row in table), table, strict=True))


def _structures(
    rows: Mapping[str, NDArray[Any]], shape: tuple[int, ...], grid: Grid, record: Record
) -> tuple[tuple[Structure, ...], tuple[str, ...]]:
    structures, empty = [], []
    for name, row in rows.items():
        kind = StructureKind.ORGAN if str(row[2]) == "OAR" else StructureKind.UNSTATED
        mask = _mask(row[3], shape, name)
        if mask.any():
            image = Image(mask, grid, Quantity.LABEL, record)
            structures.append(Structure(name, (), image, kind, _colour(row)))
        else:
            empty.append(name)
    return tuple(structures), tuple(empty)


def _mask(voxels: Any, shape: tuple[int, ...], name: str) -> NDArray[np.bool_]:
    """Return a mask of shape ``(n_z, n_y, n_x)`` of a list that counts from 1 with y fastest."""
    listed = np.asarray(voxels)
    if listed.dtype == object:
        raise InputError(f"structure {name!r} must have one scenario; got {listed.size}; keep the first only")
    if listed.size and listed.dtype.kind not in "iuf":
        raise UnreadableFile(f"voxels of structure {name!r} must be whole numbers; got {listed.dtype}")
    index = np.atleast_1d(listed).astype(np.int64).ravel() - 1
    mask = np.zeros(int(np.prod(shape)), dtype=bool)
    if index.size:
        if index.min() < 0 or index.max() >= mask.size:
            raise InputError(
                f"voxels of structure {name!r} must be 1 to {mask.size}; got {index.min() + 1} to "
                f"{index.max() + 1}; the structure belongs to another CT"
            )
        mask[index] = True
    return np.ascontiguousarray(mask.reshape(shape, order="F").transpose(2, 0, 1))


def _colour(row: Any) -> tuple[int, int, int] | None:
    colour = getattr(row[4], "visibleColor", None) if len(row) > 4 else None
    values = np.ravel(np.asarray(colour if colour is not None else [], dtype=object))
    if len(values) != 3 or not all(isinstance(v, int | float) and 0 <= v <= 1 for v in values):
        return None
    red, green, blue = (round(255 * float(v)) for v in values)
    return red, green, blue


def _objectives(rows: Mapping[str, NDArray[Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the objectives, and the names of structures that have unreadable ones."""
    objectives, unreadable = [], []
    for name, row in rows.items():
        common: dict[str, Any] = {"structure": name, "structure_type": str(row[2])}
        priority = getattr(row[4], "Priority", None) if len(row) > 4 else None
        if isinstance(priority, int | float):
            common["priority"] = priority
        entries = np.atleast_1d(np.asarray(row[5], dtype=object)).ravel() if len(row) > 5 else ()
        for entry in entries:
            if hasattr(entry, "_fieldnames"):
                objectives.append(common | _plain(entry))
            elif name not in unreadable:
                unreadable.append(name)
    return objectives, unreadable


def _plain(value: Any) -> Any:
    """Return structures as dictionaries, arrays as lists and the rest as Python's own kinds."""
    if hasattr(value, "_fieldnames"):
        return {name: _plain(getattr(value, name)) for name in value._fieldnames}
    if isinstance(value, np.ndarray):
        return [_plain(v) for v in value.tolist()]
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, str | int | float | bool | None | list) else str(value)
