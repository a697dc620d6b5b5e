"""MHCnuggets, in its own environment: ``python mhcnuggets_run.py I|II ALLELE PEPTIDES OUT.json``."""

import os

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", OMP_NUM_THREADS="1")
os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")

import csv
import json
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from mhcnuggets.src.predict import predict


def main(mhc_class, allele, peptides, target):
    """Predict twice, for the first call loads the model; tell the seconds of the second."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "out.csv"
        for _ in range(2):
            started = time.process_time()
            predict(class_=mhc_class, peptides_path=peptides, mhc=allele, output=str(table))
            spent = time.process_time() - started
        with table.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    found = {
        "seconds": spent,
        "version": version("mhcnuggets"),
        "ic50_nm": {r["peptide"]: r["ic50"] for r in rows},
    }
    Path(target).write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
