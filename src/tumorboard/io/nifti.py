"""NIfTI-1 in and out.

NIfTI's x and y point to the patient's right and front (RAS), DICOM's and ours to the left and back (LPS).
The conversion is here and nowhere else.
"""

from __future__ import annotations

import gzip
import math
import zlib
from enum import Enum
from pathlib import Path
from typing import Any, Final

import nibabel
import numpy as np
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import ArrayLike, NDArray

from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import GeometryError, InputError, MissingAttribute, UnreadableFile
from tumorboard.io.files import write_bytes
from tumorboard.provenance import Record
from tumorboard.units import MM_PER_M, S_PER_MS

__all__ = ["NiftiTransform", "SpatialUnit", "TimeUnit", "read", "to_bytes", "write"]

_RAS_TO_LPS: Final = np.diag((-1.0, -1.0, 1.0, 1.0))
_DATA_OFFSET: Final = 352  # 348 bytes of header and 4 that say that no extension follows
_LARGEST_DIMENSION: Final = 32767
_LARGEST_COMPRESSION: Final = 1032  # deflate packs no more bytes than this into one
#: Directions of an sform are orthonormal to this, the tolerance of :class:`~tumorboard.core.grid.Grid`.
_SHEAR_TOLERANCE: Final = 1e-4
#: Quaternions in 32 bits place a far corner some hundredths of a millimetre off: that is no disagreement.
_TRANSFORM_TOLERANCE_MM: Final = 0.1
_UM_PER_MM: Final = 1000.0
_US_PER_S: Final = 1e6


class SpatialUnit(Enum):
    """Unit of lengths; the value is NIfTI's code in ``xyzt_units``."""

    METRE = 1
    MILLIMETRE = 2
    MICROMETRE = 3


class TimeUnit(Enum):
    """Unit of times; the value is NIfTI's code in ``xyzt_units``."""

    SECOND = 8
    MILLISECOND = 16
    MICROSECOND = 24


class NiftiTransform(Enum):
    """Which of the two transforms of a file says where its voxels are."""

    QFORM = "qform"
    SFORM = "sform"


_MM_PER = {SpatialUnit.METRE: MM_PER_M, SpatialUnit.MILLIMETRE: 1.0, SpatialUnit.MICROMETRE: 1 / _UM_PER_MM}
_S_PER = {TimeUnit.SECOND: 1.0, TimeUnit.MILLISECOND: S_PER_MS, TimeUnit.MICROSECOND: 1 / _US_PER_S}


def read(
    path: Path | str,
    *,
    quantity: Quantity,
    frame_of_reference: str,
    transform: NiftiTransform | None = None,
    spatial_unit: SpatialUnit | None = None,
    time_unit: TimeUnit | None = None,
    frame_start_s: ArrayLike | None = None,
    frame_duration_s: ArrayLike | None = None,
    time_zero: str | None = None,
) -> Image | DynamicImage:
    """Read a NIfTI-1 or NIfTI-2 file, ``.nii`` or ``.nii.gz`` [1]_.

    Parameters
    ----------
    path
        The file.
    quantity
        What the values measure; the format cannot say. With LABEL, 8-bit files of zeros and ones become
        boolean.
    frame_of_reference
        DICOM Frame of Reference UID that the file's coordinates are in; the format cannot say.
    transform
        Needed only where the file has two transforms and they differ.
    spatial_unit, time_unit
        Needed only where the file does not state the unit.
    frame_start_s, frame_duration_s
        Times of the frames of a dynamic file, shape ``(n_frames,)`` [s]. The format knows only equal frames
        one after the other; without these they are taken from it.
    time_zero
        What the times count from, in words; needed for dynamic files.

    Returns
    -------
    Image or DynamicImage
        Values ``[z, y, x]``, or ``[t, z, y, x]`` of a file with a fourth dimension longer than 1. Integers
        stay as they are, unless the file scales them: then they become float32.

    Raises
    ------
    UnreadableFile
        When the file is broken, not NIfTI, or holds colours or complex numbers.
    GeometryError
        When the file has no transform, two that differ, or a sheared one.
    MissingAttribute
        When a unit or a time that is needed is absent.

    References
    ----------
    .. [1] cox2004nifti
    """
    path = Path(path)
    header, values = _load(path)
    scale_mm = _MM_PER[_spatial_unit(header, path, spatial_unit)]
    affine = _affine(header, path, transform, scale_mm)
    frames = values.shape[3] if values.ndim == 4 else 1
    grid = _grid(affine, values.shape[:3], path, frame_of_reference)
    # [x, y, z, t] in Fortran order is [t, z, y, x] in C order: nothing is copied.
    values = values.T
    if quantity is Quantity.LABEL and values.dtype == np.uint8 and values.max() <= 1:
        values = values.astype(bool)
    record = Record("io.nifti.read", {"quantity": quantity.value, "frame_of_reference": frame_of_reference})
    if frames == 1:
        return Image(values.reshape(grid.shape), grid, quantity, record)
    if time_zero is None:
        raise MissingAttribute(
            f"time_zero must say what the frame times of {path.name} count from; got None; "
            "pass words, e.g. time_zero='injection'"
        )
    start_s, duration_s = _frame_times(header, path, frames, time_unit, frame_start_s, frame_duration_s)
    return DynamicImage(values, grid, quantity, start_s, duration_s, time_zero, record)


def write(
    image: Image | DynamicImage, path: Path | str, *, level: int = 3, times_elsewhere: bool = False
) -> None:
    """Write an image to ``path``, whole or not at all; a name that ends in ``.gz`` is compressed.

    Parameters
    ----------
    image
        See :func:`to_bytes`.
    path
        A name that ends in ``.nii`` or ``.nii.gz``; its folder must exist.
    level, times_elsewhere
        As in :func:`to_bytes`.

    Raises
    ------
    InputError
        When the name ends otherwise, or :func:`to_bytes` refuses the image.
    """
    path = Path(path)
    if not path.name.endswith((".nii", ".nii.gz")):
        raise InputError(f"name of a NIfTI file must end in .nii or .nii.gz; got {path.name!r}; rename it")
    compressed = path.name.endswith(".gz")
    write_bytes(path, to_bytes(image, compressed=compressed, level=level, times_elsewhere=times_elsewhere))


def to_bytes(
    image: Image | DynamicImage, *, compressed: bool = True, level: int = 3, times_elsewhere: bool = False
) -> bytes:
    """Return the contents of a NIfTI-1 file.

    Both transforms are set, with code 1 (scanner); units are mm and s. The frame of reference and the
    quantity have no place in the format and must be kept elsewhere.

    Parameters
    ----------
    image
        Booleans become uint8; 16-bit floats become float32; 64-bit integers become int32 where they fit.
        Frames of a dynamic image must be equally long and follow one another without gaps, unless
        ``times_elsewhere``.
    compressed
        Whether to compress; equal images give equal bytes.
    level
        Effort of compression, 1 to 9.
    times_elsewhere
        Whether the caller keeps the times of the frames, which NIfTI can hold only when they are alike:
        the file then states none, and whoever reads it must be told.

    Returns
    -------
    bytes
        The whole file.

    Raises
    ------
    InputError
        When values or frames do not fit the format.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> grid = Grid((2, 4, 5), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="2.25.1")
    >>> image = Image(np.zeros(grid.shape, np.int16), grid, Quantity.CT_NUMBER, Record("example"))
    >>> len(to_bytes(image, compressed=False))
    432
    """
    values = _storable(image.values)
    if max(values.shape) > _LARGEST_DIMENSION:
        raise InputError(f"axes must be at most {_LARGEST_DIMENSION} long in NIfTI-1; got {values.shape}")
    header: Any = nibabel.Nifti1Header()  # type: ignore[no-untyped-call]
    header.set_data_dtype(values.dtype)
    header.set_data_shape(values.shape[::-1])
    affine = image.grid.affine
    affine[:, :3] = affine[:, 2::-1]  # array order (z, y, x) to file order (x, y, z)
    affine = _RAS_TO_LPS @ affine
    header.set_qform(affine, code="scanner")
    header.set_sform(affine, code="scanner")
    header.set_xyzt_units("mm", "unknown" if times_elsewhere else "sec")
    header.set_slope_inter(1.0, 0.0)
    header["descrip"] = b"tumorboard, research use only"
    if isinstance(image, DynamicImage):
        header["toffset"], header["pixdim"][4] = (0.0, 0.0) if times_elsewhere else _equal_frames(image)
    header["vox_offset"] = _DATA_OFFSET
    head = header.binaryblock + bytes(_DATA_OFFSET - len(header.binaryblock))
    content = head + np.ascontiguousarray(values).tobytes()
    # A fixed time stamp, so that equal images have equal digests.
    return gzip.compress(content, compresslevel=level, mtime=0) if compressed else content


def _load(path: Path) -> tuple[Any, NDArray[Any]]:
    """Return the header and the values ``[x, y, z(, t)]``, scaled where the file says so."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            header = _header(file, path)
            stored = _stored(file, header, path, packed=packed)
    except (HeaderDataError, WrapStructError, OSError, EOFError, zlib.error) as reason:
        raise UnreadableFile(f"{path.name} must be a readable NIfTI file; {reason}; get it again") from reason
    while stored.ndim > 3 and stored.shape[-1] == 1:
        stored = stored[..., 0]
    if not 3 <= stored.ndim <= 4:
        raise UnreadableFile(f"{path.name} must have 3 or 4 dimensions; it has {stored.shape}; split it")
    slope, intercept = header.get_slope_inter()
    if slope is not None and (slope, intercept) != (1.0, 0.0):
        return header, (stored * slope + intercept).astype(np.float32, order="F")
    return header, stored.astype(stored.dtype.newbyteorder("="), order="F", copy=False)


def _header(file: Any, path: Path) -> Any:
    start = file.read(4)
    kinds: dict[int, Any] = {348: nibabel.Nifti1Header, 540: nibabel.Nifti2Header}
    size = next((n for n in kinds if start in (n.to_bytes(4, "little"), n.to_bytes(4, "big"))), None)
    if size is None:
        raise UnreadableFile(f"{path.name} must be a NIfTI file; it begins with {start!r}")
    header = kinds[size](start + file.read(size - 4))
    if not bytes(header["magic"]).startswith(b"n+"):
        raise UnreadableFile(
            f"{path.name} must be a single NIfTI file; its magic is {bytes(header['magic'])!r}; "
            "pairs of .hdr and .img are not read: convert them"
        )
    return header


def _stored(file: Any, header: Any, path: Path, *, packed: bool) -> NDArray[Any]:
    dtype, shape, offset = header.get_data_dtype(), header.get_data_shape(), header.get_data_offset()
    if dtype.kind not in "iuf" or not shape or min(shape) < 1:
        raise UnreadableFile(f"{path.name} must hold real numbers; it holds {shape} of {dtype}")
    size = math.prod(shape) * dtype.itemsize
    # Checked before memory is taken.
    room = path.stat().st_size * (_LARGEST_COMPRESSION if packed else 1)
    gap = offset - file.tell()
    if gap < 0 or offset + size > room:
        raise UnreadableFile(f"{path.name} must hold the {size} bytes that it states; it is too short")
    file.read(gap)
    content = file.read(size)
    if len(content) != size:
        raise UnreadableFile(f"{path.name} must hold the {size} bytes that it states; it has {len(content)}")
    if packed:
        file.read(1)  # at the end of the stream gzip checks its checksum
    return np.frombuffer(content, dtype).reshape(shape, order="F")


def _affine(
    header: Any, path: Path, transform: NiftiTransform | None, scale_mm: float
) -> NDArray[np.float64]:
    """Return index (x, y, z) to RAS [mm]."""
    try:
        found = {
            NiftiTransform.QFORM: header.get_qform(coded=True)[0],
            NiftiTransform.SFORM: header.get_sform(coded=True)[0],
        }
    except (HeaderDataError, ValueError) as reason:
        raise UnreadableFile(f"transforms of {path.name} must be valid; {reason}; get it again") from reason
    to_mm = np.diag((scale_mm, scale_mm, scale_mm, 1.0))
    stated: dict[NiftiTransform, NDArray[np.float64]] = {
        kind: to_mm @ affine for kind, affine in found.items() if affine is not None
    }
    if transform is not None:
        if transform not in stated:
            raise GeometryError(f"{path.name} has no {transform.value}; it has {[k.value for k in stated]}")
        return stated[transform]
    if not stated:
        raise GeometryError(
            f"{path.name} must say where its voxels are; neither its qform nor its sform has a code > 0; "
            "set one in the file"
        )
    transforms, corners = list(stated.values()), _corners(header)
    apart = float(np.linalg.norm((transforms[0] - transforms[-1]) @ corners, axis=0).max())
    if not apart <= _TRANSFORM_TOLERANCE_MM:
        raise GeometryError(
            f"qform and sform of {path.name} must agree; a corner differs by {apart:.4g} mm; "
            "pass transform=NiftiTransform.QFORM (the scanner's) or SFORM"
        )
    return transforms[-1]


def _corners(header: Any) -> NDArray[np.float64]:
    """Return the indices of the corner voxels, shape ``(4, 8)``, for multiplication with an affine."""
    last = np.array([n - 1 for n in header.get_data_shape()[:3]])
    steps = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    return np.vstack(((steps * last).T, np.ones(8)))


def _grid(affine: NDArray[np.float64], shape: tuple[int, ...], path: Path, frame_of_reference: str) -> Grid:
    lps = (_RAS_TO_LPS @ affine)[:, (2, 1, 0, 3)]
    spacing_mm = np.linalg.norm(lps[:3, :3], axis=0)
    if not (np.isfinite(lps).all() and (spacing_mm > 0).all()):
        raise GeometryError(
            f"transform of {path.name} must be finite, spacings > 0 [mm]; got {affine.tolist()}"
        )
    direction = lps[:3, :3] / spacing_mm
    skew = float(np.abs(direction.T @ direction - np.eye(3)).max())
    if skew > _SHEAR_TOLERANCE:
        raise GeometryError(
            f"axes of {path.name} must be orthogonal (to {_SHEAR_TOLERANCE}); off by {skew:.3g}; "
            "resample the sheared volume first, or pass transform=NiftiTransform.QFORM where that is right"
        )
    return Grid(shape[::-1], spacing_mm, lps[:3, 3], direction, frame_of_reference=frame_of_reference)


def _spatial_unit(header: Any, path: Path, told: SpatialUnit | None) -> SpatialUnit:
    code = int(header["xyzt_units"]) & 0x07
    if code == 0:
        if told is None:
            raise MissingAttribute(
                f"{path.name} must state its unit of length (xyzt_units); it states none; "
                "pass spatial_unit=SpatialUnit.MILLIMETRE if that is what it is"
            )
        return told
    try:
        return SpatialUnit(code)
    except ValueError as reason:
        raise UnreadableFile(f"unit of length of {path.name} must be known; got code {code}") from reason


def _frame_times(
    header: Any,
    path: Path,
    frames: int,
    told: TimeUnit | None,
    start_s: ArrayLike | None,
    duration_s: ArrayLike | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if (start_s is None) != (duration_s is None):
        raise InputError("frame_start_s and frame_duration_s must both be given or both not")
    if start_s is not None and duration_s is not None:
        if np.shape(start_s) != (frames,) or np.shape(duration_s) != (frames,):
            raise InputError(
                f"frame times of {path.name} must be as many as its frames, {frames}; got "
                f"{np.size(start_s)} starts and {np.size(duration_s)} durations"
            )
        return np.asarray(start_s, dtype=np.float64), np.asarray(duration_s, dtype=np.float64)
    code = int(header["xyzt_units"]) & 0x38
    if code == 0 and told is None:
        raise MissingAttribute(
            f"{path.name} must state its unit of time (xyzt_units); it states none; "
            "pass time_unit=TimeUnit.SECOND if that is what it is, or frame_start_s and frame_duration_s"
        )
    if code and code not in {unit.value for unit in TimeUnit}:
        raise MissingAttribute(
            f"fourth axis of {path.name} must be time; its unit code is {code}; "
            "pass frame_start_s and frame_duration_s"
        )
    scale_s = _S_PER[TimeUnit(code) if code else told or TimeUnit.SECOND]
    step_s, first_s = float(header["pixdim"][4]) * scale_s, float(header["toffset"]) * scale_s
    if not (np.isfinite(step_s) and step_s > 0 and np.isfinite(first_s)):
        raise MissingAttribute(
            f"{path.name} must state how long its frames are (pixdim[4] > 0); got {step_s:g} [s]; "
            "pass frame_start_s and frame_duration_s"
        )
    return first_s + step_s * np.arange(frames, dtype=np.float64), np.full(frames, step_s, dtype=np.float64)


def _equal_frames(image: DynamicImage) -> tuple[float, float]:
    """Return start and length of the frames of a dynamic image [s], which must be all alike."""
    step_s = float(image.frame_duration_s[0])
    expected_s = image.frame_start_s[0] + step_s * np.arange(image.n_frames)
    same = np.allclose(image.frame_duration_s, step_s, rtol=1e-6, atol=0)
    if not (
        same and np.allclose(image.frame_start_s, expected_s, rtol=0, atol=1e-6 * step_s * image.n_frames)
    ):
        raise InputError(
            f"frames in NIfTI must be equally long and without gaps; got durations "
            f"{image.frame_duration_s.tolist()} [s]; keep them elsewhere: times_elsewhere=True"
        )
    return float(image.frame_start_s[0]), step_s


def _storable(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype == bool:
        return values.astype(np.uint8)
    if values.dtype == np.float16:
        return values.astype(np.float32)
    if values.dtype.itemsize == 8 and values.dtype.kind in "iu":
        # Few readers know 64-bit integers.
        limits = np.iinfo(np.int32)
        if values.min() < limits.min or values.max() > limits.max:
            raise InputError(f"integers must fit 32 bits in NIfTI; got {values.min()} to {values.max()}")
        return values.astype(np.int32)
    if values.dtype.itemsize > 8:
        raise InputError(f"values must be at most 64 bits wide; got {values.dtype}; convert them to float64")
    return values.astype(values.dtype.newbyteorder("<"), copy=False)
