"""What a user can choose about the dose of a radioligand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from tumorboard.errors import InputError
from tumorboard.physics.decay_library import DecayLibrary

__all__ = ["NUCLIDES", "ContourSource", "RadioligandConfig"]

#: Nuclides that treat by their electrons, whose progeny is stable or of no consequence, and whose photons a
#: camera counts.
NUCLIDES = ("Lu-177", "Tb-161", "Sm-153", "Ho-166", "Re-188")


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

    Raises
    ------
    InputError
        When a number is out of range.

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

    def __post_init__(self) -> None:
        for name in ("lesion_relative_uncertainty", "total_relative_uncertainty"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise InputError(f"{name} must be > 0 and < 1; got {value!r}; 0.1 is 10 %")
        if not (math.isfinite(self.margin_mm) and 10 <= self.margin_mm <= 200):
            raise InputError(f"margin_mm must be 10 to 200 [mm]; got {self.margin_mm!r}")
        if not isinstance(self.library, DecayLibrary):
            names = ", ".join(f"DecayLibrary.{one.name}" for one in DecayLibrary)
            raise InputError(f"library must be one of {names}; got {self.library!r}")
        if not isinstance(self.contours, ContourSource):
            names = ", ".join(f"ContourSource.{one.name}" for one in ContourSource)
            raise InputError(f"contours must be one of {names}; got {self.contours!r}")
        unseen = self.unseen_registration_error_mm
        if not (math.isfinite(unseen) and unseen >= 0):
            raise InputError(f"unseen_registration_error_mm must be >= 0 [mm]; got {unseen!r}")
