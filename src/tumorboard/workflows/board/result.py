"""What a section, and a whole report, comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tumorboard.plotting.blocks import Block, PointLink, SectionStatus
from tumorboard.provenance import Record

__all__ = ["BoardResult", "SectionResult"]


@dataclass(frozen=True, slots=True)
class SectionResult:
    """One section.

    Parameters
    ----------
    status
        How it ended.
    needs
        One sentence per input that is missing, when it is not possible; else empty.
    data
        Its part of ``report.json``: JSON-serialisable, every number's name ends in its unit.
    blocks
        Its part of ``report.html``.
    points
        Places of interest for the viewer, patient (x, y, z) [mm].
    provenance
        How it was made; ``None`` when it was not.
    is_final
        Whether a later run may take it over; what an interrupt cut short is shown, but made again.
    """

    status: SectionStatus
    needs: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    points: tuple[PointLink, ...] = ()
    provenance: Record | None = None
    is_final: bool = True


@dataclass(frozen=True, slots=True)
class BoardResult:
    """A finished report.

    Parameters
    ----------
    folder
        Where everything was written.
    report_html, report_json
        The two reports.
    statuses
        Section name to how it ended.
    quarantined
        Number of files set aside.
    errors
        Why, in one sentence, of each section that failed.
    """

    folder: Path
    report_html: Path
    report_json: Path
    statuses: Mapping[str, SectionStatus]
    quarantined: int
    errors: Mapping[str, str] = field(default_factory=dict)
