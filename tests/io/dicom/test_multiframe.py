"""Multi-frame files: each frame is where its functional groups say, as if it were a file."""

from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.image import Quantity
from tumorboard.errors import GeometryError, InputError, MissingAttribute
from tumorboard.io.dicom.read_image import read_image, read_images

ENHANCED = {
    "CT": "1.2.840.10008.5.1.4.1.1.2.1",
    "MR": "1.2.840.10008.5.1.4.1.1.4.1",
    "PT": "1.2.840.10008.5.1.4.1.1.130",
}


def item(**attributes):
    dataset = pydicom.Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def shared_groups(**extra):
    return item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        PixelMeasuresSequence=[item(PixelSpacing=[2.0, 1.5], SliceThickness=9.0)],
        **extra,
    )


@pytest.fixture
def make_enhanced(make_dataset):
    """Return a function of per-frame z [mm] and groups that makes an enhanced file; frame k holds 10 k."""

    def make(modality, z_mm, *, groups=None, shared=None, **attributes):
        groups = [{}] * len(z_mm) if groups is None else groups
        pixels = (
            np.full((len(z_mm), 4, 3), 10, np.int16) * np.arange(len(z_mm), dtype=np.int16)[:, None, None]
        )
        dataset = make_dataset(
            modality,
            pixels,
            SOPClassUID=ENHANCED[modality],
            PixelSpacing=None,
            ImageOrientationPatient=None,
            RescaleSlope=None,
            RescaleIntercept=None,
            **attributes,
        )
        dataset.SharedFunctionalGroupsSequence = [shared_groups() if shared is None else shared]
        dataset.PerFrameFunctionalGroupsSequence = [
            item(PlanePositionSequence=[item(ImagePositionPatient=[1.0, 2.0, float(z)])], **g)
            for z, g in zip(z_mm, groups, strict=True)
        ]
        return dataset

    return make


def rescale(slope, intercept=0.0, kind="HU"):
    value = item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType=kind)
    return {"PixelValueTransformationSequence": [value]}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10, deadline=None)
@given(order=st.permutations(range(6)))
def test_read_image__enhanced_frames_are_sorted_by_place(make_enhanced, make_series, order):
    dataset = make_enhanced("CT", [3.0 * k for k in order], groups=[rescale(2.0, -5.0)] * 6)
    image = read_image(make_series([dataset]))
    assert image.quantity is Quantity.CT_NUMBER
    assert image.grid.spacing_mm.tolist() == [3, 2, 1.5]
    assert image.values[:, 0, 0].tolist() == [20 * order.index(k) - 5 for k in range(6)]


def test_read_image__enhanced_frames_have_their_own_rescale(make_enhanced, make_series):
    dataset = make_enhanced("PT", [0, 3, 6], groups=[rescale(s, kind="US") for s in (1, 2, 4)], Units="BQML")
    image = read_image(make_series([dataset]))
    assert image.quantity is Quantity.ACTIVITY_CONCENTRATION
    assert image.values[:, 0, 0].tolist() == [0, 20, 80]


def test_read_images__enhanced_diffusion_is_split_by_b_value(make_enhanced, make_series):
    places = [3.0 * k for k in range(4)] * 2
    groups = [{"MRDiffusionSequence": [item(DiffusionBValue=b)]} for b in [0.0] * 4 + [1000.0] * 4]
    volumes = read_images(make_series([make_enhanced("MR", places, groups=groups)]))
    assert [v.label for v in volumes] == ["b = 0 s/mm2", "b = 1000 s/mm2"]
    assert volumes[1].image.values[:, 0, 0].tolist() == [40, 50, 60, 70]


def test_read_images__a_dimension_index_is_the_last_resort(make_enhanced, make_series):
    groups = [{"FrameContentSequence": [item(DimensionIndexValues=[g])]} for g in [1] * 4 + [2] * 4]
    volumes = read_images(make_series([make_enhanced("MR", [3.0 * k for k in range(4)] * 2, groups=groups)]))
    assert [v.label for v in volumes] == ["dimension index (1,)", "dimension index (2,)"]


def test_read_images__enhanced_dynamic_pet_has_times(make_enhanced, make_series):
    groups = [
        {
            "FrameContentSequence": [
                item(
                    TemporalPositionIndex=t + 1,
                    FrameAcquisitionDateTime=f"2020010112{t:02}00",
                    FrameAcquisitionDuration=60000.0,
                )
            ]
        }
        | rescale(1.0)
        for t in range(3)
        for _ in range(2)
    ]
    dataset = make_enhanced("PT", [0, 3] * 3, groups=groups, Units="BQML")
    (volume,) = read_images(make_series([dataset]))
    assert isinstance(volume.image, DynamicImage)
    assert volume.image.frame_start_s.tolist() == [0, 60, 120]
    assert volume.image.frame_duration_s.tolist() == [60, 60, 60]


def test_read_images__a_real_world_mapping_gives_the_unit(make_enhanced, make_series):
    mapping = item(
        RealWorldValueSlope=0.5,
        RealWorldValueIntercept=1.0,
        MeasurementUnitsCodeSequence=[
            item(CodeValue="Bq/ml", CodingSchemeDesignator="UCUM", CodeMeaning="Bq/ml")
        ],
    )
    shared = shared_groups(RealWorldValueMappingSequence=[mapping])
    (volume,) = read_images(make_series([make_enhanced("PT", [0, 3, 6], shared=shared)]))
    assert volume.image.quantity is Quantity.ACTIVITY_CONCENTRATION
    assert volume.image.values[:, 0, 0].tolist() == [1, 6, 11]


def test_read_images__a_gap_between_frames_names_them(make_enhanced, make_series):
    dataset = make_enhanced("CT", [0, 3, 6, 12], groups=[rescale(1.0)] * 4)
    with pytest.raises(GeometryError, match=r"1 between 0_0\.dcm frame 3 .* and 0_0\.dcm frame 4"):
        read_images(make_series([dataset]))


def test_read_images__multi_frame_without_places_is_no_volume(make_dataset, make_series):
    film = make_dataset("CT", np.zeros((5, 4, 3), np.int16))
    with pytest.raises(MissingAttribute, match="PerFrameFunctionalGroupsSequence"):
        read_images(make_series([film]))


def test_read_image__compressed_frames_equal_uncompressed(make_enhanced, make_series):
    plain = make_enhanced("CT", [0, 3, 6], groups=[rescale(1.0)] * 3)
    expected = read_image(make_series([plain])).values
    plain.compress(pydicom.uid.RLELossless)
    assert (read_image(make_series([plain])).values == expected).all()


def test_read_image__geometry_equals_highdicom(make_enhanced, make_series):
    hd = pytest.importorskip("highdicom")
    cosines = [0.8, 0.6, 0.0, 0.0, 0.0, -1.0]
    normal = np.cross(cosines[:3], cosines[3:])
    shared = item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=cosines)],
        PixelMeasuresSequence=[item(PixelSpacing=[2.0, 1.5], SliceThickness=9.0)],
        **rescale(1.0),
    )
    dataset = make_enhanced("CT", range(5), shared=shared)
    for k, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        position = np.array([1.0, 2.0, 3.0]) + 4.0 * ((3 * k) % 5) * normal
        group.PlanePositionSequence[0].ImagePositionPatient = [round(float(p), 6) for p in position]
    series = make_series([dataset])
    image = read_image(series)
    theirs = hd.Image.from_dataset(pydicom.dcmread(series.paths[0])).get_volume()
    # Both are asked for the patient point of every voxel and its value; array axes may run otherwise.
    index = np.argwhere(np.ones(image.grid.shape, bool))
    place = np.rint(theirs.map_reference_to_indices(image.grid.index_to_patient(index))).astype(int)
    assert (theirs.array[tuple(place.T)] == image.values[tuple(index.T)]).all()
    np.testing.assert_allclose(
        theirs.map_indices_to_reference(place), image.grid.index_to_patient(index), atol=1e-4
    )


@pytest.fixture
def make_spect(make_dataset):
    def make(image_type="RECON TOMO", vector=None, spacing=-4.0, **attributes):
        pixels = np.full((5, 4, 3), 10, np.uint16) * np.arange(5, dtype=np.uint16)[:, None, None]
        place = item(ImagePositionPatient=[1.0, 2.0, 3.0], ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
        usual = {
            "ImageType": ["ORIGINAL", "PRIMARY", image_type, "EMISSION"],
            "ImageOrientationPatient": None,
            "DetectorInformationSequence": [place],
            "SpacingBetweenSlices": spacing,
            "SliceThickness": 4.0,
            "FrameIncrementPointer": 0x00540080,
            "SliceVector": vector or [1, 2, 3, 4, 5],
        }
        return make_dataset("NM", pixels, **usual | attributes)

    return make


@pytest.mark.parametrize("spacing", [4.0, -4.0])
def test_read_image__spect_slices_stack_to_the_side_of_the_sign(make_spect, make_series, spacing):
    image = read_image(make_series([make_spect(spacing=spacing)]))
    assert image.quantity is Quantity.COUNTS
    assert image.grid.spacing_mm[0] == 4
    first = np.rint(image.grid.patient_to_index([1.0, 2.0, 3.0])).astype(int)
    fifth = np.rint(image.grid.patient_to_index([1.0, 2.0, 3.0 + 4 * spacing])).astype(int)
    assert image.values[tuple(first)] == 0
    assert image.values[tuple(fifth)] == 40


def test_read_image__spect_frames_follow_the_slice_vector(make_spect, make_series):
    image = read_image(make_series([make_spect(vector=[5, 4, 3, 2, 1], spacing=4.0)]))
    assert image.values[:, 0, 0].tolist() == [40, 30, 20, 10, 0]
    with pytest.raises(InputError, match="SliceVector"):
        read_image(make_series([make_spect(vector=[1, 2, 3, 4, 4])]))


@pytest.mark.parametrize("kind", ["TOMO", "STATIC", "WHOLE BODY", "DYNAMIC", "RECON GATED TOMO"])
def test_read_images__projections_and_planar_views_are_no_volume(make_spect, make_series, kind):
    with pytest.raises(InputError, match=rf"RECON TOMO.*{kind}"):
        read_images(make_series([make_spect(image_type=kind)]))


def test_read_images__frames_over_energy_are_no_volume(make_spect, make_series):
    with pytest.raises(InputError, match="FrameIncrementPointer"):
        read_images(make_series([make_spect(FrameIncrementPointer=[0x00540010, 0x00540080])]))


def test_read_images__spect_with_a_mapping_is_activity_concentration(make_spect, make_series):
    unit = item(CodeValue="Bq/ml", CodingSchemeDesignator="UCUM", CodeMeaning="Bq/ml")
    mapping = item(RealWorldValueSlope=3.0, RealWorldValueIntercept=0.0, MeasurementUnitsCodeSequence=[unit])
    image = read_image(make_series([make_spect(RealWorldValueMappingSequence=[mapping])]))
    assert image.quantity is Quantity.ACTIVITY_CONCENTRATION
    assert image.values.max() == 120


def test_read_images__pydicom_example_of_an_rgb_cine_is_refused(make_series):
    name = pydicom.data.get_testdata_file("examples_ybr_color.dcm", download=False)
    if name is None:
        pytest.skip("pydicom's example is not installed")
    dataset = pydicom.dcmread(Path(name))
    dataset.FrameOfReferenceUID = "1.2.3"
    with pytest.raises((InputError, MissingAttribute)):
        read_images(make_series([dataset]))
