"""Parametric maps of a dynamic scan for the report and its viewer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.image import Image
from tumorboard.pet.kinetics.compartments import OneTissue
from tumorboard.pet.kinetics.compartments_rates import BRAIN_BOUNDS
from tumorboard.pet.kinetics.fit import FrameModel, Weighting
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.logan import Logan
from tumorboard.pet.kinetics.ma1 import MA1
from tumorboard.pet.kinetics.point_weights import PointWeights
from tumorboard.pet.kinetics.t_star import FromTime
from tumorboard.pet.kinetics.voxels import Outside, VoxelConfig, fit_voxels
from tumorboard.pet.kinetics.voxels_maps import ParametricMaps
from tumorboard.pet.kinetics.voxels_models import VoxelModel
from tumorboard.plotting.blocks import Picture
from tumorboard.plotting.map_slices import MapColours, map_slices
from tumorboard.provenance import Record
from tumorboard.workflows.board.display import first_window
from tumorboard.workflows.board.kinetic_items import KINETIC_MAP_ITEMS
from tumorboard.workflows.kinetics.region_curves import bright_voxels
from tumorboard.workflows.kinetics.result import KineticsResult

__all__ = ["KineticMap", "map_picture", "plasma_maps"]

_HIGH_PERCENTILE: Final = 99.9


@dataclass(frozen=True, slots=True, eq=False)
class KineticMap:
    """One parameter of one model in every voxel.

    Parameters
    ----------
    model, parameter
        Names, e.g. ``"Logan"`` and ``"VT"``.
    image
        NaN where there is no result.
    mask
        Voxels that were fitted.
    from_min
        When the analysis begins; ``None`` for models of the whole scan [min].
    """

    model: str
    parameter: str
    image: Image
    mask: Image
    from_min: float | None

    @property
    def item(self) -> str:
        """Its name in the case."""
        return KINETIC_MAP_ITEMS[self.model, self.parameter]

    def to_dict(self) -> dict[str, Any]:
        """Return what the report says of it."""
        inside = self.image.values[self.mask.values]
        known = inside[np.isfinite(inside)]
        return {
            "model": self.model,
            "parameter": self.parameter,
            "unit": self.image.quantity.unit,
            "voxels": int(inside.size),
            "without_result": int(inside.size - known.size),
            "median": float(np.median(known)) if known.size else None,
            "from_min": self.from_min,
            "item": self.item,
        }


def plasma_maps(
    dynamic: DynamicImage,
    blood: InputFunction,
    logan: KineticsResult,
    *,
    blood_volume: float,
    threads: int,
    progress: Callable[[str, int, int], None],
) -> list[KineticMap]:
    """Return VT by Logan and MA1, and K1 by one tissue compartment, in every bright voxel.

    Both of the first begin at the median of the times from which the regions' Logan plots are straight:
    voxels are too noisy to say it for themselves.

    Parameters
    ----------
    dynamic
        The scan, decay-corrected to the injection.
    blood
        Delay taken out.
    logan
        Fits of the regions.
    blood_volume
        Share of blood in tissue.
    threads
        At a time.
    progress
        Told how far it is.
    """
    starts = list(logan.t_star_s().values())
    # Half a second earlier, so that rounding leaves no frame out.
    start = FromTime(max(float(np.median(starts)) - 0.5, 0.0))
    average, duration = FrameModel.FRAME_AVERAGE, Weighting.DURATION
    models: dict[tuple[str, str], VoxelModel] = {
        ("Logan", "VT"): Logan(
            t_star=start,
            frame_model=average,
            weighting=duration,
            point_weights=PointWeights.PROPAGATED,
            blood_fraction=blood_volume,
        ),
        ("MA1", "VT"): MA1(
            t_star=start, frame_model=average, weighting=duration, blood_fraction=blood_volume
        ),
        ("1TCM", "K1"): OneTissue(BRAIN_BOUNDS, blood_volume, average, duration, None),
    }
    mask = bright_voxels(dynamic)
    maps = []
    for (name, parameter), model in models.items():
        config = VoxelConfig(
            parameters=(parameter,), standard_errors=False, outside=Outside.NAN, spatial=None
        )

        def told(done: int, total: int, name: str = name) -> None:
            progress(f"mapping {name}", done, total)

        found: ParametricMaps = fit_voxels(
            model, dynamic, blood, mask, config, progress=told, threads=threads
        )
        image = found.maps[parameter]
        record = Record("workflows.board.kinetics", {}, (found.provenance,))
        image = Image(image.values, image.grid, image.quantity, record)
        from_min = None if name == "1TCM" else start.start_s / 60.0
        maps.append(KineticMap(name, parameter, image, mask, from_min))
    return maps


def map_picture(one: KineticMap, background: Image) -> Picture:
    """Return three slices of a map over the mean of the scan.

    Parameters
    ----------
    one
        The map.
    background
        On the same grid.
    """
    unit = one.image.quantity.unit
    known = one.image.values[np.isfinite(one.image.values)]
    top = float(np.percentile(known, _HIGH_PERCENTILE)) if known.size else 1.0
    centre = np.argwhere(one.mask.values).mean(axis=0)
    x, y, z = one.image.grid.index_to_patient(centre).tolist()
    name = f"{one.parameter} by {one.model}"
    return Picture(
        map_slices(
            background,
            one.image,
            point_mm=(x, y, z),
            background_window=first_window(background),
            overlay_window=(0.0, top if top > 0 else 1.0),
            colours=MapColours.ONE_SIDED,
            overlay_name=f"{name} [{unit}]",
            where=one.mask,
        ),
        f"{name} [{unit}] in every voxel"
        + ("" if one.from_min is None else f", from {one.from_min:.1f} min on"),
        f"Map of {name} over the mean of the scan in three planes",
    )
