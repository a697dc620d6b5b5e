import numpy as np
import pytest
from scipy import stats

from tumorboard.errors import InputError
from tumorboard.outcomes.effect_size import group_size_for, hedges_effect, power_of_two_groups
from tumorboard.outcomes.group_comparison import GroupComparisonConfig, GroupStudy, compare_groups
from tumorboard.outcomes.multiplicity import Multiplicity, corrected_p
from tumorboard.provenance import Record

REGIONS = ("thalamus", "brainstem", "cortex", "cerebellum")
SECOND = np.arange(24) >= 11
AGE = np.array(
    [31, 47, 52, 26, 32, 67, 28, 31, 68, 53, 42, 48, 55, 37, 31, 60, 55, 48, 62, 50, 69, 34, 50, 47.0]
)
SEX = np.array([1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0.0])
#: Made up; the same numbers were given to statsmodels, see validation/outcomes/README.md.
VALUES = np.array(
    """
    22.153 13.809 9.782 8.0 21.191 12.193 10.806 7.045 18.57 10.493 7.392 8.317 22.262 11.415 11.766 9.798
    22.326 12.864 11.091 7.447 21.243 12.101 6.904 8.09 20.297 13.526 9.604 8.892 21.659 11.069 10.71 8.714
    20.916 10.465 10.161 8.32 19.724 12.562 10.811 9.966 16.638 13.251 10.226 8.395 14.786 12.415 7.864 8.881
    20.227 8.126 8.759 6.78 18.177 13.113 11.979 6.848 16.353 12.135 11.647 9.245 15.063 10.684 8.939 7.745
    15.242 10.963 9.463 8.006 16.707 8.785 8.758 9.526 16.364 8.144 10.435 8.425 22.351 10.649 8.726 6.791
    19.861 13.659 7.742 7.028 19.129 9.854 9.426 8.377 17.66 12.123 9.283 9.176 16.252 11.118 6.885 6.878
    """.split(),
    float,
).reshape(24, 4)
#: By statsmodels 0.14 (OLS): difference, standard error, p, interval.
OLS = np.array(
    [
        (
            -2.594392271728877,
            1.014905123500207,
            0.018820331549595854,
            -4.711447261793156,
            -0.4773372816645982,
        ),
        (
            -1.6618428093822544,
            0.7000559698846193,
            0.0277301621046104,
            -3.1221339736018225,
            -0.2015516451626862,
        ),
        (0.00962863103481304, 0.61720028515301, 0.9877076882467524, -1.277828603436434, 1.29708586550606),
        (
            -0.30429732981661006,
            0.47474575971214417,
            0.5288198314421099,
            -1.2945996313206058,
            0.6860049716873857,
        ),
    ]
)


def study(values=VALUES, covariates=None, second=SECOND):
    covariates = {"age": AGE, "sex": SEX} if covariates is None else covariates
    names = REGIONS[: np.shape(values)[1]]
    return GroupStudy(names, "mL/cm3", values, second, ("controls", "patients"), covariates, Record("tests"))


def config(multiplicity=Multiplicity.HOLM, permutations=None, seed=1):
    return GroupComparisonConfig(
        multiplicity=multiplicity, confidence=0.95, permutations=permutations, seed=seed
    )


def rows(*arguments, **settings):
    return compare_groups(study(*arguments), config(**settings)).regions


def test_compare_groups__is_that_of_another_program():
    found = np.array([(r.difference, r.standard_error, r.p, r.low, r.high) for r in rows()])
    np.testing.assert_allclose(found, OLS, rtol=1e-9)
    holm = [0.07528132619838342, 0.08319048631383119, 1.0, 1.0]
    fdr = [0.0554603242092208, 0.0554603242092208, 0.9877076882467524, 0.7050931085894798]
    assert [r.p_corrected for r in rows()] == pytest.approx(holm, rel=1e-9)
    again = rows(multiplicity=Multiplicity.BENJAMINI_HOCHBERG)
    assert [r.p_corrected for r in again] == pytest.approx(fdr, rel=1e-9)


def test_compare_groups__without_covariates_is_students_test():
    for row, column in zip(rows(VALUES, {}), VALUES.T, strict=True):
        theirs = stats.ttest_ind(column[SECOND], column[~SECOND])
        assert (row.t, row.p) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-10)
        interval = theirs.confidence_interval(0.95)
        assert (row.low, row.high) == pytest.approx((interval.low, interval.high), rel=1e-10)
        assert row.percent == pytest.approx(100 * (column[SECOND].mean() / column[~SECOND].mean() - 1))


def test_compare_groups__a_linear_covariate_leaves_no_trace():
    shifted = VALUES + 0.3 * (AGE - 40.0)[:, None]
    for before, after in zip(rows(), rows(shifted), strict=True):
        assert after.difference == pytest.approx(before.difference, rel=1e-9, abs=1e-12)
        assert after.p == pytest.approx(before.p, rel=1e-9)


@pytest.mark.slow
def test_compare_groups__t_is_that_of_noise_when_nothing_differs():
    """Over many studies without an effect, a twentieth of p values lies below 0.05."""
    rng = np.random.default_rng(5)
    regions = 2000
    noise = rng.standard_normal((24, regions)) + 0.05 * AGE[:, None]
    names = tuple(str(k) for k in range(regions))
    data = GroupStudy(names, "1", noise, SECOND, ("a", "b"), {"age": AGE}, Record("tests"))
    p = np.array([r.p for r in compare_groups(data, config()).regions])
    assert abs((p < 0.05).mean() - 0.05) < 4 * np.sqrt(0.05 * 0.95 / regions)


def test_compare_groups__permutation_agrees_with_t_on_normal_residuals():
    found = rows(permutations=4000)
    for row in found:
        assert row.p_permuted == pytest.approx(row.p, abs=0.025)
        assert row.p_permuted_corrected >= row.p_permuted
    assert found == rows(permutations=4000)
    assert found != rows(permutations=4000, seed=2)


def test_compare_groups__all_permutations_of_a_small_study_are_counted_rightly():
    """Of 20 ways to choose three of six, two are as extreme as the most extreme one."""
    values, second = np.array([[1.0], [2.1], [3.3], [10.0], [11.2], [12.5]]), np.arange(6) >= 3
    (row,) = compare_groups(study(values, {}, second), config(permutations=20000)).regions
    assert row.p_permuted == pytest.approx(0.1, abs=0.01)


def test_compare_groups__a_subject_without_a_value_is_left_out_of_that_region_only():
    values = VALUES.copy()
    values[3, 1] = np.nan
    found, whole = rows(values), rows()
    assert (found[1].n_first, found[1].degrees_of_freedom) == (10, 19)
    assert found[0].p == whole[0].p
    with pytest.raises(InputError, match="missing for permutation"):
        rows(values, permutations=10)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"covariates": {"drug": SECOND.astype(float)}}, "must not follow from the group"),
        ({"covariates": {"age": AGE[:5]}}, "must be 24 finite numbers"),
        ({"values": np.ones((24, 1))}, "must vary within the groups"),
        ({"second": np.arange(24) >= 23}, "must have >= 2 subjects"),
        ({"covariates": {str(k): np.eye(24)[k] for k in range(22)}}, "must outnumber"),
    ],
)
def test_compare_groups__bad_studies_are_refused(change, sentence):
    with pytest.raises(InputError, match=sentence):
        compare_groups(study(**change), config())


def test_compare_groups__says_what_it_rests_on():
    record = compare_groups(study(), config(permutations=5)).provenance
    assert {"holm1979procedure", "freedman1983permutation", "hedges1981g"} <= set(record.citations())


def test_corrected_p__never_below_p_and_in_its_order():
    p = np.random.default_rng(2).uniform(size=50) ** 3
    holm, fdr = (corrected_p(p, m) for m in (Multiplicity.HOLM, Multiplicity.BENJAMINI_HOCHBERG))
    assert (holm >= fdr).all()
    assert (fdr >= p).all()
    np.testing.assert_allclose(fdr, stats.false_discovery_control(p), rtol=1e-12)
    order = np.argsort(p)
    assert (np.diff(holm[order]) >= 0).all()


def test_hedges_effect__bounds_are_where_the_tails_are():
    """With the bound as truth, the seen t has the tail's probability."""
    for difference, n in ((1.3, (11, 13)), (-4.0, (5, 6)), (0.0, (30, 4)), (9.0, (20, 20))):
        g = hedges_effect(difference, 2.0, *n, confidence=0.9)
        freedom, scale = sum(n) - 2, np.sqrt(1 / n[0] + 1 / n[1])
        correction = (
            g.value / (difference / 2.0) if difference else hedges_effect(1.0, 1.0, *n, confidence=0.9).value
        )
        t = difference / 2.0 / scale
        assert stats.nct.sf(t, freedom, g.low / correction / scale) == pytest.approx(0.05, abs=1e-6)
        assert stats.nct.cdf(t, freedom, g.high / correction / scale) == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize(("sd", "n"), [(0.0, (5, 5)), (np.nan, (5, 5)), (1.0, (1, 2)), (1.0, (0, 9))])
def test_hedges_effect__no_spread_or_too_few_are_refused(sd, n):
    with pytest.raises(InputError):
        hedges_effect(1.0, sd, *n, confidence=0.95)


def test_hedges_effect__small_groups_are_corrected():
    # pingouin 0.5.5 has -1.44269 with the usual approximation of the correction, 1 - 3 / (4 n - 9).
    assert rows(VALUES, {})[0].effect.value == pytest.approx(-1.4426898, rel=2e-4)


@pytest.mark.parametrize(
    ("effect", "n", "power"),
    [
        (0.5, (64, 64), 0.8014595579222542),
        (0.8, (20, 30), 0.7750240207167388),
        (1.2, (8, 8), 0.607818501268279),
        (0.3, (100, 50), 0.4056096657763756),
    ],
)
def test_power_of_two_groups__is_that_of_another_program(effect, n, power):
    # statsmodels 0.14, TTestIndPower.
    assert power_of_two_groups(effect, *n, alpha=0.05) == pytest.approx(power, rel=1e-8)


@pytest.mark.parametrize(
    ("effect", "power", "alpha", "n"),
    [(0.5, 0.8, 0.05, 63.7656), (0.8, 0.9, 0.05, 33.8255), (0.6, 0.8, 0.01, 66.5607)],
)
def test_group_size_for__is_the_next_whole_number(effect, power, alpha, n):
    assert group_size_for(effect, power=power, alpha=alpha, ratio=1.0) == (np.ceil(n), np.ceil(n))
    with pytest.raises(InputError, match="must be seen with"):
        group_size_for(1e-6, power=power, alpha=alpha, ratio=1.0)
