"""Spectral analysis: tissue as a sum of many exponentials, none of them assumed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from tumorboard.core._arrays import read_only
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.compartments_rates import FittedBloodVolume, blood_range, check_blood_volume
from tumorboard.pet.kinetics.compartments_response import frame_basis, frame_blood, require_varying
from tumorboard.pet.kinetics.fit import FitFlag, FrameModel, KineticFit, KineticParameter, Weighting
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.least_squares import corrected_akaike
from tumorboard.provenance import Record
from tumorboard.units import S_PER_MIN

__all__ = ["SpectralAnalysis", "Spectrum"]


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """How fast a region lets go of the tracer, as amplitudes of exponentials.

    Parameters
    ----------
    rates_per_min
        The grid, shape ``(n_rates,)`` [1/min].
    amplitudes_ml_cm3_min
        >= 0, most of them 0, shape ``(n_rates,)`` [mL/cm3/min].
    blood_volume
        Share of the region that is blood.
    """

    rates_per_min: NDArray[np.float64]
    amplitudes_ml_cm3_min: NDArray[np.float64]
    blood_volume: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "rates_per_min", read_only(self.rates_per_min, np.float64))
        object.__setattr__(self, "amplitudes_ml_cm3_min", read_only(self.amplitudes_ml_cm3_min, np.float64))

    @property
    def k1_ml_cm3_min(self) -> float:
        """The response at once: the sum of amplitudes [mL/cm3/min]."""
        return float(self.amplitudes_ml_cm3_min.sum())

    @property
    def vt_ml_cm3(self) -> float:
        """The response's area: the sum of amplitude over rate [mL/cm3]."""
        return float((self.amplitudes_ml_cm3_min / self.rates_per_min).sum())


@dataclass(frozen=True, slots=True)
class SpectralAnalysis:
    """Non-negative least squares over exponentials of a grid of rates [1]_.

    Standard errors are of the jackknife over frames [2]_: the fit has bounds and chooses its exponentials, so
    that no formula holds. A component at the slowest rate is what the scan cannot tell from trapping: VT then
    depends on where the grid begins, and AT_BOUND says so.

    Parameters
    ----------
    slowest_per_min, fastest_per_min
        Ends of the grid, even in the logarithm, 0 < slowest < fastest; for curves decay-corrected to
        injection, as all here are [1/min].
    n_rates
        On the grid, >= 10.
    blood_volume
        Share of the region that is blood: a fixed one, or bounds to find it between.
    frame_model
        What of the model is compared with a frame.
    weighting
        Of the frames.

    References
    ----------
    .. [1] cunningham1993spectral
    .. [2] wu1986jackknife
    """

    slowest_per_min: float
    fastest_per_min: float
    n_rates: int
    blood_volume: float | FittedBloodVolume
    frame_model: FrameModel
    weighting: Weighting

    def __post_init__(self) -> None:
        check_blood_volume(self.blood_volume)
        if not 0.0 < self.slowest_per_min < self.fastest_per_min < math.inf:
            raise InputError(
                "rates of the grid must be 0 < slowest < fastest [1/min]; got "
                f"{self.slowest_per_min} to {self.fastest_per_min}"
            )
        if self.n_rates < 10:
            raise InputError(f"n_rates must be >= 10; got {self.n_rates}")

    @property
    def rates_per_min(self) -> NDArray[np.float64]:
        """The grid, shape ``(n_rates,)`` [1/min]."""
        grid: NDArray[np.float64] = np.geomspace(self.slowest_per_min, self.fastest_per_min, self.n_rates)
        return grid

    def spectra(self, curves: TissueCurves, blood: InputFunction) -> tuple[Spectrum, ...]:
        """Return each region's spectrum, in order; arguments and errors as :meth:`fit`."""
        require_varying(curves)
        scan = self._scan(curves, blood)
        return tuple(self._spectrum(scan.solve(curve, scan.weights)) for curve in curves.concentration_bq_ml)

    def fit(self, curves: TissueCurves, blood: InputFunction) -> tuple[KineticFit, ...]:
        """Return a fit for each region, in order.

        Parameters
        ----------
        curves
            Regions of one scan.
        blood
            Its input, delay taken out.

        Returns
        -------
        tuple of KineticFit
            With K1, vB, VT; ``n_parameters`` is how many components are there.

        Raises
        ------
        InputError
            When the blood ends before the scan, or a curve is constant.
        """
        require_varying(curves)
        scan = self._scan(curves, blood)
        record = self._record(curves, blood)
        return tuple(
            self._fit_one(region, curve, scan, curves.mid_s, record)
            for region, curve in zip(curves.regions, curves.concentration_bq_ml, strict=True)
        )

    def _scan(self, curves: TissueCurves, blood: InputFunction) -> _Scan:
        basis, _ = frame_basis(blood, curves, self.frame_model, self.rates_per_min / S_PER_MIN)
        seen = frame_blood(blood, curves, self.frame_model)
        share = blood_range(self.blood_volume)
        return _Scan(basis.T / S_PER_MIN, seen, share, self.weighting.of(curves))

    def _spectrum(self, solution: NDArray[np.float64]) -> Spectrum:
        return Spectrum(self.rates_per_min, solution[:-1], float(solution[-1]))

    def _fit_one(
        self,
        region: str,
        curve: NDArray[np.float64],
        scan: _Scan,
        mid_s: NDArray[np.float64],
        record: Record,
    ) -> KineticFit:
        solution = scan.solve(curve, scan.weights)
        fitted = scan.modelled(solution)
        residual_sum = float(scan.weights @ (curve - fitted) ** 2)
        used = np.flatnonzero(scan.weights > 0)
        left_out = []
        for frame in used:
            weights = scan.weights.copy()
            weights[frame] = 0.0
            left_out.append(self._numbers(scan.solve(curve, weights)))
        spread = np.array(left_out)
        errors = np.sqrt((len(used) - 1) * ((spread - spread.mean(axis=0)) ** 2).mean(axis=0))
        names = (("K1", "mL/cm3/min"), ("vB", "1"), ("VT", "mL/cm3"))
        parameters = {
            name: KineticParameter(float(value), float(error), unit)
            for (name, unit), value, error in zip(names, self._numbers(solution), errors, strict=True)
        }
        n_components = int((solution[:-1] > 0).sum()) + int(scan.share[1] > scan.share[0])
        flags = []
        if any(p.relative_error > 0.5 for p in parameters.values() if p.standard_error > 0):
            flags.append(FitFlag.UNCERTAIN)
        if (
            solution[0] > 0
            or solution[-2] > 0
            or (scan.share[1] > scan.share[0] and solution[-1] in scan.share)
        ):
            flags.append(FitFlag.AT_BOUND)
        return KineticFit(
            model="spectral analysis",
            region=region,
            parameters=parameters,
            mid_s=mid_s,
            measured_bq_ml=curve,
            fitted_bq_ml=fitted,
            weights=scan.weights,
            residual_sum=residual_sum,
            n_parameters=n_components,
            aicc=corrected_akaike(residual_sum, len(used), n_components),
            flags=tuple(flags),
            plot=None,
            provenance=record,
        )

    def _numbers(self, solution: NDArray[np.float64]) -> tuple[float, float, float]:
        spectrum = self._spectrum(solution)
        return spectrum.k1_ml_cm3_min, spectrum.blood_volume, spectrum.vt_ml_cm3

    def _record(self, curves: TissueCurves, blood: InputFunction) -> Record:
        volume = self.blood_volume
        share: Any = [volume.lowest, volume.highest] if isinstance(volume, FittedBloodVolume) else volume
        chosen = {
            "slowest_per_min": self.slowest_per_min,
            "fastest_per_min": self.fastest_per_min,
            "n_rates": self.n_rates,
            "blood_volume": share,
            "frame_model": self.frame_model.value,
            "weighting": self.weighting.value,
        }
        references = ("cunningham1993spectral", "wu1986jackknife", "innis2007nomenclature")
        inputs = (curves.provenance, blood.provenance)
        return Record("pet.kinetics.SpectralAnalysis.fit", chosen, inputs, references)


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    """The design of one scan: exponentials (n_frames, n_rates), blood, bounds of its share, weights."""

    basis: NDArray[np.float64]
    seen: NDArray[np.float64]
    share: tuple[float, float]
    weights: NDArray[np.float64]

    def modelled(self, solution: NDArray[np.float64]) -> NDArray[np.float64]:
        share = solution[-1]
        curve: NDArray[np.float64] = (1.0 - share) * (self.basis @ solution[:-1]) + share * self.seen
        return curve

    def solve(self, curve: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Amplitudes for tissue alone, and the share of blood last, shape ``(n_rates + 1,)``."""
        low, high = self.share
        root = np.sqrt(weights)
        if high > low:
            # Above its lower bound, blood is one more column; scaled tissue takes 1 - share of the region.
            columns = np.column_stack([self.basis, self.seen]) * root[:, None]
            found, _ = nnls(columns, (curve - low * self.seen) * root)
            share = low + found[-1]
            if share <= high:
                return np.append(found[:-1] / (1.0 - share), share)
        share = high
        found, _ = nnls(self.basis * root[:, None], (curve - share * self.seen) * root)
        return np.append(found / (1.0 - share), share)
