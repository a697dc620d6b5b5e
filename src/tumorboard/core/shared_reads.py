"""Reads that cover two variants, counted by what they carry."""

from __future__ import annotations

from dataclasses import dataclass

from tumorboard.errors import InputError

__all__ = ["SharedReads"]


@dataclass(frozen=True, slots=True)
class SharedReads:
    """Fragments (a read, or a pair of mates) that cover two variants, counted by what they carry.

    Parameters
    ----------
    first, second
        Names of the variants.
    both
        Fragments with both alternatives.
    only_first, only_second
        With the one alternative and the other's reference.
    neither
        With both references.
    other
        Not counted above: another allele at a site, or mates that contradict each other.

    Raises
    ------
    InputError
        When a number is negative.

    Examples
    --------
    >>> SharedReads("1-10-A-C", "1-50-G-T", both=12, only_first=0, only_second=9, neither=11).spanning
    32
    """

    first: str
    second: str
    both: int
    only_first: int
    only_second: int
    neither: int
    other: int = 0

    def __post_init__(self) -> None:
        for name in ("both", "only_first", "only_second", "neither", "other"):
            if getattr(self, name) < 0:
                raise InputError(
                    f"{name} must be a number of fragments, 0 or more; got {getattr(self, name)}"
                )

    @property
    def spanning(self) -> int:
        """Fragments that tell something at both sites."""
        return self.both + self.only_first + self.only_second + self.neither
