"""Segmentations: every voxel inside where the file says, however sparse its frames."""

import numpy as np
import pydicom
import pydicom.data
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tumorboard.core.image import Quantity
from tumorboard.core.structures import StructureKind
from tumorboard.errors import GeometryError, InputError, MissingAttribute, UnreadableFile
from tumorboard.io.dicom.read_structures import read_structures

SPACING_MM = 2.5


def item(**attributes):
    dataset = pydicom.Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def code(value):
    return [item(CodeValue=value, CodingSchemeDesignator="SCT", CodeMeaning="meaning")]


@pytest.fixture
def make_segmentation(make_dataset):
    """Return a function of frames ``(segment, z_index, plane)`` that makes a SEG without using a library."""

    def make(frames, *, kind="BINARY", labels=("one", "two"), measures=None, **attributes):
        planes = np.array([plane for _, _, plane in frames])
        stored = planes.astype(np.uint8)
        dataset = make_dataset("SEG", stored, PixelSpacing=None, ImageOrientationPatient=None, **attributes)
        dataset.NumberOfFrames = len(frames)
        if kind == "BINARY":
            dataset.BitsAllocated = dataset.BitsStored = 1
            dataset.HighBit = 0
            packed = np.packbits(planes.ravel().astype(bool), bitorder="little").tobytes()
            dataset.PixelData = packed + bytes(len(packed) % 2)
        else:
            dataset.PixelData = stored.tobytes() + bytes(stored.size % 2)
        dataset.SegmentationType = kind
        if kind == "FRACTIONAL":
            dataset.MaximumFractionalValue, dataset.SegmentationFractionalType = 200, "OCCUPANCY"
        dataset.ContentLabel = "LABEL"
        dataset.ReferencedSeriesSequence = [item(SeriesInstanceUID="1.2.5")]
        dataset.SegmentSequence = [
            item(
                SegmentNumber=n,
                SegmentLabel=label,
                SegmentedPropertyCategoryCodeSequence=code("49755003"),
                SegmentedPropertyTypeCodeSequence=code("4147007"),
            )
            for n, label in enumerate(labels, start=1)
        ]
        measures = measures or item(
            PixelSpacing=[2.0, 1.5], SliceThickness=SPACING_MM, SpacingBetweenSlices=SPACING_MM
        )
        dataset.SharedFunctionalGroupsSequence = [
            item(
                PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
                PixelMeasuresSequence=[measures],
            )
        ]
        dataset.PerFrameFunctionalGroupsSequence = [
            item(
                PlanePositionSequence=[item(ImagePositionPatient=[10.0, 20.0, SPACING_MM * z])],
                **(
                    {}
                    if segment is None
                    else {"SegmentIdentificationSequence": [item(ReferencedSegmentNumber=segment)]}
                ),
            )
            for segment, z, _ in frames
        ]
        return dataset

    return make


def full_mask(structure, shape):
    """Put a cropped mask back into a stack whose first slice is at z = 0."""
    image = structure.mask
    start = np.rint((image.grid.origin_mm - [10.0, 20.0, 0.0]) / [1.5, 2.0, SPACING_MM]).astype(int)[::-1]
    full = np.zeros(shape, image.values.dtype)
    full[tuple(slice(a, a + n) for a, n in zip(start, image.values.shape, strict=True))] = image.values
    return full


def frames_of(masks, seed):
    """All non-empty planes of all segments, in random order."""
    frames = [(s, z, m[z]) for s, m in enumerate(masks, start=1) for z in range(len(m)) if m[z].any()]
    return [frames[i] for i in np.random.default_rng(seed).permutation(len(frames))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(2, 7), columns=st.integers(2, 7))
def test_read_structures__binary_segments_are_put_where_their_frames_are(
    make_segmentation, make_series, seed, rows, columns
):
    random = np.random.default_rng(seed)
    # Sizes that are no multiple of eight: frames then begin in the middle of a byte.
    masks = (random.random((2, 9, rows, columns)) < 0.3) & (random.random((2, 9, 1, 1)) < 0.5)
    masks[:, 4, 1, 1] = True
    structures = read_structures(
        make_series([make_segmentation(frames_of(masks, seed))]), frames_of_reference=None
    )
    assert structures.names == ("one", "two")
    for structure, mask in zip(structures.structures, masks, strict=True):
        assert structure.mask.quantity is Quantity.LABEL
        assert structure.mask.grid.spacing_mm.tolist() == pytest.approx([SPACING_MM, 2.0, 1.5])
        assert (full_mask(structure, mask.shape) == mask).all()
        # Cropped to the segment: every face of the box touches it.
        values = structure.mask.values
        for axis in range(3):
            assert values.take(0, axis).any()
            assert values.take(-1, axis).any()


def test_read_structures__fractions_are_of_the_largest_value(make_segmentation, make_series):
    planes = np.zeros((3, 4, 5), np.uint8)
    planes[:, 1:3, 1:4] = [[[50]], [[200]], [[1]]]
    dataset = make_segmentation([(1, z, p) for z, p in enumerate(planes)], kind="FRACTIONAL", labels=("one",))
    mask = read_structures(make_series([dataset]), frames_of_reference=None)["one"].mask
    assert mask.quantity is Quantity.FRACTION
    np.testing.assert_allclose(mask.values[:, 0, 0], [0.25, 1.0, 0.005])
    del dataset.MaximumFractionalValue
    with pytest.raises(MissingAttribute, match="MaximumFractionalValue"):
        read_structures(make_series([dataset]), frames_of_reference=None)


def test_read_structures__a_label_map_gives_each_segment_its_voxels(make_segmentation, make_series):
    labels = np.random.default_rng(2).integers(0, 3, (4, 6, 5)).astype(np.uint8)
    dataset = make_segmentation([(None, z, p) for z, p in enumerate(labels)], kind="LABELMAP")
    structures = read_structures(make_series([dataset]), frames_of_reference=None)
    for number, structure in enumerate(structures.structures, start=1):
        assert (full_mask(structure, labels.shape) == (labels == number)).all()


def test_read_structures__what_a_segment_is(make_segmentation, make_series):
    plane = np.eye(4, dtype=bool)
    dataset = make_segmentation([(1, 0, plane)], labels=("lesion", "lesion", "empty"))
    dataset.PerFrameFunctionalGroupsSequence[0].SegmentIdentificationSequence[0].ReferencedSegmentNumber = 2
    structures = read_structures(make_series([dataset]), frames_of_reference=None)
    assert structures.names == ("lesion (2)",)
    assert structures.empty_names == ("lesion", "empty")
    assert structures.structures[0].kind is StructureKind.GTV
    assert structures.referenced_series == "1.2.5"
    assert structures.label == "LABEL"


def test_read_structures__colours_come_back_from_cielab(make_segmentation, make_series):
    hd = pytest.importorskip("highdicom")
    dataset = make_segmentation([(1, 0, np.eye(4, dtype=bool))], labels=("one",))
    for rgb in ((255, 0, 0), (12, 200, 99), (0, 0, 0), (255, 255, 255)):
        lab = hd.color.CIELabColor.from_rgb(*rgb)
        dataset.SegmentSequence[0].RecommendedDisplayCIELabValue = list(lab.value)
        structure = read_structures(make_series([dataset]), frames_of_reference=None).structures[0]
        np.testing.assert_allclose(structure.colour_rgb, rgb, atol=3)


def test_read_structures__a_single_slice_takes_its_thickness(make_segmentation, make_series):
    measures = item(PixelSpacing=[2.0, 1.5], SliceThickness=4.0)
    dataset = make_segmentation([(1, 0, np.eye(4, dtype=bool))], labels=("one",), measures=measures)
    mask = read_structures(make_series([dataset]), frames_of_reference=None)["one"].mask
    assert mask.grid.spacing_mm[0] == 4
    del measures.SliceThickness
    with pytest.raises(MissingAttribute, match="SliceThickness"):
        read_structures(make_series([dataset]), frames_of_reference=None)


def test_read_structures__segments_in_another_frame_are_refused(make_segmentation, make_series):
    dataset = make_segmentation([(1, 0, np.eye(4, dtype=bool))], labels=("one",))
    with pytest.raises(GeometryError, match=r"at hand: 1\.9;"):
        read_structures(make_series([dataset]), frames_of_reference=["1.9"])
    del dataset.FrameOfReferenceUID
    with pytest.raises(MissingAttribute, match="FrameOfReferenceUID"):
        read_structures(make_series([dataset]), frames_of_reference=None)


def test_read_structures__frames_on_no_regular_grid_are_refused(make_segmentation, make_series):
    plane = np.eye(4, dtype=bool)
    dataset = make_segmentation([(1, 0, plane), (1, 1, plane), (1, 2.4, plane)])
    with pytest.raises(GeometryError, match="whole multiples"):
        read_structures(make_series([dataset]), frames_of_reference=None)


def test_read_structures__pixels_shorter_than_stated_are_refused(make_segmentation, make_series):
    dataset = make_segmentation([(1, z, np.eye(8, dtype=bool)) for z in range(4)])
    dataset.PixelData = dataset.PixelData[:-2]
    with pytest.raises(UnreadableFile, match="must hold 32 bytes"):
        read_structures(make_series([dataset]), frames_of_reference=None)


def test_read_structures__an_unknown_type_is_refused(make_segmentation, make_series):
    dataset = make_segmentation([(1, 0, np.eye(4, dtype=bool))])
    dataset.SegmentationType = "SURFACE"
    with pytest.raises(InputError, match="SegmentationType"):
        read_structures(make_series([dataset]), frames_of_reference=None)


def test_read_structures__an_example_of_a_liver_equals_highdicom(make_series):
    hd = pytest.importorskip("highdicom")
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("liver_1frame.dcm", download=False))
    if "SpacingBetweenSlices" not in dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]:
        dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices = 1.0
    series = make_series([dataset])
    structures = read_structures(series, frames_of_reference=None)
    (structure,) = structures.structures
    theirs = hd.seg.segread(series.paths[0])
    assert structure.name == theirs.get_segment_description(1).segment_label
    assert structure.mask.values.sum() == theirs.pixel_array.sum()
