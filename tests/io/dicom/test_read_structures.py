"""RT structures: names, kinds, frames of reference, and contours that bound no area."""

import numpy as np
import pydicom
import pydicom.config
import pytest

from tumorboard.core.structures import StructureKind
from tumorboard.errors import GeometryError, InputError, MissingAttribute, UnreadableFile
from tumorboard.io.dicom.read_structures import read_structures
from tumorboard.io.dicom.scan import scan

FRAME = "1.2.826.0.1.3680043.10.1"
SQUARE = [0.0, 0.0, 5.0, 10.0, 0.0, 5.0, 10.0, 10.0, 5.0, 0.0, 10.0, 5.0]


def item(**attributes):
    dataset = pydicom.Dataset()
    for keyword, value in attributes.items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


def contour(points, kind="CLOSED_PLANAR"):
    return item(ContourGeometricType=kind, NumberOfContourPoints=len(points) // 3, ContourData=points)


@pytest.fixture
def make_structures(make_dataset, make_series):
    """Return a function of regions ``(name, frame, contours, kind)`` that writes them as one RTSTRUCT."""

    def make(*regions, file_frame=FRAME, **attributes):
        references = item(
            FrameOfReferenceUID=file_frame,
            RTReferencedStudySequence=[item(RTReferencedSeriesSequence=[item(SeriesInstanceUID="1.2.5")])],
        )
        roi, contours, observations = [], [], []
        for number, (name, frame, outlines, kind) in enumerate(regions, start=3):
            roi.append(item(ROINumber=number, ROIName=name, ReferencedFrameOfReferenceUID=frame))
            entry = item(ReferencedROINumber=number, ROIDisplayColor=[255, number, 0])
            if outlines is not None:
                entry.ContourSequence = outlines
            contours.append(entry)
            observations.append(item(ReferencedROINumber=number, RTROIInterpretedType=kind))
        usual = {
            "StructureSetLabel": "plan 1",
            "FrameOfReferenceUID": None,
            "ReferencedFrameOfReferenceSequence": [references] if file_frame else None,
            "StructureSetROISequence": roi,
            # Contours come in another order than regions: only the number joins them.
            "ROIContourSequence": contours[::-1],
            "RTROIObservationsSequence": observations,
        }
        return make_series([make_dataset("RTSTRUCT", **usual | attributes)])

    return make


def test_read_structures__what_the_file_says(make_structures):
    series = make_structures(
        ("GTV", FRAME, [contour(SQUARE)], "GTV"),
        ("cord", FRAME, [contour(SQUARE), contour([c + 1 for c in SQUARE])], "AVOIDANCE"),
        ("odd", FRAME, [contour(SQUARE)], "CAVITY"),
    )
    structures = read_structures(series, frames_of_reference=[FRAME, "9.9"])
    assert structures.names == ("GTV", "cord", "odd")
    assert [s.kind for s in structures.structures] == [
        StructureKind.GTV,
        StructureKind.AVOIDANCE,
        StructureKind.UNSTATED,
    ]
    assert [s.colour_rgb for s in structures.structures] == [(255, 3, 0), (255, 4, 0), (255, 5, 0)]
    assert [len(s.contours) for s in structures.structures] == [1, 2, 1]
    np.testing.assert_array_equal(structures["GTV"].contours[0].points_mm, np.reshape(SQUARE, (4, 3)))
    assert (structures.label, structures.frame_of_reference) == ("plan 1", FRAME)
    assert structures.referenced_series == "1.2.5"
    assert structures.provenance.parameters["notes"] == []


def test_read_structures__repeated_and_absent_names_are_numbered(make_structures):
    regions = [(name, FRAME, [contour(SQUARE)], "") for name in ("GTV", "GTV", "", "GTV (2)")]
    structures = read_structures(make_structures(*regions), frames_of_reference=None)
    assert structures.names == ("GTV", "GTV (2)", "ROI 5", "GTV (2) (2)")


def test_read_structures__regions_without_contours_are_listed_as_empty(make_structures):
    series = make_structures(
        ("full", FRAME, [contour(SQUARE)], ""), ("bare", FRAME, None, ""), ("none", FRAME, [], "")
    )
    structures = read_structures(series, frames_of_reference=None)
    assert structures.names == ("full",)
    assert structures.empty_names == ("bare", "none")


def test_read_structures__what_bounds_no_area_is_left_out_and_counted(make_structures):
    line = [0.0, 0.0, 5.0, 5.0, 5.0, 5.0, 10.0, 10.0, 5.0]
    bent = [*SQUARE[:-1], 9.0]
    series = make_structures(
        (
            "GTV",
            FRAME,
            [
                contour(SQUARE + SQUARE[:3]),
                contour(line),
                contour([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
                contour([1.0, 2.0, 3.0], "POINT"),
                contour(SQUARE, "OPEN_PLANAR"),
                contour(SQUARE),
                contour(bent, "CLOSEDPLANAR_XOR"),
            ],
            "GTV",
        ),
        ("marker", FRAME, [contour([1.0, 2.0, 3.0], "POINT")], "MARKER"),
    )
    structures = read_structures(series, frames_of_reference=None)
    assert [len(c.points_mm) for c in structures["GTV"].contours] == [4, 4]
    assert structures.empty_names == ("marker",)
    notes = " | ".join(structures.provenance.parameters["notes"])
    for said in (
        "repeat their first point",
        "without area",
        "fewer than three",
        "POINT left out",
        "OPEN_PLANAR left out",
        "repeat another",
        "not planar",
        "marker: 1 contours of type POINT",
    ):
        assert said in notes


def test_read_structures__a_figure_of_eight_keeps_its_area(make_structures):
    eight = [0, 0, 0, 10, 10, 0, 10, 0, 0, 0, 10, 0]
    structures = read_structures(
        make_structures(("8", FRAME, [contour([float(c) for c in eight])], "")), frames_of_reference=None
    )
    assert len(structures["8"].contours) == 1


def test_read_structures__another_frame_of_reference_is_refused_naming_both(make_structures):
    series = make_structures(("GTV", FRAME, [contour(SQUARE)], ""))
    with pytest.raises(GeometryError, match=rf"at hand: 1\.2\.3, 4\.5\.6; .* is in {FRAME}"):
        read_structures(series, frames_of_reference={"1.2.3", "4.5.6"})
    with pytest.raises(GeometryError, match="at hand: none"):
        read_structures(series, frames_of_reference=())
    assert read_structures(series, frames_of_reference=None).frame_of_reference == FRAME


def test_read_structures__regions_in_several_frames_are_never_mixed(make_structures):
    series = make_structures(("a", FRAME, [contour(SQUARE)], ""), ("b", "1.9", [contour(SQUARE)], ""))
    with pytest.raises(GeometryError, match="one frame of reference"):
        read_structures(series, frames_of_reference=None)
    structures = read_structures(series, frames_of_reference=["1.9"])
    assert structures.names == ("b",)
    assert "left out" in structures.provenance.parameters["notes"][0]


def test_read_structures__the_frame_may_be_of_the_file_but_never_absent(make_structures):
    region = ("a", None, [contour(SQUARE)], "")
    assert read_structures(make_structures(region), frames_of_reference=[FRAME]).frame_of_reference == FRAME
    top = make_structures(region, file_frame=None, FrameOfReferenceUID="1.7")
    assert read_structures(top, frames_of_reference=None).frame_of_reference == "1.7"
    with pytest.raises(MissingAttribute, match="FrameOfReferenceUID"):
        read_structures(make_structures(region, file_frame=None), frames_of_reference=None)


@pytest.mark.parametrize("data", [SQUARE[:-1], [*SQUARE[:-1], "nan"]])
def test_read_structures__broken_points_name_their_region(make_structures, data):
    series = make_structures(("GTV", FRAME, [contour(SQUARE)], ""))
    dataset = pydicom.dcmread(series.paths[0])
    text = "\\".join(str(c) for c in data).encode()
    outline = dataset.ROIContourSequence[0].ContourSequence[0]
    outline[0x30060050]._value = text.decode().split("\\")
    with pydicom.config.disable_value_validation():
        dataset.save_as(series.paths[0])
    with pytest.raises(GeometryError, match=r"ContourData .*'GTV'"):
        read_structures(series, frames_of_reference=None)


def test_read_structures__a_file_cut_short_is_unreadable(make_structures):
    series = make_structures(("GTV", FRAME, [contour(SQUARE * 20)], ""))
    path = series.paths[0]
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UnreadableFile, match=path.name):
        read_structures(series, frames_of_reference=None)


def test_read_structures__one_file_at_a_time(make_structures, make_slices, make_series, make_dataset):
    with pytest.raises(InputError, match="one file at a time"):
        read_structures(make_series([make_dataset("RTSTRUCT")] * 2), frames_of_reference=None)
    with pytest.raises(InputError, match="read_images"):
        read_structures(make_series(make_slices("CT", [0, 3])), frames_of_reference=None)


EXPECTED = {
    # Region, number of contours and of points: ROI Contour Sequence of the files, counted with pydicom.
    "lung_ct_rtstruct": {("GTV-1", 21), ("Spinal-Cord", 84), ("Lung-Left", 139), ("Lung-Right", 114)},
    "sarcoma_pet": {("GTV_Mass", 32), ("GTV_Edema", 43)},
    "sarcoma_pet_ct_mr": {("GTV_Mass_CT", 32), ("GTV_Mass_PET", 32), ("GTV_Mass_MR_T1", 32)},
    "lu177_spect": {
        ("lesion1 liver R lobe", 35),
        ("lesion2 liver L lateral", 10),
        ("lesion1 liver R lobe", 39),
        ("lesion2 liver L lateral", 13),
    },
    "suv_reference": {("region_1", 16)},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_read_structures__real_structures_lie_on_real_images(unpacked_data, name):
    study = scan(unpacked_data(name))
    frames = {s.headers[0].frame_of_reference_uid for s in study.by_modality("CT", "PT", "MR")}
    found = set()
    for series in study.by_modality("RTSTRUCT"):
        structures = read_structures(series, frames_of_reference=frames)
        found |= {(s.name, len(s.contours)) for s in structures.structures}
        assert not structures.empty_names
        assert not structures.provenance.parameters["notes"]
        dataset = pydicom.dcmread(series.paths[0])
        by_number = {int(r.ReferencedROINumber): r for r in dataset.ROIContourSequence}
        for region, structure in zip(dataset.StructureSetROISequence, structures.structures, strict=True):
            theirs = by_number[int(region.ROINumber)].ContourSequence
            for outline, read in zip(theirs, structure.contours, strict=True):
                np.testing.assert_array_equal(np.reshape(outline.ContourData, (-1, 3)), read.points_mm)
    assert found == EXPECTED[name]
