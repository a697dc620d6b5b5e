from dataclasses import replace

import numpy as np
import pytest

from tumorboard.dosimetry.next_cycle import DeliveredDose, OrganLimit, exceedance_probability, plan_next_cycle
from tumorboard.errors import InputError

GBQ = 1e9
KIDNEY = OrganLimit("kidney", 23.0, 0.9)
SO_FAR = DeliveredDose(14.0, 0.8, 0.6 / GBQ, 0.15, 0.08)


def activity(limit, dose):
    return plan_next_cycle([(limit, dose)], most_activity_bq=100 * GBQ).activity_bq


def test_plan__keeps_the_limit_with_its_confidence():
    plan = plan_next_cycle([(KIDNEY, SO_FAR)], most_activity_bq=100 * GBQ)
    assert plan.exceedance["kidney"] == pytest.approx(0.1, rel=1e-9)
    rng = np.random.default_rng(2)
    before = 14.0 + 0.8 * rng.standard_normal(200_000)
    cycle = plan.expected_gy["kidney"] - 14.0
    total = before + cycle * (1 + 0.15 * rng.standard_normal(200_000))
    total += (14.0 + cycle) * 0.08 * rng.standard_normal(200_000)
    assert np.mean(total > 23.0) == pytest.approx(0.1, abs=0.003)
    assert plan.uncertainty_gy["kidney"] == pytest.approx(total.std(), rel=0.01)


def test_plan__without_uncertainty_uses_up_the_limit():
    certain = DeliveredDose(14.0, 0.0, 0.6 / GBQ, 0.0, 0.0)
    assert activity(KIDNEY, certain) == pytest.approx(15 * GBQ, rel=1e-12)
    assert exceedance_probability(KIDNEY, certain, activity_bq=14.9 * GBQ) == 0.0
    assert exceedance_probability(KIDNEY, certain, activity_bq=15.1 * GBQ) == 1.0


@pytest.mark.parametrize(
    "change",
    [
        {"delivered_gy": 15.0},
        {"delivered_uncertainty_gy": 1.5},
        {"gy_per_bq": 0.8 / GBQ},
        {"relative_uncertainty": 0.3},
        {"shared_relative_uncertainty": 0.12},
    ],
)
def test_plan__allows_less_where_more_is_given_or_less_is_known(change):
    assert activity(KIDNEY, replace(SO_FAR, **change)) < activity(KIDNEY, SO_FAR)
    assert activity(replace(KIDNEY, confidence=0.95), SO_FAR) < activity(KIDNEY, SO_FAR)


def test_plan__of_bed_solves_the_quadratic():
    limit = OrganLimit("kidney", 40.0, 0.5, alpha_beta_gy=2.5, protraction=0.05)
    planned = plan_next_cycle([(limit, SO_FAR)], most_activity_bq=100 * GBQ)
    dose = planned.activity_bq * SO_FAR.gy_per_bq
    assert dose * (1 + 0.05 * dose / 2.5) == pytest.approx(40.0 - 14.0, rel=1e-9)
    assert planned.activity_bq < activity(replace(limit, protraction=0.0), SO_FAR)


def test_plan__is_limited_by_the_organ_that_allows_least():
    marrow = OrganLimit("marrow", 2.0, 0.9), DeliveredDose(1.5, 0.1, 0.03 / GBQ, 0.3, 0.1)
    both = plan_next_cycle([(KIDNEY, SO_FAR), marrow], most_activity_bq=100 * GBQ)
    assert (
        both.limiting_organ == min([(activity(*marrow), "marrow"), (activity(KIDNEY, SO_FAR), "kidney")])[1]
    )
    assert both.activity_bq == min(activity(*marrow), activity(KIDNEY, SO_FAR))
    little = plan_next_cycle([(KIDNEY, SO_FAR)], most_activity_bq=1 * GBQ)
    assert (little.activity_bq, little.limiting_organ) == (1 * GBQ, "")


def test_plan__gives_nothing_where_the_limit_is_reached():
    full = DeliveredDose(23.0, 1.0, 0.6 / GBQ, 0.1, 0.0)
    plan = plan_next_cycle([(KIDNEY, full)], most_activity_bq=GBQ)
    assert plan.activity_bq == 0.0
    assert plan.exceedance["kidney"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OrganLimit("a", 0.0, 0.9), "limit_gy of a"),
        (lambda: OrganLimit("a", 1.0, 0.4), "confidence for a"),
        (lambda: OrganLimit("a", 1.0, 0.9, alpha_beta_gy=0.0), "alpha_beta_gy of a"),
        (lambda: OrganLimit("a", 1.0, 0.9, protraction=2.0), "protraction of a"),
        (lambda: replace(SO_FAR, delivered_gy=-1.0), "delivered_gy"),
        (lambda: replace(SO_FAR, gy_per_bq=0.0), "gy_per_bq"),
        (lambda: plan_next_cycle([], most_activity_bq=1.0), "organs must be one or more"),
        (lambda: plan_next_cycle([(KIDNEY, SO_FAR)] * 2, most_activity_bq=1.0), "each once"),
        (lambda: plan_next_cycle([(KIDNEY, SO_FAR)], most_activity_bq=0.0), "most_activity_bq"),
        (lambda: exceedance_probability(KIDNEY, SO_FAR, activity_bq=-1.0), "activity_bq"),
    ],
)
def test_next_cycle__refuses_what_cannot_be(make, message):
    with pytest.raises(InputError, match=message):
        make()
