"""Which scans of a case show a radioligand that treats."""

from __future__ import annotations

from tumorboard.core.image import Quantity
from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError
from tumorboard.workflows.board.context import Context, SeriesFacts, VolumeFacts
from tumorboard.workflows.radioligand.config import NUCLIDES

__all__ = ["nameless_scans", "treatment_scans"]


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


def nameless_scans(context: Context) -> tuple[str, ...]:
    """Return which attribute is missing in scans in Bq/mL that do not tell their radionuclide.

    Parameters
    ----------
    context
        Of the report.
    """
    return tuple(
        f"The radionuclide of {series.title_of(volume)}: Radionuclide Code Sequence (0054,0300), by Code "
        "Value (0008,0100) of DICOM's CID 18 or 4020 or by Code Meaning (0008,0104)."
        for series, volume in context.volumes("PT", "NM")
        if volume.quantity == Quantity.ACTIVITY_CONCENTRATION.value
        and not (series.acquisition or {}).get("radionuclide")
    )


def _treats(series: SeriesFacts) -> bool:
    name = (series.acquisition or {}).get("radionuclide")
    try:
        return Nuclide.named(name or "").name in NUCLIDES
    except InputError:
        return False
