"""What a caller of fusions states of the protein across the joint."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FusionProtein"]


class FusionProtein(NamedTuple):
    """What a :class:`tumorboard.core.variant.Fusion` holds of its protein, named as there."""

    peptide: str | None
    joint: int | None
    resume: int | None
    ends_at_joint: bool
