"""Find known motion of a brain phantom whose contrast changes, and write the errors.

Usage: ``python validation/kinetics/motion.py``. The phantom is cut from the MNI template (nilearn), blurred
by 6 mm, and moved with its grid, so that no image of it is interpolated before it is brought to the scan's
voxels of 3 mm by overlap; noise by the counts of each frame, correlated over 6 mm. Then errors over twelve
noises, and the least that any unbiased estimate could have were the contrast of each frame known.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "shared"))

import numpy as np
from moving_head import CENTRE_MM, DURATION_S, HALF_LIFE_S, START_S, curves, grid_of, motion, scan
from scipy.spatial.transform import Rotation

from tumorboard.numerics import RigidRegistrationConfig, Similarity, Start
from tumorboard.pet import Feature, MotionConfig, OneFrameReference, correct_motion
from tumorboard.phantoms.brain import frame_noise

FRAMES = (2, 4, 6)
STILL = motion((0, 0, 0), (0, 0, 0))
MOVED = {2: motion((1, 1, -1), (1, 2, -1)), 4: motion((2, -1, 1.5), (1.5, -2, 3)), 6: STILL}


def off(transform, true):
    """Error of a transform at the centre [mm], and of its angle [deg]."""
    left = transform.then(true.inverse())
    return f"{np.linalg.norm(left.apply(CENTRE_MM) - CENTRE_MM):.2f} mm {left.angle_deg:.2f} deg"


def settings(feature, smoothing_mm):
    """Choices of the correction."""
    return MotionConfig(
        RigidRegistrationConfig(Similarity.MUTUAL_INFORMATION, Start.SAME_COORDINATES, (8.0, 3.0)),
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


def table():
    """Print a row for each noise, motion and feature."""
    for noise in (0.0, 0.02, 0.05, 0.1):
        for name, true in (("moved", MOVED), ("still", dict.fromkeys(FRAMES, STILL))):
            dynamic = scan(grid_of(3.0), true, noise_last_frame=noise, frames=FRAMES)
            for feature, smoothing_mm in ((Feature.EDGES, 5.0), (Feature.VALUES, 0.0), (Feature.VALUES, 6.0)):
                found = correct_motion(dynamic, settings(feature, smoothing_mm)).frames
                each = [off(one.transform, true[k]) for k, one in zip(FRAMES[:2], found[:2], strict=True)]
                sys.stdout.write(
                    f"{noise} | {name} | {feature.value} {smoothing_mm:g} mm | {' | '.join(each)}\n"
                )
                sys.stdout.flush()


def scatter(noise):
    """Print root mean square and mean of the errors with edges, over twelve noises."""
    errors = []
    for seed in range(12):
        dynamic = scan(grid_of(3.0), MOVED, noise_last_frame=noise, frames=FRAMES, seed=seed)
        for k, one in zip(
            FRAMES[:2], correct_motion(dynamic, settings(Feature.EDGES, 5.0)).frames, strict=False
        ):
            left = one.transform.then(MOVED[k].inverse())
            turn = Rotation.from_matrix(left.rotation).as_rotvec(degrees=True)
            errors.append([left.apply(CENTRE_MM) - CENTRE_MM, turn])
    by_frame = np.array(errors).reshape(12, 2, 2, 3)
    rms = np.linalg.norm(np.sqrt(np.mean(by_frame**2, axis=0)), axis=-1)
    mean = np.linalg.norm(by_frame.mean(axis=0), axis=-1)
    sys.stdout.write(f"{noise} | rms (mm, deg) of each frame {rms.round(2)} | mean {mean.round(2)}\n")


def bound(noise):
    """Print the Cramer-Rao bound: contrast known, noise of frame and reference, in its own spectrum."""
    grid = grid_of(3.0)
    clean = scan(grid, dict.fromkeys(FRAMES, STILL), noise_last_frame=0.0, frames=FRAMES).values.astype(float)
    arms = grid.index_to_patient(np.moveaxis(np.indices(grid.shape, float), 0, -1)) - CENTRE_MM
    waves = np.meshgrid(*(np.fft.fftfreq(n, 3.0) for n in grid.shape), indexing="ij")
    power = np.exp(-4.0 * np.pi**2 * sum(w**2 for w in waves) * (6.0 / np.sqrt(8.0 * np.log(2.0))) ** 2)
    power = (power / power.mean()).reshape(-1, 1)
    mean = curves().concentration_bq_ml.mean(axis=0)
    each = frame_noise(mean, START_S, DURATION_S, half_life_s=HALF_LIFE_S, last=noise)[list(FRAMES)]
    away = [one - one.mean() for one in clean]
    for k in (0, 1):
        slope = np.stack(np.gradient(clean[k], 3.0), axis=-1) @ np.linalg.inv(grid.direction)
        effects = np.concatenate([np.cross(arms, slope), slope], axis=-1)
        seen = np.fft.fftn(effects, axes=(0, 1, 2)).reshape(-1, 6) / np.sqrt(power.size)
        gain = float((away[k] * away[2]).sum() / (away[2] ** 2).sum())
        variance = each[k] ** 2 + (gain * each[2]) ** 2
        # A thousandth of white noise, since the phantom's own spectrum falls as the noise's does.
        best = np.linalg.inv((seen.conj() / (variance * (power + 1e-3))).T @ seen).real
        inner = np.linalg.inv((seen.conj().T @ seen).real)
        plain = inner @ (seen.conj() * variance * power).T.dot(seen).real @ inner
        for name, covariance in (("bound", best), ("least squares", plain)):
            turn, shift = (np.sqrt(np.trace(one)) for one in (covariance[:3, :3], covariance[3:, 3:]))
            sys.stdout.write(
                f"{noise} | frame {FRAMES[k]} | {name} {shift:.3f} mm {np.degrees(turn):.3f} deg\n"
            )


if __name__ == "__main__":
    table()
    for level in (0.05, 0.1):
        scatter(level)
        bound(level)
