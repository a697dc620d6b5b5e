"""Parametric maps as DICOM, beside the mean of the scan that they refer to."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np

from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetSlice, PetUnits
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.image import Image
from tumorboard.io.bids_pet import BidsPetFacts
from tumorboard.io.dicom import (
    ImageModality,
    PatientIdentity,
    StudyIdentity,
    write_image_series,
)
from tumorboard.io.dicom.write_parametric_map import write_parametric_map
from tumorboard.pet.kinetics.voxels_maps import ParametricMaps
from tumorboard.workflows.kinetics.map_names import map_label

__all__ = ["write_dicom_maps"]


def write_dicom_maps(
    maps: ParametricMaps,
    dynamic: DynamicImage,
    facts: BidsPetFacts,
    subject: str,
    start: datetime,
    half_life_s: float,
    folder: Path,
) -> list[Path]:
    """Write the mean of the scan as a PET series, and each map as a Parametric Map that refers to it.

    Where a model said nothing, and outside the voxels fitted, maps hold 0: DICOM's must be finite.

    Parameters
    ----------
    maps
        Of a model.
    dynamic, facts
        The scan and what its sidecar says.
    subject
        Becomes the Patient ID, ``sub-SUBJECT``.
    start
        Date and time of the injection.
    half_life_s
        Of the radionuclide [s].
    folder
        New, or replaced.

    Returns
    -------
    list of pathlib.Path
        Of the maps.

    Raises
    ------
    InputError
        When a text or a value does not fit DICOM.
    """
    patient = PatientIdentity(patient_id=f"sub-{subject}", patient_name="")
    seed = maps.provenance.digest
    study = StudyIdentity(patient=patient, start=start, description="Kinetics", seed=seed)
    duration = float(dynamic.frame_duration_s.sum())
    acquisition = PetAcquisition(
        units=PetUnits.BQML,
        decay_reference=DecayReference.ADMIN,
        corrected_image=("DECY",),
        radionuclide=facts.radionuclide,
        radiopharmaceutical=facts.tracer,
        half_life_s=half_life_s,
        injected_bq=facts.injected_bq,
        injection=start,
        series_start=start,
        slices=(
            PetSlice(
                acquisition_start=start, frame_reference_time_s=0.5 * duration, frame_duration_s=duration
            ),
        ),
    )
    folder.mkdir(parents=True, exist_ok=True)
    series = write_image_series(
        dynamic.mean(),
        folder / "mean",
        study=study,
        modality=ImageModality.PT,
        description="Mean over all frames",
        series_number=1,
        acquisition=acquisition,
        replace=True,
    )
    written = []
    for number, (name, image) in enumerate(maps.maps.items(), start=2):
        values = np.nan_to_num(image.values, nan=0.0, posinf=0.0, neginf=0.0)
        finite = Image(values, image.grid, image.quantity, image.provenance)
        path = folder / f"{map_label(maps.model)}-{map_label(name)}.dcm"
        made = write_parametric_map(
            finite,
            path,
            study=study,
            reference=series.reference,
            description=f"{name} by {maps.model}",
            series_number=number,
            created=start,
        )
        written.append(made.path)
    return written
