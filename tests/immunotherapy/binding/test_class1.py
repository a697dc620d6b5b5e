import numpy as np
import pytest
from reference_class1 import reference_logits

from tumorboard.core.hla import HlaMolecule, MhcClass
from tumorboard.errors import InputError
from tumorboard.immunotherapy.binding.peptide_code import peptide_rows
from tumorboard.immunotherapy.binding.weights import FEW_PAIRS, arrays_digest, read_arrays

VALUES = ("affinity_nm", "percentile", "presentation", "uncertainty")


def numbers(model, molecules):
    return np.array([model.alleles.index(str(molecule)) for molecule in molecules])


def test_scores__agree_with_one_pair_at_a_time(class1, six_alleles, some_peptides):
    some = some_peptides[:40]
    codes, lengths = peptide_rows(some, shortest=8, longest=15, mhc_class="I")
    places = numbers(class1, six_alleles)
    strength, spread, score = class1.scores(codes, lengths, places, threads=1)
    offset, of_ligand, of_affinity = class1.weights.presentation
    for row, peptide in enumerate(some):
        for column, place in enumerate(places):
            logits = reference_logits(class1.weights, peptide, place)
            each = 1.0 / (1.0 + np.exp(-logits[:, 0]))
            assert strength[row, column] == pytest.approx(each.mean(), abs=2e-6)
            assert spread[row, column] == pytest.approx(
                np.std(each, ddof=1) if len(each) > 1 else 0.0, abs=1e-5
            )
            mean = logits.mean(axis=0)
            assert score[row, column] == pytest.approx(
                offset + of_ligand * mean[1] + of_affinity * mean[0], rel=2e-5, abs=2e-5
            )


def test_predict__is_the_same_for_any_order_of_peptides_and_any_number_of_threads(
    class1, six_alleles, some_peptides
):
    straight = class1.predict(some_peptides, six_alleles)
    order = np.random.default_rng(1).permutation(len(some_peptides))
    mixed = class1.predict([some_peptides[i] for i in order], six_alleles, threads=3)
    for name in VALUES:
        np.testing.assert_array_equal(getattr(mixed, name), getattr(straight, name)[order])


def test_predict__does_not_depend_on_the_other_molecules(class1, six_alleles, some_peptides):
    together = class1.predict(some_peptides[:9], six_alleles)
    for column, molecule in enumerate(six_alleles):
        alone = class1.predict(some_peptides[:9], [molecule])
        for name in VALUES:
            np.testing.assert_array_equal(getattr(alone, name)[:, 0], getattr(together, name)[:, column])


def test_predict__keeps_values_in_range(class1, six_alleles, some_peptides):
    table = class1.predict(some_peptides, six_alleles)
    assert ((table.affinity_nm >= 1) & (table.affinity_nm <= 50_000)).all()
    assert ((table.percentile > 0) & (table.percentile <= 100)).all()
    assert ((table.presentation >= 0) & (table.presentation <= 1)).all()
    assert (table.uncertainty > 0.999 * class1.weights.calibration.floor).all()


def test_predict__percentile_falls_as_the_score_rises(class1, six_alleles, some_peptides):
    table = class1.predict(some_peptides, six_alleles)
    for column in range(len(six_alleles)):
        order = np.argsort(table.presentation[:, column])
        assert (np.diff(table.percentile[order, column]) <= 1e-9).all()


# Epitopes restricted by A*02:01 that textbooks name: influenza M1 58-66, CMV pp65 495-503, HIV gag p17 77-85,
# MART-1 26-35 (A27L), EBV BMLF1 280-288; B*07:02: CMV pp65 417-426. SIINFEKL is presented by mouse H-2Kb.
@pytest.mark.parametrize(
    ("peptide", "name"),
    [
        ("GILGFVFTL", "A*02:01"),
        ("NLVPMVATV", "A*02:01"),
        ("SLYNTVATL", "A*02:01"),
        ("ELAGIGILTV", "A*02:01"),
        ("GLCTLVAML", "A*02:01"),
        ("TPRVTGGGAM", "B*07:02"),
    ],
)
def test_predict__knows_epitopes_of_the_literature(class1, peptide, name):
    molecule = HlaMolecule.named(name)
    table = class1.predict([peptide], [molecule])
    assert table.percentile[0, 0] < 2.0  # what tools call a binder
    assert table.affinity_nm[0, 0] < 1000


def test_predict__does_not_give_a_mouse_epitope_to_a0201(class1):
    table = class1.predict(["SIINFEKL"], [HlaMolecule.named("A*02:01")])
    assert table.percentile[0, 0] > 2.0
    assert table.affinity_nm[0, 0] > 2000


def test_predict__spoilt_anchors_bind_worse(class1):
    a0201 = [HlaMolecule.named("A*02:01")]
    good, second, last = class1.predict(["NLVPMVATV", "NDVPMVATV", "NLVPMVATD"], a0201).affinity_nm[:, 0]
    assert second > 5 * good
    assert last > 5 * good


def test_predict__says_when_an_allele_was_not_trained_on(class1):
    table = class1.predict(["NLVPMVATV"], [HlaMolecule.named(name) for name in ("A*02:01", "B*82:02")])
    assert table.allele_notes[0] == ""
    assert "not trained on" in table.allele_notes[1]


def test_predict__flanks_move_presentation_alone(class1):
    a0201 = [HlaMolecule.named("A*02:01")]
    bare = class1.predict(["NLVPMVATV"], a0201)
    inside = class1.predict(["NLVPMVATV"], a0201, n_flanks=["ARRRQ"], c_flanks=["QGQNL"])
    assert bare.presentation[0, 0] != inside.presentation[0, 0]
    assert bare.affinity_nm[0, 0] == inside.affinity_nm[0, 0]
    assert bare.percentile[0, 0] == inside.percentile[0, 0]


def test_predict__takes_no_peptides_and_no_molecules(class1, six_alleles):
    assert class1.predict([], six_alleles).affinity_nm.shape == (0, 6)
    assert class1.predict(["NLVPMVATV"], []).affinity_nm.shape == (1, 0)


@pytest.mark.parametrize(
    ("peptides", "names", "flanks", "said"),
    [
        (["NLVPMVA"], ["A*02:01"], (None, None), "'NLVPMVA'"),
        (["NLVPMVATVNLVPMVA"], ["A*02:01"], (None, None), "8 to 15"),
        (["NLVPMXATV"], ["A*02:01"], (None, None), "'X' in 'NLVPMXATV'"),
        (["NLVPMVATV"], ["A*02:9999"], (None, None), "HLA-A\\*02:9999"),
        (["NLVPMVATV"], ["DRB1*01:01"], (None, None), "HLA-DRB1\\*01:01"),
        (["NLVPMVATV"], ["A*02:01"], (["A"], None), "pass both"),
        (["NLVPMVATV"], ["A*02:01"], (["A"], []), "1 and 0"),
        (["NLVPMVATV"], ["A*02:01"], (["A"], ["b"]), "'b'"),
    ],
)
def test_predict__refuses_in_one_sentence(class1, peptides, names, flanks, said):
    with pytest.raises(InputError, match=said):
        class1.predict(
            peptides, [HlaMolecule.named(name) for name in names], n_flanks=flanks[0], c_flanks=flanks[1]
        )


def test_model__digest_is_that_of_the_stored_arrays(class1):
    assert class1.mhc_class is MhcClass.I
    assert arrays_digest(read_arrays("class1")) == class1.training_digest


def test_model__digest_and_version_stand_on_the_card(class1, repository_root):
    card = (repository_root / "docs" / "reference" / "binding-model-card.md").read_text(encoding="utf-8")
    assert class1.training_digest in card
    assert class1.version in card


def test_model__alleles_are_sorted_and_notes_point_at_trained_ones(class1):
    alleles = class1.weights.alleles
    assert list(alleles.names) == sorted(set(alleles.names))
    well = (alleles.affinity_pairs >= FEW_PAIRS) | (alleles.ligand_samples > 0)
    assert well[alleles.nearest].all()
    assert (alleles.differing[well] == 0).all()
    assert (np.diff(alleles.quantiles, axis=1) <= 0).all()


def test_predict__says_when_an_allele_is_known_from_few_peptides(class1):
    alleles = class1.weights.alleles
    few = np.flatnonzero(
        (alleles.affinity_pairs > 0) & (alleles.affinity_pairs < 50) & (alleles.ligand_samples == 0)
    )
    note = class1.predict(["NLVPMVATV"], [HlaMolecule.named(alleles.names[few[0]])]).allele_notes[0]
    assert note.startswith(
        f"trained on {alleles.affinity_pairs[few[0]]} measured peptides only; nearest well"
    )
