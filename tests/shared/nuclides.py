"""Nuclides whose emissions stand in ``validation/electrons``."""

import csv
from pathlib import Path

import numpy as np

from tumorboard.physics.transport.decay_source import DecayEmissions, EmissionLines, EmissionSpectrum
from tumorboard.physics.transport.particles import ParticleKind

FOLDER = Path(__file__).resolve().parents[2] / "validation" / "electrons"


def emissions_of(nuclide, kinds=(ParticleKind.ELECTRON, ParticleKind.PHOTON)):
    """Return its betas, and its lines of some kinds."""
    with (FOLDER / f"emissions_{nuclide}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    low, high, number = (np.array([float(r[k]) for r in rows]) for k in ("low_mev", "high_mev", "per_decay"))
    betas = high > low
    beta = EmissionSpectrum(ParticleKind.ELECTRON, np.append(low[betas], high[betas][-1]), number[betas])
    of = np.array([ParticleKind[r["kind"].upper()] for r in rows])
    own = [(kind, (of == kind) & ~betas) for kind in kinds]
    lines = tuple(EmissionLines(kind, low[here], number[here]) for kind, here in own)
    return DecayEmissions(nuclide, lines=lines, spectra=(beta,))
