"""What all lesions of a patient amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tumorboard.core.image import Quantity
from tumorboard.errors import InputError
from tumorboard.pet.quantities import LesionQuantities
from tumorboard.provenance import Record

__all__ = ["PatientSummary", "summarise_patient"]


@dataclass(frozen=True, slots=True, eq=False)
class PatientSummary:
    """Burden and spread of disease over all lesions.

    Parameters
    ----------
    quantity
        What the image measured.
    n_lesions
        Number of lesions.
    volume_ml
        Sum of the volumes: total metabolic tumour volume [mL].
    integral
        Sum of mean times volume [unit x mL]; for an SUV in g/mL total lesion glycolysis [g].
    maximum, peak
        Highest of any lesion, in the image's unit; 0 without lesions.
    dmax_mm
        Largest distance between the centroids of two lesions [mm]; 0 with fewer than two.
    dmax_between
        Names of those two lesions; empty with fewer than two.
    spread_mm
        The largest, over the lesions, of the sum of a lesion's distances to all others [mm].
    dmax_bulk_mm, spread_bulk_mm
        The largest, and the sum, of the distances from the lesion of largest volume to the others [mm].
    provenance
        How it was made.
    """

    quantity: Quantity
    n_lesions: int
    volume_ml: float
    integral: float
    maximum: float
    peak: float
    dmax_mm: float
    dmax_between: tuple[str, ...]
    spread_mm: float
    dmax_bulk_mm: float
    spread_bulk_mm: float
    provenance: Record

    @property
    def tlg_g(self) -> float:
        """Total lesion glycolysis of all lesions [g]; needs an SUV in g/mL."""
        if self.quantity.unit != "g/mL":
            raise InputError(
                f"tlg_g needs an SUV in g/mL; got {self.quantity} in {self.quantity.unit}; use .integral"
            )
        return self.integral

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-serialisable values."""
        suv = self.quantity.is_suv
        return {
            "quantity": self.quantity.value,
            "unit": self.quantity.unit,
            "n_lesions": self.n_lesions,
            "volume_ml": self.volume_ml,
            "tlg_g" if self.quantity.unit == "g/mL" else "integral": self.integral,
            "suv_max" if suv else "maximum": self.maximum,
            "suv_peak" if suv else "peak": self.peak,
            "dmax_mm": self.dmax_mm,
            "dmax_between": list(self.dmax_between),
            "spread_mm": self.spread_mm,
            "dmax_bulk_mm": self.dmax_bulk_mm,
            "spread_bulk_mm": self.spread_bulk_mm,
        }


def summarise_patient(lesions: Sequence[LesionQuantities], *, quantity: Quantity) -> PatientSummary:
    """Sum burden and spread over lesions measured on one image.

    Distances are Euclidean and run between centroids [1]_, in millimetres and not divided by
    body size. The farthest pair of voxels, the other definition in use, grows with a lesion's own
    extent and is not 0 for a single one; both were found to carry the same prognosis [2]_, and
    the centroid is the one whose thresholds were published first.

    Parameters
    ----------
    lesions
        Measured by :func:`tumorboard.pet.quantify`, all in ``quantity``; may be none.
    quantity
        What the image measured.

    Returns
    -------
    PatientSummary
        In mL, mm and the image's unit.

    References
    ----------
    .. [1] cottereau2020dissemination
    .. [2] cottereau2021distances

    Examples
    --------
    >>> summarise_patient([], quantity=Quantity.SUV_BODY_WEIGHT).volume_ml
    0.0
    """
    for lesion in lesions:
        if lesion.quantity is not quantity:
            raise InputError(
                f"lesions must all be measured in {quantity}; got {lesion.quantity} for {lesion.name!r}; "
                "measure them on one image"
            )
    record = Record(
        "pet.summarise_patient",
        {"quantity": quantity.value, "lesions": [lesion.name for lesion in lesions]},
        tuple(lesion.provenance for lesion in lesions),
        ("cottereau2020dissemination", "cottereau2021distances"),
    )
    centroids_mm = np.array([lesion.centroid_mm for lesion in lesions]).reshape(-1, 3)
    distances_mm = np.linalg.norm(centroids_mm[:, None] - centroids_mm[None], axis=-1)
    between: tuple[str, ...] = ()
    dmax_mm = spread_mm = dmax_bulk_mm = spread_bulk_mm = 0.0
    if len(lesions) > 1:
        first, second = divmod(int(distances_mm.argmax()), len(lesions))
        between = (lesions[first].name, lesions[second].name)
        bulk = distances_mm[int(np.argmax([lesion.volume_ml for lesion in lesions]))]
        dmax_mm, spread_mm = float(distances_mm.max()), float(distances_mm.sum(axis=1).max())
        dmax_bulk_mm, spread_bulk_mm = float(bulk.max()), float(bulk.sum())
    return PatientSummary(
        quantity=quantity,
        n_lesions=len(lesions),
        volume_ml=float(sum(lesion.volume_ml for lesion in lesions)),
        integral=float(sum(lesion.integral for lesion in lesions)),
        maximum=max((lesion.maximum for lesion in lesions), default=0.0),
        peak=max((lesion.peak for lesion in lesions), default=0.0),
        dmax_mm=dmax_mm,
        dmax_between=between,
        spread_mm=spread_mm,
        dmax_bulk_mm=dmax_bulk_mm,
        spread_bulk_mm=spread_bulk_mm,
        provenance=record,
    )
