"""The proteins of another program, varcode, on made-up genes (validation/immunotherapy/consequences)."""

import csv
import hashlib
from collections import Counter
from pathlib import Path

import pytest
from synthetic_genes import plain_protein, synthetic_genes

from tumorboard.core.variant import SmallVariant
from tumorboard.immunotherapy.variants import TranscriptIndex, call_consequences

FILE = Path(__file__).parents[3] / "validation" / "immunotherapy" / "consequences" / "varcode.csv"


@pytest.mark.slow
def test_call_consequences__has_varcodes_proteins_but_for_known_ones():
    genome, transcripts = synthetic_genes(20261128, n_genes=400, n_chromosomes=4)
    index, by_name = TranscriptIndex.of(transcripts), {t.identifier: t for t in transcripts}
    same, differ = 0, Counter()
    with FILE.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            variant = SmallVariant(
                row["chromosome"], int(row["position"]), row["reference"], row["alternative"]
            )
            (change,) = (
                c for c in call_consequences(variant, index, genome) if c.transcript == row["transcript"]
            )
            if change.mutant_protein is None:
                assert "3_prime_UTR_variant" in change.consequences
                continue
            if hashlib.sha256(change.mutant_protein.encode()).hexdigest()[:10] == row["protein_sha256"]:
                same += 1
                continue
            # Where both differ, a third way that shares no code with ours has ours.
            differ[row["effect"]] += 1
            assert change.mutant_protein == plain_protein(genome, by_name[change.transcript], variant)
    assert same == 1740
    assert differ == {"StopLoss": 28, "PrematureStop": 4}
