"""How even the dose in a target is."""

from __future__ import annotations

from tumorboard.errors import InputError
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram

__all__ = ["homogeneity_index", "homogeneity_ratio"]


def homogeneity_index(target: DoseVolumeHistogram) -> float:
    """Return (D2 - D98) / D50 of ICRU 83 [1]_: 0 for an even dose.

    Parameters
    ----------
    target
        Of the target.

    Raises
    ------
    InputError
        When the median dose is zero.

    References
    ----------
    .. [1] icru2010report83

    Examples
    --------
    >>> from tumorboard.provenance import Record
    >>> even = DoseVolumeHistogram("PTV", [60.0, 60.0], [1.0, 1.0], Record("example"))
    >>> homogeneity_index(even)
    0.0
    """
    middle = target.dose_at_volume_gy(percent=50)
    if middle <= 0:
        raise InputError(f"median dose of {target.name!r} must be > 0 [Gy]; got {middle:g}")
    return (target.dose_at_volume_gy(percent=2) - target.dose_at_volume_gy(percent=98)) / middle


def homogeneity_ratio(target: DoseVolumeHistogram) -> float:
    """Return D5 / D95: 1 for an even dose.

    Parameters
    ----------
    target
        Of the target.

    Raises
    ------
    InputError
        When D95 is zero.
    """
    low = target.dose_at_volume_gy(percent=95)
    if low <= 0:
        raise InputError(f"D95 of {target.name!r} must be > 0 [Gy]; got {low:g}")
    return target.dose_at_volume_gy(percent=5) / low
