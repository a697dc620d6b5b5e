"""Pictures of a plan that was calculated again: differences, uncertainty, emission, histograms of both."""

from __future__ import annotations

from typing import Final

import numpy as np

from tumorboard.core.emission import EmissionMap
from tumorboard.core.image import Image, Quantity
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.plotting.blocks import Block, Picture
from tumorboard.plotting.dvh import DvhCurve, dvh_plot
from tumorboard.plotting.emission_overlay import emission_overlay
from tumorboard.plotting.emission_profile import EmissionCurve, emission_profile
from tumorboard.plotting.map_slices import MapColours, map_slices
from tumorboard.plotting.palette import structure_rgb
from tumorboard.provenance import Record
from tumorboard.workflows.board.display import first_window
from tumorboard.workflows.board.proton_pictures import outlines_of, weighting
from tumorboard.workflows.proton_plan.recalculation import GAMMA_BAND_MEV, Recalculation

__all__ = ["emission_pictures", "map_pictures", "recalculated_dvh_picture"]

_DVH_POINTS: Final = 240
#: Differences are coloured to this share of the prescribed dose, uncertainties to this share of the dose.
_DIFFERENCE: Final = 0.1
_UNCERTAINTY_PERCENT: Final = 5.0
#: Uncertainty is shown where there is this share of the highest dose.
_SOME_DOSE: Final = 0.1
_ISODOSES: Final = (0.5, 0.95)


def map_pictures(result: Recalculation, ct: Image, point_mm: tuple[float, float, float]) -> list[Block]:
    """Return dose difference and uncertainty over the CT.

    Parameters
    ----------
    result
        Of the recalculation.
    ct
        CT_NUMBER.
    point_mm
        Where the three planes meet (x, y, z) [mm].
    """
    shown = resample(ct, result.dose.grid, method=Interpolation.LINEAR, outside=-1024.0)
    outlines = outlines_of(result.config, result.structures)
    prescribed = max(t.dose_gy for t in result.config.targets)
    most = _DIFFERENCE * prescribed
    window = first_window(shown)
    kind = weighting(result.config)
    difference = map_slices(
        shown,
        result.difference,
        point_mm=point_mm,
        background_window=window,
        overlay_window=(-most, most),
        colours=MapColours.TWO_SIDED,
        overlay_name="Monte Carlo − planned [Gy]",
        outlines=outlines,
    )
    high = result.dose.values > _SOME_DOSE * result.dose.values.max()
    record = Record("workflows.board.where_dose", {"share": _SOME_DOSE}, (result.dose.provenance,))
    percent = Image(
        100.0 * result.uncertainty.values, result.dose.grid, Quantity.UNCALIBRATED, result.provenance
    )
    uncertainty = map_slices(
        shown,
        percent,
        point_mm=point_mm,
        background_window=window,
        overlay_window=(0.0, _UNCERTAINTY_PERCENT),
        colours=MapColours.ONE_SIDED,
        overlay_name="Uncertainty of the dose [%]",
        where=Image(high, result.dose.grid, Quantity.LABEL, record),
        outlines=outlines,
    )
    return [
        Picture(
            difference,
            f"Monte Carlo minus planned {kind}; colours end at {100 * _DIFFERENCE:g} % of the prescription",
            "Dose difference over CT in three planes",
        ),
        Picture(
            uncertainty,
            f"Standard uncertainty of the dose, where that exceeds {100 * _SOME_DOSE:g} % of the highest",
            "Statistical uncertainty over CT in three planes",
        ),
    ]


def emission_pictures(result: Recalculation, ct: Image, point_mm: tuple[float, float, float]) -> list[Block]:
    """Return prompt gammas and positron emitters over the CT, and each field's gammas by depth.

    Parameters
    ----------
    result, ct, point_mm
        As in :func:`map_pictures`.
    """
    grid = result.dose.grid
    shown = resample(ct, grid, method=Interpolation.LINEAR, outside=-1024.0)
    prescribed = max(t.dose_gy for t in result.config.targets)
    lines = [share * prescribed for share in _ISODOSES]
    low, high = GAMMA_BAND_MEV
    band = f"{low:g} to {high:g} MeV"

    def over_ct(emission: Image, name: str) -> bytes:
        return emission_overlay(
            shown,
            resample(emission, grid, method=Interpolation.CONSERVATIVE, outside=0.0),
            point_mm=point_mm,
            background_window=first_window(shown),
            emission_name=name,
            dose=result.dose,
            isodose_gy=lines,
            outlines=outlines_of(result.config, result.structures),
        )

    isodoses = " and ".join(f"{100 * share:g}" for share in _ISODOSES)
    gammas = over_ct(
        result.transport.prompt_gammas.image(energy_mev=GAMMA_BAND_MEV), f"Prompt gammas, {band}"
    )
    emitters = over_ct(_sum(result.transport.positron_emitters), "C-11, N-13 and O-15")
    curves = [EmissionCurve(f.name, f.edges_mm, f.per_proton, f.falloff_50_mm) for f in result.fields]
    profile = emission_profile(
        curves, emission_name=f"Prompt gammas, {band}", depth_name="Depth behind the skin on the central axis"
    )
    return [
        Picture(
            gammas,
            f"Prompt gammas of {band} that one fraction makes, with the lines of {isodoses} % of the "
            "prescribed dose",
            "Prompt gammas over CT in three planes",
        ),
        Picture(
            profile,
            "Prompt gammas of each field, in planes across its axis; dashed: where they have fallen to half",
            "Prompt gammas of each field by depth",
        ),
        Picture(
            emitters,
            "Positron emitters (C-11, N-13, O-15) that one fraction makes, none of them decayed",
            "Positron emitters over CT in three planes",
        ),
    ]


def _sum(maps: tuple[EmissionMap, ...]) -> Image:
    images = [m.image() for m in maps]
    total = np.sum([image.values for image in images], axis=0)
    record = Record("workflows.board.all_emitters", {}, tuple(image.provenance for image in images))
    return Image(total, images[0].grid, images[0].quantity, record)


def recalculated_dvh_picture(result: Recalculation) -> Picture:
    """Return the histograms of both doses.

    Parameters
    ----------
    result
        Of the recalculation.
    """
    top = max(h.max_gy for bands in result.histograms.values() for h in bands)
    doses = np.linspace(0.0, 1.04 * top, _DVH_POINTS)
    curves = []
    for k, (name, (planned, again)) in enumerate(result.histograms.items()):
        for histogram, which in ((again, ""), (planned, " planned")):
            volumes = np.clip(histogram.cumulative_percent(doses), 0.0, 100.0)
            curves.append(DvhCurve(f"{name}{which}", doses, volumes, None, None, structure_rgb(k)))
    kind = weighting(result.config)
    return Picture(
        dvh_plot(
            curves,
            prescribed_gy=max(t.dose_gy for t in result.config.targets),
            dose_name=kind[0].upper() + kind[1:],
        ),
        "Dose-volume histograms: by Monte Carlo (lines) and as planned (dashed)",
        "Cumulative dose-volume histograms of both calculations",
    )
