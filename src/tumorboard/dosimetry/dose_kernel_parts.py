"""What a decay emits, divided by energy."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from tumorboard.physics.transport.decay_source import DecayEmissions
from tumorboard.physics.transport.particles import ParticleKind

__all__ = ["parts_by_energy"]

#: Parts into which charged particles, and photons, are divided.
_PARTS: Final = 6


def parts_by_energy(emissions: DecayEmissions) -> list[tuple[DecayEmissions, int]]:
    """Return charged particles and photons in parts of about the same energy in all.

    Parameters
    ----------
    emissions
        Of a decay.

    Returns
    -------
    list
        What does not travel, if anything; then the parts of charged particles, and of photons, those of low
        energy first; each with the number of parts of its sort.

    Examples
    --------
    >>> from tumorboard.physics.transport.decay_source import EmissionSpectrum
    >>> beta = EmissionSpectrum(ParticleKind.ELECTRON, np.linspace(0, 1, 101), np.full(100, 0.01))
    >>> parts = parts_by_energy(DecayEmissions("beta", spectra=(beta,)))
    >>> [round(part.energy_mev(ParticleKind.ELECTRON), 2) for part, _ in parts]
    [0.08, 0.08, 0.08, 0.08, 0.09, 0.09]
    """
    found = []
    if emissions.local_mev > 0:
        found.append((replace(emissions, lines=(), spectra=()), 1))
    for is_photon in (False, True):
        kept = replace(
            emissions,
            lines=tuple(one for one in emissions.lines if (one.kind is ParticleKind.PHOTON) == is_photon),
            spectra=tuple(one for one in emissions.spectra if (one.kind is ParticleKind.PHOTON) == is_photon),
            # Never without energy, which would be refused; taken away from each part.
            local_mev=1.0,
        )
        bounds = _bounds_mev(kept)
        parts = [part for low, high in pairwise(bounds) if (part := _between(kept, low, high)) is not None]
        found += [(part, len(parts)) for part in parts]
    return found


def _bounds_mev(emissions: DecayEmissions) -> list[float]:
    """Return energies between which there is about the same energy in all; none where there is nothing."""
    middles = [0.5 * (one.edges_mev[1:] + one.edges_mev[:-1]) for one in emissions.spectra]
    energy = np.concatenate([np.empty(0), *(line.energy_mev for line in emissions.lines), *middles])
    number = np.concatenate(
        [
            np.empty(0),
            *(line.per_decay for line in emissions.lines),
            *(s.per_decay for s in emissions.spectra),
        ]
    )
    if not energy @ number > 0:
        return []
    order = np.argsort(energy, kind="stable")
    sums = np.cumsum((energy * number)[order])
    at = np.searchsorted(sums, sums[-1] * np.arange(1, _PARTS) / _PARTS)
    return [0.0, *np.unique(energy[order][at]).tolist(), np.inf]


def _between(emissions: DecayEmissions, low: float, high: float) -> DecayEmissions | None:
    """Return what has an energy from ``low`` to below ``high``, a bin by its middle; ``None``: nothing."""
    lines, spectra = [], []
    for line in emissions.lines:
        here = (line.energy_mev >= low) & (line.energy_mev < high) & (line.per_decay > 0)
        if here.any():
            lines.append(replace(line, energy_mev=line.energy_mev[here], per_decay=line.per_decay[here]))
    for one in emissions.spectra:
        middle = 0.5 * (one.edges_mev[1:] + one.edges_mev[:-1])
        first, last = np.searchsorted(middle, [low, high])
        if one.per_decay[first:last].any():
            edges = one.edges_mev[first : last + 1]
            spectra.append(replace(one, edges_mev=edges, per_decay=one.per_decay[first:last]))
    if not (lines or spectra):
        return None
    return replace(emissions, lines=tuple(lines), spectra=tuple(spectra), local_mev=0.0)
