"""Class I grooves from the package immunotype (MIT) and the residues that touch the peptide.

Only its table of full-length sequences is read; its look-up database of ligands is left alone, as it may
hold peptides a model is tested on. Sequences are needed to train and never leave this folder: the wheel
carries each allele's own vectors, no sequence of IPD-IMGT/HLA (CC BY-ND).
"""

import csv
import importlib.util
import re
from pathlib import Path

import numpy as np
from residues import INDEX, PAD, likeness

# Pockets A to F in the numbering of the mature chain [saper1991refined], as histocheck.org tabulates them,
# without residue 133, which touches no peptide; and their neighbours on the floor and on the helices.
POCKETS = {
    "A": (5, 7, 59, 63, 66, 99, 159, 163, 167, 171),
    "B": (7, 9, 24, 25, 34, 45, 63, 66, 67, 70, 99),
    "C": (9, 70, 73, 74, 97),
    "D": (99, 114, 156, 159, 160),
    "E": (97, 114, 147, 152, 156),
    "F": (77, 80, 81, 84, 116, 123, 143, 146, 147),
}
NEIGHBOURS = (33, 62, 65, 69, 76, 95, 113, 124, 150, 155, 158)
CONTACTS = tuple(sorted({position for pocket in POCKETS.values() for position in pocket} | set(NEIGHBOURS)))
_GROOVE_LENGTH = 182
_MATURE_START = re.compile("SHS[MLI][RK][YHC]")


def immunotype_table() -> Path:
    """Where the installed immunotype keeps its sequences; the package itself is not imported."""
    spec = importlib.util.find_spec("immunotype")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(
            "immunotype is absent: pip install --no-deps immunotype==1.0.5, or name its table by --grooves"
        )
    return Path(spec.submodule_search_locations[0]) / "data" / "mhc_sequences.csv"


def read_grooves(path: Path) -> dict[str, str]:
    """Mature residues 1 to 182 of every HLA-A, -B and -C allele of the table, by name ("HLA-A*02:01")."""
    grooves = {}
    with path.open() as lines:
        for row in csv.DictReader(lines):
            chain = row["sequence"].replace("[CLS]", "").replace("[SEP]", "").replace(" ", "")
            found = _MATURE_START.search(chain)
            if found is None or not re.fullmatch(r"HLA-[ABC]\*\d+:\d+", row["allele"]):
                continue
            start = found.start() - 1
            groove = chain[start:] if start >= 0 else "X" + chain
            if len(groove) >= _GROOVE_LENGTH:
                grooves[row["allele"]] = groove[:_GROOVE_LENGTH]
    return dict(sorted(grooves.items()))


def contact_codes(grooves: dict[str, str]) -> np.ndarray:
    """Residue numbers (unknown as the pad) at the contact positions, (alleles, contacts)."""
    columns = [position - 1 for position in CONTACTS]
    return np.array([[INDEX.get(groove[column], PAD) for column in columns] for groove in grooves.values()])


def contact_features(codes: np.ndarray) -> np.ndarray:
    """BLOSUM62 rows and one-hot rows of the contact residues, (alleles, contacts x 41)."""
    alleles = len(codes)
    return np.concatenate(
        [
            likeness()[codes].reshape(alleles, -1),
            np.eye(PAD + 1, dtype=np.float32)[codes].reshape(alleles, -1),
        ],
        axis=1,
    )
