import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from tumorboard.dosimetry.close_contact import contact_dose_msv, restriction
from tumorboard.dosimetry.contact_patterns import PUBLISHED_PATTERNS, ContactPattern, Repetition
from tumorboard.dosimetry.dose_rate_clearance import DoseRateClearance
from tumorboard.errors import InputError

# The patient of glowgreen's documentation: 60 uSv/h at 2 m, 30 % with 8 h and the rest with 30 h.
KNOWN = DoseRateClearance(60 * 2**1.5 * np.array([0.3, 0.7]), np.array([8.0, 30.0]), np.zeros((4, 4)))
UNSURE = replace(KNOWN, covariance=np.diag([8.0, 20.0, 1.0, 3.0]) ** 2 + 1e-3)
HOW = {"administered_at_h": 10.5, "distance_exponent": 1.5}
VISITS = ContactPattern("visits", Repetition.DAILY, *np.array([[7.5, 16.0], [0.75, 3.5], [0.3, 1.0]]))


def stays(name, limit_msv, clearance=KNOWN, confidence=0.5):
    return restriction(PUBLISHED_PATTERNS[name], clearance, limit_msv=limit_msv, confidence=confidence, **HOW)


@pytest.mark.parametrize(
    ("name", "limit_msv", "published_h"),
    [
        ("infant", 0.5, 156.5),
        ("demanding or sick infant", 0.5, 208.5),
        ("child of 2 to 5 years", 0.5, 187.5),
        ("child of 5 to 15 years", 0.5, 141.5),
        ("sleeping with an adult 0.1 m away", 0.5, 206.5),
        ("adult friends and family", 0.5, 117.5),
        ("informed carer", 5.0, 44.5),
        ("public transport to and from work", 0.5, 78.5),
        ("work or school with close contact", 0.5, 94.5),
    ],
)
def test_restriction__ends_when_the_published_example_ends(name, limit_msv, published_h):
    # glowgreen's documentation, two treatments a year, administration on 2021-12-25 at 10:30.
    assert stays(name, limit_msv).resumes_h == pytest.approx(published_h, abs=1e-6)


def test_restriction__of_a_single_trip_is_the_published_one_to_a_millisecond():
    # From 2021-12-25 10:30 to 2021-12-31 08:33:45.528190.
    published_h = 5 * 24 + 22 + 3 / 60 + 45.528190 / 3600
    found = stays("24 h on public transport", 0.5)
    assert found.duration_h == pytest.approx(published_h, abs=3e-7)
    assert found.resumes_h == found.duration_h


def test_restriction__of_long_spells_ends_within_the_published_hour():
    # Published on a grid of whole hours from 9:00 on: 2021-12-27 15:00.
    found = stays("social functions, or work without close contact", 0.5)
    assert 51.5 < found.duration_h <= 52.5
    assert found.resumes_h == 70.5  # the next morning at 9:00


@pytest.mark.parametrize("restricted_h", [0.0, 4.0, 7.25, 21.3, 45.1])
def test_dose__is_the_integral_of_the_dose_rate_over_the_spells(restricted_h):
    def rate(t):
        return KNOWN.dose_rate_usv_h(t)[0] * 1e-3

    total = 0.0
    for day in range(-1, 30):
        for start, duration, distance in zip(
            VISITS.starts_h, VISITS.durations_h, VISITS.distances_m, strict=True
        ):
            begins = max(24.0 * day + start - 10.5, restricted_h)
            ends = 24.0 * day + start + duration - 10.5
            if ends > begins:
                total += quad(rate, begins, ends)[0] * distance**-1.5
    dose, spread = contact_dose_msv(VISITS, KNOWN, restricted_h=restricted_h, **HOW)
    assert dose == pytest.approx(total, rel=1e-6)
    assert spread == 0.0


def test_dose__does_not_jump_when_a_restriction_ends_within_a_spell():
    doses = [contact_dose_msv(VISITS, KNOWN, restricted_h=t, **HOW)[0] for t in np.arange(0.0, 60.0, 0.05)]
    assert (np.diff(doses) <= 1e-12).all()
    assert np.diff(doses).min() > -KNOWN.dose_rates_usv_h.sum() * 1e-3 * 0.05 * 0.3**-1.5 * 1.001


def test_dose__carries_the_uncertainty_of_the_clearance():
    small = replace(UNSURE, covariance=UNSURE.covariance * 1e-4)
    _, spread = contact_dose_msv(VISITS, small, restricted_h=21.0, **HOW)
    drawn = np.random.default_rng(5).multivariate_normal(
        np.concatenate([KNOWN.dose_rates_usv_h, KNOWN.half_lives_h]), small.covariance, size=4000
    )
    doses = [
        contact_dose_msv(VISITS, DoseRateClearance(d[:2], d[2:], np.zeros((4, 4))), restricted_h=21.0, **HOW)[
            0
        ]
        for d in drawn
    ]
    assert spread == pytest.approx(np.std(doses), rel=0.05)


def test_restriction__is_the_shortest_and_longer_with_more_confidence():
    sure = restriction(VISITS, UNSURE, limit_msv=1.0, confidence=0.95, **HOW)
    even = restriction(VISITS, UNSURE, limit_msv=1.0, confidence=0.5, **HOW)
    assert sure.duration_h > even.duration_h
    mean, spread = contact_dose_msv(VISITS, UNSURE, restricted_h=sure.duration_h, **HOW)
    assert mean + 1.6448536 * spread == pytest.approx(1.0, rel=1e-5)
    assert sure.dose_msv <= mean
    assert restriction(VISITS, KNOWN, limit_msv=100.0, confidence=0.5, **HOW).duration_h == 0.0


def test_patterns__are_valid_and_named_by_themselves():
    assert all(name == pattern.name for name, pattern in PUBLISHED_PATTERNS.items())
    infant = PUBLISHED_PATTERNS["infant"]
    assert infant.durations_h.sum() == pytest.approx((5 * 20 + 6 * 30 + 3 * 40 + 35) / 60)
    assert PUBLISHED_PATTERNS["sleeping with an adult 0.3 m away"].durations_h.sum() == 14.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distances_m": np.array([0.0, 1.0])}, r"distances_m .* \[m\]"),
        ({"starts_h": np.array([16.0, 7.5])}, "without overlap"),
        ({"starts_h": np.array([7.5, 22.0])}, "by 24 h"),
        ({"durations_h": np.array([1.0])}, "one number for each spell"),
    ],
)
def test_pattern__rejects_spells_that_cannot_be(change, message):
    with pytest.raises(InputError, match=message):
        replace(VISITS, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"limit_msv": 0.0}, r"limit_msv .* \[mSv\]"),
        ({"administered_at_h": 24.0}, "time of day"),
        ({"distance_exponent": 3.0}, "between 1 .* and 2"),
        ({"confidence": 1.0}, "less than 1"),
    ],
)
def test_restriction__rejects_numbers_out_of_range(change, message):
    with pytest.raises(InputError, match=message):
        restriction(VISITS, KNOWN, **{"limit_msv": 1.0, "confidence": 0.5, **HOW, **change})


def test_dose__rejects_a_restriction_before_administration():
    with pytest.raises(InputError, match=r"restricted_h .* \[h\]"):
        contact_dose_msv(VISITS, KNOWN, restricted_h=-math.inf, **HOW)
