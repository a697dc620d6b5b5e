"""Lesions drawn on one scan only, carried to the other one."""

from dataclasses import replace

import numpy as np
import pytest

from tumorboard.core import Grid, Image, Quantity, Structure, StructureSet
from tumorboard.errors import InputError
from tumorboard.io.dicom import read_image, read_pet_acquisition, read_structures
from tumorboard.io.dicom import scan as scan_folder
from tumorboard.provenance import Record
from tumorboard.workflows.progress import silent
from tumorboard.workflows.radioligand.config import ContourSource, RadioligandConfig
from tumorboard.workflows.radioligand.contours import carried_scans, compared_contours, contour_source
from tumorboard.workflows.radioligand.run import run
from tumorboard.workflows.radioligand.time_course import ActivityScan, activities_bq
from tumorboard.workflows.radioligand.words import contour_notes

MADE = Record("test.made")
MOVED_MM = np.array([12.0, -8.0, 5.0])
RIGID = RadioligandConfig(contours=ContourSource.PROPAGATED_RIGID, unseen_registration_error_mm=1.0)


def without_lesions(scan):
    nothing = StructureSet((), scan.image.grid.frame_of_reference, MADE)
    return replace(scan, lesions=nothing)


def shifted(scan):
    """The patient lay elsewhere: all that is in the scan, and drawn on it, has moved."""
    old = scan.image.grid
    grid = Grid(
        old.shape,
        old.spacing_mm,
        old.origin_mm + MOVED_MM,
        old.direction,
        frame_of_reference=old.frame_of_reference,
    )
    lesions = StructureSet(
        tuple(
            Structure(one.name, mask=Image(one.mask.values, grid, Quantity.LABEL, MADE))
            for one in scan.lesions.structures
        ),
        old.frame_of_reference,
        MADE,
    )
    return replace(scan, image=Image(scan.image.values, grid, scan.image.quantity, MADE), lesions=lesions)


@pytest.fixture(scope="module")
def scans(make_scan):
    return make_scan(4), shifted(make_scan(28))


def test_contour_source__is_what_is_drawn(scans):
    first, last = scans
    assert contour_source(scans) is ContourSource.EACH_SCAN
    assert contour_source([without_lesions(first), last]) is ContourSource.PROPAGATED_RIGID
    assert contour_source([without_lesions(one) for one in scans]) is None


@pytest.mark.parametrize("drawn", [0, 1])
def test_carried_scans__finds_the_activity_of_the_contour_that_was_not_drawn(scans, drawn):
    some = [scan if k == drawn else without_lesions(scan) for k, scan in enumerate(scans)]
    carried, added, report = carried_scans(RIGID, some, silent)
    np.testing.assert_allclose(activities_bq(carried, "lesion"), activities_bq(scans, "lesion"), rtol=0.02)
    assert added["lesion"][drawn] == 0.0
    assert 0.0 < added["lesion"][1 - drawn] < 0.1
    (one,) = report.lesions
    assert report.used
    assert one.own_activity_bq is None
    assert one.error_mm >= 1.0
    (note,) = contour_notes(report)
    assert "carried to the other scans by rigid registration" in note
    assert "1 mm are assumed" in note


def test_compared_contours__stands_beside_those_drawn(scans):
    report = compared_contours(RadioligandConfig(), scans, ["lesion"], silent)
    (one,) = report.lesions
    assert not report.used
    assert one.own_activity_bq == pytest.approx(activities_bq(scans, "lesion")[0], rel=1e-9)
    assert one.activity_bq == pytest.approx(one.own_activity_bq, rel=0.02)
    assert one.centre_distance_mm < 1.0
    assert one.dice > 0.95
    (note,) = contour_notes(report)
    assert "For comparison only" in note
    assert "Dice" in note


def test_compared_contours__says_why_a_scan_cannot_be_compared(scans):
    first, last = scans
    thin = replace(first, image=first.image.crop((14, 0, 0), (17, 32, 32)))
    report = compared_contours(RadioligandConfig(), [thin, last], ["lesion"], silent)
    assert report.lesions == ()
    assert "4 voxels" in contour_notes(report)[0]
    assert contour_notes(None) == ()


@pytest.mark.slow
def test_carried_scans__deformably_says_so(scans):
    config = replace(RIGID, contours=ContourSource.PROPAGATED_DEFORMABLE)
    carried, _, report = carried_scans(config, [without_lesions(scans[0]), scans[1]], silent)
    assert "deformable" in contour_notes(report)[0]
    # Demons take activity that has changed for tissue that has moved: 6 % here, where rigidly it is 1 %.
    assert activities_bq(carried, "lesion")[0] == pytest.approx(activities_bq(scans, "lesion")[0], rel=0.1)


@pytest.mark.slow
def test_compared_contours__of_a_patient_are_near_those_drawn(unpacked_data):
    """Centres lie 35 and 31 mm apart before; validation/registration has the figures."""
    found = []
    for day in ("day0", "day1"):
        image = structures = acquisition = None
        for series in scan_folder(unpacked_data("lu177_spect") / day).series:
            if series.modality == "RTSTRUCT":
                structures = read_structures(series, frames_of_reference=None)
            else:
                image, acquisition = read_image(series), read_pet_acquisition(series)
        found.append(ActivityScan(day, image, acquisition, structures))
    names = found[0].lesions.names
    large, small = compared_contours(RadioligandConfig(), found, names, silent).lesions
    assert large.dice > 0.93
    assert small.dice > 0.73
    for one in (large, small):
        assert one.centre_distance_mm < one.error_mm
        away = abs(one.activity_bq / one.own_activity_bq - 1.0)
        assert away < one.added_relative_uncertainty
    assert small.added_relative_uncertainty > 3 * large.added_relative_uncertainty


@pytest.mark.slow
def test_run__uncertainty_of_a_carried_lesion_is_larger_and_its_dose_is_as_drawn(scans):
    quick = RadioligandConfig(margin_mm=24.0, histories=60_000, kernel_histories=4000)
    drawn = run(quick, scans, ct=None)
    some = [without_lesions(scans[0]), scans[1]]
    with pytest.raises(InputError, match="PROPAGATED_RIGID"):
        run(quick, some, ct=None)
    carried = run(replace(quick, contours=ContourSource.PROPAGATED_RIGID), some, ct=None)
    (own,), (moved,) = drawn.lesions, carried.lesions
    assert moved.histograms["kernel"].mean_gy == pytest.approx(own.histograms["kernel"].mean_gy, rel=0.05)
    assert moved.course.decays_relative_uncertainty > own.course.decays_relative_uncertainty
    assert drawn.contours is not None
    assert not drawn.contours.used
    assert carried.contours.used
    assert carried.provenance.parameters["contours"] == "propagated_rigid"
    assert not any("No scan was moved" in note for note in carried.notes)


def test_config__refuses_what_is_no_source_and_no_length():
    with pytest.raises(InputError, match=r"ContourSource\.PROPAGATED_RIGID"):
        RadioligandConfig(contours="rigid")
    with pytest.raises(InputError, match="unseen_registration_error_mm"):
        RadioligandConfig(unseen_registration_error_mm=-1.0)
