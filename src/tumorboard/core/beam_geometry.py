"""From which side a beam reaches the patient: IEC 61217 angles and DICOM patient coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.patient_position import PatientPosition
from tumorboard.errors import InputError

__all__ = ["BeamGeometry"]

#: Patient directions (LPS) of the couch's axes y, towards the gantry, and z, up, for each way to lie.
_COUCH_AXES_IN_PATIENT = {
    PatientPosition.HEAD_FIRST_SUPINE: ((0, 0, 1), (0, -1, 0)),
    PatientPosition.HEAD_FIRST_PRONE: ((0, 0, 1), (0, 1, 0)),
    PatientPosition.HEAD_FIRST_DECUBITUS_LEFT: ((0, 0, 1), (-1, 0, 0)),  # left side down
    PatientPosition.HEAD_FIRST_DECUBITUS_RIGHT: ((0, 0, 1), (1, 0, 0)),
    PatientPosition.FEET_FIRST_SUPINE: ((0, 0, -1), (0, -1, 0)),
    PatientPosition.FEET_FIRST_PRONE: ((0, 0, -1), (0, 1, 0)),
    PatientPosition.FEET_FIRST_DECUBITUS_LEFT: ((0, 0, -1), (-1, 0, 0)),
    PatientPosition.FEET_FIRST_DECUBITUS_RIGHT: ((0, 0, -1), (1, 0, 0)),
}


@dataclass(frozen=True, slots=True, eq=False)
class BeamGeometry:
    """Where a beam comes from.

    The gantry system of IEC 61217 has its origin in the isocentre, z towards the source (the beam travels
    along -z), y along the gantry's axis of rotation and x to complete it. Spot positions are given in it.

    Parameters
    ----------
    gantry_angle_deg
        Gantry angle [deg].
    couch_angle_deg
        Patient support angle [deg].
    isocentre_mm
        Patient point (x, y, z), shape ``(3,)`` [mm].
    collimator_angle_deg
        Beam limiting device angle; turns apertures, never spots [deg].
    patient_position
        How the patient lies.

    Raises
    ------
    InputError
        When a value is not finite.

    Examples
    --------
    >>> left = BeamGeometry(90.0, 0.0, (0.0, 0.0, 0.0))
    >>> left.travel_direction.round(6) + 0.0  # from the patient's left to the right
    array([-1.,  0.,  0.])
    """

    gantry_angle_deg: float
    couch_angle_deg: float
    isocentre_mm: NDArray[np.float64]
    collimator_angle_deg: float = 0.0
    patient_position: PatientPosition = PatientPosition.HEAD_FIRST_SUPINE

    def __post_init__(self) -> None:
        for name in ("gantry_angle_deg", "couch_angle_deg", "collimator_angle_deg"):
            if not math.isfinite(getattr(self, name)):
                raise InputError(f"{name} must be finite [deg]; got {getattr(self, name)!r}")
        isocentre_mm = read_only(self.isocentre_mm, np.float64)
        if isocentre_mm.shape != (3,) or not np.isfinite(isocentre_mm).all():
            raise InputError(f"isocentre_mm must be a finite point (x, y, z) [mm]; got {self.isocentre_mm!r}")
        object.__setattr__(self, "isocentre_mm", isocentre_mm)

    @property
    def gantry_to_patient(self) -> NDArray[np.float64]:
        """Rotation, shape ``(3, 3)``; column ``i`` is the patient direction of the gantry's axis ``i``."""
        gantry, couch = np.deg2rad(self.gantry_angle_deg), np.deg2rad(self.couch_angle_deg)
        # Gantry to fixed: about y, so that 90 degrees brings the source to +x. Fixed to couch: about z.
        to_fixed = np.array(
            [[np.cos(gantry), 0, np.sin(gantry)], [0, 1, 0], [-np.sin(gantry), 0, np.cos(gantry)]]
        )
        to_couch = np.array(
            [[np.cos(couch), np.sin(couch), 0], [-np.sin(couch), np.cos(couch), 0], [0, 0, 1]]
        )
        y, z = np.array(_COUCH_AXES_IN_PATIENT[self.patient_position], dtype=np.float64)
        to_patient = np.stack([np.cross(y, z), y, z], axis=1)
        rotation: NDArray[np.float64] = to_patient @ to_couch @ to_fixed
        return rotation

    @property
    def travel_direction(self) -> NDArray[np.float64]:
        """Unit vector of the central axis, downstream, in patient coordinates (x, y, z), shape ``(3,)``."""
        return -self.gantry_to_patient[:, 2]

    def to_gantry(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Return gantry coordinates, shape ``(..., 3)`` [mm], of patient points (x, y, z)."""
        points: NDArray[np.float64] = (
            np.asarray(points_mm, dtype=np.float64) - self.isocentre_mm
        ) @ self.gantry_to_patient
        return points

    def to_patient(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Return patient points (x, y, z), shape ``(..., 3)`` [mm], of gantry coordinates."""
        points: NDArray[np.float64] = (
            np.asarray(points_mm, dtype=np.float64) @ self.gantry_to_patient.T + self.isocentre_mm
        )
        return points
