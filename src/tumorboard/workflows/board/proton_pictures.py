"""Pictures of a proton plan: dose and LET over the CT, histograms with bands."""

from __future__ import annotations

import numpy as np

from tumorboard.core.image import Image, Quantity
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.plotting import pictures
from tumorboard.plotting.blocks import Block, Picture
from tumorboard.plotting.dose_slices import dose_slices
from tumorboard.plotting.dvh import DvhCurve, dvh_plot
from tumorboard.plotting.palette import structure_rgb
from tumorboard.workflows.board.display import first_window
from tumorboard.workflows.proton_plan.config import PHYSICAL_DOSE, ProtonPlanConfig
from tumorboard.workflows.proton_plan.result import ProtonPlanResult
from tumorboard.workflows.proton_plan.structures import PlanStructures

__all__ = ["dose_pictures", "dvh_picture", "outlines_of", "weighting"]

#: Doses at which histograms are drawn.
_DVH_POINTS = 240


def weighting(config: ProtonPlanConfig) -> str:
    """Return in words what kind of dose is shown.

    Parameters
    ----------
    config
        The prescription.
    """
    model = config.rbe_model
    return "physical dose" if model == PHYSICAL_DOSE else f"RBE-weighted dose ({model})"


def dose_pictures(result: ProtonPlanResult, ct: Image, point_mm: tuple[float, float, float]) -> list[Block]:
    """Return dose, and LETd where there is any, over the CT.

    Parameters
    ----------
    result
        Of planning.
    ct
        CT_NUMBER.
    point_mm
        Where the three planes meet (x, y, z) [mm].
    """
    shown = resample(ct, result.rbe_dose.grid, method=Interpolation.LINEAR, outside=-1024.0)
    outlines, kind = outlines_of(result.config, result.structures), weighting(result.config)
    top = float(result.rbe_dose.values.max())
    window = first_window(shown)
    planes = dose_slices(
        shown,
        result.rbe_dose,
        point_mm=point_mm,
        background_window=window,
        reference_gy=max(t.dose_gy for t in result.config.targets),
        outlines=outlines,
        dose_name=_sentence(kind),
    )
    targets = {t.structure for t in result.config.targets}
    slices = pictures.montage_slices(
        shown,
        window=window,
        outlines=tuple(o for o in outlines if o.name in targets),
        overlay=result.rbe_dose,
        overlay_window=(0.05 * top, top),
    )
    made = [
        Picture(planes, f"{kind} over the CT, through the isocentre", "Dose over CT in three planes"),
        Picture(slices, f"{kind} in slices through the target", "Axial slices with dose over CT"),
    ]
    if result.let is not None:
        # Where hardly any dose is, LET is of no consequence, and the eye would be drawn to it.
        relevant = np.where(result.dose.values > 0.05 * result.dose.values.max(), result.let.values, 0.0)
        let = Image(relevant.astype(np.float32), result.let.grid, result.let.quantity, result.let.provenance)
        high = float(np.percentile(relevant[relevant > 0], 99)) if (relevant > 0).any() else 1.0
        png = pictures.fused_slices(
            shown,
            let,
            point_mm=point_mm,
            background_window=window,
            overlay_window=(0.0, high),
            outlines=outlines,
        )
        made.append(
            Picture(png, "LETd where the dose is above 5 % of its maximum", "LETd over CT in three planes")
        )
    return list(made)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def outlines_of(config: ProtonPlanConfig, structures: PlanStructures) -> tuple[pictures.Outline, ...]:
    """Return the outlines of the drawn structures.

    Parameters
    ----------
    config
        The prescription, which says what is combined of others.
    structures
        On the dose grid.
    """
    combined = {c.name for c in config.combined}
    found = []
    for k, (name, fraction) in enumerate(structures.fractions.items()):
        if name not in combined and name != "body":
            mask = Image(fraction.values >= 0.5, fraction.grid, Quantity.LABEL, fraction.provenance)
            found.append(pictures.Outline(name, mask, structure_rgb(k)))
    return tuple(found)


def dvh_picture(result: ProtonPlanResult) -> Picture:
    """Return the histograms with their bands.

    Parameters
    ----------
    result
        Of planning.
    """
    top = max(h.max_gy for bands in result.histograms.values() for h in bands)
    doses = np.linspace(0.0, 1.04 * top, _DVH_POINTS)
    curves = []
    for k, (name, bands) in enumerate(result.histograms.items()):
        volumes = np.clip(np.stack([h.cumulative_percent(doses) for h in bands]), 0.0, 100.0)
        curves.append(
            DvhCurve(name, doses, volumes[0], volumes.min(axis=0), volumes.max(axis=0), structure_rgb(k))
        )
    prescribed = max(t.dose_gy for t in result.config.targets)
    n = len(result.scenarios)
    return Picture(
        dvh_plot(curves, prescribed_gy=prescribed, dose_name=_sentence(weighting(result.config))),
        f"Dose-volume histograms: nominal (lines) and all {n} scenarios (bands)",
        "Cumulative dose-volume histograms with bands",
    )
