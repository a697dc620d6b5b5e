import math
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pydicom
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetSlice, PetUnits, Sex, SuvType
from tumorboard.core.grid import AXIAL, Grid, grid_difference
from tumorboard.core.image import Image, Quantity
from tumorboard.core.patient_position import PatientPosition
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.io.dicom.headers import header_of
from tumorboard.io.dicom.identity import PatientIdentity, StudyIdentity, make_uid
from tumorboard.io.dicom.read_acquisition import pet_acquisition_of
from tumorboard.io.dicom.read_image import read_image
from tumorboard.io.dicom.study import Series
from tumorboard.io.dicom.write_image import ImageModality, write_image_series
from tumorboard.pet.suv import SuvVariant, to_suv
from tumorboard.provenance import Record

MADE = Record("test")
FRAME = make_uid("frame", seed="test")
ADA = PatientIdentity(
    patient_id="P01", patient_name="Phantom^Ada", sex=Sex.FEMALE, birth_date=date(1960, 1, 2)
)
NINE = datetime(2024, 5, 17, 9)
STUDY = StudyIdentity(patient=ADA, start=NINE, description="Test", seed="test")
F18_HALF_LIFE_S = 6586.2
FDG = {
    "decay_reference": DecayReference.START,
    "corrected_image": ("DECY", "ATTN", "SCAT"),
    "radionuclide": "F-18",
    "radiopharmaceutical": "FDG",
    "half_life_s": F18_HALF_LIFE_S,
    "injected_bq": 350e6,
    "injection": datetime(2024, 5, 17, 8, 10),
    "series_start": datetime(2024, 5, 17, 9, 10),
    "slices": (PetSlice(frame_duration_s=180.0),),
    "weight_kg": 70.5,
    "height_m": 1.7,
    "sex": Sex.FEMALE,
}
KINDS = (
    (ImageModality.CT, Quantity.CT_NUMBER, "i2"),
    (ImageModality.MR, Quantity.MR_SIGNAL, "u2"),
    (ImageModality.PT, Quantity.ACTIVITY_CONCENTRATION, "f4"),
)


@st.composite
def grids(draw, handedness=(1.0,), shortest=2):
    rotation = Rotation.from_euler("xyz", [draw(st.floats(-180, 180)) for _ in range(3)], degrees=True)
    direction = rotation.as_matrix() @ np.array(AXIAL)
    direction[:, 0] *= draw(st.sampled_from(handedness))
    return Grid(
        [draw(st.integers(shortest, 5)) for _ in range(3)],
        [draw(st.floats(0.3, 8.0)) for _ in range(3)],
        [draw(st.floats(-800.0, 800.0)) for _ in range(3)],
        direction,
        frame_of_reference=FRAME,
    )


def grid_of(shape=(3, 4, 5)):
    return Grid(shape, (3.0, 1.2, 0.9), (-10.0, 20.0, 30.0), AXIAL, frame_of_reference=FRAME)


def values_of(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if dtype == "i2":
        return rng.integers(-1024, 3072, shape).astype(dtype)
    if dtype == "u2":
        return rng.integers(0, 65536, shape).astype(dtype)
    return rng.gamma(0.5, 5e3, shape).astype(dtype)


def write(image, folder, modality, *, study=STUDY, acquisition=None, **more):
    if modality is ImageModality.PT:
        more["acquisition"] = acquisition or PetAcquisition(**FDG)
    else:
        more.setdefault("acquired", NINE + timedelta(minutes=5))
    return write_image_series(
        image, folder, study=study, modality=modality, description="test", series_number=1, **more
    )


def series_of(paths):
    headers = []
    for path in paths:
        headers.append(header_of(pydicom.dcmread(path), path, path.stat().st_size))
    first = headers[0]
    return Series(
        first.series_instance_uid,
        first.study_instance_uid,
        first.modality,
        first.sop_class_uid,
        "",
        tuple(headers),
    )


@pytest.mark.parametrize(("modality", "quantity", "dtype"), KINDS)
@settings(deadline=None, max_examples=15)
@given(grid=grids(), seed=st.integers(0, 99))
def test_write_image_series__comes_back_through_our_reader(
    tmp_path_factory, modality, quantity, dtype, grid, seed
):
    image = Image(values_of(grid.shape, dtype, seed), grid, quantity, MADE)
    written = write(image, tmp_path_factory.mktemp("series"), modality)
    back = read_image(series_of(written.paths))
    assert grid_difference(back.grid, grid) is None
    assert grid_difference(written.reference.grid, grid) is None
    assert back.quantity is quantity
    if modality is ImageModality.PT:
        slope = np.array([pydicom.dcmread(p).RescaleSlope for p in written.paths])[:, None, None]
        # Half a step, and what the reader's 32-bit floats round away.
        np.testing.assert_array_less(
            np.abs(back.values - image.values.astype(float)), slope / 2 + 1e-6 * image.values + 1e-30
        )
    else:
        np.testing.assert_array_equal(back.values, image.values)


@settings(deadline=None, max_examples=20)
@given(grid=grids(handedness=(-1.0,)))
def test_write_image_series__left_handed_grid_is_turned_around_and_each_voxel_stays_in_place(
    tmp_path_factory, grid
):
    image = Image(values_of(grid.shape, "i2"), grid, Quantity.CT_NUMBER, MADE)
    written = write(image, tmp_path_factory.mktemp("series"), ImageModality.CT)
    back = read_image(series_of(written.paths))
    assert grid_difference(back.grid, written.reference.grid) is None
    index = np.argwhere(np.ones(grid.shape, bool))
    there = np.rint(back.grid.patient_to_index(grid.index_to_patient(index))).astype(int)
    np.testing.assert_array_equal(back.values[tuple(there.T)], image.values[tuple(index.T)])


def test_write_image_series__writes_no_denormal_cosines(tmp_path):
    direction = np.add(AXIAL, [[0, 3.9e-310, 0], [0, 0, -3.9e-310], [0, 0, 0]])
    grid = Grid((2, 2, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), direction, frame_of_reference=FRAME)
    write(Image(values_of(grid.shape, "i2"), grid, Quantity.CT_NUMBER, MADE), tmp_path, ImageModality.CT)
    cosines = pydicom.dcmread(next(tmp_path.iterdir())).ImageOrientationPatient
    assert all(float(cosine) in (0.0, 1.0) for cosine in cosines)


@pytest.mark.parametrize(("modality", "quantity", "dtype"), KINDS)
@settings(deadline=None, max_examples=10)
@given(grid=grids(handedness=(1.0, -1.0)))
def test_write_image_series__simpleitk_agrees_about_geometry_and_values(
    tmp_path_factory, modality, quantity, dtype, grid
):
    image = Image(values_of(grid.shape, dtype), grid, quantity, MADE)
    folder = tmp_path_factory.mktemp("series")
    write(image, folder, modality)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    itk = reader.Execute()
    index = np.argwhere(np.ones(grid.shape, bool))
    theirs = np.array(
        [itk.TransformPhysicalPointToContinuousIndex(p) for p in grid.index_to_patient(index).tolist()]
    )
    np.testing.assert_allclose(theirs, np.rint(theirs), atol=0.01)
    x, y, z = np.rint(theirs).astype(int).T
    found = SimpleITK.GetArrayFromImage(itk)[z, y, x]
    # GDCM takes one type for all slices, so values of PT are compared to a step.
    step = image.values.max() / 65535 if modality is ImageModality.PT else 0
    np.testing.assert_allclose(found, image.values[tuple(index.T)], atol=float(step), rtol=1e-6)


def test_write_image_series__pet_says_all_that_an_uptake_value_needs(tmp_path):
    image = Image(values_of((3, 4, 5), "f4"), grid_of(), Quantity.ACTIVITY_CONCENTRATION, MADE)
    written = write(image, tmp_path / "pt", ImageModality.PT)
    ds = pydicom.dcmread(written.paths[0])
    assert (ds.Units, ds.DecayCorrection, ds.PatientSex) == ("BQML", "START", "F")
    assert list(ds.CorrectedImage) == ["DECY", "ATTN", "SCAT"]
    assert (ds.SeriesDate, ds.SeriesTime, ds.AcquisitionTime) == ("20240517", "091000", "091000")
    assert (ds.PatientWeight, ds.PatientSize) == (70.5, 1.7)
    (given_,) = ds.RadiopharmaceuticalInformationSequence
    assert given_.RadionuclideCodeSequence[0].CodeValue == "77004003"
    assert (given_.RadionuclideTotalDose, given_.RadionuclideHalfLife) == (350e6, F18_HALF_LIFE_S)
    assert given_.RadiopharmaceuticalStartDateTime == "20240517081000"
    assert ds.ActualFrameDuration == 180000
    decay_per_s = math.log(2) / F18_HALF_LIFE_S
    mean = (1 - math.exp(-decay_per_s * 180)) / (decay_per_s * 180)
    # At the frame reference time the activity equals its mean over the frame: the standard's definition.
    assert math.exp(-decay_per_s * float(ds.FrameReferenceTime) / 1000) == pytest.approx(mean, rel=1e-9)
    assert float(ds.DecayFactor) == pytest.approx(1 / mean, rel=1e-9)


def test_write_image_series__bed_positions_keep_their_own_times(tmp_path):
    grid = grid_of()
    late = FDG["series_start"] + timedelta(minutes=3)
    starts = (FDG["series_start"], late, late)
    slices = tuple(
        PetSlice(position_mm=tuple(grid.index_to_patient((i, 0, 0)).tolist()), acquisition_start=start)
        for i, start in reversed(list(enumerate(starts)))
    )
    image = Image(values_of(grid.shape, "f4"), grid, Quantity.ACTIVITY_CONCENTRATION, MADE)
    written = write(
        image, tmp_path / "pt", ImageModality.PT, acquisition=PetAcquisition(**FDG | {"slices": slices})
    )
    read = [pydicom.dcmread(path) for path in written.paths]
    assert [ds.AcquisitionTime for ds in read] == ["091000", "091300", "091300"]
    assert [float(ds.FrameReferenceTime) for ds in read] == [0.0, 180e3, 180e3]


def test_write_image_series__times_are_written_in_the_zone_of_the_study(tmp_path):
    cest = timezone(timedelta(hours=2))
    study = StudyIdentity(patient=ADA, start=NINE.replace(tzinfo=cest), description="Test", seed="zone")
    facts = FDG | {
        "injection": datetime(2024, 5, 17, 6, 10, tzinfo=UTC),
        "series_start": datetime(2024, 5, 17, 7, 10, tzinfo=UTC),
    }
    image = Image(values_of((3, 4, 5), "f4"), grid_of(), Quantity.ACTIVITY_CONCENTRATION, MADE)
    written = write(
        image, tmp_path / "pt", ImageModality.PT, study=study, acquisition=PetAcquisition(**facts)
    )
    ds = pydicom.dcmread(written.paths[0])
    assert (ds.TimezoneOffsetFromUTC, ds.SeriesTime) == ("+0200", "091000")
    assert (
        ds.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartDateTime == "20240517081000+0200"
    )
    with pytest.raises(InputError, match="must both have a time zone"):
        write(image, tmp_path / "naive", ImageModality.PT, study=study)


def test_write_image_series__uptake_values_state_their_kind(tmp_path):
    image = Image(values_of((2, 3, 4), "f4") / 1e3, grid_of((2, 3, 4)), Quantity.SUV_BODY_WEIGHT, MADE)
    ds = pydicom.dcmread(write(image, tmp_path / "suv", ImageModality.PT).paths[0])
    assert (ds.Units, ds.SUVType) == ("GML", "BW")
    assert read_image(series_of(sorted((tmp_path / "suv").iterdir()))).quantity is Quantity.SUV_BODY_WEIGHT


def test_write_image_series__uptake_by_james_comes_back_as_it_was(tmp_path):
    # SUV Type LBM means 120 (weight / height)^2 for men, LBMJAMES128 James's own 128: 2.3 % apart here.
    patient = PatientIdentity(patient_id="P02", patient_name="Phantom^Max", sex=Sex.MALE)
    study = StudyIdentity(patient=patient, start=NINE, description="Test", seed="test")
    part = PetSlice(acquisition_start=FDG["series_start"], frame_duration_s=180.0)
    facts = FDG | {"sex": Sex.MALE, "weight_kg": 70.0, "height_m": 1.75, "slices": (part,)}
    activity = Image(values_of((2, 3, 4), "f4"), grid_of((2, 3, 4)), Quantity.ACTIVITY_CONCENTRATION, MADE)
    james = SuvVariant.LEAN_BODY_MASS_JAMES
    suv = to_suv(activity, PetAcquisition(units=PetUnits.BQML, **facts), variant=james)
    for suv_type, ratio in ((None, 1.0), (SuvType.LEAN_BODY_MASS, 56.52 / 57.8)):
        written = write(
            suv,
            tmp_path / str(suv_type),
            ImageModality.PT,
            study=study,
            acquisition=PetAcquisition(suv_type=suv_type, **facts),
        )
        files = [pydicom.dcmread(path) for path in written.paths]
        back = to_suv(read_image(series_of(written.paths)), pet_acquisition_of(files), variant=james)
        np.testing.assert_allclose(
            back.values, suv.values * ratio, atol=float(np.abs(suv.values).max()) / 32767
        )


def test_write_image_series__negative_activity_is_kept(tmp_path):
    values = values_of((2, 3, 4), "f4") - 500
    image = Image(values, grid_of((2, 3, 4)), Quantity.ACTIVITY_CONCENTRATION, MADE)
    written = write(image, tmp_path / "pt", ImageModality.PT)
    back = read_image(series_of(written.paths))
    np.testing.assert_allclose(back.values, values, atol=float(np.abs(values).max()) / 32767)
    assert back.values.min() < 0


def test_write_image_series__seeded_uids_repeat_and_follow_the_content(tmp_path):
    one, other = values_of((2, 3, 4), "i2"), values_of((2, 3, 4), "i2", seed=1)
    uids = []
    for name, values in (("a", one), ("b", one), ("c", other)):
        image = Image(values, grid_of((2, 3, 4)), Quantity.CT_NUMBER, MADE)
        written = write(image, tmp_path / name, ImageModality.CT)
        uids.append((written.series_instance_uid, *written.reference.sop_instance_uids))
    assert uids[0] == uids[1]
    assert set(uids[0]).isdisjoint(uids[2])
    assert (tmp_path / "a" / "0001.dcm").read_bytes() == (tmp_path / "b" / "0001.dcm").read_bytes()
    free = StudyIdentity(patient=ADA, start=NINE, description="Test")
    image = Image(one, grid_of((2, 3, 4)), Quantity.CT_NUMBER, MADE)
    series = {write(image, tmp_path / n, ImageModality.CT, study=free).series_instance_uid for n in "de"}
    assert len(series) == 2


def test_write_image_series__refusals_leave_nothing_behind(tmp_path):
    grid = grid_of((2, 3, 4))
    half = Image(np.full(grid.shape, 0.5), grid, Quantity.CT_NUMBER, MADE)
    with pytest.raises(InputError, match=r"CT numbers \[HU\] must be whole"):
        write(half, tmp_path / "x", ImageModality.CT)
    with pytest.raises(InputError, match="write_parametric_map"):
        write(half, tmp_path / "x", ImageModality.MR)
    with pytest.raises(MissingAttribute, match="acquired"):
        write(half, tmp_path / "x", ImageModality.CT, acquired=None)
    pet = Image(np.full(grid.shape, np.nan), grid, Quantity.ACTIVITY_CONCENTRATION, MADE)
    with pytest.raises(InputError, match="finite"):
        write(pet, tmp_path / "x", ImageModality.PT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"series_start": None}, MissingAttribute, "series_start"),
        ({"half_life_s": None}, MissingAttribute, "half_life_s"),
        ({"decay_reference": None}, MissingAttribute, "decay_reference"),
        ({"corrected_image": ("ATTN",)}, InputError, "DECY"),
        ({"units": PetUnits.CNTS}, InputError, "units"),
        ({"suv_type": SuvType.BODY_WEIGHT}, InputError, "suv_type"),
        ({"sex": Sex.MALE}, InputError, "sex"),
        ({"radionuclide": "Xx-99"}, InputError, "radionuclide"),
        ({"slices": (PetSlice(), PetSlice())}, InputError, "one per plane"),
        ({"decay_reference": DecayReference.ADMIN, "injection": None}, MissingAttribute, "injection"),
    ],
)
def test_write_image_series__pet_facts_that_contradict_are_refused(tmp_path, change, error, message):
    image = Image(np.ones((3, 4, 5)), grid_of(), Quantity.ACTIVITY_CONCENTRATION, MADE)
    with pytest.raises(error, match=message):
        write(image, tmp_path / "pt", ImageModality.PT, acquisition=PetAcquisition(**FDG | change))


def test_write_image_series__patient_position_is_stated_or_unknown(tmp_path):
    image = Image(values_of((2, 3, 4), "i2"), grid_of((2, 3, 4)), Quantity.CT_NUMBER, MADE)
    supine = write(
        image, tmp_path / "a", ImageModality.CT, patient_position=PatientPosition.HEAD_FIRST_SUPINE
    )
    unknown = write(image, tmp_path / "b", ImageModality.CT)
    assert [pydicom.dcmread(w.paths[0]).PatientPosition for w in (supine, unknown)] == ["HFS", ""]
