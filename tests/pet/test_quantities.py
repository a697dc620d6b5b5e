import math

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.lesion import Lesion
from tumorboard.errors import GridMismatch, InputError
from tumorboard.pet import FixedThreshold, delineate_lesions, quantify, summarise_patient
from tumorboard.provenance import Record

MEASURED = Record("test.measured")


def suv(values, spacing_mm=(4.0, 4.0, 4.0), quantity=Quantity.SUV_BODY_WEIGHT):
    grid = Grid(values.shape, spacing_mm, (-100.0, 30.0, 7.0), AXIAL, frame_of_reference="1.2.3")
    return Image(values, grid, quantity, MEASURED)


def mask_like(image, values):
    return Image(np.asarray(values, dtype=bool), image.grid, Quantity.LABEL, MEASURED)


def three_lesions():
    values = np.ones((30, 20, 20))
    values[3:8, 3:8, 3:8], values[20:24, 4:8, 4:8], values[12:18, 12:18, 12:18] = 9.0, 7.0, 5.0
    image = suv(values)
    lesions = delineate_lesions(image, FixedThreshold(4.0), minimum_volume_ml=0)
    return image, [quantify(image, lesion) for lesion in lesions]


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), spacing=st.tuples(*[st.floats(2.0, 6.0)] * 3))
def test_quantify__equals_plain_numpy(seed, spacing):
    rng = np.random.default_rng(seed)
    image = suv(rng.random((9, 10, 11)), spacing)
    inside = np.zeros(image.grid.shape, dtype=bool)
    inside[2:7, 3:8, 2:9] = rng.random((5, 5, 7)) > 0.3
    got = quantify(image, mask_like(image, inside), name="GTV")
    voxel_ml = math.prod(spacing) / 1000
    assert got.n_voxels == inside.sum()
    assert got.volume_ml == pytest.approx(inside.sum() * voxel_ml, rel=1e-12)
    assert got.suv_max == image.values[inside].max()
    assert got.suv_mean == pytest.approx(image.values[inside].mean(), rel=1e-12)
    assert got.tlg_g == pytest.approx(image.values[inside].sum() * voxel_ml, rel=1e-12)
    np.testing.assert_allclose(got.centroid_mm, image.grid.index_to_patient(np.argwhere(inside).mean(0)))
    hottest = np.unravel_index(np.where(inside, image.values, -1).argmax(), inside.shape)
    np.testing.assert_allclose(got.maximum_position_mm, image.grid.index_to_patient(hottest))


@settings(deadline=None, max_examples=15)
@given(radius_mm=st.floats(12, 25), spacing=st.floats(2.0, 4.0), part=st.tuples(*[st.floats(-0.5, 0.5)] * 3))
def test_quantify__measures_a_sphere(radius_mm, spacing, part):
    shape = (int(2 * radius_mm / spacing) + 7,) * 3
    centre = (np.array(shape) - 1) / 2 + part
    distance_mm = np.sqrt((((np.indices(shape) - centre[:, None, None, None]) * spacing) ** 2).sum(0))
    image = suv(np.where(distance_mm <= radius_mm, 6.0, 1.0), (spacing,) * 3)
    got = quantify(image, mask_like(image, image.values > 3), name="sphere")
    surface_mm2 = 4 * math.pi * radius_mm**2
    assert got.volume_ml * 1e3 == pytest.approx(surface_mm2 * radius_mm / 3, abs=surface_mm2 * spacing * 0.87)
    assert got.suv_max == got.suv_mean == got.suv_peak == 6.0
    # A staircase of voxels has more surface than the sphere, by about 8 % and never less.
    assert surface_mm2 * 0.95 <= got.surface_mm2 <= surface_mm2 * 1.25


@settings(deadline=None, max_examples=10)
@given(factor=st.floats(0.01, 1e4))
def test_quantify__is_linear_in_uptake(factor):
    image = suv(ndimage.gaussian_filter(np.random.default_rng(5).random((11, 11, 11)), 1.0))
    inside = np.zeros(image.grid.shape, dtype=bool)
    inside[3:8, 3:8, 3:8] = True
    one = quantify(image, mask_like(image, inside), name="GTV")
    scaled = suv(image.values * factor)
    many = quantify(scaled, mask_like(scaled, inside), name="GTV")
    for name in ("maximum", "mean", "integral"):
        assert getattr(many, name) == pytest.approx(factor * getattr(one, name), rel=1e-12)
    assert many.peak == pytest.approx(factor * one.peak, rel=1e-6)


def test_quantify__does_not_see_how_the_mask_is_cropped():
    image = suv(np.random.default_rng(6).random((12, 12, 12)))
    inside = np.zeros(image.grid.shape, dtype=bool)
    inside[4:7, 5:9, 3:8] = True
    full = mask_like(image, inside)
    lesion = Lesion("lesion 1", full.crop((3, 4, 2), (8, 10, 9)), MEASURED)
    one, two = quantify(image, full, name="lesion 1"), quantify(image, lesion)
    assert one.to_dict() == two.to_dict()


def test_quantify__peak_does_not_exceed_the_maximum_of_the_image():
    for seed in range(5):
        image = suv(np.random.default_rng(seed).random((11, 11, 11)) ** 4)
        got = quantify(image, mask_like(image, image.values > 0.2), name="all")
        assert got.suv_mean <= got.suv_max
        assert got.suv_peak <= got.suv_max == image.values.max()


def test_quantify__names_what_it_measured():
    values = np.full((9, 9, 9), 2.0)
    activity = suv(values, quantity=Quantity.ACTIVITY_CONCENTRATION)
    got = quantify(activity, mask_like(activity, values > 0), name="organ")
    assert got.to_dict()["maximum"] == 2.0
    assert got.integral == pytest.approx(2.0 * got.volume_ml)
    with pytest.raises(InputError, match=r"suv_max of 'organ' needs an SUV image"):
        _ = got.suv_max
    surface = suv(values, quantity=Quantity.SUV_BODY_SURFACE_AREA)
    with pytest.raises(InputError, match=r"tlg_g of 'organ' needs an SUV in g/mL"):
        _ = quantify(surface, mask_like(surface, values > 0), name="organ").tlg_g
    weight = suv(values)
    assert quantify(weight, mask_like(weight, values > 0), name="organ").to_dict().keys() >= {
        "name", "volume_ml", "suv_max", "suv_peak", "suv_mean", "tlg_g", "centroid_mm",
    }  # fmt: skip


def test_quantify__says_what_is_wrong():
    image = suv(np.ones((5, 5, 5)))
    with pytest.raises(InputError, match=r"name of a measured mask must not be empty"):
        quantify(image, mask_like(image, np.ones((5, 5, 5))))
    with pytest.raises(InputError, match=r"mask of 'GTV' must have at least one voxel"):
        quantify(image, mask_like(image, np.zeros((5, 5, 5))), name="GTV")
    with pytest.raises(InputError, match=r"boolean LABEL image"):
        quantify(image, Image(image.values, image.grid, Quantity.FRACTION, MEASURED), name="GTV")
    with pytest.raises(GridMismatch, match=r"mask of 'GTV' and image"):
        quantify(image, mask_like(suv(np.ones((5, 5, 5)), (4.0, 4.0, 4.1)), np.ones((5, 5, 5))), name="GTV")


def test_quantify__carries_provenance():
    image, lesions = three_lesions()
    record = lesions[0].provenance
    assert record.inputs[0] == image.provenance
    assert record.inputs[1].operation == "pet.delineate_lesions"
    assert set(record.citations()) == {"boellaard2015fdg", "wahl2009percist"}


def test_summarise_patient__sums_and_distances():
    _, lesions = three_lesions()
    total = summarise_patient(lesions, quantity=Quantity.SUV_BODY_WEIGHT)
    assert total.n_lesions == 3
    assert total.volume_ml == pytest.approx(0.064 * (125 + 64 + 216))
    assert total.tlg_g == pytest.approx(0.064 * (125 * 9 + 64 * 7 + 216 * 5))
    assert total.maximum == 9.0
    hot, bulk, low = (4 * np.array(c) for c in ((5, 5, 5), (14.5, 14.5, 14.5), (21.5, 5.5, 5.5)))
    a, b, c = (float(np.linalg.norm(d)) for d in (hot - bulk, hot - low, bulk - low))
    assert total.dmax_mm == pytest.approx(max(a, b, c))
    assert total.spread_mm == pytest.approx(max(a + b, a + c, b + c))
    assert (total.dmax_bulk_mm, total.spread_bulk_mm) == pytest.approx((max(a, c), a + c))
    assert {lesions[i].suv_max for i in range(3) if lesions[i].name in total.dmax_between} == {9.0, 7.0}
    reverse = summarise_patient(lesions[::-1], quantity=Quantity.SUV_BODY_WEIGHT)
    assert reverse.to_dict() | {"dmax_between": 0} == pytest.approx(total.to_dict() | {"dmax_between": 0})


def test_summarise_patient__of_one_or_no_lesion_has_no_distance():
    _, lesions = three_lesions()
    for part in ([], lesions[:1]):
        total = summarise_patient(part, quantity=Quantity.SUV_BODY_WEIGHT)
        assert (total.n_lesions, total.dmax_mm, total.spread_mm, total.dmax_between) == (
            len(part),
            0.0,
            0.0,
            (),
        )
    with pytest.raises(InputError, match=r"lesions must all be measured in"):
        summarise_patient(lesions, quantity=Quantity.SUV_LEAN_BODY_MASS_JAMES)


@pytest.fixture(scope="module")
def sarcoma(data_dir):
    """Return the real PET as SUV by body weight, and where the contours of GTV_Mass are."""
    folder = data_dir / "sarcoma_pet"
    slices = sorted(
        (pydicom.dcmread(path) for path in (folder / "pet").iterdir()),
        key=lambda ds: float(ds.ImagePositionPatient[2]),
    )
    stored = [ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept) for ds in slices]
    tracer = slices[0].RadiopharmaceuticalInformationSequence[0]
    # Decay-corrected to START; injection and series start within one day.
    seconds = [sum(int(t[i : i + 2]) * f for i, f in ((0, 3600), (2, 60), (4, 1))) for t in (
        str(tracer.RadiopharmaceuticalStartTime), str(slices[0].SeriesTime))]  # fmt: skip
    decayed_bq = float(tracer.RadionuclideTotalDose) * 2 ** (
        (seconds[0] - seconds[1]) / float(tracer.RadionuclideHalfLife)
    )
    values = np.stack(stored).astype(np.float32) * np.float32(
        float(slices[0].PatientWeight) * 1000 / decayed_bq
    )
    gap_mm = float(slices[-1].ImagePositionPatient[2]) - float(slices[0].ImagePositionPatient[2])
    grid = Grid(
        values.shape,
        (gap_mm / (len(slices) - 1), *(float(s) for s in slices[0].PixelSpacing)),
        [float(p) for p in slices[0].ImagePositionPatient],
        AXIAL,
        frame_of_reference=slices[0].FrameOfReferenceUID,
    )
    rtstruct = pydicom.dcmread(next((folder / "rtstruct").iterdir()))
    number = next(r.ROINumber for r in rtstruct.StructureSetROISequence if r.ROIName == "GTV_Mass")
    contours = next(r for r in rtstruct.ROIContourSequence if r.ReferencedROINumber == number).ContourSequence
    points_mm = np.concatenate([np.reshape(c.ContourData, (-1, 3)) for c in contours]).astype(float)
    return Image(values, grid, Quantity.SUV_BODY_WEIGHT, MEASURED), grid.patient_to_index(points_mm)


def test_quantify__measures_the_real_sarcoma(sarcoma):
    image, outline = sarcoma
    low = np.floor(outline.min(0)).astype(int)
    high = np.ceil(outline.max(0)).astype(int) + 1
    lesions = delineate_lesions(
        image, FixedThreshold(4.0), minimum_volume_ml=5.0, region=image.grid.crop(low, high)
    )
    mass = quantify(image, lesions[0])
    # Independently: the hottest voxel of the box about the contours, and what is joined to it.
    box = image.values[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    labels, _ = ndimage.label(box >= 4.0, structure=np.ones((3, 3, 3)))
    joined = labels == labels[np.unravel_index(box.argmax(), box.shape)]
    assert mass.suv_max == box.max()
    assert mass.volume_ml == pytest.approx(joined.sum() * image.grid.voxel_volume_ml)
    assert mass.suv_mean == pytest.approx(box[joined].mean(dtype=float))
    assert 0.5 * mass.suv_max < mass.suv_peak < mass.suv_max
    # The tumour lies in the patient's left thigh: in LPS at positive x, in the lowest quarter of the scan.
    assert mass.centroid_mm[0] > 0
    assert image.grid.patient_to_index(mass.centroid_mm)[0] < 0.25 * image.grid.shape[0]
