"""Radioligand: activities over time, effective half-lives and absorbed doses of lesions."""

from __future__ import annotations

from collections.abc import Sequence

from tumorboard.core.image import Image
from tumorboard.core.nuclide import Nuclide
from tumorboard.core.structures import StructureSet
from tumorboard.io.acquisition_encoding import acquisition_from_json
from tumorboard.plotting.blocks import Block, Facts, Note, PointLink, SectionStatus, Table
from tumorboard.workflows.board.context import Context, SeriesFacts, VolumeFacts
from tumorboard.workflows.board.radioligand_checks import decay_factor_notes
from tumorboard.workflows.board.radioligand_contact import contact_blocks, contact_data
from tumorboard.workflows.board.radioligand_contours import contour_blocks, contour_data
from tumorboard.workflows.board.radioligand_curves import curve_blocks
from tumorboard.workflows.board.radioligand_data import (
    RADIOLIGAND_DOSE_ITEM,
    WHAT_IF_H,
    radioligand_data,
    what_if_gy,
)
from tumorboard.workflows.board.radioligand_effort import TARGET_UNCERTAINTY, histories_for
from tumorboard.workflows.board.radioligand_options import progeny_fate, radioligand_options
from tumorboard.workflows.board.radioligand_organs import kidney_blocks, kidney_data, organ_names
from tumorboard.workflows.board.radioligand_pictures import METHOD_NAMES, centre_mm, radioligand_pictures
from tumorboard.workflows.board.radioligand_radiation import radiation_blocks
from tumorboard.workflows.board.radioligand_recovery import recovery_blocks, recovery_data
from tumorboard.workflows.board.radioligand_scans import nameless_scans, treatment_scans
from tumorboard.workflows.board.result import SectionResult
from tumorboard.workflows.radioligand.config import (
    ALPHA_NUCLIDES,
    NUCLIDES,
    ContourSource,
    RadioligandConfig,
)
from tumorboard.workflows.radioligand.contours import contour_source
from tumorboard.workflows.radioligand.curve_words import SHAPE_NAMES
from tumorboard.workflows.radioligand.result import LesionDose, RadioligandResult
from tumorboard.workflows.radioligand.time_course import ActivityScan, scan_time_s

__all__ = ["run"]

_NEEDS_SCANS = (
    f"Two or more scans in Bq/mL (PT or NM) after one administration of {', '.join(NUCLIDES[:-1])} or "
    f"{NUCLIDES[-1]}; or one, and how decays follow from it (--radioligand-single-scan)."
)
_NEEDS_LESIONS = (
    "Lesions drawn on each of the scans (RTSTRUCT) by the same names, or on one of them to be carried to the "
    "others."
)


def run(context: Context) -> SectionResult:
    """Measure the lesions on each scan, and calculate their dose by three methods."""
    found = treatment_scans(context)
    options = radioligand_options(context.config.radioligand)
    if len(found) < (1 if options["single_scan"] is not None else 2):
        return SectionResult(SectionStatus.NOT_POSSIBLE, (_NEEDS_SCANS, *nameless_scans(context)))
    scans = [scan for series, volume in found if (scan := _scan(context, series, volume)) is not None]
    chosen = context.config.contours
    # Drawn on each scan where they are; else those of one scan are carried, and that is said.
    source = contour_source(scans) if chosen is None else ContourSource(chosen)
    if not any(scan.lesions.names for scan in scans):
        source = None
    if len(scans) < len(found) or source is None:
        return SectionResult(SectionStatus.NOT_POSSIBLE, (_NEEDS_LESIONS,))
    # Imported here: whoever has no such scans need not wait for transport to load.
    from tumorboard.workflows.radioligand.run import run as calculate

    kernels = context.store.folder / "kernels"
    kernels.mkdir(exist_ok=True)
    last = max(scans, key=scan_time_s)
    nuclide = Nuclide.named(last.acquisition.radionuclide or "").name
    result = calculate(
        RadioligandConfig(
            threads=context.config.jobs,
            histories=histories_for(scans),
            contours=source,
            progeny=progeny_fate(context.config.radioligand, is_alpha=nuclide in ALPHA_NUCLIDES),
            **options,
        ),
        scans,
        ct=_ct(context, last),
        kernel_cache=kernels,
        progress=context.progress,
    )
    context.store.put_image(
        RADIOLIGAND_DOSE_ITEM, result.doses["monte_carlo"].dose, {"label": "radioligand dose"}
    )
    return _section(context, scans, result)


def _section(context: Context, scans: Sequence[ActivityScan], result: RadioligandResult) -> SectionResult:
    """Return what is shown and stored of the result."""
    at_risk = organ_names(scans)
    organs = [one for one in result.lesions if one.course.name in at_risk]
    lesions = [one for one in result.lesions if one.course.name not in at_risk]
    regions = [*lesions, *organs]
    notes = (*decay_factor_notes(scans, result.total), *result.notes)
    kidneys = kidney_data(result, organs)
    recoveries = recovery_data(regions, context.config.psf_fwhm_mm)
    contact = contact_data(result, scans[0].acquisition.injection)
    return SectionResult(
        SectionStatus.DONE,
        data={
            **radioligand_data(result, lesions, organs),
            "notes": list(notes),
            "kidneys": kidneys,
            "partial_volume": recoveries,
            "contours": contour_data(result.contours),
            "contact": contact,
        },
        blocks=(
            *(Note(text) for text in notes),
            _facts(result),
            _activity_table(result, regions),
            *curve_blocks([result.total, *(one.course for one in regions)]),
            *contour_blocks(result.contours),
            *(_dose_table(some, what) for some, what in ((lesions, "Lesion"), (organs, "Organ")) if some),
            *radiation_blocks(result, regions),
            *_what_if_table(result, regions),
            *recovery_blocks(recoveries),
            *kidney_blocks(kidneys),
            *radioligand_pictures(result, regions),
            *contact_blocks(contact),
        ),
        points=tuple(
            PointLink(one.course.name, centre_mm(one), one.mask.grid.frame_of_reference) for one in regions
        ),
        provenance=result.provenance,
    )


def _scan(context: Context, series: SeriesFacts, volume: VolumeFacts) -> ActivityScan | None:
    """Return a scan with what is drawn on it, or in its frame of reference; ``None`` without its times."""
    drawn: list[StructureSet] = [
        s for _, s in context.structure_sets() if s.frame_of_reference == volume.frame_of_reference
    ]
    drawn.sort(key=lambda s: s.referenced_series != series.uid)
    if series.acquisition is None:
        return None
    acquisition, image = acquisition_from_json(series.acquisition), context.image(volume.item)
    nothing = StructureSet((), volume.frame_of_reference, image.provenance)
    return ActivityScan(series.title_of(volume), image, acquisition, drawn[0] if drawn else nothing)


def _ct(context: Context, scan: ActivityScan) -> Image | None:
    for _, volume in context.volumes("CT"):
        if volume.frame_of_reference == scan.image.grid.frame_of_reference:
            return context.image(volume.item)
    return None


def _facts(result: RadioligandResult) -> Facts:
    given = result.injected_bq
    total = result.total
    spread = total.half_life_uncertainty_s
    half_life = f"{total.half_life_s / 3600:.1f} h" + (
        f" ± {spread / 3600:.1f} h" if spread is not None else ", an upper limit"
    )
    z, y, x = result.scan.grid.shape
    return Facts(
        (
            ("Nuclide", f"{result.nuclide}, half-life {result.physical_half_life_s / 3600:.2f} h"),
            ("Given", f"{given / 1e6:.0f} MBq" if given is not None else "not stated"),
            ("Effective half-life of all in the scan", half_life),
            ("Medium", result.medium),
            ("Voxels", f"{x} x {y} x {z} around the lesions"),
            ("Monte Carlo", _effort(result)),
            ("Time", ", ".join(f"{k.replace('_', ' ')} {v:.1f} s" for k, v in result.stages_s.items())),
        )
    )


def _effort(result: RadioligandResult) -> str:
    reached = max(one.statistical_uncertainty for one in result.lesions)
    return (
        f"{result.config.histories} decays, seed {result.config.seed}; meant to leave "
        f"{100 * TARGET_UNCERTAINTY:g} % "
        f"in every mean dose, left {100 * reached:.2g} % at most"
    )


def _activity_table(result: RadioligandResult, regions: Sequence[LesionDose]) -> Table:
    times = result.total.samples.times_s / 3600.0
    columns = (
        "Region",
        "Volume [mL]",
        *(f"At {t:.1f} h [MBq]" for t in times),
        "Effective half-life [h]",
        "Uncertainty [h]",
        "Curve",
    )
    rows: list[tuple[str | float | None, ...]] = []
    volumes = [None, *(one.volumes_ml[-1] for one in regions)]
    for volume, course in zip(volumes, [result.total, *(o.course for o in regions)], strict=True):
        hours, spread = course.half_life_s / 3600.0, course.half_life_uncertainty_s
        rows.append(
            (
                course.name,
                volume,
                *(course.samples.activity_bq / 1e6).tolist(),
                f"at most {hours:.1f}" if course.is_upper_limit else hours,
                "not determined" if spread is None else spread / 3600.0,
                SHAPE_NAMES[course.curve.shape],
            )
        )
    return Table("Activity as scanned, physical decay included", columns, tuple(rows))


def _dose_table(regions: Sequence[LesionDose], what: str) -> Table:
    rows = tuple(
        (
            one.course.name,
            "at most" if one.course.is_upper_limit else "",
            *(one.histograms[name].mean_gy for name in METHOD_NAMES),
            100.0 * one.relative_uncertainty,
            100.0 * one.statistical_uncertainty,
            one.histograms["kernel"].dose_at_volume_gy(percent=98),
            one.histograms["kernel"].dose_at_volume_gy(percent=2),
        )
        for one in regions
    )
    columns = (
        what,
        "",
        "Local [Gy]",
        "Kernel [Gy]",
        "Monte Carlo [Gy]",
        "± [%]",
        "of it MC [%]",
        "D98 [Gy]",
        "D2 [Gy]",
    )
    return Table(
        "Mean absorbed dose by three methods; D98 and D2 by kernel, since noise widens those of Monte Carlo",
        columns,
        rows,
    )


def _what_if_table(result: RadioligandResult, regions: Sequence[LesionDose]) -> list[Block]:
    rows: list[tuple[str | float, ...]] = [
        (one.course.name, *what_if_gy(one).values(), one.histograms["kernel"].mean_gy)
        for one in regions
        if one.course.is_upper_limit
    ]
    if not rows:
        return []
    hours = [h for h in WHAT_IF_H if h * 3600.0 < result.physical_half_life_s]
    columns = ("Region", *(f"{h:g} h [Gy]" for h in hours), "physical decay alone [Gy]")
    return [Table("Mean dose, were the effective half-life after the last scan", columns, tuple(rows))]
