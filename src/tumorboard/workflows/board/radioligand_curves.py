"""The curves that were tried through activities, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tumorboard.plotting.blocks import Block, Table
from tumorboard.workflows.radioligand.curve_words import SHAPE_NAMES
from tumorboard.workflows.radioligand.time_course import RegionCourse

__all__ = ["curve_blocks"]


def curve_blocks(courses: Sequence[RegionCourse]) -> list[Block]:
    """Return the table of candidates; nothing where none were tried.

    Parameters
    ----------
    courses
        Of the whole scan and of each region.
    """
    rows = tuple(
        (
            course.name,
            SHAPE_NAMES[one.shape],
            one.criterion if math.isfinite(one.criterion) else "not determined",
            one.weight,
            one.decays / course.decays,
        )
        for course in courses
        for one in course.curve.candidates
    )
    if not rows:
        return []
    columns = ("Region", "Curve", "Criterion, less is better", "Weight", "Decays by those taken")
    return [Table("Curves tried through the activities", columns, rows, digits=3)]
