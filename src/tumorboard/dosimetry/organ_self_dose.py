"""Dose of an organ to itself from its own decays and mass, where no phantom is at hand: kidneys above all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tumorboard.dosimetry.sphere import SphereModel
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["OrganPart", "SelfDose", "organ_self_dose"]


@dataclass(frozen=True, slots=True)
class OrganPart:
    """A part of an organ with activity of its own, a kidney say.

    Parameters
    ----------
    name
        E.g. ``"left kidney"``.
    decays
        In it, >= 0: time-integrated activity [Bq s].
    mass_g
        > 0 [g].

    Raises
    ------
    InputError
        When a number is out of range.
    """

    name: str
    decays: float
    mass_g: float

    def __post_init__(self) -> None:
        if not 0 <= self.decays < np.inf:
            raise InputError(f"decays of {self.name} must be finite and >= 0; got {self.decays!r}")
        if not 0 < self.mass_g < np.inf:
            raise InputError(f"mass_g of {self.name} must be finite and > 0 [g]; got {self.mass_g!r}")


@dataclass(frozen=True, slots=True)
class SelfDose:
    """Dose of an organ's parts to themselves.

    Parameters
    ----------
    parts_gy
        Dose to each part, by name [Gy].
    mean_gy
        Energy in all over the mass of all [Gy].
    provenance
        How it was made.
    """

    parts_gy: dict[str, float]
    mean_gy: float
    provenance: Record


def organ_self_dose(parts: Sequence[OrganPart], spheres: SphereModel, *, density_g_cm3: float) -> SelfDose:
    """Return the dose of an organ to itself, each part a sphere of its mass [1]_.

    Of the dose of a kidney to itself photons give 2 % for Lu-177, so that its shape counts little; 15 % for
    I-131. What parts give each other, and the rest of the body gives them, is left out.

    Parameters
    ----------
    parts
        With their own decays and masses, e.g. both kidneys.
    spheres
        Of the nuclide.
    density_g_cm3
        Of the tissue, > 0; 1.05 for kidneys [g/cm3].

    Returns
    -------
    SelfDose

    Raises
    ------
    InputError
        When there are no parts, names are there twice, or a part is too large for ``spheres``.

    References
    ----------
    .. [1] bolch2009mird21

    Examples
    --------
    >>> from tumorboard.physics.materials import material
    >>> from tumorboard.physics.transport.batches import BatchPlan
    >>> from tumorboard.physics.transport.decay_source import DecayEmissions
    >>> from tumorboard.dosimetry.sphere import sphere_model
    >>> spheres = sphere_model(
    ...     DecayEmissions("alpha", local_mev=5.5),
    ...     material("water, liquid"),
    ...     BatchPlan(100, 1, 1),
    ...     largest_mass_g=200.0,
    ...     highest_density_g_cm3=1.05,
    ... )
    >>> kidneys = (OrganPart("left kidney", 2e12, 150.0), OrganPart("right kidney", 1e12, 150.0))
    >>> dose = organ_self_dose(kidneys, spheres, density_g_cm3=1.05)
    >>> round(dose.parts_gy["left kidney"], 2), round(dose.mean_gy, 2)
    (11.75, 8.81)
    """
    names = [part.name for part in parts]
    if not parts or len(set(names)) != len(names):
        raise InputError(f"parts must be one or more, each of its own name; got {', '.join(names) or 'none'}")
    doses = {
        part.name: part.decays * spheres.s_value_gy(part.mass_g, density_g_cm3=density_g_cm3)
        for part in parts
    }
    energy = sum(doses[part.name] * part.mass_g for part in parts)
    record = Record(
        "dosimetry.organ_self_dose",
        {
            "parts": [[part.name, float(part.decays), float(part.mass_g)] for part in parts],
            "density_g_cm3": density_g_cm3,
        },
        (spheres.provenance,),
        references=("bolch2009mird21",),
    )
    return SelfDose(doses, energy / sum(part.mass_g for part in parts), record)
