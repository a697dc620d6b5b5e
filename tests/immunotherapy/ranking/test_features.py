"""Laws of the features, and what they do with missing counterparts and bad input."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.immunotherapy import ranking
from tumorboard.immunotherapy.ranking._kernels.string_kernel import normalised_similarity
from tumorboard.immunotherapy.ranking.substitution import blosum62_odds
from tumorboard.immunotherapy.residues import RESIDUES, residue_codes

PEPTIDES = st.text(RESIDUES, min_size=8, max_size=11)
AFFINITIES = st.floats(0.1, 50_000.0)


@hypothesis.given(AFFINITIES, AFFINITIES)
def test_amplitude__is_the_ratio_of_good_binders_and_bounded_for_bad_ones(wild_type, mutant):
    found = ranking.amplitude([wild_type], [mutant])[0]
    assert found <= wild_type / mutant
    assert found < 1.0 / (0.0003 * mutant)
    assert found * ranking.agretopicity([wild_type], [mutant])[0] * (1 + 0.0003 * wild_type) == pytest.approx(
        1
    )


@hypothesis.given(PEPTIDES, PEPTIDES)
def test_self_similarity__is_symmetric_one_with_itself_and_at_most_one(a, b):
    found = ranking.self_similarity([a, b, a], [b, a, a])
    assert found[0] == pytest.approx(found[1], rel=1e-12)
    assert found[2] == pytest.approx(1.0, rel=1e-12)
    assert 0.0 < found[0] <= 1.0 + 1e-12


def test_self_similarity__is_the_sum_over_all_substrings():
    a, b = "ACDW", "WCA"
    likeness = blosum62_odds() ** 0.11387

    def plain(x, y):
        x, y = ([RESIDUES.index(r) for r in text] for text in (x, y))
        return sum(
            np.prod([likeness[x[i + k], y[j + k]] for k in range(n)])
            for n in range(1, min(len(x), len(y)) + 1)
            for i in range(len(x) - n + 1)
            for j in range(len(y) - n + 1)
        )

    expected = plain(a, b) / np.sqrt(plain(a, a) * plain(b, b))
    assert ranking.self_similarity([a], [b])[0] == pytest.approx(expected, rel=1e-12)
    out = np.empty(1)
    arguments = *residue_codes([a]), *residue_codes([b]), likeness
    normalised_similarity.py_func(*arguments, out)
    assert out[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("feature", [ranking.self_similarity, ranking.exposed_similarity, ranking.mismatches])
def test_features_of_pairs__without_a_counterpart_are_nan(feature):
    found = feature(["HIQDLYTVL", "GYYTLLNVF", "ACDEFGHIK"], [None, "GNYTLLNVF", ""])
    assert np.isnan(found).tolist() == [True, False, True]
    with pytest.raises(InputError, match="wild_types must be as many as mutants, 1; got 0"):
        feature(["HIQDLYTVL"], [])


def test_features_of_affinities__without_a_counterpart_are_nan():
    wild_type, mutant = np.array([np.nan, 100.0]), np.array([10.0, 10.0])
    for feature in (ranking.amplitude, ranking.agretopicity, ranking.differential_agretopicity,
                    ranking.alternatively_defined, ranking.improved_binder):  # fmt: skip
        assert np.isnan(feature(wild_type, mutant)).tolist() == [True, False]
    assert ranking.classically_defined([np.nan, 10.0, 60.0]).tolist() == pytest.approx(
        [np.nan, 1, 0], nan_ok=True
    )
    with pytest.raises(
        InputError, match=r"mutant_nm must have the shape of wild_type_nm, \(2,\); got \(1,\)"
    ):
        ranking.amplitude([1.0, 2.0], [1.0])


def test_exposed__ends_do_not_count():
    wild_type = "ACDEFGHIK"
    assert ranking.exposed_similarity(["WWWEFGHIW"], [wild_type])[0] == 1.0
    assert ranking.exposed_similarity(["ACDWFGHIK"], [wild_type])[0] < 1.0
    assert ranking.exposed_hydrophobicity(["AAAIIIIIA", "IIIRRRRI"]).tolist() == pytest.approx([4.5, -4.5])
    with pytest.raises(InputError, match="8 residues or more, of class I; got 'ACD'"):
        ranking.exposed_residues("ACD")


def test_calis__masked_positions_do_not_count():
    plain = ranking.calis_immunogenicity(["ACDEFGHIK"])[0]
    assert ranking.calis_immunogenicity(["WWDEFGHIW"])[0] == pytest.approx(plain)
    assert ranking.calis_immunogenicity(["ACDEWGHIK"], [(4,)])[0] == pytest.approx(
        ranking.calis_immunogenicity(["ACDEFGHIK"], [(4,)])[0]
    )
    # A longer peptide's middle counts as its fifth residue.
    longer, nine = ranking.calis_immunogenicity(["ACDEFAGHIK", "ACDEFGHIK"])
    assert longer - nine == pytest.approx(0.30 * 0.127)
    with pytest.raises(InputError, match="masks must be as many as peptides, 1; got 0"):
        ranking.calis_immunogenicity(["ACDEFGHIK"], [])


@hypothesis.given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=6))
def test_harmonic_best_rank__lies_between_best_and_mean(ranks):
    found = ranking.harmonic_best_rank(ranks).item()
    assert min(ranks) * (1 - 1e-12) <= found <= np.mean(ranks) * (1 + 1e-12)


def test_harmonic_best_rank__zero_and_missing_ranks():
    assert ranking.harmonic_best_rank([0.0, 5.0]).item() == 0.0
    assert np.isnan(ranking.harmonic_best_rank([np.nan, 5.0]).item())
    with pytest.raises(InputError, match="0 to 100 of one molecule or more"):
        ranking.harmonic_best_rank([-1.0, 5.0])


def test_vaxrank__sum_over_pairs():
    found = ranking.vaxrank_binding_score([[1e-9, np.nan], [5000.0, 60_000.0], [350.0, 350.0]])
    assert found[0] == pytest.approx(1.0)
    assert found[1] == 0.0
    assert found[2] == pytest.approx(1.0 + np.exp(-350 / 150))


def test_mutant_expression__refuses_percent():
    with pytest.raises(InputError, match="variant_fraction must be 0 to 1; got 40; divide per cent by 100"):
        ranking.mutant_expression([10.0], [40.0])
    with pytest.raises(InputError, match="mutant_tpm must be >= 0"):
        ranking.clonal_expression([-1.0], [0.5])
    assert np.isnan(ranking.mutant_expression([np.nan], [0.5])[0])


def test_anchor_profile__finds_what_a_known_molecule_holds():
    rng = np.random.default_rng(0)
    importance = np.array([0.1, 5.0, 0.5, 0.0, 0.0, 0.1, 0.3, 0.0, 4.0])
    preference = rng.standard_normal((9, 20)) * importance[:, None]

    def log_affinity(peptides):
        return np.array([sum(preference[k, RESIDUES.index(r)] for k, r in enumerate(p)) for p in peptides])

    binders = ["".join(rng.choice(list(RESIDUES), 9)) for _ in range(20)]
    profile = ranking.anchor_profile("HLA-A*99:01", binders, log_affinity)
    assert profile.anchors(0.8) == (1, 8)
    assert profile.shares.sum() == pytest.approx(1.0)
    assert profile.anchors(1.0)[:2] == (0, 1)
    assert ranking.mutated_at_anchors_only({1}, profile.anchors(0.8))
    assert not ranking.mutated_at_anchors_only(set(), profile.anchors(0.8))
    with pytest.raises(InputError, match="one length"):
        ranking.anchor_profile("HLA-A*99:01", ["ACDEFGHI", "ACDEFGHIK"], log_affinity)


def test_promiscuity__counts_molecules_below_the_limit():
    assert ranking.promiscuity([[0.1, np.nan, 2.0]], below=2.0).tolist() == [1]
    with pytest.raises(InputError, match="below must be a percentile"):
        ranking.promiscuity([[0.1]], below=0.0)
