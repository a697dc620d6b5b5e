"""Find known motion of a brain phantom whose contrast changes, and write the errors.

Usage: ``python validation/kinetics/motion.py SPACING_MM SMOOTHING_MM LEVELS_MM STILL``, e.g. ``3 0 8,3 0``;
with STILL 1 nothing moves.

The phantom is cut from the MNI template (nilearn), moved with its grid, so that no image of it is resampled,
blurred by 6 mm, and brought to the scan's voxels by overlap; noise by the counts, blurred likewise.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "shared"))

import numpy as np
from moving_head import CENTRE_MM, HALF_LIFE_S, START_S, grid_of, motion, scan

from tumorboard.numerics import RigidRegistrationConfig, Similarity, Start
from tumorboard.pet import MotionConfig, OneFrameReference, correct_motion
from tumorboard.pet.motion_quality import sphere_displacements_mm

STILL = motion((0, 0, 0), (0, 0, 0))
MOVED = [STILL] * 8
MOVED[2] = MOVED[3] = motion((1, 1, -1), (1, 2, -1))
MOVED[4], MOVED[5] = motion((2, -1, 1.5), (1.5, -2, 3)), motion((-3, 2, 4), (4, 3, -2))
MOVED[7] = motion((5, 1, -3), (-2, 6, 4))


def main(spacing_mm, smoothing_mm, levels_mm, still):
    """Print a row for each frame."""
    true = [STILL] * 8 if still else MOVED
    dynamic = scan(grid_of(spacing_mm), true, noise_last_frame=0.1)
    config = MotionConfig(
        RigidRegistrationConfig(Similarity.MUTUAL_INFORMATION, Start.SAME_COORDINATES, levels_mm),
        OneFrameReference(6),
        smoothing_fwhm_mm=smoothing_mm,
        least_count_share=0.02,
        register_from_s=0.0,
        half_life_s=HALF_LIFE_S,
        unresampled_below_mm=0.3,
        radius_mm=80.0,
        measure_residual=True,
    )
    begun = time.perf_counter()
    found = correct_motion(dynamic, config)
    seconds = time.perf_counter() - begun
    write = sys.stdout.write
    write(f"{dynamic.grid.shape} voxels of {spacing_mm:g} mm, {seconds:.1f} s\n")
    write(
        "start [s] | counts | moved by [mm] | off: centre [mm], angle [deg], most within 80 mm [mm] | left\n"
    )
    for k, one in enumerate(found.frames):
        off = one.transform.then(true[k].inverse())
        centre = np.linalg.norm(off.apply(CENTRE_MM) - CENTRE_MM)
        moved, most = (sphere_displacements_mm(t, CENTRE_MM, 80.0).max() for t in (true[k], off))
        write(f"{START_S[k]:.0f} | {one.count_share:.3f} | {moved:.1f} | {centre:.2f} {off.angle_deg:.2f} ")
        write(f"{most:.2f} | {one.residual_mm:.2f} | {one.source.value} | ")
        write(f"{one.similarity_before:.3f} {one.similarity_after:.3f} | {one.resampled}\n")


if __name__ == "__main__":
    main(
        float(sys.argv[1]),
        float(sys.argv[2]),
        tuple(float(v) for v in sys.argv[3].split(",")),
        sys.argv[4] == "1",
    )
