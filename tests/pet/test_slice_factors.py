import math
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetSlice, PetUnits
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.pet.decay_reference import average_count_rate_time_s
from tumorboard.pet.suv import SuvVariant, to_suv
from tumorboard.provenance import Record

SCAN = datetime(2025, 1, 1, 11)
F18_S = 6586.2
BODY_WEIGHT = SuvVariant.BODY_WEIGHT


def bed(start=SCAN, *, z=0.0, duration_s=300.0):
    return PetSlice(position_mm=(0.0, 0.0, z), acquisition_start=start, frame_duration_s=duration_s)


def scan(**changes):
    """70 kg and 368.08 MBq of F-18 one hour before the scan: 252.0 MBq are left at its start."""
    usual = {
        "units": PetUnits.BQML,
        "decay_reference": DecayReference.START,
        "radionuclide": "^18^Fluorine",
        "half_life_s": F18_S,
        "injected_bq": 368.08e6,
        "injection": SCAN - timedelta(hours=1),
        "series_start": SCAN,
        "weight_kg": 70.0,
    }
    return PetAcquisition(**(usual | changes))


def grid(n_planes=2):
    return Grid((n_planes, 3, 3), (4.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")


def image(quantity=Quantity.ACTIVITY_CONCENTRATION, n_planes=2):
    values = np.full((n_planes, 3, 3), 3600.0, np.float32)
    return Image(values, grid(n_planes), quantity, Record("test.image"))


def test_to_suv__gives_each_plane_the_factor_of_its_slice_whatever_their_order():
    upper, lower = bed(SCAN, z=4.0), bed(SCAN + timedelta(seconds=600), z=0.0)
    files = scan(decay_reference=DecayReference.NONE, corrected_image=(), slices=(upper, lower))
    suv = to_suv(image(), files, variant=BODY_WEIGHT).values[:, 0, 0]
    left_bq = 368.08e6 * 2.0 ** (-(np.array([4200.0, 3600.0]) + 149.605) / F18_S)
    np.testing.assert_allclose(suv, 3600 * 70_000 / left_bq, rtol=1e-6)


def test_to_suv__refuses_planes_that_are_no_slices():
    parts = (bed(z=0.0), bed(SCAN + timedelta(seconds=600), z=4.0))
    files = scan(decay_reference=DecayReference.NONE, corrected_image=(), slices=parts)
    with pytest.raises(InputError, match="plane 2 is none; convert to uptake values before resampling"):
        to_suv(image(n_planes=3), files, variant=BODY_WEIGHT)
    frames = replace(files, slices=(*parts, bed(SCAN + timedelta(seconds=1200), z=4.0)))
    with pytest.raises(InputError, match="plane 1 has several, as in a dynamic series"):
        to_suv(image(), frames, variant=BODY_WEIGHT)


def test_to_suv__names_the_position_that_a_slice_lacks():
    parts = (bed(), replace(bed(SCAN + timedelta(seconds=600)), position_mm=None))
    files = scan(decay_reference=DecayReference.NONE, slices=parts)
    with pytest.raises(MissingAttribute, match=r"Image Position \(Patient\) \(0020,0032\)"):
        to_suv(image(), files, variant=BODY_WEIGHT)


def dynamic(n_planes=2, **changes):
    """Three frames of 60, 60 and 300 s of a field that reads 3600 Bq/mL throughout."""
    usual = {
        "values": np.full((3, n_planes, 3, 3), 3600.0, np.float32),
        "grid": grid(n_planes),
        "quantity": Quantity.ACTIVITY_CONCENTRATION,
        "frame_start_s": np.array([0.0, 60.0, 120.0]),
        "frame_duration_s": np.array([60.0, 60.0, 300.0]),
        "time_zero": "first frame",
        "provenance": Record("test.dynamic"),
    }
    return DynamicImage(**(usual | changes))


def frames(n_planes=2):
    """Slices of :func:`dynamic`, in no order; the upper plane's bed began 1000 s after the lower's."""
    return tuple(
        bed(SCAN + timedelta(seconds=start_s + 1000 * z), z=4.0 * z, duration_s=duration_s)
        for z in reversed(range(n_planes))
        for start_s, duration_s in ((120.0, 300.0), (0.0, 60.0), (60.0, 60.0))
    )


def test_to_suv__dynamic_values_corrected_to_one_moment_have_one_factor():
    image = dynamic()
    suv = to_suv(image, scan(slices=frames()), variant=BODY_WEIGHT)
    assert suv.quantity is Quantity.SUV_BODY_WEIGHT
    assert (suv.time_zero, suv.grid, suv.values.dtype) == ("first frame", image.grid, np.float32)
    np.testing.assert_allclose(suv.values, 1.0, rtol=1e-5)
    np.testing.assert_array_equal(suv.frame_start_s, image.frame_start_s)
    frame = to_suv(image.frame(1), scan(slices=frames()), variant=BODY_WEIGHT)
    np.testing.assert_array_equal(suv.frame(1).values, frame.values)


def test_to_suv__dynamic_values_as_measured_have_a_factor_per_frame_and_plane():
    files = scan(decay_reference=DecayReference.NONE, corrected_image=(), slices=frames())
    suv = to_suv(dynamic(), files, variant=BODY_WEIGHT).values[:, :, 0, 0]
    average_s = np.array([average_count_rate_time_s(t, half_life_s=F18_S) for t in (60.0, 60.0, 300.0)])
    since_s = 3600.0 + np.array([0.0, 60.0, 120.0]) + average_s
    left_bq = 368.08e6 * 2.0 ** (-(since_s[:, None] + [0.0, 1000.0]) / F18_S)
    np.testing.assert_allclose(suv, 3600 * 70_000 / left_bq, rtol=1e-6)


def test_to_suv__a_tracer_that_only_decays_has_a_constant_uptake_value():
    # What a scanner without decay correction measures of it: the mean over each frame.
    starts_s, lasts_s = np.array([0.0, 60.0, 120.0]), np.array([60.0, 60.0, 300.0])
    rate = math.log(2) / F18_S
    mean = np.exp(-rate * (starts_s + 3600)) * -np.expm1(-rate * lasts_s) / (rate * lasts_s)
    values = np.broadcast_to(mean[:, None, None, None] * 368.08e6 / 70_000, (3, 1, 3, 3))
    files = scan(decay_reference=DecayReference.NONE, corrected_image=(), slices=frames(1))
    suv = to_suv(dynamic(1, values=values.astype(np.float32)), files, variant=BODY_WEIGHT)
    np.testing.assert_allclose(suv.values, 1.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("slices", "says"),
    [
        (frames()[1:], "plane 1 has 2 slices at 2 times"),
        ((bed(z=0.0), bed(SCAN + timedelta(seconds=9), z=0.0), *frames()[:3]), "plane 0 has 2 slices"),
        ((*frames()[:3], *frames()[3:5], frames()[3]), "plane 0 has 3 slices at 2 times"),
        (
            tuple(replace(part, frame_duration_s=90.0) for part in frames()),
            "start and last as the frames do within 1 s; got a difference of 210 s in plane 0, frame 2",
        ),
        (frames()[:3], "plane 0 is none"),
    ],
)
def test_to_suv__refuses_frames_that_are_no_slices(slices, says):
    files = scan(decay_reference=DecayReference.NONE, corrected_image=(), slices=slices)
    with pytest.raises(InputError, match=says):
        to_suv(dynamic(), files, variant=BODY_WEIGHT)
