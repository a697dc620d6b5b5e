"""Evaluated decay data: half-lives, modes and emissions of every nuclide, from a library chosen by name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError
from tumorboard.physics.decay_beta import BetaTransition, beta_mean_mev

# Its home is a file without scipy, so that configurations can name a library and stay light.
from tumorboard.physics.decay_library import DecayLibrary as DecayLibrary

__all__ = [
    "DecayData",
    "DecayMode",
    "EmissionKind",
    "NuclideEmission",
    "NuclideSpectrum",
    "decay_data",
    "known_nuclides",
]


_FILES: Final = {DecayLibrary.ENDF_B_VIII_1: "endfb_viii_1", DecayLibrary.JEFF_4_0: "jeff_4_0"}
_REFERENCES: Final = {DecayLibrary.ENDF_B_VIII_1: "endfb81", DecayLibrary.JEFF_4_0: "jeff40"}


class EmissionKind(Enum):
    """What a decay emits."""

    GAMMA = "gamma"
    X_RAY = "x_ray"
    ANNIHILATION = "annihilation"
    BETA_MINUS = "beta_minus"
    BETA_PLUS = "beta_plus"
    CONVERSION_ELECTRON = "conversion_electron"
    AUGER_ELECTRON = "auger_electron"
    ALPHA = "alpha"
    NEUTRON = "neutron"
    PROTON = "proton"


class _Code(IntEnum):
    """How the table writes kinds."""

    GAMMA = 0
    BETA_MINUS = 1
    BETA_PLUS = 2
    ALPHA = 4
    NEUTRON = 5
    PROTON = 7
    CONVERSION_ELECTRON = 8
    X_RAY = 9
    ANNIHILATION = 10
    AUGER_ELECTRON = 11


_KINDS: Final = {int(code): EmissionKind[code.name] for code in _Code}
_BETAS: Final = (EmissionKind.BETA_MINUS, EmissionKind.BETA_PLUS)
#: Name of each step of a mode, and how it changes Z and A.
_STEPS: Final = {
    "1": ("beta-", 1, 0),
    "2": ("EC/beta+", -1, 0),
    "3": ("IT", 0, 0),
    "4": ("alpha", -2, -4),
    "5": ("n", 0, -1),
    "6": ("SF", 0, 0),
    "7": ("p", -1, -1),
}


@dataclass(frozen=True, slots=True)
class DecayMode:
    """One way in which a nuclide decays.

    Parameters
    ----------
    name
        ``"beta-"``, ``"EC/beta+"``, ``"IT"``, ``"alpha"``, ``"n"``, ``"p"``, ``"SF"``, or several in turn.
    daughter
        What is left; ``None`` after fission.
    branching, branching_uncertainty
        Share of the decays.
    q_mev, q_uncertainty_mev
        Energy that is set free [MeV].
    """

    name: str
    daughter: Nuclide | None
    branching: float
    branching_uncertainty: float
    q_mev: float
    q_uncertainty_mev: float


@dataclass(frozen=True, slots=True)
class NuclideEmission:
    """Particles of one kind and line, or one branch of betas.

    Parameters
    ----------
    kind
        What comes out.
    energy_mev
        Kinetic energy; of betas the mean over the branch's spectrum [MeV].
    energy_uncertainty_mev
        Standard uncertainty, of betas that of the endpoint [MeV].
    yield_per_decay, yield_uncertainty
        Mean number in a decay; 0 where the library states no uncertainty.
    endpoint_mev
        Of betas, their largest energy [MeV]; else ``None``.
    transition
        Of betas; else ``None``.
    """

    kind: EmissionKind
    energy_mev: float
    energy_uncertainty_mev: float
    yield_per_decay: float
    yield_uncertainty: float
    endpoint_mev: float | None = None
    transition: BetaTransition | None = None


@dataclass(frozen=True, slots=True, eq=False)
class NuclideSpectrum:
    """Particles of one kind for which the library gives a spectrum and not the lines.

    Parameters
    ----------
    kind
        What comes out.
    edges_mev
        Shape ``(n + 1,)`` [MeV].
    yield_per_decay
        In each bin, shape ``(n,)``.
    """

    kind: EmissionKind
    edges_mev: NDArray[np.float64]
    yield_per_decay: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges_mev", read_only(self.edges_mev, np.float64))
        object.__setattr__(self, "yield_per_decay", read_only(self.yield_per_decay, np.float64))

    @property
    def energy_mev(self) -> float:
        """Mean energy in a decay [MeV]."""
        return float(0.5 * (self.edges_mev[1:] + self.edges_mev[:-1]) @ self.yield_per_decay)


@dataclass(frozen=True, slots=True, eq=False)
class DecayData:
    """What a library says of a nuclide.

    Parameters
    ----------
    nuclide, library
        Of what, and who says so.
    half_life_s, half_life_uncertainty_s
        Infinite when it is stable, or its decay was never seen [s].
    modes
        In which it decays.
    emissions
        Lines and beta branches, by kind and energy.
    spectra
        Beside them.
    stated_light_mev, stated_photons_mev, stated_heavy_mev
        Mean energy of all electrons and positrons, of all photons, and of alphas, recoils and fragments, as
        the library states it [MeV].
    stated_beta_minus_mev, stated_beta_plus_mev
        Mean energy of betas in a decay, as the library states it [MeV].
    """

    nuclide: Nuclide
    library: DecayLibrary
    half_life_s: float
    half_life_uncertainty_s: float
    modes: tuple[DecayMode, ...]
    emissions: tuple[NuclideEmission, ...]
    spectra: tuple[NuclideSpectrum, ...]
    stated_light_mev: float
    stated_photons_mev: float
    stated_heavy_mev: float
    stated_beta_minus_mev: float
    stated_beta_plus_mev: float

    @property
    def decay_constant_per_s(self) -> float:
        """Share that decays in a second, 0 when stable [1/s]."""
        return math.log(2.0) / self.half_life_s

    @property
    def q_mev(self) -> float:
        """Energy that a decay sets free in the mean over all modes [MeV]."""
        return sum(mode.branching * mode.q_mev for mode in self.modes)

    def energy_mev(self, kind: EmissionKind) -> float:
        """Return the mean energy that particles of a kind have in a decay [MeV]."""
        lines = sum(e.energy_mev * e.yield_per_decay for e in self.emissions if e.kind is kind)
        return float(lines + sum(s.energy_mev for s in self.spectra if s.kind is kind))

    def yield_per_decay(self, kind: EmissionKind) -> float:
        """Return the mean number of particles of a kind in a decay."""
        lines = sum(e.yield_per_decay for e in self.emissions if e.kind is kind)
        return float(lines + sum(s.yield_per_decay.sum() for s in self.spectra if s.kind is kind))

    @property
    def recoil_mev(self) -> float:
        """Mean kinetic energy of nuclei that alphas leave, in a decay [MeV]."""
        return self.energy_mev(EmissionKind.ALPHA) * 4.0026 / max(self.nuclide.mass_number - 4, 1)


@lru_cache(maxsize=2)
def _table(library: DecayLibrary) -> dict[str, NDArray[np.generic]]:
    path = files("tumorboard.physics") / "tables" / "decay" / f"{_FILES[library]}.npz"
    with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
        return {name: read_only(data[name]) for name in data.files}


@lru_cache(maxsize=2)
def _rows(library: DecayLibrary) -> dict[Nuclide, int]:
    return {Nuclide(*map(int, row)): n for n, row in enumerate(_table(library)["nuclide"])}


def known_nuclides(*, library: DecayLibrary) -> tuple[Nuclide, ...]:
    """Return all nuclides of a library, stable ones too, in order of Z, A and isomer.

    Parameters
    ----------
    library
        Whose.

    Examples
    --------
    >>> len(known_nuclides(library=DecayLibrary.ENDF_B_VIII_1))
    3820
    """
    return tuple(_rows(_require(library)))


def _require(library: DecayLibrary) -> DecayLibrary:
    if not isinstance(library, DecayLibrary):
        names = ", ".join(f"DecayLibrary.{one.name}" for one in DecayLibrary)
        raise InputError(f"library must be one of {names}; got {library!r}")
    return library


@lru_cache(maxsize=512)
def decay_data(nuclide: Nuclide | str, *, library: DecayLibrary) -> DecayData:
    """Return half-life, modes and emissions of a nuclide.

    Libraries disagree, for Ac-225 by a factor of two on the energy of electrons, so one must be named [1]_
    [2]_. The means of betas are of this package's own spectra; those of the library stand beside them.

    Parameters
    ----------
    nuclide
        Itself or its name in any usual spelling.
    library
        Whose data.

    Returns
    -------
    DecayData
        Uncertainties are standard ones.

    Raises
    ------
    InputError
        When the library does not have it.

    References
    ----------
    .. [1] endfb81
    .. [2] jeff40

    Examples
    --------
    >>> found = decay_data("Lu-177", library=DecayLibrary.ENDF_B_VIII_1)
    >>> round(found.half_life_s / 86400, 3), [(m.name, str(m.daughter)) for m in found.modes]
    (6.647, [('beta-', 'Hf-177')])
    >>> round(found.energy_mev(EmissionKind.BETA_MINUS), 3)
    0.135
    """
    own = nuclide if isinstance(nuclide, Nuclide) else Nuclide.named(nuclide)
    row = _rows(_require(library)).get(own)
    if row is None:
        raise InputError(f"nuclide must be one of {library.value}; got {own}; look at known_nuclides")
    table = _table(library)
    half_life = table["half_life_s"][row]
    mean = table["mean_mev"][row]
    groups = _part(table, "group", row)
    of_betas = [
        float(table["group_mev"][groups][table["group_kind"][groups] == code, 0].sum()) for code in (1, 2)
    ]
    return DecayData(
        nuclide=own,
        library=library,
        half_life_s=float(half_life[0]),
        half_life_uncertainty_s=float(half_life[1]),
        modes=_modes(table, row, own),
        emissions=_emissions(table, row, own),
        spectra=_spectra(table, row),
        stated_light_mev=float(mean[0]),
        stated_photons_mev=float(mean[2]),
        stated_heavy_mev=float(mean[4]),
        stated_beta_minus_mev=of_betas[0],
        stated_beta_plus_mev=of_betas[1],
    )


def _part(table: dict[str, NDArray[np.generic]], what: str, row: int) -> slice:
    first, last = table[f"{what}_start"][row : row + 2]
    return slice(int(first), int(last))


def _modes(table: dict[str, NDArray[np.generic]], row: int, parent: Nuclide) -> tuple[DecayMode, ...]:
    found = []
    here = _part(table, "mode", row)
    shares, energies = table["mode_share"][here].tolist(), table["mode_q_mev"][here].tolist()
    for (code, isomer), share, q in zip(table["mode"][here].tolist(), shares, energies, strict=True):
        steps = [_STEPS[digit] for digit in str(code)]
        z = parent.atomic_number + sum(step[1] for step in steps)
        a = parent.mass_number + sum(step[2] for step in steps)
        whole = "6" not in str(code) and z >= 1
        daughter = Nuclide(z, a, isomer) if whole else None
        found.append(DecayMode(" ".join(step[0] for step in steps), daughter, *share, *q))
    return tuple(found)


def _written(values: NDArray[np.generic]) -> list[Any]:
    """Return numbers as the library writes them: what is kept in single precision has seven digits."""
    if values.dtype != np.float32:
        return values.tolist()  # type: ignore[no-any-return]
    return [float(f"{value:.7g}") for value in values.tolist()]


def _emissions(
    table: dict[str, NDArray[np.generic]], row: int, parent: Nuclide
) -> tuple[NuclideEmission, ...]:
    here = _part(table, "line", row)
    names = ("kind", "mev", "mev_uncertainty", "yield", "yield_uncertainty", "transition")
    found = []
    for code, *values, order in zip(*(_written(table[f"line_{name}"][here]) for name in names), strict=True):
        energy, spread, number, apart = values
        kind = _KINDS.get(code)
        if kind is None or not energy > 0:  # electron capture emits nothing but a neutrino
            continue
        if kind not in _BETAS:
            found.append(NuclideEmission(kind, energy, spread, number, apart))
            continue
        transition = BetaTransition(max(order - 1, 0))
        positron = kind is EmissionKind.BETA_PLUS
        mean = beta_mean_mev(
            endpoint_mev=energy,
            daughter_z=parent.atomic_number + (-1 if positron else 1),
            mass_number=parent.mass_number,
            positron=positron,
            transition=transition,
        )
        found.append(NuclideEmission(kind, mean, spread, number, apart, energy, transition))
    return tuple(found)


def _spectra(table: dict[str, NDArray[np.generic]], row: int) -> tuple[NuclideSpectrum, ...]:
    here = _part(table, "spectrum", row)
    found = []
    for code, (low, high), counts in zip(
        table["spectrum_kind"][here].tolist(),
        table["spectrum_ends_mev"][here].tolist(),
        table["spectrum_yield"][here],
        strict=True,
    ):
        if code in _KINDS:
            edges = np.linspace(low, high, counts.size + 1)
            found.append(NuclideSpectrum(_KINDS[code], edges, counts))
    return tuple(found)
