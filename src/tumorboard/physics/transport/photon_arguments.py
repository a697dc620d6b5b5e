"""The photon kernels' arguments, made from nouns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.errors import InputError
from tumorboard.physics.photon_attenuation import LOWEST_PHOTON_MEV
from tumorboard.physics.transport._kernels.photon_data import (
    ACCOUNTS,
    BLOCK,
    NODES_PER_BAND,
    NUMBERS,
    WAITING,
    WHOLES,
    Flights,
    Secondaries,
    Settings,
    Tables,
    Tallies,
    Voxels,
)
from tumorboard.physics.transport._kernels.photon_history import follow
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.photon_tables import photon_tables

__all__ = ["PhotonArguments", "PhotonScoring", "PhotonSteps", "photon_arguments"]

#: Photons that are on their way together: their state fits into the fastest memory.
_TOGETHER: Final = 256
#: A code of 16 bits must leave some for the density.
_MOST_MATERIALS: Final = 4096
#: Ceilings and cells of density are widened by this, so that rounding does not make them too narrow.
_WIDER: Final = 1e-6


class PhotonScoring(Enum):
    """How energy is scored where electrons are not followed."""

    #: What each collision leaves: energy closes voxel by voxel; the fastest.
    COLLISIONS = "collisions"
    #: Energy, transfer coefficient and length of each flight in each voxel: fewer histories, slower ones.
    TRACK_LENGTH = "track_length"


@dataclass(frozen=True, slots=True)
class PhotonSteps:
    """How far photons are followed, and how their energy is scored.

    Parameters
    ----------
    cut_mev
        Photons below this energy stay where they are, >= 0.001 [MeV]: 5 keV goes 0.24 mm in water.
    electron_cut_mev
        Electrons and positrons below this energy stay where they are made, the others are handed on [MeV];
        ``None``: all stay, and positrons annihilate there.
    scoring
        See :class:`PhotonScoring`; electrons are handed on from collisions only.

    Raises
    ------
    InputError
        When a number is out of range.
    """

    cut_mev: float = 0.005
    electron_cut_mev: float | None = None
    scoring: PhotonScoring = PhotonScoring.COLLISIONS

    def __post_init__(self) -> None:
        if not LOWEST_PHOTON_MEV <= self.cut_mev <= 1.0:
            raise InputError(f"cut_mev must be 0.001 to 1 [MeV]; got {self.cut_mev!r}; is it keV?")
        if not isinstance(self.scoring, PhotonScoring):
            raise InputError(f"scoring must be a PhotonScoring; got {self.scoring!r}")
        electrons = self.electron_cut_mev
        if electrons is not None and not 0 < electrons < math.inf:
            raise InputError(f"electron_cut_mev must be > 0 [MeV], or None; got {electrons!r}")
        if electrons is not None and self.scoring is PhotonScoring.TRACK_LENGTH:
            raise InputError(
                "electron_cut_mev must be None where track lengths are scored, which count what electrons "
                f"take along; got {electrons!r}; score collisions"
            )


@dataclass(frozen=True, slots=True, eq=False)
class PhotonArguments:
    """A medium and settings as the photon kernels see them; made by :func:`photon_arguments`.

    Parameters
    ----------
    voxels, tables, settings
        See ``_kernels/photon_data.py``.
    """

    voxels: Voxels
    tables: Tables
    settings: Settings

    def follow(
        self,
        source: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]],
        tallies: Tallies,
        *,
        secondaries: Secondaries | None = None,
        flights: Flights | None = None,
    ) -> Flights | None:
        """Follow photons; what leaves collisions is written down, not in the order of histories.

        Parameters
        ----------
        source
            Positions and directions on the grid's own axes, shape ``(n, 3)`` [mm]; energies, ``(n,)``
            [MeV]; numbers of histories, ``(n,)``. A history's photons follow each other.
        tallies
            To add to.
        secondaries
            Where electrons go that are handed on; 512 rows at least.
        flights
            What an earlier call returned.

        Returns
        -------
        Flights or None
            ``None`` when all are done; otherwise ``secondaries`` are full: empty them, set their count to 0
            and call again with this.

        Raises
        ------
        InputError
            When electrons are to be handed on and ``secondaries`` have fewer rows.
        """
        if secondaries is None:
            secondaries = Secondaries(np.zeros((0, 7)), np.zeros((0, 2), np.int64), np.zeros(1, np.int64))
        rows = secondaries.state.shape[0]
        if self.settings.electron_cut_mev < math.inf and rows < 2 * _TOGETHER:
            raise InputError(
                f"secondaries must have room for two of each photon at work: {2 * _TOGETHER} rows at least; "
                f"got {rows}"
            )
        going = flights if flights is not None else _new_flights()
        done = follow(source, self.voxels, self.tables, self.settings, tallies, secondaries, going)
        return None if done else going


def new_tallies(n_voxels: int, escaped_edges_mev: tuple[float, ...] = ()) -> Tallies:
    """Return tallies with nothing in them."""
    edges = np.asarray(escaped_edges_mev, dtype=np.float64)
    return Tallies(np.zeros(n_voxels), np.zeros(ACCOUNTS), np.zeros(max(edges.size - 1, 0)), edges)


def _new_flights() -> Flights:
    n, scratch = _TOGETHER, np.zeros(1)
    whole = np.full((n, WHOLES), -1, np.int64)
    whole[:, WAITING] = 0
    return Flights(
        np.zeros((n, NUMBERS)),
        whole,
        np.zeros((n, 2), np.uint64),
        np.zeros(1, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n),
        np.zeros(2, np.uint64),
        scratch,
        scratch.view(np.int64),
    )


def photon_arguments(medium: TransportMedium, steps: PhotonSteps, *, seed: int) -> PhotonArguments:
    """Return a medium and settings as the photon kernels see them.

    Parameters
    ----------
    medium
        Density and materials.
    steps
        How photons are followed.
    seed
        Of the random streams: another one than anything else that draws by the same histories.

    Returns
    -------
    PhotonArguments

    Raises
    ------
    InputError
        When the medium has more than 4096 materials.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.physics.materials import material
    >>> grid = Grid((4, 4, 4), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> water = TransportMedium.homogeneous(grid, material("water, liquid"))
    >>> photon_arguments(water, PhotonSteps(), seed=1).voxels.codes.size
    64
    """
    if len(medium.materials) > _MOST_MATERIALS:
        raise InputError(
            f"materials of a medium for photons must be at most {_MOST_MATERIALS}; "
            f"got {len(medium.materials)}"
        )
    tables = photon_tables(medium)
    nz, ny, nx = medium.grid.shape
    dx, dy, dz = (float(size) for size in medium.spacing_xyz_mm)
    codes, cells, bits = _codes(medium)
    density = medium.density_g_cm3.ravel()
    voxels = Voxels(codes, cells, bits, density, _ceilings(medium, tables), nx, ny, nz, dx, dy, dz)
    electrons = math.inf if steps.electron_cut_mev is None else steps.electron_cut_mev
    marching = steps.scoring is PhotonScoring.TRACK_LENGTH
    return PhotonArguments(voxels, tables, Settings(seed, steps.cut_mev, electrons, marching))


def _codes(medium: TransportMedium) -> tuple[NDArray[np.uint16], NDArray[np.float64], int]:
    """Return codes of voxels, where cells of density begin and how wide they are by material, and bits."""
    bits = 16 - max((len(medium.materials) - 1).bit_length(), 1)
    last = (1 << bits) - 1
    cells = np.zeros((len(medium.materials), 2))
    codes = np.zeros(medium.grid.shape, np.uint16)
    for m in np.unique(medium.material_index):
        here = medium.material_index == m
        own = medium.density_g_cm3[here].astype(np.float64)
        low, width = own.min() * (1.0 - _WIDER), np.ptp(own) * (1.0 + 2.0 * _WIDER) / last
        width += 2.0 * _WIDER * own.max()
        cells[m] = low, width
        cell = np.minimum((own - low) / max(width, 1e-300), last)
        codes[here] = (int(m) << bits) + cell.astype(np.uint16)
    # Rounding may put a density into the cell beside its own: let cells overlap a little.
    cells[:, 0] -= _WIDER * cells[:, 1]
    cells[:, 1] *= 1.0 + _WIDER
    return codes.ravel(), cells, bits


def _ceilings(medium: TransportMedium, tables: Tables) -> NDArray[np.uint8]:
    """Return by band of energy and block the most that a voxel attenuates, in 255ths of the majorant."""
    majorant = tables.majorant[:, None]
    relative = np.divide(
        tables.attenuation, majorant, out=np.zeros_like(tables.attenuation), where=majorant > 0
    )
    # Between two nodes the ratio of two straight lines is between its values there.
    starts = range(0, relative.shape[0] - 1, NODES_PER_BAND)
    bands = [relative[n : n + NODES_PER_BAND + 1].max(axis=0) for n in starts]
    blocks = tuple(-(-n // BLOCK) for n in medium.grid.shape)
    found = np.zeros((len(bands), *blocks), np.float32)
    for m in np.unique(medium.material_index):
        own = np.where(medium.material_index == m, medium.density_g_cm3, np.float32(0))
        missing = [(0, BLOCK * b - n) for b, n in zip(blocks, own.shape, strict=True)]
        parts = np.pad(own, missing).reshape(blocks[0], BLOCK, blocks[1], BLOCK, blocks[2], BLOCK)
        densest = parts.max(axis=(1, 3, 5))
        for band, values in zip(bands, found, strict=True):
            np.maximum(values, densest * band[m], out=values)
    # Rounded up: a ceiling too high costs time only. Bytes fit into the fastest memory.
    widened = np.minimum(np.ceil(found * (255.0 * (1.0 + 4 * _WIDER))), 255.0)
    return np.asarray(widened.astype(np.uint8).reshape(len(bands), -1))
