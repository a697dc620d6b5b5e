"""What the electron kernels are given: arrays with names."""

from typing import Any, NamedTuple

from numpy.typing import NDArray

#: Columns of ``ElectronTables.by_range``: energy [MeV]; scattering strength, hard events, variance of the
#: soft losses [MeV^2], all until it stops; place in the table of angles; part of the hard events that are
#: bremsstrahlung; photons radiated until it stops, knocked-on electrons counted as going on; range with all
#: losses [g/cm2].
ENERGY, STRENGTH, EVENTS, VARIANCE, SHAPE, RADIATIVE, PHOTONS, REACH, COLUMNS = range(9)

#: Rows a factor of two of range, angles' rows a factor of two of scattering strength, rows a factor of two of
#: energy for bremsstrahlung; the exponents are those of the first rows.
RANGE_ROWS, RANGE_FIRST = 16, -20
STRENGTH_ROWS, STRENGTH_FIRST = 4, -8
ENERGY_FIRST = -10


class Cells(NamedTuple):
    """Density [g/cm3] and material of each voxel, flat, x fastest; numbers and sizes of voxels [mm].

    With ``nx`` 0 it is a medium without end, of the first density and material, and what is left in it is
    scored in shells about the origin that are ``dx`` thick.
    """

    density: NDArray[Any]
    material: NDArray[Any]
    nx: int
    ny: int
    nz: int
    dx: float
    dy: float
    dz: float


class ElectronTables(NamedTuple):
    """Tables of materials, as ``physics.transport.electron_tables`` makes them.

    ``by_range``: by kind (electrons, positrons), material, node of range under soft losses, and column.
    ``cut_range``: that range at the cut, by kind and material [g/cm2]. ``angle``, ``angle_scale``: quantiles
    of the deflection and their scale, by strength and shape. ``spectrum``: photon energy times number of
    photons over its largest value, by material, node of energy, and part of the energy.
    """

    by_range: NDArray[Any]
    cut_range: NDArray[Any]
    angle: NDArray[Any]
    angle_scale: NDArray[Any]
    spectrum: NDArray[Any]


class ElectronSettings(NamedTuple):
    """How electrons are followed.

    Below ``cut_mev`` they stay where they are; collisions that transfer more than ``transfer_mev`` and
    photons of more than ``photon_cut_mev`` are followed one by one. A step takes ``share`` of the range that
    is left. ``within``: stop those that cannot leave their voxel.
    """

    seed: int
    cut_mev: float
    transfer_mev: float
    photon_cut_mev: float
    share: float
    within: bool
