"""What cyvcf2 and mhcgnomes read, as JSON, for ``compare.py``: runs in an environment that has both.

PYTHON peer_readings.py vcf FILE SAMPLE   records of a VCF, with the time for the whole file
PYTHON peer_readings.py hla NAMES         what each name of a JSON list stands for
"""

import json
import sys
import time


def vcf(path, sample):
    """Write the records of a VCF, and the time for the whole file."""
    import cyvcf2

    began = time.process_time()
    source = cyvcf2.VCF(path)
    column = source.samples.index(sample)
    records, entries = [], 0
    for record in source:
        text = record.INFO.get("CSQ")
        entries += sum(len(entry.split("|")) > 1 for entry in text.split(","))
        alleles = [allele for allele in record.genotypes[column][:-1] if allele >= 0]
        depths = record.format("AD")[column].tolist()
        fraction = record.format("AF")
        records.append(
            {
                "place": [record.CHROM, record.POS, record.REF, record.ALT],
                "filters": (record.FILTER or "").split(";") if record.FILTER else [],
                "alleles": alleles,
                "depths": depths,
                "fraction": None if fraction is None else float(fraction[column][0]),
            }
        )
    sys.stdout.write(
        json.dumps({"cpu_s": time.process_time() - began, "entries": entries, "records": records})
    )


def hla(path):
    """Write what each name of a JSON list stands for."""
    import mhcgnomes

    found = {}
    with open(path) as names:
        for name in json.load(names):
            made = mhcgnomes.parse(name, raise_on_error=False)
            kind = type(made).__name__
            found[name] = {"kind": kind, "name": None if made is None else made.to_string()}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    {"vcf": vcf, "hla": hla}[sys.argv[1]](*sys.argv[2:])
