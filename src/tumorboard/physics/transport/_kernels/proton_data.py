"""Bundles of arrays that the proton kernels share."""

from typing import Any, NamedTuple


class Voxels(NamedTuple):
    """Numbers of voxels and their sizes [mm] along x, y, z; density [g/cm3] and material of each."""

    nx: int
    ny: int
    nz: int
    hx: float
    hy: float
    hz: float
    density: Any
    material: Any


class Matter(NamedTuple):
    """Tables by material, as ``physics.transport.proton_tables`` makes them, and of steps.

    Of a step that begins in a coarse bin of the range: ``middle``, the bin of its rates; ``planned``, by
    material: its scattering, the relative straggling of its loss, and the row of ``straggling`` to draw from.
    """

    largest_range: float
    energy: Any
    let_energy: Any
    rates: Any
    speed: Any
    channels: Any
    middle: Any
    planned: Any
    straggling: Any


class Nuclei(NamedTuple):
    """Quantiles of reactions, as ``physics.transport.nuclear_tables`` makes them."""

    n_inelastic: Any
    inelastic_mev: Any
    multiplicity: Any
    recoil: Any
    energy: Any
    nodes: Any
    cosine: Any
    n_elastic: Any
    elastic_mev: Any
    elastic_angle: Any
    mass_mev: Any


class Yields(NamedTuple):
    """Emission per reaction, (nucleus, energy, channel), and energies per MeV."""

    values: Any
    per_mev: float


class Scores(NamedTuple):
    """What is added to: by voxel and column, by voxel and channel, and the ledger of one history [MeV]."""

    tally: Any
    emission: Any
    ledger: Any


#: Columns of ``rates``, and of ``planned``.
SCATTERING, NUCLEAR, STOPPING, TO_WATER = range(4)
BUDGET, SPREAD, ROW_OF_LOSS = range(3)

#: Columns of a full tally; one of energy alone has the first.
ENERGY, OF_PROTONS, ENERGY_LET, LENGTH, LENGTH_LET, IN_WATER = range(6)
COLUMNS = 6

#: Places of a ledger, in MeV but for the last: deposited, of that at the cut, escaped, handed on; reactions.
DEPOSITED, CUT, ESCAPED, HANDED_ON, REACTIONS = range(5)
LEDGER = 5

#: Of proton, deuteron, alpha.
NUCLEONS = (1.0, 2.0, 4.0)
