"""Graphical and multilinear analyses made ready to go through voxels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics import _parameters
from tumorboard.pet.kinetics._kernels.voxel_fixed import fit_fixed
from tumorboard.pet.kinetics._kernels.voxel_logan import fit_lines
from tumorboard.pet.kinetics._kernels.voxel_multilinear import fit_columns
from tumorboard.pet.kinetics.logan import Logan
from tumorboard.pet.kinetics.ma1 import MA1
from tumorboard.pet.kinetics.ma2 import MA2
from tumorboard.pet.kinetics.mrtm1 import MRTM1
from tumorboard.pet.kinetics.mrtm2 import MRTM2
from tumorboard.pet.kinetics.patlak import Patlak, ratio_noise
from tumorboard.pet.kinetics.plasma_terms import plasma_terms
from tumorboard.pet.kinetics.point_weights import PointWeights, ratio_point_weights
from tumorboard.pet.kinetics.propagated_error import frame_operators, propagated_covariance
from tumorboard.pet.kinetics.reference_curve import reference_terms
from tumorboard.pet.kinetics.reference_logan import ReferenceLogan
from tumorboard.pet.kinetics.reference_patlak import ReferencePatlak
from tumorboard.pet.kinetics.repeated_integrals import FrameTerms
from tumorboard.pet.kinetics.suvr import SUVR
from tumorboard.pet.kinetics.voxels_plan import Quantities, VoxelNumbers, first_of_all_voxels, packed_size
from tumorboard.units import S_PER_MIN

__all__ = [
    "FixedPlan",
    "LinePlan",
    "MultilinearPlan",
    "fixed_plan",
    "line_plan",
    "multilinear_plan",
    "ratio_plan",
]


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    """What drives the tissue, and how its curves are taken: scale times them plus shift."""

    drive: FrameTerms
    operators: FrameTerms
    weights: NDArray[np.float64]
    scale: float
    shift: NDArray[np.float64]
    duration_s: NDArray[np.float64]
    mid_s: NDArray[np.float64]

    @classmethod
    def of(cls, model: Any, curves: TissueCurves, drive: Any) -> _Scan:
        weights = model.weighting.of(curves)
        if hasattr(model, "blood_fraction"):
            terms, share = (
                plasma_terms(curves, drive, model.frame_model, model.blood_fraction),
                model.blood_fraction,
            )
            shift = -share * terms.whole_blood_bq_ml / (1.0 - share)
            plasma, operators, scale = terms.plasma, terms.operators, 1.0 / (1.0 - share)
        else:
            plasma = reference_terms(curves, drive, model.frame_model)[1]
            operators = frame_operators(curves.frame_start_s, curves.frame_end_s, model.frame_model)
            shift, scale = np.zeros(curves.n_frames), 1.0
        duration = curves.frame_end_s - curves.frame_start_s
        return cls(plasma, operators, weights, scale, shift, duration, curves.frame_start_s + 0.5 * duration)

    @property
    def variance(self) -> NDArray[np.float64]:
        """One over the frames' weights, 0 for those without."""
        used = self.weights > 0
        return np.where(used, 1.0 / np.where(used, self.weights, 1.0), 0.0)


def _own_and_later(operator: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what a frame adds to an integral at itself, and in the next frame (0 for the last)."""
    return np.diag(operator).copy(), np.append(np.diag(operator, -1), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class LinePlan:
    """Logan's plot, with plasma or a reference.

    Parameters
    ----------
    scan
        What drives it.
    drive
        Integral over which tissue is divided, shape ``(n_frames,)`` [Bq min/mL].
    first
        Frame from which the line goes.
    propagated
        Whether points have the weights that follow for the ratio.
    units, quantities
        See :class:`.VoxelPlan`.
    """

    scan: _Scan
    drive: NDArray[np.float64]
    first: int
    propagated: bool
    units: Mapping[str, str]
    quantities: Quantities

    def solve(self, data: NDArray[Any], index: NDArray[np.int64], errors: bool) -> VoxelNumbers:
        """Fit voxels ``index``, shape ``(n_voxels,)``, of ``data``, ``(n_frames, n_all_voxels)`` [Bq/mL]."""
        scan, m = self.scan, index.size
        own, later = _own_and_later(scan.operators.integral / S_PER_MIN)
        parts = scan.variance * scan.duration_s**2
        found, covariance = np.empty((2, m)), np.empty((3, m if errors else 0))
        left, pointless = np.empty(m), np.empty(m, np.bool_)
        fit_lines(
            data,
            index,
            scan.scale,
            scan.shift,
            self.first,
            own,
            later,
            0.5 * scan.duration_s,
            self.drive,
            scan.weights,
            self.propagated,
            scan.variance,
            np.concatenate([[0.0], np.cumsum(parts)[:-1]]),
            errors,
            found,
            covariance,
            left,
            pointless,
        )
        found[:, pointless] = np.nan
        return VoxelNumbers(found, covariance, left, pointless=pointless)


def line_plan(model: Logan | ReferenceLogan, curves: TissueCurves, drive: Any) -> LinePlan:
    """Make Logan's analysis ready; arguments as :func:`.fit_voxels`, ``curves`` only for their frames."""
    scan = _Scan.of(model, curves, drive)
    integral = scan.drive.integral / S_PER_MIN
    units, quantities = {"VT": "mL/cm3"}, _slope
    if isinstance(model, ReferenceLogan):
        if model.k2_prime_per_min is not None:
            integral = integral + scan.drive.concentration / model.k2_prime_per_min
        units, quantities = {"BPND": "1", "DVR": "1"}, _binding
    first = first_of_all_voxels(model.t_star, curves, 2)
    return LinePlan(scan, integral, first, model.point_weights is PointWeights.PROPAGATED, units, quantities)


def _slope(c: Any) -> dict[str, Any]:
    return {"VT": c[0]}


def _binding(c: Any) -> dict[str, Any]:
    return {"BPND": c[0] - 1.0, "DVR": c[0]}


@dataclass(frozen=True, slots=True, eq=False)
class FixedPlan:
    """Analyses whose design is the same in all voxels.

    Parameters
    ----------
    scan_scale, shift
        What curves are multiplied by, and what is added, shape ``(n_frames,)``.
    columns
        Shape ``(n_frames, p)``, divided by nothing: points times weights' roots.
    root
        What values are multiplied by, shape ``(n_frames,)``; 0 where a frame is left out.
    scatter
        Weights of squared residuals that errors are made of, over those of the residual sum, ``(n_frames,)``.
    unit_covariance
        Covariance for a scatter of 1, shape ``(p, p)``.
    units, quantities
        See :class:`.VoxelPlan`.
    solution
        What weighted curves are multiplied by, shape ``(p, n_frames)``; ``None`` for least squares.
    """

    scan_scale: float
    shift: NDArray[np.float64]
    columns: NDArray[np.float64]
    root: NDArray[np.float64]
    scatter: NDArray[np.float64]
    unit_covariance: NDArray[np.float64]
    units: Mapping[str, str]
    quantities: Quantities
    solution: NDArray[np.float64] | None = None

    def solve(self, data: NDArray[Any], index: NDArray[np.int64], errors: bool) -> VoxelNumbers:
        """Fit voxels ``index``, shape ``(n_voxels,)``, of ``data``, ``(n_frames, n_all_voxels)`` [Bq/mL]."""
        p, m = self.columns.shape[1], index.size
        if self.solution is None:
            lengths = np.linalg.norm(self.columns, axis=0)
            solution = np.linalg.pinv(self.columns / lengths) / lengths[:, None]
        else:
            solution = self.solution
        found, left, scatter = np.empty((p, m)), np.empty(m), np.empty(m)
        fit_fixed(
            data,
            index,
            self.scan_scale,
            self.shift,
            self.root,
            self.columns,
            solution,
            self.scatter,
            found,
            left,
            scatter,
        )
        upper = self.unit_covariance[np.triu_indices(p)]
        covariance = upper[:, None] * scatter if errors else np.empty((packed_size(p), 0))
        return VoxelNumbers(found, covariance, left)


def fixed_plan(model: Patlak | ReferencePatlak, curves: TissueCurves, drive: Any) -> FixedPlan:
    """Make Patlak's analysis ready; arguments as :func:`.fit_voxels`, ``curves`` only for their frames."""
    scan = _Scan.of(model, curves, drive)
    over = scan.drive.concentration
    first = first_of_all_voxels(model.t_star, curves, 2)
    weights = ratio_point_weights(over, 1, scan.weights, model.point_weights)[0]
    used = (np.arange(curves.n_frames) >= first) & (weights > 0)
    if (over[used] <= 0).any():
        k = int(np.flatnonzero(used & (over <= 0))[0])
        raise InputError(
            f"plasma or reference must be > 0 from t* on [Bq/mL]; frame {k + 1} has {over[k]:g}; choose "
            "a later t*"
        )
    weights, safe = np.where(used, weights, 0.0), np.where(used, over, 1.0)
    design = np.stack([scan.drive.integral / S_PER_MIN / safe, np.ones_like(safe)], axis=-1)
    unit = propagated_covariance(design, weights, 1.0, ratio_noise(over), scan.weights)
    if isinstance(model, ReferencePatlak):
        units, quantities = {"Kiref": "1/min", "intercept": "1"}, _reference_uptake
    else:
        units, quantities = {"Ki": "mL/cm3/min", "V0": "mL/cm3"}, _uptake
    root = np.sqrt(weights)
    ones = np.where(used, 1.0, 0.0)
    return FixedPlan(
        scan.scale, scan.shift, design * root[:, None], root / safe, ones, unit, units, quantities
    )


def _uptake(c: Any) -> dict[str, Any]:
    return {"Ki": c[0], "V0": c[1]}


def _reference_uptake(c: Any) -> dict[str, Any]:
    return {"Kiref": c[0], "intercept": c[1]}


def ratio_plan(model: SUVR, curves: TissueCurves, reference: TissueCurves) -> FixedPlan:
    """Make the ratio of uptakes ready; arguments as :func:`.fit_voxels`, ``curves`` only for their frames."""
    # The region's own fit checks the window and the reference, and knows the weights.
    fit = model.fit(curves, reference)[0]
    weights, ref = fit.weights, reference.concentration_bq_ml[0]
    total, n = float(weights @ ref), int((weights > 0).sum())
    root = np.sqrt(weights)
    safe = np.where(root > 0, root, 1.0)
    # The ratio of means is not the least squares one: its solution is given.
    solution = np.where(root > 0, weights / safe / total, 0.0)[None, :]
    unit = np.array([[n / (n - 1) / total**2 if n > 1 else np.nan]])
    columns = (root * ref)[:, None]
    return FixedPlan(1.0, np.zeros(len(ref)), columns, root, weights, unit, {"SUVR": "1"}, _ratio, solution)


def _ratio(c: Any) -> dict[str, Any]:
    return {"SUVR": c[0]}


@dataclass(frozen=True, slots=True, eq=False)
class MultilinearPlan:
    """Analyses whose columns are integrals of known curves and of the voxel's own.

    Parameters
    ----------
    scan
        What drives it.
    known
        The known columns, shape ``(n_frames, n_known)``.
    n_own
        1 with the voxel's integral, 2 with its double integral too.
    first
        Frame from which on.
    units, quantities
        See :class:`.VoxelPlan`; coefficients are those of the known columns, then of the voxel's.
    """

    scan: _Scan
    known: NDArray[np.float64]
    n_own: int
    first: int
    units: Mapping[str, str]
    quantities: Quantities

    @property
    def n_coefficients(self) -> int:
        """How many coefficients a voxel has."""
        return int(self.known.shape[1]) + self.n_own

    @property
    def n_points(self) -> int:
        """How many frames the fit goes through."""
        return int(np.count_nonzero(self.scan.weights[self.first :] > 0))

    def solve(self, data: NDArray[Any], index: NDArray[np.int64], errors: bool) -> VoxelNumbers:
        """Fit voxels ``index``, shape ``(n_voxels,)``, of ``data``, ``(n_frames, n_all_voxels)`` [Bq/mL]."""
        none = np.empty((self.n_coefficients, 0))
        return self.solve_pulled(data, index, errors, none, none)

    def solve_pulled(
        self,
        data: NDArray[Any],
        index: NDArray[np.int64],
        errors: bool,
        ridge: NDArray[np.float64],
        prior: NDArray[np.float64],
    ) -> VoxelNumbers:
        """Fit with coefficients pulled to ``prior`` as strongly as ``ridge``, both ``(p, n_voxels)``."""
        scan, m, p = self.scan, index.size, self.n_coefficients
        root = np.sqrt(np.where(np.arange(len(scan.weights)) >= self.first, scan.weights, 0.0))
        weighted = self.known * root[:, None]
        lengths = np.linalg.norm(weighted, axis=0)
        orthonormal, upper = np.linalg.qr(weighted / lengths)
        single, double = scan.operators.integral / S_PER_MIN, scan.operators.double_integral / S_PER_MIN**2
        time = scan.mid_s / S_PER_MIN
        own0, later0 = _own_and_later(single)
        own1, next1 = _own_and_later(double)
        # From the next frame on, the double integral grows with time as the single one stays.
        later1 = next1 - later0 * np.append(time[1:], 0.0)
        noise = np.stack([np.eye(len(time)), single, double]) * root[:, None]
        spread = np.einsum("aij,bij,j->ab", noise, noise, scan.variance)
        found, left = np.empty((p, m)), np.empty(m)
        covariance = np.empty((packed_size(p), m if errors else 0))
        fit_columns(
            data,
            index,
            scan.scale,
            scan.shift,
            root,
            orthonormal,
            upper * lengths,
            self.n_own,
            np.stack([own0, own1]),
            np.stack([later0, later1, later0]),
            time,
            scan.variance,
            spread,
            errors,
            ridge,
            prior,
            found,
            covariance,
            left,
        )
        return VoxelNumbers(found, covariance, left)


def multilinear_plan(model: MA1 | MA2 | MRTM1 | MRTM2, curves: TissueCurves, drive: Any) -> MultilinearPlan:
    """Make a multilinear analysis ready; arguments as of :func:`.line_plan`."""
    scan = _Scan.of(model, curves, drive)
    integral, level = scan.drive.integral / S_PER_MIN, scan.drive.concentration
    if isinstance(model, MA2):
        known = np.stack([scan.drive.double_integral / S_PER_MIN**2, integral], axis=-1)
        return MultilinearPlan(scan, known, 2, 0, _parameters.MA2, _ma2)
    first = first_of_all_voxels(model.t_star, curves, 3 if isinstance(model, MRTM1) else 2)
    if isinstance(model, MA1):
        return MultilinearPlan(scan, integral[:, None], 1, first, _parameters.MA1, _parameters.ma1)
    if isinstance(model, MRTM1):
        known = np.stack([integral, level], axis=-1)
        return MultilinearPlan(scan, known, 1, first, _parameters.REFERENCE, _mrtm1)
    k2_prime = model.k2_prime_per_min

    def mrtm2(c: Any) -> dict[str, Any]:
        return _parameters.mrtm2(c, k2_prime)

    known = (integral + level / k2_prime)[:, None]
    return MultilinearPlan(scan, known, 1, first, _parameters.MRTM2, mrtm2)


def _ma2(c: Any) -> dict[str, Any]:
    # Regions have plasma's double integral, tissue's, tissue's single, plasma's single.
    return _parameters.ma2((c[0], c[3], c[2], c[1]))


def _mrtm1(c: Any) -> dict[str, Any]:
    return _parameters.mrtm1((c[0], c[2], c[1]))
