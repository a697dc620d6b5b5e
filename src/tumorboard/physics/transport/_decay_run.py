"""Letting decays happen and following all that they emit, turn by turn."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.physics.transport._kernels.electron_data import Cells, ElectronSettings, ElectronTables
from tumorboard.physics.transport._kernels.electron_decay import Emissions, Places, run_decays
from tumorboard.physics.transport._kernels.electron_history import follow
from tumorboard.physics.transport._kernels.photon_data import Secondaries
from tumorboard.physics.transport._kernels.photon_data import Tallies as PhotonTallies
from tumorboard.physics.transport.batches import Tallies
from tumorboard.physics.transport.photon_arguments import PhotonArguments

__all__ = ["DecayRun", "photon_rows", "seeds_of"]

#: Photons and electrons that wait at a time.
_ROWS: Final = 32768
#: Photons set electrons free, which radiate photons, and so on: each turn draws from streams of its own, the
#: last of these from the same.
TURNS: Final = 4


def photon_rows(n: int) -> Secondaries:
    """Return room for ``n`` particles that are handed on."""
    return Secondaries(np.zeros((n, 7)), np.zeros((n, 2), np.int64), np.zeros(1, np.int64))


def seeds_of(seed: int) -> tuple[int, ...]:
    """Return seeds of photons and of the electrons they set free, turn by turn."""
    return tuple(int(s) for s in np.random.SeedSequence(seed).generate_state(2 * TURNS))


@dataclass(frozen=True, slots=True, eq=False)
class DecayRun:
    """All that the kernels need but the tallies.

    Tallies are ``electrons``, ``secondaries`` and ``photons``, accounts; and energies: ``energy`` of the
    decays' own electrons, and those that ``by_secondaries`` and ``by_photons`` name. ``offset_mm`` is where
    the electrons' origin is on the photons' axes.
    """

    emissions: Emissions
    places: Places
    cells: Cells
    tables: ElectronTables
    settings: ElectronSettings
    photons: PhotonArguments | None
    seeds: tuple[int, ...]
    by_secondaries: str = "energy"
    by_photons: str = "energy"
    offset_mm: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))

    def decays(self, first: int, last: int, tallies: Tallies) -> None:
        """Let decays ``first`` to ``last`` happen and follow all that they emit."""
        photons, electrons = photon_rows(_ROWS), photon_rows(_ROWS)
        done = first
        while done < last:
            done = run_decays(
                done, last, self.emissions, self.places, self.cells, self.tables, self.settings,
                tallies["energy"], photons, tallies["electrons"],
            )  # fmt: skip
            turn = 0
            while self.photons is not None and photons.count[0]:
                self._follow_photons(self.photons, turn, photons, electrons, tallies)
                turn = min(turn + 1, TURNS - 1)
            photons.count[0] = 0

    def _follow_photons(
        self,
        arguments: PhotonArguments,
        turn: int,
        photons: Secondaries,
        electrons: Secondaries,
        tallies: Tallies,
    ) -> None:
        """Follow the photons that wait and the electrons they set free; leave what these radiate."""
        own_stream = replace(arguments, settings=arguments.settings._replace(seed=self.seeds[2 * turn]))
        none = np.empty(0)
        own = PhotonTallies(tallies[self.by_photons], tallies["photons"], none, none)
        _, points, *others = _taken(photons)
        source = (points + self.offset_mm, others[0], others[1], others[2])
        flights = None
        while True:
            flights = own_stream.follow(source, own, secondaries=electrons, flights=flights)
            if electrons.count[0]:
                self._follow_electrons(arguments, turn, electrons, photons, tallies)
            if flights is None:
                return

    def _follow_electrons(
        self,
        arguments: PhotonArguments,
        turn: int,
        electrons: Secondaries,
        photons: Secondaries,
        tallies: Tallies,
    ) -> None:
        """Follow the electrons that wait; write down the photons that they radiate."""
        kind, points, directions, energy, history = _taken(electrons)
        points -= self.offset_mm
        settings = self.settings._replace(seed=self.seeds[2 * turn + 1])
        done = 0
        while True:
            done = follow(
                done, kind, points, directions, energy, history, self.cells, self.tables, settings,
                tallies[self.by_secondaries], photons, tallies["secondaries"],
            )  # fmt: skip
            if done == kind.size:
                return
            # No room for more photons: what was taken is out of the way, so follow these first.
            self._follow_photons(arguments, min(turn + 1, TURNS - 1), photons, electrons, tallies)


def _taken(waiting: Secondaries) -> tuple[Any, Any, Any, Any, Any]:
    """Take what waits: kind, position, direction, energy, history, in the order of histories."""
    n = int(waiting.count[0])
    waiting.count[0] = 0
    order = np.argsort(waiting.label[:n, 1], kind="stable")
    state, label = waiting.state[order], waiting.label[order]
    return (
        label[:, 0].astype(np.int8),
        np.ascontiguousarray(state[:, :3]),
        np.ascontiguousarray(state[:, 3:6]),
        np.ascontiguousarray(state[:, 6]),
        np.ascontiguousarray(label[:, 1]),
    )
