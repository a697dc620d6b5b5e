"""What is measured in a lesion or structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.image import Image, Quantity
from tumorboard.core.lesion import Lesion
from tumorboard.errors import InputError
from tumorboard.numerics import surface_area_mm2
from tumorboard.pet.peak import SphereUptake, peak_uptake
from tumorboard.pet.placement import mask_window, require_uptake
from tumorboard.provenance import Record

__all__ = ["LesionQuantities", "quantify"]


@dataclass(frozen=True, slots=True, eq=False)
class LesionQuantities:
    """Uptake and size of one lesion or structure.

    ``suv_max``, ``suv_mean``, ``suv_peak`` and ``tlg_g`` are the names of ``maximum``, ``mean``,
    ``peak`` and ``integral`` when the image is an SUV; asked of another quantity they raise.

    Parameters
    ----------
    name
        Of the lesion or structure.
    quantity
        What the image measures; its unit is that of ``maximum``, ``mean`` and ``peak``.
    n_voxels
        Number of voxels.
    volume_ml
        Number of voxels times the voxel volume [mL]; of a lesion, its metabolic tumour volume.
    maximum
        In the hottest voxel.
    mean
        Over the voxels.
    peak
        Mean in the hottest 1 cm3 sphere centred in the mask (:func:`tumorboard.pet.peak_uptake`).
    peak_centre_mm
        Centre of that sphere, patient (x, y, z), shape ``(3,)`` [mm].
    peak_coverage
        Fraction of that sphere inside the image.
    integral
        Mean times volume [unit x mL]: g for an SUV in g/mL, Bq for an activity concentration.
    surface_mm2
        Area of the mask's surface (:func:`tumorboard.numerics.surface_area_mm2`) [mm2]; about 8 %
        above that of a smooth sphere with cubic voxels, as stated there: compare with its like.
    centroid_mm
        Mean of the voxel centres, patient (x, y, z), shape ``(3,)`` [mm].
    maximum_position_mm
        Centre of the hottest voxel, the first in array order of equals, shape ``(3,)`` [mm].
    provenance
        How it was measured.
    """

    name: str
    quantity: Quantity
    n_voxels: int
    volume_ml: float
    maximum: float
    mean: float
    peak: float
    peak_centre_mm: NDArray[np.float64]
    peak_coverage: float
    integral: float
    surface_mm2: float
    centroid_mm: NDArray[np.float64]
    maximum_position_mm: NDArray[np.float64]
    provenance: Record

    def __post_init__(self) -> None:
        for name in ("peak_centre_mm", "centroid_mm", "maximum_position_mm"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    @property
    def suv_max(self) -> float:
        """Highest voxel, in the unit of the SUV variant."""
        return self._as_suv("suv_max", self.maximum)

    @property
    def suv_mean(self) -> float:
        """Mean over the voxels, in the unit of the SUV variant."""
        return self._as_suv("suv_mean", self.mean)

    @property
    def suv_peak(self) -> float:
        """Mean in the hottest 1 cm3 sphere, in the unit of the SUV variant."""
        return self._as_suv("suv_peak", self.peak)

    @property
    def tlg_g(self) -> float:
        """Total lesion glycolysis, SUVmean times volume [g]; needs an SUV in g/mL."""
        if self.quantity.unit != "g/mL":
            raise InputError(
                f"tlg_g of {self.name!r} needs an SUV in g/mL; got {self.quantity} in {self.quantity.unit}; "
                "use .integral, or an SUV by body weight or lean body mass"
            )
        return self.integral

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-serialisable values: SUV names for an SUV, plain ones with their unit otherwise."""
        values: dict[str, Any] = {
            "name": self.name,
            "quantity": self.quantity.value,
            "unit": self.quantity.unit,
            "n_voxels": self.n_voxels,
            "volume_ml": self.volume_ml,
        }
        prefix = "suv_" if self.quantity.is_suv else ""
        ends = ("max", "mean", "peak") if prefix else ("maximum", "mean", "peak")
        for end, value in zip(ends, (self.maximum, self.mean, self.peak), strict=True):
            values[prefix + end] = value
        if self.quantity.unit == "g/mL":
            values["tlg_g"] = self.integral
        else:
            values["integral"] = self.integral
        values["peak_centre_mm"] = self.peak_centre_mm.tolist()
        values["peak_coverage"] = self.peak_coverage
        values["surface_mm2"] = self.surface_mm2
        values["centroid_mm"] = self.centroid_mm.tolist()
        values["maximum_position_mm"] = self.maximum_position_mm.tolist()
        return values

    def _as_suv(self, name: str, value: float) -> float:
        if not self.quantity.is_suv:
            raise InputError(
                f"{name} of {self.name!r} needs an SUV image; got {self.quantity}; "
                "convert it first: tumorboard.pet.to_suv(...)"
            )
        return value


def quantify(image: Image, region: Lesion | Image, *, name: str | None = None) -> LesionQuantities:
    """Measure uptake and size of a lesion or structure.

    Parameters
    ----------
    image
        SUV of any variant, or activity concentration; any grid.
    region
        A lesion, or a boolean LABEL image (a structure's mask) on the image's grid or a crop of it,
        with at least one voxel.
    name
        Of the result; a lesion's own name when ``None``. A mask needs one.

    Returns
    -------
    LesionQuantities
        In the image's unit, mL, mm and mm2.

    Raises
    ------
    InputError
        When the image is no finite uptake, the mask is empty or not boolean, or has no name.
    GridMismatch
        When the mask is not on the image's grid.

    References
    ----------
    .. [1] wahl2009percist
    .. [2] boellaard2015fdg

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> grid = Grid((9, 9, 9), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> values = np.ones(grid.shape)
    >>> values[2:7, 2:7, 2:7] = 5.0
    >>> suv = Image(values, grid, Quantity.SUV_BODY_WEIGHT, Record("example"))
    >>> mask = Image(values > 4, grid, Quantity.LABEL, Record("example"))
    >>> measured = quantify(suv, mask, name="GTV")
    >>> measured.volume_ml, measured.suv_peak, measured.tlg_g
    (8.0, 5.0, 40.0)
    """
    mask = region.mask if isinstance(region, Lesion) else region
    name = region.name if isinstance(region, Lesion) and name is None else name
    if not name:
        raise InputError("name of a measured mask must not be empty; pass name=..., e.g. the structure's")
    window, inside = mask_window(mask, image, what=f"mask of {name!r} and image")
    if not inside.size:
        raise InputError(f"mask of {name!r} must have at least one voxel; it is empty on this image's grid")
    require_uptake(image, what="quantify", box=window)
    index = np.argwhere(inside)
    start = np.array([w.start for w in window])
    voxels = image.values[window][inside]
    hottest = int(voxels.argmax())
    mean = float(voxels.mean(dtype=np.float64))
    volume_ml = len(voxels) * image.grid.voxel_volume_ml
    grid = image.grid.crop(start, [w.stop for w in window])
    tight = Image(inside, grid, Quantity.LABEL, mask.provenance)
    peak: SphereUptake = peak_uptake(image, tight)
    return LesionQuantities(
        name=name,
        quantity=image.quantity,
        n_voxels=len(voxels),
        volume_ml=volume_ml,
        maximum=float(voxels[hottest]),
        mean=mean,
        peak=peak.mean,
        peak_centre_mm=peak.centre_mm,
        peak_coverage=peak.coverage,
        integral=mean * volume_ml,
        surface_mm2=surface_area_mm2(tight, threads=1),
        centroid_mm=image.grid.index_to_patient(index.mean(axis=0) + start),
        maximum_position_mm=image.grid.index_to_patient(index[hottest] + start),
        provenance=Record(
            "pet.quantify",
            {"name": name, "peak_radius_mm": peak.radius_mm},
            (image.provenance, mask.provenance),
            ("wahl2009percist", "boellaard2015fdg"),
        ),
    )
