"""Curves of regions out of a dynamic image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.grid import require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["bright_voxels", "region_curves"]

#: Of the value that a percent of voxels exceed: less is air, or noise.
_BRIGHT: Final = 0.2
_HIGH_PERCENTILE: Final = 99.0


def region_curves(dynamic: DynamicImage, labels: Image, names: Mapping[int, str]) -> TissueCurves:
    """Return the mean over each region's voxels in each frame.

    Parameters
    ----------
    dynamic
        Concentrations decay-corrected to the injection, times from it [Bq/mL].
    labels
        LABEL image of whole numbers on the same grid; 0 is no region.
    names
        Of the numbers; others are called ``region 7``.

    Returns
    -------
    TissueCurves
        In order of the numbers, without weights.

    Raises
    ------
    GridMismatch
        When the two are on different grids.
    InputError
        When there is no region.
    """
    require_same_grid(dynamic.grid, labels.grid, what="dynamic image and regions")
    flat = np.asarray(labels.values).ravel()
    inside = np.flatnonzero(flat > 0)
    if labels.quantity is not Quantity.LABEL or not inside.size:
        raise InputError("labels must be a LABEL image with a number above 0; it has none")
    numbers, of = np.unique(flat[inside], return_inverse=True)
    counts = np.bincount(of).astype(np.float64)
    values = np.empty((numbers.size, dynamic.n_frames))
    for k in range(dynamic.n_frames):
        frame = dynamic.values[k].ravel()[inside]
        values[:, k] = np.bincount(of, weights=frame.astype(np.float64)) / counts
    record = Record(
        "workflows.kinetics.region_curves",
        {"voxels": counts.astype(int).tolist()},
        (dynamic.provenance, labels.provenance),
    )
    regions = tuple(names.get(int(n), f"region {int(n)}") for n in numbers)
    return TissueCurves(regions, dynamic.frame_start_s, dynamic.frame_duration_s, values, None, record)


def bright_voxels(dynamic: DynamicImage) -> Image:
    """Return a mask of the voxels whose mean over time is above a fifth of the 99th percentile.

    For scans without regions: it tells tissue from air, and no more.

    Parameters
    ----------
    dynamic
        Any dynamic image.
    """
    mean = dynamic.mean()
    limit = _BRIGHT * float(np.percentile(mean.values, _HIGH_PERCENTILE))
    record = Record("workflows.kinetics.bright_voxels", {"above": limit}, (mean.provenance,))
    return Image(mean.values > limit, dynamic.grid, Quantity.LABEL, record)
