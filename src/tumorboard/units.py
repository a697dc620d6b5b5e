"""Conversion factors to the units used inside: mm, s, Bq, Gy, MeV, kg, K.

Only this module and :mod:`tumorboard.io` convert. Multiply by a factor to go
from the unit named first to the unit named last: ``half_life_s = 109.77 * S_PER_MIN``.
"""

from typing import Final

__all__ = [
    "BQ_PER_MBQ",
    "CM_PER_MM",
    "G_PER_KG",
    "ML_PER_MM3",
    "MM_PER_CM",
    "MM_PER_M",
    "S_PER_DAY",
    "S_PER_H",
    "S_PER_MIN",
    "S_PER_MS",
]

MM_PER_CM: Final = 10.0
MM_PER_M: Final = 1000.0
CM_PER_MM: Final = 0.1
ML_PER_MM3: Final = 1e-3
S_PER_MS: Final = 1e-3
S_PER_MIN: Final = 60.0
S_PER_H: Final = 3600.0
S_PER_DAY: Final = 86400.0
BQ_PER_MBQ: Final = 1e6
G_PER_KG: Final = 1000.0
