"""A brain of named parts made of maps of grey and white matter, and its dynamic PET with known truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tumorboard.core._arrays import read_only
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.grid import Grid, require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.numerics.gaussian_blur import FWHM_PER_SIGMA
from tumorboard.numerics.resample import Interpolation, resample
from tumorboard.phantoms.brain_shapes import CORTEX_LOBES, DEEP_PARTS, BrainTissue, lobe_of
from tumorboard.provenance import Record

__all__ = ["Brain", "BrainScanConfig", "brain_of", "frame_noise", "scan_brain"]

#: From MNI's axes (right, front, up) to the patient's (left, back, up).
_MNI_TO_LPS: Final = np.array([-1.0, -1.0, 1.0])
_WHITE: Final = "white matter"
_SIGMA_PER_FWHM: Final = 1.0 / FWHM_PER_SIGMA


@dataclass(frozen=True, slots=True, eq=False)
class Brain:
    """Parts of a brain on a grid.

    Parameters
    ----------
    labels
        0 outside, k for ``parts[k - 1]``, in MNI space turned to the patient's axes.
    parts
        Names.
    """

    labels: Image
    parts: tuple[str, ...]

    def mask(self, *parts: str) -> NDArray[np.bool_]:
        """Return which voxels belong to any of the parts, shape ``labels.grid.shape``."""
        return np.isin(self.labels.values, [self._number(part) for part in parts])

    def volume_ml(self, *parts: str) -> float:
        """Return the volume of the parts together [mL]."""
        return float(np.count_nonzero(self.mask(*parts)) * self.labels.grid.voxel_volume_ml)

    def truth(self, values: Mapping[str, float], quantity: Quantity) -> Image:
        """Return a map with each part's value, and 0 outside.

        Parameters
        ----------
        values
            For each part, in the unit of ``quantity``.
        quantity
            What they are.

        Returns
        -------
        Image
            float32, on the grid of the labels.
        """
        missing = [part for part in self.parts if part not in values]
        if missing:
            raise InputError(f"values must name every part of the brain; {', '.join(missing)} have none")
        table = np.array([0.0, *(float(values[part]) for part in self.parts)], np.float32)
        record = Record(
            "phantoms.Brain.truth", {p: float(values[p]) for p in self.parts}, (self.labels.provenance,)
        )
        return Image(table[self.labels.values], self.labels.grid, quantity, record)

    def _number(self, part: str) -> int:
        if part not in self.parts:
            raise InputError(f"part must be one of {', '.join(self.parts)}; got {part!r}")
        return self.parts.index(part) + 1


def brain_of(grey: Image, white: Image) -> Brain:
    """Cut grey and white matter of the MNI template into parts by the shapes of :mod:`.brain_shapes`.

    Parameters
    ----------
    grey, white
        Share of grey and of white matter in each voxel, 0 to 1, in MNI space with its origin, turned to the
        patient's axes (left, back, up) as all grids are.

    Returns
    -------
    Brain
        The deep parts, the cortex in four lobes, and the white matter that is none of them.

    Raises
    ------
    GridMismatch
        When the two stand on different grids.
    InputError
        When a map holds no shares, or a part would be empty: the maps are not in MNI space.

    References
    ----------
    .. [1] fonov2009template

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL
    >>> grid = Grid((40, 50, 40), (4.0, 4.0, 4.0), (-78.0, -70.0, -70.0), AXIAL, frame_of_reference="1.2.3")
    >>> z, y, x = np.indices(grid.shape)
    >>> grey, white = ((x + y + z) % 2 == k for k in (0, 1))
    >>> made = Record("example")
    >>> brain = brain_of(*(Image(m.astype(float), grid, Quantity.FRACTION, made) for m in (grey, white)))
    >>> brain.parts[:3]
    ('thalamus', 'caudate', 'putamen')
    """
    require_same_grid(grey.grid, white.grid, what="grey and white")
    for name, image in (("grey", grey), ("white", white)):
        if image.quantity is not Quantity.FRACTION or not (
            (image.values >= 0).all() and (image.values <= 1).all()
        ):
            raise InputError(
                f"{name} must hold shares from 0 to 1 as {Quantity.FRACTION}; got {image.quantity}"
            )
    share = {"grey": np.asarray(grey.values, np.float32), "white": np.asarray(white.values, np.float32)}
    brain = share["grey"] + share["white"] >= 0.5
    mostly_grey = brain & (share["grey"] >= share["white"])
    tissue = {
        BrainTissue.GREY: mostly_grey,
        BrainTissue.WHITE: brain & ~mostly_grey,
        BrainTissue.ANY: brain,
    }
    points = _mni_mm(grey.grid)
    names = (*(part.name for part in DEEP_PARTS), *CORTEX_LOBES, _WHITE)
    labels = np.zeros(grey.grid.shape, np.uint8)
    for number, part in enumerate(DEEP_PARTS, start=1):
        inside = np.logical_or.reduce([shape.holds(points) for shape in part.shapes])
        labels[(labels == 0) & inside & tissue[part.tissue] & (points[..., 2] >= part.above_mm)] = number
    cortex = (labels == 0) & mostly_grey & ~_below_tentorium(points)
    labels[cortex] = (len(DEEP_PARTS) + 1 + lobe_of(points))[cortex]
    labels[(labels == 0) & tissue[BrainTissue.WHITE]] = len(names)
    empty = [name for k, name in enumerate(names, start=1) if not (labels == k).any()]
    if empty:
        raise InputError(
            "grey and white must be maps in MNI space with its origin [mm]; nothing would be "
            f"{', '.join(empty)}"
        )
    record = Record("phantoms.brain_of", {}, (grey.provenance, white.provenance), ("fonov2009template",))
    return Brain(Image(labels, grey.grid, Quantity.LABEL, record), names)


def _mni_mm(grid: Grid) -> NDArray[np.float64]:
    index = np.moveaxis(np.indices(grid.shape), 0, -1)
    points: NDArray[np.float64] = grid.index_to_patient(index) * _MNI_TO_LPS
    return points


def _below_tentorium(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    # What the ellipsoids of the cerebellum leave over beneath the cerebrum is no cortex of a lobe.
    below: NDArray[np.bool_] = (points[..., 1] < -38.0) & (points[..., 2] < -30.0)
    return below


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainScanConfig:
    """How the brain is scanned.

    Parameters
    ----------
    resolution_fwhm_mm
        Of the scanner with its reconstruction: a Gaussian, >= 0; 0 for none [mm].
    half_life_s
        Of the nuclide; curves are decay-corrected, so late frames are the noisier [s].
    noise_last_frame
        Standard deviation of a voxel in the last frame, as part of the brain's mean there, >= 0.
    noise_fwhm_mm
        Over which noise of neighbouring voxels is correlated, >= 0; 0 for white noise [mm].
    seed
        Of the noise; each frame has a stream of its own.

    Examples
    --------
    >>> scan = BrainScanConfig(
    ...     resolution_fwhm_mm=5.0, half_life_s=6586.2, noise_last_frame=0.1, noise_fwhm_mm=0.0, seed=1
    ... )
    >>> scan.seed
    1
    """

    resolution_fwhm_mm: float
    half_life_s: float
    noise_last_frame: float
    noise_fwhm_mm: float
    seed: int

    def __post_init__(self) -> None:
        for name in ("resolution_fwhm_mm", "noise_last_frame", "noise_fwhm_mm"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"{name} must be finite and >= 0; got {value!r}")
        if not (math.isfinite(self.half_life_s) and self.half_life_s > 0):
            raise InputError(f"half_life_s must be > 0 [s]; got {self.half_life_s!r}")


def frame_noise(
    mean_bq_ml: NDArray[np.float64],
    frame_start_s: NDArray[np.float64],
    frame_duration_s: NDArray[np.float64],
    *,
    half_life_s: float,
    last: float,
) -> NDArray[np.float64]:
    r"""Return the standard deviation of a voxel in each frame by the counts in it.

    Counts go as the activity that is there times the frame's length; the values are decay-corrected
    afterwards. With :math:`\bar c` the brain's mean, :math:`D` the mean decay correction of the frame and
    :math:`\Delta` its length, :math:`\sigma^2 \propto \bar c D / \Delta` [1]_.

    Parameters
    ----------
    mean_bq_ml
        Of the brain, decay-corrected to injection, shape ``(n_frames,)`` [Bq/mL].
    frame_start_s, frame_duration_s
        Shape ``(n_frames,)`` [s].
    half_life_s
        [s].
    last
        Standard deviation over the mean in the last frame.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_frames,)`` [Bq/mL].

    References
    ----------
    .. [1] logan2001noise

    Examples
    --------
    >>> frames = np.array([0.0, 60.0]), np.array([60.0, 240.0])
    >>> frame_noise(np.array([5.0, 5.0]), *frames, half_life_s=1e9, last=0.1).round(6).tolist()
    [1.0, 0.5]
    """
    decay = math.log(2.0) / half_life_s
    step = decay * frame_duration_s
    correction = np.exp(decay * frame_start_s) * step / -np.expm1(-step)
    variance = np.maximum(mean_bq_ml, 0.0) * correction / frame_duration_s
    if not variance[-1] > 0:
        raise InputError("mean_bq_ml must be > 0 in the last frame [Bq/mL]; noise is stated relative to it")
    noise: NDArray[np.float64] = last * mean_bq_ml[-1] * np.sqrt(variance / variance[-1])
    return noise


def scan_brain(brain: Brain, curves: TissueCurves, grid: Grid, config: BrainScanConfig) -> DynamicImage:
    """Scan a brain whose parts follow given curves.

    The parts are blurred once, brought to the scan's voxels by exact overlap, and weigh their curves: with no
    noise the scan is linear in the curves to rounding. Noise is Gaussian, alike in every voxel of a frame.

    Parameters
    ----------
    brain
        Its parts.
    curves
        One for each part, in any order: exact averages over the frames [Bq/mL].
    grid
        Of the scan.
    config
        How it is scanned.

    Returns
    -------
    DynamicImage
        float32 concentrations, decay-corrected to injection [Bq/mL].

    Raises
    ------
    InputError
        When a part has no curve.

    References
    ----------
    .. [1] logan2001noise
    """
    fractions = _blurred_parts(brain, grid, config.resolution_fwhm_mm)
    table = np.stack([curves.of(part) for part in brain.parts])
    values = np.tensordot(table.T.astype(np.float32), fractions, axes=1)
    inside = fractions.sum(axis=0) >= 0.5
    mean = values[:, inside].mean(axis=1, dtype=np.float64)
    if config.noise_last_frame > 0:
        noise = frame_noise(
            mean,
            curves.frame_start_s,
            curves.frame_duration_s,
            half_life_s=config.half_life_s,
            last=config.noise_last_frame,
        )
        for k, frame in enumerate(values):
            frame += np.float32(noise[k]) * _unit_noise(grid, config.noise_fwhm_mm, (config.seed, k))
    record = Record(
        "phantoms.scan_brain",
        asdict(config),
        (brain.labels.provenance, curves.provenance),
        ("logan2001noise",),
    )
    return DynamicImage(
        read_only(values),
        grid,
        Quantity.ACTIVITY_CONCENTRATION,
        curves.frame_start_s,
        curves.frame_duration_s,
        "injection",
        record,
    )


def _blurred_parts(brain: Brain, grid: Grid, fwhm_mm: float) -> NDArray[np.float32]:
    sigma = fwhm_mm * _SIGMA_PER_FWHM / brain.labels.grid.spacing_mm
    parts = np.empty((len(brain.parts), *grid.shape), np.float32)
    for number, part in enumerate(brain.parts):
        share = brain.mask(part).astype(np.float32)
        # Beyond the grid's edge there is nothing.
        blurred = ndimage.gaussian_filter(share, sigma, mode="constant") if fwhm_mm > 0 else share
        image = Image(blurred, brain.labels.grid, Quantity.FRACTION, brain.labels.provenance)
        parts[number] = resample(image, grid, method=Interpolation.CONSERVATIVE, outside=0.0).values
    return parts


def _unit_noise(grid: Grid, fwhm_mm: float, seed: tuple[int, int]) -> NDArray[np.float32]:
    white = np.random.default_rng(seed).standard_normal(grid.shape, dtype=np.float32)
    if fwhm_mm == 0:
        return white
    sigma = fwhm_mm * _SIGMA_PER_FWHM / grid.spacing_mm
    smooth: NDArray[np.float32] = ndimage.gaussian_filter(white, sigma, mode="wrap")
    # Of variance 1 again by the filter's own weights, not by the sample's spread.
    return smooth / np.float32(math.sqrt(math.prod(_sum_of_squares(s) for s in sigma)))


def _sum_of_squares(sigma: float) -> float:
    reach = int(4.0 * sigma + 0.5)
    impulse = np.zeros(2 * reach + 1)
    impulse[reach] = 1.0
    weights = ndimage.gaussian_filter1d(impulse, sigma, mode="constant")
    return float((weights**2).sum())
