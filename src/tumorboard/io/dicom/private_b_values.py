"""The b-values that GE and Philips write into private elements instead of the standard's (0018,9087)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pydicom import Dataset

from tumorboard.io.dicom.frames import Frame

__all__ = ["lacks_b_values", "private_b_value", "with_private_b_values"]

#: Creator of the private block -> group and element in it.
_ELEMENTS: Final = {
    "GEMS_PARM_01": (0x0043, 0x39),
    "Philips Imaging DD 001": (0x2001, 0x03),
}

#: Newer GE software adds 1e9 to the b-value; no scanner reaches this many s/mm2.
_GE_OFFSET: Final = 100_000


def lacks_b_values(frames: Sequence[Frame]) -> bool:
    """Whether these are MR slices of which several lie at one place and none has a b-value."""
    if frames[0].header.modality != "MR" or any(f.header.diffusion_b_value is not None for f in frames):
        return False
    places = {(f.header.image_position_mm, f.header.image_orientation) for f in frames}
    return len(places) < len(frames)


def private_b_value(dataset: Dataset) -> float | None:
    """Return the b-value of one file's private elements [s/mm2]; ``None`` when it has none.

    Examples
    --------
    >>> dataset = Dataset()
    >>> block = dataset.private_block(0x0043, "GEMS_PARM_01", create=True)
    >>> block.add_new(0x39, "IS", [1000000800, 8, 0, 0])
    >>> private_b_value(dataset)
    800.0
    """
    for creator, (group, element) in _ELEMENTS.items():
        try:
            value = dataset.private_block(group, creator)[element].value
        except KeyError:
            continue
        if isinstance(value, bytes):
            # Without a known type (UN) the text of GE's whole numbers is left as it was written.
            value = value.strip(b" \0").decode("ascii").split("\\") if group == 0x0043 else None
        if value is None or value == "":
            continue
        first = value if isinstance(value, (int, float)) else next(iter(value))
        return float(first) % _GE_OFFSET if group == 0x0043 else float(first)
    return None


def with_private_b_values(frames: Sequence[Frame], datasets: Sequence[Dataset]) -> tuple[Frame, ...]:
    """Return the frames with the b-values of their files put in."""
    return tuple(
        replace(f, header=replace(f.header, diffusion_b_value=private_b_value(d)))
        for f, d in zip(frames, datasets, strict=True)
    )
