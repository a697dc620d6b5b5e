"""The structures of a plan on its dose grid: drawn ones, the body, and those made of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import StructureSet
from tumorboard.errors import InputError
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.numerics.voxelise import voxelise
from tumorboard.provenance import Record
from tumorboard.workflows.proton_plan.config import ProtonPlanConfig

__all__ = ["BODY", "PlanStructures", "plan_structures"]

#: Name of the structure that is found on the CT, unless one of that name was drawn.
BODY: Final = "body"

#: The body's outline is where CT numbers rise above this [HU], half-way between air and soft tissue.
_BODY_HU: Final = -500.0


@dataclass(frozen=True, slots=True, eq=False)
class PlanStructures:
    """Fraction of each voxel of the dose grid that lies inside each structure.

    Parameters
    ----------
    fractions
        FRACTION images by name: all drawn structures, :data:`BODY` and the combined ones.
    whole_volume_ml
        Volume of each drawn structure that the prescription names, on the CT's own grid [mL].
    """

    fractions: Mapping[str, Image]
    whole_volume_ml: Mapping[str, float]

    @property
    def body(self) -> Image:
        """Boolean LABEL image of the body."""
        fraction = self.fractions[BODY]
        return Image(fraction.values >= 0.5, fraction.grid, Quantity.LABEL, fraction.provenance)

    def of(self, name: str) -> Image:
        """Return the fractions of a structure; an unknown name is an InputError."""
        if name not in self.fractions:
            raise InputError(f"structure must be one of {', '.join(self.fractions)}; got {name!r}")
        return self.fractions[name]


def plan_structures(
    config: ProtonPlanConfig, ct: Image, drawn: StructureSet, dose_grid: Grid
) -> PlanStructures:
    """Return the structures that a prescription may name, on the dose grid.

    Parameters
    ----------
    config
        Names those it needs; only these are made.
    ct
        CT_NUMBER, for the body's outline.
    drawn
        In the CT's frame of reference.
    dose_grid
        Where the dose is calculated.

    Raises
    ------
    InputError
        When a structure is unknown, lies outside the CT or, on the dose grid, has no volume.
    """
    combined = [c.name for c in config.combined]
    known = (*drawn.names, BODY, *combined)
    twice = [name for name in combined if name in (*drawn.names, BODY)]
    if twice:
        raise InputError(
            f"name of a combined structure must be new; {twice[0]!r} is there already: rename it"
        )
    for name in config.structure_names:
        if name not in known:
            raise InputError(
                f"structure of the prescription must be one of {', '.join(drawn.names)}, {BODY} or a "
                f"combined one; got {name!r}; spell it as the structure set does"
            )
    fractions: dict[str, Image] = {}
    whole: dict[str, float] = {}
    needed = {name for name in config.structure_names if name in drawn.names}
    for name in drawn.names:
        if name in needed:
            fractions[name] = _drawn(drawn, name, ct.grid, dose_grid)
            whole[name] = _volume_ml(fractions[name])
    if BODY not in fractions:
        fractions[BODY] = _body(ct, dose_grid)
    for choice in config.combined:
        union = _union(fractions, choice.union, choice.grow_mm, dose_grid)
        if choice.minus:
            union = np.minimum(union, 1 - _union(fractions, choice.minus, choice.minus_grow_mm, dose_grid))
        if not union.any():
            raise InputError(
                f"combined structure {choice.name!r} must have a volume; nothing is left of "
                f"{', '.join(choice.union)} without {', '.join(choice.minus)}"
            )
        record = Record(
            "workflows.proton_plan.combined_structure",
            {"grow_mm": choice.grow_mm, "minus_grow_mm": choice.minus_grow_mm},
            tuple(fractions[n].provenance for n in (*choice.union, *choice.minus)),
        )
        fractions[choice.name] = Image(union.astype(np.float32), dose_grid, Quantity.FRACTION, record)
    return PlanStructures(fractions, whole)


def grown(fraction: Image, margin_mm: float) -> NDArray[np.bool_]:
    """Return where a structure and all within a margin of it is, shape ``fraction.grid.shape``.

    Parameters
    ----------
    fraction
        Of the structure.
    margin_mm
        Measured between voxel centres, >= 0 [mm].
    """
    inside = fraction.values >= 0.5
    if margin_mm == 0 or not inside.any():
        return inside
    distance = ndimage.distance_transform_edt(~inside, sampling=tuple(fraction.grid.spacing_mm))
    near: NDArray[np.bool_] = distance <= margin_mm + 1e-6
    return near


def _drawn(drawn: StructureSet, name: str, ct_grid: Grid, dose_grid: Grid) -> Image:
    structure = drawn[name]
    if structure.contours:
        points = np.concatenate([c.points_mm for c in structure.contours])
        index = ct_grid.patient_to_index(points)
        outside = ((index < -0.5) | (index > np.array(ct_grid.shape) - 0.5)).any(axis=1)
        if outside.all():
            raise InputError(
                f"structure {name!r} must lie in the CT; all of its contours lie outside: "
                "take the CT that it was drawn on"
            )
    fraction = voxelise(structure, dose_grid)
    if not fraction.values.any():
        raise InputError(
            f"structure {name!r} must have a volume on the CT; it lies outside: take the CT it was drawn on"
        )
    return fraction


def _union(
    fractions: Mapping[str, Image], names: tuple[str, ...], grow_mm: float, grid: Grid
) -> NDArray[np.float32]:
    total = np.zeros(grid.shape, np.float32)
    for name in names:
        if name not in fractions:
            raise InputError(
                f"a combined structure must be made of drawn ones, {BODY} or combined ones before it; "
                f"got {name!r}"
            )
        own = fractions[name].values if grow_mm == 0 else grown(fractions[name], grow_mm).astype(np.float32)
        np.maximum(total, own, out=total)
    return total


def _body(ct: Image, dose_grid: Grid) -> Image:
    """Return the largest connected part above a threshold, filled in each axial plane: lungs are body."""
    coarse = resample(ct, dose_grid, method=Interpolation.LINEAR, outside=-1000.0)
    above = coarse.values > _BODY_HU
    labels, n = ndimage.label(above)
    if n == 0:
        raise InputError(
            f"ct must show a body: voxels above {_BODY_HU:g} HU; it has none: are its values CT numbers?"
        )
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    # Opened, so that a couch that touches the back at a line is not body; then the trunk alone is kept.
    body = labels == int(np.argmax(sizes))
    opened = ndimage.binary_opening(body, iterations=2) & body
    labels, n = ndimage.label(opened)
    if n:
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        kept = labels == int(np.argmax(sizes))
        body = ndimage.binary_dilation(kept, iterations=2) & body
    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in body])
    record = Record("workflows.proton_plan.body", {"threshold_hu": _BODY_HU}, (ct.provenance,))
    return Image(filled.astype(np.float32), dose_grid, Quantity.FRACTION, record)


def _volume_ml(fraction: Image) -> float:
    return float(fraction.values.sum(dtype=np.float64) * fraction.grid.voxel_volume_ml)
