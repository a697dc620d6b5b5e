"""Errors of registrations whose truth is known: the synthetic patient with Lu-177, moved and bent.

Run from the repository: ``python validation/registration/measure.py``. Takes some minutes.
"""

import sys
import time

import numpy as np

from tumorboard.core import Deformation, Grid, RigidTransform
from tumorboard.numerics import (
    DeformableRegistrationConfig,
    Interpolation,
    RigidRegistrationConfig,
    Similarity,
    Start,
    ValueMatch,
    inverse_consistency,
    moved,
    register_deformable,
    register_rigid,
    resample,
    resample_through,
    structure_mask,
)
from tumorboard.phantoms import RadioligandPatientConfig, simulate_radioligand

PATIENT = simulate_radioligand(RadioligandPatientConfig(true_spacing_mm=2.4), frame_of_reference="1.2")
FIRST, LAST = PATIENT.scans[0].image, PATIENT.scans[-1].image
GRID = FIRST.grid
POINTS = GRID.index_to_patient(np.moveaxis(np.indices(GRID.shape, np.float64), 0, -1))
BODY = FIRST.values > 0.02 * np.percentile(FIRST.values, 99.5)


def say(line):
    """Write a line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def rms(vectors):
    """Return the root mean square length of vectors."""
    return float(np.sqrt(np.mean(np.sum(vectors**2, axis=-1))))


def rigid():
    """Find motions that are known."""
    grid = Grid(GRID.shape, GRID.spacing_mm, GRID.origin_mm, GRID.direction, frame_of_reference="1.3")
    turns = ((2, -3, 5), (-4, 1, 8), (6, 5, -10))
    shifts = ((9, -6, 11), (-15, 12, 6), (20, -18, 14))
    for turn, shift in zip(turns, shifts, strict=True):
        true = RigidTransform.about((0, 0, 355), turn, shift, from_frame="1.2", to_frame="1.3")
        away = resample(moved(LAST, true), grid, method=Interpolation.LINEAR, outside=0.0)
        for similarity in (Similarity.CORRELATION, Similarity.MUTUAL_INFORMATION):
            config = RigidRegistrationConfig(similarity, Start.SAME_COORDINATES, (16.0, 8.0, 4.8))
            since = time.perf_counter()
            found = register_rigid(FIRST, away, config)
            took = time.perf_counter() - since
            back = register_rigid(away, FIRST, config)
            where = POINTS[BODY]
            error = found.transform.apply(where) - true.apply(where)
            there_and_back = inverse_consistency(found.transform, back.transform, where).rms_mm
            say(
                f"rigid {np.linalg.norm(turn):.0f} deg {np.linalg.norm(shift):.0f} mm {similarity.name}: "
                f"rms {rms(error):.2f} max {np.linalg.norm(error, axis=-1).max():.2f} mm, there and back "
                f"{there_and_back:.2f} mm, {took:.0f} s"
            )


def bend(points):
    """Return displacements of up to 9 mm [mm]."""
    away = points - [0, 0, 355]
    shift = np.zeros_like(away)
    for axis, most_mm, centre, width in (
        (0, 7.0, (-60, 0, 0), 50.0),
        (1, -5.0, (60, 0, 30), 60.0),
        (2, 9.0, (0, 0, -20), 60.0),
    ):
        shift[..., axis] = most_mm * np.exp(-np.sum((away - centre) ** 2, axis=-1) / (2 * width**2))
    return shift


def deformable():
    """Find a deformation that is known."""
    true = Deformation(bend(POINTS).astype(np.float32), GRID, "1.2")
    fixed = resample_through(LAST, GRID, true, method=Interpolation.LINEAR, outside=0.0)
    stay = RigidTransform.identity(from_frame="1.2", to_frame="1.2")
    organs = [structure_mask(PATIENT.structures[n], GRID).values for n in PATIENT.structures.names]
    say(f"bent by rms {rms(true.apply(POINTS[BODY]) - POINTS[BODY]):.2f} mm")
    for moving, what in ((LAST, "same scan"), (FIRST, "scan of another day")):
        for smoothing, levels, match in (
            (10.0, (16.0, 8.0, 4.8), ValueMatch.NONE),
            (20.0, (16.0, 8.0, 4.8), ValueMatch.NONE),
            (20.0, (16.0, 8.0), ValueMatch.HISTOGRAM),
        ):
            config = DeformableRegistrationConfig(match, smoothing, levels)
            since = time.perf_counter()
            found = register_deformable(fixed, moving, config, initial=stay)
            took = time.perf_counter() - since
            body = rms(found.transform.apply(POINTS[BODY]) - true.apply(POINTS[BODY]))
            each = [
                np.linalg.norm((found.transform.apply(POINTS[m]) - true.apply(POINTS[m])).mean(axis=0))
                for m in organs
            ]
            say(
                f"{what}, {smoothing:g} mm, {levels}, {match.name}: rms in body {body:.2f} mm, lesion and "
                f"kidneys {', '.join(f'{e:.2f}' for e in each)} mm, Jacobian {found.jacobian_min:.2f} to "
                f"{found.jacobian_max:.2f}, correlation {found.correlation_before:.3f} to "
                f"{found.correlation_after:.3f}, {took:.0f} s"
            )


if __name__ == "__main__":
    rigid()
    deformable()
