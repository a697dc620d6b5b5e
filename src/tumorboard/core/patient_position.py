"""How a patient lies on the couch."""

from __future__ import annotations

from enum import Enum

__all__ = ["PatientPosition"]


class PatientPosition(Enum):
    """Patient Position (0018,5100) of DICOM: in the scanner, or on the treatment couch."""

    HEAD_FIRST_SUPINE = "HFS"
    HEAD_FIRST_PRONE = "HFP"
    HEAD_FIRST_DECUBITUS_LEFT = "HFDL"
    HEAD_FIRST_DECUBITUS_RIGHT = "HFDR"
    FEET_FIRST_SUPINE = "FFS"
    FEET_FIRST_PRONE = "FFP"
    FEET_FIRST_DECUBITUS_LEFT = "FFDL"
    FEET_FIRST_DECUBITUS_RIGHT = "FFDR"
