"""Structures: volumes and outlines of everything that was contoured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tumorboard.core.grid import Grid
from tumorboard.core.image import Image
from tumorboard.core.structures import Structure
from tumorboard.errors import InputError, TumorboardError
from tumorboard.numerics.trim import trimmed
from tumorboard.numerics.voxelise import half_covered, voxelise
from tumorboard.plotting import pictures
from tumorboard.plotting.blocks import (
    Block,
    Caution,
    Note,
    Picture,
    PointLink,
    SectionStatus,
    Table,
)
from tumorboard.plotting.palette import structure_rgb
from tumorboard.provenance import Record
from tumorboard.workflows.board.context import Context, SeriesFacts
from tumorboard.workflows.board.display import first_window
from tumorboard.workflows.board.result import SectionResult

__all__ = ["run"]

#: More outlines than this in one picture tell nobody anything; the largest are drawn.
_MOST_OUTLINED = 60


@dataclass(frozen=True, slots=True)
class _Measured:
    name: str
    series: SeriesFacts
    volume_ml: float
    mask_volume_ml: float
    centroid_mm: tuple[float, float, float]
    mask: Image
    rgb: tuple[int, int, int]

    @property
    def link(self) -> PointLink:
        """Its centroid, for the viewer."""
        return PointLink(self.name, self.centroid_mm, self.mask.grid.frame_of_reference)


def run(context: Context) -> SectionResult:
    """Give the volume of each structure on the grid of its images, with pictures of the outlines."""
    sets = context.structure_sets()
    if not sets:
        needs = ("A structure set (RTSTRUCT or SEG) of the patient.",)
        return SectionResult(SectionStatus.NOT_POSSIBLE, needs, {"structures": []})
    measured: list[_Measured] = []
    blocks: list[Block] = []
    for source, structures in sets:
        target = context.volume_for(structures)
        if target is None:
            blocks.append(
                Caution(
                    f"{source.title}: no image in its frame of reference {structures.frame_of_reference}; "
                    "its structures have no voxels to stand on."
                )
            )
            continue
        series, volume = target
        image = context.image(volume.item)
        of_set = []
        for done, structure in enumerate(structures.structures):
            context.progress(f"voxelising {source.title}", done, len(structures.structures))
            try:
                rgb = structure.colour_rgb or structure_rgb(done)
                of_set.append(_measure(structure, image, series, rgb))
                if _reaches_beyond(structure, image.grid):
                    text = (
                        f"{structure.name} reaches beyond {series.title}: only the part inside is measured."
                    )
                    blocks.append(Caution(text))
            except TumorboardError as reason:
                blocks.append(Caution(f"{structure.name}: {reason}"))
        context.progress(f"voxelising {source.title}", len(structures.structures), len(structures.structures))
        measured += of_set
        if of_set:
            blocks.append(_picture(image, of_set, source, series))
        if structures.empty_names:
            blocks.append(Note(f"Named but empty in {source.title}: {', '.join(structures.empty_names)}."))
    return SectionResult(
        SectionStatus.DONE,
        data={"structures": [_entry(m) for m in measured]},
        blocks=(_table(measured), *blocks),
        points=tuple(m.link for m in measured),
        provenance=Record(
            "workflows.board.structures",
            {"voxelisation": "exact area fraction; mask where it is >= 0.5"},
            tuple(structures.provenance for _, structures in sets),
        ),
    )


def _measure(structure: Structure, image: Image, series: SeriesFacts, rgb: tuple[int, int, int]) -> _Measured:
    fraction = voxelise(structure, image.grid)
    mask = half_covered(fraction)
    # Sums along each axis hold all that volume and centroid need, without a list of the voxels.
    marginals = [fraction.values.sum(axis=others, dtype=np.float64) for others in ((1, 2), (0, 2), (0, 1))]
    total = float(marginals[0].sum())
    if total <= 0:
        raise InputError(f"{structure.name!r} must overlap the images it is measured on; it lies outside")
    centre = [float(np.arange(len(m)) @ m) / total for m in marginals]
    x, y, z = image.grid.index_to_patient(centre).tolist()
    return _Measured(
        structure.name,
        series,
        total * image.grid.voxel_volume_ml,
        float(np.count_nonzero(mask.values) * image.grid.voxel_volume_ml),
        (x, y, z),
        # Only its own part: whole masks of a hundred organs would take as much memory as a hundred scans.
        trimmed(mask),
        rgb,
    )


def _reaches_beyond(structure: Structure, grid: Grid) -> bool:
    """Whether a contour's point, or a voxel of the mask, lies outside the box of the grid's voxels."""
    if structure.contours:
        points_mm = np.concatenate([contour.points_mm for contour in structure.contours])
    elif structure.mask is None or structure.mask.grid is grid:
        return False
    else:
        points_mm = structure.mask.grid.index_to_patient(np.argwhere(structure.mask.values))
    index = grid.patient_to_index(points_mm)
    return bool((np.abs(index - (np.array(grid.shape) - 1) / 2) > np.array(grid.shape) / 2 + 1e-3).any())


def _entry(m: _Measured) -> dict[str, object]:
    return {
        "name": m.name,
        "volume_ml": m.volume_ml,
        "mask_volume_ml": m.mask_volume_ml,
        "centroid_mm": list(m.centroid_mm),
        "series": m.series.uid,
    }


def _table(measured: list[_Measured]) -> Table:
    rows = tuple((m.link, m.volume_ml, m.mask_volume_ml, m.series.title) for m in measured)
    return Table(
        "Structures, on the grid of the images they were drawn on",
        ("Structure", "Volume (exact fractions) [mL]", "Volume (mask) [mL]", "Images"),
        rows,
    )


def _picture(image: Image, of_set: list[_Measured], source: SeriesFacts, series: SeriesFacts) -> Picture:
    drawn = of_set
    if len(of_set) > _MOST_OUTLINED:
        drawn = sorted(of_set, key=lambda m: m.volume_ml, reverse=True)[:_MOST_OUTLINED]
    names = ", ".join(m.name for m in drawn)
    outlines = tuple(pictures.Outline(m.name, m.mask, m.rgb) for m in drawn)
    left_out = f", the largest {len(drawn)} of {len(of_set)} structures" if len(drawn) < len(of_set) else ""
    png = pictures.montage_slices(
        image, window=first_window(image), outlines=outlines, plane=pictures.acquired_plane(image)
    )
    return Picture(
        png,
        f"{source.title} on {series.title}{left_out}",
        f"Slices of {series.title} with outlines of {names}",
    )
