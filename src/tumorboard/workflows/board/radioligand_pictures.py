"""Pictures of a radioligand's dose: over the scan, and as histograms by method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tumorboard.core.image import Image
from tumorboard.numerics.voxelise import half_covered
from tumorboard.plotting import pictures
from tumorboard.plotting.blocks import Block, Picture
from tumorboard.plotting.dose_slices import dose_slices
from tumorboard.plotting.dvh import DvhCurve, dvh_plot
from tumorboard.plotting.palette import structure_rgb
from tumorboard.workflows.board.display import first_window
from tumorboard.workflows.radioligand.result import LesionDose, RadioligandResult

__all__ = ["METHOD_NAMES", "centre_mm", "radioligand_pictures"]

METHOD_NAMES: Final = {
    "local": "local deposition",
    "kernel": "kernel convolution",
    "monte_carlo": "Monte Carlo",
}
_SHORT: Final = {"local": "local", "kernel": "kernel", "monte_carlo": "Monte Carlo"}
_MOST_LESIONS: Final = 4
_DVH_POINTS: Final = 240
_ISODOSES_PERCENT: Final = (10.0, 20.0, 30.0, 50.0, 70.0, 90.0, 100.0)


def centre_mm(lesion: LesionDose) -> tuple[float, float, float]:
    """Return the centre of a lesion on the dose grid, patient (x, y, z) [mm].

    Parameters
    ----------
    lesion
        With its mask.
    """
    weights = np.asarray(lesion.mask.values, np.float64)
    index = [
        float(np.average(np.arange(n), weights=weights.sum(axis=other)))
        for n, other in zip(weights.shape, ((1, 2), (0, 2), (0, 1)), strict=True)
    ]
    x, y, z = lesion.mask.grid.index_to_patient(index).tolist()
    return x, y, z


def radioligand_pictures(result: RadioligandResult, regions: Sequence[LesionDose]) -> list[Block]:
    """Return dose over the scan through each region, and the histograms.

    Parameters
    ----------
    result
        Of the dosimetry.
    regions
        Of it, in the order of what matters: the first few are shown.
    """
    dose = result.doses["kernel"].dose
    reference = max(one.histograms["kernel"].dose_at_volume_gy(percent=2) for one in regions)
    scan = Image(
        np.asarray(result.scan.values, np.float32),
        result.scan.grid,
        result.scan.quantity,
        result.scan.provenance,
    )
    outlines = tuple(
        pictures.Outline(one.course.name, half_covered(one.mask), structure_rgb(k))
        for k, one in enumerate(regions)
    )
    made: list[Block] = [
        Picture(
            dose_slices(
                scan,
                dose,
                point_mm=centre_mm(one),
                background_window=first_window(scan),
                reference_gy=reference,
                outlines=outlines,
                isodoses_percent=_ISODOSES_PERCENT,
                dose_name="Absorbed dose, kernel convolution",
            ),
            f"Dose over the last scan, through {one.course.name}",
            f"Dose over the last scan in three planes through {one.course.name}",
        )
        for one in regions[:_MOST_LESIONS]
    ]
    return [_dvh(regions), *made]


def _dvh(regions: Sequence[LesionDose]) -> Picture:
    shown = regions[:_MOST_LESIONS]
    top = max(h.max_gy for one in shown for h in one.histograms.values())
    doses = np.linspace(0.0, 1.04 * top, _DVH_POINTS)
    curves = [
        DvhCurve(
            f"{one.course.name}, {_SHORT[method]}",
            doses,
            np.clip(histogram.cumulative_percent(doses), 0.0, 100.0),
            None,
            None,
            structure_rgb(len(METHOD_NAMES) * k + m),
        )
        for k, one in enumerate(shown)
        for m, (method, histogram) in enumerate(one.histograms.items())
    ]
    return Picture(
        dvh_plot(curves, prescribed_gy=None, dose_name="Absorbed dose"),
        "Dose-volume histograms by the three methods",
        "Cumulative dose-volume histograms by local deposition, kernel convolution and Monte Carlo",
    )
