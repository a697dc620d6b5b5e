import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core.acquisition import Sex
from tumorboard.core.copy_number import CopyNumberProfile, CopyNumberSegment
from tumorboard.core.variant import SmallVariant, VariantEvidence
from tumorboard.errors import InputError
from tumorboard.immunotherapy.variants import (
    Assumption,
    Clonality,
    cancer_cell_fraction,
    cancer_cell_fractions,
    normal_copies,
)
from tumorboard.provenance import Record

PURITIES = st.floats(0.05, 1.0)


def expected_vaf(fraction, multiplicity, purity, total, normal):
    return purity * multiplicity * fraction / (purity * total + (1 - purity) * normal)


@given(PURITIES, st.integers(1, 6), st.sampled_from([1, 2]), st.data())
def test_cancer_cell_fraction__of_exact_reads_is_exact(purity, total, normal, data):
    # A variant in all cells at any multiplicity that one chromosome can give, or in some at one copy.
    minor = data.draw(st.integers(0, total // 2))
    multiplicity = data.draw(st.integers(1, total - minor))
    found = cancer_cell_fraction(
        expected_vaf(1, multiplicity, purity, total, normal),
        None,
        purity=purity,
        total_copies=total,
        normal_copies=normal,
        minor_copies=minor,
    )
    assert found.estimate == pytest.approx(1)
    assert found.multiplicity == multiplicity
    assert (found.low, found.high, found.clonality) == (None, None, Clonality.UNKNOWN)
    fraction = data.draw(st.floats(0, 1))
    found = cancer_cell_fraction(
        expected_vaf(fraction, 1, purity, total, normal),
        None,
        purity=purity,
        total_copies=total,
        normal_copies=normal,
        minor_copies=minor,
    )
    assert found.estimate == pytest.approx(fraction)


@given(st.floats(0, 0.5), PURITIES)
def test_cancer_cell_fraction__of_two_copies_is_twice_the_vaf_over_purity(vaf, purity):
    found = cancer_cell_fraction(vaf, None, purity=purity, total_copies=2, normal_copies=2, minor_copies=1)
    assert found.estimate == pytest.approx(min(1, 2 * vaf / purity))


def test_cancer_cell_fraction__published_example():
    # Landau 2014, figure 1: VAF 0.125, three copies, purity 67 % make 0.5.
    found = cancer_cell_fraction(0.125, None, purity=0.67, total_copies=3, normal_copies=2)
    assert round(found.estimate, 2) == 0.5


@pytest.mark.parametrize(
    ("fraction", "total", "minor", "multiplicity", "purity"),
    [
        (1.0, 2, 1, 1, 0.6),
        (0.4, 2, 1, 1, 0.6),
        (0.3, 3, 1, 1, 0.35),
        (1.0, 4, 1, 3, 0.8),
        (0.5, 1, 0, 1, 0.5),
    ],
)
def test_cancer_cell_fraction__interval_holds_the_truth(fraction, total, minor, multiplicity, purity):
    rng = np.random.default_rng(20261128)
    vaf = expected_vaf(fraction, multiplicity, purity, total, 2)
    held = clonal = usual = 0
    for _ in range(400):
        depth = int(rng.integers(150, 400))
        found = cancer_cell_fraction(
            rng.binomial(depth, vaf) / depth,
            depth,
            purity=purity,
            total_copies=total,
            normal_copies=2,
            minor_copies=minor,
        )
        usual += found.multiplicity == multiplicity
        held += found.low <= fraction <= found.high
        clonal += found.clonality is Clonality.CLONAL
    # The exact interval holds 95 % or more; where reads leave the multiplicity open, what it is told for.
    assert held >= 0.95 * usual - 2 * np.sqrt(400 * 0.05 * 0.95)
    assert usual >= 380
    assert clonal >= 360 if fraction == 1 else clonal <= 20


def test_cancer_cell_fraction__few_reads_reach_one():
    # What the rule cannot do: of 10 reads the interval of a half is wide.
    found = cancer_cell_fraction(0.2, 10, purity=0.8, total_copies=2, normal_copies=2)
    assert found.clonality is Clonality.CLONAL
    assert found.high - found.low > 0.5


def test_cancer_cell_fraction__more_reads_than_copies_allow_is_said():
    found = cancer_cell_fraction(0.9, 300, purity=0.3, total_copies=2, normal_copies=2)
    assert "germline" in found.note
    # By chance of few reads it may be a little more than all copies.
    unsure = cancer_cell_fraction(0.55, 40, purity=0.5, total_copies=2, normal_copies=2)
    assert (unsure.estimate, unsure.note) == (1.0, "")
    assert found.estimate == 1
    assert found.mutant_copies == pytest.approx(6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"vaf": 40}, "vaf must be a fraction"),
        ({"purity": 60}, "purity must be a fraction"),
        ({"purity": 0}, "purity must be a fraction"),
        ({"total_copies": 0}, "total_copies"),
        ({"normal_copies": 0}, "normal_copies"),
        ({"depth": -1}, "depth"),
    ],
)
def test_cancer_cell_fraction__refuses(arguments, words):
    known = {"vaf": 0.2, "depth": 100, "purity": 0.5, "total_copies": 2, "normal_copies": 2} | arguments
    with pytest.raises(InputError, match=words):
        cancer_cell_fraction(known.pop("vaf"), known.pop("depth"), **known)


def variant(chromosome="1", vaf=0.2, depth=200):
    return SmallVariant(
        chromosome, 100, "A", "T", evidence=VariantEvidence(tumour_depth=depth, tumour_vaf=vaf)
    )


def test_cancer_cell_fractions__nothing_is_assumed_unless_asked():
    with pytest.raises(InputError, match=r"assume=\[Assumption.PURE_TUMOUR\]"):
        cancer_cell_fractions([variant()], purity=None, copies=None, sex=None)
    with pytest.raises(InputError, match=r"assume=\[Assumption.NORMAL_COPIES\]"):
        cancer_cell_fractions([variant()], purity=0.5, copies=None, sex=None)
    (found,) = cancer_cell_fractions([variant()], purity=None, copies=None, sex=None, assume=list(Assumption))
    assert found.estimate == pytest.approx(0.4)
    assert found.note == "pure tumour assumed; normal copies assumed"


def test_cancer_cell_fractions__looks_up_segments():
    profile = CopyNumberProfile(
        [CopyNumberSegment("chr1", 1, 1000, 2, 0), CopyNumberSegment("chr2", 1, 1000, 0)], Record("example")
    )
    variants = [
        variant("1", 0.5),
        variant("2"),
        variant("3"),
        variant("X", 0.25),
        variant("MT"),
        variant(vaf=None),
    ]
    found = cancer_cell_fractions(variants, purity=0.5, copies=profile, sex=Sex.MALE)
    # Both copies are of one chromosome: a variant in all cells may be on both.
    assert (found[0].estimate, found[0].multiplicity) == (pytest.approx(1), 2)
    assert "no copy in the tumour" in found[1].note
    assert found[2].note == "no segment of copy number holds it"
    assert found[3].note == "no segment of copy number holds it"
    assert "mitochondria" in found[4].note
    assert found[5].note == "no reads of the tumour are stated"
    assert all(f.estimate is None and f.clonality is Clonality.UNKNOWN for f in found[1:])
    assumed = cancer_cell_fractions(
        variants, purity=0.5, copies=profile, sex=Sex.MALE, assume=[Assumption.NORMAL_COPIES]
    )
    assert assumed[3].estimate == pytest.approx(0.5)  # one copy of X: VAF 0.25 over purity 0.5
    unsure = cancer_cell_fractions([variant("chrX")], purity=0.5, copies=profile, sex=None)
    assert "sex must be given" in unsure[0].note


def test_normal_copies__of_x_and_y():
    assert [normal_copies("X", sex) for sex in (Sex.FEMALE, Sex.MALE)] == [2, 1]
    assert normal_copies("chrY", Sex.MALE) == 1
    with pytest.raises(InputError, match="female or male"):
        normal_copies("X", Sex.OTHER)
    with pytest.raises(InputError, match="woman"):
        normal_copies("Y", Sex.FEMALE)
