"""From files to the values of a volume: pixels in slice order, each slice with its own rescale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.image import Quantity
from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.dicom.frames import Frame, name_some
from tumorboard.io.dicom.pixels import read_uncompressed
from tumorboard.io.dicom.quantities import Meaning
from tumorboard.io.dicom.sandbox import Limits, decode_pixels
from tumorboard.io.dicom.study import FileHeader, Quarantined

__all__ = ["rescale_factors", "rescaled", "stored_values"]

_BITS_PER_BYTE = 8


def stored_values(frames: Sequence[Frame], *, limits: Limits, jobs: int) -> NDArray[Any]:
    """Return the pixels of frames as the files store them, shape ``(n_frames, rows, columns)``.

    Uncompressed pixels are read straight into the result; compressed ones are decoded in a child process.

    Raises
    ------
    UnreadableFile
        When a file's pixels are missing, short or cannot be decoded, naming the file.
    InputError
        When pixels are in colour.
    """
    coloured = [f for f in frames if f.header.samples_per_pixel != 1]
    if coloured:
        raise InputError(
            "SamplesPerPixel (0028,0002) of a volume must be 1; got "
            f"{coloured[0].header.samples_per_pixel} in {name_some(coloured)}; "
            "a colour picture is no measurement"
        )
    plain = [_plain_header(f) for f in frames]
    kinds = {(h.bits_allocated, h.pixel_representation) for h in plain if h is not None}
    if None not in plain and len(kinds) == 1:
        return read_uncompressed([h for h in plain if h is not None], jobs=jobs)
    planes: list[NDArray[Any] | None] = [None] * len(frames)
    for i, header in enumerate(plain):
        if header is not None:
            planes[i] = read_uncompressed([header], jobs=1)[0]
    decoded = _decode([f for f, p in zip(frames, planes, strict=True) if p is None], limits=limits, jobs=jobs)
    for i, frame in enumerate(frames):
        if planes[i] is None:
            planes[i] = _plane(decoded[frame.header.path], frame)
    return np.stack([p for p in planes if p is not None])


def rescale_factors(
    frames: Sequence[Frame], meaning: Meaning
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return slope and intercept of every frame, to the unit of the meaning, each shape ``(n_frames,)``.

    Raises
    ------
    MissingAttribute
        When a CT or PET file states no rescale, without which its values mean nothing.
    InputError
        When a slope is zero, or either is not finite, naming the files.
    """
    if meaning.use_real_world:
        pairs = [(m.slope, m.intercept) for m in (f.real_world for f in frames) if m is not None]
    else:
        for keyword, name in (
            ("RescaleSlope (0028,1053)", "rescale_slope"),
            ("RescaleIntercept (0028,1052)", "rescale_intercept"),
        ):
            missing = [f for f in frames if getattr(f.header, name) is None]
            # MR and NM may leave both out and mean the stored values; CT and PET must give both.
            if missing and (frames[0].header.modality in ("CT", "PT") or len(missing) < len(frames)):
                raise MissingAttribute(
                    f"{keyword} must be given for every slice of a {frames[0].header.modality} volume; "
                    f"absent in {name_some(missing)}; without it the stored values have no unit"
                )
        pairs = [_stated_rescale(f.header) for f in frames]
    slope, intercept = np.array(pairs, dtype=np.float64).T
    bad = ~(np.isfinite(slope) & np.isfinite(intercept) & (slope != 0))
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        raise InputError(
            "rescale slope (0028,1053) must be finite and not 0, the intercept finite; got "
            f"slope {slope[i]:g}, intercept {intercept[i]:g} in "
            f"{name_some([f for f, b in zip(frames, bad, strict=True) if b])}; export the series again"
        )
    return slope * meaning.factor, intercept * meaning.factor


def rescaled(
    stored: NDArray[Any], slope: NDArray[np.float64], intercept: NDArray[np.float64], quantity: Quantity
) -> NDArray[Any]:
    """Return ``stored * slope + intercept`` slice by slice, shape as ``stored``; may reuse its memory.

    Where nothing changes the stored type is kept. CT numbers that are whole and fit become int16;
    everything else float32.
    """
    unit_slope = bool((slope == 1).all())
    if (
        unit_slope
        and not intercept.any()
        and quantity is not Quantity.CT_NUMBER
        and stored.dtype.kind in "iu"
    ):
        # Signal and counts stay as stored; concentrations and doses are real numbers in all further work.
        if quantity in (Quantity.MR_SIGNAL, Quantity.UNCALIBRATED):
            return stored
    elif quantity is Quantity.CT_NUMBER and unit_slope and stored.dtype.kind in "iu":
        whole = _whole_ct_numbers(stored, intercept)
        if whole is not None:
            return whole
    if stored.dtype.kind == "f" and unit_slope and not intercept.any():
        return stored.astype(stored.dtype.newbyteorder("="), copy=False)
    values: NDArray[Any] = np.empty(stored.shape, np.float32)
    # Slice by slice, so that each is still in the processor's cache for the next step.
    for k, (a, b) in enumerate(zip(slope.astype(np.float32), intercept.astype(np.float32), strict=True)):
        values[k] = stored[k]
        if a != 1:
            values[k] *= a
        if b != 0:
            values[k] += b
    return values


def _whole_ct_numbers(stored: NDArray[Any], intercept: NDArray[np.float64]) -> NDArray[np.int16] | None:
    if not (intercept == np.rint(intercept)).all():
        return None
    limits, stated = np.iinfo(np.int16), np.iinfo(stored.dtype)
    # The stored type alone may tell that all fit at one end; then no look through the volume is needed.
    if stated.min + intercept.min() < limits.min and float(stored.min()) + intercept.min() < limits.min:
        return None
    if stated.max + intercept.max() > limits.max and float(stored.max()) + intercept.max() > limits.max:
        return None
    if stored.dtype.itemsize != 2 or np.abs(intercept).max() > limits.max:
        return (stored.astype(np.int64) + intercept.astype(np.int64)[:, None, None]).astype(np.int16)
    # Two's complement: adding modulo 2**16 is exact whenever the result fits, and needs no second volume.
    bits = stored.view(np.uint16)
    if not bits.flags.writeable:
        bits = bits.copy()
    if intercept.any():
        shift = intercept.astype(np.int16).view(np.uint16)
        np.add(bits, shift[0] if (shift == shift[0]).all() else shift[:, None, None], out=bits)
    return bits.view(np.int16)


def _stated_rescale(header: FileHeader) -> tuple[float, float]:
    slope, intercept = header.rescale_slope, header.rescale_intercept
    return (1.0 if slope is None else slope, 0.0 if intercept is None else intercept)


def _plain_header(frame: Frame) -> FileHeader | None:
    """Return a header whose pixel offset points at this frame's uncompressed pixels, where they are."""
    h = frame.header
    if h.pixel_offset is None:
        return None
    size = (h.rows or 0) * (h.columns or 0) * (h.bits_allocated or 0) // _BITS_PER_BYTE
    if h.pixel_length is None or h.pixel_length < size * h.number_of_frames:
        raise UnreadableFile(
            f"pixel data of {h.path.name} must hold {size * h.number_of_frames} bytes for "
            f"{h.number_of_frames} frames; got {h.pixel_length}; the file is cut: fetch it again"
        )
    if frame.index is None:
        return h
    return replace(h, number_of_frames=1, pixel_offset=h.pixel_offset + size * frame.index, pixel_length=size)


def _decode(frames: Sequence[Frame], *, limits: Limits, jobs: int) -> dict[Path, NDArray[Any]]:
    paths = list(dict.fromkeys(f.header.path for f in frames))
    if not paths:
        return {}
    results = decode_pixels(paths, limits=limits, jobs=jobs)
    broken = [r for r in results if isinstance(r, Quarantined)]
    if broken:
        raise UnreadableFile(
            f"pixels of {broken[0].path.name} must decode; {broken[0].reason} ({len(broken)} of {len(paths)} "
            "files); fetch the files again"
        )
    return {p: r for p, r in zip(paths, results, strict=True) if not isinstance(r, Quarantined)}


def _plane(pixels: NDArray[Any], frame: Frame) -> NDArray[Any]:
    """Return one frame of decoded pixels, whose shape must be what the header says."""
    h = frame.header
    stack = pixels[None] if pixels.ndim == 2 else pixels
    index = frame.index or 0
    if stack.ndim != 3 or index >= len(stack) or stack.shape[1:] != (h.rows, h.columns):
        raise UnreadableFile(
            f"pixels of {h.path.name} must be {h.number_of_frames} x {h.rows} x {h.columns}; got "
            f"{pixels.shape}; header and pixels disagree: export the file again"
        )
    plane: NDArray[Any] = stack[index]
    return plane
