"""A scanner's calibration: from CT numbers to density or stopping power."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.core.image import Quantity
from tumorboard.errors import InputError
from tumorboard.provenance import Record

__all__ = ["HuCurve"]


@dataclass(frozen=True, slots=True, eq=False)
class HuCurve:
    """A piecewise linear curve; beyond its ends the end values hold.

    Parameters
    ----------
    name
        For people, and for prescriptions to choose it by.
    ct_number_hu
        Ascending, shape ``(n_points,)`` [HU]; two equal neighbours are a step.
    values
        In the unit of ``quantity``, >= 0, shape ``(n_points,)``.
    quantity
        ``DENSITY`` [g/cm3] or ``RELATIVE_STOPPING_POWER``.
    provenance
        Where it comes from.

    Raises
    ------
    InputError
        When the CT numbers do not ascend, a value is negative or not finite, or the quantity is another.

    Examples
    --------
    >>> scanner = Record("example")
    >>> hu, rsp = np.array([-1000.0, 0.0, 1500.0]), np.array([0.001, 1.0, 1.8])
    >>> HuCurve("head, 120 kV", hu, rsp, Quantity.RELATIVE_STOPPING_POWER, scanner).values.size
    3
    """

    name: str
    ct_number_hu: NDArray[np.float64]
    values: NDArray[np.float64]
    quantity: Quantity
    provenance: Record

    def __post_init__(self) -> None:
        hu = read_only(self.ct_number_hu, np.float64)
        values = read_only(self.values, np.float64)
        if hu.ndim != 1 or hu.size < 2 or hu.shape != values.shape or (np.diff(hu) < 0).any():
            raise InputError(
                f"ct_number_hu of curve {self.name!r} must ascend: two or more points, a value each [HU]; "
                f"got {hu.size} and {values.size}"
            )
        if not (np.isfinite(hu).all() and np.isfinite(values).all() and (values >= 0).all()):
            raise InputError(f"points of curve {self.name!r} must be finite and values >= 0; got {values!r}")
        if self.quantity not in (Quantity.DENSITY, Quantity.RELATIVE_STOPPING_POWER):
            raise InputError(
                f"quantity of curve {self.name!r} must be DENSITY or RELATIVE_STOPPING_POWER; "
                f"got {self.quantity}"
            )
        object.__setattr__(self, "ct_number_hu", hu)
        object.__setattr__(self, "values", values)
