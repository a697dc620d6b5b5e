"""PET and SPECT: uptake values, candidate lesions, and uptake in the structures."""

from __future__ import annotations

from typing import Any

import numpy as np

from tumorboard.core.image import Image, Quantity
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.pet import LesionQuantities
from tumorboard.plotting import pictures
from tumorboard.plotting.blocks import (
    Block,
    Caution,
    Facts,
    Fold,
    Note,
    Picture,
    PointLink,
    SectionStatus,
    Table,
    Text,
)
from tumorboard.provenance import Record
from tumorboard.workflows.board.context import Context
from tumorboard.workflows.board.display import first_window, outside_value
from tumorboard.workflows.board.emission import SPILL_MM, EmissionScan, measure_scan, suv_entry
from tumorboard.workflows.board.result import SectionResult

__all__ = ["run"]

_MOST_ROWS = 30
_NAMED_IN_PICTURE = 12
_NO_TUMOUR_VOLUME = (
    "This is a metabolic tumour volume, and uptake x volume total lesion glycolysis, only for FDG and once "
    "every candidate has been found to be tumour."
)


def run(context: Context) -> SectionResult:
    """Quantify every emission volume of the case."""
    volumes = context.volumes("PT", "NM")
    if not volumes:
        needs = ("A PET or SPECT series (modality PT or NM).",)
        empty: dict[str, Any] = {"suv": None, "lesions": [], "structures": [], "series": []}
        return SectionResult(SectionStatus.NOT_POSSIBLE, needs, empty)
    scans = [measure_scan(context, series, volume) for series, volume in volumes]
    blocks: list[Block] = []
    for scan in scans:
        blocks += _blocks(context, scan)
    first = next((scan for scan in scans if scan.factor is not None), scans[0])
    data = {
        "suv": suv_entry(first),
        "lesions": [{**m.to_dict(), "series": s.series.uid} for s in scans for m in s.lesions],
        "structures": [{**m.to_dict(), "series": s.series.uid} for s in scans for m in s.structures],
        "lesion_rule": {
            "method": "fixed threshold",
            "threshold_suv": context.config.threshold_suv,
            "minimum_volume_ml": context.config.lesion_min_volume_ml,
            "excluded_margin_mm": SPILL_MM,
        },
        "series": [_series_entry(scan) for scan in scans],
    }
    inputs = [q.provenance for s in scans for q in (*s.lesions, *s.structures)]
    return SectionResult(
        SectionStatus.DONE,
        data=data,
        blocks=tuple(blocks),
        points=tuple(_link(m, s.image) for s in scans for m in s.lesions[:_MOST_ROWS]),
        provenance=Record("workflows.board.pet", inputs=tuple(inputs or [s.image.provenance for s in scans])),
    )


def _series_entry(scan: EmissionScan) -> dict[str, Any]:
    return {
        "series": scan.series.uid,
        "description": scan.series.description,
        "radionuclide": scan.radionuclide,
        "tracer": scan.tracer,
        "suv": suv_entry(scan),
        "total_activity_mbq": _total_mbq(scan),
        "summary": scan.summary.to_dict() if scan.summary else None,
        "not_sought_in": list(scan.excluded),
    }


def _total_mbq(scan: EmissionScan) -> float | None:
    if scan.volume.quantity != Quantity.ACTIVITY_CONCENTRATION.value:
        return None
    factor = scan.factor.factor_per_bq_ml if scan.factor else None
    if scan.factor is not None and factor is None:
        return None
    total = float(scan.image.values.sum(dtype=np.float64)) * scan.image.grid.voxel_volume_ml * 1e-6
    return total / factor if factor else total


def _blocks(context: Context, scan: EmissionScan) -> list[Block]:
    title = scan.series.title_of(scan.volume)
    blocks: list[Block] = [Text(title)]
    if scan.factor is None:
        blocks.append(
            Caution(f"No uptake value: {scan.refusal} Values stay {_in_words(scan.image.quantity)}.")
        )
    else:
        blocks += _suv_blocks(scan)
    if scan.volume.n_frames > 1:
        blocks.append(
            Caution(
                f"All of this is measured in the mean of {scan.volume.n_frames} frames, weighted by their "
                "duration: this is not the uptake at one time after the injection."
            )
        )
    blocks.append(_mip(scan, title))
    if scan.image.quantity.is_suv:
        blocks += _lesion_blocks(context, scan)
    if scan.structures:
        caption = f"Uptake in the structures, {title}"
        blocks.append(_table(caption, scan.structures, scan.image))
    blocks += [Note(text) for text in scan.skipped]
    hottest = scan.lesions[0] if scan.lesions else None
    if hottest is not None:
        picture = _fused(context, scan, hottest)
        if picture is not None:
            blocks.append(picture)
    return blocks


def _suv_blocks(scan: EmissionScan) -> list[Block]:
    factor = scan.factor
    if factor is None:
        return []
    shown = factor.factor if isinstance(factor.factor, float) else "one per slice"
    facts = [
        ("Uptake value", factor.variant.value.replace("_", " ")),
        (f"Factor [{scan.image.quantity.unit} per {factor.per_unit}]", shown),
        ("Values are decay-corrected to", factor.decay_reference.value if factor.decay_reference else None),
        ("Rule", factor.rule),
        ("Radionuclide", scan.radionuclide),
        ("Tracer", scan.tracer),
    ]
    return [Facts(tuple(facts)), *(Note(note) for note in factor.notes)]


def _lesion_blocks(context: Context, scan: EmissionScan) -> list[Block]:
    config = context.config
    rule = (
        f"Candidates are connected regions of at least {config.lesion_min_volume_ml:g} mL with an uptake of "
        f"{config.threshold_suv:g} {scan.image.quantity.unit} or more."
    )
    if scan.excluded:
        rule += (
            f" Regions whose hottest voxel lies in {', '.join(scan.excluded)}, or within {SPILL_MM:g} mm of "
            "it, are left out, be they disease or not."
        )
    elif not scan.is_fdg:
        rule += (
            f" The tracer is {scan.tracer or 'not stated'}, not FDG, so no organ was left out: "
            "those that take it up in health are among the candidates."
        )
    else:
        rule += (
            " No structure names an organ with physiological uptake (brain, heart, kidneys, bladder), so none"
            " was left out: such organs are among the candidates."
        )
    blocks: list[Block] = [Note(rule)]
    if not scan.lesions:
        return [*blocks, Text("No candidate lesion was found.")]
    shown = scan.lesions[:_MOST_ROWS]
    blocks.append(_table("Candidate lesions, by burden", shown, scan.image))
    if len(scan.lesions) > _MOST_ROWS:
        blocks.append(Note(f"{len(scan.lesions) - _MOST_ROWS} smaller ones stand in report.json."))
    if scan.summary is not None:
        facts = (
            ("Candidates", scan.summary.n_lesions),
            ("Total volume [mL]", scan.summary.volume_ml),
            (f"Total uptake x volume [{_integral_unit(scan.image.quantity)}]", scan.summary.integral),
            ("Largest distance between two, Dmax [mm]", scan.summary.dmax_mm),
        )
        blocks.append(Fold("All candidates together", (Facts(facts), Note(_NO_TUMOUR_VOLUME))))
    return blocks


def _table(caption: str, measured: tuple[LesionQuantities, ...], image: Image) -> Table:
    quantity = image.quantity
    unit = quantity.unit
    name = "SUV" if quantity.is_suv else "Value"
    columns = (
        "Name",
        "Volume [mL]",
        f"{name} max [{unit}]",
        f"{name} peak [{unit}]",
        f"{name} mean [{unit}]",
        f"Mean x volume [{_integral_unit(quantity)}]",
    )
    rows = tuple((_link(m, image), m.volume_ml, m.maximum, m.peak, m.mean, m.integral) for m in measured)
    return Table(caption, columns, rows)


def _in_words(quantity: Quantity) -> str:
    return quantity.value.replace("_", " ") if quantity.unit == "1" else f"in {quantity.unit}"


def _integral_unit(quantity: Quantity) -> str:
    return quantity.unit.removesuffix("/mL") if quantity.unit.endswith("/mL") else f"{quantity.unit} mL"


def _link(m: LesionQuantities, image: Image) -> PointLink:
    x, y, z = m.maximum_position_mm.tolist()
    return PointLink(m.name, (x, y, z), image.grid.frame_of_reference)


def _mip(scan: EmissionScan, title: str) -> Picture:
    points = tuple(_link(m, scan.image) for m in scan.lesions[:_NAMED_IN_PICTURE])
    png = pictures.maximum_intensity_projection(scan.image, window=first_window(scan.image), points=points)
    return Picture(
        png,
        f"Maximum-intensity projections of {title}",
        f"Coronal and sagittal maximum-intensity projection of {title} with {len(points)} candidates marked",
    )


def _fused(context: Context, scan: EmissionScan, lesion: LesionQuantities) -> Picture | None:
    """Draw the hottest candidate on CT, else on MR, of the same frame of reference."""
    frame = scan.volume.frame_of_reference
    for modality in ("CT", "MR"):
        same = [(s, v) for s, v in context.volumes(modality) if v.frame_of_reference == frame]
        if same:
            series, volume = same[0]
            break
    else:
        return None
    grid = scan.image.grid.with_spacing(np.minimum(scan.image.grid.spacing_mm, 2.0))
    uptake = resample(scan.image, grid, method=Interpolation.LINEAR, outside=0.0)
    anatomy = context.image(volume.item)
    background = resample(anatomy, grid, method=Interpolation.LINEAR, outside=outside_value(anatomy))
    point = _link(lesion, scan.image)
    png = pictures.fused_slices(
        background,
        uptake,
        point_mm=point.point_mm,
        background_window=first_window(anatomy),
        overlay_window=first_window(uptake),
    )
    text = f"{lesion.name}: {scan.series.title} over {series.title}"
    return Picture(png, text, f"Axial, coronal and sagittal slice through {text}")
