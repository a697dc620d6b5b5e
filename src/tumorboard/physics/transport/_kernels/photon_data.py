"""What the photon kernels are given: arrays with names."""

from typing import Any, NamedTuple

from numpy.typing import NDArray

#: How the kernels are compiled. They own no array, so that counting who holds one, which takes an eighth of
#: the time, can be left away.
OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}

#: Columns of ``Flights.number``: position [mm], direction, energy [MeV], part of the way to the next node,
#: attenuation below which a collision is real [1/mm], account of the photon [MeV], photon that waits.
X, Y, Z, U, V, W, ENERGY, PART, WANTED = range(9)
BROUGHT, DEPOSITED, CUT, ESCAPED, HANDED_ON = range(9, 14)
WAITING_X, WAITING_Y, WAITING_Z, WAITING_U, WAITING_V, WAITING_W, NUMBERS = range(14, 21)
#: Columns of ``Flights.whole``: row of the source, history, node of energy, voxel, its code, collisions.
SOURCE, HISTORY, NODE, VOXEL, CODE, COLLISIONS, WAITING, WHOLES = range(8)

#: Entries of ``Tallies.account``; the first of them are in the order of a photon's account.
(
    ALL_BROUGHT,
    ALL_DEPOSITED,
    ALL_CUT,
    ALL_ESCAPED,
    ALL_HANDED_ON,
    ALL_MISSED,
    LARGEST_ERROR,
    STUCK,
    ACCOUNTS,
) = range(9)

#: More collisions than any photon above 1 keV makes.
MOST_COLLISIONS = 100_000

#: Voxels along each side of a block.
BLOCK = 8
#: Nodes of energy per octave, and those that share the ceilings of blocks.
NODES_PER_OCTAVE = 128
NODES_PER_BAND = 64


class Voxels(NamedTuple):
    """What each voxel is, flat, x fastest; numbers of voxels and their sizes [mm].

    A code holds the material above ``bits`` and a cell of density below: cell ``c`` of material ``m`` begins
    at ``cells[m, 0] + c * cells[m, 1]``. Codes fit into faster memory than densities [g/cm3], read only where
    the cell leaves open whether a collision is real. ``ceiling``: by band of energy and block of voxels, the
    255ths of the majorant that no voxel of the block exceeds.
    """

    codes: NDArray[Any]
    cells: NDArray[Any]
    bits: int
    density: NDArray[Any]
    ceiling: NDArray[Any]
    nx: int
    ny: int
    nz: int
    dx: float
    dy: float
    dz: float


class Tables(NamedTuple):
    """Tables of materials, as ``physics.transport.photon_tables`` makes them.

    By node of energy and material: ``attenuation`` and ``transfer`` [cm3/(g mm)], ``shares`` (incoherent,
    these and photoelectric, these and coherent, of all), ``binding`` [MeV]. By node of energy: ``majorant``
    [1/mm]. By energy and quantile: ``compton`` (part of the largest energy transfer) and ``pair`` (part of
    the positron). By material and node of squared momentum transfer: ``scattering`` (bound over free
    electrons) and ``rayleigh`` (squared form factor, integrated).
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
    """``deposit`` by voxel [MeV], ``account`` [MeV], ``escaped`` photons by bin of energy [MeV]."""

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
    count: NDArray[Any]  # type: ignore[assignment]


class Flights(NamedTuple):
    """Photons that are on their way together, so that the voxels of all are looked up at once.

    ``number``, ``whole`` and ``stream`` have a row for each; ``following[0]`` is the next row of the source.
    ``places`` and ``amounts`` gather deposits; ``rng`` holds the stream of whoever has its
    turn, ``scratch`` a number whose bits ``bits`` shows.
    """

    number: NDArray[Any]
    whole: NDArray[Any]
    stream: NDArray[Any]
    following: NDArray[Any]
    places: NDArray[Any]
    amounts: NDArray[Any]
    rng: NDArray[Any]
    scratch: NDArray[Any]
    bits: NDArray[Any]
