"""Find known motion of a brain phantom whose contrast changes, and write the errors.

Usage: ``python validation/kinetics/motion.py``. The phantom is cut from the MNI template (nilearn), blurred
by 6 mm, and moved with its grid, so that no image of it is interpolated before it is brought to the scan's
voxels of 3 mm by overlap; noise by the counts of each frame, correlated over 6 mm.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "shared"))

import numpy as np
from moving_head import CENTRE_MM, HALF_LIFE_S, grid_of, motion, scan

from tumorboard.numerics import RigidRegistrationConfig, Similarity, Start
from tumorboard.pet import Feature, MotionConfig, OneFrameReference, correct_motion

FRAMES = (2, 4, 6)
STILL = motion((0, 0, 0), (0, 0, 0))
MOVED = {2: motion((1, 1, -1), (1, 2, -1)), 4: motion((2, -1, 1.5), (1.5, -2, 3)), 6: STILL}


def off(transform, true):
    """Error of a transform at the centre [mm], and of its angle [deg]."""
    left = transform.then(true.inverse())
    return f"{np.linalg.norm(left.apply(CENTRE_MM) - CENTRE_MM):.2f} mm {left.angle_deg:.2f} deg"


def main():
    """Print a row for each noise, motion and feature."""
    levels = RigidRegistrationConfig(Similarity.MUTUAL_INFORMATION, Start.SAME_COORDINATES, (8.0, 3.0))
    for noise in (0.0, 0.02, 0.05, 0.1):
        for name, true in (("moved", MOVED), ("still", dict.fromkeys(FRAMES, STILL))):
            dynamic = scan(grid_of(3.0), true, noise_last_frame=noise, frames=FRAMES)
            for feature, smoothing_mm in ((Feature.EDGES, 5.0), (Feature.VALUES, 0.0), (Feature.VALUES, 6.0)):
                config = MotionConfig(
                    levels,
                    OneFrameReference(2),
                    feature=feature,
                    smoothing_fwhm_mm=smoothing_mm,
                    least_count_share=0.0,
                    register_from_s=0.0,
                    half_life_s=HALF_LIFE_S,
                    unresampled_below_mm=0.5,
                    radius_mm=80.0,
                    measure_residual=False,
                )
                found = correct_motion(dynamic, config).frames
                each = [off(one.transform, true[k]) for k, one in zip(FRAMES[:2], found[:2], strict=True)]
                sys.stdout.write(
                    f"{noise} | {name} | {feature.value} {smoothing_mm:g} mm | {' | '.join(each)}\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    main()
