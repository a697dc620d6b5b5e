"""What the decays of a nuclide, or of several together, give to transport."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError
from tumorboard.physics.decay import DecayData, DecayLibrary, EmissionKind, decay_data
from tumorboard.physics.decay_beta import BetaTransition, beta_yield
from tumorboard.physics.photon_attenuation import LOWEST_PHOTON_MEV
from tumorboard.physics.transport.decay_source import DecayEmissions, EmissionLines, EmissionSpectrum
from tumorboard.physics.transport.particles import ParticleKind

__all__ = ["decay_emissions", "emissions_together"]

_LINES: Final = {
    EmissionKind.GAMMA: ParticleKind.PHOTON,
    EmissionKind.X_RAY: ParticleKind.PHOTON,
    EmissionKind.CONVERSION_ELECTRON: ParticleKind.ELECTRON,
    EmissionKind.AUGER_ELECTRON: ParticleKind.ELECTRON,
}
_BETAS: Final = {
    EmissionKind.BETA_MINUS: ParticleKind.ELECTRON,
    EmissionKind.BETA_PLUS: ParticleKind.POSITRON,
}


def decay_emissions(nuclide: Nuclide | str, *, library: DecayLibrary, bins: int = 256) -> DecayEmissions:
    """Return what a decay of a nuclide emits, without its progeny, for transport.

    Gammas, X rays, conversion and Auger electrons as lines, betas as spectra. Photons of annihilation are
    left out: positrons make them where they stop. Alphas, protons, recoils after alphas, fragments of fission
    and photons below 1 keV stay where the decay is. Neutrons and neutrinos are not followed. Of fragments the
    library's stated energy counts: JEFF-4.0 has it for some nuclides, ENDF/B-VIII.1 for none.

    Parameters
    ----------
    nuclide
        Itself or its name.
    library
        Whose data.
    bins
        Of the betas of a sign, even in the root of the energy, >= 16.

    Returns
    -------
    DecayEmissions
        Its name is that of the nuclide.

    Raises
    ------
    InputError
        When the library does not have it, or it is stable or emits nothing.

    Examples
    --------
    >>> found = decay_emissions("Y-90", library=DecayLibrary.ENDF_B_VIII_1)
    >>> round(found.energy_mev(ParticleKind.ELECTRON), 3)
    0.932
    """
    if not (isinstance(bins, int) and bins >= 16):
        raise InputError(f"bins must be a whole number >= 16; got {bins!r}")
    data = decay_data(nuclide, library=library)
    lines = []
    local = _local_mev(data)
    for kind in (ParticleKind.PHOTON, ParticleKind.ELECTRON):
        own = [e for e in data.emissions if _LINES.get(e.kind) == kind and e.yield_per_decay > 0]
        if kind == ParticleKind.PHOTON:
            local += sum(e.energy_mev * e.yield_per_decay for e in own if e.energy_mev <= LOWEST_PHOTON_MEV)
            own = [e for e in own if e.energy_mev > LOWEST_PHOTON_MEV]
        if own:
            energies, yields = zip(*((e.energy_mev, e.yield_per_decay) for e in own), strict=True)
            lines.append(EmissionLines(kind, np.array(energies), np.array(yields)))
    spectra = [
        EmissionSpectrum(_BETAS.get(s.kind, ParticleKind.PHOTON), s.edges_mev, s.yield_per_decay)
        for s in data.spectra
        if s.kind in _BETAS or s.kind is EmissionKind.GAMMA
    ]
    for sign in _BETAS:
        spectra += _betas(data, sign, bins)
    if not lines and not spectra and local <= 0:
        raise InputError(
            f"nuclide must have emissions in {library.value}; got {data.nuclide}, which has none"
        )
    return DecayEmissions(data.nuclide.name, lines=tuple(lines), spectra=tuple(spectra), local_mev=local)


def _local_mev(data: DecayData) -> float:
    """Return what heavy particles have."""
    if any(mode.daughter is None for mode in data.modes):
        return data.stated_heavy_mev  # the library has no lines of fragments
    return data.energy_mev(EmissionKind.ALPHA) + data.recoil_mev + data.energy_mev(EmissionKind.PROTON)


def _betas(data: DecayData, sign: EmissionKind, bins: int) -> list[EmissionSpectrum]:
    branches = [
        (e.yield_per_decay, e.endpoint_mev or 0.0, BetaTransition(e.transition or 0))
        for e in data.emissions
        if e.kind is sign
    ]
    if not branches:
        return []
    positron = sign is EmissionKind.BETA_PLUS
    highest = max(endpoint for _, endpoint, _ in branches)
    edges = highest * np.linspace(0.0, 1.0, bins + 1) ** 2
    total: NDArray[np.float64] = np.zeros(bins)
    for number, endpoint, transition in branches:
        total += number * beta_yield(
            edges,
            endpoint_mev=endpoint,
            daughter_z=data.nuclide.atomic_number + (-1 if positron else 1),
            mass_number=data.nuclide.mass_number,
            positron=positron,
            transition=transition,
        )
    return [EmissionSpectrum(_BETAS[sign], edges, total)]


def emissions_together(name: str, parts: Sequence[tuple[DecayEmissions, float]]) -> DecayEmissions:
    """Return what several nuclides emit that decay in one place, such as a parent and its progeny.

    Parameters
    ----------
    name
        Of the whole, e.g. ``"Ac-225 and progeny"``.
    parts
        Emissions, and how often each nuclide decays for one decay of the whole, >= 0.

    Raises
    ------
    InputError
        When a number is negative or not finite, or nothing is emitted.

    Examples
    --------
    >>> library = DecayLibrary.ENDF_B_VIII_1
    >>> parts = [(decay_emissions(n, library=library), 1.0) for n in ("Sr-90", "Y-90")]
    >>> round(emissions_together("Sr-90 and progeny", parts).energy_mev(ParticleKind.ELECTRON), 3)
    1.128
    """
    if not all(np.isfinite(number) and number >= 0 for _, number in parts):
        raise InputError(f"parts of {name!r} must decay finitely often, >= 0; got another number")
    used = [(one, number) for one, number in parts if number > 0]
    return DecayEmissions(
        name,
        lines=tuple(
            EmissionLines(line.kind, line.energy_mev, number * line.per_decay)
            for one, number in used
            for line in one.lines
        ),
        spectra=tuple(
            EmissionSpectrum(spectrum.kind, spectrum.edges_mev, number * spectrum.per_decay)
            for one, number in used
            for spectrum in one.spectra
        ),
        local_mev=sum(number * one.local_mev for one, number in used),
    )
