"""What a user can choose about the dose of a radioligand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from tumorboard.dosimetry.progeny_fate import ProgenyFate
from tumorboard.errors import InputError
from tumorboard.physics.decay_library import DecayLibrary

__all__ = [
    "ALPHA_NUCLIDES",
    "NUCLIDES",
    "ContourSource",
    "CurveChoice",
    "HalfLives",
    "RadioligandConfig",
    "SingleScan",
]

_ELECTRON_NUCLIDES: Final = ("Lu-177", "Tb-161", "I-131", "Y-90", "Sm-153", "Ho-166", "Re-188")
#: Nuclides that treat by alphas, mostly their progeny's: where that decays must be assumed.
ALPHA_NUCLIDES: Final = ("Ra-223", "Ac-225", "Pb-212", "Bi-213", "Th-227")
#: Nuclides that treat, of which scans in Bq/mL can be made; progeny of the first ones is stable or of no
#: consequence. Those that only diagnose (F-18, Ga-68, Cu-64, Zr-89, I-124 ...) are left to other sections.
NUCLIDES: Final = (*_ELECTRON_NUCLIDES, *ALPHA_NUCLIDES)


class CurveChoice(Enum):
    """Which curve goes through activities.

    ``AICC``: through three scans or more the one that the information criterion chooses, through two a
    mono-exponential. ``MONO``: a mono-exponential. ``TRAPEZOID``: straight lines from 0 through the scans,
    then physical decay, an upper limit but for activity that comes in later.
    """

    AICC = "aicc"
    MONO = "mono"
    TRAPEZOID = "trapezoid"


class SingleScan(Enum):
    """How decays follow from one scan.

    ``HAENSCHEID``, ``MADSEN`` and ``POPULATION_MEAN``: methods of
    :class:`~tumorboard.dosimetry.single_time_point.SingleTimePointMethod`. ``PHYSICAL_DECAY``: all stays
    where it is, as microspheres do.
    """

    HAENSCHEID = "haenscheid"
    MADSEN = "madsen"
    POPULATION_MEAN = "population_mean"
    PHYSICAL_DECAY = "physical_decay"


@dataclass(frozen=True, slots=True)
class HalfLives:
    """Effective half-lives among patients, lognormal and cut off at the physical one.

    Parameters
    ----------
    median_h
        Before it is cut off, > 0 [h].
    geometric_sd
        Factor by which one standard deviation differs, > 1.
    source
        Where they were found, in words: the notes of the result say it.

    Raises
    ------
    InputError
        When a number is out of range.

    Examples
    --------
    >>> HalfLives(50.0, 1.3, "example, not measured").geometric_sd
    1.3
    """

    median_h: float
    geometric_sd: float
    source: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.median_h) and self.median_h > 0):
            raise InputError(f"median_h must be finite and > 0 [h]; got {self.median_h!r}")
        if not (math.isfinite(self.geometric_sd) and self.geometric_sd > 1):
            raise InputError(
                f"geometric_sd must be finite and > 1; got {self.geometric_sd!r}; 1.3 stands for about 30 %"
            )


class ContourSource(Enum):
    """Which contours lesions are measured in.

    ``EACH_SCAN``: those drawn on each. ``PROPAGATED_RIGID`` and ``PROPAGATED_DEFORMABLE``: those of the last
    scan that has any, carried to all others by registration of the scans.
    """

    EACH_SCAN = "each_scan"
    PROPAGATED_RIGID = "propagated_rigid"
    PROPAGATED_DEFORMABLE = "propagated_deformable"


@dataclass(frozen=True, slots=True)
class RadioligandConfig:
    """How activities are taken, and how dose is calculated.

    Parameters
    ----------
    lesion_relative_uncertainty, total_relative_uncertainty
        Standard uncertainty of an activity in a contour, and in the whole scan, of one scan, independent of
        those of the other scans, > 0 and < 1. They are assumed, not measured: contour, recovery and noise
        for the first, calibration for the second.
    margin_mm
        Tissue around the lesions in which decays are counted, 10 to 200 [mm]. What electrons and most of the
        photons' dose need; photons from farther away are left out.
    histories
        Decays that Monte Carlo follows.
    kernel_histories
        Particles, and photons, that make the kernel.
    seed
        Of both.
    threads
        At a time, >= 1; only the time depends on them.
    photons_stay_below_mev
        For local deposition: photons below this stay where they are set free [MeV].
    least_density_g_cm3
        For local deposition and kernel: voxels lighter than this get no dose [g/cm3].
    library
        Of evaluated decay data, for half-life and emissions; the notes of the result name it.
    contours
        Which contours lesions are measured in; the notes say it.
    compare_contours
        Whether lesions drawn on each scan are also carried rigidly from the last one and compared, which
        changes no dose.
    unseen_registration_error_mm
        Error of the place of a carried lesion that registrations do not show by themselves: breathing, organs
        that slide; >= 0, root mean square in three dimensions [mm]. Assumed.
    curve
        Through the activities; the notes say it.
    single_scan
        How decays follow from one scan; ``None``: then one scan is refused.
    half_lives
        Of a population, by name of a region; that of ``""`` is for all others. Needed for one scan, but for
        ``SingleScan.PHYSICAL_DECAY``: without, nothing would be known of the error.
    progeny
        Where progeny decays; must be given for :data:`ALPHA_NUCLIDES`. ``None``: progeny is not looked at.
    alpha_rbe
        Relative biological effectiveness of alphas, >= 1, for a dose weighted by it beside the absorbed one;
        ``None``: no such dose.

    Raises
    ------
    InputError
        When a number is out of range, or half-lives are missing.

    Examples
    --------
    >>> RadioligandConfig(margin_mm=30.0).lesion_relative_uncertainty
    0.1
    """

    lesion_relative_uncertainty: float = 0.10
    total_relative_uncertainty: float = 0.05
    margin_mm: float = 40.0
    histories: int = 3_000_000
    kernel_histories: int = 40_000
    seed: int = 1
    threads: int = 1
    photons_stay_below_mev: float = 0.01
    least_density_g_cm3: float = 0.1
    library: DecayLibrary = DecayLibrary.ENDF_B_VIII_1
    contours: ContourSource = ContourSource.EACH_SCAN
    compare_contours: bool = True
    unseen_registration_error_mm: float = 3.0
    curve: CurveChoice = CurveChoice.AICC
    single_scan: SingleScan | None = None
    half_lives: Mapping[str, HalfLives] = field(default_factory=dict)
    progeny: ProgenyFate | None = None
    alpha_rbe: float | None = None

    def __post_init__(self) -> None:
        for name in ("lesion_relative_uncertainty", "total_relative_uncertainty"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise InputError(f"{name} must be > 0 and < 1; got {value!r}; 0.1 is 10 %")
        if not (math.isfinite(self.margin_mm) and 10 <= self.margin_mm <= 200):
            raise InputError(f"margin_mm must be 10 to 200 [mm]; got {self.margin_mm!r}")
        for name, kind in (
            ("library", DecayLibrary),
            ("contours", ContourSource),
            ("curve", CurveChoice),
            *((("single_scan", SingleScan),) if self.single_scan is not None else ()),
        ):
            if not isinstance(getattr(self, name), kind):
                names = ", ".join(f"{kind.__name__}.{one.name}" for one in kind)
                raise InputError(f"{name} must be one of {names}; got {getattr(self, name)!r}")
        unseen = self.unseen_registration_error_mm
        if not (math.isfinite(unseen) and unseen >= 0):
            raise InputError(f"unseen_registration_error_mm must be >= 0 [mm]; got {unseen!r}")
        if self.single_scan not in (None, SingleScan.PHYSICAL_DECAY) and "" not in self.half_lives:
            raise InputError(
                f"half_lives must hold those of all regions, by the name '', for {self.single_scan}; got "
                f"{sorted(self.half_lives)}; without them nothing is known of the error of one scan"
            )
        if self.alpha_rbe is not None and not (math.isfinite(self.alpha_rbe) and self.alpha_rbe >= 1):
            raise InputError(f"alpha_rbe must be finite and >= 1; got {self.alpha_rbe!r}")
        object.__setattr__(self, "half_lives", MappingProxyType(dict(self.half_lives)))

    def half_lives_of(self, region: str) -> HalfLives:
        """Return the population's effective half-lives of a region, or those of all others.

        Parameters
        ----------
        region
            Name of a structure.
        """
        return self.half_lives.get(region, self.half_lives[""])

    def parameters(self) -> dict[str, Any]:
        """Return what the result depends on, as JSON-serialisable values."""
        told = {name: getattr(self, name) for name in self.__slots__}
        for name in ("threads", "half_lives", "progeny"):
            told.pop(name)
        told = {name: value.value if isinstance(value, Enum) else value for name, value in told.items()}
        told["half_lives"] = {name: asdict(one) for name, one in self.half_lives.items()}
        told["progeny"] = None if self.progeny is None else self.progeny.statement
        return told
