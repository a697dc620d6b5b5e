"""Calculate doses to the organs of a stylised adult, and effective doses, from a radiopharmaceutical."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tumorboard.dosimetry.biokinetics import BiokineticModel
from tumorboard.dosimetry.biokinetics_files import BIOKINETIC_MODELS, biokinetic_model, read_biokinetics
from tumorboard.dosimetry.mird import OrganDoses, organ_doses
from tumorboard.dosimetry.phantom_effective_dose import (
    SURROGATES,
    TissueWeights,
    phantom_effective_dose_sv,
)
from tumorboard.dosimetry.phantom_regions import source_regions
from tumorboard.dosimetry.phantom_s_values import PhantomSValues, phantom_s_values
from tumorboard.dosimetry.progeny import LIFE_S, made_by_first
from tumorboard.errors import InputError
from tumorboard.phantoms.stylised_adult import stylised_adult
from tumorboard.physics.decay import DecayLibrary, decay_data
from tumorboard.physics.decay_chain import decay_chain
from tumorboard.physics.decay_emissions import decay_emissions, emissions_together
from tumorboard.physics.transport.batches import BatchPlan
from tumorboard.physics.transport.decay_source import DecayEmissions
from tumorboard.units import BQ_PER_MBQ
from tumorboard.workflows.organ_dose.config import OrganDoseConfig
from tumorboard.workflows.progress import Progress, silent

__all__ = ["OrganDoseResult", "run"]

#: Progeny that lives less than this share of the nuclide's half-life decays where it is made.
_WITH_PARENT: Final = 0.1
#: Progeny that is less frequent is not named.
_RARE: Final = 1e-4

_PHANTOM = "stylised adult (hermaphrodite, Oak Ridge)"


@dataclass(frozen=True, slots=True, eq=False)
class OrganDoseResult:
    """Doses to organs, and what they were calculated from.

    Parameters
    ----------
    config
        What was asked for.
    model
        Biokinetics.
    time_integrated_h
        Time-integrated activity by source per administered activity [h].
    progeny
        Short-lived progeny that decays where its parent did: decays for one of the nuclide, by name.
    left_out
        Other progeny, of which nothing is counted.
    s_values
        Of the phantom, of the nuclide with ``progeny``.
    doses
        To targets [Gy].
    uncertainty_gy
        Standard uncertainty by target that statistics of the transport leave, not that of the model [Gy].
    effective_sv
        By weights [Sv].
    """

    config: OrganDoseConfig
    model: BiokineticModel
    time_integrated_h: dict[str, float]
    progeny: dict[str, float]
    left_out: tuple[str, ...]
    s_values: PhantomSValues
    doses: OrganDoses
    uncertainty_gy: dict[str, float]
    effective_sv: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return all as what JSON can hold; coefficients are per administered activity."""
        mbq = self.config.administered_mbq
        absorbed = self.doses.absorbed_gy
        return {
            "radiopharmaceutical": self.model.name,
            "nuclide": self.model.nuclide,
            "library": self.config.library,
            "progeny_with_parent": self.progeny,
            "progeny_left_out": list(self.left_out),
            "administered_mbq": mbq,
            "phantom": _PHANTOM,
            "spacing_mm": self.config.spacing_mm,
            "histories_per_source": self.config.histories,
            "biokinetics": list(self.model.references),
            "time_integrated_activity_h": self.time_integrated_h,
            "organs": [
                {
                    "organ": target,
                    "mass_g": self.s_values.masses_g.get(target),
                    "dose_mgy": 1e3 * dose,
                    "dose_mgy_per_mbq": 1e3 * dose / mbq,
                    "relative_uncertainty": self.uncertainty_gy[target] / dose if dose > 0 else None,
                }
                for target, dose in absorbed.items()
            ],
            "effective_dose_msv": {name: 1e3 * sv for name, sv in self.effective_sv.items()},
            "effective_dose_msv_per_mbq": {name: 1e3 * sv / mbq for name, sv in self.effective_sv.items()},
            "surrogates": dict(SURROGATES),
            "emitted_mev": self.s_values.emitted_mev,
            "citations": list(dict.fromkeys((*self.model.references, *self.doses.provenance.citations()))),
        }


def run(config: OrganDoseConfig, *, progress: Progress = silent) -> OrganDoseResult:
    """Calculate doses to organs.

    S-values that are not in the cache are calculated first, which takes minutes.

    Parameters
    ----------
    config
        What to calculate.
    progress
        Told how many decays are followed.

    Returns
    -------
    OrganDoseResult

    Raises
    ------
    InputError
        When the model is not known, or has a source that the phantom has not.
    UnreadableFile
        When the model's file, or a kept S-value, cannot be read.
    """
    model = _model(config.radiopharmaceutical)
    library = DecayLibrary(config.library)
    decay_constant = math.log(2.0) / decay_data(model.nuclide, library=library).half_life_s
    integrated = model.time_integrated_s(decay_constant)
    cache = config.cache
    if cache is None:
        cache = _user_cache()
        cache.mkdir(parents=True, exist_ok=True)
    emissions, progeny, left_out = _emissions(model.nuclide, library)
    values = phantom_s_values(
        stylised_adult(spacing_mm=config.spacing_mm),
        emissions,
        source_regions(list(integrated)),
        BatchPlan(config.histories, config.seed, config.threads),
        cache=cache,
        progress=progress,
    )
    decays = {
        source: seconds * config.administered_mbq * BQ_PER_MBQ for source, seconds in integrated.items()
    }
    doses = organ_doses(decays, values.s_values)
    equivalent = doses.equivalent_sv
    return OrganDoseResult(
        config,
        model,
        {source: seconds / 3600.0 for source, seconds in integrated.items()},
        progeny,
        left_out,
        values,
        doses,
        values.uncertainty_gy(decays),
        {w.value: phantom_effective_dose_sv(equivalent, weights=w) for w in TissueWeights},
    )


def _emissions(
    nuclide: str, library: DecayLibrary
) -> tuple[DecayEmissions, dict[str, float], tuple[str, ...]]:
    """Return emissions with those of short-lived progeny, which that is, and which is left out.

    Without Y-89m, of 16 s, four fifths of Zr-89's gammas would be missing.
    """
    own = decay_emissions(nuclide, library=library)
    chain = decay_chain(nuclide, library=library)
    made = made_by_first(chain, longest_s=math.inf)
    with_parent = made_by_first(chain, longest_s=_WITH_PARENT * chain.half_life_s[0])
    counted = {
        chain.members[k].name: float(with_parent[k]) for k in range(1, made.size) if with_parent[k] > _RARE
    }
    left_out = tuple(
        chain.members[k].name
        for k in range(1, made.size)
        if chain.half_life_s[k] <= LIFE_S and made[k] - with_parent[k] > _RARE
    )
    if not counted:
        return own, counted, left_out
    parts = [(own, 1.0)]
    parts += [(decay_emissions(name, library=library), share) for name, share in counted.items()]
    return emissions_together(f"{own.name} with {', '.join(counted)}", parts), counted, left_out


def _model(name: str) -> BiokineticModel:
    if name.lower() in BIOKINETIC_MODELS:
        return biokinetic_model(name)
    path = Path(name)
    if not path.is_file():
        raise InputError(
            f"radiopharmaceutical must be one of {', '.join(BIOKINETIC_MODELS)} or a TOML file that exists; "
            f"got {name!r}; the manual says how to write a model"
        )
    return read_biokinetics(path)


def _user_cache() -> Path:
    """Return the folder that the system has for what can be calculated again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "tumorboard" / "s-values"
