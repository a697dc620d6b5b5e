"""What radioactive decays emit, and where they happen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.image import Image
from tumorboard.errors import InputError
from tumorboard.physics.transport._kernels.electron_decay import Emissions, Places
from tumorboard.physics.transport.medium import TransportMedium
from tumorboard.physics.transport.particles import ParticleKind

__all__ = ["ActivityBall", "ActivityImage", "DecayEmissions", "EmissionLines", "EmissionSpectrum"]

_KINDS = (ParticleKind.PHOTON, ParticleKind.ELECTRON, ParticleKind.POSITRON)


def _require_kind(kind: ParticleKind) -> None:
    if kind not in _KINDS:
        raise InputError(
            f"kind must be one of {', '.join(k.name for k in _KINDS)}; got {kind!r}; give the energy of "
            "alphas and recoils as local_mev"
        )


@dataclass(frozen=True, slots=True, eq=False)
class EmissionLines:
    """Particles of one kind with energies of their own: gammas, X rays, conversion and Auger electrons.

    Parameters
    ----------
    kind
        PHOTON, ELECTRON or POSITRON.
    energy_mev
        Shape ``(n,)``, > 0 [MeV].
    per_decay
        Mean number of each in a decay, >= 0, shape ``(n,)``.

    Raises
    ------
    InputError
        When shapes or numbers do not fit.
    """

    kind: ParticleKind
    energy_mev: NDArray[np.float64]
    per_decay: NDArray[np.float64]

    def __post_init__(self) -> None:
        _require_kind(self.kind)
        object.__setattr__(self, "energy_mev", read_only(self.energy_mev, np.float64))
        object.__setattr__(self, "per_decay", read_only(self.per_decay, np.float64))
        if self.energy_mev.ndim != 1 or self.energy_mev.shape != self.per_decay.shape:
            raise InputError(
                f"energy_mev and per_decay must be lists of one length; got {self.energy_mev.shape} and "
                f"{self.per_decay.shape}"
            )
        if not ((self.energy_mev > 0) & (self.energy_mev < 30)).all():
            raise InputError("energy_mev of lines must be > 0 and below 30 [MeV]; got others; is it keV?")
        if not ((self.per_decay >= 0) & np.isfinite(self.per_decay)).all():
            raise InputError("per_decay of lines must be finite and >= 0; got others")


@dataclass(frozen=True, slots=True, eq=False)
class EmissionSpectrum:
    """Particles of one kind with a continuous spectrum: betas.

    Parameters
    ----------
    kind
        PHOTON, ELECTRON or POSITRON.
    edges_mev
        Ascending from >= 0, shape ``(n + 1,)`` [MeV].
    per_decay
        Mean number in each bin in a decay, >= 0, shape ``(n,)``.

    Raises
    ------
    InputError
        When shapes or numbers do not fit.
    """

    kind: ParticleKind
    edges_mev: NDArray[np.float64]
    per_decay: NDArray[np.float64]

    def __post_init__(self) -> None:
        _require_kind(self.kind)
        object.__setattr__(self, "edges_mev", read_only(self.edges_mev, np.float64))
        object.__setattr__(self, "per_decay", read_only(self.per_decay, np.float64))
        if self.edges_mev.ndim != 1 or self.edges_mev.size != self.per_decay.size + 1:
            raise InputError(
                f"edges_mev must be one more than per_decay; got {self.edges_mev.shape} and "
                f"{self.per_decay.shape}"
            )
        ascending = (np.diff(self.edges_mev) > 0).all()
        if not (ascending and self.edges_mev[0] >= 0 and self.edges_mev[-1] < 30):
            raise InputError("edges_mev must ascend from >= 0 to below 30 [MeV]; got others; are they keV?")
        if not ((self.per_decay >= 0) & np.isfinite(self.per_decay)).all():
            raise InputError("per_decay of a spectrum must be finite and >= 0; got others")


@dataclass(frozen=True, slots=True, eq=False)
class DecayEmissions:
    """What a decay emits in the mean.

    Betas, other electrons and photons are drawn independently of each other: doses are right, coincidences
    are not there.

    Parameters
    ----------
    name
        Of the nuclide, e.g. ``"Lu-177"``.
    lines, spectra
        What travels.
    local_mev
        Energy that does not travel, of alphas and recoils, in a decay [MeV].

    Raises
    ------
    InputError
        When nothing is emitted or ``local_mev`` is negative.

    Examples
    --------
    >>> gamma = EmissionLines(ParticleKind.PHOTON, np.array([0.208]), np.array([0.104]))
    >>> round(DecayEmissions("Lu-177", lines=(gamma,)).energy_mev(ParticleKind.PHOTON), 4)
    0.0216
    """

    name: str
    lines: tuple[EmissionLines, ...] = ()
    spectra: tuple[EmissionSpectrum, ...] = ()
    local_mev: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", tuple(self.lines))
        object.__setattr__(self, "spectra", tuple(self.spectra))
        if not (np.isfinite(self.local_mev) and self.local_mev >= 0):
            raise InputError(f"local_mev must be finite and >= 0 [MeV]; got {self.local_mev!r}")
        if self.local_mev + sum(map(self.energy_mev, _KINDS)) <= 0:
            raise InputError(f"emissions of {self.name!r} must carry energy; got none")

    def energy_mev(self, kind: ParticleKind) -> float:
        """Return the mean kinetic energy of a kind of particle in a decay [MeV]."""
        of_lines = sum(float(line.energy_mev @ line.per_decay) for line in self.lines if line.kind == kind)
        middles = ((s, 0.5 * (s.edges_mev[1:] + s.edges_mev[:-1])) for s in self.spectra if s.kind == kind)
        return float(of_lines + sum(float(m @ s.per_decay) for s, m in middles))

    @property
    def digest(self) -> str:
        """SHA-256 over all numbers."""
        found = hashlib.sha256(f"{self.name} {self.local_mev!r}".encode())
        for line in self.lines:
            found.update(bytes([int(line.kind)]) + line.energy_mev.tobytes() + line.per_decay.tobytes())
        for one in self.spectra:
            found.update(bytes([int(one.kind)]) + one.edges_mev.tobytes() + one.per_decay.tobytes())
        return found.hexdigest()

    def for_kernel(self, cut_mev: float) -> Emissions:
        """Return what the kernel is given; electrons of lines below ``cut_mev`` [MeV] stay in the mean."""
        groups: list[list[tuple[int, float, float, float]]] = [[], [], []]
        local = self.local_mev
        for spectrum in self.spectra:
            bins = zip(spectrum.edges_mev[:-1], np.diff(spectrum.edges_mev), spectrum.per_decay, strict=True)
            group = 2 if spectrum.kind == ParticleKind.PHOTON else 0
            groups[group] += [(int(spectrum.kind), float(e), float(w), float(p)) for e, w, p in bins if p > 0]
        for line in self.lines:
            for energy, number in zip(line.energy_mev, line.per_decay, strict=True):
                if line.kind == ParticleKind.ELECTRON and energy <= cut_mev:
                    local += float(energy * number)
                elif number > 0:
                    group = 2 if line.kind == ParticleKind.PHOTON else 1
                    groups[group].append((int(line.kind), float(energy), 0.0, float(number)))
        groups = [g for g in groups if g]
        sizes = [len(g) for g in groups]
        keep, other = (
            zip(*(alias_table(np.array([e[3] for e in g])) for g in groups), strict=True)
            if (groups)
            else ([np.empty(0)], [np.empty(0, np.int64)])
        )
        entries = np.array([e for g in groups for e in g]).reshape(-1, 4)
        return Emissions(
            np.array([sum(e[3] for e in g) for g in groups]),
            np.concatenate(([0], np.cumsum(sizes, dtype=np.int64))).astype(np.int64),
            entries[:, 0].astype(np.int64),
            np.ascontiguousarray(entries[:, 1]),
            np.ascontiguousarray(entries[:, 2]),
            np.concatenate(keep),
            np.concatenate(other),
            local,
        )


def alias_table(weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return Walker's table [1]_: the share each of ``n`` equal cells keeps, and who has the rest.

    References
    ----------
    .. [1] walker1977alias
    """
    n = weights.size
    share = weights * (n / weights.sum())
    keep, other = np.ones(n), np.arange(n)
    small = [int(i) for i in np.flatnonzero(share < 1.0)]
    large = [int(i) for i in np.flatnonzero(share >= 1.0)]
    while small and large:
        i, j = small.pop(), large[-1]
        keep[i], other[i] = share[i], j
        share[j] -= 1.0 - share[i]
        if share[j] < 1.0:
            small.append(large.pop())
    return keep, other.astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class ActivityImage:
    """Decays in voxels, in proportion to an image's values; evenly within each voxel.

    Parameters
    ----------
    image
        Activity, or number of decays, of any unit; values >= 0. Its grid need not be the medium's.

    Raises
    ------
    InputError
        When a value is negative or not finite, or all are 0.
    """

    image: Image
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        values = np.asarray(self.image.values, dtype=np.float64)
        if not (np.isfinite(values) & (values >= 0)).all():
            raise InputError("values of the activity image must be finite and >= 0; got others")
        if values.max(initial=0.0) <= 0:
            raise InputError("the activity image must have activity; got 0 everywhere")
        found = hashlib.sha256(repr(self.image.grid.to_dict()).encode() + values.tobytes())
        object.__setattr__(self, "digest", found.hexdigest())

    def for_kernel(self, medium: TransportMedium) -> Places:
        """Return what the kernel is given: places on the medium's own axes."""
        values = np.asarray(self.image.values, dtype=np.float64)
        filled = np.argwhere(values > 0)
        keep, other = alias_table(values[tuple(filled.T)])
        grid = self.image.grid
        corners = grid.index_to_patient(np.vstack([[-0.5] * 3, np.eye(3) - 0.5]))
        points, _ = medium.to_grid_axes(corners, np.zeros((4, 3)))
        # The image's axes run z, y, x, as its indices do.
        axes = np.ascontiguousarray((points[1:] - points[0]).T)
        return Places(filled.astype(np.float64), keep, other, points[0], axes, False)


@dataclass(frozen=True, slots=True, eq=False)
class ActivityBall:
    """Decays evenly in a ball, or at a point.

    Parameters
    ----------
    position_mm
        Patient point (x, y, z) of its middle [mm].
    radius_mm
        0 for a point [mm].

    Raises
    ------
    InputError
        When the position has no three finite numbers or the radius is negative.
    """

    position_mm: tuple[float, float, float]
    radius_mm: float = 0.0

    def __post_init__(self) -> None:
        position = tuple(float(x) for x in self.position_mm)
        object.__setattr__(self, "position_mm", position)
        if len(position) != 3 or not np.isfinite(position).all():
            raise InputError(f"position_mm must be three finite numbers [mm]; got {self.position_mm!r}")
        if not (np.isfinite(self.radius_mm) and self.radius_mm >= 0):
            raise InputError(f"radius_mm must be finite and >= 0 [mm]; got {self.radius_mm!r}")

    @property
    def digest(self) -> str:
        """The numbers themselves."""
        return f"{self.position_mm} {self.radius_mm!r}"

    def for_kernel(self, medium: TransportMedium) -> Places:
        """Return what the kernel is given: places on the medium's own axes."""
        at: ArrayLike = [self.position_mm]
        points, _ = medium.to_grid_axes(at, np.zeros((1, 3)))
        one: NDArray[Any] = np.ones(1)
        return Places(
            np.zeros((1, 3)), one, np.zeros(1, np.int64), points[0], self.radius_mm * np.eye(3), True
        )
