"""Which scans of a case show a radioligand that treats."""

from __future__ import annotations

from tumorboard.core.image import Quantity
from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError
from tumorboard.workflows.board.context import Context, SeriesFacts, VolumeFacts
from tumorboard.workflows.radioligand.config import NUCLIDES

__all__ = ["treatment_scans"]


def treatment_scans(context: Context) -> list[tuple[SeriesFacts, VolumeFacts]]:
    """Return the scans in Bq/mL of a nuclide whose dose can be told.

    Parameters
    ----------
    context
        Of the report.
    """
    return [
        (series, volume)
        for series, volume in context.volumes("PT", "NM")
        if volume.quantity == Quantity.ACTIVITY_CONCENTRATION.value and _treats(series)
    ]


def _treats(series: SeriesFacts) -> bool:
    name = (series.acquisition or {}).get("radionuclide")
    try:
        return Nuclide.named(name or "").name in NUCLIDES
    except InputError:
        return False
