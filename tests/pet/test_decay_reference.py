import math
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetSlice
from tumorboard.errors import MissingAttribute
from tumorboard.pet.decay_reference import average_count_rate_time_s, scan_start

SCAN = datetime(2025, 1, 1, 11)
F18_S = 6586.2


def bed(start=SCAN, *, reference_s=150.0, duration_s=300.0):
    return PetSlice(acquisition_start=start, frame_reference_time_s=reference_s, frame_duration_s=duration_s)


def scan(**changes):
    """F-18 given one hour before a scan of one bed."""
    usual = {
        "decay_reference": DecayReference.START,
        "half_life_s": F18_S,
        "injection": SCAN - timedelta(hours=1),
        "series_start": SCAN,
        "slices": (bed(),),
    }
    return PetAcquisition(**(usual | changes))


@given(frame_s=st.floats(1e-3, 1e5), half_life_s=st.floats(10.0, 1e7))
def test_average_count_rate_time_s__is_where_the_mean_of_the_frame_is_reached(frame_s, half_life_s):
    decays = math.log(2) * frame_s / half_life_s
    at_s = average_count_rate_time_s(frame_s, half_life_s=half_life_s)
    assert 0 < at_s <= frame_s / 2 * (1 + 1e-6)
    assert math.exp(-decays * at_s / frame_s) == pytest.approx(-math.expm1(-decays) / decays, rel=1e-6)


# --- when START was --------------------------------------------------------------------------------


def test_scan_start__series_time_before_the_first_acquisition():
    assert scan_start(scan(series_start=SCAN - timedelta(minutes=5))).moment == SCAN - timedelta(minutes=5)


def test_scan_start__is_that_of_the_first_bed_of_several():
    beds = tuple(bed(SCAN + timedelta(seconds=240 * k), reference_s=120.0 + 240 * k) for k in (2, 0, 1))
    result = scan_start(scan(slices=beds))
    assert result.moment == SCAN
    assert "Series Date and Time" in result.rule


def test_scan_start__series_time_later_counts_back_from_the_frame_reference_time():
    # average count rate 149.605 s into the frame; reference time 149.605 s after the scan start: they cancel
    exact = average_count_rate_time_s(300.0, half_life_s=F18_S)
    later = {"series_start": SCAN + timedelta(hours=2)}
    first = scan_start(scan(slices=(bed(reference_s=exact),), **later))
    assert abs((first.moment - SCAN).total_seconds()) < 1e-5
    assert "later than the first acquisition" in first.rule
    # only the third bed is in the series: it began 480 s after the scan
    third = bed(SCAN + timedelta(seconds=480), reference_s=480.0 + exact)
    assert abs((scan_start(scan(slices=(third,), **later)).moment - SCAN).total_seconds()) < 1e-5


def test_scan_start__series_time_later_without_frame_reference_time_is_the_first_acquisition():
    beds = (bed(SCAN + timedelta(seconds=240), reference_s=None), bed(reference_s=None))
    result = scan_start(scan(series_start=SCAN + timedelta(hours=2), slices=beds))
    assert result.moment == SCAN
    assert "earliest Acquisition" in result.rule


def test_scan_start__ge_counts_to_the_start_of_the_frame():
    ge = {"manufacturer": "GE MEDICAL SYSTEMS", "series_start": SCAN + timedelta(hours=2)}
    # every bed repeats the scan start as its Acquisition Time, as in the sarcoma series of TCIA
    same = tuple(bed(SCAN, reference_s=243.0 * k, duration_s=240.0) for k in range(1, 4))
    assert scan_start(scan(slices=same, **ge)).moment == SCAN
    # every bed has its own
    own = tuple(
        bed(SCAN + timedelta(seconds=243.0 * k), reference_s=243.0 * k, duration_s=240.0) for k in range(1, 4)
    )
    assert scan_start(scan(slices=own, **ge)).moment == SCAN


@pytest.mark.parametrize("field", ["ge_scan_start", "siemens_scan_start"])
def test_scan_start__private_statement_of_the_vendor_goes_first(field):
    early = SCAN - timedelta(minutes=2)
    later = scan(series_start=SCAN + timedelta(hours=2), **{field: early})
    assert scan_start(later).moment == early
    assert "Series Date and Time is 2025-01-01T13:00:00" in scan_start(later).notes[0]
    assert scan_start(scan(**{field: SCAN})).notes == ()


def test_scan_start__decay_correction_datetime_of_enhanced_pet_goes_before_all():
    stated = SCAN - timedelta(minutes=3)
    result = scan_start(scan(decay_corrected_to=stated, ge_scan_start=SCAN))
    assert (result.moment, result.rule) == (stated, "Decay Correction DateTime (0018,9701)")


def test_scan_start__series_time_that_the_frames_do_not_count_from_is_noted():
    exact = average_count_rate_time_s(300.0, half_life_s=F18_S)
    early = scan(series_start=SCAN - timedelta(minutes=45), slices=(bed(reference_s=exact),))
    result = scan_start(early)
    assert result.moment == SCAN - timedelta(minutes=45)  # as the standard has it
    ratio = 2 ** (2700 / F18_S)
    assert "counts from 2025-01-01T11:00:00: the former is used" in result.notes[0]
    assert f"uptake values would be {ratio:.4g} times these" in result.notes[0]
    # a late part of a dynamic scan counts from its start
    late = bed(reference_s=2700.0 + exact)
    assert scan_start(scan(series_start=SCAN - timedelta(minutes=45), slices=(late,))).notes == ()


def test_scan_start__without_acquisition_time_series_time_is_not_trusted():
    with pytest.raises(MissingAttribute, match=r"Acquisition Date \(0008,0022\) and Time \(0008,0032\)"):
        scan_start(scan(slices=()))
