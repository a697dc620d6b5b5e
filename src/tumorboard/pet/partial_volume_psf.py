"""How a scanner blurs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tumorboard.errors import InputError

__all__ = ["GaussianPsf"]


@dataclass(frozen=True, slots=True)
class GaussianPsf:
    """Point spread function of a scanner and its reconstruction, the same everywhere.

    Parameters
    ----------
    fwhm_mm
        Full width at half maximum along the array axes (z, y, x); 0: no blur along that axis [mm].
    """

    fwhm_mm: tuple[float, float, float]

    def __post_init__(self) -> None:
        widths = np.asarray(self.fwhm_mm, np.float64)
        if widths.shape != (3,) or not (np.isfinite(widths).all() and (widths >= 0).all()):
            raise InputError(
                f"fwhm_mm must be three widths >= 0 along (z, y, x) [mm]; got {self.fwhm_mm!r}; measure it "
                "with a point or line source, reconstructed as the scan was"
            )
        z, y, x = widths.tolist()
        object.__setattr__(self, "fwhm_mm", (z, y, x))
