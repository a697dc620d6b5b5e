"""Say what a library knows of a nuclide: half-life, emissions, what it decays into."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tumorboard.core.nuclide import Nuclide
from tumorboard.errors import InputError
from tumorboard.physics.decay import DecayData, DecayLibrary, EmissionKind, decay_data, known_nuclides
from tumorboard.physics.decay_chain import DecayChain, decay_chain
from tumorboard.workflows.nuclide.config import NuclideConfig

__all__ = ["NuclideResult", "run"]


@dataclass(frozen=True, slots=True, eq=False)
class NuclideResult:
    """What is known of a nuclide.

    Parameters
    ----------
    data
        By the library that was chosen.
    chain
        The nuclide and its progeny, by the same.
    others
        What other libraries say of the nuclide, to see how they differ.
    """

    data: DecayData
    chain: DecayChain
    others: tuple[DecayData, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return all as what JSON can hold: infinite half-lives are ``None``."""
        data = self.data
        return {
            "nuclide": data.nuclide.name,
            "half_life_s": _finite(data.half_life_s),
            "half_life_uncertainty_s": data.half_life_uncertainty_s,
            "library": data.library.value,
            "q_mev": data.q_mev,
            "mean_energy_mev": _means(data),
            "modes": _modes(data),
            "emissions": _emissions(data),
            "chain": [_member(member, data.library) for member in self.chain.members],
            "other_libraries": [
                {
                    "library": other.library.value,
                    "half_life_s": _finite(other.half_life_s),
                    "half_life_uncertainty_s": other.half_life_uncertainty_s,
                    "mean_energy_mev": _means(other),
                }
                for other in self.others
            ],
        }


def run(config: NuclideConfig) -> NuclideResult:
    """Look a nuclide up.

    Parameters
    ----------
    config
        Which, and in which library.

    Raises
    ------
    InputError
        When the library does not have it.

    Examples
    --------
    >>> found = run(NuclideConfig("177Lu", "JEFF-4.0")).to_dict()
    >>> found["nuclide"], [member["nuclide"] for member in found["chain"]]
    ('Lu-177', ['Lu-177', 'Hf-177'])
    """
    nuclide, library = Nuclide.named(config.nuclide), DecayLibrary(config.library)
    others = []
    for other in DecayLibrary:
        if other is not library:
            try:
                others.append(decay_data(nuclide, library=other))
            except InputError:
                continue  # it does not have this one
    return NuclideResult(
        decay_data(nuclide, library=library), decay_chain(nuclide, library=library), tuple(others)
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _means(data: DecayData) -> dict[str, float]:
    """Return the mean energy in a decay, by kind, of kinds that are there."""
    return {kind.value: data.energy_mev(kind) for kind in EmissionKind if data.yield_per_decay(kind) > 0}


def _modes(data: DecayData) -> list[dict[str, Any]]:
    return [
        {
            "mode": mode.name,
            "daughter": None if mode.daughter is None else mode.daughter.name,
            "branching": mode.branching,
            "branching_uncertainty": mode.branching_uncertainty,
            "q_mev": mode.q_mev,
        }
        for mode in data.modes
    ]


def _emissions(data: DecayData) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for emission in data.emissions:
        row: dict[str, Any] = {
            "kind": emission.kind.value,
            "energy_mev": emission.energy_mev,
            "energy_uncertainty_mev": emission.energy_uncertainty_mev,
            "yield_per_decay": emission.yield_per_decay,
            "yield_uncertainty": emission.yield_uncertainty,
        }
        if emission.endpoint_mev is not None and emission.transition is not None:
            row |= {"endpoint_mev": emission.endpoint_mev, "transition": emission.transition.name.lower()}
        found.append(row)
    for spectrum in data.spectra:
        number = float(spectrum.yield_per_decay.sum())
        if number > 0:
            found.append(
                {
                    "kind": spectrum.kind.value,
                    "energy_mev": spectrum.energy_mev / number,
                    "yield_per_decay": number,
                    "endpoint_mev": float(spectrum.edges_mev[-1]),
                }
            )
    return found


def _member(member: Nuclide, library: DecayLibrary) -> dict[str, Any]:
    if member not in known_nuclides(library=library):
        return {"nuclide": member.name, "half_life_s": None, "half_life_uncertainty_s": None, "modes": []}
    data = decay_data(member, library=library)
    return {
        "nuclide": member.name,
        "half_life_s": _finite(data.half_life_s),
        "half_life_uncertainty_s": data.half_life_uncertainty_s,
        "modes": _modes(data),
    }
