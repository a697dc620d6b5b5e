"""Compare what we read of VCF files and HLA names with cyvcf2 and mhcgnomes.

python validation/immunotherapy/files/compare.py DATA PEER_PYTHON

DATA is the folder ``immunotherapy`` of the test data, PEER_PYTHON a Python with cyvcf2 and mhcgnomes.
"""

import csv
import gzip
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tumorboard.core.hla import HlaAllele, HlaMolecule
from tumorboard.errors import InputError
from tumorboard.io.vcf_records import read_annotated_variants

PEER = Path(__file__).with_name("peer_readings.py")
CHAINS = [
    ("A", "02", "01"), ("A", "24", "09"), ("A", "02", "101"), ("B", "07", "02"), ("B", "15", "220"),
    ("C", "07", "02"), ("C", "04", "01"), ("E", "01", "01"), ("G", "01", "01"), ("DRA", "01", "01"),
    ("DRB1", "04", "05"), ("DRB1", "11", "01"), ("DRB3", "01", "01"), ("DRB5", "01", "01"),
    ("DQA1", "05", "01"), ("DQB1", "02", "01"), ("DPA1", "01", "03"), ("DPB1", "04", "01"),
    ("DPB1", "104", "01"), ("DPB1", "1000", "01"),
]  # fmt: skip
SPELLINGS = (
    "HLA-{l}*{g}:{p}", "{l}*{g}:{p}", "{l}{g}:{p}", "HLA-{l}{g}:{p}", "{l}*{g}{p}", "{l}{g}{p}",
    "HLA-{l}{g}{p}",
    "hla_{s}_{g}_{p}", "hla_{s}_{g}_{p}_01", "{l}_{g}{p}", "HLA-{l}*{g}:{p}:01:01", "{l}-{g}:{p}",
    "HLA_{l}*{g}:{p}N", "{l}*{g}:{p}:01G", "{l}*{g}:{p}P",
)  # fmt: skip
OTHERS = [
    "Cw*0702", "A2", "HLA-A2", "A*02", "B27", "DR4", "HLA-Cw7", "HLA-DPA10103-DPB10401", "A*24:09N",
    "HLA-DQA1*05:01/DQB1*02:01", "HLA-DQA10501-DQB10201", "A*02:01:01:02L", "H-2-Kb", "BoLA-1", "nonsense",
    "A*2:1",
]  # fmt: skip


def say(text):
    """Write a line."""
    sys.stdout.write(f"{text}\n")


def peer(python, *said):
    """Return what the other program reads."""
    done = subprocess.run([python, PEER, *said], check=True, capture_output=True)  # noqa: S603 - our own
    return json.loads(done.stdout)


def variants(data, python):
    """Compare the variants of both VCF files."""
    for name in ("annotated.expression.vcf.gz", "proximal_variant/somatic.vcf.gz"):
        path = data / "pvactools" / name
        began = time.process_time()
        found = read_annotated_variants(path, exonic_only=False)
        spent = time.process_time() - began
        theirs = peer(python, "vcf", str(path), found.tumour_sample)
        differences = Counter()
        for (ours, _), other in zip(found, theirs["records"], strict=True):
            place = [ours.chromosome, ours.position, ours.reference, [ours.alternative]]
            differences["place"] += place != other["place"]
            differences["filter"] += list(ours.filters) != other["filters"]
            differences["genotype"] += ours.evidence.in_tumour != (1 in other["alleles"])
            if other["fraction"] is not None:
                differences["fraction"] += abs(ours.evidence.tumour_vaf - other["fraction"]) > 1e-6
        kept = sum(len(changes) for _, changes in found)
        say(
            f"{name}: {len(found)} variants, {kept} of {theirs['entries']} entries are of transcripts; "
            f"differences {dict(+differences) or 'none'}; CPU {spent:.2f} s with all changes made, "
            f"cyvcf2 {theirs['cpu_s']:.2f} s with entries split only"
        )
    say(f"largest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def evidence(data):
    """Compare reads, expression and names of changes with pVACseq's result for the same file."""
    found = read_annotated_variants(data / "pvactools/annotated.expression.vcf.gz")
    ours = {
        (v.chromosome, v.position, v.reference, v.alternative, c.transcript): (v.evidence, c)
        for v, changes in found
        for c in changes
    }
    rows = {}
    with gzip.open(data / "pvactools/HCC1395_all_epitopes.slim.tsv.gz", "rt") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            place = (row["Chromosome"], int(row["Start"]) + 1, row["Reference"], row["Variant"])
            rows[*place, row["Transcript"]] = row
    same, compared = Counter(), 0
    for key, row in rows.items():
        if key not in ours:
            continue
        compared += 1
        reads, change = ours[key]
        values = {
            "Tumor DNA VAF": reads.tumour_vaf, "Tumor DNA Depth": reads.tumour_depth,
            "Normal VAF": reads.normal_vaf, "Normal Depth": reads.normal_depth,
            "Tumor RNA VAF": reads.rna_vaf, "Tumor RNA Depth": reads.rna_depth,
            "Gene Expression": change.gene_tpm, "Transcript Expression": change.transcript_tpm,
        }  # fmt: skip
        for column, value in values.items():
            said = None if row[column] in ("", "NA") else float(row[column])
            same[column] += said == value or (
                said is not None and value is not None and abs(said - value) <= 1e-3 * max(1, said)
            )
        same["HGVSp"] += row["HGVSp"] in (change.hgvs_protein, "NA" if not change.hgvs_protein else "")
    say(f"pVACseq: {compared} of {len(rows)} variants and transcripts compared; the same: {dict(same)}")


def two_fields(name):
    """Return a name of mhcgnomes without further fields and group letters, which ours drop."""
    name = name.replace("HLA-DRA*01:01/DRB", "HLA-DRB")
    return re.sub(r"(\*\d+:\d+)(?::\d+)*([NLSCAQ]?)[GP]?", r"\1\2", name)


def names(python):
    """Compare names of alleles in many spellings."""
    spelled = [s.format(l=one, s=one.lower(), g=g, p=p) for one, g, p in CHAINS for s in SPELLINGS]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(spelled + OTHERS, file)
        file.flush()
        theirs = peer(python, "hla", file.name)
    same = 0
    for name, other in theirs.items():
        try:
            ours = str(HlaMolecule.named(name))
        except InputError:
            try:
                ours = str(HlaAllele.named(name))
            except InputError:
                ours = None
        is_allele = other["kind"] in ("Allele", "Pair") and other["name"].count(":") > 0
        expected = two_fields(other["name"]) if is_allele and other["name"].startswith("HLA") else None
        same += ours == expected
        if ours != expected:
            say(f"  {name}: ours {ours or 'refused'}, mhcgnomes {other['name']} ({other['kind']})")
    say(f"{len(theirs)} names, {same} the same or refused by us and no two-field allele to mhcgnomes")


if __name__ == "__main__":
    variants(Path(sys.argv[1]), sys.argv[2])
    evidence(Path(sys.argv[1]))
    names(sys.argv[2])
