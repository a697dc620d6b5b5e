"""The model of immunogenicity: its fit, its cross-validation, and how both are judged."""

import csv
import json

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from scipy.stats import rankdata

from tumorboard.core import HlaMolecule
from tumorboard.errors import InputError
from tumorboard.immunotherapy.ranking import (
    IMMUNOGENICITY_FEATURES,
    ImmunogenicityFit,
    ImmunogenicityModel,
    area_under_curve,
    area_within,
    average_precision,
    bootstrap_interval,
    cross_validate,
    grouped_folds,
    groups_by_shared_words,
    immunogenicity_features,
    installed_immunogenicity,
    top_share,
)

ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40)


@hypothesis.given(ROWS)
def test_area_under_curve__is_the_mann_whitney_statistic(rows):
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    found = area_under_curve(labels, scores)
    n = labels.sum()
    if n in (0, labels.size):
        assert np.isnan(found)
    else:
        expected = (rankdata(scores)[labels].sum() - n * (n + 1) / 2) / (n * (labels.size - n))
        assert found == pytest.approx(expected)
        assert area_under_curve(labels, -scores) == pytest.approx(1.0 - found)


@hypothesis.given(ROWS, st.integers(1, 3))
def test_statistics__a_weight_is_that_many_rows(rows, times):
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    weights = 1.0 + (np.arange(labels.size) % times)
    again = np.repeat(np.arange(labels.size), weights.astype(int))
    for statistic in (
        area_under_curve,
        average_precision,
        lambda y, s, w=None: top_share(y, s, w, of_all=0.3),
    ):
        expected = statistic(labels[again], scores[again])
        assert statistic(labels, scores, weights) == pytest.approx(expected, nan_ok=True)


def test_area_within__a_score_of_strata_alone_is_chance():
    labels, strata = [1, 1, 1, 0, 0, 0, 0, 1], ["A"] * 4 + ["B"] * 4
    scores = [2.0] * 4 + [1.0] * 4
    assert area_under_curve(labels, scores) > 0.7
    assert area_within(labels, scores, strata) == pytest.approx(0.5)


def test_bootstrap_interval__grows_when_rows_of_a_group_tell_the_same():
    rng = np.random.default_rng(0)
    labels = rng.random(60) < 0.4
    scores = labels + rng.standard_normal(60) * 1.5
    thrice = np.repeat(np.arange(60), 3)
    apart = bootstrap_interval(
        area_under_curve, labels[thrice], scores[thrice], np.arange(180), resamples=300, seed=0
    )
    together = bootstrap_interval(
        area_under_curve, labels[thrice], scores[thrice], thrice, resamples=300, seed=0
    )
    assert apart.value == together.value
    assert together.high - together.low > 1.3 * (apart.high - apart.low)
    assert together.low < together.value < together.high


def test_groups__chains_of_shared_words_are_one():
    peptides = ["ACDEFGHIK", "CDEFGHIKL", "DEFGHIKLM", "WWWWWWWWW", "ACDEFGHIK", "GHIKLMNPQ"]
    assert groups_by_shared_words(peptides, word=8).tolist() == [0, 0, 0, 1, 0, 2]
    assert groups_by_shared_words(peptides, word=5).tolist() == [0, 0, 0, 1, 0, 0]
    order = [5, 3, 4, 2, 1, 0]
    again = groups_by_shared_words([peptides[k] for k in order], word=8)
    same = [[a == b for b in again] for a in again]
    groups = groups_by_shared_words(peptides, word=8)[order]
    assert same == [[a == b for b in groups] for a in groups]


def test_cross_validate__a_group_is_never_in_both_and_noise_is_chance():
    rng = np.random.default_rng(1)
    n = 3000
    groups = rng.integers(0, 300, n)
    labels = (rng.random(300) < 0.3)[groups]  # all of a group have one label
    values = rng.standard_normal((300, 4))[groups] + 0.01 * rng.standard_normal((n, 4))
    model = ImmunogenicityModel(1.0, ("a", "b", "c", "d"), ())
    found = cross_validate(model, values, labels, groups, n_folds=5)
    assert all(np.unique(found.folds[groups == g]).size == 1 for g in range(300))
    assert abs(area_under_curve(labels, found.log_odds) - 0.5) < 0.1
    assert (grouped_folds(groups, 5, salt="a") != grouped_folds(groups, 5, salt="b")).any()


def test_fit__finds_what_made_the_labels_and_keeps_signs():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((20_000, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, 1.0]
    logit = -1.0 + 0.8 * x[:, 0] - 0.05 * (x[:, 1] - 5.0)
    labels = rng.random(20_000) < 1.0 / (1.0 + np.exp(-logit))
    fit = ImmunogenicityModel(1.0, ("a", "b", "c"), ()).fit(x, labels)
    assert fit.weights == pytest.approx([0.8, -0.5, 0.0], abs=0.06)
    assert fit.log_odds(x) == pytest.approx(logit, abs=0.3)
    signed = ImmunogenicityModel(1.0, ("a", "b", "c"), ("a", "b")).fit(x, labels)
    assert signed.weights[1] == 0.0
    assert signed.weights[0] > 0.7
    heavy = ImmunogenicityModel(1e5, ("a", "b", "c"), ()).fit(x, labels)
    assert np.abs(heavy.weights).sum() < 0.2 * np.abs(fit.weights).sum()
    again = ImmunogenicityFit.from_dict(json.loads(json.dumps(fit.to_dict())))
    assert again.log_odds(x[:5]) == pytest.approx(fit.log_odds(x[:5]), rel=1e-12)
    assert fit.contributions(x).sum(axis=1) + fit.intercept == pytest.approx(fit.log_odds(x))


def test_fit__a_feature_that_never_changes_weighs_nothing():
    x = np.c_[np.ones(10), np.arange(10.0)]
    fit = ImmunogenicityModel(1.0, ("a", "b"), ()).fit(x, np.arange(10) > 4)
    assert fit.weights[0] == 0.0
    assert np.isfinite(fit.log_odds(x)).all()


def test_fit__refusals():
    model = ImmunogenicityModel(1.0, ("a",), ())
    with pytest.raises(InputError, match="labels must be of both kinds; got 0 positives of 2"):
        model.fit([[1.0], [2.0]], [0, 0])
    with pytest.raises(InputError, match=r"values must have shape \(2, 1\)"):
        model.fit([[1.0, 2.0], [2.0, 3.0]], [0, 1])
    with pytest.raises(InputError, match="values must be finite; got 1 that are not"):
        model.fit([[np.nan], [2.0]], [0, 1])
    with pytest.raises(InputError, match="never_negative must be of the features"):
        ImmunogenicityModel(1.0, ("a",), ("b",))
    with pytest.raises(InputError, match="scores must be numbers; got 1 NaN"):
        area_under_curve([0, 1], [np.nan, 1.0])
    with pytest.raises(
        InputError, match="alleles, affinity_nm and percentile must be as many as peptides, 1"
    ):
        immunogenicity_features(["HIQDLYTVL"], [], [1.0], [1.0])


def test_installed__a_better_presented_peptide_never_scores_worse():
    fit = installed_immunogenicity()
    assert fit.model.features == IMMUNOGENICITY_FEATURES
    peptides, alleles = ["HIQDLYTVL"] * 3, ["HLA-A*02:01"] * 3
    scores = fit.log_odds(immunogenicity_features(peptides, alleles, [5000.0, 50.0, 50.0], [5.0, 5.0, 0.1]))
    assert scores[0] <= scores[1] <= scores[2]
    low, high = fit.about["cross_validated_auc"][1:]
    assert 0.55 < low < 0.64 < high < 0.70  # what README states


def test_installed__residues_alone_order_the_tested_peptides(data_dir):
    path = data_dir / "immunotherapy" / "cohorts" / "In_house_neoepitope_for_CV.tsv"
    with path.open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))[::4]
    peptides = [row["Mut_peptide"] for row in rows]
    names = {row["HLA_allele"] for row in rows}
    named = {name: str(HlaMolecule.named(name)) for name in names}
    alleles = [named[row["HLA_allele"]] for row in rows]
    middling = np.full(len(rows), 500.0), np.ones(len(rows))
    scores = installed_immunogenicity().log_odds(immunogenicity_features(peptides, alleles, *middling))
    assert 0.58 < area_within([row["response"] == "1" for row in rows], scores, alleles) < 0.72
