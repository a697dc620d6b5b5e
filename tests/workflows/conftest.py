"""A small patient as DICOM: CT, PET with one hot sphere, and two structures."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from tumorboard.core import AXIAL, Grid, Image, Quantity, Structure, StructureKind, StructureSet
from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetUnits, Sex
from tumorboard.io.dicom import (
    ImageModality,
    PatientIdentity,
    StudyIdentity,
    make_uid,
    write_image_series,
    write_rtstruct,
)
from tumorboard.provenance import Record

MADE = Record("test.made")
START = datetime(2026, 1, 15, 10, 0, 0)
BQ_ML_PER_SUV = 350e6 / 70e3
HOT_MM = (20.0, -12.0, 60.0)


def sphere(grid, centre_mm, radius_mm):
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), axis=-1)
    return np.linalg.norm(grid.index_to_patient(index) - centre_mm, axis=-1) <= radius_mm


def _write_patient(folder, *, patient_id="P01", seed="test"):
    """Write CT, PET and RTSTRUCT below ``folder``; the sphere has SUV 8 in a background of 1."""
    frame = make_uid("frame", seed=seed)
    ct_grid = Grid((30, 64, 64), (4.0, 3.0, 3.0), (-94.5, -94.5, 0.0), AXIAL, frame_of_reference=frame)
    pet_grid = Grid((30, 48, 48), (4.0, 4.0, 4.0), (-94.0, -94.0, 0.0), AXIAL, frame_of_reference=frame)
    hu = np.full(ct_grid.shape, -1000, np.int16)
    hu[sphere(ct_grid, (0, 0, 60), 50)] = 40
    suv = np.where(sphere(pet_grid, (0, 0, 60), 50), 1.0, 0.0)
    suv[sphere(pet_grid, HOT_MM, 16)] = 8.0
    study = StudyIdentity(
        patient=PatientIdentity(patient_id=patient_id, patient_name="Test^One"),
        start=START,
        description="Test",
        seed=seed,
    )
    folder.mkdir(parents=True, exist_ok=True)
    ct = write_image_series(
        Image(hu, ct_grid, Quantity.CT_NUMBER, MADE),
        folder / "a",
        study=study,
        modality=ImageModality.CT,
        description="CT <script>alert(1)</script>",
        series_number=1,
        acquired=START,
    )
    acquisition = PetAcquisition(
        units=PetUnits.BQML,
        decay_reference=DecayReference.ADMIN,
        corrected_image=("DECY", "ATTN"),
        radionuclide="^18^Fluorine",
        half_life_s=6586.2,
        injected_bq=350e6,
        injection=START - timedelta(hours=1),
        series_start=START,
        weight_kg=70.0,
    )
    write_image_series(
        Image((suv * BQ_ML_PER_SUV).astype(np.float32), pet_grid, Quantity.ACTIVITY_CONCENTRATION, MADE),
        folder / "b",
        study=study,
        modality=ImageModality.PT,
        description="PET",
        series_number=2,
        acquisition=acquisition,
    )
    masks = {"GTV": sphere(ct_grid, HOT_MM, 16), "Body <b>": sphere(ct_grid, (0, 0, 60), 50)}
    structures = tuple(
        Structure(name, mask=Image(mask, ct_grid, Quantity.LABEL, MADE)) for name, mask in masks.items()
    )
    write_rtstruct(
        StructureSet(structures, frame, MADE, "Drawn"),
        folder / "structures.dcm",
        study=study,
        reference=ct.reference,
        description="Drawn",
        series_number=3,
        created=START,
    )
    return folder


@pytest.fixture(scope="session")
def write_patient():
    return _write_patient


@pytest.fixture(scope="session")
def patient_folder(tmp_path_factory):
    return _write_patient(tmp_path_factory.mktemp("patient") / "dicom")


def box(grid, centre_mm, half_mm):
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), axis=-1)
    return (np.abs(grid.index_to_patient(index) - centre_mm) <= half_mm).all(axis=-1)


def water_phantom(target_mm=(10.0, 0.0, 0.0), frame="1.2.3"):
    """Return a water box in air with a target, a cord and a structure far outside."""
    grid = Grid((45, 60, 70), (4.0, 4.0, 4.0), (-138.0, -118.0, -88.0), AXIAL, frame_of_reference=frame)
    water = box(grid, (0.0, 0.0, 0.0), (120.0, 100.0, 80.0))
    ct = Image(np.where(water, 0, -1000).astype(np.int16), grid, Quantity.CT_NUMBER, MADE)

    def structure(name, centre_mm, half_mm, kind=StructureKind.ORGAN):
        mask = Image(box(grid, centre_mm, half_mm), grid, Quantity.LABEL, MADE)
        return Structure(name, mask=mask, kind=kind)

    drawn = StructureSet(
        (
            structure("GTV", target_mm, (18.0, 18.0, 18.0), StructureKind.GTV),
            structure("cord", (-40.0, 40.0, 0.0), (8.0, 8.0, 70.0)),
        ),
        frame,
        MADE,
    )
    return ct, drawn


@pytest.fixture(scope="session")
def phantom():
    return water_phantom


@pytest.fixture(scope="session")
def water_folder(tmp_path_factory):
    """The water phantom as DICOM files."""
    into = tmp_path_factory.mktemp("water") / "dicom"
    into.mkdir()
    ct, drawn = water_phantom()
    study = StudyIdentity(
        patient=PatientIdentity(patient_id="P01", patient_name="Water^Box", sex=Sex.OTHER),
        start=START,
        description="Test",
        seed="water",
    )
    about = {"study": study, "series_number": 1, "description": "water"}
    written = write_image_series(ct, into / "ct", modality=ImageModality.CT, acquired=START, **about)
    write_rtstruct(drawn, into / "drawn.dcm", reference=written.reference, created=START, **about)
    return into
