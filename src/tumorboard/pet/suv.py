r"""Standardised uptake values: how much tracer, relative to an even spread over the body.

.. math:: \mathrm{SUV} = \frac{c\,S}{A\,2^{-\Delta t/T_{1/2}}}

with concentration :math:`c`, body size :math:`S`, injected activity :math:`A` and the time
:math:`\Delta t` from injection to the moment to which :math:`c` is decay-corrected. The rules are those of
DICOM [1]_, of the QIBA profile for FDG [2]_ and of the manual of the Image Biomarker Standardisation
Initiative [3]_. Activity left in the syringe is not subtracted: the files state it in no standard place.

References
----------
.. [1] dicomPS33
.. [2] qiba2016fdg
.. [3] ibsi2026suv
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import overload

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetUnits, Sex, SuvType
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import InputError, MissingAttribute
from tumorboard.pet import body_size
from tumorboard.pet.decayed_activity import DecayedActivity, decayed_activity, require_corrections
from tumorboard.pet.slice_factors import factors_by_frame, factors_by_plane
from tumorboard.provenance import Record
from tumorboard.units import G_PER_KG

__all__ = ["SuvFactor", "SuvVariant", "suv_factor", "to_suv"]

_CM2_PER_M2 = 1e4


class SuvVariant(Enum):
    """By which body size the uptake is normalised."""

    BODY_WEIGHT = "body_weight"
    LEAN_BODY_MASS_JAMES = "lean_body_mass_james"
    """With James's own 128 for men; see :mod:`tumorboard.pet.body_size`."""
    LEAN_BODY_MASS_JANMAHASATIAN = "lean_body_mass_janmahasatian"
    BODY_SURFACE_AREA = "body_surface_area"
    IDEAL_BODY_WEIGHT = "ideal_body_weight"

    @property
    def quantity(self) -> Quantity:
        """What an image of this variant measures."""
        return Quantity[f"SUV_{self.name}"]


_VARIANT_OF_TYPE = {
    SuvType.BODY_WEIGHT: SuvVariant.BODY_WEIGHT,
    SuvType.LEAN_BODY_MASS_JAMES_128: SuvVariant.LEAN_BODY_MASS_JAMES,
    SuvType.LEAN_BODY_MASS_JANMAHASATIAN: SuvVariant.LEAN_BODY_MASS_JANMAHASATIAN,
    SuvType.BODY_SURFACE_AREA: SuvVariant.BODY_SURFACE_AREA,
    SuvType.IDEAL_BODY_WEIGHT: SuvVariant.IDEAL_BODY_WEIGHT,
}
_TYPE_OF_VARIANT = {variant: kind for kind, variant in _VARIANT_OF_TYPE.items()}
_REFERENCES = {
    SuvType.LEAN_BODY_MASS: ("morgan1994",),
    SuvType.LEAN_BODY_MASS_JAMES_128: ("james1976",),
    SuvType.LEAN_BODY_MASS_JANMAHASATIAN: ("janmahasatian2005",),
    SuvType.BODY_SURFACE_AREA: ("dubois1916",),
    SuvType.IDEAL_BODY_WEIGHT: ("sugawara1999",),
}


@dataclass(frozen=True, slots=True, eq=False)
class SuvFactor:
    """What the values of a series are multiplied by, and why.

    Parameters
    ----------
    variant
        The uptake value that results.
    factor
        Uptake value per unit of the series' values: a scalar, or one per slice of the acquisition,
        shape ``(n_slices,)``.
    per_unit
        Unit of the series' values that the factor is per, e.g. ``"Bq/mL"``.
    decay_reference
        Moment to which the values are corrected; ``None`` when they are uptake values already.
    reference_moment
        That moment; ``None`` when it is not one moment for all slices or not needed.
    decay_s
        Time from injection to the reference, a scalar or shape ``(n_slices,)`` [s]; ``None`` when not needed.
    rule
        How the factor came about, in words.
    notes
        What was noticed on the way, from the files to the factor, one sentence each.
    provenance
        How the factor came about, for machines.
    """

    variant: SuvVariant
    factor: float | NDArray[np.float64]
    per_unit: str
    decay_reference: DecayReference | None
    reference_moment: datetime | None
    decay_s: float | NDArray[np.float64] | None
    rule: str
    notes: tuple[str, ...]
    provenance: Record

    @property
    def factor_per_bq_ml(self) -> float | None:
        """The factor when it is one number per activity concentration [1/(Bq/mL)], else ``None``."""
        return self.factor if self.per_unit == "Bq/mL" and isinstance(self.factor, float) else None


@dataclass(frozen=True, slots=True)
class _Base:
    """How the values lead to an uptake value of ``kind``, or with ``None`` to one per body size."""

    kind: SuvType | None
    factor: float | NDArray[np.float64]
    per_unit: str
    rule: str
    activity: DecayedActivity | None = None
    notes: tuple[str, ...] = ()


def suv_factor(acquisition: PetAcquisition, *, variant: SuvVariant) -> SuvFactor:
    """Return the factor from the values of a PET series to standardised uptake values.

    * Units ``BQML``: body size over the injected activity, decayed to the moment to which the values are
      corrected: the injection (``ADMIN``), the scan start (``START``, see
      :func:`~tumorboard.pet.decay_reference.scan_start`) or, per slice, the moment of its frame's average
      count rate (``NONE``).
    * Units ``CNTS``: the Philips SUV scale factor, or else the Philips activity concentration scale factor
      and then as ``BQML``.
    * Units ``GML``, ``CM2ML``: uptake values already, of SUV Type (0054,1006), body weight or body surface
      area when it is absent; converted by the ratio of body sizes.

    Parameters
    ----------
    acquisition
        What the files say.
    variant
        The uptake value wanted.

    Raises
    ------
    MissingAttribute
        When an attribute that the rule needs is absent; the message names it.
    InputError
        When attributes contradict each other, or the units are no basis of an uptake value.

    Examples
    --------
    >>> from datetime import datetime
    >>> given = datetime(2025, 1, 1, 10)
    >>> scan = PetAcquisition(
    ...     units=PetUnits.BQML, decay_reference=DecayReference.ADMIN, weight_kg=70.0, injected_bq=350e6
    ... )
    >>> suv_factor(scan, variant=SuvVariant.BODY_WEIGHT).factor  # 70,000 g / 350 MBq
    0.0002
    """
    base = _base_of(acquisition)
    kind = _TYPE_OF_VARIANT[variant]
    if base.kind is None:
        size, unit = _size(acquisition, kind)
        factor, rule = (
            base.factor * size,
            f"{base.rule}; times {variant.value.replace('_', ' ')} {size:.6g} {unit}",
        )
    elif base.kind is kind:
        factor, rule = base.factor, base.rule
    else:
        size, unit = _size(acquisition, kind)
        old, old_unit = _size(acquisition, base.kind)
        factor = base.factor * (size / old)
        rule = f"{base.rule}; times {size:.6g} {unit} / {old:.6g} {old_unit}"
    used = _REFERENCES.get(kind, ()) + (
        _REFERENCES.get(base.kind, ()) if base.kind and base.kind != kind else ()
    )
    record = Record(
        "pet.suv_factor",
        {
            "variant": variant.value,
            "factor": factor if isinstance(factor, float) else factor.tolist(),
            "per_unit": base.per_unit,
            "rule": rule,
        },
        (acquisition.provenance,),
        ("dicomPS33", "qiba2016fdg", "ibsi2026suv", *used),
    )
    decayed = base.activity
    return SuvFactor(
        variant=variant,
        factor=factor,
        per_unit=base.per_unit,
        decay_reference=decayed.decay_reference if decayed else None,
        reference_moment=decayed.reference_moment if decayed else None,
        decay_s=decayed.decay_s if decayed else None,
        rule=rule,
        notes=tuple(dict.fromkeys(acquisition.notes + base.notes + (decayed.notes if decayed else ()))),
        provenance=record,
    )


@overload
def to_suv(image: Image, acquisition: PetAcquisition, *, variant: SuvVariant) -> Image: ...
@overload
def to_suv(image: DynamicImage, acquisition: PetAcquisition, *, variant: SuvVariant) -> DynamicImage: ...
def to_suv(
    image: Image | DynamicImage, acquisition: PetAcquisition, *, variant: SuvVariant
) -> Image | DynamicImage:
    """Return an image's standardised uptake values.

    Where the values are decay-corrected to one moment, all planes and frames have one factor. Where they are
    not (Decay Correction NONE) each slice has its own, and is found by its position and, in a dynamic image,
    by its acquisition time.

    Parameters
    ----------
    image
        Values as rescaled from the files: activity concentration [Bq/mL], counts, or an uptake value.
    acquisition
        What the files say.
    variant
        The uptake value wanted.

    Returns
    -------
    Image or DynamicImage
        As ``image``: float32, of the variant's quantity, on the same grid, with the same frames.

    Raises
    ------
    MissingAttribute
        As in :func:`suv_factor`.
    InputError
        As in :func:`suv_factor`; when the image's quantity is not that of the acquisition's units, or its
        planes and frames cannot be told among the slices where each has its own factor.
    """
    _require_quantity(image.quantity, acquisition)
    result = suv_factor(acquisition, variant=variant)
    factor = result.factor
    if not isinstance(factor, float):
        if isinstance(image, DynamicImage):
            factor = factors_by_frame(factor, acquisition.slices, image)[..., None, None]
        else:
            factor = factors_by_plane(factor, acquisition.slices, image.grid)[:, None, None]
    values = np.multiply(image.values, factor, dtype=np.float64 if image.values.dtype.kind != "f" else None)
    values = values.astype(np.float32, copy=False)
    values.setflags(write=False)  # the noun keeps it without a copy
    record = Record(
        "pet.to_suv", {"variant": variant.value}, (image.provenance, result.provenance), ("dicomPS33",)
    )
    return replace(image, values=values, quantity=variant.quantity, provenance=record)


def _base_of(acquisition: PetAcquisition) -> _Base:
    units = acquisition.units
    if units is None:
        raise MissingAttribute(
            "Units (0054,1001) must be BQML, CNTS, GML or CM2ML; the files have none; correct units"
        )
    if units is PetUnits.BQML:
        decayed = decayed_activity(acquisition)
        return _Base(None, 1.0 / decayed.activity_bq, "Bq/mL", decayed.rule, decayed)
    if units is PetUnits.CNTS:
        return _from_counts(acquisition)
    if units in (PetUnits.GML, PetUnits.CM2ML):
        return _from_uptake(acquisition, units)
    raise InputError(
        "Units (0054,1001) must be BQML, CNTS, GML or CM2ML for a standardised uptake value; got "
        f"{units.value}; "
        "reconstruct the series in BQML"
    )


def _from_uptake(acquisition: PetAcquisition, units: PetUnits) -> _Base:
    surface = units is PetUnits.CM2ML
    # DICOM PS3.3 C.8.9.1: "If absent, and the Units are GML, then the type of SUV shall be assumed to be BW."
    kind = acquisition.suv_type or (SuvType.BODY_SURFACE_AREA if surface else SuvType.BODY_WEIGHT)
    if (kind is SuvType.BODY_SURFACE_AREA) is not surface:
        raise InputError(
            "SUV Type (0054,1006) must be BSA with Units (0054,1001) CM2ML, and another with GML; got "
            f"{kind.value} with {units.value}; correct suv_type or units"
        )
    stated = "stated" if acquisition.suv_type else "absent, the standard's default"
    rule = f"Units (0054,1001) {units.value}: uptake values of SUV Type (0054,1006) {kind.value} ({stated})"
    return _Base(kind, 1.0, "cm2/mL" if surface else "g/mL", rule)


def _from_counts(acquisition: PetAcquisition) -> _Base:
    suv, activity = acquisition.philips_suv_factor, acquisition.philips_activity_factor
    if suv is not None:
        notes = require_corrections(acquisition)
        if acquisition.decay_reference is DecayReference.NONE:
            raise InputError(
                "Decay Correction (0054,1102) must be START or ADMIN for the Philips SUV scale factor "
                "(7053,1000), which holds for one moment; got NONE; choose the decay-corrected series"
            )
        rule = f"Units (0054,1001) CNTS times the Philips SUV scale factor (7053,1000) {suv:.6g}"
        return _Base(SuvType.BODY_WEIGHT, float(suv), "count", rule, notes=notes)
    if activity is None:
        raise MissingAttribute(
            "Units (0054,1001) is CNTS, so the Philips SUV scale factor (7053,1000) or activity "
            "concentration scale "
            "factor (7053,1009) must be > 0; the files have neither; keep private elements, or "
            "reconstruct in BQML"
        )
    decayed = decayed_activity(acquisition)
    rule = f"Units (0054,1001) CNTS times the Philips activity scale factor (7053,1009) {activity:.6g}"
    return _Base(None, activity / decayed.activity_bq, "count", f"{rule}; {decayed.rule}", decayed)


def _size(acquisition: PetAcquisition, kind: SuvType) -> tuple[float, str]:
    """Return the body size of a variant [g, or cm2 for a surface], and its unit."""
    if kind is SuvType.IDEAL_BODY_WEIGHT:
        height_m, sex = _height_m(acquisition), _sex(acquisition)
        return G_PER_KG * body_size.ideal_body_weight_kg(height_m, sex=sex), "g"
    weight_kg = acquisition.weight_kg
    if weight_kg is None:
        raise MissingAttribute(
            "Patient's Weight (0010,1030) must be > 0 [kg]; the files have none; correct weight_kg"
        )
    if kind is SuvType.BODY_WEIGHT:
        return G_PER_KG * weight_kg, "g"
    height_m = _height_m(acquisition)
    if kind is SuvType.BODY_SURFACE_AREA:
        return _CM2_PER_M2 * body_size.body_surface_area_m2(weight_kg, height_m), "cm2"
    lean_body_mass_kg = {
        SuvType.LEAN_BODY_MASS: body_size.lean_body_mass_morgan_kg,
        SuvType.LEAN_BODY_MASS_JAMES_128: body_size.lean_body_mass_james_kg,
        SuvType.LEAN_BODY_MASS_JANMAHASATIAN: body_size.lean_body_mass_janmahasatian_kg,
    }[kind]
    return G_PER_KG * lean_body_mass_kg(weight_kg, height_m, sex=_sex(acquisition)), "g"


def _height_m(acquisition: PetAcquisition) -> float:
    if acquisition.height_m is None:
        raise MissingAttribute(
            "Patient's Size (0010,1020) must be > 0 [m]; the files have none; correct height_m, or "
            "choose body weight"
        )
    return acquisition.height_m


def _sex(acquisition: PetAcquisition) -> Sex:
    if acquisition.sex is None:
        raise MissingAttribute(
            "Patient's Sex (0010,0040) must be M, F or O; the files have none; correct sex, or choose "
            "body weight "
            "or body surface area"
        )
    return acquisition.sex


def _require_quantity(quantity: Quantity, acquisition: PetAcquisition) -> None:
    units = acquisition.units
    if units is PetUnits.BQML:
        allowed = {Quantity.ACTIVITY_CONCENTRATION}
    elif units is PetUnits.CNTS:
        allowed = {Quantity.COUNTS, Quantity.UNCALIBRATED}
    elif units is PetUnits.CM2ML:
        allowed = {Quantity.SUV_BODY_SURFACE_AREA}
    elif acquisition.suv_type is SuvType.LEAN_BODY_MASS:
        allowed = {Quantity.SUV_LEAN_BODY_MASS_JAMES}
    else:
        allowed = {_VARIANT_OF_TYPE[acquisition.suv_type or SuvType.BODY_WEIGHT].quantity}
    if units is not None and quantity not in allowed:
        raise InputError(
            f"image must measure {' or '.join(sorted(q.name for q in allowed))} where Units "
            f"(0054,1001) is {units.value}; "
            f"got {quantity.name}; pass the image of the same series as the acquisition"
        )
