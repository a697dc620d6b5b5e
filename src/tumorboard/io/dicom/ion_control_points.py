"""From the control points of an ion beam to its geometry, range shifter and energy layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from tumorboard.core.plan import EnergyLayer
from tumorboard.errors import InputError, MissingAttribute

__all__ = ["ShifterInBeam", "constant_numbers", "layers_of", "numbers_of", "range_shifter_of"]

#: Written angles and positions of one beam are one angle and position within this [deg] or [mm].
_SAME: Final = 1e-3
#: Spots of a control point must add up to the step of the cumulative weight within this part of the beam's
#: total: weights are 32-bit numbers, and systems round the cumulative ones to a few decimals.
_SUM_TOLERANCE: Final = 1e-4
_MOST_SPOTS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ShifterInBeam:
    """The range shifter that is in a beam.

    Parameters
    ----------
    identifier
        Range Shifter ID (300A,0318).
    distance_mm
        Isocentre to its downstream edge, where stated [mm].
    water_equivalent_thickness_mm
        Where stated [mm].
    """

    identifier: str
    distance_mm: float | None
    water_equivalent_thickness_mm: float | None


def constant_numbers(
    points: Sequence[Dataset], keyword: str, *, unit: str, where: str, way_out: str
) -> tuple[float, ...] | None:
    """Return what the control points say of one attribute, which must not change; ``None`` when absent.

    Raises
    ------
    InputError
        When it changes; ``way_out`` ends the message.
    """
    values = [v for v in (numbers_of(point, keyword) for point in points) if v.size]
    if not values:
        return None
    first = values[0]
    for other in values[1:]:
        if other.shape != first.shape or np.abs(other - first).max() > _SAME:
            raise InputError(
                f"{keyword} of {where} must be one for the whole beam [{unit}]; got {_shown(first)} and "
                f"{_shown(other)}; {way_out}"
            )
    return tuple(first.tolist())


def layers_of(
    beam: Dataset, points: Sequence[Dataset], *, meterset: float, where: str
) -> tuple[EnergyLayer, ...]:
    """Return the energy layers of a beam, in order of delivery.

    Monitor units of a spot are its Scan Spot Meterset Weight (300A,0396) times ``meterset`` over Final
    Cumulative Meterset Weight (300A,010E) [1]_. A control point without weight closes the one before it.

    Parameters
    ----------
    beam, points
        The beam and its Ion Control Point Sequence.
    meterset
        Beam Meterset (300A,0086) [MU].
    where
        Names the beam and its file.

    Raises
    ------
    MissingAttribute
        When energies, positions or weights are absent.
    InputError
        When they contradict each other.

    References
    ----------
    .. [1] dicomPS33
    """
    total = _one_number(beam, "FinalCumulativeMetersetWeight", where)
    if not total > 0:
        raise InputError(f"FinalCumulativeMetersetWeight of {where} must be > 0; got {total:g}")
    cumulative = [_one_number(point, "CumulativeMetersetWeight", where) for point in points]
    steps = np.diff([*cumulative, cumulative[-1]])
    if (steps < -_SUM_TOLERANCE * total).any() or abs(cumulative[-1] - total) > _SUM_TOLERANCE * total:
        raise InputError(
            f"CumulativeMetersetWeight of {where} must rise to the final {total:g}; it ends at "
            f"{cumulative[-1]:g} or falls in between; export the plan again"
        )
    layers, energy_mev, n_spots = [], None, 0
    for number, (point, step) in enumerate(zip(points, steps.tolist(), strict=True)):
        stated = numbers_of(point, "NominalBeamEnergy")
        energy_mev = float(stated[0]) if stated.size else energy_mev
        here = f"control point {number} of {where}"
        weights = numbers_of(point, "ScanSpotMetersetWeights")
        if abs(float(weights.sum()) - step) > _SUM_TOLERANCE * total:
            raise InputError(
                f"ScanSpotMetersetWeights (300A,0396) of {here} must add up to the step of the cumulative "
                f"weight, {step:g}; got {float(weights.sum()):g}; export the plan again"
            )
        if not (weights > 0).any():
            continue
        if energy_mev is None:
            raise MissingAttribute(
                f"NominalBeamEnergy (300A,0114) of {here} must be given [MeV]; it is absent"
            )
        n_spots += weights.size
        if n_spots > _MOST_SPOTS:
            raise InputError(f"spots of {where} must be at most {_MOST_SPOTS}; got more")
        layers.append(_layer(point, energy_mev, weights * (meterset / total), here))
    if not layers:
        raise MissingAttribute(
            f"ScanSpotMetersetWeights (300A,0396) of {where} must give a spot > 0; none does; export the "
            "plan after its dose was calculated"
        )
    return tuple(layers)


def _layer(point: Dataset, energy_mev: float, units: NDArray[np.float64], here: str) -> EnergyLayer:
    places = numbers_of(point, "ScanSpotPositionMap")
    if places.size != 2 * units.size:
        raise MissingAttribute(
            f"ScanSpotPositionMap (300A,0394) of {here} must give x and y of each of {units.size} spots "
            f"[mm]; got {places.size} numbers; export the plan again"
        )
    size = numbers_of(point, "ScanningSpotSize")
    fwhm = (float(size[0]), float(size[1])) if size.size == 2 else None
    return EnergyLayer(energy_mev, places.reshape(-1, 2), units, fwhm)


def range_shifter_of(beam: Dataset, points: Sequence[Dataset], *, where: str) -> ShifterInBeam | None:
    """Return the range shifter in the beam, ``None`` when there is none.

    Raises
    ------
    MissingAttribute
        When range shifters are named but not whether they are in.
    InputError
        When more than one is in, one of variable thickness is, or one moves during the beam.
    """
    devices = {int(d.RangeShifterNumber): d for d in beam.get("RangeShifterSequence") or ()}
    if not devices:
        if int(beam.get("NumberOfRangeShifters") or 0):
            raise MissingAttribute(
                f"RangeShifterSequence (300A,0314) of {where} must name its range shifters; it is absent"
            )
        return None
    settings: dict[int, Dataset] = {}
    for point in points:
        for item in point.get("RangeShifterSettingsSequence") or ():
            number = int(item.get("ReferencedRangeShifterNumber", -1))
            before = settings.setdefault(number, item)
            if _moved(before, item):
                raise InputError(
                    f"RangeShifterSettingsSequence of {where} must be one for the whole beam; a range "
                    "shifter moves between layers; give the layers of each setting a beam of their own"
                )
    missing = sorted(set(devices) - set(settings))
    if missing:
        name = devices[missing[0]].get("RangeShifterID", missing[0])
        raise MissingAttribute(
            f"RangeShifterSettingsSequence (300A,0360) of {where} must say whether range shifter {name} is "
            "in; it does not; export the plan again"
        )
    inside = [n for n in devices if _setting(settings[n]) != "OUT"]
    if not inside:
        return None
    if len(inside) > 1:
        names = ", ".join(str(devices[n].get("RangeShifterID", n)) for n in inside)
        raise InputError(
            f"range shifters in {where} must be at most one; got {names}; stacks are not supported"
        )
    device, setting = devices[inside[0]], settings[inside[0]]
    kind = str(device.get("RangeShifterType") or "")
    if kind != "BINARY" or _setting(setting) != "IN":
        raise InputError(
            f"RangeShifterType and setting of {where} must be BINARY and IN; got {kind or 'none'} and "
            f"{_setting(setting)}; range shifters of variable thickness are not supported"
        )
    return ShifterInBeam(
        str(device.get("RangeShifterID") or inside[0]).strip(),
        _optional(setting, "IsocenterToRangeShifterDistance"),
        _optional(setting, "RangeShifterWaterEquivalentThickness"),
    )


def numbers_of(dataset: Dataset, keyword: str) -> NDArray[np.float64]:
    """Return the numbers of an attribute, shape ``(n,)``; none of an absent or empty one."""
    value: Any = dataset.get(keyword)
    if value is None or (isinstance(value, str) and not value.strip()):
        return np.empty(0)
    found = np.atleast_1d(np.asarray(value, dtype=np.float64))
    if not np.isfinite(found).all():
        raise InputError(f"{keyword} must be finite; got NaN or infinity; export the plan again")
    return found


def _one_number(dataset: Dataset, keyword: str, where: str) -> float:
    found = numbers_of(dataset, keyword)
    if found.size != 1:
        raise MissingAttribute(
            f"{keyword} of {where} must be given; it is {'absent' if not found.size else 'several'}; without "
            "it the spots have no monitor units: export the plan again"
        )
    return float(found[0])


def _optional(dataset: Dataset, keyword: str) -> float | None:
    found = numbers_of(dataset, keyword)
    return float(found[0]) if found.size else None


def _setting(item: Dataset) -> str:
    return str(item.get("RangeShifterSetting") or "none").strip()


def _moved(before: Dataset, item: Dataset) -> bool:
    if _setting(before) != _setting(item):
        return True
    first, second = (_optional(i, "IsocenterToRangeShifterDistance") for i in (before, item))
    return first is not None and second is not None and abs(first - second) > _SAME


def _shown(values: NDArray[np.float64]) -> str:
    return ", ".join(f"{v:g}" for v in values)
