from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core.image import Quantity
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.pet import (
    DeauvilleRule,
    LesionQuantities,
    MetabolicResponse,
    PercistRule,
    PercistScan,
    SphereUptake,
    UptakeMeasure,
    deauville_score,
    percist_response,
)
from tumorboard.provenance import Record

MEASURED = Record("test.measured")
LEAN = Quantity.SUV_LEAN_BODY_MASS_JANMAHASATIAN
RULE = DeauvilleRule(UptakeMeasure.MAXIMUM, markedly_factor=2.0, background=0.8)


def lesion(peak, *, name="lesion 1", volume_ml=10.0, quantity=LEAN):
    at = np.zeros(3)
    return LesionQuantities(
        name=name,
        quantity=quantity,
        n_voxels=10,
        volume_ml=volume_ml,
        maximum=peak,
        mean=0.7 * peak,
        peak=peak,
        peak_centre_mm=at,
        peak_coverage=1.0,
        integral=0.7 * peak * volume_ml,
        surface_mm2=1.0,
        centroid_mm=at,
        maximum_position_mm=at,
        provenance=MEASURED,
    )


def tissue(mean, deviation=0.2, quantity=LEAN):
    return SphereUptake(mean, deviation, np.zeros(3), 15.0, 1.0, quantity, MEASURED)


def scan(*peaks, liver=2.0, blood=1.3, volume_ml=10.0):
    lesions = [lesion(p, name=f"lesion {n}", volume_ml=volume_ml) for n, p in enumerate(peaks, start=1)]
    return PercistScan(lesions, tissue(liver) if liver else None, tissue(blood, 0.1) if blood else None)


# Mediastinum 1.6, liver 2.5: the boundaries of Barrington 2014, each from both sides.
@pytest.mark.parametrize(
    ("uptake", "score"),
    [(0.8, 1), (0.81, 2), (1.6, 2), (1.61, 3), (2.5, 3), (2.51, 4), (5.0, 4), (5.01, 5)],
)
def test_deauville_score__of_a_lesion(uptake, score):
    got = deauville_score([lesion(0.1), lesion(uptake, name="hot")], mediastinum=1.6, liver=2.5, rule=RULE)
    assert (got.score, got.lesion) == (score, "hot")
    assert f"{uptake:.3g}" in got.reason


def test_deauville_score__new_lesions_are_5_and_none_is_1():
    got = deauville_score([lesion(1.0)], mediastinum=1.6, liver=2.5, rule=RULE, new_lesions=["spleen"])
    assert (got.score, got.lesion, got.reason) == (5, "spleen", "new lesions: spleen")
    assert deauville_score([], mediastinum=1.6, liver=2.5, rule=RULE).score == 1


@pytest.mark.parametrize(("uptake", "score"), [(1.9, 2), (2.0, 3), (2.1, 4)])
def test_deauville_score__rests_on_the_liver_when_the_mediastinum_is_not_below_it(uptake, score):
    assert deauville_score([lesion(uptake)], mediastinum=2.2, liver=2.0, rule=RULE).score == score


@given(low=st.floats(0, 20), rise=st.floats(0, 20), factor=st.floats(1.5, 3.0))
def test_deauville_score__never_falls_with_uptake(low, rise, factor):
    rule = replace(RULE, markedly_factor=factor)
    scores = [
        deauville_score([lesion(u)], mediastinum=1.6, liver=2.5, rule=rule).score for u in (low, low + rise)
    ]
    assert scores[0] <= scores[1]


def test_deauville_score__says_what_is_wrong_and_where_it_comes_from():
    with pytest.raises(InputError, match=r"liver must be finite and > 0 in the lesions' unit; got 0"):
        deauville_score([], mediastinum=1.0, liver=0, rule=RULE)
    with pytest.raises(InputError, match=r"markedly_factor must be finite and > 1; got 1"):
        DeauvilleRule(UptakeMeasure.PEAK, markedly_factor=1.0, background=0.0)
    mixed = lesion(2.0, quantity=Quantity.SUV_BODY_WEIGHT)
    with pytest.raises(InputError, match=r"one quantity"):
        deauville_score([lesion(1.0), mixed], mediastinum=1.0, liver=2.0, rule=RULE)
    got = deauville_score([lesion(2.0)], mediastinum=1.0, liver=2.0, rule=RULE)
    assert list(got.provenance.citations()) == ["cheson2014lugano", "barrington2014role"]


# Measurable from 1.5 x 2.0 + 2 x 0.2 = 3.4; limits of Wahl 2009 from both sides.
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((10.0,), (), MetabolicResponse.CMR),
        ((10.0,), (1.4,), MetabolicResponse.CMR),  # below liver, not above blood pool (1.5)
        ((10.0,), (1.6,), MetabolicResponse.PMR),  # below liver, above blood pool
        ((10.0,), (7.0,), MetabolicResponse.PMR),
        ((10.0,), (7.01,), MetabolicResponse.SMD),
        ((10.0,), (13.0,), MetabolicResponse.SMD),
        ((10.0,), (13.01,), MetabolicResponse.PMD),
        ((10.0, 4.0), (3.0, 6.5), MetabolicResponse.PMR),  # hottest to hottest, not lesion by lesion
        ((3.39,), (9.0,), MetabolicResponse.NOT_MEASURABLE),
        ((), (), MetabolicResponse.NOT_MEASURABLE),
    ],
)
def test_percist_response__category(before, after, expected):
    got = percist_response(scan(*before), scan(*after))
    assert got.category is expected
    assert got.reasons
    assert got.cautions == ()


def test_percist_response__asks_for_an_absolute_change_too():
    baseline, follow_up = scan(2.4, liver=1.2, blood=None), scan(1.65, liver=1.2, blood=None)
    assert percist_response(baseline, follow_up).category is MetabolicResponse.SMD  # -31 %, but -0.75
    smaller = PercistRule(change_sul=0.7)
    assert percist_response(baseline, follow_up, rule=smaller).category is MetabolicResponse.PMR


def test_percist_response__extent_is_progression_unless_uptake_fell():
    baseline = scan(10.0)
    assert percist_response(baseline, scan(10.0, volume_ml=17.6)).category is MetabolicResponse.PMD
    assert percist_response(baseline, scan(10.0, volume_ml=17.4)).category is MetabolicResponse.SMD
    assert percist_response(baseline, scan(9.9, volume_ml=30.0)).category is MetabolicResponse.SMD


def test_percist_response__new_lesions_are_progression_whatever_else():
    for before, after in ((scan(10.0), scan()), (scan(), scan(5.0))):
        got = percist_response(before, after, new_lesions=["rib"])
        assert got.category is MetabolicResponse.PMD
        assert "new lesions: rib" in got.reasons[-1]


@given(before=st.floats(3.5, 40.0), after=st.floats(2.1, 80.0))
def test_percist_response__change_is_that_of_the_hottest(before, after):
    got = percist_response(scan(before, 2.5), scan(2.05, after))
    assert got.change_sul == pytest.approx(after - before)
    assert got.change_percent == pytest.approx(100 * (after - before) / before)


def test_percist_response__cautions_when_the_liver_changed():
    assert percist_response(scan(10.0, liver=2.0), scan(5.0, liver=2.29)).cautions == ()
    assert "hardly comparable" in percist_response(scan(10.0, liver=2.0), scan(5.0, liver=2.31)).cautions[0]
    assert "hardly comparable" in percist_response(scan(10.0, liver=1.0), scan(5.0, liver=1.21)).cautions[0]
    assert "not tested" in percist_response(scan(10.0, liver=None), scan(5.0)).cautions[0]


def test_percist_scan__measurable_limit_falls_back_on_blood_pool_only_without_liver():
    assert scan(1.0).measurable_from == pytest.approx(1.5 * 2.0 + 2 * 0.2)
    assert scan(1.0, liver=None).measurable_from == pytest.approx(2.0 * 1.3 + 2 * 0.1)


def test_percist_response__refuses_rather_than_guesses():
    with pytest.raises(MissingAttribute, match=r"blood_pool of the follow-up scan"):
        percist_response(scan(10.0), scan(1.4, blood=None))
    with pytest.raises(InputError, match=r"must have a liver or a blood-pool reference; got neither"):
        PercistScan((), None, None)
    with pytest.raises(InputError, match=r"in one SUV by lean body mass; got .*suv_body_weight"):
        PercistScan((lesion(5.0, quantity=Quantity.SUV_BODY_WEIGHT),), tissue(2.0), None)
    james = PercistScan((), tissue(2.0, quantity=Quantity.SUV_LEAN_BODY_MASS_JAMES), None)
    with pytest.raises(InputError, match=r"both scans must be in one SUV by lean body mass"):
        percist_response(scan(10.0), james)
    with pytest.raises(InputError, match=r"change_percent must be finite and > 0; got -30"):
        PercistRule(change_percent=-30)


def test_percist_response__carries_provenance():
    got = percist_response(scan(10.0), scan(5.0))
    assert list(got.provenance.citations()) == ["wahl2009percist", "o2016percist"]
    assert got.provenance.parameters["change_percent"] == 30.0
    assert len(got.provenance.inputs) == 6
