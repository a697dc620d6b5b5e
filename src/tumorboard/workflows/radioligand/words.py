"""What a reader of doses from few scans should know."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tumorboard.core.image import Image
from tumorboard.dosimetry.progeny import ProgenyDecays
from tumorboard.workflows.radioligand.config import ContourSource, RadioligandConfig
from tumorboard.workflows.radioligand.contours import CarriedLesion, ContourReport
from tumorboard.workflows.radioligand.curve_words import curve_notes
from tumorboard.workflows.radioligand.time_course import ActivityScan, RegionCourse

__all__ = ["contour_notes", "notes_on", "overlap_notes", "progeny_notes"]

#: Words that a structure of an organ at risk has in its name.
_KIDNEY, _MARROW = ("kidney", "renal"), ("marrow",)
_DEFORMED = (
    " Deformable registration takes activity that has changed for tissue that has moved; where both were "
    "tried, rigid registration was closer, and more was wrong than what is added here."
)


def notes_on(
    config: RadioligandConfig,
    scans: Sequence[ActivityScan],
    total: RegionCourse,
    courses: Sequence[RegionCourse],
    medium: str,
) -> tuple[str, ...]:
    """Return what was assumed and what cannot be said, a sentence or two each.

    Parameters
    ----------
    config
        The choices.
    scans
        By time.
    total, courses
        Of the whole scan, and of each lesion.
    medium
        What the voxels were taken to be made of.
    """
    notes = [_conventions(scans)]
    if config.contours is ContourSource.EACH_SCAN:
        notes.append(_registration(scans))
    told = {c.name for c in courses}
    untold = dict.fromkeys(n for scan in scans for n in scan.lesions.names if n not in told)
    if untold:
        notes.append(
            f"{', '.join(untold)}: no dose is told of what is not drawn on every scan, or is without "
            "activity on one."
        )
    notes += curve_notes(config, total, courses)
    notes.append(
        f"Dose was calculated within {config.margin_mm:g} mm of the lesions, in {medium}. Photons from "
        "farther away are left out, and no partial-volume correction was made: a small lesion probably "
        "received more than its contour shows."
    )
    notes.append(f"Half-life and emissions of the nuclide are those of {config.library.value}.")
    names = " ".join(n.lower() for scan in scans for n in scan.lesions.names)
    missing = [
        what
        for what, words in (("kidneys", _KIDNEY), ("marrow", _MARROW))
        if not any(word in names for word in words)
    ]
    if missing:
        notes.append(
            f"No structure names {' or '.join(missing)}: nothing is said of the organs that limit this "
            "treatment. Activity outside the scan's field, and what was excreted, is not in the total."
        )
    return tuple(notes)


def overlap_notes(names: Sequence[str], masks: Sequence[Image]) -> tuple[str, ...]:
    """Return a note where lesions overlap on the last scan, else nothing.

    Parameters
    ----------
    names
        Of the lesions.
    masks
        FRACTION of the voxels that each covers, on one grid.
    """
    covered = np.sum([mask.values for mask in masks], axis=0)
    # Lesions that touch may add up to a little more than 1 by how contours are sampled.
    shared = [n for n, mask in zip(names, masks, strict=True) if (covered[mask.values > 0.5] > 1.5).any()]
    if not shared:
        return ()
    return (f"{', '.join(shared)} overlap: where they do, decays are the mean of theirs.",)


def progeny_notes(config: RadioligandConfig, progeny: ProgenyDecays | None) -> tuple[str, ...]:
    """Return what is assumed of progeny, and what that leaves out; nothing where it was not looked at.

    Parameters
    ----------
    config
        The choices.
    progeny
        Decays by what was assumed.
    """
    if progeny is None:
        return ()
    parent = progeny.members[0].name
    gone = [
        f"{share:.3g} of {member}"
        for member, share in zip(
            progeny.members[1:], progeny.elsewhere[1:] / progeny.parent_decays, strict=True
        )
        if share > 1e-3
    ]
    words = (
        f"Assumed, not measured: {progeny.fate.statement} The activity in the scans was taken for that of "
        f"{parent}, whichever member of its chain the camera counted."
    )
    if gone:
        words += (
            f" For each decay of {parent} there are decays elsewhere, whose dose is not counted anywhere: "
            f"{', '.join(gone)}."
        )
    if config.alpha_rbe is None:
        return words, "Dose by alphas is absorbed dose: no relative biological effectiveness was applied."
    return (
        words,
        f"Dose weighted by the alphas' relative biological effectiveness, {config.alpha_rbe:g} as chosen, is "
        "told beside the absorbed dose; no other figure contains it.",
    )


def contour_notes(report: ContourReport | None) -> tuple[str, ...]:
    """Return what carrying lesions from one scan to the others comes to.

    Parameters
    ----------
    report
        For use or for comparison; ``None``: not asked for.
    """
    if report is None:
        return ()
    how = "deformable" if report.source is ContourSource.PROPAGATED_DEFORMABLE else "rigid"
    if report.not_carried:
        return (
            f"Contours could not be compared with ones carried by {how} registration: {report.not_carried}.",
        )
    if report.used:
        found = "; ".join(
            f"{one.name} on {one.title}: error of place {one.error_mm:.1f} mm, which adds "
            f"{100 * one.added_relative_uncertainty:.1f} % to the uncertainty of its activity, and misses "
            f"{-100 * one.relative_bias:.1f} % in the mean{_beside(one)}"
            for one in report.lesions
        )
        return (
            f"Lesions were measured in the contours of {report.drawn_on}, carried to the other scans by "
            f"{how} registration of the scans: {found}. Of the error of place {report.assumed_error_mm:g} mm "
            "are assumed, for breathing and what else registration cannot show. What is added, in "
            "quadrature, is in the uncertainties; no activity was corrected."
            + (_DEFORMED if how == "deformable" else ""),
        )
    found = "; ".join(
        f"{one.name} on {one.title}: {one.activity_bq / 1e6:.4g} MBq{_beside(one)}, error of place "
        f"{one.error_mm:.1f} mm, which would add {100 * one.added_relative_uncertainty:.1f} %"
        for one in report.lesions
    )
    return (
        f"For comparison only, contours of {report.drawn_on} carried to the other scans by {how} "
        f"registration: {found} to its uncertainty. Of the error of place {report.assumed_error_mm:g} mm are "
        "assumed, for breathing and what else registration cannot show.",
    )


def _beside(one: CarriedLesion) -> str:
    if one.own_activity_bq is None:
        return ""
    return (
        f" ({one.own_activity_bq / 1e6:.4g} MBq in the contour drawn there, centres "
        f"{one.centre_distance_mm:.1f} mm apart, Dice {one.dice:.2f})"
    )


def _conventions(scans: Sequence[ActivityScan]) -> str:
    stored = {s.acquisition.decay_reference.value for s in scans if s.acquisition.decay_reference is not None}
    if stored == {"NONE"}:
        return "The scans are stored without decay correction: activities are as scanned."
    return (
        f"The scans are stored decay-corrected (Decay Correction {', '.join(sorted(stored))}); that was "
        "undone with the half-life in the files, so that all activities here are as they were at the scan."
    )


def _registration(scans: Sequence[ActivityScan]) -> str:
    frames = {s.image.grid.frame_of_reference for s in scans}
    if len(frames) == 1:
        return "All scans share a frame of reference; each lesion was measured in its own contours on each."
    return (
        "The scans have frames of reference of their own. No scan was moved onto another: each lesion was "
        "measured in the contours drawn on each, and its decays spread as the last scan shows them."
    )
