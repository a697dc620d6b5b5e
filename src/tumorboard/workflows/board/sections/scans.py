"""What was scanned: every series, and what was set aside."""

from __future__ import annotations

from tumorboard.core.image import Quantity
from tumorboard.plotting import pictures
from tumorboard.plotting.blocks import (
    Block,
    Caution,
    Fold,
    Gallery,
    Note,
    Picture,
    SectionStatus,
    Table,
)
from tumorboard.provenance import Record
from tumorboard.workflows.board.context import Context, SeriesFacts, VolumeFacts
from tumorboard.workflows.board.result import SectionResult

__all__ = ["run"]

_MOST_THUMBNAILS = 24


def run(context: Context) -> SectionResult:
    """List the series with their geometry, show a slice of each volume, and name every file set aside."""
    case = context.store.case()
    blocks: list[Block] = [_series_table(context)]
    notes = [f"{s.title}: {note}" for s in context.series for note in s.notes]
    if notes:
        blocks.append(Fold("How ambiguities were resolved", tuple(Note(note) for note in notes)))
    blocks += [Caution(f"{s.title} was not read: {s.error}") for s in context.series if s.error]
    blocks += _thumbnails(context)
    blocks += _quarantine(context)
    return SectionResult(
        SectionStatus.DONE,
        data={
            "series": [entry for s in context.series for entry in _series_entries(s)],
            "quarantined": context.study["quarantined"],
            "ignored_files": context.study["ignored_files"],
        },
        blocks=tuple(blocks),
        provenance=Record(
            "workflows.board.scans",
            inputs=tuple(case[s.item].provenance for s in context.series),
        ),
    )


def _series_entries(series: SeriesFacts) -> list[dict[str, object]]:
    """One entry per volume; a series without a volume (structures, a failed one) has one without a shape."""
    common = {
        "modality": series.modality,
        "description": series.description,
        "uid": series.uid,
        "files": series.files,
        "error": series.error,
    }
    if not series.volumes:
        return [{**common, "shape": None, "spacing_mm": None}]
    return [
        {
            **common,
            "volume": volume.label,
            "shape": list(volume.shape),
            "spacing_mm": list(volume.spacing_mm),
            "frames": volume.n_frames,
            "quantity": volume.quantity,
            "unit": volume.unit,
            "frame_of_reference": volume.frame_of_reference,
        }
        for volume in series.volumes
    ]


def _series_table(context: Context) -> Table:
    rows = []
    for series in context.series:
        for volume in series.volumes or (None,):
            name = series.description or "(no description)"
            if volume is not None and len(series.volumes) > 1:
                name = f"{name}, {volume.label}"
            rows.append((series.modality, name, series.files, *_geometry(series, volume)))
    columns = ("Modality", "Description", "Files", "Voxels (z, y, x)", "Spacing (z, y, x) [mm]", "Quantity")
    return Table("Series", columns, tuple(rows))


def _geometry(series: SeriesFacts, volume: VolumeFacts | None) -> tuple[str, str, str]:
    if volume is None:
        kind = "structures" if series.structures_item else "not read" if series.error else "no image"
        return "", "", kind
    shape = " x ".join(str(n) for n in volume.shape)
    if volume.n_frames > 1:
        shape = f"{volume.n_frames} frames of {shape}"
    unit = "" if volume.unit == "1" else f" [{volume.unit}]"
    return (
        shape,
        " x ".join(f"{mm:.4g}" for mm in volume.spacing_mm),
        f"{volume.quantity.replace('_', ' ')}{unit}",
    )


def _thumbnails(context: Context) -> list[Block]:
    volumes = context.volumes()
    shown = []
    for done, (series, volume) in enumerate(volumes[:_MOST_THUMBNAILS]):
        context.progress("drawing series", done, len(volumes))
        title = series.title_of(volume)
        shown.append(
            Picture(
                pictures.series_thumbnail(context.image(volume.item)),
                title,
                f"Middle slices of {title}, {Quantity(volume.quantity).value.replace('_', ' ')}",
            )
        )
    context.progress("drawing series", len(volumes), len(volumes))
    blocks: list[Block] = [Gallery(tuple(shown))] if shown else []
    if len(volumes) > _MOST_THUMBNAILS:
        blocks.append(Note(f"Pictures of the first {_MOST_THUMBNAILS} of {len(volumes)} volumes are shown."))
    return blocks


def _quarantine(context: Context) -> list[Block]:
    aside = context.study["quarantined"]
    if not aside:
        return []
    rows = tuple((entry["file"], entry["reason"]) for entry in aside)
    return [
        Caution(f"{len(aside)} file(s) could not be trusted and were set aside; the rest was read."),
        Fold("Files set aside, with the reason", (Table("", ("File", "Reason"), rows),)),
    ]
