"""How many decays Monte Carlo follows: enough for a stated uncertainty of every region's mean dose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from tumorboard.numerics.voxelise import voxelise
from tumorboard.workflows.radioligand.time_course import ActivityScan, scan_time_s

__all__ = ["TARGET_UNCERTAINTY", "histories_for"]

#: Relative standard uncertainty that Monte Carlo may leave in a region's mean dose: little beside 10 % of
#: activities.
TARGET_UNCERTAINTY: Final = 0.005
_FEWEST, _MOST = 200_000, 3_000_000
#: Mean square over squared mean of the energy that a decay leaves nearby: of a beta spectrum without shape
#: factor it is 1.4 to 1.5.
_SPREAD: Final = 1.5


def histories_for(scans: Sequence[ActivityScan]) -> int:
    """Return decays in the whole scan, so that the region with fewest gets enough of them.

    A region with a share of the decays has a mean dose of relative variance spread / (share x decays), as
    far as
    it is its own source. Shares are those of the activity on the last scan. What was reached is told after.

    Parameters
    ----------
    scans
        Of one administration.
    """
    drawn = [scan for scan in scans if scan.lesions.names]
    if not drawn:
        return _MOST
    last = max(drawn, key=scan_time_s)
    values = np.maximum(np.asarray(last.image.values, np.float64), 0.0)
    inside = [voxelise(one, last.image.grid).values for one in last.lesions.structures]
    shares = [float((values * mask).sum() / values.sum()) for mask in inside]
    least = min((share for share in shares if share > 0), default=0.0)
    if least == 0.0:
        return _MOST
    return int(min(max(math.ceil(_SPREAD / (TARGET_UNCERTAINTY**2 * least)), _FEWEST), _MOST))
