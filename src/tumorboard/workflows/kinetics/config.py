"""What a user can choose about kinetic models."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from tumorboard.errors import InputError

__all__ = [
    "DEFAULT_DELAY_BOUNDS_S",
    "DEFAULT_K2A_RANGE_PER_MIN",
    "DEFAULT_RESIDUAL",
    "DEFAULT_VB",
    "DEFAULT_VT_ERROR",
    "DELAY_MODELS",
    "END_RULES",
    "FEWEST_FRAMES",
    "FRAME_MODELS",
    "MODELS",
    "PARENTS",
    "PLASMA_MODELS",
    "POINT_WEIGHTS",
    "REFERENCE_MODELS",
    "WEIGHTINGS",
    "KineticsConfig",
    "TStarChoice",
    "default_t_star",
]

#: Models driven by arterial plasma, as a user types them.
PLASMA_MODELS: Final = ("1tcm", "2tcm", "2tcm-irreversible", "spectral", "logan", "ma1", "ma2", "patlak")
#: Models driven by a reference region.
REFERENCE_MODELS: Final = ("srtm", "srtm2", "mrtm1", "mrtm2", "reflogan", "refpatlak", "suvr")
MODELS: Final = (*PLASMA_MODELS, *REFERENCE_MODELS)
FRAME_MODELS: Final = ("average", "mid")
WEIGHTINGS: Final = ("given", "duration", "uniform")
POINT_WEIGHTS: Final = ("propagated", "frame")
#: What stands for blood after its last sample: nothing, or its last value.
END_RULES: Final = ("refuse", "hold")
#: Models that the delay of the blood can be found with.
DELAY_MODELS: Final = ("2tcm", "1tcm")
#: Where the parent in plasma comes from: ``plasma`` says that its values are the parent's already.
PARENTS: Final = ("plasma", "interpolated", "hill", "power", "exponential")

#: Share of blood in the brain's tissue.
DEFAULT_VB: Final = 0.05
#: Delays of the blood that are tried where it is found [s].
DEFAULT_DELAY_BOUNDS_S: Final = (-30.0, 30.0)
#: Part of VT above which its standard error withholds it.
DEFAULT_VT_ERROR: Final = 0.1
#: Searched by SRTM and SRTM2 [1/min].
DEFAULT_K2A_RANGE_PER_MIN: Final = (0.001, 2.0)

#: By default no point of a plot may be farther off than this share of the fit. With 10 %, also common, plots
#: of slow tracers start while they still bend: VT of Logan comes out a tenth too low.
DEFAULT_RESIDUAL: Final = 0.05
#: That a plot's line goes through where t* is found by its residuals: fewer lie on a line by chance.
FEWEST_FRAMES: Final = 6
_T_STAR_RULES: Final = ("residual", "frames", "from_min", "all")
_GRAPHICAL: Final = ("logan", "patlak", "reflogan", "refpatlak")
_WITH_BLOOD: Final = (
    "vb",
    "delay_s",
    "delay_region",
    "delay_model",
    "end_rule",
    "parent",
    "plasma_over_blood",
)
#: Choices that play a part in a model beside ``weighting`` and ``frame_model``.
_OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "1tcm": ("most_relative_vt_error",),
    "2tcm": ("most_relative_vt_error",),
    "2tcm-irreversible": (),
    "spectral": ("rates_per_min",),
    "logan": ("t_star", "point_weights"),
    "ma1": ("t_star",),
    "ma2": (),
    "patlak": ("t_star", "point_weights"),
    "srtm": ("k2a_range_per_min",),
    "srtm2": ("k2a_range_per_min", "k2_prime_per_min"),
    "mrtm1": ("t_star",),
    "mrtm2": ("t_star", "k2_prime_per_min"),
    "reflogan": ("t_star", "point_weights", "k2_prime_per_min"),
    "refpatlak": ("t_star", "point_weights"),
    "suvr": ("window_min",),
}


@dataclass(frozen=True, slots=True)
class TStarChoice:
    """From which frame on a graphical or multilinear analysis goes.

    Parameters
    ----------
    rule
        ``"residual"``: the earliest from which no point is farther from the fit than ``value`` of it,
        and 6 frames at least;
        ``"frames"``: the last ``value`` ones; ``"from_min"``: those whose middle is at ``value`` or later
        [min]; ``"all"``.
    value
        Of the rule; 0 for ``"all"``.

    Examples
    --------
    >>> str(TStarChoice("frames", 10))
    'last 10 frames'
    """

    rule: str
    value: float

    def __post_init__(self) -> None:
        if self.rule not in _T_STAR_RULES:
            raise InputError(f"rule of t* must be one of {', '.join(_T_STAR_RULES)}; got {self.rule!r}")
        if self.rule == "frames" and (self.value != int(self.value) or self.value < 3):
            raise InputError(f"t* must leave a whole number of frames, at least 3; got {self.value:g}")
        if not (math.isfinite(self.value) and self.value >= 0):
            raise InputError(f"value of t* must be finite and >= 0; got {self.value:g}")

    def __str__(self) -> str:
        if self.rule == "residual":
            return f"earliest frame with no residual above {100 * self.value:g} % after it, 6 frames at least"
        if self.rule == "frames":
            return f"last {int(self.value)} frames"
        return "all frames" if self.rule == "all" else f"frames from {self.value:g} min on"


@dataclass(frozen=True, slots=True)
class KineticsConfig:
    """A model and its choices; ``None`` is the default that :meth:`choices` tells.

    Parameters
    ----------
    model
        One of :data:`MODELS`.
    reference
        Region without specific binding, for :data:`REFERENCE_MODELS` only.
    regions
        To fit; empty for all, but the reference.
    frame_model
        Average over each frame, or its middle; ``None``: average.
    weighting
        Of the frames; ``None``: those of the table where it has some, else durations.
    t_star
        ``None``: largest residual 5 %, at least 6 frames; all frames for MRTM1 and MRTM2.
    point_weights
        Of graphical plots; ``None``: propagated from the frames.
    vb
        Share of blood in tissue, or two bounds to find it between (compartments, spectral); ``None``: 0.05.
    delay_s
        By which tissue sees the blood later than the sampler, taken out first; ``None``: 0 [s].
    delay_region
        Region to find the delay from, by ``delay_model``, within ``delay_bounds_s``.
    delay_bounds_s
        Lowest and highest delay tried [s].
    delay_model
        Of :data:`DELAY_MODELS`, to find it with; ``None``: two tissue compartments. One is as good where the
        second is not worth its parameters, and faster.
    end_rule
        What stands for blood after its last sample; ``None``: refuse.
    parent
        Parent fraction, of :data:`PARENTS`; ``None``: straight lines between samples, where there are some.
    plasma_over_blood
        Ratio that makes one of plasma and whole blood from the other; where one was not measured.
    most_relative_vt_error
        VT of compartments is withheld where its standard error is this part of it or more; ``None``: 0.1.
    rates_per_min
        Slowest and fastest rate of the spectrum; must be given for it [1/min].
    k2a_range_per_min
        Range that SRTM and SRTM2 search; ``None``: 0.001 to 2 [1/min].
    k2_prime_per_min
        Clearance of the reference. Must be given for MRTM2 and reference Logan, where 0 leaves its term out;
        ``None`` for SRTM2: found by fitting all regions together, within 0.001 and 1 [1/min].
    window_min
        Start and end of SUVR's frames; must be given for it [min].
    until_min
        Frames that end later are left out; ``None``: none [min].

    Raises
    ------
    InputError
        When a choice is out of range, needed and absent, or plays no part in the model.

    Examples
    --------
    >>> config = KineticsConfig("logan", t_star=TStarChoice("frames", 10))
    >>> config.choices()["t_star"], config.choices()["vb"], config.by_default()[:2]
    ('last 10 frames', 0.05, ('frame_model', 'weighting'))
    """

    model: str
    reference: str | None = None
    regions: tuple[str, ...] = ()
    frame_model: str | None = None
    weighting: str | None = None
    t_star: TStarChoice | None = None
    point_weights: str | None = None
    vb: float | tuple[float, float] | None = None
    delay_s: float | None = None
    delay_region: str | None = None
    delay_bounds_s: tuple[float, float] = DEFAULT_DELAY_BOUNDS_S
    delay_model: str | None = None
    end_rule: str | None = None
    parent: str | None = None
    plasma_over_blood: float | None = None
    most_relative_vt_error: float | None = None
    rates_per_min: tuple[float, float] | None = None
    k2a_range_per_min: tuple[float, float] | None = None
    k2_prime_per_min: float | None = None
    window_min: tuple[float, float] | None = None
    until_min: float | None = None

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise InputError(f"model must be one of {', '.join(MODELS)}; got {self.model!r}")
        for name, known in (
            ("frame_model", FRAME_MODELS),
            ("weighting", WEIGHTINGS),
            ("point_weights", POINT_WEIGHTS),
            ("end_rule", END_RULES),
            ("parent", PARENTS),
            ("delay_model", DELAY_MODELS),
        ):
            value = getattr(self, name)
            if value is not None and value not in known:
                raise InputError(
                    f"{name} must be one of {', '.join(known)}; got {value!r}; say {_option(name)} {known[0]}"
                )
        self._check_parts()
        self._check_needed()
        self._check_numbers()

    @property
    def uses_reference(self) -> bool:
        """Whether a reference region drives the model."""
        return self.model in REFERENCE_MODELS

    def parts(self) -> tuple[str, ...]:
        """Return the names of the choices that play a part in the model."""
        common = () if self.model == "suvr" else ("frame_model", "weighting")
        driven = ("reference",) if self.uses_reference else _WITH_BLOOD
        return (*common, *_OWN[self.model], *driven)

    def choices(self) -> dict[str, Any]:
        """Return every choice that plays a part, defaults filled in; ``None`` where there is none.

        The weighting that depends on the table is told as such.
        """
        found = {name: getattr(self, name) for name in self.parts()}
        for name, value in _defaults(self.model).items():
            if name in found and found[name] is None:
                found[name] = value
        if self.delay_region is not None and "delay_s" in found:
            found["delay_s"] = None
        return {name: str(v) if isinstance(v, TStarChoice) else v for name, v in found.items()}

    def by_default(self) -> tuple[str, ...]:
        """Return the names of the choices that play a part and were left to the defaults."""
        left = [n for n in self.parts() if getattr(self, n) is None and n in _defaults(self.model)]
        return tuple(n for n in left if not (n == "delay_s" and self.delay_region is not None))

    def _check_parts(self) -> None:
        parts = self.parts()
        choices = [f.name for f in fields(self) if f.default is None and f.name not in ("until_min",)]
        for name in choices:
            if getattr(self, name) is not None and name not in parts:
                if name == "reference":
                    raise InputError(
                        f"reference must be left out for {self.model}, which blood drives; got "
                        f"{self.reference!r}; models of a reference are {', '.join(REFERENCE_MODELS)}"
                    )
                raise InputError(
                    f"{_option(name)} must be left out for {self.model}: it plays no part in it; "
                    f"got {getattr(self, name)!r}"
                )
        if self.delay_s is not None and self.delay_region is not None:
            raise InputError("delay_s and delay_region must not both be given; leave one out")
        if self.delay_model is not None and self.delay_region is None:
            raise InputError(
                "delay_model must come with the region to find the delay from; got it alone; say --fit-delay "
                "REGION"
            )

    def _check_needed(self) -> None:
        needed = {
            "reference": ("REGION", REFERENCE_MODELS),
            "k2_prime_per_min": ("0.1", ("mrtm2", "reflogan")),
            "rates_per_min": ("0.005 6", ("spectral",)),
            "window_min": ("50 70", ("suvr",)),
        }
        for name, (example, models) in needed.items():
            if self.model in models and getattr(self, name) is None:
                raise InputError(
                    f"{name} must be given for {self.model}; got none; say --model {self.model} "
                    f"{_option(name)} {example}"
                )
        if self.k2_prime_per_min == 0 and self.model != "reflogan":
            raise InputError(f"k2_prime_per_min must be > 0 [1/min] for {self.model}; got 0")

    def _check_numbers(self) -> None:
        if isinstance(self.vb, tuple) and self.model in (*_GRAPHICAL, "ma1", "ma2"):
            raise InputError(f"vb must be one number for {self.model}; got bounds; say --vb 0.05")
        for name, unit in (("delay_s", "s"), ("plasma_over_blood", "1"), ("until_min", "min")):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise InputError(f"{name} must be finite [{unit}]; got {value!r}")
        if self.delay_s is not None and abs(self.delay_s) > 600.0:
            raise InputError(
                f"delay_s must be -600 to 600 [s]; got {self.delay_s:g}; a delay is seconds, seldom a minute"
            )
        if self.k2_prime_per_min is not None and not 0 <= self.k2_prime_per_min < math.inf:
            raise InputError(f"k2_prime_per_min must be >= 0 [1/min]; got {self.k2_prime_per_min!r}")
        limit = self.most_relative_vt_error
        if limit is not None and not limit > 0:
            raise InputError(f"most_relative_vt_error must be > 0; got {limit!r}; 0.1 is 10 %")


def default_t_star(model: str) -> TStarChoice:
    """Return the rule of t* where none is chosen.

    Examples
    --------
    >>> default_t_star("mrtm1").rule
    'all'
    """
    return TStarChoice("all", 0) if model in ("mrtm1", "mrtm2") else TStarChoice("residual", DEFAULT_RESIDUAL)


def _defaults(model: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "frame_model": "average",
        "weighting": "given, else duration",
        "t_star": default_t_star(model),
        "point_weights": "propagated",
        "vb": DEFAULT_VB,
        "delay_s": 0.0,
        "end_rule": "refuse",
        "parent": "interpolated",
        "most_relative_vt_error": DEFAULT_VT_ERROR,
        "k2a_range_per_min": DEFAULT_K2A_RANGE_PER_MIN,
    }
    if model == "srtm2":
        found["k2_prime_per_min"] = "fitted"
    return found


def _option(name: str) -> str:
    own = {"delay_region": "--fit-delay", "weighting": "--weights", "t_star": "--t-star-..."}
    return own.get(name, "--" + name.replace("_", "-"))
