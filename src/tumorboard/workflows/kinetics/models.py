"""From a user's choices to a model's configuration."""

from __future__ import annotations

from typing import Final, cast

from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.pet.kinetics.compartments import Binding, OneTissue, TwoTissue
from tumorboard.pet.kinetics.compartments_rates import BRAIN_BOUNDS, FittedBloodVolume
from tumorboard.pet.kinetics.fit import FrameModel, PlasmaModel, ReferenceModel, Weighting
from tumorboard.pet.kinetics.logan import Logan
from tumorboard.pet.kinetics.ma1 import MA1
from tumorboard.pet.kinetics.ma2 import MA2
from tumorboard.pet.kinetics.mrtm1 import MRTM1
from tumorboard.pet.kinetics.mrtm2 import MRTM2
from tumorboard.pet.kinetics.patlak import Patlak
from tumorboard.pet.kinetics.point_weights import PointWeights
from tumorboard.pet.kinetics.reference_curve import ReferenceInterpolation
from tumorboard.pet.kinetics.reference_logan import ReferenceLogan
from tumorboard.pet.kinetics.reference_patlak import ReferencePatlak
from tumorboard.pet.kinetics.spectral import SpectralAnalysis
from tumorboard.pet.kinetics.srtm import SRTM
from tumorboard.pet.kinetics.srtm2 import SRTM2, CoupledK2Prime, GivenK2Prime
from tumorboard.pet.kinetics.suvr import SUVR
from tumorboard.pet.kinetics.t_star import AllFrames, FromTime, LargestResidual, LastFrames, TStar
from tumorboard.units import S_PER_MIN
from tumorboard.workflows.kinetics.config import (
    DEFAULT_K2A_RANGE_PER_MIN,
    DEFAULT_VB,
    DEFAULT_VT_ERROR,
    FEWEST_FRAMES,
    KineticsConfig,
    default_t_star,
)

__all__ = ["delay_model", "frame_model", "plasma_model", "reference_model", "t_star", "weighting"]

#: Rates of the spectrum's grid.
_N_RATES: Final = 100
#: What SRTM2 searches for a k2' that all regions share [1/min].
_K2_PRIME_RANGE: Final = (0.001, 1.0)


def weighting(config: KineticsConfig, curves: TissueCurves) -> Weighting:
    """Return the weighting chosen; where none is, that of the table, else the frames' durations."""
    if config.weighting is not None:
        return Weighting(config.weighting)
    return Weighting.DURATION if curves.weights is None else Weighting.GIVEN


def frame_model(config: KineticsConfig) -> FrameModel:
    """Return what of the model is compared with a frame."""
    return FrameModel.MID_FRAME if config.frame_model == "mid" else FrameModel.FRAME_AVERAGE


def t_star(config: KineticsConfig) -> TStar:
    """Return the rule of t*."""
    given = config.t_star or default_t_star(config.model)
    if given.rule == "frames":
        return LastFrames(int(given.value))
    if given.rule == "from_min":
        return FromTime(given.value * S_PER_MIN)
    return AllFrames() if given.rule == "all" else LargestResidual(given.value, FEWEST_FRAMES)


def plasma_model(config: KineticsConfig, curves: TissueCurves) -> PlasmaModel:
    """Return a model that blood drives.

    Parameters
    ----------
    config
        Of one of :data:`~tumorboard.workflows.kinetics.config.PLASMA_MODELS`.
    curves
        That it will be fitted to; they say whether there are weights.
    """
    name, frames, weights = config.model, frame_model(config), weighting(config, curves)
    volume = _blood_volume(config)
    limit = DEFAULT_VT_ERROR if config.most_relative_vt_error is None else config.most_relative_vt_error
    if name == "1tcm":
        return OneTissue(BRAIN_BOUNDS, volume, frames, weights, limit)
    if name in ("2tcm", "2tcm-irreversible"):
        binding = Binding.REVERSIBLE if name == "2tcm" else Binding.IRREVERSIBLE
        return TwoTissue(binding, BRAIN_BOUNDS, volume, frames, weights, limit if name == "2tcm" else None)
    if name == "spectral":
        slowest, fastest = cast(tuple[float, float], config.rates_per_min)  # the configuration has seen to it
        return SpectralAnalysis(slowest, fastest, _N_RATES, volume, frames, weights)
    vb = cast(float, volume)
    if name == "ma2":
        return MA2(frame_model=frames, weighting=weights, blood_fraction=vb)
    if name == "ma1":
        return MA1(t_star=t_star(config), frame_model=frames, weighting=weights, blood_fraction=vb)
    return (Logan if name == "logan" else Patlak)(
        t_star=t_star(config),
        frame_model=frames,
        weighting=weights,
        point_weights=PointWeights(config.point_weights or "propagated"),
        blood_fraction=vb,
    )


def delay_model(config: KineticsConfig, curves: TissueCurves) -> OneTissue | TwoTissue:
    """Return the compartments to find the delay with: two, unless one was chosen, lest they bend it."""
    volume, frames, weights = _blood_volume(config), frame_model(config), weighting(config, curves)
    if config.delay_model == "1tcm":
        return OneTissue(BRAIN_BOUNDS, volume, frames, weights, None)
    return TwoTissue(Binding.REVERSIBLE, BRAIN_BOUNDS, volume, frames, weights, None)


def reference_model(config: KineticsConfig, curves: TissueCurves) -> ReferenceModel:
    """Return a model that a reference region drives.

    Parameters
    ----------
    config
        Of one of :data:`~tumorboard.workflows.kinetics.config.REFERENCE_MODELS`.
    curves
        That it will be fitted to; they say whether there are weights.
    """
    name, frames, weights = config.model, frame_model(config), weighting(config, curves)
    k2_prime = config.k2_prime_per_min
    if name == "suvr":
        window = cast(tuple[float, float], config.window_min)
        start, end = (minutes * S_PER_MIN for minutes in window)
        return SUVR(start_s=start, end_s=end)
    between = ReferenceInterpolation.AVERAGE_PRESERVING
    searched = config.k2a_range_per_min or DEFAULT_K2A_RANGE_PER_MIN
    if name == "srtm":
        return SRTM(frame_model=frames, weighting=weights, interpolation=between, k2a_range_per_min=searched)
    if name == "srtm2":
        return SRTM2(
            k2_prime=CoupledK2Prime(*_K2_PRIME_RANGE) if k2_prime is None else GivenK2Prime(k2_prime),
            frame_model=frames,
            weighting=weights,
            interpolation=between,
            k2a_range_per_min=searched,
        )
    rule = t_star(config)
    if name == "mrtm1":
        return MRTM1(t_star=rule, frame_model=frames, weighting=weights)
    if name == "mrtm2":
        rate = cast(float, k2_prime)
        return MRTM2(k2_prime_per_min=rate, t_star=rule, frame_model=frames, weighting=weights)
    points = PointWeights(config.point_weights or "propagated")
    if name == "refpatlak":
        return ReferencePatlak(t_star=rule, frame_model=frames, weighting=weights, point_weights=points)
    return ReferenceLogan(
        k2_prime_per_min=k2_prime or None,
        t_star=rule,
        frame_model=frames,
        weighting=weights,
        point_weights=points,
    )


def _blood_volume(config: KineticsConfig) -> float | FittedBloodVolume:
    vb = DEFAULT_VB if config.vb is None else config.vb
    return FittedBloodVolume(*vb) if isinstance(vb, tuple) else vb
