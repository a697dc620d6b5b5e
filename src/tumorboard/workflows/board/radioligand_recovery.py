"""How much of lesions' activity a scan of stated sharpness shows, were they spheres in the cold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tumorboard.dosimetry.recovery import sphere_recovery
from tumorboard.plotting.blocks import Block, Note, Table
from tumorboard.workflows.radioligand.result import LesionDose

__all__ = ["recovery_blocks", "recovery_data"]


def recovery_data(regions: Sequence[LesionDose], psf_fwhm_mm: float | None) -> list[dict[str, Any]]:
    """Return the recovery of a sphere of each region's volume; empty where no sharpness is stated.

    Parameters
    ----------
    regions
        Whose contours on the last scan count.
    psf_fwhm_mm
        Full width at half maximum of the scan's point spread, or ``None`` [mm].
    """
    if psf_fwhm_mm is None:
        return []
    return [
        {
            "name": one.course.name,
            "volume_ml": one.volumes_ml[-1],
            "psf_fwhm_mm": psf_fwhm_mm,
            "sphere_recovery_mean": sphere_recovery(volume_ml=one.volumes_ml[-1], fwhm_mm=psf_fwhm_mm).mean,
        }
        for one in regions
    ]


def recovery_blocks(recoveries: Sequence[dict[str, Any]]) -> list[Block]:
    """Return the table and what it is worth; without sharpness, how to state it.

    Parameters
    ----------
    recoveries
        Of :func:`recovery_data`.
    """
    if not recoveries:
        return [
            Note(
                "Partial volume was not corrected, and nothing is said of its size: state the scan's full "
                "width at "
                "half maximum with --psf-fwhm-mm to see what a sphere of each lesion's volume would keep."
            )
        ]
    width = recoveries[0]["psf_fwhm_mm"]
    return [
        Table(
            f"Partial volume, not corrected: what a sphere keeps at {width:g} mm full width at half maximum",
            ("Region", "Volume [mL]", "Mean recovery [%]", "Dose too low by a factor of up to"),
            tuple(
                (
                    one["name"],
                    one["volume_ml"],
                    100.0 * one["sphere_recovery_mean"],
                    1.0 / one["sphere_recovery_mean"],
                )
                for one in recoveries
            ),
            digits=3,
        ),
        Note(
            "Recovery is that of a uniform sphere in cold surroundings, its outline drawn where it is. "
            "What is "
            "warm around a lesion spills in, and contours drawn on the blurred scan differ: it is a size of "
            "the effect, not a correction."
        ),
    ]
