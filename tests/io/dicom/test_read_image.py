"""What a series becomes: values, places, splits, and refusals that name the file."""

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.image import Quantity
from tumorboard.errors import GeometryError, InputError, MissingAttribute, UnreadableFile
from tumorboard.io.dicom.geometry import GantryTilt
from tumorboard.io.dicom.read_image import read_image, read_images
from tumorboard.io.dicom.scan import scan

SAME_FOLDER = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None
)


@SAME_FOLDER
@given(seed=st.integers(0, 1000))
def test_read_image__is_the_same_for_any_order_and_naming_of_files(make_slices, make_series, seed):
    slices = make_slices("CT", 3.0 * np.arange(7) - 8)
    order = np.random.default_rng(seed).permutation(7)
    image = read_image(make_series([slices[i] for i in order]))
    assert image.values[:, 0, 0].tolist() == [100 * k for k in range(7)]
    assert image.values[0, :, 0].tolist() == [0, 1, 2, 3]
    assert image.grid.origin_mm.tolist() == [10, -20, -8]
    assert image.grid.spacing_mm.tolist() == [3, 2, 1.5]
    assert image.quantity is Quantity.CT_NUMBER
    assert image.values.dtype == np.int16
    assert not image.values.flags.writeable


@SAME_FOLDER
@given(slopes=st.lists(st.floats(1e-3, 1e3), min_size=4, max_size=4))
def test_read_image__each_slice_has_its_own_rescale(make_slices, make_series, slopes):
    slices = make_slices("PT", range(4), Units="BQML")
    for s, slope in zip(slices, slopes, strict=True):
        s.RescaleSlope = f"{slope:.10g}"
    stored = read_image(make_series(make_slices("CT", range(4)))).values
    image = read_image(make_series(slices))
    assert image.quantity is Quantity.ACTIVITY_CONCENTRATION
    assert image.values.dtype == np.float32
    for k, slope in enumerate(slopes):
        np.testing.assert_allclose(image.values[k], stored[k] * slope, rtol=3e-7)


def test_read_image__the_whole_number_rule_of_ct(make_slices, make_series):
    unsigned = [np.array([[0, 1024], [4095, 24]], np.uint16)] * 2
    image = read_image(make_series(make_slices("CT", [0, 3], unsigned, RescaleIntercept=-1024)))
    assert image.values.dtype == np.int16
    assert image.values[0].tolist() == [[-1024, 0], [3071, -1000]]
    wide = [np.array([[0, 65535]], np.uint16)] * 2
    image = read_image(make_series(make_slices("CT", [0, 3], wide, RescaleIntercept=-1024)))
    assert image.values.dtype == np.float32
    assert image.values[0].tolist() == [[-1024, 64511]]
    image = read_image(
        make_series(make_slices("CT", [0, 3], unsigned, RescaleSlope=0.5, RescaleIntercept=-10))
    )
    assert image.values.dtype == np.float32
    assert image.values[0].tolist() == [[-10, 502], [2037.5, 2]]


@pytest.mark.parametrize(
    ("modality", "attributes", "quantity"),
    [
        ("PT", {"Units": "BQML"}, Quantity.ACTIVITY_CONCENTRATION),
        ("PT", {"Units": "CNTS"}, Quantity.COUNTS),
        ("PT", {"Units": "GML"}, Quantity.SUV_BODY_WEIGHT),
        ("PT", {"Units": "GML", "SUVType": "LBM"}, Quantity.SUV_LEAN_BODY_MASS_JAMES),
        ("PT", {"Units": "GML", "SUVType": "LBMJANMA"}, Quantity.SUV_LEAN_BODY_MASS_JANMAHASATIAN),
        ("PT", {"Units": "GML", "SUVType": "IBW"}, Quantity.SUV_IDEAL_BODY_WEIGHT),
        ("PT", {"Units": "CM2ML", "SUVType": "BSA"}, Quantity.SUV_BODY_SURFACE_AREA),
        ("PT", {"Units": "PROPCPS"}, Quantity.UNCALIBRATED),
        ("PT", {}, Quantity.UNCALIBRATED),
        ("CT", {"RescaleType": "HU"}, Quantity.CT_NUMBER),
        ("CT", {"RescaleType": "US"}, Quantity.CT_NUMBER),
        ("CT", {"RescaleType": "ED"}, Quantity.UNCALIBRATED),
        ("MR", {}, Quantity.MR_SIGNAL),
    ],
)
def test_read_images__quantity_is_what_the_header_says(
    make_slices, make_series, modality, attributes, quantity
):
    (volume,) = read_images(make_series(make_slices(modality, [0, 3], **attributes)))
    assert volume.image.quantity is quantity
    assert volume.label == "whole series"
    if quantity is Quantity.UNCALIBRATED or attributes.get("RescaleType") == "US":
        assert volume.notes


def test_read_images__a_diffusion_map_needs_a_stated_unit(make_slices, make_series):
    adc = {"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}
    (volume,) = read_images(make_series(make_slices("MR", [0, 3], **adc)))
    assert volume.image.quantity is Quantity.MR_SIGNAL
    assert "does not state" in volume.notes[-1]
    stated = make_slices("MR", [0, 3], RescaleSlope=1, RescaleIntercept=0, RescaleType="10^-6 mm^2/s", **adc)
    (volume,) = read_images(make_series(stated))
    assert volume.image.quantity is Quantity.APPARENT_DIFFUSION
    np.testing.assert_allclose(volume.image.values[1, 2], 102e-6, rtol=1e-6)
    mapped = make_slices("MR", [0, 3], **adc)
    for s in mapped:
        item, unit = pydicom.Dataset(), pydicom.Dataset()
        unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "um2/s", "UCUM", "um2/s"
        item.RealWorldValueSlope, item.RealWorldValueIntercept = 2.0, 0.0
        item.MeasurementUnitsCodeSequence = [unit]
        s.RealWorldValueMappingSequence = [item]
    (volume,) = read_images(make_series(mapped))
    assert volume.image.quantity is Quantity.APPARENT_DIFFUSION
    np.testing.assert_allclose(volume.image.values[1, 2], 204e-6, rtol=1e-6)


@pytest.mark.parametrize(
    ("keyword", "values", "labels"),
    [
        ("DiffusionBValue", [0.0, 800.0], ["b = 0 s/mm2", "b = 800 s/mm2"]),
        ("EchoTime", [2.3, 4.6], ["echo time = 2.3 ms", "echo time = 4.6 ms"]),
        ("TriggerTime", [0.0, 100.0], ["trigger time = 0 ms", "trigger time = 100 ms"]),
        ("AcquisitionNumber", [1, 2], ["acquisition 1", "acquisition 2"]),
        (
            "ImageType",
            [["ORIGINAL", "PRIMARY", "IN_PHASE"], ["ORIGINAL", "PRIMARY", "OUT_PHASE"]],
            ["image type ORIGINAL/PRIMARY/IN_PHASE", "image type ORIGINAL/PRIMARY/OUT_PHASE"],
        ),
    ],
)
def test_read_images__splits_what_lies_at_one_place(make_slices, make_series, keyword, values, labels):
    slices = [s for v in values for s in make_slices("MR", 3.0 * np.arange(5), **{keyword: v})]
    volumes = read_images(make_series(slices))
    assert [v.label for v in volumes] == labels
    assert all(v.image.grid.shape == (5, 4, 3) for v in volumes)
    assert all("split into 2 volumes" in v.notes[0] for v in volumes)
    with pytest.raises(InputError, match=labels[0].replace("/", "/")):
        read_image(make_series(slices))
    assert read_image(make_series(slices), label=labels[1]).grid.shape == (5, 4, 3)


@pytest.mark.parametrize(
    ("group", "creator", "element", "vr", "written"),
    [
        (0x0043, "GEMS_PARM_01", 0x39, "IS", lambda b: [1_000_000_000 + b, 8, 0, 0]),
        (0x0043, "GEMS_PARM_01", 0x39, "IS", lambda b: [b, 8, 0, 0]),
        (0x2001, "Philips Imaging DD 001", 0x03, "FL", float),
    ],
)
def test_read_images__private_b_values_split_too(
    make_slices, make_series, group, creator, element, vr, written
):
    slices = []
    for b in (0, 1000):
        for s in make_slices("MR", 3.0 * np.arange(4)):
            s.private_block(group, creator, create=True).add_new(element, vr, written(b))
            slices.append(s)
    assert [v.label for v in read_images(make_series(slices))] == ["b = 0 s/mm2", "b = 1000 s/mm2"]


def test_read_images__times_that_differ_slice_by_slice_split_nothing(make_slices, make_series):
    slices = make_slices("MR", 3.0 * np.arange(6))
    for i, s in enumerate(slices):
        s.AcquisitionTime, s.TriggerTime, s.AcquisitionNumber = f"1200{i:02}", 10.0 * i, i + 1
    assert len(read_images(make_series(slices))) == 1


def test_read_images__orientations_are_apart(make_slices, make_series):
    axial = make_slices("MR", [0, 5, 10])
    sagittal = make_slices("MR", [0, 0], ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    for x, s in zip((0.0, 8.0), sagittal, strict=True):
        s.ImagePositionPatient = [x, 0, 0]
    coronal = make_slices("MR", [7], ImageOrientationPatient=[1, 0, 0, 0, 0, -1], SpacingBetweenSlices=4)
    volumes = read_images(make_series(axial + sagittal + coronal))
    assert sorted(v.label.split()[0] for v in volumes) == ["axial", "coronal", "sagittal"]
    assert sorted(v.image.grid.shape[0] for v in volumes) == [1, 2, 3]
    assert all("differ in orientation" in v.notes[0] for v in volumes)


def test_read_images__frames_of_reference_are_apart(make_slices, make_series):
    slices = make_slices("CT", [0, 3]) + make_slices("CT", [6, 9], FrameOfReferenceUID="1.2.3")
    volumes = read_images(make_series(slices))
    assert {v.image.grid.frame_of_reference for v in volumes} == {"1.2.3", slices[0].FrameOfReferenceUID}


def test_read_images__dynamic_pet_is_one_image_with_times(make_slices, make_series):
    starts = [("20200101", "235950"), ("20200102", "000000"), ("20200102", "000030")]
    slices = []
    for (date, time), duration, reference in zip(starts, (10, 30, 60), (5, 25, 70), strict=True):
        frame = make_slices(
            "PT",
            3.0 * np.arange(4),
            Units="BQML",
            AcquisitionDate=date,
            AcquisitionTime=time,
            ActualFrameDuration=duration * 1000,
            FrameReferenceTime=reference * 1000,
        )
        slices = frame + slices
    (volume,) = read_images(make_series(slices))
    assert isinstance(volume.image, DynamicImage)
    assert volume.image.frame_start_s.tolist() == [0, 10, 40]
    assert volume.image.frame_duration_s.tolist() == [10, 30, 60]
    assert volume.image.values.shape == (3, 4, 4, 3)
    with pytest.raises(InputError, match="3 frames"):
        read_image(make_series(slices))


def test_read_images__dynamic_frames_without_acquisition_time_use_reference_time(make_slices, make_series):
    slices = [
        s
        for k in range(3)
        for s in make_slices(
            "PT", [0, 3], Units="BQML", ActualFrameDuration=10000, FrameReferenceTime=10000 * k + 5000
        )
    ]
    (volume,) = read_images(make_series(slices))
    assert volume.image.frame_start_s.tolist() == [0, 10, 20]
    assert any("frame reference times" in n for n in volume.notes)


def test_read_images__exact_duplicates_are_dropped_and_said(make_slices, make_series):
    slices = make_slices("CT", 3.0 * np.arange(5))
    copy = make_slices("CT", 3.0 * np.arange(5))[2]
    (volume,) = read_images(make_series([*slices, copy]))
    assert volume.image.grid.shape[0] == 5
    assert "1 slices repeat" in volume.notes[0]


def test_read_images__different_pixels_at_one_place_are_refused(make_slices, make_series):
    slices = make_slices("CT", 3.0 * np.arange(5))
    other = make_slices("CT", 3.0 * np.arange(5))[2]
    other.PixelData = bytes(len(other.PixelData))
    with pytest.raises(GeometryError, match="at one place with different pixels") as error:
        read_images(make_series([*slices, other]))
    assert str(error.value).count(".dcm") == 2


def test_read_images__a_tilted_gantry_is_refused_or_resampled(make_slices, make_series):
    slices = make_slices("CT", 3.0 * np.arange(6))
    for k, s in enumerate(slices):
        s.ImagePositionPatient = [10.0, -20.0 + 0.5 * k, 3.0 * k]
    with pytest.raises(GeometryError, match=r"sheared volume \(gantry tilt, about 9\.5 degrees\).*RESAMPLE"):
        read_images(make_series(slices))
    (volume,) = read_images(make_series(slices), gantry_tilt=GantryTilt.RESAMPLE)
    assert volume.image.grid.shape == (6, 6, 3)
    assert volume.image.values.dtype == np.int16
    assert any("linear interpolation" in n for n in volume.notes)
    assert any("linear interpolation" in n for n in volume.image.provenance.parameters["notes"])


@pytest.mark.parametrize("slope", ["0", "nan"])
def test_read_images__a_slope_without_sense_names_its_file(make_slices, make_series, slope):
    slices = make_slices("PT", range(4), Units="BQML")
    series = make_series(slices)
    bad = replace(series.headers[2], rescale_slope=float(slope))
    series = replace(series, headers=(*series.headers[:2], bad, *series.headers[3:]))
    with pytest.raises(InputError, match=rf"rescale slope.*{slope}.*{bad.path.name}"):
        read_images(series)


@pytest.mark.parametrize("keyword", ["RescaleSlope", "RescaleIntercept"])
def test_read_images__ct_without_rescale_is_refused(make_slices, make_series, keyword):
    slices = make_slices("CT", range(4), **{keyword: None})
    with pytest.raises(MissingAttribute, match=keyword):
        read_images(make_series(slices))


def test_read_images__a_missing_frame_of_reference_is_never_guessed(make_slices, make_series):
    series = make_series(make_slices("MR", range(4), FrameOfReferenceUID=None))
    with pytest.raises(MissingAttribute, match="frame_of_reference='<UID>'"):
        read_images(series)
    (volume,) = read_images(series, frame_of_reference="1.2.3.4")
    assert volume.image.grid.frame_of_reference == "1.2.3.4"


def test_read_images__a_screenshot_is_no_volume(make_dataset, make_series):
    colour = make_dataset("CT", np.zeros((4, 3), np.uint8), ImagePositionPatient=[0, 0, 0], SliceThickness=1)
    colour.SamplesPerPixel, colour.PhotometricInterpretation, colour.PlanarConfiguration = 3, "RGB", 0
    with pytest.raises(InputError, match="SamplesPerPixel"):
        read_images(make_series([colour]))
    flat = make_dataset("CT", np.zeros((4, 3), np.uint8))
    with pytest.raises(MissingAttribute, match="ImagePositionPatient"):
        read_images(make_series([flat]))


def test_read_images__pixels_shorter_than_stated_are_refused(make_slices, make_series):
    slices = make_slices("CT", range(3))
    slices[1].PixelData = slices[1].PixelData[:-6]
    with pytest.raises(UnreadableFile, match=r"must hold 24 bytes.*got 18"):
        read_images(make_series(slices))


def test_read_images__structures_are_sent_elsewhere(make_dataset, make_series):
    with pytest.raises(InputError, match="read_structures"):
        read_images(make_series([make_dataset("RTSTRUCT")]))


def test_read_images__compressed_slices_equal_uncompressed(make_slices, make_series):
    plain = read_image(make_series(make_slices("CT", 3.0 * np.arange(3))))
    compressed = make_slices("CT", 3.0 * np.arange(3))
    for s in compressed:
        s.compress(pydicom.uid.RLELossless)
    image = read_image(make_series(compressed))
    assert (image.values == plain.values).all()
    mixed = make_series([*compressed[:2], make_slices("CT", 3.0 * np.arange(3))[2]])
    assert (read_image(mixed).values == plain.values).all()


def test_read_images__a_plain_series_is_parsed_by_its_headers_alone(make_slices, make_series, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a plain series must not be parsed again")

    monkeypatch.setattr("tumorboard.io.dicom.series_frames.read_datasets", refuse)
    monkeypatch.setattr("tumorboard.io.dicom.stored_values.decode_pixels", refuse)
    for modality in ("CT", "MR", "PT"):
        assert read_images(make_series(make_slices(modality, range(4))))


IMAGES = {
    "lung_ct_rtstruct": (1, Quantity.CT_NUMBER),
    "sarcoma_pet": (1, Quantity.ACTIVITY_CONCENTRATION),
    "sarcoma_pet_ct_mr": (3, None),
    "prostate_mri": (9, Quantity.MR_SIGNAL),
    "lu177_spect": (2, Quantity.ACTIVITY_CONCENTRATION),
    "suv_reference": (9, None),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", IMAGES)
def test_read_images__equals_simpleitk_on_real_data(unpacked_data, name):
    sitk = pytest.importorskip("SimpleITK")
    n_volumes, quantity = IMAGES[name]
    series = scan(unpacked_data(name)).by_modality("CT", "MR", "PT")
    volumes = [v for s in series for v in read_images(s, jobs=2)]
    assert len(volumes) == n_volumes
    for volume in volumes:
        image = volume.image
        assert quantity in (None, image.quantity)
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames([str(h.path) for h in volume.headers])
        peer = reader.Execute()
        theirs = sitk.GetArrayFromImage(peer)
        assert image.values.shape == theirs.shape
        np.testing.assert_allclose(image.values, theirs, rtol=3e-7, atol=1e-6)
        # SimpleITK indexes (x, y, z); its spacing is that of the first two slices, ours of the whole stack.
        index = [[0, 0, 0], np.array(image.grid.shape) - 1]
        points = [peer.TransformContinuousIndexToPhysicalPoint([float(c) for c in i[::-1]]) for i in index]
        np.testing.assert_allclose(image.grid.index_to_patient(index), points, atol=1e-3)
