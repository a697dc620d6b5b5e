"""S-values of the stylised adult by our own Monte Carlo."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.image import Image, Quantity
from tumorboard.dosimetry.dose_kernel_cache import load_arrays, save_arrays
from tumorboard.dosimetry.mird import SValues, is_soft_photons
from tumorboard.dosimetry.phantom_regions import (
    PHANTOM_TARGETS,
    WALL_OF_CONTENTS,
    SourceRegion,
    target_weights,
)
from tumorboard.dosimetry.radiation_dose import emission_parts
from tumorboard.dosimetry.voxel_dose import annihilation_mev, emitted_mev
from tumorboard.errors import InputError
from tumorboard.phantoms.stylised_adult import StylisedAdult
from tumorboard.physics.electron_stopping import ELECTRON_MASS_MEV
from tumorboard.physics.transport.batches import BatchPlan, Progress
from tumorboard.physics.transport.decay_regions import RegionEnergies, region_energies
from tumorboard.physics.transport.decay_source import ActivityImage, DecayEmissions, EmissionLines
from tumorboard.physics.transport.electron_tables import ElectronSteps
from tumorboard.physics.transport.medium import GY_G_PER_MEV, TransportMedium
from tumorboard.physics.transport.particles import ParticleKind
from tumorboard.physics.transport.photon_arguments import PhotonSteps
from tumorboard.provenance import Record

__all__ = ["PhantomSValues", "phantom_s_values"]

#: Electrons that photons set free stay there: in 1 mm of tissue 0.4 MeV stops, and organs are larger.
_PHOTON_STEPS: Final = PhotonSteps()
_ELECTRON_STEPS: Final = ElectronSteps()
_REFERENCES: Final = ("bolch2009mird21", "sempau2000dpm", "woodcock1965")


@dataclass(frozen=True, slots=True, eq=False)
class PhantomSValues:
    """S-values of a phantom, how uncertain they are, and where the energy went.

    Parameters
    ----------
    s_values
        By target and source.
    relative_uncertainty
        Relative standard uncertainty that statistics leave, 1 where nothing was scored, shape
        ``(n_targets, n_sources)``.
    masses_g
        Of the targets, and of sources that are none, as they are in voxels [g].
    emitted_mev
        All that a decay brings [MeV].
    absorbed_mev
        What stays in the body of a decay, shape ``(n_sources,)`` [MeV].
    provenance
        How they were made.
    """

    s_values: SValues
    relative_uncertainty: NDArray[np.float64]
    masses_g: Mapping[str, float]
    emitted_mev: float
    absorbed_mev: NDArray[np.float64]
    provenance: Record

    def __post_init__(self) -> None:
        for name in ("relative_uncertainty", "absorbed_mev"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    def uncertainty_gy(self, decays: Mapping[str, float]) -> dict[str, float]:
        """Return the standard uncertainty of doses to targets that statistics leave [Gy].

        Parameters
        ----------
        decays
            Number by source.

        Returns
        -------
        dict
            By target [Gy].

        Raises
        ------
        InputError
            When a source is not known.
        """
        unknown = [name for name in decays if name not in self.s_values.sources]
        if unknown:
            raise InputError(
                f"decays must be in sources that the S-values have, {', '.join(self.s_values.sources)}; "
                f"got {unknown[0]!r}"
            )
        number = np.array([decays.get(name, 0.0) for name in self.s_values.sources])
        spread = np.linalg.norm(self.s_values.total_gy * self.relative_uncertainty * number, axis=1)
        return dict(zip(self.s_values.targets, spread.tolist(), strict=True))


def phantom_s_values(
    phantom: StylisedAdult,
    emissions: DecayEmissions,
    sources: Sequence[SourceRegion],
    plan: BatchPlan,
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> PhantomSValues:
    """Calculate S-values of the stylised adult by Monte Carlo [1]_ [2]_ [3]_.

    Photons and charged particles are followed apart through the voxels, from activity that is even by mass.
    Annihilation starts where the decay is. Bremsstrahlung counts as the electrons'; that of positron emitters
    is left out. To the wall of a hollow organ, contents give by electrons half of what they give to
    themselves, as MIRD has it: voxels do not resolve the wall. Red marrow and bone surfaces have the dose of
    the skeleton's mixture: for photons below 0.2 MeV, of which bone takes more than marrow does, that is too
    high.

    Parameters
    ----------
    phantom
        In voxels.
    emissions
        Of a decay.
    sources
        Where activity is, each of its own name.
    plan
        How many photons, and how many charged particles, from each source, and with how many threads.
    cache
        Folder to keep results in, and to take them from; ``None``: they are calculated. What an interrupt
        leaves unfinished is kept there, too, and taken up by the next call.
    progress
        Told how many decays are followed.

    Returns
    -------
    PhantomSValues
        Of :data:`~tumorboard.dosimetry.phantom_regions.PHANTOM_TARGETS`.

    Raises
    ------
    InputError
        When sources are none or twice there, or the phantom lacks one.

    References
    ----------
    .. [1] bolch2009mird21
    .. [2] sempau2000dpm
    .. [3] woodcock1965

    Examples
    --------
    >>> from tumorboard.dosimetry.phantom_regions import source_regions
    >>> from tumorboard.phantoms.stylised_adult import stylised_adult
    >>> found = phantom_s_values(
    ...     stylised_adult(spacing_mm=10.0),
    ...     DecayEmissions("alpha", local_mev=5.5),
    ...     source_regions(["liver"]),
    ...     BatchPlan(200, 1, 1),
    ... )
    >>> liver = found.s_values.targets.index("liver")
    >>> print(f"{found.s_values.total_gy[liver, 0]:.2g}")
    4.7e-13
    """
    names = [source.name for source in sources]
    if not names or len(set(names)) != len(names):
        raise InputError(
            f"sources must be one or more, each of its own name; got {', '.join(names) or 'none'}"
        )
    medium = phantom.medium()
    weights = target_weights(phantom)
    settings = {
        "nuclide": emissions.name,
        "emissions": emissions.digest,
        "medium": medium.digest,
        "phantom": phantom.digest,
        "targets": hashlib.sha256(weights.tobytes()).hexdigest(),
        "electron_steps": asdict(_ELECTRON_STEPS),
        "photon_steps": asdict(_PHOTON_STEPS) | {"scoring": _PHOTON_STEPS.scoring.value},
        **plan.settings,
    }
    parts = _parts(emissions)
    columns = []
    for number, source in enumerate(sources):
        record = _record(phantom, source, settings)
        found = None if cache is None else load_arrays(cache, record)
        if found is None:
            kept = None if cache is None else cache / record.digest
            follow = _Following(phantom, medium, plan, progress, number, len(sources), kept)
            found = _column(follow, emissions, parts, source, weights)
            if cache is not None:
                save_arrays(cache, record, found)
        columns.append((found, record))
    return _together(phantom, emissions, sources, columns)


def _record(phantom: StylisedAdult, source: SourceRegion, settings: Mapping[str, Any]) -> Record:
    return Record(
        "dosimetry.phantom_s_values",
        {**settings, "source": source.name, "regions": [region.region for region in source.regions]},
        (phantom.provenance,),
        references=_REFERENCES,
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """Some of what a decay emits, one particle of it in the mean, and how many there are in a decay."""

    emissions: DecayEmissions
    number: float
    follow_photons: bool


def _parts(emissions: DecayEmissions) -> dict[str, _Part]:
    """Return photons, and charged particles."""
    found = {}
    annihilation = annihilation_mev(emissions)
    apart = emission_parts(emissions)
    for kind, own in (("photon", apart.photons), ("electron", apart.electrons)):
        lines = () if own is None else own.lines
        spectra = () if own is None else own.spectra
        if kind == "photon" and annihilation > 0:
            each, both = np.array([ELECTRON_MASS_MEV]), np.array([annihilation / ELECTRON_MASS_MEV])
            lines = (*lines, EmissionLines(ParticleKind.PHOTON, each, both))
        numbers = [line.per_decay.sum() for line in lines] + [one.per_decay.sum() for one in spectra]
        number = float(sum(numbers))
        if number > 0:
            # Gammas that only few decays emit would not be drawn.
            part = DecayEmissions(
                emissions.name,
                lines=tuple(replace(one, per_decay=one.per_decay / number) for one in lines),
                spectra=tuple(replace(one, per_decay=one.per_decay / number) for one in spectra),
            )
            found[kind] = _Part(part, number, kind == "photon" or annihilation == 0)
    return found


@dataclass(frozen=True, slots=True)
class _Following:
    """All that following from one source needs."""

    phantom: StylisedAdult
    medium: TransportMedium
    plan: BatchPlan
    progress: Progress | None
    number: int
    sources: int
    kept: Path | None

    def energy(self, part: _Part, source: SourceRegion, *, place: int, parts: int) -> RegionEnergies:
        """Return what a particle leaves in each region by number."""
        phantom, medium, plan = self.phantom, self.medium, self.plan
        activity = np.where(phantom.mask(source.regions), medium.density_g_cm3, np.float32(0))
        if not activity.any():
            raise InputError(f"the phantom must have the source {source.name!r}; its voxels have none")

        def tell(what: str, done: int, total: int) -> None:
            if self.progress is not None:
                self.progress(
                    what, (self.number * parts + place) * total + done, self.sources * parts * total
                )

        return region_energies(
            medium,
            ActivityImage(Image(activity, phantom.grid, Quantity.EMISSIONS, phantom.provenance)),
            part.emissions,
            phantom.labels,
            plan,
            follow_photons=part.follow_photons,
            electron_steps=_ELECTRON_STEPS,
            photon_steps=_PHOTON_STEPS,
            progress=tell,
            checkpoint=None if self.kept is None else self.kept.with_suffix(f".part{place}.npz"),
        )


def _column(
    follow: _Following,
    emissions: DecayEmissions,
    parts: Mapping[str, _Part],
    source: SourceRegion,
    weights: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """Return doses of a decay in one source by target, their spread, and the energy that stays."""
    targets = list(PHANTOM_TARGETS)
    zero = np.zeros(len(targets))
    found = {"photon": zero, "electron": zero, "alpha": zero}
    variance, absorbed = np.zeros(len(targets)), emissions.local_mev
    regions_g = _region_masses_g(follow.phantom)
    per_mev = np.divide(GY_G_PER_MEV, regions_g, out=np.zeros_like(regions_g), where=regions_g > 0)
    source_g = sum(regions_g[r.number] for r in source.regions)
    for place, (kind, part) in enumerate(parts.items()):
        scored = follow.energy(part, source, place=place, parts=len(parts))
        absorbed += part.number * scored.balance.deposited_mev
        some = scored.energy_mev.size
        energy_mev = part.number * scored.energy_mev
        mean = (energy_mev * per_mev[:some]) @ weights[:, :some].T
        # Regions that a target is made of share particles: their uncertainties add up at the most.
        of_region = energy_mev * scored.relative_uncertainty * per_mev[:some]
        spread = of_region @ weights[:, :some].T
        if kind == "electron":
            for contents, wall in WALL_OF_CONTENTS.items():
                if source.regions == (contents,):
                    at = targets.index(wall.region)
                    mean[at] = 0.5 * part.number * _kinetic_mev(part.emissions) * GY_G_PER_MEV / source_g
                    spread[at] = 0.0
        found[kind] = mean
        variance += spread**2
    if emissions.local_mev > 0:
        here = np.zeros(256)
        here[[r.number for r in source.regions]] = emissions.local_mev * GY_G_PER_MEV / source_g
        kind = "photon" if is_soft_photons(emissions) else "alpha"
        found[kind] = found[kind] + weights @ here
    total = found["photon"] + found["electron"] + found["alpha"]
    relative = np.divide(np.sqrt(variance), total, out=np.ones_like(total), where=total > 0)
    return {**found, "relative_uncertainty": relative, "absorbed_mev": np.array([absorbed])}


def _kinetic_mev(emissions: DecayEmissions) -> float:
    return emissions.energy_mev(ParticleKind.ELECTRON) + emissions.energy_mev(ParticleKind.POSITRON)


def _region_masses_g(phantom: StylisedAdult) -> NDArray[np.float64]:
    found = np.zeros(256)
    for region, mass in phantom.masses_g.items():
        found[region.number] = mass
    return found


def _together(
    phantom: StylisedAdult,
    emissions: DecayEmissions,
    sources: Sequence[SourceRegion],
    columns: Sequence[tuple[dict[str, NDArray[np.float64]], Record]],
) -> PhantomSValues:
    def stacked(name: str) -> Any:
        return np.stack([found[name] for found, _ in columns], axis=-1)

    record = Record(
        "dosimetry.phantom_s_values",
        {"nuclide": emissions.name, "sources": [source.name for source in sources]},
        tuple(one for _, one in columns),
        references=_REFERENCES,
    )
    by_number = _region_masses_g(phantom)
    masses = {r.region: m for r, m in phantom.masses_g.items()}
    masses |= {source.name: float(sum(by_number[r.number] for r in source.regions)) for source in sources}
    values = SValues(
        emissions.name,
        PHANTOM_TARGETS,
        tuple(source.name for source in sources),
        stacked("photon"),
        stacked("electron"),
        stacked("alpha"),
        record,
    )
    return PhantomSValues(
        values,
        stacked("relative_uncertainty"),
        masses,
        emitted_mev(emissions),
        stacked("absorbed_mev")[0],
        record,
    )
