"""RT Dose in both forms of its offsets, in any orientation, scaled to Gy."""

import numpy as np
import pydicom
import pydicom.data
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tumorboard.core.image import Quantity
from tumorboard.errors import GeometryError, InputError, MissingAttribute
from tumorboard.io.dicom.read_image import read_image, read_images

STORED = np.arange(3 * 4 * 5, dtype=np.uint32).reshape(3, 4, 5) * 1000


@pytest.fixture
def make_dose(make_dataset, make_series):
    def make(offsets, **attributes):
        usual = {
            "ImagePositionPatient": [1.0, 2.0, -30.0],
            "DoseUnits": "GY",
            "DoseType": "PHYSICAL",
            "DoseSummationType": "PLAN",
            "DoseGridScaling": "0.0002",
            "FrameIncrementPointer": 0x3004000C,
            "GridFrameOffsetVector": None if offsets is None else [float(o) for o in offsets],
        }
        return make_series([make_dataset("RTDOSE", STORED, **usual | attributes)])

    return make


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10, deadline=None)
@given(step=st.sampled_from([0.5, 2.0, 3.75]), sign=st.sampled_from([1, -1]))
def test_read_image__relative_and_absolute_offsets_are_one_dose(make_dose, step, sign):
    offsets = sign * step * np.arange(3)
    relative = read_image(make_dose(offsets))
    absolute = read_image(make_dose(-30.0 + offsets))
    np.testing.assert_allclose(relative.grid.affine, absolute.grid.affine, atol=1e-9)
    assert (relative.values == absolute.values).all()
    np.testing.assert_allclose(relative.values, 0.0002 * STORED[::sign], rtol=3e-7)
    assert relative.grid.origin_mm[2] == pytest.approx(-30 + min(offsets))
    assert relative.quantity is Quantity.DOSE
    assert relative.values.dtype == np.float32


def test_read_image__relative_offsets_follow_the_normal(make_dose):
    dose = read_image(make_dose([0, 3, 6], ImageOrientationPatient=[0, 1, 0, 0, 0, -1]))
    # Sagittal, row along +y, column along -z: the normal is -x.
    np.testing.assert_allclose(dose.grid.index_to_patient([2, 0, 0]), [1 - 6, 2, -30], atol=1e-9)


def test_read_images__a_dose_says_what_it_is_of(make_dose):
    (volume,) = read_images(make_dose([0, 3, 6]))
    assert "dose type: PHYSICAL" in volume.notes
    assert "dose summation: PLAN" in volume.notes
    assert "dose summation: PLAN" in volume.image.provenance.parameters["notes"]
    assert len(volume.headers) == 3


def test_read_image__offsets_that_are_neither_form_are_refused(make_dose):
    with pytest.raises(GeometryError, match=r"start with 0, or .* -30 mm; got 5 mm"):
        read_image(make_dose([5, 8, 11]))
    with pytest.raises(GeometryError, match="evenly spaced"):
        read_image(make_dose([0, 3, 7.3]))
    with pytest.raises(MissingAttribute, match="GridFrameOffsetVector"):
        read_image(make_dose(None))
    with pytest.raises(MissingAttribute, match="must give 3 offsets"):
        read_image(make_dose([0, 3]))


def test_read_image__a_dose_must_be_in_gray(make_dose):
    with pytest.raises(InputError, match="DoseUnits"):
        read_image(make_dose([0, 3, 6], DoseUnits="RELATIVE"))
    with pytest.raises(MissingAttribute, match="DoseGridScaling"):
        read_image(make_dose([0, 3, 6], DoseGridScaling=None))


def test_read_images__one_file_per_plane_is_one_dose(make_dataset, make_series):
    planes = [
        make_dataset(
            "RTDOSE",
            STORED[k],
            ImagePositionPatient=[0.0, 0.0, 3.0 * k],
            DoseUnits="GY",
            DoseGridScaling="0.5",
        )
        for k in (2, 0, 1)
    ]
    np.testing.assert_allclose(read_image(make_series(planes)).values, STORED * 0.5)


def test_read_images__several_doses_of_one_series_stay_apart(make_dataset, make_series):
    doses = [
        make_dataset(
            "RTDOSE",
            STORED,
            ImagePositionPatient=[0.0, 0.0, 0.0],
            DoseUnits="GY",
            DoseGridScaling="0.5",
            DoseSummationType=summation,
            GridFrameOffsetVector=[0.0, 3.0, 6.0],
        )
        for summation in ("PLAN", "BEAM")
    ]
    labels = [v.label for v in read_images(make_series(doses))]
    assert labels[0].startswith("plan in ")
    assert labels[1].startswith("beam in ")


def test_read_image__equals_pydicom_and_simpleitk_on_an_example(make_series):
    sitk = pytest.importorskip("SimpleITK")
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("rtdose.dcm", download=False))
    dataset.DoseUnits = "GY"  # pydicom's example is relative
    series = make_series([dataset])
    dose = read_image(series)
    np.testing.assert_allclose(dose.values, dataset.pixel_array * float(dataset.DoseGridScaling), rtol=3e-7)
    peer = sitk.ReadImage(str(series.paths[0]))
    assert sitk.GetArrayFromImage(peer).shape == dose.values.shape
    np.testing.assert_allclose(dose.grid.spacing_mm[::-1], peer.GetSpacing(), atol=1e-4)
    np.testing.assert_allclose(dose.grid.origin_mm, peer.GetOrigin(), atol=1e-4)
