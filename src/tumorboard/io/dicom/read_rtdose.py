"""One RT Dose file, without the rest of its series."""

from __future__ import annotations

from pathlib import Path

from tumorboard.core.image import Image
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.dicom.headers import read_headers
from tumorboard.io.dicom.read_image import read_image
from tumorboard.io.dicom.sandbox import Limits
from tumorboard.io.dicom.study import Series

__all__ = ["read_rtdose"]


def read_rtdose(path: Path | str, *, limits: Limits | None = None) -> Image:
    """Read the dose of one RT Dose file [1]_.

    Parameters
    ----------
    path
        The file.
    limits
        What parsing the file may cost; default ``Limits()``.

    Returns
    -------
    Image
        Quantity DOSE [Gy]. The provenance's ``notes`` hold the file's dose type, summation and comment, and
        the plan that it is of.

    Raises
    ------
    UnreadableFile
        When the file cannot be parsed.
    InputError
        When it is no RT Dose, or not in Gy.

    Notes
    -----
    A scan finds doses with everything else; ``read_image(series)`` reads them the same way.

    References
    ----------
    .. [1] dicomPS33
    """
    path = Path(path)
    limits = limits or Limits()
    headers, quarantined, _ = read_headers([path], jobs=1, limits=limits)
    if quarantined:
        raise UnreadableFile(f"{path.name} must be readable; {quarantined[0].reason}; fetch the file again")
    if not headers:
        raise UnreadableFile(f"{path.name} must be a DICOM file; it is not; choose another file")
    header = headers[0]
    if header.modality != "RTDOSE":
        raise InputError(
            f"modality of {path.name} must be RTDOSE; got {header.modality or 'none'}; other images are "
            "read by scan(folder) and read_image(series)"
        )
    series = Series(
        header.series_instance_uid,
        header.study_instance_uid,
        header.modality,
        header.sop_class_uid,
        header.series_description,
        (header,),
    )
    return read_image(series, limits=limits, jobs=1)
