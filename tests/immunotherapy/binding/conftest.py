from pathlib import Path

import numpy as np
import pytest

from tumorboard.core.hla import HlaMolecule, MhcClass
from tumorboard.immunotherapy.binding import load_model
from tumorboard.immunotherapy.residues import RESIDUES


@pytest.fixture(scope="session")
def class1():
    return load_model(MhcClass.I)


@pytest.fixture(scope="session")
def six_alleles():
    names = ("A*02:01", "A*29:02", "B*07:02", "B*45:01", "B*82:02", "C*07:02")
    return [HlaMolecule.named(name) for name in names]


@pytest.fixture(scope="session")
def some_peptides():
    rng = np.random.default_rng(7)
    return ["".join(rng.choice(list(RESIDUES), length)) for length in rng.integers(8, 16, 203)]


@pytest.fixture(scope="session")
def repository_root():
    return Path(__file__).resolve().parents[3]
