from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.io.dicom import times


@given(moment=st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)))
def test_parse__reads_back_any_moment(moment):
    day, clock = moment.strftime("%Y%m%d"), moment.strftime("%H%M%S.%f")
    day = day.rjust(8, "0")
    assert times.combine(day, clock) == moment
    assert times.parse_datetime(day + clock) == moment
    assert times.parse_datetime(day + clock + "+0530") == moment.replace(
        tzinfo=timezone(timedelta(hours=5, minutes=30))
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("07", time(7)),
        ("0726", time(7, 26)),
        ("072615.1", time(7, 26, 15, 100_000)),
        ("07:26:15", time(7, 26, 15)),
        (" 072615 ", time(7, 26, 15)),
        ("235960", time(23, 59, 59, 999_999)),
        ("", None),
        (None, None),
    ],
)
def test_parse_time__reads_what_scanners_write(text, expected):
    assert times.parse_time(text) == expected


@pytest.mark.parametrize("text", ["7", "246000", "0726:15", "07261", "noon", "072615.", "07:2615"])
def test_parse_time__refuses_what_is_no_time(text):
    with pytest.raises(InputError, match="a DICOM time must read HHMMSS"):
        times.parse_time(text)


def test_parse_date__reads_both_spellings_and_refuses_the_rest():
    assert times.parse_date("20040119") == times.parse_date("2004.01.19") == date(2004, 1, 19)
    assert times.parse_date("") is None
    for text in ("20040231", "040119", "2004-0119"):
        with pytest.raises(InputError, match="a DICOM date must read YYYYMMDD"):
            times.parse_date(text)


def test_parse_datetime__takes_its_own_zone_before_that_of_the_file():
    file_zone = timezone(timedelta(hours=1))
    assert times.parse_datetime("20250101100000", zone=file_zone) == datetime(2025, 1, 1, 9, tzinfo=UTC)
    assert times.parse_datetime("20250101100000-0500", zone=file_zone) == datetime(2025, 1, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2025", "202501", "20250101", "20250101T10", "2025010110+2500", "20250101100000+1"]
)
def test_parse_datetime__refuses_what_is_no_moment(text):
    with pytest.raises(InputError):
        times.parse_datetime(text)


def test_moments_across_a_change_to_summer_time_differ_by_what_elapsed():
    # Berlin, 30 March 2025: at 02:00 the clock jumps to 03:00; with offsets stated, one hour has passed.
    before = times.parse_datetime("20250330013000+0100")
    after = times.parse_datetime("20250330033000+0200")
    assert (after - before).total_seconds() == 3600.0


@given(clock=st.times(), scan=st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)))
def test_latest_at_time_of_day__is_within_the_day_before_the_scan(clock, scan):
    moment = times.latest_at_time_of_day(clock, not_after=scan)
    assert moment.time() == clock
    assert timedelta(0) <= scan - moment < timedelta(days=1)


def test_on_clock__drops_a_zone_only_where_the_file_has_none():
    moment = times.parse_datetime("20250101100000+0100")
    assert times.on_clock(moment, None) == datetime(2025, 1, 1, 10)
    assert times.on_clock(moment, UTC) == datetime(2025, 1, 1, 9, tzinfo=UTC)
    assert times.on_clock(datetime(2025, 1, 1, 10), UTC) == datetime(2025, 1, 1, 10, tzinfo=UTC)
