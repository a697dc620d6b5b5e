"""A dynamic scan of a brain phantom that moves between frames while its contrast changes."""

from functools import cache

import numpy as np
from mni_template import mni_maps

from tumorboard.core import AXIAL, DynamicImage, Grid, Image, Quantity, RigidTransform, TissueCurves
from tumorboard.numerics import Interpolation, gaussian_blur, moved, resample
from tumorboard.phantoms.brain import brain_of, frame_noise
from tumorboard.provenance import Record

FRAME = "1.2.3"
CENTRE_MM = np.array([0.0, 18.0, 10.0])
#: Early (flow) and late (binding) level of each tissue [Bq/mL].
LEVELS = {"thalamus": (14e3, 12e3), "white matter": (4e3, 3e3), "cerebellum": (14e3, 2e3)}
OTHER_GREY = (14e3, 4e3)
HALF_LIFE_S = 6586.2
START_S = np.array([0.0, 20.0, 60.0, 180.0, 600.0, 1200.0, 2400.0, 3600.0])
DURATION_S = np.array([20.0, 40.0, 120.0, 420.0, 600.0, 1200.0, 1200.0, 1800.0])


@cache
def brain():
    """Parts of the MNI template."""
    return brain_of(*mni_maps()[:2])


def grid_of(spacing_mm):
    """Voxels over the brain and 20 mm around."""
    low = np.array([-92.0, -92.0, -84.0])
    shape = tuple(int(n) for n in np.floor(np.array([190.0, 220.0, 184.0]) / spacing_mm))
    return Grid(shape, (spacing_mm,) * 3, low, AXIAL, frame_of_reference=FRAME)


def motion(rotation_deg, shift_mm):
    """A transform about the centre of the head."""
    return RigidTransform.about(CENTRE_MM, rotation_deg, shift_mm, from_frame=FRAME, to_frame=FRAME)


def curves(start_s=START_S, duration_s=DURATION_S):
    """Levels that go from flow to binding, at the middle of each frame."""
    minutes = (start_s + 0.5 * duration_s) / 60.0
    early, late = np.exp(-minutes / 8.0) * (1.0 - np.exp(-minutes)), 1.0 - np.exp(-minutes / 15.0)
    parts = brain().parts
    levels = [LEVELS.get(part, OTHER_GREY) for part in parts]
    values = np.array([a * early + b * late for a, b in levels])
    return TissueCurves(parts, start_s, duration_s, values, None, Record("test.moving_head"))


def scan(grid, transforms, *, noise_last_frame, frames=range(8), seed=11, fwhm_mm=6.0):
    """The brain moved by one transform for each frame; noise by the counts of each."""
    all_curves, labels = curves(), brain().labels
    mean = all_curves.concentration_bq_ml.mean(axis=0)
    noise = frame_noise(mean, START_S, DURATION_S, half_life_s=HALF_LIFE_S, last=noise_last_frame)
    chosen, made = list(frames), []
    for k in chosen:
        levels = np.append(0.0, all_curves.concentration_bq_ml[:, k]).astype(np.float32)
        still = Image(levels[labels.values], labels.grid, Quantity.ACTIVITY_CONCENTRATION, labels.provenance)
        # Blur is the same in all directions, so that it may come before the motion.
        there = moved(gaussian_blur(still, (fwhm_mm,) * 3), transforms[k])
        seen = resample(there, grid, method=Interpolation.CONSERVATIVE, outside=0.0).values
        white = np.random.default_rng([seed, k]).standard_normal(grid.shape)
        grain = gaussian_blur(
            Image(white, grid, Quantity.UNCALIBRATED, labels.provenance), (fwhm_mm,) * 3
        ).values
        made.append((seen + noise[k] * grain / grain.std()).astype(np.float32))
    return DynamicImage(
        np.array(made),
        grid,
        Quantity.ACTIVITY_CONCENTRATION,
        START_S[chosen],
        DURATION_S[chosen],
        "injection",
        Record("test.moving_head"),
    )
