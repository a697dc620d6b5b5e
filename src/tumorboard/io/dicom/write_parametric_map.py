"""Any quantity out: DICOM Parametric Maps in floating point."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from highdicom import VOILUTFunctionValues, VOILUTTransformation
from highdicom.pm import ParametricMap, RealWorldValueMapping
from pydicom.sr.coding import Code
from pydicom.uid import ParametricMapStorage

from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError
from tumorboard.io.dicom.highdicom_source import equipment, finish, source_datasets, volume
from tumorboard.io.dicom.identity import StudyIdentity
from tumorboard.io.dicom.modules import PURPOSE, content_digest, right_handed, save
from tumorboard.io.dicom.written import ReferencedSeries, WrittenObject, require_same_frame

__all__ = ["write_parametric_map"]

# UCUM unit and its meaning, for each unit that a quantity has.
_UNITS: Final = {
    "1": ("1", "no units"),
    "HU": ("[hnsf'U]", "Hounsfield unit"),
    "mm2/s": ("mm2/s", "square millimeter per second"),
    "Bq/mL": ("Bq/ml", "Becquerels/milliliter"),
    "g/mL": ("g/ml", "Standardized Uptake Value"),
    "cm2/mL": ("cm2/ml", "square centimeter per milliliter"),
    "Gy": ("Gy", "Gray"),
    "keV/um": ("keV/um", "kiloelectronvolt per micrometer"),
    "1/mm2": ("1/mm2", "per square millimeter"),
    "g/cm3": ("g/cm3", "gram per cubic centimeter"),
    "mL/cm3": ("ml/cm3", "milliliter per cubic centimeter"),
    "mL/cm3/min": ("ml/cm3/min", "milliliter per cubic centimeter per minute"),
    "1/min": ("1/min", "per minute"),
}
# Codes of the quantities that DICOM PS3.16 has a code for; the others are named in words only.
_QUANTITIES: Final = {
    Quantity.APPARENT_DIFFUSION: Code("113041", "DCM", "Apparent Diffusion Coefficient"),
    Quantity.SUV_BODY_WEIGHT: Code("126401", "DCM", "SUVbw"),
    Quantity.SUV_LEAN_BODY_MASS_JAMES: Code("126402", "DCM", "SUVlbm"),
    Quantity.SUV_BODY_SURFACE_AREA: Code("126403", "DCM", "SUVbsa"),
    Quantity.SUV_IDEAL_BODY_WEIGHT: Code("126404", "DCM", "SUVibw"),
    Quantity.SUV_LEAN_BODY_MASS_JANMAHASATIAN: Code("126406", "DCM", "SUVlbm(Janma)"),
    Quantity.DOSE: Code("128513", "DCM", "Absorbed Dose"),
}


def write_parametric_map(
    image: Image,
    path: Path | str,
    *,
    study: StudyIdentity,
    reference: ReferencedSeries,
    description: str,
    series_number: int,
    created: datetime,
) -> WrittenObject:
    """Write an image of any quantity as one Parametric Map, by highdicom [1]_.

    Values are stored exactly: as 32-bit floats, or as 64-bit floats where the image has them (or integers
    too large for 32). The real-world value mapping has slope 1, the UCUM unit of the quantity, DICOM's code
    for the quantity where there is one, and the name of the :class:`~tumorboard.core.image.Quantity` as LUT
    Explanation.

    Parameters
    ----------
    image
        Finite values in any quantity; any orientation.
    path
        The file to make or replace, as one.
    study
        Patient and study.
    reference
        The images that the map was computed from; it need not share their grid.
    description
        Series Description (0008,103E), at most 64 characters.
    series_number
        Series Number (0020,0011).
    created
        When the map was computed, on the study's clock.

    Returns
    -------
    WrittenObject
        Path and UIDs.

    Raises
    ------
    InputError
        When a value is not finite or the frames of reference differ.

    References
    ----------
    .. [1] bridge2022highdicom
    """
    path = Path(path)
    require_same_frame(image.grid.frame_of_reference, reference, what="image")
    if not np.isfinite(image.values).all():
        raise InputError(
            "values of a parametric map must be finite; got NaN or infinity; decide what they stand for"
        )
    created = study.local(created, what="created")
    values, grid = right_handed(image.values, image.grid)
    small = np.can_cast(values.dtype, np.float32, casting="safe")
    values = np.ascontiguousarray(values, dtype=np.float32 if small else np.float64)
    quantity = image.quantity
    digest = content_digest(
        values, repr(grid.to_dict()), quantity.value, description, reference.series_instance_uid
    )
    uid, series_uid = study.uid("parametric map", digest), study.uid("series", digest)
    low, high = float(values.min()), float(values.max())
    unit, meaning = _UNITS[quantity.unit]
    mapping = RealWorldValueMapping(
        lut_label=quantity.value[:16],
        lut_explanation=quantity.value,
        unit=Code(unit, "UCUM", meaning),
        value_range=(low, high),
        slope=1.0,
        intercept=0.0,
        quantity_definition=_QUANTITIES.get(quantity),
    )
    dataset = ParametricMap(
        source_images=source_datasets(reference, study),
        pixel_array=volume(values, grid),
        series_instance_uid=series_uid,
        series_number=series_number,
        sop_instance_uid=uid,
        instance_number=1,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[_window(low, high)],
        content_description=PURPOSE,
        content_label="PARAMETRIC_MAP",
        **equipment(),
    )
    dataset.Laterality = ""
    finish(
        dataset, study=study, description=description, created=created, uid=study.uid("dimensions", digest)
    )
    save(dataset, path)
    return WrittenObject(path, series_uid, ParametricMapStorage, uid)


def _window(low: float, high: float) -> VOILUTTransformation:
    # The whole range, for viewers; a constant map gets a window of width 1.
    return VOILUTTransformation(
        window_center=0.5 * (low + high),
        window_width=(high - low) or 1.0,
        # The other linear function forbids widths below 1.
        voi_lut_function=VOILUTFunctionValues.LINEAR_EXACT,
    )
