"""One plane of pixels: a whole classic file, or one frame of a multi-frame file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tumorboard.io.dicom.study import FileHeader

__all__ = ["Frame", "RealWorldMapping", "classic_frames", "name_some"]

#: How many files an error names before it says "and N more".
_NAMED_AT_MOST = 3


@dataclass(frozen=True, slots=True)
class RealWorldMapping:
    """``stored * slope + intercept`` in the unit of a UCUM code (Real World Value Mapping, 0040,9096)."""

    slope: float
    intercept: float
    unit_code: str
    explanation: str = ""
    """LUT Explanation (0028,3003), where our own maps name their quantity."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One plane of a volume.

    Parameters
    ----------
    header
        The file's header; for a frame of a multi-frame file with that frame's own position, orientation,
        spacing [mm], rescale, b-value [s/mm2] and times put in.
    index
        Which frame of its file, from 0; ``None`` for a classic file.
    dimension
        Dimension Index Values (0020,9157) of the frame, where the file gives them.
    acquired
        Frame Acquisition DateTime (0018,9074) as text, where the file gives it.
    real_world
        Mapping of stored values that overrides the rescale, where the file gives one.
    """

    header: FileHeader
    index: int | None = None
    dimension: tuple[int, ...] = ()
    acquired: str = ""
    real_world: RealWorldMapping | None = None

    @property
    def name(self) -> str:
        """File name, with the frame number (from 1) for a multi-frame file."""
        if self.index is None:
            return self.header.path.name
        return f"{self.header.path.name} frame {self.index + 1}"


def classic_frames(headers: Iterable[FileHeader]) -> tuple[Frame, ...]:
    """Return one frame per classic file."""
    return tuple(Frame(h) for h in headers)


def name_some(frames: Sequence[Frame]) -> str:
    """Return the names of a few frames for an error, then "and N more"."""
    named = ", ".join(sorted(f.name for f in frames)[:_NAMED_AT_MOST])
    left = len(frames) - _NAMED_AT_MOST
    return f"{named} and {left} more" if left > 0 else named
