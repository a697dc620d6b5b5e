"""(-)-[18F]flubatine: what is published, and a made-up study to try the methods on.

Published volumes of distribution are the group means of 30 people [1]_ in a parcellation whose regions are
named here only where the order of its file leaves no doubt. All that begins with ``SIMULATED`` is assumed: no
rate constants, input function or metabolites of people were found in what could be read.

References
----------
.. [1] hillmer2016flubatine
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.nuclide import Nuclide
from tumorboard.pet.kinetics.simulated_curves import BolusBlood, TissueRates
from tumorboard.pet.kinetics.study_template import (
    ModelAdvice,
    PublishedVolume,
    ReferenceCaveat,
    StudyTemplate,
)
from tumorboard.pet.kinetics.t_star import LargestResidual

__all__ = ["FLUBATINE", "SIMULATED_BOLUS", "SIMULATED_RATES", "flubatine_frames"]

_HILLMER: Final = "hillmer2016flubatine"
_BHATT: Final = "bhatt2018flubatine"

FLUBATINE: Final = StudyTemplate(
    tracer="(-)-[18F]flubatine",
    nuclide=Nuclide.named("F-18"),
    target="α4β2* nicotinic acetylcholine receptor",
    reversible=True,
    scan_s=5400.0,
    models=(
        ModelAdvice("1TCM", "fewest rates; whether it suffices shows the AICc against 2TCM in each study"),
        ModelAdvice("2TCM", "to test the former; VT is reported only where it is determined"),
        ModelAdvice("MA1", "used for VT of monkeys with this tracer [gallezot2014flubatine]"),
        ModelAdvice("Logan", "for maps; noise lowers its VT"),
    ),
    t_star=LargestResidual(0.05, 6),
    t_star_note="no published time was found; the rule finds it in the study's own curves",
    volumes=(
        PublishedVolume("thalamus", 20.4, 30, _HILLMER),
        PublishedVolume("brainstem", 11.9, 30, _HILLMER),
        PublishedVolume("cortex", 9.62, 30, _HILLMER),
    ),
    reference_caveats=(
        ReferenceCaveat(
            "corpus callosum",
            "when three smokers smoked one cigarette during the scan, VT fell even in the corpus callosum, "
            "by 21 ± 9 %, and in the cerebellum by 36 ± 11 %: both hold binding that can be displaced, and "
            "against them a change in other regions is seen too small",
            _BHATT,
        ),
    ),
)

#: VT [mL/cm3] and K1 [mL/cm3/min] of the phantom's parts. Thalamus and brainstem have the published VT, and
#: the four lobes surround the published mean of the cortex; all other VT, and every K1, are assumed, and so
#: is that there is one tissue compartment.
_ASSUMED: Final = {
    "thalamus": (20.4, 0.45),
    "caudate": (10.7, 0.40),
    "putamen": (11.3, 0.42),
    "brainstem": (11.9, 0.35),
    "corpus callosum": (5.8, 0.15),
    "cerebellum": (8.4, 0.42),
    "frontal cortex": (9.9, 0.40),
    "parietal cortex": (9.7, 0.40),
    "temporal cortex": (9.4, 0.38),
    "occipital cortex": (9.1, 0.42),
    "white matter": (7.0, 0.18),
}

#: Of each part of the brain phantom.
SIMULATED_RATES: Final = MappingProxyType(
    {part: TissueRates(k1, k1 / vt) for part, (vt, k1) in _ASSUMED.items()}
)

#: A bolus of some hundred MBq. Metabolites in people are few [tiepolt2021flubatine];
#: 10 % at last are assumed.
SIMULATED_BOLUS: Final = BolusBlood(
    arrival_s=20.0,
    amplitudes=(250.0, 5.0, 2.0),
    rates_per_min=(4.0, 0.2, 0.006),
    parent_end=0.9,
    parent_half_min=30.0,
    parent_power=1.5,
    blood_over_plasma=0.9,
)


def flubatine_frames() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return starts and durations of 26 frames over 90 minutes, each of shape ``(26,)`` [s].

    Examples
    --------
    >>> start_s, duration_s = flubatine_frames()
    >>> len(start_s), float(start_s[-1] + duration_s[-1])
    (26, 5400.0)
    """
    duration = np.repeat([15.0, 30.0, 60.0, 120.0, 300.0, 600.0], [4, 4, 3, 2, 10, 3]).astype(np.float64)
    end = np.cumsum(duration)
    return end - duration, duration
