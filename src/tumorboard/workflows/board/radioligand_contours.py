"""What carrying lesions from one scan to the others comes to, beside what is drawn on each."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tumorboard.plotting.blocks import Block, Table
from tumorboard.workflows.radioligand.contours import ContourReport

__all__ = ["contour_blocks", "contour_data"]


def contour_data(report: ContourReport | None) -> dict[str, Any] | None:
    """Return the report as JSON-serialisable values; ``None`` where nothing was carried.

    Parameters
    ----------
    report
        Of the dosimetry.
    """
    if report is None:
        return None
    found = asdict(report)
    return {
        **found,
        "source": report.source.value,
        "lesions": [
            {
                **{k: v for k, v in one.items() if not k.endswith("activity_bq")},
                "activity_mbq": one["activity_bq"] / 1e6,
                "own_activity_mbq": None if one["own_activity_bq"] is None else one["own_activity_bq"] / 1e6,
            }
            for one in found["lesions"]
        ],
    }


def contour_blocks(report: ContourReport | None) -> list[Block]:
    """Return the table of carried lesions, if there are any.

    Parameters
    ----------
    report
        Of the dosimetry.
    """
    if report is None or not report.lesions:
        return []
    use = "used above" if report.used else "for comparison only"
    return [
        Table(
            f"Contours of {report.drawn_on} carried to the other scans by registration, {use}",
            (
                "Region",
                "Scan",
                "Carried [MBq]",
                "Drawn there [MBq]",
                "Centres apart [mm]",
                "Dice",
                "Error of place [mm]",
                "Adds [%]",
            ),
            tuple(
                (
                    one.name,
                    one.title,
                    one.activity_bq / 1e6,
                    None if one.own_activity_bq is None else one.own_activity_bq / 1e6,
                    one.centre_distance_mm,
                    one.dice,
                    one.error_mm,
                    100.0 * one.added_relative_uncertainty,
                )
                for one in report.lesions
            ),
            digits=3,
        )
    ]
