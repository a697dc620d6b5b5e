"""What VEP says of the variants of a real exome, held against our translation and our names of changes."""

import gzip
import re
from collections import Counter
from urllib.parse import unquote

import pytest

from tumorboard.immunotherapy.variants import translate
from tumorboard.immunotherapy.variants.protein_difference import protein_name, silent_name

KNOWN = {"missense_variant", "inframe_insertion", "inframe_deletion", "stop_gained", "frameshift_variant"}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rows(unpacked_data):
    path = unpacked_data("immunotherapy") / "pvactools" / "annotated.expression.vcf.gz"
    found, names = [], []
    with gzip.open(path, "rt") as file:
        for line in file:
            if line.startswith("##INFO=<ID=CSQ"):
                names = re.search('Format: ([^"]+)', line)[1].split("|")
            elif not line.startswith("#"):
                csq = next(x[4:] for x in line.split("\t")[7].split(";") if x.startswith("CSQ="))
                found += [dict(zip(names, entry.split("|"), strict=True)) for entry in csq.split(",")]
    return [row | {"terms": row["Consequence"].split("&")} for row in found]


def test_translate__gives_the_residues_of_vep(rows):
    n = 0
    for row in rows:
        if not set(row["terms"]) & {"missense_variant", "synonymous_variant", "stop_gained", "stop_lost"}:
            continue
        old, _, new = row["Codons"].partition("/")
        residues = row["Amino_acids"].split("/")
        if "-" in old + new or not new:
            continue
        assert [translate(old, to_stop=False), translate(new, to_stop=False)] == [residues[0], residues[-1]]
        n += 1
    assert n > 1400


def mutant_of(row):
    """The mutant protein by VEP's own columns, and whether the frame shifts."""
    wild = row["WildtypeProtein"]
    if "frameshift_variant" in row["terms"]:
        return row["FrameshiftSequence"] + "*", True
    old, _, new = row["Amino_acids"].partition("/")
    start = int(row["Protein_position"].partition("-")[0]) - (old != "-")
    old, new = old.replace("-", ""), new.replace("-", "")
    assert f"{wild}*"[start:].startswith(old)
    mutant = wild[:start] + new + f"{wild}*"[start + len(old) :]
    return mutant.partition("*")[0] + "*", False


def test_protein_name__is_that_of_vep(rows):
    found, inserted = Counter(), 0
    for row in rows:
        terms, name = set(row["terms"]), unquote(row["HGVSp"]).partition(":")[2]
        if not terms & KNOWN or not row["WildtypeProtein"] or not name:
            continue
        if "frameshift_variant" in terms and not row["FrameshiftSequence"]:
            continue
        if "cds_end_NF" in row["FLAGS"] or "*" in row["WildtypeProtein"]:
            continue
        wild = row["WildtypeProtein"] + "*"
        mutant, shifted = mutant_of(row)
        ours = protein_name(wild, mutant, shifted=shifted, to_end="stop_gained" in terms)
        if name.endswith("insTer"):
            # An inserted stop alone: VEP names the insertion, we what it does.
            inserted += 1
            assert ours.endswith("Ter")
        else:
            assert ours == name
            found[sorted(terms & KNOWN)[0]] += 1
    assert inserted == 3
    assert found == {
        "missense_variant": 1048, "stop_gained": 41, "frameshift_variant": 37, "inframe_deletion": 22,
        "inframe_insertion": 1,
    }  # fmt: skip


def test_silent_name__is_that_of_vep(rows):
    n = 0
    for row in rows:
        name = unquote(row["HGVSp"]).partition(":")[2]
        if set(row["terms"]) & {"synonymous_variant", "stop_retained_variant"} and name:
            n += 1
            assert silent_name(row["Amino_acids"], int(row["Protein_position"])) == name
    assert n > 300
