import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core import AXIAL, Grid, Image, Quantity
from tumorboard.errors import GridMismatch, InputError
from tumorboard.outcomes.dose_volume import DoseVolumeHistogram
from tumorboard.outcomes.fractionation import (
    TissueSensitivity,
    bed_gy,
    eqd2_gy,
    eqd2_histogram,
    eqd2_image,
    incomplete_repair_factor,
    repopulation_loss_gy,
)
from tumorboard.provenance import Record

MADE = Record("test.made")
RATIO = st.floats(0.5, 20.0)
DAY_S = 86400.0


def image(values, quantity, spacing=(2.0, 2.0, 2.0)):
    grid = Grid(np.shape(values), spacing, (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    return Image(values, grid, quantity, MADE)


@given(st.floats(0.1, 100.0), st.integers(1, 40), RATIO)
def test_bed__grows_with_fraction_size_and_nears_the_dose_in_many_fractions(dose_gy, n, ratio):
    few = float(bed_gy(dose_gy, n_fractions=n, alpha_beta_gy=ratio))
    more = float(bed_gy(dose_gy, n_fractions=n + 1, alpha_beta_gy=ratio))
    endless = float(bed_gy(dose_gy, n_fractions=10**9, alpha_beta_gy=ratio))
    assert few > more > dose_gy
    assert endless == pytest.approx(dose_gy, rel=1e-5)


@given(st.floats(0.1, 20.0), st.integers(1, 20), st.integers(1, 20), RATIO)
def test_bed__of_courses_one_after_the_other_adds(fraction_gy, first, second, ratio):
    parts = [float(bed_gy(n * fraction_gy, n_fractions=n, alpha_beta_gy=ratio)) for n in (first, second)]
    both = first + second
    assert float(bed_gy(both * fraction_gy, n_fractions=both, alpha_beta_gy=ratio)) == pytest.approx(
        sum(parts)
    )


@given(st.floats(0.1, 100.0), st.integers(1, 40), RATIO)
def test_eqd2__has_the_same_bed(dose_gy, n, ratio):
    eqd2 = float(eqd2_gy(dose_gy, n_fractions=n, alpha_beta_gy=ratio))
    assert eqd2 * (1 + 2 / ratio) == pytest.approx(float(bed_gy(dose_gy, n_fractions=n, alpha_beta_gy=ratio)))


@given(st.integers(2, 6), st.floats(600.0, 40_000.0), st.floats(600.0, 40_000.0))
def test_incomplete_repair_factor__is_the_closed_form_of_the_paper(m, interval_s, half_life_s):
    phi = 2.0 ** (-interval_s / half_life_s)
    closed = 2 / m * phi / (1 - phi) * (m - (1 - phi**m) / (1 - phi))
    found = incomplete_repair_factor(fractions_per_day=m, interval_s=interval_s, half_life_s=half_life_s)
    assert found == pytest.approx(closed, rel=1e-6, abs=1e-9)
    assert 0 <= found < m - 1


def test_incomplete_repair_factor__without_time_to_repair_makes_one_fraction_of_all():
    h = incomplete_repair_factor(fractions_per_day=3, interval_s=1e-6, half_life_s=5400.0)
    split = bed_gy(6.0, n_fractions=3, alpha_beta_gy=3.0, incomplete_repair=h)
    assert float(split) == pytest.approx(float(bed_gy(6.0, n_fractions=1, alpha_beta_gy=3.0)))


def test_repopulation_loss__begins_at_kickoff_and_grows_evenly():
    def loss(days):
        return repopulation_loss_gy(
            overall_time_s=days * DAY_S,
            kickoff_time_s=28 * DAY_S,
            alpha_per_gy=0.3,
            doubling_time_s=3 * DAY_S,
        )

    assert loss(10) == loss(28) == 0.0
    # ln 2 / (0.3 x 3) = 0.77 Gy a day, as head and neck tumours lose (Fowler 1989: 0.5 to 0.8).
    assert loss(29) == pytest.approx(0.7702, abs=1e-4)
    assert loss(42) == pytest.approx(14 * loss(29))


def test_eqd2_image__takes_each_voxel_s_own_sensitivity():
    dose = image(np.full((2, 2, 2), 30.0), Quantity.DOSE)
    first, second = np.zeros((2, 2, 2), dtype=bool), np.zeros((2, 2, 2), dtype=bool)
    first[0], second[:, 0] = True, True
    tissues = [
        TissueSensitivity(image(mask, Quantity.LABEL), ratio) for mask, ratio in ((first, 2.0), (second, 3.0))
    ]
    found = eqd2_image(dose, n_fractions=10, elsewhere_gy=10.0, tissues=tissues).values
    assert found[0] == pytest.approx(37.5)
    assert found[1, 0] == pytest.approx(36.0)
    assert found[1, 1] == pytest.approx(32.5)
    histogram = eqd2_histogram(
        DoseVolumeHistogram("x", [30.0], [1.0], MADE), n_fractions=10, alpha_beta_gy=2.0
    )
    assert histogram.mean_gy == pytest.approx(37.5)
    elsewhere = image(np.ones((2, 2, 2), dtype=bool), Quantity.LABEL, spacing=(3.0, 2.0, 2.0))
    with pytest.raises(GridMismatch):
        eqd2_image(dose, n_fractions=10, elsewhere_gy=10.0, tissues=[TissueSensitivity(elsewhere, 2.0)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_fractions": 0}, "n_fractions must be a whole number >= 1; got 0"),
        ({"alpha_beta_gy": 0.0}, r"alpha_beta_gy must be finite and > 0 \[Gy\]"),
        ({"dose_gy": -1.0}, r"dose_gy must be finite and >= 0 \[Gy\]"),
        ({"incomplete_repair": -0.1}, "incomplete_repair must be finite and >= 0"),
    ],
)
def test_bed__says_what_is_wrong(changes, message):
    given_ = {"dose_gy": 60.0, "n_fractions": 30, "alpha_beta_gy": 3.0} | changes
    with pytest.raises(InputError, match=message):
        bed_gy(given_.pop("dose_gy"), **given_)
