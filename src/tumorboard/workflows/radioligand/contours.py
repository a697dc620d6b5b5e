"""Which contours lesions are measured in: those drawn on each scan, or those of one, carried to others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.image import Image
from tumorboard.core.structures import Structure, StructureSet
from tumorboard.dosimetry.lesion_propagation import LesionPropagation, PropagationConfig, propagate_lesions
from tumorboard.errors import InputError
from tumorboard.numerics.registration_config import (
    DeformableRegistrationConfig,
    RigidRegistrationConfig,
    Similarity,
    Start,
    ValueMatch,
)
from tumorboard.numerics.voxelise import voxelise
from tumorboard.workflows.progress import Progress
from tumorboard.workflows.radioligand.config import ContourSource, RadioligandConfig
from tumorboard.workflows.radioligand.time_course import ActivityScan, activities_bq, common_lesions

__all__ = ["CarriedLesion", "ContourReport", "carried_scans", "compared_contours", "contour_source"]

#: Activity moves little between days where it is; that correlates, whatever is left of it.
_RIGID: Final = RigidRegistrationConfig(Similarity.CORRELATION, Start.CENTRES_OF_VALUES, (16.0, 10.0))
_DEFORMABLE: Final = DeformableRegistrationConfig(ValueMatch.HISTOGRAM, 20.0, (16.0, 10.0), iterations=30)
_RESTARTS: Final = 1


@dataclass(frozen=True, slots=True)
class CarriedLesion:
    """A lesion on a scan that it was carried to.

    Parameters
    ----------
    name
        As drawn.
    title
        Of the scan.
    activity_bq
        In the carried contour, as scanned [Bq].
    own_activity_bq
        In the contour drawn on that scan; ``None`` where there is none [Bq].
    volume_ml
        Of the carried contour [mL].
    own_volume_ml
        Of the one drawn; ``None`` where there is none [mL].
    centre_distance_mm
        Of the centres of both; ``None`` where there is none [mm].
    dice
        Of both: twice what they share over the sum; ``None`` where there is none.
    error_mm
        Standard error of the place as the registration is judged without contours, in three dimensions [mm].
    inverse_consistency_mm
        Part of it: root mean square distance after the way there and back [mm].
    added_relative_uncertainty
        Of the activity, by that error.
    relative_bias
        Of the activity, by that error: what a contour out of place misses in the mean.
    """

    name: str
    title: str
    activity_bq: float
    own_activity_bq: float | None
    volume_ml: float
    own_volume_ml: float | None
    centre_distance_mm: float | None
    dice: float | None
    error_mm: float
    inverse_consistency_mm: float
    added_relative_uncertainty: float
    relative_bias: float


@dataclass(frozen=True, slots=True)
class ContourReport:
    """What carrying lesions to other scans comes to.

    Parameters
    ----------
    source
        How they were carried.
    used
        Whether activities and doses are those of the carried contours; else they are shown for comparison.
    drawn_on
        Title of the scan that they were carried from.
    lesions
        In the order of their contours, each by scan.
    assumed_error_mm
        Part of the errors of place that is assumed [mm].
    not_carried
        Why there is nothing to compare; empty where there is.
    """

    source: ContourSource
    used: bool
    drawn_on: str
    lesions: tuple[CarriedLesion, ...]
    assumed_error_mm: float
    not_carried: str = ""


def contour_source(scans: Sequence[ActivityScan]) -> ContourSource | None:
    """Return how lesions can be measured: as drawn on each scan, or carried rigidly; ``None`` without any.

    Parameters
    ----------
    scans
        Of one administration.
    """
    if not any(scan.lesions.names for scan in scans):
        return None
    return ContourSource.EACH_SCAN if common_lesions(scans) else ContourSource.PROPAGATED_RIGID


def carried_scans(
    config: RadioligandConfig, scans: Sequence[ActivityScan], progress: Progress
) -> tuple[list[ActivityScan], dict[str, NDArray[np.float64]], ContourReport]:
    """Return the scans with the lesions of the last one that has any drawn, carried to the others.

    Parameters
    ----------
    config
        Whose contours are propagated ones.
    scans
        By time.
    progress
        Told how far it is.

    Returns
    -------
    scans
        With carried contours as fractions of voxels.
    added
        By lesion: relative standard uncertainty of the activity by registration, shape ``(n_scans,)``.
    report
        Of each lesion on each scan.

    Raises
    ------
    InputError
        When no lesion is drawn, or one lies outside of a scan.
    """
    drawn = [k for k, scan in enumerate(scans) if scan.lesions.names]
    if not drawn:
        raise InputError("lesions must be drawn on one scan at least; they are on none")
    source = drawn[-1]
    names = scans[source].lesions.names
    carried, found = _carried(config, config.contours, scans, source, names, progress)
    added = {name: np.zeros(len(scans)) for name in names}
    for k, one in found.items():
        for lesion in one.lesions:
            added[lesion.name][k] = lesion.effect.relative_uncertainty
    report = _report(config.contours, scans, carried, found, source, names, used=True)
    return carried, added, report


def compared_contours(
    config: RadioligandConfig, scans: Sequence[ActivityScan], names: Sequence[str], progress: Progress
) -> ContourReport:
    """Return what lesions drawn on every scan would be, had those of the last been carried rigidly.

    Parameters
    ----------
    config
        The choices.
    scans
        By time.
    names
        Of lesions on every scan.
    progress
        Told how far it is.
    """
    rigid, source = ContourSource.PROPAGATED_RIGID, len(scans) - 1
    try:
        carried, found = _carried(config, rigid, scans, source, names, progress)
        return _report(rigid, scans, carried, found, source, names, used=False)
    except InputError as reason:
        # The doses do not need it: a scan that cannot be registered is said, and ends nothing.
        assumed = config.unseen_registration_error_mm
        return ContourReport(rigid, False, scans[source].title, (), assumed, not_carried=str(reason))


def _carried(
    config: RadioligandConfig,
    how: ContourSource,
    scans: Sequence[ActivityScan],
    source: int,
    names: Sequence[str],
    progress: Progress,
) -> tuple[list[ActivityScan], dict[int, LesionPropagation]]:
    drawn = tuple(scans[source].lesions[name] for name in names)
    choices = PropagationConfig(
        _RIGID,
        _DEFORMABLE if how is ContourSource.PROPAGATED_DEFORMABLE else None,
        unseen_error_mm=config.unseen_registration_error_mm,
        restarts=_RESTARTS if how is config.contours else 0,  # a comparison need not take as long
    )
    carried, found = list(scans), {}
    for k, scan in enumerate(scans):
        if k == source:
            continue
        found[k] = propagate_lesions(scan.image, scans[source].image, drawn, choices, progress=progress)
        structures = tuple(
            Structure(one.name, mask=one.fraction, kind=was.kind, colour_rgb=was.colour_rgb)
            for one, was in zip(found[k].lesions, drawn, strict=True)
        )
        frame = scan.image.grid.frame_of_reference
        carried[k] = replace(scan, lesions=StructureSet(structures, frame, found[k].provenance))
    return carried, found


def _report(
    how: ContourSource,
    scans: Sequence[ActivityScan],
    carried: Sequence[ActivityScan],
    found: dict[int, LesionPropagation],
    source: int,
    names: Sequence[str],
    *,
    used: bool,
) -> ContourReport:
    lesions = []
    for number, name in enumerate(names):
        activities = activities_bq(carried, name)
        for k, one in found.items():
            lesion = one.lesions[number]
            own = scans[k].lesions[name] if name in scans[k].lesions.names else None
            compared = _compared(own, lesion.fraction, scans[k].image) if own is not None else None
            here_bq = float(activities[k])
            lesions.append(
                CarriedLesion(
                    name=name,
                    title=scans[k].title,
                    activity_bq=here_bq,
                    own_activity_bq=None if compared is None else here_bq * compared.activity_ratio,
                    volume_ml=lesion.volume_ml,
                    own_volume_ml=None if compared is None else compared.volume_ml,
                    centre_distance_mm=None if compared is None else compared.distance_mm,
                    dice=None if compared is None else compared.dice,
                    error_mm=lesion.error_mm,
                    inverse_consistency_mm=lesion.inverse_consistency_mm,
                    added_relative_uncertainty=lesion.effect.relative_uncertainty,
                    relative_bias=lesion.effect.relative_bias,
                )
            )
    assumed = next(iter(found.values())).config.unseen_error_mm
    return ContourReport(how, used, scans[source].title, tuple(lesions), assumed)


@dataclass(frozen=True, slots=True)
class _Compared:
    activity_ratio: float
    volume_ml: float
    distance_mm: float
    dice: float


def _compared(own: Structure, carried: Image, scan: Image) -> _Compared:
    """Return own over carried activity, and how the contours lie to each other."""
    a, b = voxelise(own, scan.grid).values.astype(np.float64), carried.values.astype(np.float64)
    near = np.argwhere((a > 0) | (b > 0))
    weight_a, weight_b = a[tuple(near.T)], b[tuple(near.T)]
    values = np.asarray(scan.values, np.float64)[tuple(near.T)]
    centres = [scan.grid.index_to_patient(w @ near / w.sum()) for w in (weight_a, weight_b)]
    return _Compared(
        activity_ratio=float(values @ weight_a) / float(values @ weight_b),
        volume_ml=float(weight_a.sum()) * scan.grid.voxel_volume_ml,
        distance_mm=float(np.linalg.norm(centres[0] - centres[1])),
        dice=2.0 * float(np.minimum(weight_a, weight_b).sum()) / float(weight_a.sum() + weight_b.sum()),
    )
