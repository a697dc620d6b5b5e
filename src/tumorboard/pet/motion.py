"""Frames of a dynamic scan, brought to where the head was in one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tumorboard.core._arrays import read_only
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.image import Image, Quantity
from tumorboard.core.transform import RigidTransform
from tumorboard.errors import InputError
from tumorboard.numerics.gaussian_blur import gaussian_blur
from tumorboard.numerics.registration import register_rigid
from tumorboard.numerics.registration_quality import correlation
from tumorboard.numerics.resample import Interpolation
from tumorboard.numerics.transformed import resample_through
from tumorboard.pet.motion_config import Feature, MotionConfig
from tumorboard.pet.motion_quality import mutual_information, rotation_vector_deg, sphere_displacements_mm
from tumorboard.provenance import Record

__all__ = ["FrameMotion", "MotionCorrection", "TransformSource", "correct_motion", "frame_count_shares"]

Tell = Callable[[str, int, int], None]

#: Of each image, to compare frames with the reference.
_BINS: Final = 64


class TransformSource(Enum):
    """Where the transform of a frame is from."""

    REFERENCE = "reference"
    REGISTERED = "registered"
    NEIGHBOUR = "neighbour"


@dataclass(frozen=True, slots=True, eq=False)
class FrameMotion:
    """How a frame lies against the reference, and what was done about it.

    Parameters
    ----------
    source
        Where the transform is from.
    neighbour
        Index of the frame whose transform it is, where it is a neighbour's; else ``None``.
    count_share
        Counts as part of the richest frame's.
    transform
        From places in the reference to the same places of the head in this frame.
    translation_mm
        Of the centre of the sphere, along x, y, z, shape ``(3,)`` [mm].
    rotation_deg
        Vector along the axis, as long as the angle, about x, y, z, shape ``(3,)`` [deg].
    rms_displacement_mm, max_displacement_mm
        Of points of the sphere [mm].
    resampled
        Whether the frame was moved; else it was passed on as it is.
    uncovered
        Part of the voxels that the frame does not reach after it was moved: they are 0.
    similarity_before, similarity_after
        Mutual information with the reference, of what is registered, smoothed values or edges; NaN for the
        reference itself [nat].
    correlation_before, correlation_after
        Pearson's, likewise. Where contrast has changed it says little.
    residual_mm
        Root mean square displacement of the sphere's points by another registration of the corrected frame;
        NaN where none was made. What draws one registration off draws off the other: it is no error [mm].
    """

    source: TransformSource
    neighbour: int | None
    count_share: float
    transform: RigidTransform
    translation_mm: NDArray[np.float64]
    rotation_deg: NDArray[np.float64]
    rms_displacement_mm: float
    max_displacement_mm: float
    resampled: bool
    uncovered: float
    similarity_before: float
    similarity_after: float
    correlation_before: float
    correlation_after: float
    residual_mm: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "translation_mm", read_only(self.translation_mm, np.float64))
        object.__setattr__(self, "rotation_deg", read_only(self.rotation_deg, np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class MotionCorrection:
    """A dynamic image whose frames lie alike.

    Parameters
    ----------
    image
        Corrected, float32.
    frames
        One for each frame.
    centre_mm
        Of the sphere that displacements are stated for, shape ``(3,)`` [mm].
    config
        The choices.
    """

    image: DynamicImage
    frames: tuple[FrameMotion, ...]
    centre_mm: NDArray[np.float64]
    config: MotionConfig

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre_mm", read_only(self.centre_mm, np.float64))


def frame_count_shares(dynamic: DynamicImage, half_life_s: float | None) -> NDArray[np.float64]:
    """Return the counts behind each frame, as part of the richest frame's.

    Counts go with the sum of the concentrations, the duration and what decay has left at the frame's middle;
    randoms, scatter and dead time are not in it.

    Parameters
    ----------
    dynamic
        Of concentrations, or what goes with them.
    half_life_s
        Of the nuclide, when values are decay-corrected; ``None`` when they are not [s].

    Returns
    -------
    numpy.ndarray
        Shape ``(n_frames,)``, 0 to 1.

    Raises
    ------
    InputError
        When no frame has a sum above 0.

    Examples
    --------
    >>> from tumorboard.core import AXIAL, Grid, Quantity
    >>> grid = Grid((1, 1, 2), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> quantity, values = Quantity.ACTIVITY_CONCENTRATION, np.ones((2, *grid.shape))
    >>> scan = DynamicImage(values, grid, quantity, [0.0, 60.0], [60.0, 120.0], "injection", Record("x"))
    >>> frame_count_shares(scan, None).tolist()
    [0.5, 1.0]
    """
    counts = np.array([float(one.sum(dtype=np.float64)) for one in dynamic.values]) * dynamic.frame_duration_s
    if half_life_s is not None:
        counts = counts * 2.0 ** (-(dynamic.frame_start_s + 0.5 * dynamic.frame_duration_s) / half_life_s)
    if not np.isfinite(counts).all():
        k = int(np.flatnonzero(~np.isfinite(counts))[0])
        raise InputError(f"frames must be finite; frame {k + 1} has NaN or infinity; fill them first")
    counts = np.maximum(counts, 0.0)
    if not counts.max() > 0:
        raise InputError("frames must hold activity; the sum of none is above 0")
    return np.asarray(counts / counts.max())


def correct_motion(
    dynamic: DynamicImage,
    config: MotionConfig,
    *,
    mask: Image | None = None,
    threads: int | None = None,
    progress: Tell | None = None,
) -> MotionCorrection:
    """Return a dynamic image whose frames lie as the reference does: each is resampled once, or not at all.

    Motion within a frame stays, and so does what attenuation and scatter correction made of a head that was
    not where the CT had it: frames should be reconstructed anew where that matters.

    Parameters
    ----------
    dynamic
        Finite values that are no amounts per voxel.
    config
        The choices.
    mask
        LABEL or FRACTION: registrations look only at where it is half or more of the reference.
    threads
        Number of threads of the resampling; as many as numba would use when not given. The result does not
        depend on it.
    progress
        Told frame and frames, at each step of a registration. What it raises ends the correction.

    Returns
    -------
    MotionCorrection

    Raises
    ------
    InputError
        When the reference is not among the frames, or a frame cannot be registered.

    References
    ----------
    .. [1] mattes2003pet

    Examples
    --------
    >>> from tumorboard.core import AXIAL, Grid, Quantity
    >>> from tumorboard.numerics import RigidRegistrationConfig, Similarity, Start
    >>> from tumorboard.pet.motion_config import Feature, OneFrameReference
    >>> grid = Grid((12, 12, 12), (4.0,) * 3, (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> z, y, x = np.indices(grid.shape)
    >>> blob = [np.exp(-((z - 5) ** 2 / 2 + (y - 6) ** 2 + (x - 5 - dx) ** 2 / 4) / 4) for dx in (0, 1)]
    >>> quantity, values = Quantity.ACTIVITY_CONCENTRATION, np.array(blob)
    >>> scan = DynamicImage(values, grid, quantity, [0.0, 60.0], [60.0, 60.0], "injection", Record("x"))
    >>> config = MotionConfig(
    ...     RigidRegistrationConfig(Similarity.CORRELATION, Start.SAME_COORDINATES, (4.0,)),
    ...     OneFrameReference(0),
    ...     feature=Feature.VALUES,
    ...     smoothing_fwhm_mm=0.0,
    ...     least_count_share=0.1,
    ...     register_from_s=0.0,
    ...     half_life_s=None,
    ...     unresampled_below_mm=0.3,
    ...     radius_mm=20.0,
    ...     measure_residual=False,
    ... )
    >>> np.abs(correct_motion(scan, config).frames[1].translation_mm).round(1).tolist()
    [4.0, 0.0, 0.0]
    """
    if dynamic.quantity.is_extensive:
        raise InputError(
            f"dynamic must hold no amounts per voxel; got {dynamic.quantity.value}; "
            "divide by the voxel's volume"
        )
    n = dynamic.n_frames
    if not all(0 <= k < n for k in config.reference.frames):
        raise InputError(
            f"reference must be among frames 0 to {n - 1}; got {config.reference.frames[0]} to "
            f"{config.reference.frames[-1]}"
        )
    work = _Work(dynamic, config, mask, threads, progress)
    out = np.empty(dynamic.values.shape, np.float32)
    frames: list[FrameMotion] = []
    for k in range(n):
        found, values = work.corrected(k)
        out[k] = values
        frames.append(found)
    out.setflags(write=False)
    record = Record(
        "pet.correct_motion",
        {**config.to_dict(), "transforms": [one.transform.to_dict() for one in frames]},
        (dynamic.provenance, *(() if mask is None else (mask.provenance,))),
        ("mattes2003pet",),
    )
    return MotionCorrection(
        replace(dynamic, values=out, provenance=record), tuple(frames), work.centre_mm, config
    )


class _Work:
    """A scan with its reference, and the transforms that were found so far."""

    def __init__(
        self,
        dynamic: DynamicImage,
        config: MotionConfig,
        mask: Image | None,
        threads: int | None,
        progress: Tell | None,
    ) -> None:
        self.dynamic, self.config, self.mask = dynamic, config, mask
        self.threads, self.progress = threads, progress
        self.shares = frame_count_shares(dynamic, config.half_life_s)
        chosen = list(config.reference.frames)
        weights = dynamic.frame_duration_s[chosen] / dynamic.frame_duration_s[chosen].sum()
        mean = np.zeros(dynamic.grid.shape, np.float32)
        for k, weight in zip(chosen, weights, strict=True):
            mean += np.float32(weight) * dynamic.values[k]
        self.reference = self._seen(replace(dynamic.frame(chosen[0]), values=mean))
        positive = np.maximum(mean, 0.0)
        self.centre_mm = dynamic.grid.index_to_patient(ndimage.center_of_mass(positive))
        self.still = RigidTransform.identity(
            from_frame=dynamic.grid.frame_of_reference, to_frame=dynamic.grid.frame_of_reference
        )
        self.alone = chosen[0] if len(chosen) == 1 else None
        fit = self.shares >= config.least_count_share
        fit &= dynamic.frame_start_s >= config.register_from_s
        self.known = [k for k in range(dynamic.n_frames) if fit[k] or k == self.alone]
        if not self.known:
            raise InputError(
                "at least one frame must be registered; none begins at register_from_s "
                f"{config.register_from_s:g} s or later with {config.least_count_share:g} of the counts"
            )
        self.transforms: dict[int, RigidTransform] = {}

    def corrected(self, k: int) -> tuple[FrameMotion, NDArray[np.float32]]:
        """Return what is known of a frame, and its values where the reference lies."""
        self._tell(k)
        image, neighbour = self.dynamic.frame(k), None
        source = TransformSource.REFERENCE if k == self.alone else TransformSource.REGISTERED
        if k not in self.known:
            neighbour, source = self._neighbour(k), TransformSource.NEIGHBOUR
        transform = self._transform(k if neighbour is None else neighbour, k)
        moves = sphere_displacements_mm(transform, self.centre_mm, self.config.radius_mm)
        resampled = bool(moves.max() > self.config.unresampled_below_mm)
        values, uncovered = np.asarray(image.values, np.float32), 0.0
        if resampled:
            values = self._through(image, transform)
            beyond = np.isnan(values)
            uncovered = float(beyond.mean())
            values = np.where(beyond, np.float32(0.0), values)
        likeness = (float("nan"),) * 4
        if k != self.alone:
            likeness = self._likeness(image, transform if resampled else self.still)
        residual = float("nan")
        if self.config.measure_residual and source is TransformSource.REGISTERED:
            again = self._register(replace(image, values=values), k)
            moved = sphere_displacements_mm(again, self.centre_mm, self.config.radius_mm)
            residual = float(np.sqrt(np.mean(moved**2)))
        found = FrameMotion(
            source,
            neighbour,
            float(self.shares[k]),
            transform,
            transform.apply(self.centre_mm) - self.centre_mm,
            rotation_vector_deg(transform),
            float(np.sqrt(np.mean(moves**2))),
            float(moves.max()),
            resampled,
            uncovered,
            *likeness,
            residual,
        )
        return found, values

    def _transform(self, k: int, told: int) -> RigidTransform:
        if k == self.alone:
            return self.still
        if k not in self.transforms:
            self.transforms[k] = self._register(self.dynamic.frame(k), told)
        return self.transforms[k]

    def _register(self, image: Image, k: int) -> RigidTransform:
        return register_rigid(
            self.reference,
            self._seen(image),
            self.config.registration,
            initial=None,
            fixed_mask=self.mask,
            progress=lambda *_: self._tell(k),
        ).transform

    def _neighbour(self, k: int) -> int:
        """Return the frame nearest in time that has a transform of its own; of two as near the later one."""
        mid_s = self.dynamic.frame_start_s + 0.5 * self.dynamic.frame_duration_s
        return min(self.known, key=lambda one: (abs(mid_s[one] - mid_s[k]), -one))

    def _likeness(self, image: Image, transform: RigidTransform) -> tuple[float, float, float, float]:
        """Return mutual information and correlation with the reference, each before and after."""
        soft = self._seen(image)
        before = after = self._alike(np.asarray(soft.values, np.float32))
        if transform is not self.still:
            after = self._alike(self._through(soft, transform))
        return before[0], after[0], before[1], after[1]

    def _alike(self, values: NDArray[np.float32]) -> tuple[float, float]:
        reference = self.reference.values
        return mutual_information(reference, values, bins=_BINS), _correlation(reference, values)

    def _through(self, image: Image, transform: RigidTransform) -> NDArray[np.float32]:
        """Return the values at the reference's places; NaN where the frame does not reach."""
        found = resample_through(
            image,
            self.dynamic.grid,
            transform,
            method=Interpolation.LINEAR,
            outside=float("nan"),
            threads=self.threads,
        )
        return np.asarray(found.values, np.float32)

    def _seen(self, image: Image) -> Image:
        """Return what registrations look at."""
        soft = gaussian_blur(image, (self.config.smoothing_fwhm_mm,) * 3, threads=self.threads)
        if self.config.feature is Feature.VALUES:
            return soft
        length = np.zeros(soft.values.shape, np.float32)
        for axis, step in enumerate(self.dynamic.grid.spacing_mm.tolist()):
            length += np.square(np.gradient(soft.values, step, axis=axis))
        return Image(np.sqrt(length), soft.grid, Quantity.UNCALIBRATED, soft.provenance)

    def _tell(self, k: int) -> None:
        if self.progress is not None:
            self.progress("frames", k, self.dynamic.n_frames)


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the correlation where both are known."""
    both = np.isfinite(first) & np.isfinite(second)
    return correlation(first[both].astype(np.float64), second[both].astype(np.float64))
