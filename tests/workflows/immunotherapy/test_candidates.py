"""Which pair of a peptide and a molecule stands for an event."""

import numpy as np
import pytest
from tumour_case import KnownModel

from tumorboard.core.hla import HlaMolecule, MhcClass
from tumorboard.core.neopeptide import Neopeptide, OriginKind, PeptideOrigin
from tumorboard.workflows.immunotherapy.anchors import AnchorTable, cores_of
from tumorboard.workflows.immunotherapy.candidates import (
    BestPair,
    best_of_events,
    changed_residues,
    gather_pairs,
)
from tumorboard.workflows.immunotherapy.presentation import predict_class

A2 = HlaMolecule.named("A*02:01")
SWAPPED, FACING = "SLYNTVATL", "YNTVATLGD"


def peptide(sequence, wild_type, new, transcript="T1"):
    origin = PeptideOrigin(OriginKind.SMALL_VARIANT, ("1-5-A-T",), "G", transcript, "V1L", 1)
    return Neopeptide(sequence, wild_type, new, (origin,))


PEPTIDES = (
    peptide(SWAPPED, "SLYNTVATV", (8,)),
    peptide(FACING, "YNTVATVGD", (6,), "T2"),
)


def best(binders, *, trusted=("T1", "T2"), own=()):
    model = KnownModel([str(A2)], {(name, str(A2)): nm for name, nm in binders.items()})
    predictions = predict_class(model, MhcClass.I, (A2,), PEPTIDES, threads=1)
    pairs = gather_pairs(PEPTIDES, [predictions], {MhcClass.I: {9}})
    choice = BestPair(
        is_trusted=lambda one: one.origins[0].transcript in trusted,
        is_self=lambda sequence: sequence in own,
        anchors=lambda mhc_class, molecule, one: frozenset({1, 8}),
        affinity_nm=500.0,
        weak_percentile={MhcClass.I: 2.0},
    )
    return best_of_events(pairs, choice)["1-5-A-T"].peptide.sequence


@pytest.mark.parametrize(
    ("binders", "more", "expected"),
    [
        ({SWAPPED: 20.0, FACING: 300.0}, {}, SWAPPED),
        # Its anchor alone changed and the wild type binds: the weaker one that T cells can tell.
        ({SWAPPED: 20.0, "SLYNTVATV": 30.0, FACING: 300.0}, {}, FACING),
        # Nothing else binds: the exchanged anchor is what there is, and its tier will say so.
        ({SWAPPED: 20.0, "SLYNTVATV": 30.0, FACING: 900.0}, {}, SWAPPED),
        ({SWAPPED: 20.0, FACING: 300.0}, {"own": (SWAPPED,)}, FACING),
        ({SWAPPED: 20.0, FACING: 900.0}, {"own": (SWAPPED,)}, SWAPPED),
        # A transcript that is not trusted stands back, however well its peptide binds.
        ({SWAPPED: 20.0, FACING: 30_000.0}, {"trusted": ("T2",)}, FACING),
        ({SWAPPED: 20.0, FACING: 300.0}, {"trusted": ()}, SWAPPED),
    ],
)
def test_best_of_events__chooses(binders, more, expected):
    assert best(binders, **more) == expected


class CoredModel(KnownModel):
    """Tells that each core begins with the third residue."""

    def core_offsets(self, peptides, molecules, *, threads=1):
        return np.full((len(peptides), len(molecules)), 2)


@pytest.mark.parametrize(("model", "anchors"), [(KnownModel, None), (CoredModel, {2, 5, 7, 10})])
def test_anchors__of_class_two_are_those_of_the_core_that_is_told(model, anchors):
    dr = HlaMolecule.named("DRB1*01:01")
    long = peptide("PKYVKQNTLKLATGS", "PKDVKQNTLKLATGS", (2,))
    predictions = predict_class(model([str(dr)], {}), MhcClass.II, (dr,), [long], threads=1)
    cores = cores_of(predictions, [long.sequence], threads=1)
    assert AnchorTable(None, (), 0.5, 1, cores)(MhcClass.II, dr, long.sequence) == anchors


def test_changed_residues__of_a_deletion_are_all_that_differ():
    assert changed_residues(peptide("ABC".replace("B", "D"), "AAC", ())) == (1,)
    assert changed_residues(peptide("ADC", None, ())) == ()
