import csv
import math
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorboard.core.acquisition import (
    DecayReference,
    PetAcquisition,
    PetSlice,
    PetUnits,
    Sex,
    SuvType,
)
from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.pet.decay_reference import average_count_rate_time_s
from tumorboard.pet.suv import SuvVariant, suv_factor, to_suv
from tumorboard.provenance import Record

VALIDATION = Path(__file__).parents[2] / "validation" / "suv"
GIVEN = datetime(2025, 1, 1, 10)
SCAN = datetime(2025, 1, 1, 11)
F18_S = 6586.2
BODY_WEIGHT = SuvVariant.BODY_WEIGHT


def bed(start=SCAN, *, z=0.0, reference_s=150.0, duration_s=300.0):
    return PetSlice(
        position_mm=(0.0, 0.0, z),
        acquisition_start=start,
        frame_reference_time_s=reference_s,
        frame_duration_s=duration_s,
    )


def scan(**changes):
    """70 kg, 1.75 m, 368.08 MBq of F-18 one hour before the scan: 252.0 MBq are left at its start."""
    usual = {
        "units": PetUnits.BQML,
        "decay_reference": DecayReference.START,
        "corrected_image": ("DECY", "ATTN"),
        "radionuclide": "^18^Fluorine",
        "half_life_s": F18_S,
        "injected_bq": 368.08e6,
        "injection": GIVEN,
        "series_start": SCAN,
        "slices": (bed(),),
        "weight_kg": 70.0,
        "height_m": 1.75,
        "sex": Sex.MALE,
    }
    return PetAcquisition(**(usual | changes))


def factor_of(variant=BODY_WEIGHT, **changes):
    return suv_factor(scan(**changes), variant=variant)


# --- the moment of decay correction ----------------------------------------------------------------


def test_suv_factor__start_decays_the_activity_to_the_scan():
    result = factor_of()
    # 368.08 MBq x 2^(-3600 / 6586.2) = 252.0 MBq; 70,000 g / 252.0 MBq
    assert result.factor == pytest.approx(70_000 / 252.0e6, rel=1e-5)
    assert (result.per_unit, result.decay_s, result.reference_moment) == ("Bq/mL", 3600.0, SCAN)
    assert result.factor_per_bq_ml == result.factor


def test_suv_factor__admin_takes_the_activity_as_injected_and_needs_no_time():
    result = factor_of(
        decay_reference=DecayReference.ADMIN, injection=None, half_life_s=None, series_start=None, slices=()
    )
    assert result.factor == pytest.approx(70_000 / 368.08e6, rel=1e-12)
    assert result.decay_s == 0.0


def test_suv_factor__none_decays_to_the_average_count_rate_of_each_frame():
    late = bed(SCAN + timedelta(seconds=600), z=4.0)
    result = factor_of(decay_reference=DecayReference.NONE, corrected_image=("ATTN",), slices=(bed(), late))
    # half of 300 s less lambda T^2 / 24 = 0.395 s: 149.605 s after the start of each frame
    left_bq = 368.08e6 * 2.0 ** (-(np.array([3600.0, 4200.0]) + 149.605) / F18_S)
    np.testing.assert_allclose(result.factor, 70_000 / left_bq, rtol=1e-6)
    assert result.reference_moment is None
    assert result.factor_per_bq_ml is None


@settings(deadline=None)
@given(
    uptake_s=st.floats(0.0, 7200.0),
    frame_s=st.floats(1.0, 1800.0),
    half_life_s=st.sampled_from([6586.2, 1223.4, 4057.7, 122.24, 282_280.0]),
    concentration=st.floats(1.0, 1e6),
)
def test_suv_factor__does_not_depend_on_the_moment_of_correction(
    uptake_s, frame_s, half_life_s, concentration
):
    """One static source imaged three ways has one uptake value."""
    if uptake_s + frame_s > 9 * half_life_s:
        uptake_s, frame_s = uptake_s * half_life_s / 1e4, min(frame_s, half_life_s)
    decay_per_s = math.log(2) / half_life_s
    start = GIVEN + timedelta(seconds=uptake_s)
    uptake_s = (start - GIVEN).total_seconds()  # to the microsecond, as the noun holds it
    mean = -math.expm1(-decay_per_s * frame_s) / (decay_per_s * frame_s)  # of the frame over its start
    at_start = concentration * math.exp(-decay_per_s * uptake_s)
    common = {
        "half_life_s": half_life_s,
        "radionuclide": "Other-1",
        "slices": (bed(start, duration_s=frame_s),),
        "series_start": start,
        "corrected_image": (),
    }
    expected = concentration * 70_000 / 368.08e6
    for reference, value in (
        (DecayReference.ADMIN, concentration),
        (DecayReference.START, at_start),
        (DecayReference.NONE, at_start * mean),
    ):
        assert value * factor_of(decay_reference=reference, **common).factor == pytest.approx(
            expected, rel=1e-9
        )


def test_suv_factor__series_time_before_the_injection_is_no_scan_start_unless_frames_count_from_it():
    exact = average_count_rate_time_s(300.0, half_life_s=F18_S)
    registered = GIVEN - timedelta(minutes=5)
    with pytest.raises(
        InputError, match=r"Series Date and Time .* 2025-01-01T09:55:00, Frame Reference Time"
    ):
        factor_of(series_start=registered, slices=(bed(reference_s=exact),))
    dynamic = factor_of(series_start=registered, slices=(bed(reference_s=3900.0 + exact),))
    assert dynamic.decay_s == -300.0


def test_suv_factor__injection_over_midnight():
    given, start = datetime(2025, 1, 1, 23, 50), datetime(2025, 1, 2, 0, 40)
    result = factor_of(injection=given, series_start=start, slices=(bed(start),))
    assert result.decay_s == 3000.0  # 50 min


def test_suv_factor__c11_and_zr89_by_their_own_half_life():
    carbon = factor_of(half_life_s=1223.4, radionuclide="C-11")
    assert carbon.factor == pytest.approx(70_000 / (368.08e6 * 2 ** (-3600 / 1223.4)), rel=1e-12)
    days = SCAN + timedelta(days=4)
    zirconium = factor_of(
        half_life_s=282_280.0, radionuclide="89Zr", injected_bq=37e6, series_start=days, slices=(bed(days),)
    )
    # 97 h: 37 MBq x 2^(-349200 / 282280) = 15.697 MBq
    assert zirconium.factor == pytest.approx(70_000 / 15.697e6, rel=1e-4)


def test_suv_factor__tracer_given_during_a_dynamic_scan():
    given = SCAN + timedelta(seconds=30)
    average_s = average_count_rate_time_s(3600.0, half_life_s=F18_S)
    result = factor_of(injection=given, slices=(bed(reference_s=average_s, duration_s=3600.0),))
    assert result.factor == pytest.approx(70_000 / (368.08e6 * 2 ** (30 / F18_S)), rel=1e-12)
    assert "given 30 s after the reference of decay" in result.notes[0]


# --- units -----------------------------------------------------------------------------------------


def test_suv_factor__philips_suv_factor_needs_neither_activity_nor_time():
    result = suv_factor(PetAcquisition(units=PetUnits.CNTS, philips_suv_factor=5e-4), variant=BODY_WEIGHT)
    assert (result.factor, result.per_unit, result.factor_per_bq_ml) == (5e-4, "count", None)


def test_suv_factor__philips_activity_factor_leads_to_concentration_first():
    result = factor_of(units=PetUnits.CNTS, philips_activity_factor=7.2)
    assert result.factor == pytest.approx(7.2 * 70_000 / 252.0e6, rel=1e-5)
    assert result.per_unit == "count"


def test_suv_factor__philips_suv_factor_is_used_before_the_activity_factor():
    result = factor_of(units=PetUnits.CNTS, philips_suv_factor=5e-4, philips_activity_factor=7.2)
    assert result.factor == 5e-4


def test_suv_factor__gml_without_type_is_body_weight_by_the_standard():
    result = suv_factor(PetAcquisition(units=PetUnits.GML), variant=BODY_WEIGHT)
    assert (result.factor, result.per_unit) == (1.0, "g/mL")
    assert "the standard's default" in result.rule


# 70 kg, 1.75 m, by hand: (70/175)^2 = 0.16; BMI 22.857; 23 cm above 152
SIZES = {
    (SuvType.BODY_WEIGHT, Sex.MALE): 70_000.0,
    (SuvType.LEAN_BODY_MASS, Sex.MALE): 57_800.0,  # 77 - 120 x 0.16
    (SuvType.LEAN_BODY_MASS, Sex.FEMALE): 51_220.0,  # 74.9 - 148 x 0.16
    (SuvType.LEAN_BODY_MASS_JAMES_128, Sex.MALE): 56_520.0,  # 77 - 128 x 0.16
    (SuvType.LEAN_BODY_MASS_JAMES_128, Sex.FEMALE): 51_220.0,
    (SuvType.LEAN_BODY_MASS_JANMAHASATIAN, Sex.MALE): 55_857.1,  # 648900 / (6680 + 4937.14)
    (SuvType.LEAN_BODY_MASS_JANMAHASATIAN, Sex.FEMALE): 45_196.7,  # 648900 / (8780 + 5577.14)
    (SuvType.IDEAL_BODY_WEIGHT, Sex.MALE): 72_380.0,  # 48 + 1.06 x 23
    (SuvType.IDEAL_BODY_WEIGHT, Sex.FEMALE): 66_430.0,  # 45.5 + 0.91 x 23
    (SuvType.IDEAL_BODY_WEIGHT, Sex.OTHER): 69_405.0,  # their mean
    (
        SuvType.BODY_SURFACE_AREA,
        Sex.MALE,
    ): 18_481.4,  # 71.84 x 70^0.425 x 175^0.725 = 71.84 x 6.08368 x 42.2866
}


@pytest.mark.parametrize(("kind", "sex"), SIZES)
def test_suv_factor__uptake_values_are_converted_by_the_ratio_of_body_sizes(kind, sex):
    units = PetUnits.CM2ML if kind is SuvType.BODY_SURFACE_AREA else PetUnits.GML
    result = factor_of(units=units, suv_type=kind, sex=sex)
    assert result.factor == pytest.approx(70_000 / SIZES[kind, sex], rel=2e-5)


@pytest.mark.parametrize(
    ("variant", "kind"),
    [
        (SuvVariant.LEAN_BODY_MASS_JAMES, SuvType.LEAN_BODY_MASS_JAMES_128),
        (SuvVariant.LEAN_BODY_MASS_JANMAHASATIAN, SuvType.LEAN_BODY_MASS_JANMAHASATIAN),
        (SuvVariant.BODY_SURFACE_AREA, SuvType.BODY_SURFACE_AREA),
        (SuvVariant.IDEAL_BODY_WEIGHT, SuvType.IDEAL_BODY_WEIGHT),
    ],
)
def test_suv_factor__every_variant_replaces_weight_by_its_size(variant, kind):
    size = SIZES[kind, Sex.MALE]
    assert factor_of(variant).factor == pytest.approx(size / 252.0e6, rel=3e-5)
    units = PetUnits.CM2ML if kind is SuvType.BODY_SURFACE_AREA else PetUnits.GML
    assert factor_of(variant, units=units, suv_type=kind).factor == 1.0


def test_suv_factor__body_surface_area_is_the_type_of_cm2ml_when_absent():
    assert factor_of(SuvVariant.BODY_SURFACE_AREA, units=PetUnits.CM2ML).factor == 1.0


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "variant", "says"),
    [
        ({"weight_kg": None}, "BODY_WEIGHT", r"Patient's Weight \(0010,1030\) must be > 0 \[kg\]"),
        ({"injected_bq": None}, "BODY_WEIGHT", r"Radionuclide Total Dose \(0018,1074\) must be > 0 \[Bq\]"),
        ({"half_life_s": None}, "BODY_WEIGHT", r"Radionuclide Half Life \(0018,1075\) must be > 0 \[s\]"),
        ({"injection": None}, "BODY_WEIGHT", r"Radiopharmaceutical Start DateTime \(0018,1078\)"),
        ({"decay_reference": None}, "BODY_WEIGHT", r"Decay Correction \(0054,1102\) must be START"),
        ({"units": None}, "BODY_WEIGHT", r"Units \(0054,1001\) must be"),
        ({"units": PetUnits.CNTS}, "BODY_WEIGHT", r"\(7053,1000\) or .*\(7053,1009\) must be > 0"),
        ({"height_m": None}, "BODY_SURFACE_AREA", r"Patient's Size \(0010,1020\) must be > 0 \[m\]"),
        ({"height_m": None}, "IDEAL_BODY_WEIGHT", r"Patient's Size \(0010,1020\)"),
        ({"sex": None}, "LEAN_BODY_MASS_JAMES", r"Patient's Sex \(0010,0040\) must be M, F or O"),
        ({"sex": None}, "IDEAL_BODY_WEIGHT", r"Patient's Sex \(0010,0040\)"),
        (
            {"decay_reference": DecayReference.NONE, "corrected_image": (), "slices": (PetSlice(),)},
            "BODY_WEIGHT",
            r"Acquisition Date \(0008,0022\) and Time \(0008,0032\) must be present for every slice",
        ),
        (
            {
                "decay_reference": DecayReference.NONE,
                "corrected_image": (),
                "slices": (PetSlice(acquisition_start=SCAN),),
            },
            "BODY_WEIGHT",
            r"Actual Frame Duration \(0018,1242\) must be present for every slice",
        ),
    ],
)
def test_suv_factor__names_the_missing_attribute(changes, variant, says):
    with pytest.raises(MissingAttribute, match=says):
        factor_of(SuvVariant[variant], **changes)


@pytest.mark.parametrize(
    ("changes", "variant", "says"),
    [
        ({"sex": Sex.OTHER}, "LEAN_BODY_MASS_JAMES", r"Patient's Sex \(0010,0040\) M or F; got 'O'"),
        ({"sex": Sex.OTHER}, "LEAN_BODY_MASS_JANMAHASATIAN", r"Patient's Sex \(0010,0040\) M or F"),
        ({"units": PetUnits.CPS}, "BODY_WEIGHT", r"Units \(0054,1001\) must be .*; got CPS"),
        ({"units": PetUnits.GML, "suv_type": SuvType.BODY_SURFACE_AREA}, "BODY_WEIGHT", "got BSA with GML"),
        ({"units": PetUnits.CM2ML, "suv_type": SuvType.BODY_WEIGHT}, "BODY_WEIGHT", "got BW with CM2ML"),
        ({"injection": datetime(1999, 1, 1)}, "BODY_WEIGHT", "INJECTION_ON_SCAN_DATE"),
        ({"injection": datetime(2025, 1, 1, 12)}, "BODY_WEIGHT", "must not be after the scan"),
        ({"corrected_image": ("DECY",)}, "BODY_WEIGHT", "must name ATTN"),
        ({"corrected_image": ("ATTN",)}, "BODY_WEIGHT", r"must name DECY .* with START"),
        ({"decay_reference": DecayReference.NONE}, "BODY_WEIGHT", r"DECY .* with NONE"),
        ({"radionuclide": "^68^Gallium"}, "BODY_WEIGHT", r"must agree within 10%"),
        ({"injected_bq": 368_080.0}, "BODY_WEIGHT", r"\(0018,1074\) must be at least 25000 Bq per kg .* kBq"),
        (
            {
                "units": PetUnits.CNTS,
                "philips_suv_factor": 5e-4,
                "decay_reference": DecayReference.NONE,
                "corrected_image": ("ATTN",),
            },
            "BODY_WEIGHT",
            r"Decay Correction \(0054,1102\) must be START or ADMIN for the Philips",
        ),
        (
            {"weight_kg": 300.0, "height_m": 1.5},
            "LEAN_BODY_MASS_JAMES",
            "must be > 0 .kg.; the formula gives",
        ),
    ],
)
def test_suv_factor__refuses_what_contradicts_itself(changes, variant, says):
    with pytest.raises(InputError, match=says):
        factor_of(SuvVariant[variant], **changes)


def test_suv_factor__notes_a_half_life_that_is_slightly_off_and_uses_it():
    result = factor_of(half_life_s=6700.0)  # 1.7 % more than F-18 has
    assert result.factor == pytest.approx(70_000 / (368.08e6 * 2 ** (-3600 / 6700)), rel=1e-12)
    assert "the file's is used" in result.notes[0]


@pytest.mark.parametrize("units", [{}, {"units": PetUnits.CNTS, "philips_suv_factor": 5e-4}])
def test_suv_factor__says_that_corrections_could_not_be_checked(units):
    assert "Corrected Image (0028,0051) is absent" in factor_of(corrected_image=(), **units).notes[0]
    assert factor_of(**units).notes == ()


# --- images ----------------------------------------------------------------------------------------


def grid(n_planes=2):
    return Grid((n_planes, 3, 3), (4.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")


def image(quantity=Quantity.ACTIVITY_CONCENTRATION, n_planes=2):
    values = np.full((n_planes, 3, 3), 3600.0, np.float32)
    return Image(values, grid(n_planes), quantity, Record("test.image"))


def test_to_suv__multiplies_and_says_what_it_measures():
    suv = to_suv(image(), scan(), variant=BODY_WEIGHT)
    assert suv.quantity is Quantity.SUV_BODY_WEIGHT
    assert suv.values.dtype == np.float32
    np.testing.assert_allclose(suv.values, 1.0, rtol=1e-5)  # 3600 Bq/mL x 70,000 g / 252 MBq
    assert {"dicomPS33", "qiba2016fdg"} <= set(suv.provenance.citations())


def test_to_suv__refuses_an_image_of_another_quantity():
    with pytest.raises(InputError, match=r"must measure ACTIVITY_CONCENTRATION .* got SUV_BODY_WEIGHT"):
        to_suv(image(Quantity.SUV_BODY_WEIGHT), scan(), variant=BODY_WEIGHT)
    converted = to_suv(
        image(Quantity.SUV_BODY_WEIGHT),
        scan(units=PetUnits.GML),
        variant=SuvVariant.LEAN_BODY_MASS_JAMES,
    )
    np.testing.assert_allclose(converted.values, 3600 * 56.52 / 70, rtol=1e-6)


# --- reference objects and a real scan -------------------------------------------------------------


def reference_objects():
    with (VALIDATION / "reference_objects.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.parametrize("row", reference_objects(), ids=lambda row: row["id"])
def test_to_suv__reference_objects_within_half_a_percent(row, unpacked_data):
    pydicom, nibabel = pytest.importorskip("pydicom"), pytest.importorskip("nibabel")
    from tumorboard.io.dicom.read_acquisition import pet_acquisition_of

    folder = unpacked_data("suv_reference") / row["id"]
    slices = [pydicom.dcmread(path) for path in folder.glob("PT/*.dcm")]
    slices.sort(key=lambda ds: float(ds.ImagePositionPatient[2]))
    stored = np.stack([ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept) for ds in slices])
    files = pet_acquisition_of(slices)
    spacing_mm = (4.0, *map(float, slices[0].PixelSpacing))
    volume = Image(
        stored.astype(np.float32),
        Grid(stored.shape, spacing_mm, (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1"),
        Quantity[row["quantity"]],
        Record("test.reference_object"),
    )
    suv = to_suv(volume, files, variant=BODY_WEIGHT).values
    mask = np.asarray(nibabel.load(folder / "mask" / "DRO_mask.nii.gz").dataobj).T > 0
    measured = suv[mask].min(), np.median(suv[mask]), suv[mask].max()
    expected = [float(row[name]) for name in ("suv_min", "suv_median", "suv_max")]
    np.testing.assert_allclose(measured, expected, rtol=0.005)


@pytest.mark.slow
def test_suv_factor__real_ge_scan_by_hand(data_dir):
    pydicom = pytest.importorskip("pydicom")
    from tumorboard.io.dicom.read_acquisition import pet_acquisition_of

    folder = data_dir / "sarcoma_pet"
    if not folder.is_dir():
        pytest.skip(f"real data sarcoma_pet not found in {data_dir}")
    found = [
        pydicom.dcmread(path, stop_before_pixels=True)
        for path in sorted(folder.rglob("*"))
        if path.suffix == ".dcm" or (path.is_file() and "." not in path.name and path.name.isdigit())
    ]
    files = pet_acquisition_of([ds for ds in found if ds.Modality == "PT"])
    result = suv_factor(files, variant=BODY_WEIGHT)
    # 388.777472 MBq at 10:35:00, scan at 11:20:11: 2711 s of 6588 s; 292.30 MBq are left for 71 kg
    assert result.decay_s == 2711.0
    assert result.factor == pytest.approx(71_000 / 292.30e6, rel=1e-4)
