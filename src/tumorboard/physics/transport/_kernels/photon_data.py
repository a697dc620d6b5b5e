"""What the photon kernels are given: arrays with names."""

from typing import Any, NamedTuple

from numpy.typing import NDArray


class Voxels(NamedTuple):
    """Density [g/cm3] and material of each voxel, flat, x fastest; numbers and sizes of voxels [mm].

    ``ceiling``: by octave of energy and block of voxels, shape ``(16, n_blocks)``: no voxel of the block
    attenuates more than this many 255ths of the majorant. Blocks have 4 voxels along each axis.
    """

    density: NDArray[Any]
    material: NDArray[Any]
    ceiling: NDArray[Any]
    nx: int
    ny: int
    nz: int
    dx: float
    dy: float
    dz: float


class Tables(NamedTuple):
    """Tables of materials, as ``physics.transport.photon_tables`` makes them.

    By node of energy and material: ``attenuation`` and ``transfer`` [cm3/(g mm)], ``shares`` (incoherent, these
    and photoelectric, these and coherent, of all), ``binding`` [MeV]. By node of energy: ``majorant`` [1/mm].
    By energy and quantile: ``compton`` (part of the largest energy transfer), ``pair`` (the positron's part).
    By material and node of squared momentum transfer: ``scattering`` (bound over free electrons), ``rayleigh``
    (squared form factor, integrated).
    """

    attenuation: NDArray[Any]
    transfer: NDArray[Any]
    shares: NDArray[Any]
    binding: NDArray[Any]
    majorant: NDArray[Any]
    compton: NDArray[Any]
    pair: NDArray[Any]
    scattering: NDArray[Any]
    rayleigh: NDArray[Any]


class Settings(NamedTuple):
    """Photons below ``cut_mev`` stay where they are, electrons below ``electron_cut_mev`` too.

    ``marching``: score the length of tracks, voxel by voxel, instead of what collisions leave.
    """

    seed: int
    cut_mev: float
    electron_cut_mev: float
    marching: bool


class Tallies(NamedTuple):
    """``deposit`` by voxel [MeV], ``account`` by :class:`Account`, ``escaped`` photons by bin of energy."""

    deposit: NDArray[Any]
    account: NDArray[Any]
    escaped: NDArray[Any]
    escaped_edges: NDArray[Any]


class Secondaries(NamedTuple):
    """Electrons and positrons that leave a collision.

    ``state`` has rows of x, y, z [mm], direction, kinetic energy [MeV]; ``label`` rows of kind and history;
    ``count[0]`` rows are filled.
    """

    state: NDArray[Any]
    label: NDArray[Any]
    count: NDArray[Any]
