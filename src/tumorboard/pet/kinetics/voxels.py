"""Kinetic models in every voxel of a dynamic scan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.grid import require_same_grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.model_record import choices_of
from tumorboard.pet.kinetics.voxels_chunks import Progress, run_chunks
from tumorboard.pet.kinetics.voxels_linear import MultilinearPlan
from tumorboard.pet.kinetics.voxels_maps import ParametricMaps, VoxelFlag, quantity_of
from tumorboard.pet.kinetics.voxels_models import VoxelModel, plan_of, references_of
from tumorboard.pet.kinetics.voxels_plan import VoxelNumbers, VoxelPlan, derived_maps
from tumorboard.pet.kinetics.voxels_spatial import SpatialConstraint, pull
from tumorboard.provenance import Record

__all__ = ["Outside", "VoxelConfig", "fit_voxels"]

#: What DynamicImage.time_zero must say.
_INJECTION: Final = "injection"


class Outside(Enum):
    """What maps hold outside the mask."""

    NAN = "NaN"
    ZERO = "0"


@dataclass(frozen=True, slots=True, eq=False)
class VoxelConfig:
    """What to make of a model in voxels.

    Parameters
    ----------
    parameters
        Names of those to map; each map takes 4 bytes a voxel, and as much for its errors. ``None``: all.
    standard_errors
        Whether to map them.
    outside
        What maps hold outside the mask; voxels without a result inside it are NaN always.
    spatial
        A constraint by neighbours, for MA1, MA2, MRTM1 and MRTM2; ``None``: each voxel for itself.
    frame_weights
        For models of :attr:`.Weighting.GIVEN`, shape ``(n_frames,)``; otherwise ``None``.
    """

    parameters: tuple[str, ...] | None
    standard_errors: bool
    outside: Outside
    spatial: SpatialConstraint | None
    frame_weights: NDArray[np.float64] | None = None


def fit_voxels(
    model: VoxelModel,
    dynamic: DynamicImage,
    drive: InputFunction | TissueCurves,
    mask: Image | None,
    config: VoxelConfig,
    *,
    progress: Progress | None = None,
    threads: int | None = None,
) -> ParametricMaps:
    """Fit a model to every voxel's curve.

    A voxel's numbers are those that the model finds in a region with the same curve: closed forms to
    rounding; searches to the tolerance that ``docs/explanation/kinetics-voxels.md`` states. They depend on
    neither threads nor neighbours, unless a spatial constraint asks for these.

    Parameters
    ----------
    model
        The configuration that fits regions too.
    dynamic
        ACTIVITY_CONCENTRATION from injection on, decay-corrected to it; read in place, so that a memory map
        stays on disk [Bq/mL].
    drive
        Blood, or the curve of one reference region on the same frames.
    mask
        Boolean LABEL image of the voxels to fit; ``None``: all.
    config
        What to map.
    progress
        Told now and then how many voxels are done and how many there are; what it raises ends the run.
    threads
        As many as numba would use when not given.

    Returns
    -------
    ParametricMaps
        Beyond these, some ten MB of memory are used for each thread, and with a spatial constraint
        4 (3 p + 1) bytes for each voxel fitted with p coefficients, and 8 for each voxel there is.

    Raises
    ------
    InputError
        When image, drive and model do not go together, or a parameter is not the model's.
    GridMismatch
        When the mask is on another grid.

    Examples
    --------
    >>> from tumorboard.core.grid import AXIAL, Grid
    >>> from tumorboard.pet.kinetics.suvr import SUVR
    >>> grid = Grid((1, 1, 2), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="1.2.3")
    >>> scan = DynamicImage(
    ...     np.array([2.0, 4.0, 3.0, 6.0], np.float32).reshape(2, 1, 1, 2), grid,
    ...     Quantity.ACTIVITY_CONCENTRATION, [0.0, 60.0], [60.0, 60.0], "injection", Record("example"),
    ... )
    >>> cerebellum = TissueCurves(
    ...     ("cerebellum",), [0.0, 60.0], [60.0, 60.0], [[1.0, 1.5]], None, Record("example")
    ... )
    >>> config = VoxelConfig(parameters=None, standard_errors=False, outside=Outside.NAN, spatial=None)
    >>> found = fit_voxels(SUVR(start_s=0.0, end_s=120.0), scan, cerebellum, None, config)
    >>> found.maps["SUVR"].values.tolist()
    [[[2.0, 4.0]]]
    """
    curves = _frames(dynamic, config)
    inside = _inside(dynamic, mask)
    plan = plan_of(model, curves, drive)
    names = tuple(plan.units) if config.parameters is None else tuple(config.parameters)
    for name in names:
        if name not in plan.units:
            raise InputError(
                f"parameters of {type(model).__name__} are {', '.join(plan.units)}; got {name!r}"
            )
    limit = getattr(model, "most_relative_vt_error", None) if "VT" in plan.units else None
    run = _Run(plan, names, config, limit, _flat(dynamic), inside)
    if config.spatial is None:
        run_chunks(inside.size, run.fit, threads=threads, progress=progress)
    else:
        _fit_constrained(run, config.spatial, dynamic, threads, progress)
    inputs = (dynamic.provenance, drive.provenance) + (() if mask is None else (mask.provenance,))
    record = Record(
        "pet.kinetics.fit_voxels",
        {
            "model": {"name": type(model).__name__, **choices_of(model)},
            "parameters": list(names),
            "outside": config.outside.value,
            "spatial_fwhm_mm": None if config.spatial is None else config.spatial.fwhm_mm,
        },
        inputs,
        references_of(model) + (() if config.spatial is None else ("zhou2003lrsc",)),
    )
    return run.result(type(model).__name__, dynamic, record)


class _Run:
    """Maps in the making."""

    def __init__(
        self,
        plan: VoxelPlan,
        names: tuple[str, ...],
        config: VoxelConfig,
        vt_limit: float | None,
        data: NDArray[Any],
        inside: NDArray[np.bool_],
    ) -> None:
        self.plan, self.names, self.config, self.vt_limit = plan, names, config, vt_limit
        self.data, self.inside = data, inside
        self.errors = config.standard_errors or vt_limit is not None
        outside = np.nan if config.outside is Outside.NAN else 0.0
        self.values = [np.full(inside.size, outside, np.float32) for _ in names]
        self.spread = [np.full(inside.size, outside, np.float32) for _ in names if config.standard_errors]
        self.flags = np.zeros(inside.size, np.uint8)
        self.left = np.full(inside.size, outside, np.float32)

    def index(self, start: int, stop: int) -> NDArray[np.int64]:
        """Flat indices of the voxels to fit in a range."""
        return np.flatnonzero(self.inside[start:stop]) + start

    def fit(self, start: int, stop: int) -> None:
        """Fit the voxels of a range."""
        index = self.index(start, stop)
        if index.size:
            self.store(index, self.plan.solve(self.data, index, self.errors))

    def store(self, index: NDArray[np.int64], numbers: VoxelNumbers) -> None:
        """Write what was found into the maps."""
        names, limit = self.names, self.vt_limit
        wanted = names if limit is None or "VT" in names else (*names, "VT")
        values, errors = derived_maps(self.plan, numbers, wanted, self.errors)
        flags = np.zeros(index.size, np.uint8)
        unknown = ~np.isfinite(numbers.residual_sum)
        for name, value in zip(names, values, strict=False):
            unknown |= np.isnan(value)
            # A value at rounding error of 0 is no sign of a bad fit.
            if name not in _MAY_BE_NEGATIVE:
                _raise(flags, value < -1e-9, VoxelFlag.NEGATIVE)
        _raise(flags, unknown, VoxelFlag.NO_FIT)
        for value, error in zip(values[: len(names)], errors[: len(names)], strict=False):
            _raise(flags, (error > 0.5 * np.abs(value)) & (error > 1e-9), VoxelFlag.UNCERTAIN)
        for raised, flag in (
            (numbers.at_bound, VoxelFlag.AT_BOUND),
            (numbers.not_converged, VoxelFlag.NOT_CONVERGED),
            (numbers.pointless, VoxelFlag.NO_POINT),
        ):
            if raised is not None:
                _raise(flags, raised, flag)
        if limit is not None:
            at = wanted.index("VT")
            withheld = ~(errors[at] < limit * np.abs(values[at]))
            _raise(flags, withheld, VoxelFlag.VT_WITHHELD)
            values[at] = np.where(withheld, np.nan, values[at])
        with np.errstate(over="ignore"):
            for target, value in zip(self.values, values, strict=False):
                target[index] = value
            for target, error in zip(self.spread, errors, strict=False):
                target[index] = error
            self.left[index] = numbers.residual_sum
        self.flags[index] = flags

    def result(self, model: str, dynamic: DynamicImage, record: Record) -> ParametricMaps:
        """Return the maps."""
        grid, units = dynamic.grid, self.plan.units

        def image(values: NDArray[Any], quantity: Quantity) -> Image:
            values.setflags(write=False)
            return Image(values.reshape(grid.shape), grid, quantity, record)

        kinds = [quantity_of(name, units[name]) for name in self.names]
        maps = {n: image(v, q) for n, v, q in zip(self.names, self.values, kinds, strict=True)}
        errors = {n: image(v, q) for n, v, q in zip(self.names, self.spread, kinds, strict=False)}
        flags, left = image(self.flags, Quantity.LABEL), image(self.left, Quantity.UNCALIBRATED)
        return ParametricMaps(model, maps, errors, flags, left, int(self.inside.sum()), record)


def _raise(flags: NDArray[np.uint8], where: NDArray[np.bool_], flag: VoxelFlag) -> None:
    flags |= where.view(np.uint8) * np.uint8(flag)


#: Parameters that noise may take below 0 without a fault of the fit.
_MAY_BE_NEGATIVE: Final = ("intercept", "V0")


def _fit_constrained(
    run: _Run,
    constraint: SpatialConstraint,
    dynamic: DynamicImage,
    threads: int | None,
    progress: Progress | None,
) -> None:
    plan = run.plan
    if not isinstance(plan, MultilinearPlan):
        raise InputError(
            "spatial must be None for this model; a constraint by neighbours is for MA1, MA2, MRTM1 and MRTM2"
        )
    where = np.flatnonzero(run.inside)
    rank = np.cumsum(run.inside, dtype=np.int32) - 1
    first = np.empty((plan.n_coefficients, where.size), np.float32)
    variance = np.empty(where.size, np.float32)
    freedom = plan.n_points - plan.n_coefficients

    def alone(start: int, stop: int) -> None:
        index = run.index(start, stop)
        numbers = plan.solve(run.data, index, False)
        first[:, rank[index]] = numbers.coefficients
        variance[rank[index]] = numbers.residual_sum / freedom

    def together(start: int, stop: int) -> None:
        index = run.index(start, stop)
        at = rank[index]
        h, aim = (np.ascontiguousarray(a[:, at], np.float64) for a in (ridge, prior))
        run.store(index, plan.solve_pulled(run.data, index, run.errors, h, aim))

    n = run.inside.size
    run_chunks(
        n, alone, threads=threads, progress=None if progress is None else lambda d, t: progress(d, 2 * t)
    )
    ridge, prior = pull(constraint, dynamic.grid, where, first, variance)
    run_chunks(
        n,
        together,
        threads=threads,
        progress=None if progress is None else lambda d, t: progress(t + d, 2 * t),
    )


def _frames(dynamic: DynamicImage, config: VoxelConfig) -> TissueCurves:
    """Frames of the scan as curves of regions have them, with a curve that stands for none."""
    if dynamic.quantity is not Quantity.ACTIVITY_CONCENTRATION:
        raise InputError(f"dynamic must be ACTIVITY_CONCENTRATION [Bq/mL]; got {dynamic.quantity.name}")
    if dynamic.time_zero != _INJECTION:
        raise InputError(
            f"time_zero of dynamic must be {_INJECTION!r}, for blood counts from there; got "
            f"{dynamic.time_zero!r}; shift frame_start_s to it"
        )
    ramp = np.arange(1.0, dynamic.n_frames + 1.0)[None]
    return TissueCurves(
        ("voxels",),
        dynamic.frame_start_s,
        dynamic.frame_duration_s,
        ramp,
        config.frame_weights,
        dynamic.provenance,
    )


def _inside(dynamic: DynamicImage, mask: Image | None) -> NDArray[np.bool_]:
    if mask is None:
        return np.ones(math.prod(dynamic.grid.shape), np.bool_)
    require_same_grid(dynamic.grid, mask.grid, what="dynamic and mask")
    if mask.quantity is not Quantity.LABEL:
        raise InputError(f"mask must be a LABEL image; got {mask.quantity.name}")
    inside: NDArray[np.bool_] = mask.values.ravel() != 0
    if not inside.any():
        raise InputError("mask must hold at least one voxel; it is empty")
    return inside


def _flat(dynamic: DynamicImage) -> NDArray[Any]:
    """Return the image's own memory, shape ``(n_frames, n_voxels)``, as numbers that kernels take."""
    values = np.asarray(dynamic.values)
    if values.dtype.kind != "f" or not values.dtype.isnative or values.dtype.itemsize not in (4, 8):
        values = values.astype(np.float32)
    return values.reshape(len(values), -1)
