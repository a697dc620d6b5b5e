"""Pictures of a plan that was calculated again: differences, uncertainty, emission, histograms of both."""

from __future__ import annotations

from dataclasses import replace
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


class _View:
    """The part of the dose grid that the protons reached, with the CT and the outlines there."""

    def __init__(self, result: Recalculation, ct: Image) -> None:
        whole, reached = result.dose.grid, result.transport.dose.grid
        ends = whole.patient_to_index(reached.corners_mm)
        start = np.clip(np.rint(ends.min(axis=0) + 0.5), 0, None).astype(int).tolist()
        stop = np.minimum(np.rint(ends.max(axis=0) + 0.5), whole.shape).astype(int).tolist()
        self._start = (start[0], start[1], start[2])
        self._stop = (stop[0], stop[1], stop[2])
        self.grid = whole.crop(self._start, self._stop)
        self.ct = resample(ct, self.grid, method=Interpolation.LINEAR, outside=-1024.0)
        self.window = first_window(self.ct)
        self.outlines = tuple(
            replace(o, mask=self.part(o.mask)) for o in outlines_of(result.config, result.structures)
        )

    def part(self, image: Image) -> Image:
        """Return what is in view of an image on the dose grid."""
        return image.crop(self._start, self._stop)


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
    view = _View(result, ct)
    most = _DIFFERENCE * max(t.dose_gy for t in result.config.targets)
    kind = weighting(result.config)
    difference = map_slices(
        view.ct,
        view.part(result.difference),
        point_mm=point_mm,
        background_window=view.window,
        overlay_window=(-most, most),
        colours=MapColours.TWO_SIDED,
        overlay_name="Monte Carlo − planned [Gy]",
        outlines=view.outlines,
    )
    high = result.dose.values > _SOME_DOSE * result.dose.values.max()
    record = Record("workflows.board.where_dose", {"share": _SOME_DOSE}, (result.dose.provenance,))
    percent = Image(
        100.0 * result.uncertainty.values, result.dose.grid, Quantity.UNCALIBRATED, result.provenance
    )
    uncertainty = map_slices(
        view.ct,
        view.part(percent),
        point_mm=point_mm,
        background_window=view.window,
        overlay_window=(0.0, _UNCERTAINTY_PERCENT),
        colours=MapColours.ONE_SIDED,
        overlay_name="Uncertainty of the dose [%]",
        where=view.part(Image(high, result.dose.grid, Quantity.LABEL, record)),
        outlines=view.outlines,
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
    result, ct
        As in :func:`map_pictures`.
    point_mm
        Where the three planes meet (x, y, z) [mm].
    """
    view = _View(result, ct)
    prescribed = max(t.dose_gy for t in result.config.targets)
    low, high = GAMMA_BAND_MEV
    band = f"{low:g} to {high:g} MeV"

    def over_ct(emission: Image, name: str) -> bytes:
        return emission_overlay(
            view.ct,
            resample(emission, view.grid, method=Interpolation.CONSERVATIVE, outside=0.0),
            point_mm=point_mm,
            background_window=view.window,
            emission_name=name,
            dose=view.part(result.dose),
            isodose_gy=[share * prescribed for share in _ISODOSES],
            outlines=view.outlines,
        )

    isodoses = " and ".join(f"{100 * share:g}" for share in _ISODOSES)
    gammas = over_ct(
        result.transport.prompt_gammas.image(energy_mev=GAMMA_BAND_MEV), f"Prompt gammas, {band}"
    )
    emitters = over_ct(_sum(result.transport.positron_emitters), "C-11, N-13 and O-15")
    curves = [
        EmissionCurve(f"{f.name}, {f.layer_energy_mev:.1f} MeV", f.edges_mm, f.per_proton, f.falloff_50_mm)
        for f in result.fields
    ]
    profile = emission_profile(curves, emission_name=f"Gammas, {band}", depth_name="Water-equivalent depth")
    return [
        Picture(
            gammas,
            f"Prompt gammas of {band} that one fraction makes, with the lines of {isodoses} % of the "
            "prescribed dose",
            "Prompt gammas over CT in three planes",
        ),
        Picture(
            profile,
            "Prompt gammas of each field's strongest layer; dashed: where they have fallen to half",
            "Prompt gammas of each field by water-equivalent depth",
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
