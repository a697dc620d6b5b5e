"""The MIRD schema: doses to targets from decays in sources, by S-values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.dosimetry.saf import SafRadiation, SafTable
from tumorboard.dosimetry.voxel_dose import annihilation_mev, emitted_mev
from tumorboard.errors import InputError
from tumorboard.physics.transport.decay_source import DecayEmissions, EmissionLines, EmissionSpectrum
from tumorboard.physics.transport.medium import GY_G_PER_MEV
from tumorboard.physics.transport.particles import ParticleKind
from tumorboard.provenance import Record

__all__ = ["ALPHA_WEIGHT", "OrganDoses", "SValues", "organ_doses", "saf_s_values"]

#: Radiation weighting factor of alphas and recoils, for stochastic effects; of photons and electrons it is 1
#: [icrp2007recommendations].
ALPHA_WEIGHT: Final = 20.0

_ANNIHILATION_PHOTON_MEV: Final = 0.51099895
#: What does not travel is X rays below 1 keV where it is so small a share of all (F-18: 1e-7, Cu-64: 1e-5,
#: Ga-67: 4e-5). An alpha as rare as that would add 0.2 % to an equivalent dose.
_SOFT_PHOTONS: Final = 1e-4
#: Dose of 1 MeV in 1 kg [Gy].
_GY_KG_PER_MEV: Final = GY_G_PER_MEV * 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class SValues:
    """Dose to each target of one decay in each source, by what carries the energy [1]_.

    Parameters
    ----------
    nuclide
        Whose decays.
    targets, sources
        Names of regions; a region that is both has one name.
    photon_gy, electron_gy, alpha_gy
        By photons, by electrons and positrons, and by what does not travel, in Gy/(Bq s), finite and >= 0,
        shape ``(n_targets, n_sources)`` [Gy].
    provenance
        How they were made.

    Raises
    ------
    InputError
        When shapes or numbers do not fit.

    References
    ----------
    .. [1] bolch2009mird21
    """

    nuclide: str
    targets: tuple[str, ...]
    sources: tuple[str, ...]
    photon_gy: NDArray[np.float64]
    electron_gy: NDArray[np.float64]
    alpha_gy: NDArray[np.float64]
    provenance: Record

    def __post_init__(self) -> None:
        shape = (len(self.targets), len(self.sources))
        for name in ("photon_gy", "electron_gy", "alpha_gy"):
            values = read_only(getattr(self, name), np.float64)
            object.__setattr__(self, name, values)
            if values.shape != shape or not (np.isfinite(values) & (values >= 0)).all():
                raise InputError(f"{name} must be finite, >= 0 [Gy] and of the shape {shape}; got others")

    @property
    def total_gy(self) -> NDArray[np.float64]:
        """Of all radiations, shape ``(n_targets, n_sources)`` [Gy]."""
        return self.photon_gy + self.electron_gy + self.alpha_gy

    def for_masses(self, reference_g: Mapping[str, float], patient_g: Mapping[str, float]) -> SValues:
        """Return the S-values with self-doses scaled to a patient's organs [1]_.

        Electrons and alphas by the ratio of masses, photons, which escape from the surface, by its power 2/3.
        Doses of one region to another stay: the target absorbs in proportion to its mass.

        Parameters
        ----------
        reference_g
            Masses that the S-values are for, by region [g].
        patient_g
            The patient's, of those to scale [g].

        Returns
        -------
        SValues

        Raises
        ------
        InputError
            When a region is no target and source both, or a mass is missing or not > 0.

        References
        ----------
        .. [1] bolch2009mird21
        """
        photon, electron, alpha = (np.array(v) for v in (self.photon_gy, self.electron_gy, self.alpha_gy))
        for region, mass in patient_g.items():
            if region not in self.targets or region not in self.sources:
                raise InputError(f"patient_g must name regions that are target and source; got {region!r}")
            reference = reference_g.get(region, np.nan)
            if not (0 < reference < np.inf and 0 < mass < np.inf):
                raise InputError(
                    f"reference_g and patient_g of {region} must be finite and > 0 [g]; got {reference!r}, "
                    f"{mass!r}"
                )
            here = self.targets.index(region), self.sources.index(region)
            photon[here] *= (reference / mass) ** (2.0 / 3.0)
            electron[here] *= reference / mass
            alpha[here] *= reference / mass
        record = Record(
            "dosimetry.SValues.for_masses",
            {"patient_g": dict(patient_g), "reference_g": {k: reference_g[k] for k in patient_g}},
            (self.provenance,),
            references=("bolch2009mird21",),
        )
        return replace(self, photon_gy=photon, electron_gy=electron, alpha_gy=alpha, provenance=record)


@dataclass(frozen=True, slots=True, eq=False)
class OrganDoses:
    """Doses to targets.

    Parameters
    ----------
    targets
        Names of regions.
    photon_gy, electron_gy, alpha_gy
        Absorbed dose by photons, by electrons and positrons, and by what does not travel, shape
        ``(n_targets,)`` [Gy].
    provenance
        How they were made.
    """

    targets: tuple[str, ...]
    photon_gy: NDArray[np.float64]
    electron_gy: NDArray[np.float64]
    alpha_gy: NDArray[np.float64]
    provenance: Record

    def __post_init__(self) -> None:
        for name in ("photon_gy", "electron_gy", "alpha_gy"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    @property
    def absorbed_gy(self) -> dict[str, float]:
        """Absorbed dose by target [Gy]."""
        total = self.photon_gy + self.electron_gy + self.alpha_gy
        return dict(zip(self.targets, total.tolist(), strict=True))

    @property
    def equivalent_sv(self) -> dict[str, float]:
        """Equivalent dose by target, alphas weighted by :data:`ALPHA_WEIGHT` [Sv]."""
        total = self.photon_gy + self.electron_gy + ALPHA_WEIGHT * self.alpha_gy
        return dict(zip(self.targets, total.tolist(), strict=True))


def organ_doses(decays: Mapping[str, float], s_values: SValues) -> OrganDoses:
    """Return doses to all targets of decays in sources: the sum of decays times S-values [1]_.

    Parameters
    ----------
    decays
        Number by source, >= 0: time-integrated activity [Bq s]. Sources that are not named have none.
    s_values
        Of the nuclide; those of progeny have S-values of their own, and doses to add.

    Returns
    -------
    OrganDoses

    Raises
    ------
    InputError
        When a source is not known, or a number is negative or not finite.

    References
    ----------
    .. [1] bolch2009mird21

    Examples
    --------
    >>> none = np.zeros((1, 1))
    >>> s = SValues("Lu-177", ("Liver",), ("Liver",), none, none + 1.3e-14, none, Record("example"))
    >>> round(organ_doses({"Liver": 1e14}, s).absorbed_gy["Liver"], 2)
    1.3
    """
    number = np.zeros(len(s_values.sources))
    for source, value in decays.items():
        if source not in s_values.sources:
            raise InputError(
                f"decays must be in sources that the S-values have, {', '.join(s_values.sources)}; "
                f"got {source!r}"
            )
        if not 0 <= value < np.inf:
            raise InputError(f"decays in {source} must be finite and >= 0; got {value!r}")
        number[s_values.sources.index(source)] = value
    record = Record(
        "dosimetry.organ_doses",
        {"decays": {k: float(v) for k, v in decays.items()}, "nuclide": s_values.nuclide},
        (s_values.provenance,),
        references=("bolch2009mird21",),
    )
    return OrganDoses(
        s_values.targets,
        s_values.photon_gy @ number,
        s_values.electron_gy @ number,
        s_values.alpha_gy @ number,
        record,
    )


def is_soft_photons(emissions: DecayEmissions) -> bool:
    """Return whether what does not travel is X rays below 1 keV, and no alphas, by its share of all."""
    return emissions.local_mev <= _SOFT_PHOTONS * emitted_mev(emissions)


def saf_s_values(
    emissions: DecayEmissions,
    *,
    photons: SafTable,
    electrons: SafTable,
    alphas: SafTable | None = None,
    alpha_mev: float | None = None,
) -> SValues:
    """Return S-values from specific absorbed fractions [1]_.

    Parameters
    ----------
    emissions
        Of a decay. Betas count by their spectra; positrons as electrons, and by their annihilation.
    photons, electrons, alphas
        Tables of the same targets and sources; that of alphas is needed where something does not travel, but
        for X rays below 1 keV, which are absorbed as photons of the table's lowest energy.
    alpha_mev
        Energy of the alphas at which their table is taken: emissions have only the sum of it, with the
        recoils' [MeV].

    Returns
    -------
    SValues

    Raises
    ------
    InputError
        When tables do not fit, one is missing, or energies are above a table's.

    References
    ----------
    .. [1] bolch2009mird21

    Examples
    --------
    >>> flat = ("Liver",), ("Liver",), [0.0, 10.0], [[[0.55, 0.55]]], Record("example")
    >>> line = EmissionLines(ParticleKind.ELECTRON, np.array([0.147]), np.array([1.0]))
    >>> s = saf_s_values(
    ...     DecayEmissions("like Lu-177", lines=(line,)),
    ...     photons=SafTable(SafRadiation.PHOTON, *flat),
    ...     electrons=SafTable(SafRadiation.ELECTRON, *flat),
    ... )
    >>> print(f"{s.total_gy[0, 0]:.4g}")
    1.295e-14
    """
    tables = {SafRadiation.PHOTON: photons, SafRadiation.ELECTRON: electrons}
    if alphas is not None:
        tables[SafRadiation.ALPHA] = alphas
    for radiation, table in tables.items():
        if table.radiation is not radiation:
            raise InputError(
                f"{radiation.value}s must be a table of them; got one of {table.radiation.value}s"
            )
        if (table.targets, table.sources) != (photons.targets, photons.sources):
            raise InputError(
                f"tables of photons and {radiation.value}s must have the same targets and sources, in the "
                "same order; got others"
            )
    none = np.zeros((len(photons.targets), len(photons.sources)))
    alpha, soft_photons_mev = none, 0.0
    if alphas is None and is_soft_photons(emissions):
        soft_photons_mev = emissions.local_mev
    elif emissions.local_mev > 0:
        if alphas is None or alpha_mev is None or not 0 < alpha_mev < np.inf:
            raise InputError(
                f"alphas and alpha_mev must be given for {emissions.name}, of whose energy "
                f"{emissions.local_mev:.4g} MeV does not travel; got {alpha_mev!r}"
            )
        alpha = alphas.at(np.array([alpha_mev]))[..., 0] * emissions.local_mev
    by_photons = photons.at(photons.energy_mev[:1])[..., 0] * soft_photons_mev
    by_electrons = none
    every: list[EmissionLines | EmissionSpectrum] = [*emissions.lines, *emissions.spectra]
    for one in every:
        if one.kind is ParticleKind.PHOTON:
            by_photons = by_photons + _absorbed_mev_per_kg(one, photons)
        else:
            by_electrons = by_electrons + _absorbed_mev_per_kg(one, electrons)
    annihilation = annihilation_mev(emissions)
    if annihilation > 0:
        by_photons = by_photons + photons.at(np.array([_ANNIHILATION_PHOTON_MEV]))[..., 0] * annihilation
    record = Record(
        "dosimetry.saf_s_values",
        {"nuclide": emissions.name, "emissions": emissions.digest, "alpha_mev": alpha_mev},
        tuple(table.provenance for table in tables.values()),
        references=("bolch2009mird21",),
    )
    return SValues(
        emissions.name,
        photons.targets,
        photons.sources,
        by_photons * _GY_KG_PER_MEV,
        by_electrons * _GY_KG_PER_MEV,
        alpha * _GY_KG_PER_MEV,
        record,
    )


def _absorbed_mev_per_kg(one: EmissionLines | EmissionSpectrum, table: SafTable) -> NDArray[np.float64]:
    """Return the energy absorbed of lines, or of a spectrum by the middles of its bins [MeV/kg]."""
    middles = (
        one.energy_mev if isinstance(one, EmissionLines) else 0.5 * (one.edges_mev[1:] + one.edges_mev[:-1])
    )
    given = one.per_decay > 0
    return np.asarray(table.at(middles[given]) @ (middles * one.per_decay)[given])
