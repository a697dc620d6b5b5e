r"""Whole blood from the image of a large vessel.

A vessel of which a part :math:`R` of the signal is recovered, amid a concentration :math:`S`, shows

.. math:: V = R\,C + (1 - R)\,S,

the two-region case of the geometric transfer matrix [1]_.

References
----------
.. [1] rousset1998gtm
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.grid import require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["HottestVoxels", "MeanOfVoxels", "image_derived_blood"]


@dataclass(frozen=True, slots=True)
class MeanOfVoxels:
    """All voxels of the vessel."""

    def chosen(self, dynamic: DynamicImage, vessel: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the voxels, shape of the grid."""
        return vessel


@dataclass(frozen=True, slots=True)
class HottestVoxels:
    """The voxels of the vessel that are brightest while the bolus passes, the same in all frames.

    Parameters
    ----------
    count
        How many, >= 1. Choosing by height keeps the voxels that noise raised: few voxels are biased upwards.
    until_s
        Frames that end by then are looked at [s].
    """

    count: int
    until_s: float

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError(f"count must be >= 1; got {self.count}")

    def chosen(self, dynamic: DynamicImage, vessel: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the voxels, shape of the grid."""
        early = dynamic.frame_start_s + dynamic.frame_duration_s <= self.until_s
        inside = np.flatnonzero(vessel)
        if not early.any():
            raise InputError(
                f"until_s must be after the end of the first frame [s]; got {self.until_s:g}; the bolus is "
                "sought in frames that end by then"
            )
        if inside.size < self.count:
            raise InputError(f"count must be at most the vessel's {inside.size} voxels; got {self.count}")
        brightest = dynamic.values[early].reshape(int(early.sum()), -1)[:, inside].max(axis=0)
        chosen = np.zeros(vessel.size, bool)
        # Ties go to the first voxel, on every machine.
        chosen[inside[np.argsort(-brightest, kind="stable")[: self.count]]] = True
        return chosen.reshape(vessel.shape)


def image_derived_blood(
    dynamic: DynamicImage,
    vessel: Image,
    *,
    voxels: MeanOfVoxels | HottestVoxels,
    recovery: float,
    surroundings: Image | None,
) -> BloodSamples:
    """Return whole blood as a vessel of a dynamic image shows it, corrected for partial volume [1]_.

    Values stand at the middles of the frames, so a bolus shorter than a frame is flattened. Plasma and parent
    fraction cannot be seen in an image: they need samples, or a ratio and a fraction from elsewhere.

    Parameters
    ----------
    dynamic
        Concentrations decay-corrected to the injection, times from the injection.
    vessel
        Boolean image on the same grid.
    voxels
        Which of its voxels.
    recovery
        Part of the vessel's signal that the scanner recovers, above 0, at most 1; of a phantom or of the
        vessel's width and the resolution.
    surroundings
        Boolean image of the tissue around, whose signal spills in; ``None`` where it is taken for 0.

    Returns
    -------
    BloodSamples
        With whole blood only.

    Raises
    ------
    GridMismatch
        When a mask stands on another grid.
    InputError
        When a mask is empty or not boolean, times do not count from the injection, or recovery is out of
        range.

    References
    ----------
    .. [1] rousset1998gtm

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> grid = Grid((1, 1, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="2.25.1")
    >>> record = Record("example")
    >>> values = np.array([[[[6.0, 2.0]]], [[[4.0, 2.0]]]])
    >>> quantity = Quantity.ACTIVITY_CONCENTRATION
    >>> dynamic = DynamicImage(values, grid, quantity, [0.0, 10.0], [10.0, 10.0], "injection", record)
    >>> vessel = Image(np.array([[[True, False]]]), grid, Quantity.LABEL, record)
    >>> around = Image(np.array([[[False, True]]]), grid, Quantity.LABEL, record)
    >>> blood = image_derived_blood(
    ...     dynamic, vessel, voxels=MeanOfVoxels(), recovery=0.5, surroundings=around
    ... )
    >>> blood.whole_blood.values.tolist()
    [10.0, 6.0]
    """
    if dynamic.quantity is not Quantity.ACTIVITY_CONCENTRATION:
        raise InputError(f"dynamic must hold ACTIVITY_CONCENTRATION [Bq/mL]; got {dynamic.quantity.name}")
    if dynamic.time_zero != "injection":
        raise InputError(
            f"times of the image must count from the injection; they count from {dynamic.time_zero!r}"
        )
    if not (math.isfinite(recovery) and 0.0 < recovery <= 1.0):
        raise InputError(f"recovery must be above 0, at most 1; got {recovery:g}")
    chosen = voxels.chosen(dynamic, _mask(vessel, dynamic, "vessel"))
    seen = _curve(dynamic, chosen)
    spilt = np.zeros_like(seen)
    if surroundings is not None:
        spilt = _curve(dynamic, _mask(surroundings, dynamic, "surroundings"))
    values = (seen - (1.0 - recovery) * spilt) / recovery
    rule: dict[str, Any] = {"rule": "mean of all"}
    if isinstance(voxels, HottestVoxels):
        rule = {"rule": "hottest", "count": voxels.count, "until_s": voxels.until_s}
    parameters = {
        "voxels": rule,
        "n_voxels": int(chosen.sum()),
        "recovery": float(recovery),
        "spill_in": surroundings is not None,
        "values_stand_at": "middle of the frame",
    }
    inputs: tuple[Record, ...] = (dynamic.provenance, vessel.provenance)
    if surroundings is not None:
        inputs = (*inputs, surroundings.provenance)
    record = Record("pet.kinetics.image_derived_blood", parameters, inputs, ("rousset1998gtm",))
    mid = dynamic.frame_start_s + 0.5 * dynamic.frame_duration_s
    return BloodSamples(BloodCurve(mid, values), None, None, record)


def _mask(mask: Image, dynamic: DynamicImage, name: str) -> NDArray[np.bool_]:
    require_same_grid(dynamic.grid, mask.grid, what=f"{name} and dynamic image")
    if mask.values.dtype != bool or not mask.values.any():
        raise InputError(f"{name} must be a boolean image with at least one voxel; got {mask.values.dtype}")
    inside: NDArray[np.bool_] = mask.values
    return inside


def _curve(dynamic: DynamicImage, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.array([float(frame[chosen].mean(dtype=np.float64)) for frame in dynamic.values])
