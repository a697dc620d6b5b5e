"""What the interactive viewer of a report shows, small enough to travel inside one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import StructureSet
from tumorboard.errors import TumorboardError
from tumorboard.io import nifti
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.numerics.voxelise import structure_mask
from tumorboard.plotting.blocks import PointLink, SectionStatus
from tumorboard.plotting.palette import structure_rgb
from tumorboard.plotting.scene import Colormap, Label, Layer, LayerKind, Scene
from tumorboard.provenance import Record
from tumorboard.workflows.board.context import Context, SeriesFacts, VolumeFacts
from tumorboard.workflows.board.display import first_window, outside_value
from tumorboard.workflows.board.emission import uptake
from tumorboard.workflows.board.kinetic_items import KINETIC_MAP_ITEMS
from tumorboard.workflows.board.proton_items import (
    DOSE_ITEM,
    LET_ITEM,
    MONTE_CARLO_DOSE_ITEM,
    PROMPT_GAMMA_ITEM,
)
from tumorboard.workflows.board.radioligand_data import RADIOLIGAND_DOSE_ITEM

__all__ = ["build_scene", "treated_frame"]

#: A volume of the viewer has at most this many voxels; a finer one is resampled for display only.
_MOST_VOXELS = 9_000_000
_MOST_VOLUMES = 4
#: Structures that overlap take a label volume each; so many the viewer can hold and the page carry.
_MOST_LABEL_VOLUMES = 8


#: Sections that make a dose, and its item: the first that is there says what is shown.
_DOSES: Final = {"proton": DOSE_ITEM, "radioligand": RADIOLIGAND_DOSE_ITEM}


def build_scene(
    context: Context, points: tuple[PointLink, ...], *, doses: tuple[str, ...] = tuple(_DOSES)
) -> tuple[Scene | None, str]:
    """Return PET over CT with the structures, or whatever of these there is, and what is left out in words.

    The frame of reference shown is that of the dose of the first of ``doses`` that is there, else of the
    first emission volume, else of the first CT, else of the first volume. The scene is ``None`` when the case
    has no volume.
    """
    chosen = _chosen(context, treated_frame(context, doses))
    if not chosen:
        return None, "no volume to show"
    frame = chosen[0][1].frame_of_reference
    doses_shown = _dose_layers(context, frame)
    layers = [
        _layer(context, series, volume, is_background=k == 0, under_dose=bool(doses_shown))
        for k, (series, volume) in enumerate(chosen)
    ]
    layers += doses_shown
    inside = context.image(chosen[0][1].item).grid
    unpainted = 0
    for _, structures in context.structure_sets():
        if structures.frame_of_reference == frame:
            painted, n_left = _label_layers(structures, _display_grid(inside))
            layers += painted
            unpainted += n_left
    others = len(context.volumes()) - len(chosen)
    left_out = f"; {others} other volume(s) are shown as pictures only" if others else ""
    if unpainted:
        left_out += f"; {unpainted} structure(s) that overlap many others are not shown here"
    words = f"{', '.join(s.title_of(v) for s, v in chosen)}{left_out}"
    shown = tuple(p for p in points if p.is_in(frame) and _is_inside(inside, p))
    return Scene(tuple(layers), shown, frame), words


def _chosen(context: Context, treated: str | None) -> list[tuple[SeriesFacts, VolumeFacts]]:
    """Return the volumes to show, the background first."""
    everything = context.volumes()
    if treated is not None:
        everything.sort(key=lambda pair: pair[1].frame_of_reference != treated)
    for modalities in (("PT", "NM"), ("CT",), ()):
        first = next((pair for pair in everything if not modalities or pair[0].modality in modalities), None)
        if first is not None:
            break
    else:
        return []
    order = {"CT": 0, "MR": 2, "PT": 1, "NM": 1}
    same = [p for p in everything if p[1].frame_of_reference == first[1].frame_of_reference]
    same.sort(key=lambda p: order.get(p[0].modality, 3))
    if same[0][0].modality == "MR":
        # The finest anatomy is the best background of an MR study.
        same.sort(key=lambda p: (order.get(p[0].modality, 3), p[1].spacing_mm[1] * p[1].spacing_mm[2]))
    return same[:_MOST_VOLUMES]


def treated_frame(context: Context, doses: tuple[str, ...] = tuple(_DOSES)) -> str | None:
    """Return the frame of reference of the first dose of a plan or radioligand that this report has.

    Parameters
    ----------
    context
        Of the report.
    doses
        Names of sections.
    """
    for section in doses:
        made = context.earlier.get(section)
        if made is not None and made.status is SectionStatus.DONE:
            return context.image(_DOSES[section]).grid.frame_of_reference
    return None


def _layer(
    context: Context, series: SeriesFacts, volume: VolumeFacts, *, is_background: bool, under_dose: bool
) -> Layer:
    is_emission = series.modality in ("PT", "NM")
    image = uptake(context, series, volume)[0] if is_emission else context.image(volume.item)
    shown = _for_display(image)
    kind = LayerKind.BACKGROUND if is_background else LayerKind.OVERLAY
    return Layer(
        series.title_of(volume),
        nifti.to_bytes(shown),
        kind,
        Colormap.GREY if is_background or not is_emission else Colormap.HOT,
        first_window(shown),
        shown.quantity.unit,
        # Dose lies where uptake is high: over black it would hardly be seen.
        inverted=is_background and is_emission and not under_dose,
        opacity=1.0 if is_background else 0.6,
        projected=is_emission,
        # A second anatomy waits behind its box, so that it does not cover the first.
        shown=is_background or is_emission,
    )


@dataclass(frozen=True, slots=True)
class _PlanLayer:
    """An item of a plan in the viewer; colours begin at a share of its largest value."""

    label: str
    colormap: Colormap
    from_share: float
    shown: bool = False
    #: What the colours end at, where a few voxels are far above all others; ``None``: the largest value.
    to_percentile: float | None = None


#: A tenth of the maximum is where a dose begins to matter to the eye; LET has no such floor.
_PLAN_LAYERS: Final = {
    DOSE_ITEM: _PlanLayer("Dose", Colormap.JET, 0.1, shown=True),
    RADIOLIGAND_DOSE_ITEM: _PlanLayer("Dose of the radioligand", Colormap.JET, 0.1, shown=True),
    LET_ITEM: _PlanLayer("LETd", Colormap.VIRIDIS, 0.0),
    MONTE_CARLO_DOSE_ITEM: _PlanLayer("Dose, Monte Carlo", Colormap.JET, 0.1),
    PROMPT_GAMMA_ITEM: _PlanLayer("Prompt gammas", Colormap.PLASMA, 0.02),
    KINETIC_MAP_ITEMS["Logan", "VT"]: _PlanLayer("VT, Logan", Colormap.VIRIDIS, 0.0, True, 99.9),
    KINETIC_MAP_ITEMS["MA1", "VT"]: _PlanLayer("VT, MA1", Colormap.VIRIDIS, 0.0, False, 99.9),
    KINETIC_MAP_ITEMS["1TCM", "K1"]: _PlanLayer(
        "K1, one tissue compartment", Colormap.PLASMA, 0.0, False, 99.9
    ),
}


def _dose_layers(context: Context, frame: str) -> list[Layer]:
    """Return the dose of a plan, and the rest behind boxes, when there are some in the frame shown."""
    made = {name: context.earlier.get(name) for name in ("radioligand", "kinetics", "proton", "monte_carlo")}
    done = [f"section-{n}-" for n, s in made.items() if s is not None and s.status is SectionStatus.DONE]
    held = {item.name for item in context.store.case().items if item.name.startswith(tuple(done))}
    layers = []
    for name, plan_layer in _PLAN_LAYERS.items():
        if name not in held:
            continue
        image = context.image(name)
        if image.grid.frame_of_reference != frame:
            continue
        shown = _for_display(_known(image))
        top = _top(shown, plan_layer.to_percentile)
        layers.append(
            Layer(
                plan_layer.label,
                nifti.to_bytes(shown),
                LayerKind.OVERLAY,
                plan_layer.colormap,
                (plan_layer.from_share * top, top),
                shown.quantity.unit,
                opacity=0.45,
                shown=plan_layer.shown,
            )
        )
    return layers


def _known(image: Image) -> Image:
    """Return the image with 0 where a model had no result: the viewer knows no NaN."""
    if np.isfinite(image.values).all():
        return image
    values = np.nan_to_num(image.values, nan=0.0, posinf=0.0, neginf=0.0)
    return Image(values, image.grid, image.quantity, image.provenance)


def _top(image: Image, percentile: float | None) -> float:
    positive = image.values[image.values > 0]
    if percentile is None or not positive.size:
        return float(image.values.max()) or 1.0
    return float(np.percentile(positive, percentile))


def _display_grid(grid: Grid) -> Grid:
    """Return the grid itself when small enough, else one over the same box with coarser voxels."""
    excess = np.prod(grid.shape) / _MOST_VOXELS
    if excess <= 1:
        return grid
    # Coarsen where voxels are finest, so that they end up as cubic as they can.
    spacing = np.array(grid.spacing_mm)
    for _ in range(64):
        if np.prod(np.array(grid.shape) * grid.spacing_mm / spacing) <= _MOST_VOXELS:
            break
        spacing[spacing <= spacing.min() * 1.05] *= 1.1
    return grid.with_spacing(spacing)


def _for_display(image: Image) -> Image:
    grid = _display_grid(image.grid)
    if grid is not image.grid:
        # An amount in each voxel must not grow when voxels become fewer.
        method = Interpolation.CONSERVATIVE if image.quantity.is_extensive else Interpolation.LINEAR
        image = resample(image, grid, method=method, outside=outside_value(image))
    values = image.values
    if image.quantity is Quantity.CT_NUMBER:
        return Image(np.rint(values).astype(np.int16), grid, image.quantity, image.provenance)
    # A window's 256 grey levels need no more than 11 bits: zeroed low bits compress to half the size.
    coarse = np.ascontiguousarray(values, np.float32).view(np.uint32) & np.uint32(0xFFFFF000)
    return Image(coarse.view(np.float32), grid, image.quantity, image.provenance)


def _label_layers(structures: StructureSet, grid: Grid) -> tuple[list[Layer], int]:
    """Paint the structures into as few label volumes as overlaps allow; return how many found no room too."""
    unpainted = 0
    painted: list[tuple[np.ndarray, list[Label]]] = []
    for k, structure in enumerate(structures.structures):
        try:
            mask = structure_mask(structure, grid).values
        except TumorboardError:
            continue  # the structures section has said so already
        if not mask.any():
            continue
        for labels_at, labels in painted:
            if len(labels) < 255 and not (labels_at[mask] != 0).any():
                break
        else:
            if len(painted) == _MOST_LABEL_VOLUMES:
                unpainted += 1
                continue
            labels_at, labels = np.zeros(grid.shape, np.uint8), []
            painted.append((labels_at, labels))
        colour = structure.colour_rgb or structure_rgb(k)
        labels.append(Label(len(labels) + 1, structure.name, colour))
        labels_at[mask] = len(labels)
    record = Record("workflows.board.scene", inputs=(structures.provenance,))
    name = structures.label or "Structures"
    layers = [
        Layer(
            name if k == 0 else f"{name} ({k + 1})",
            nifti.to_bytes(Image(values, grid, Quantity.LABEL, record)),
            LayerKind.LABELS,
            opacity=0.05,  # outlines stay opaque: this is their filling only
            labels=tuple(labels),
        )
        for k, (values, labels) in enumerate(painted)
    ]
    return layers, unpainted


def _is_inside(grid: Grid, point: PointLink) -> bool:
    index = grid.patient_to_index(point.point_mm)
    return bool(((index >= -0.5) & (index <= np.array(grid.shape) - 0.5)).all())
